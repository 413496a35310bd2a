// Tensors in and out: over the caller's memory, from a copy of it, and back into it.
#include "arena.h"
#include "device.h"
#include "failure.h"
#include "shape.h"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <cstring>

namespace fastbatch {
namespace {

at::Tensor over(void* data, const Shape& shape, c10::Device device = c10::Device(c10::DeviceType::CPU)) {
    return at::for_blob(data, shape.sizes())
        .strides(shape.strides())
        .options(at::TensorOptions(shape.type()).device(device))
        .target_device(device)
        .make_tensor();
}

// As `over`, but libtorch counts what writes to it, which it does not for tensors made in inference mode.
at::Tensor counted(void* data, const Shape& shape, c10::Device device = c10::Device(c10::DeviceType::CPU)) {
    const c10::InferenceMode off(false);
    return over(data, shape, device);
}

// Whether the tensor's elements are its bytes, one after the other. Conjugate, negative and zero tensors are lazy: their bytes are not yet
// their elements.
bool is_plain(const at::Tensor& tensor) {
    return tensor.layout() == at::kStrided && tensor.device().is_cpu() && tensor.is_contiguous() && !tensor.is_conj() && !tensor.is_neg() &&
           !tensor._is_zerotensor();
}

void check_output(const void* pointer, const char* name) {
    if (pointer == nullptr) {
        fail(FB_ARGUMENT, name, " is null");
    }
}

void check_result(const at::Tensor& tensor, const Shape& shape) {
    if (tensor.scalar_type() != shape.type() || tensor.sizes() != shape.sizes()) {
        fail(FB_MISMATCH, "expected ", shape_text(shape.type(), shape.sizes()), ", the model returned ",
             shape_text(tensor.scalar_type(), tensor.sizes()));
    }
}

void read(const at::Tensor& tensor, const Shape& shape, void* destination) {
    check_result(tensor, shape);
    const bool plain = shape.is_row_major() && is_plain(tensor);
    shape.check_memory(destination, "destination", !plain);
    if (shape.bytes() == 0) {
        return;
    }

    if (plain) {
        std::memcpy(destination, tensor.data_ptr(), shape.bytes());
    } else {
        // The one copy libtorch makes goes straight into the caller's layout.
        over(destination, shape).copy_(tensor.layout() == at::kStrided ? tensor : tensor.to_dense());
    }
}

}  // namespace
}  // namespace fastbatch

using fastbatch::Arena;
using fastbatch::guarded;
using fastbatch::Shape;

fb_status fb_tensor_borrow(void* data, int32_t dtype, int32_t rank, const int64_t* sizes, const int64_t* strides, fb_tensor* tensor,
                           char* error, int32_t error_capacity) {
    return guarded(error, error_capacity, [&] {
        Arena& arena = Arena::of_this_thread();
        arena.require_scope("a tensor");
        fastbatch::check_output(tensor, "tensor");
        const Shape shape(dtype, rank, sizes, strides);
        shape.check_memory(data, "data", true);
        *tensor = arena.add(fastbatch::counted(data, shape), true);
    });
}

fb_status fb_tensor_borrow_cuda(void* data, int32_t device_index, int32_t dtype, int32_t rank, const int64_t* sizes, const int64_t* strides,
                                fb_tensor* tensor, char* error, int32_t error_capacity) {
    return guarded(error, error_capacity, [&] {
        Arena& arena = Arena::of_this_thread();
        arena.require_scope("a tensor");
        fastbatch::check_output(tensor, "tensor");
        const c10::Device device = fastbatch::checked_device(FB_CUDA, device_index);
        const Shape shape(dtype, rank, sizes, strides);
        shape.check_memory(data, "data", true);
        *tensor = arena.add(fastbatch::counted(data, shape, device), true);
    });
}

fb_status fb_tensor_write_cuda(fb_tensor tensor, int32_t device_index, int32_t dtype, int32_t rank, const int64_t* sizes,
                               const int64_t* strides, void* destination, char* error, int32_t error_capacity) {
    return guarded(error, error_capacity, [&] {
        const c10::Device device = fastbatch::checked_device(FB_CUDA, device_index);
        const at::Tensor& written = Arena::of_this_thread().at(tensor);
        const Shape shape(dtype, rank, sizes, strides);
        fastbatch::check_result(written, shape);
        shape.check_memory(destination, "destination", true);
        if (shape.bytes() > 0) {
            fastbatch::over(destination, shape, device)
                .copy_(written.layout() == at::kStrided ? written : written.to_dense(), /* non_blocking */ true);
        }
    });
}

fb_status fb_tensor_copy(const void* data, int32_t dtype, int32_t rank, const int64_t* sizes, const int64_t* strides, fb_tensor* tensor,
                         char* error, int32_t error_capacity) {
    return guarded(error, error_capacity, [&] {
        Arena& arena = Arena::of_this_thread();
        arena.require_scope("a tensor");
        fastbatch::check_output(tensor, "tensor");
        const Shape shape(dtype, rank, sizes, strides);
        shape.check_memory(data, "data", !shape.is_row_major());
        at::Tensor copy = at::empty(shape.sizes(), at::TensorOptions(shape.type()));
        if (shape.bytes() == 0) {
            // nothing to copy, and data may be null
        } else if (shape.is_row_major()) {
            std::memcpy(copy.data_ptr(), data, shape.bytes());
        } else {
            copy.copy_(fastbatch::over(const_cast<void*>(data), shape));
        }

        *tensor = arena.add(std::move(copy), false);
    });
}

fb_status fb_tensor_handle(void* data, int32_t dtype, int32_t rank, const int64_t* sizes, const int64_t* strides, void** handle, char* error,
                           int32_t error_capacity) {
    return guarded(error, error_capacity, [&] {
        fastbatch::check_output(handle, "handle");
        const Shape shape(dtype, rank, sizes, strides);
        shape.check_memory(data, "data", true);
        *handle = new at::Tensor(fastbatch::over(data, shape));
    });
}

fb_status fb_tensor_describe(fb_tensor tensor, int32_t* dtype, int32_t* rank, int64_t* sizes, int32_t sizes_capacity, char* error,
                             int32_t error_capacity) {
    return guarded(error, error_capacity, [&] {
        const at::Tensor& described = Arena::of_this_thread().at(tensor);
        const auto lengths = described.sizes();
        if (dtype != nullptr) {
            *dtype = static_cast<int32_t>(described.scalar_type());
        }

        if (rank != nullptr) {
            *rank = static_cast<int32_t>(lengths.size());
        }

        if (sizes != nullptr && sizes_capacity > 0) {
            std::copy_n(lengths.begin(), std::min(lengths.size(), static_cast<size_t>(sizes_capacity)), sizes);
        }
    });
}

fb_status fb_tensor_read(fb_tensor tensor, int32_t dtype, int32_t rank, const int64_t* sizes, const int64_t* strides, void* destination,
                         char* error, int32_t error_capacity) {
    return guarded(error, error_capacity, [&] {
        const Shape shape(dtype, rank, sizes, strides);
        fastbatch::read(Arena::of_this_thread().at(tensor), shape, destination);
    });
}
