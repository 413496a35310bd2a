// What one thread has of a CUDA device; see the header's last section. Only for sources that are built with CUDA.
// Invariant: only the thread that opened the streams comes here. Every call of CUDA's is checked; the error it leaves behind is cleared, for
// the next call that asks would be libtorch's.
#pragma once

#include "failure.h"

#include <fastbatch_native.h>

#include <ATen/cuda/CUDAGraph.h>
#include <c10/core/Device.h>
#include <c10/cuda/CUDAStream.h>

#include <cuda_runtime_api.h>

#include <memory>
#include <thread>
#include <unordered_set>

struct fb_cuda_event {
    cudaEvent_t event;
};

namespace fastbatch {

// One of libtorch's pools of memory, by its name. libtorch takes a name no more once the last graph of the pool is gone: nor is it kept longer.
using GraphPool = decltype(at::cuda::graph_pool_handle());

}  // namespace fastbatch

struct fb_cuda_graph {
    std::shared_ptr<const fastbatch::GraphPool> pool;
    at::cuda::CUDAGraph graph;  // goes first
};

struct fb_cuda_streams {
    fb_cuda_streams(c10::Device on, c10::cuda::CUDAStream computing, c10::cuda::CUDAStream current)
        : device(on), compute(computing), previous(current) {}

    const c10::Device device;
    const std::thread::id thread = std::this_thread::get_id();
    cudaStream_t copy_in = nullptr;
    cudaStream_t copy_out = nullptr;
    c10::cuda::CUDAStream compute;

    // What the thread had before, to be given back.
    c10::cuda::CUDAStream previous;
    int previous_device = 0;

    // Of these streams, until they are freed. Raw names of CUDA's: freed by close, or by whoever made them.
    std::unordered_set<void*> memory;
    std::unordered_set<fb_cuda_event*> events;

    // While one is recorded.
    std::unique_ptr<fb_cuda_graph> recording;

    // What the graphs have together.
    std::weak_ptr<const fastbatch::GraphPool> pool;
};

namespace fastbatch {

// Errors after which CUDA answers every call of this process with the same one: the context is gone.
bool is_final(cudaError_t error);

// Success, or FB_LOST, FB_OUT_OF_MEMORY or FB_TORCH. `what`: the call, as it is to be read in the text.
void check(cudaError_t error, const char* what);

// Of their own thread, or FB_ARGUMENT.
fb_cuda_streams& checked(fb_cuda_streams* streams);

// One of these streams', or FB_ARGUMENT.
cudaEvent_t checked(fb_cuda_streams& streams, fb_cuda_event* event);

// By FB_COPY_IN, FB_COMPUTE or FB_COPY_OUT.
cudaStream_t stream_of(fb_cuda_streams& streams, int32_t stream);

template <typename T>
void check_given(T* pointer, const char* name) {
    if (pointer == nullptr) {
        fail(FB_ARGUMENT, name, " is null");
    }
}

void check_bytes(int64_t bytes);

}  // namespace fastbatch
