// A caller's element type, sizes and strides, checked: what a Shape describes can be walked without an overflow.
#pragma once

#include <fastbatch_native.h>

#include <c10/core/ScalarType.h>
#include <c10/util/ArrayRef.h>

#include <array>
#include <string>

namespace fastbatch {

// "float32"; libtorch's own word for types that the interface has no name for.
std::string name_of(c10::ScalarType type);

// "float32 [64, 10]"
std::string shape_text(c10::ScalarType type, c10::IntArrayRef sizes);

class Shape {
public:
    // FB_ARGUMENT for what is impossible. Keeps the pointers: they are the caller's for the length of the call.
    Shape(int32_t dtype, int32_t rank, const int64_t* sizes, const int64_t* strides);

    c10::ScalarType type() const { return type_; }
    c10::IntArrayRef sizes() const { return {sizes_, rank_}; }
    c10::IntArrayRef strides() const { return {strides_ != nullptr ? strides_ : row_major_.data(), rank_}; }
    bool is_row_major() const { return is_row_major_; }
    size_t bytes() const { return bytes_; }  // of the elements, without gaps between them

    // FB_ARGUMENT if elements cannot lie there; `what` names it in the text.
    void check_memory(const void* data, const char* what, bool must_be_aligned) const;

private:
    c10::ScalarType type_;
    size_t rank_;
    const int64_t* sizes_;
    const int64_t* strides_;
    std::array<int64_t, FB_MAX_RANK> row_major_;
    bool is_row_major_ = true;
    size_t bytes_ = 0;
};

}  // namespace fastbatch
