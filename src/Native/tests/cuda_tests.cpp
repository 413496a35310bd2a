// Streams of a CUDA device: where there is one, what they do; where there is none, that they say so.
#include "check.h"
#include "model.h"

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

// A module on the device, whose method is run on [2, 4] there and back: through memory of the streams, as batches are.
class Batches {
public:
    explicit Batches(const char* source) {
        const std::string file = module_file(source);
        CHECK_OK(fb_module_load_memory(file.data(), file.size(), FB_CUDA, 0, 0, &module_, ERR));
        CHECK_OK(fb_module_method(module_, "forward", &method_, nullptr, nullptr, ERR));
        CHECK_OK(fb_cuda_streams_open(0, &streams, ERR));
        CHECK_OK(fb_cuda_allocate(streams, bytes, &rows, ERR));
        CHECK_OK(fb_cuda_allocate(streams, bytes, &results, ERR));
        CHECK_OK(fb_cuda_event_create(streams, &event_, ERR));
        CHECK_OK(fb_cuda_pin(0, host(), page, ERR));
    }

    ~Batches() {
        CHECK_OK(fb_cuda_streams_close(streams, ERR));
        CHECK_OK(fb_cuda_unpin(0, host(), ERR));
        fb_method_free(method_);
        fb_module_free(module_);
    }

    Batches(const Batches&) = delete;

    // Gives the compute stream one run of the method, from rows to results.
    fb_status run(char* error, int32_t capacity) {
        const check::Scope scope;
        fb_tensor input = 0;
        fb_tensor output = 0;
        int32_t produced = 0;
        fb_status status = fb_tensor_borrow_cuda(rows, 0, FB_FLOAT32, 2, sizes, nullptr, &input, error, capacity);
        status = status != FB_OK ? status : fb_method_invoke(method_, &input, 1, &output, 1, &produced, error, capacity);
        return status != FB_OK ? status : fb_tensor_write_cuda(output, 0, FB_FLOAT32, 2, sizes, nullptr, results, error, capacity);
    }

    // What comes of rows of this value when `work` is given to the compute stream: all the same, or -1.
    template <typename Work>
    float answer(float value, Work work) {
        std::fill_n(host(), 8, value);
        CHECK_OK(fb_cuda_fill(streams, results, 0xDB, bytes, ERR));
        CHECK_OK(fb_cuda_copy(streams, FB_COPY_IN, rows, host(), bytes, ERR));
        pass(FB_COPY_IN, FB_COMPUTE);
        work();
        pass(FB_COMPUTE, FB_COPY_OUT);
        CHECK_OK(fb_cuda_copy(streams, FB_COPY_OUT, host(), results, bytes, ERR));
        CHECK_OK(fb_cuda_record(streams, event_, FB_COPY_OUT, ERR));
        wait(streams, event_);
        return std::count(host(), host() + 8, host()[0]) == 8 ? host()[0] : -1;
    }

    fb_cuda_streams* streams = nullptr;
    void* rows = nullptr;
    void* results = nullptr;

private:
    static constexpr int64_t bytes = 8 * sizeof(float);
    static constexpr int64_t page = 4096;
    const int64_t sizes[2] = {2, 4};

    float* host() {
        return reinterpret_cast<float*>((reinterpret_cast<uintptr_t>(memory_.data()) + page - 1) / page * page);
    }

    void pass(int32_t from, int32_t to) {
        CHECK_OK(fb_cuda_record(streams, event_, from, ERR));
        CHECK_OK(fb_cuda_await(streams, to, event_, ERR));
    }

    std::vector<unsigned char> memory_ = std::vector<unsigned char>(2 * page);
    fb_module* module_ = nullptr;
    fb_method* method_ = nullptr;
    fb_cuda_event* event_ = nullptr;
};

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

