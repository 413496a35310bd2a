// Streams of a CUDA device: where there is one, what they do; where there is none, that they say so.
#include "check.h"

#include <algorithm>
#include <thread>
#include <vector>

namespace {

bool has_cuda() {
    int32_t count = 0;
    check::Error error;
    return fb_cuda_device_count(&count, error.text, sizeof(error.text)) == FB_OK && count > 0;
}

// Spins: there is no function that waits.
void wait(fb_cuda_streams* streams, fb_cuda_event* event) {
    int32_t done = 0;
    check::Error error;
    while (done == 0 && fb_cuda_query(streams, event, &done, ERR) == FB_OK) {
    }

    CHECK(done == 1);
}

}  // namespace

TEST(cuda_functions_say_unsupported_without_a_device) {
    if (has_cuda()) {
        return;
    }

    fb_cuda_streams* streams = nullptr;
    void* stream = nullptr;
    char page[16];
    CHECK_FAILS(FB_UNSUPPORTED, "CUDA", fb_cuda_streams_open(0, &streams, ERR));
    CHECK(streams == nullptr);
    CHECK_FAILS(FB_UNSUPPORTED, "", fb_cuda_pin(0, page, 16, ERR));
    CHECK_FAILS(FB_UNSUPPORTED, "", fb_cuda_unpin(0, page, ERR));
    CHECK_FAILS(FB_UNSUPPORTED, "CUDA", fb_cuda_current_stream(0, &stream, ERR));
    CHECK(stream == nullptr);
    const check::Scope scope;
    const int64_t size = 1;
    fb_tensor tensor = 0;
    CHECK_FAILS(FB_UNSUPPORTED, "CUDA", fb_tensor_borrow_cuda(page, 0, FB_UINT8, 1, &size, nullptr, &tensor, ERR));
    CHECK(tensor == 0);
    CHECK_FAILS(FB_UNSUPPORTED, "", fb_tensor_write_cuda(1, 0, FB_UINT8, 1, &size, nullptr, page, ERR));
    fb_cuda_graph_free(nullptr);
}

TEST(cuda_copies_rows_to_the_device_and_back) {
    if (!has_cuda()) {
        return;
    }

    constexpr int64_t bytes = 1 << 20;
    constexpr size_t page = 4096;
    std::vector<unsigned char> memory(2 * bytes + 2 * page);
    auto* host = reinterpret_cast<unsigned char*>((reinterpret_cast<uintptr_t>(memory.data()) + page - 1) / page * page);
    unsigned char* back = host + bytes;
    for (int64_t i = 0; i < bytes; ++i) {
        host[i] = static_cast<unsigned char>(i * 7);
    }

    CHECK_OK(fb_cuda_pin(0, host, 2 * bytes, ERR));
    fb_cuda_streams* streams = nullptr;
    CHECK_OK(fb_cuda_streams_open(0, &streams, ERR));
    void* device = nullptr;
    fb_cuda_event* begun = nullptr;
    fb_cuda_event* there = nullptr;
    fb_cuda_event* done = nullptr;
    CHECK_OK(fb_cuda_allocate(streams, bytes, &device, ERR));
    CHECK_OK(fb_cuda_event_create(streams, &begun, ERR));
    CHECK_OK(fb_cuda_event_create(streams, &there, ERR));
    CHECK_OK(fb_cuda_event_create(streams, &done, ERR));
    CHECK_OK(fb_cuda_record(streams, begun, FB_COPY_IN, ERR));
    CHECK_OK(fb_cuda_copy(streams, FB_COPY_IN, device, host, bytes, ERR));
    CHECK_OK(fb_cuda_record(streams, there, FB_COPY_IN, ERR));
    CHECK_OK(fb_cuda_await(streams, FB_COPY_OUT, there, ERR));
    CHECK_OK(fb_cuda_copy(streams, FB_COPY_OUT, back, device, bytes, ERR));
    CHECK_OK(fb_cuda_record(streams, done, FB_COPY_OUT, ERR));
    wait(streams, done);
    CHECK(std::equal(host, host + bytes, back));
    float milliseconds = -1;
    CHECK_OK(fb_cuda_elapsed(streams, begun, done, &milliseconds, ERR));
    CHECK(milliseconds > 0);
    int32_t lost = -1;
    CHECK_OK(fb_cuda_is_lost(streams, &lost, ERR));
    CHECK(lost == 0);
    CHECK_FAILS(FB_ARGUMENT, "", fb_cuda_copy(streams, FB_COMPUTE, device, host, bytes, ERR));
    CHECK_OK(fb_cuda_free(streams, device, ERR));
    CHECK_FAILS(FB_ARGUMENT, "", fb_cuda_free(streams, device, ERR));
    std::thread([&] { CHECK_FAILS(FB_ARGUMENT, "", fb_cuda_is_lost(streams, &lost, ERR)); }).join();
    CHECK_OK(fb_cuda_streams_close(streams, ERR));
    CHECK_OK(fb_cuda_unpin(0, host, ERR));
}

TEST(cuda_computing_goes_to_the_streams_of_the_thread_while_they_are_open) {
    if (!has_cuda()) {
        return;
    }

    void* before = nullptr;
    void* during = nullptr;
    void* after = nullptr;
    void* elsewhere = nullptr;
    fb_cuda_streams* streams = nullptr;
    CHECK_OK(fb_cuda_current_stream(0, &before, ERR));
    CHECK_OK(fb_cuda_streams_open(0, &streams, ERR));
    CHECK_OK(fb_cuda_current_stream(0, &during, ERR));
    std::thread([&] { CHECK_OK(fb_cuda_current_stream(0, &elsewhere, ERR)); }).join();
    CHECK_OK(fb_cuda_streams_close(streams, ERR));
    CHECK_OK(fb_cuda_current_stream(0, &after, ERR));
    CHECK(during != before && during != elsewhere && after == before);
}
