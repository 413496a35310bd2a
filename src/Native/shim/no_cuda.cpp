// The functions of the header's last section in a build without CUDA: they say so. Instead of cuda.cpp.
#include "device.h"
#include "failure.h"

namespace {

fb_status no_cuda(char* error, int32_t error_capacity) {
    return fastbatch::guarded(error, error_capacity, [] { fastbatch::require_cuda(); });
}

}  // namespace

fb_status fb_cuda_streams_open(int32_t, fb_cuda_streams**, char* error, int32_t error_capacity) {
    return no_cuda(error, error_capacity);
}

fb_status fb_cuda_streams_close(fb_cuda_streams*, char* error, int32_t error_capacity) {
    return no_cuda(error, error_capacity);
}

fb_status fb_cuda_is_lost(fb_cuda_streams*, int32_t*, char* error, int32_t error_capacity) {
    return no_cuda(error, error_capacity);
}

fb_status fb_cuda_allocate(fb_cuda_streams*, int64_t, void**, char* error, int32_t error_capacity) {
    return no_cuda(error, error_capacity);
}

fb_status fb_cuda_free(fb_cuda_streams*, void*, char* error, int32_t error_capacity) {
    return no_cuda(error, error_capacity);
}

fb_status fb_cuda_pin(int32_t, void*, int64_t, char* error, int32_t error_capacity) {
    return no_cuda(error, error_capacity);
}

fb_status fb_cuda_unpin(int32_t, void*, char* error, int32_t error_capacity) {
    return no_cuda(error, error_capacity);
}

fb_status fb_cuda_event_create(fb_cuda_streams*, fb_cuda_event**, char* error, int32_t error_capacity) {
    return no_cuda(error, error_capacity);
}

fb_status fb_cuda_event_free(fb_cuda_streams*, fb_cuda_event*, char* error, int32_t error_capacity) {
    return no_cuda(error, error_capacity);
}

fb_status fb_cuda_copy(fb_cuda_streams*, int32_t, void*, const void*, int64_t, char* error, int32_t error_capacity) {
    return no_cuda(error, error_capacity);
}

fb_status fb_cuda_fill(fb_cuda_streams*, void*, int32_t, int64_t, char* error, int32_t error_capacity) {
    return no_cuda(error, error_capacity);
}

fb_status fb_cuda_record(fb_cuda_streams*, fb_cuda_event*, int32_t, char* error, int32_t error_capacity) {
    return no_cuda(error, error_capacity);
}

fb_status fb_cuda_await(fb_cuda_streams*, int32_t, fb_cuda_event*, char* error, int32_t error_capacity) {
    return no_cuda(error, error_capacity);
}

fb_status fb_cuda_query(fb_cuda_streams*, fb_cuda_event*, int32_t*, char* error, int32_t error_capacity) {
    return no_cuda(error, error_capacity);
}

fb_status fb_cuda_elapsed(fb_cuda_streams*, fb_cuda_event*, fb_cuda_event*, float*, char* error, int32_t error_capacity) {
    return no_cuda(error, error_capacity);
}

fb_status fb_cuda_current_stream(int32_t, void**, char* error, int32_t error_capacity) {
    return no_cuda(error, error_capacity);
}

fb_status fb_cuda_graph_begin(fb_cuda_streams*, char* error, int32_t error_capacity) {
    return no_cuda(error, error_capacity);
}

fb_status fb_cuda_graph_end(fb_cuda_streams*, int32_t, fb_cuda_graph**, char* error, int32_t error_capacity) {
    return no_cuda(error, error_capacity);
}

fb_status fb_cuda_graph_replay(fb_cuda_streams*, fb_cuda_graph*, char* error, int32_t error_capacity) {
    return no_cuda(error, error_capacity);
}

void fb_cuda_graph_free(fb_cuda_graph*) {}
