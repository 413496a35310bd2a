// CUDA graphs, by libtorch's own class: it keeps the memory that is taken while one is recorded apart from what others take later.
#include "cuda_streams.h"

#include <torch/version.h>

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

        auto graph = std::make_unique<fb_cuda_graph>();
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 1)
        // Only what this thread does is watched: another batcher's thread may allocate meanwhile.
        graph->graph.capture_begin({0, 0}, cudaStreamCaptureModeThreadLocal);
#else
        graph->graph.capture_begin();
#endif
        owner.recording = std::move(graph);
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
        if (keep == 0) {
            try {
                // Ended all the same: libtorch's allocator and the stream are in the middle of it.
                recorded->graph.capture_end();
            } catch (...) {
                (void)cudaGetLastError();
            }

            return;
        }

        recorded->graph.capture_end();
        *graph = recorded.release();
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