TEST(cuda_graphs_do_again_what_was_recorded_on_the_rows_of_the_moment) {
    if (!has_cuda()) {
        return;
    }

    // More than one kernel, and memory in between that the graphs share.
    Batches batches("def forward(self, x):\n    return torch.relu(x @ torch.eye(4, device=x.device)) * 2 + 1\n");
    const auto eager = [&] {
        check::Error error;
        CHECK(batches.run(ERR) == FB_OK);
    };
    for (int run = 0; run < 3; ++run) {
        CHECK(batches.answer(5, eager) == 11);
    }

    fb_cuda_graph* graphs[2] = {};
    for (fb_cuda_graph*& graph : graphs) {
        CHECK_OK(fb_cuda_graph_begin(batches.streams, ERR));
        CHECK_FAILS(FB_ARGUMENT, "already", fb_cuda_graph_begin(batches.streams, ERR));
        CHECK_OK(batches.run(ERR));
        CHECK_OK(fb_cuda_graph_end(batches.streams, 1, &graph, ERR));
        CHECK(graph != nullptr);
    }

    for (int run = 0; run < 10; ++run) {
        const float value = static_cast<float>(run);
        CHECK(batches.answer(value, [&] { CHECK_OK(fb_cuda_graph_replay(batches.streams, graphs[run % 2], ERR)); }) == 2 * value + 1);
        CHECK(batches.answer(value + 0.5F, eager) == 2 * value + 2);
    }

    CHECK_FAILS(FB_ARGUMENT, "no graph is being recorded", fb_cuda_graph_end(batches.streams, 1, &graphs[0], ERR));
    fb_cuda_graph_free(graphs[0]);
    fb_cuda_graph_free(graphs[1]);
}

TEST(cuda_goes_on_after_a_recording_that_fails_or_is_thrown_away) {
    if (!has_cuda()) {
        return;
    }

    // The host waits for the device: that cannot be recorded.
    Batches waits("def forward(self, x):\n    return x + float(x.sum().item())\n");
    const auto eager = [&] {
        check::Error error;
        CHECK(waits.run(ERR) == FB_OK);
    };
    for (int round = 0; round < 3; ++round) {
        CHECK(waits.answer(1, eager) == 9);
        fb_cuda_graph* graph = nullptr;
        check::Error error;
        CHECK_OK(fb_cuda_graph_begin(waits.streams, ERR));
        const fb_status status = waits.run(ERR);
        CHECK(status != FB_OK && status != FB_LOST);

        // Whether it is wanted or not.
        const fb_status ended = fb_cuda_graph_end(waits.streams, round == 1 ? 1 : 0, &graph, ERR);
        CHECK(graph == nullptr && (round == 1 ? ended != FB_OK : ended == FB_OK));
        int32_t lost = -1;
        CHECK_OK(fb_cuda_is_lost(waits.streams, &lost, ERR));
        CHECK(lost == 0);
        CHECK(waits.answer(2, eager) == 18);
    }

    Batches sound("def forward(self, x):\n    return x + 1\n");
    const auto works = [&] {
        check::Error error;
        CHECK(sound.run(ERR) == FB_OK);
    };
    fb_cuda_graph* graph = nullptr;
    CHECK(sound.answer(1, works) == 2);
    CHECK_OK(fb_cuda_graph_begin(sound.streams, ERR));
    CHECK_OK(sound.run(ERR));
    CHECK_OK(fb_cuda_graph_end(sound.streams, 0, &graph, ERR));
    CHECK(graph == nullptr);
    CHECK(sound.answer(3, works) == 4);
    CHECK_OK(fb_cuda_graph_begin(sound.streams, ERR));
    CHECK_OK(sound.run(ERR));
    CHECK_OK(fb_cuda_graph_end(sound.streams, 1, &graph, ERR));
    CHECK(sound.answer(4, [&] { CHECK_OK(fb_cuda_graph_replay(sound.streams, graph, ERR)); }) == 5);
    fb_cuda_graph_free(graph);
}
