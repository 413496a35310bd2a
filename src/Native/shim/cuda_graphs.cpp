// CUDA graphs, by libtorch's own class: it keeps the memory that is taken while one is recorded apart from what others take later.
// Invariant: whatever happens between begin and end, libtorch's allocator is out of it afterwards.
#include "cuda_streams.h"

#include <torch/version.h>

// Before 2.6 a recording is known to the allocator by other functions, and its failure cannot be undone by these.
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 6)
#define FASTBATCH_GRAPHS
#endif

#ifdef FASTBATCH_GRAPHS
#include <c10/cuda/CUDACachingAllocator.h>
#if TORCH_VERSION_MAJOR > 2 || TORCH_VERSION_MINOR >= 9
#include <ATen/core/CachingHostAllocator.h>
#endif
#endif

namespace fastbatch {
namespace {

#ifdef FASTBATCH_GRAPHS
// Newer libtorch has pools of host memory as well.
template <typename Allocator, typename Pool>
auto end_host_pool(Allocator* allocator, Pool pool, int)
    -> decltype(allocator->end_allocate_to_pool(pool), allocator->release_pool(pool), void()) {
    allocator->end_allocate_to_pool(pool);
    allocator->release_pool(pool);
}

template <typename Allocator, typename Pool>
void end_host_pool(Allocator*, Pool, long) {}

// A recording that CUDA has given up (something was done that cannot be recorded) fails to end, and then libtorch leaves its allocator in
// the middle of it: it would never again reuse memory that several streams have used. Each refuses, and changes nothing, if it was not.
void end_allocating(const fb_cuda_streams& streams, const GraphPool& pool) {
    try {
        c10::cuda::CUDACachingAllocator::endAllocateToPool(streams.device.index(), pool);
        c10::cuda::CUDACachingAllocator::releasePool(streams.device.index(), pool);
#if TORCH_VERSION_MAJOR > 2 || TORCH_VERSION_MINOR >= 9
        end_host_pool(at::getHostAllocator(at::kCUDA), pool, 0);
#endif
    } catch (...) {
        // It was out of it already.
    }

    (void)cudaGetLastError();
}

// The stream, where libtorch did not get to ending it.
void end_capturing(const fb_cuda_streams& streams) {
    cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
    if (cudaStreamIsCapturing(streams.compute.stream(), &status) == cudaSuccess && status != cudaStreamCaptureStatusNone) {
        cudaGraph_t left = nullptr;
        if (cudaStreamEndCapture(streams.compute.stream(), &left) == cudaSuccess && left != nullptr) {
            (void)cudaGraphDestroy(left);
        }
    }

    (void)cudaGetLastError();
}

void begin(fb_cuda_streams& streams) {
    auto graph = std::make_unique<fb_cuda_graph>();
    graph->pool = streams.pool.lock();
    if (graph->pool == nullptr) {
        graph->pool = std::make_shared<const GraphPool>(at::cuda::graph_pool_handle());
        streams.pool = graph->pool;
    }

    try {
        // Only what this thread does is watched: another batcher's thread may allocate meanwhile.
        graph->graph.capture_begin(*graph->pool, cudaStreamCaptureModeThreadLocal);
    } catch (...) {
        end_capturing(streams);
        end_allocating(streams, *graph->pool);
        throw;
    }

    streams.recording = std::move(graph);
}

void end(const fb_cuda_streams& streams, fb_cuda_graph& recorded) {
    try {
        recorded.graph.capture_end();
    } catch (...) {
        end_capturing(streams);
        end_allocating(streams, *recorded.pool);
        throw;
    }
}
#endif

}  // namespace
}  // namespace fastbatch

using fastbatch::check_given;
using fastbatch::checked;
using fastbatch::fail;
using fastbatch::guarded;

fb_status fb_cuda_graph_begin(fb_cuda_streams* streams, char* error, int32_t error_capacity) {
    return guarded(error, error_capacity, [&] {
        fb_cuda_streams& owner = checked(streams);
        if (owner.recording != nullptr) {
            fail(FB_ARGUMENT, "a graph is being recorded already");
        }

#ifdef FASTBATCH_GRAPHS
        fastbatch::begin(owner);
#else
        fail(FB_UNSUPPORTED, "graphs need libtorch 2.6 or later");
#endif
    });
}

fb_status fb_cuda_graph_end(fb_cuda_streams* streams, int32_t keep, fb_cuda_graph** graph, char* error, int32_t error_capacity) {
    return guarded(error, error_capacity, [&] {
        fb_cuda_streams& owner = checked(streams);
        check_given(graph, "graph");
        if (owner.recording == nullptr) {
            fail(FB_ARGUMENT, "no graph is being recorded");
        }

        // Gone with this call, whatever happens, unless it is handed out at the end.
        std::unique_ptr<fb_cuda_graph> recorded = std::move(owner.recording);
        *graph = nullptr;
#ifdef FASTBATCH_GRAPHS
        try {
            fastbatch::end(owner, *recorded);
        } catch (...) {
            if (keep != 0) {
                throw;
            }

            recorded = nullptr;
        }
#endif
        if (keep != 0) {
            *graph = recorded.release();
        }
    });
}

fb_status fb_cuda_graph_replay(fb_cuda_streams* streams, fb_cuda_graph* graph, char* error, int32_t error_capacity) {
    return guarded(error, error_capacity, [&] {
        checked(streams);
        check_given(graph, "graph");
        graph->graph.replay();
    });
}

void fb_cuda_graph_free(fb_cuda_graph* graph) {
    // Its destructor only warns where CUDA fails.
    (void)guarded(nullptr, 0, [&] { delete graph; });
}
