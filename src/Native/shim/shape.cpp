// Shapes: see shape.h. Runs for every tensor that crosses the interface, so the way without an error does not allocate.
#include "shape.h"

#include "failure.h"

#include <algorithm>
#include <cstdint>

namespace fastbatch {
namespace {

using c10::ScalarType;

static_assert(FB_UINT8 == static_cast<int>(ScalarType::Byte) && FB_INT8 == static_cast<int>(ScalarType::Char) &&
                  FB_INT16 == static_cast<int>(ScalarType::Short) && FB_INT32 == static_cast<int>(ScalarType::Int) &&
                  FB_INT64 == static_cast<int>(ScalarType::Long) && FB_FLOAT16 == static_cast<int>(ScalarType::Half) &&
                  FB_FLOAT32 == static_cast<int>(ScalarType::Float) && FB_FLOAT64 == static_cast<int>(ScalarType::Double) &&
                  FB_COMPLEX64 == static_cast<int>(ScalarType::ComplexFloat) &&
                  FB_COMPLEX128 == static_cast<int>(ScalarType::ComplexDouble) && FB_BOOL == static_cast<int>(ScalarType::Bool) &&
                  FB_BFLOAT16 == static_cast<int>(ScalarType::BFloat16),
              "the numbers of element types are ATen's");

const char* known_name(int32_t dtype) {
    switch (dtype) {
        case FB_UINT8: return "uint8";
        case FB_INT8: return "int8";
        case FB_INT16: return "int16";
        case FB_INT32: return "int32";
        case FB_INT64: return "int64";
        case FB_FLOAT16: return "float16";
        case FB_FLOAT32: return "float32";
        case FB_FLOAT64: return "float64";
        case FB_COMPLEX64: return "complex64";
        case FB_COMPLEX128: return "complex128";
        case FB_BOOL: return "bool";
        case FB_BFLOAT16: return "bfloat16";
        default: return nullptr;
    }
}

ScalarType checked_type(int32_t dtype) {
    if (known_name(dtype) == nullptr) {
        fail(FB_ARGUMENT, "dtype ", dtype, " is no element type of fastbatch_native.h");
    }

    return static_cast<ScalarType>(dtype);
}

// a * b, or -1 when that is more than an int64_t; neither is negative.
int64_t product(int64_t a, int64_t b) { return a != 0 && b > INT64_MAX / a ? -1 : a * b; }

}  // namespace

std::string name_of(ScalarType type) {
    const char* name = known_name(static_cast<int32_t>(type));
    return name != nullptr ? name : c10::toString(type);
}

std::string shape_text(ScalarType type, c10::IntArrayRef sizes) {
    std::string text = name_of(type) + " [";
    for (size_t i = 0; i < sizes.size(); ++i) {
        text += (i == 0 ? "" : ", ") + std::to_string(sizes[i]);
    }

    return text + "]";
}

Shape::Shape(int32_t dtype, int32_t rank, const int64_t* sizes, const int64_t* strides)
    : type_(checked_type(dtype)), rank_(static_cast<size_t>(rank)), sizes_(sizes), strides_(strides) {
    if (rank < 0 || rank > FB_MAX_RANK) {
        fail(FB_ARGUMENT, "rank ", rank, " is not one of 0 .. ", FB_MAX_RANK);
    }

    if (rank > 0 && sizes == nullptr) {
        fail(FB_ARGUMENT, "sizes is null, but the rank is ", rank);
    }

    const auto element = static_cast<int64_t>(c10::elementSize(type_));
    bool empty = false;
    for (size_t i = 0; i < rank_; ++i) {
        if (sizes[i] < 0 || (strides != nullptr && strides[i] < 0)) {
            fail(FB_ARGUMENT, sizes[i] < 0 ? "size " : "stride ", sizes[i] < 0 ? sizes[i] : strides[i], " of dimension ", i, " is negative");
        }

        empty |= sizes[i] == 0;
    }

    // `count` is the number of elements, `reach` one more than the place of the last: both must be addressable in bytes.
    int64_t count = 1;
    int64_t reach = 1;
    for (size_t i = rank_; i-- > 0;) {
        row_major_[i] = count;
        const int64_t size = std::max(sizes[i], int64_t{1});  // as libtorch has it: the strides of an empty tensor mean nothing
        const int64_t stride = strides != nullptr ? strides[i] : count;
        is_row_major_ &= size == 1 || stride == count;

        count = product(count, size);
        const int64_t step = product(size - 1, stride);
        if (count < 0 || step < 0 || step > INT64_MAX - reach || product(count, element) < 0 || product(reach + step, element) < 0) {
            fail(FB_ARGUMENT, shape_text(type_, this->sizes()), " is more than can be addressed");
        }

        reach += step;
    }

    is_row_major_ |= empty;
    bytes_ = empty ? 0 : static_cast<size_t>(count * element);
}

void Shape::check_memory(const void* data, const char* what, bool must_be_aligned) const {
    if (data == nullptr && bytes_ > 0) {
        fail(FB_ARGUMENT, what, " is null, but the tensor is ", shape_text(type_, sizes()));
    }

    // Complex numbers are aligned like their halves, as C and C++ have it.
    const size_t alignment = c10::isComplexType(type_) ? c10::elementSize(type_) / 2 : c10::elementSize(type_);
    if (must_be_aligned && reinterpret_cast<uintptr_t>(data) % alignment != 0) {
        fail(FB_ARGUMENT, what, " is not aligned to its elements, ", name_of(type_));
    }
}

}  // namespace fastbatch
