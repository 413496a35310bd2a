// Scopes and ids: who owns what until when, and that no number crashes anything.
#include "check.h"
#include "model.h"

#include <c10/core/InferenceMode.h>

#include <limits>
#include <random>
#include <set>
#include <thread>

using check::borrow;
using check::read;
using check::Scope;

namespace {

float g_row[4] = {1, 2, 3, 4};

fb_status describe(fb_tensor tensor, check::Error& error) {
    return fb_tensor_describe(tensor, nullptr, nullptr, nullptr, 0, error.text, sizeof(error.text));
}

}  // namespace

TEST(inference_mode_is_on_exactly_while_a_scope_is_open) {
    CHECK(!c10::InferenceMode::is_enabled());
    {
        const Scope outer;
        CHECK(c10::InferenceMode::is_enabled());
        {
            const Scope inner;
            CHECK(c10::InferenceMode::is_enabled());
        }

        CHECK(c10::InferenceMode::is_enabled());
    }

    CHECK(!c10::InferenceMode::is_enabled());
}

TEST(tensors_need_a_scope) {
    const int64_t size = 4;
    fb_tensor tensor = 7;
    CHECK_FAILS(FB_ARGUMENT, "fb_scope_enter", fb_tensor_borrow(g_row, FB_FLOAT32, 1, &size, nullptr, &tensor, ERR));
    CHECK_FAILS(FB_ARGUMENT, "fb_scope_enter", fb_tensor_copy(g_row, FB_FLOAT32, 1, &size, nullptr, &tensor, ERR));
    CHECK(tensor == 7);
    Model model("def forward(self):\n    return self.weight\n");
    CHECK(model.run({}) == FB_ARGUMENT && std::string(model.error).find("fb_scope_enter") != std::string::npos);
}

TEST(an_inner_scope_sees_the_outer_ones_tensors_and_not_the_other_way_round) {
    const Scope outer;
    const fb_tensor before = borrow(g_row, {4});
    fb_tensor inside = 0;
    {
        const Scope inner;
        inside = borrow(g_row, {2, 2});
        CHECK(before != inside);
        CHECK((read(before, {4}) == std::vector<float>{1, 2, 3, 4}));
        CHECK((read(inside, {2, 2}) == std::vector<float>{1, 2, 3, 4}));
    }

    CHECK_FAILS(FB_ARGUMENT, "its scope was left", describe(inside, error));
    const fb_tensor after = borrow(g_row, {1, 4});
    CHECK(after != inside && after != before);
    CHECK((read(before, {4}) == std::vector<float>{1, 2, 3, 4}));
    CHECK_FAILS(FB_ARGUMENT, "its scope was left", describe(inside, error));
}

TEST(scopes_are_left_innermost_first) {
    uint64_t outer = 0, inner = 0;
    CHECK_OK(fb_scope_enter(&outer, ERR));
    CHECK_OK(fb_scope_enter(&inner, ERR));
    const fb_tensor tensor = borrow(g_row, {4});
    CHECK_FAILS(FB_ARGUMENT, "not the innermost", fb_scope_leave(outer, ERR));
    CHECK_FAILS(FB_ARGUMENT, "not open", fb_scope_leave(inner + 1, ERR));
    CHECK_FAILS(FB_ARGUMENT, "not open", fb_scope_leave(tensor, ERR));
    CHECK_FAILS(FB_ARGUMENT, "not open", fb_scope_leave(0, ERR));
    CHECK((read(tensor, {4}) == std::vector<float>{1, 2, 3, 4}));
    CHECK_OK(fb_scope_leave(inner, ERR));
    CHECK_FAILS(FB_ARGUMENT, "not open", fb_scope_leave(inner, ERR));
    CHECK_OK(fb_scope_leave(outer, ERR));
    CHECK_FAILS(FB_ARGUMENT, "not open", fb_scope_leave(outer, ERR));
    CHECK_FAILS(FB_ARGUMENT, "scope is null", fb_scope_enter(nullptr, ERR));
}

TEST(stale_and_invented_ids_are_errors_everywhere) {
    Model model(linear_source);
    fb_tensor stale = 0;
    uint64_t left = 0;
    {
        const Scope scope;
        left = scope.id;
        stale = borrow(g_row, {1, 4});
    }

    const Scope scope;
    const fb_tensor good = borrow(g_row, {1, 4});
    const int64_t sizes[2] = {1, 4};
    float out[4];
    std::mt19937_64 random(5);
    std::vector<fb_tensor> ids = {0, 1, stale, left, scope.id, good + 1, good - 1, good + (uint64_t{1} << 16), good + (uint64_t{1} << 63),
                                  std::numeric_limits<uint64_t>::max()};
    for (int i = 0; i < 20000; ++i) {
        ids.push_back(i % 2 == 0 ? random() : good ^ (uint64_t{1} << random() % 64) ^ (uint64_t{1} << random() % 64));
    }

    for (const fb_tensor id : ids) {
        if (id == good) {
            continue;
        }

        CHECK_FAILS(FB_ARGUMENT, "tensor ", describe(id, error));
        CHECK_FAILS(FB_ARGUMENT, "tensor ", fb_tensor_read(id, FB_FLOAT32, 2, sizes, nullptr, out, ERR));
        CHECK(model.run({id}) == FB_ARGUMENT);
    }

    CHECK(model.run({good}) == FB_OK);
}

TEST(another_threads_ids_are_errors) {
    const Scope scope;
    const fb_tensor here = borrow(g_row, {4});
    const uint64_t scope_here = scope.id;
    fb_tensor there = 0;
    std::thread([&] {
        CHECK_FAILS(FB_ARGUMENT, "no open scope of this thread", describe(here, error));
        CHECK_FAILS(FB_ARGUMENT, "not open on this thread", fb_scope_leave(scope_here, ERR));
        const Scope own;
        there = borrow(g_row, {4});
        CHECK_FAILS(FB_ARGUMENT, "no open scope of this thread", describe(here, error));
    }).join();
    CHECK(there != here);
    CHECK_FAILS(FB_ARGUMENT, "no open scope of this thread", describe(there, error));
    CHECK_OK(describe(here, error));
}

TEST(ids_are_never_given_out_twice) {
    std::set<uint64_t> seen;
    for (int run = 0; run < 5000; ++run) {
        const Scope scope;
        CHECK(seen.insert(scope.id).second);
        CHECK(seen.insert(borrow(g_row, {4})).second);
        CHECK(seen.insert(borrow(g_row, {4})).second);
    }
}

TEST(a_scope_holds_65535_tensors) {
    const Scope scope;
    const int64_t size = 4;
    fb_tensor first = 0, tensor = 0;
    for (int i = 0; i < 65535; ++i) {
        tensor = borrow(g_row, {4});
        first = i == 0 ? tensor : first;
    }

    CHECK_FAILS(FB_ARGUMENT, "65535", fb_tensor_borrow(g_row, FB_FLOAT32, 1, &size, nullptr, &tensor, ERR));
    CHECK((read(first, {4}) == std::vector<float>{1, 2, 3, 4}));
    CHECK((read(tensor, {4}) == std::vector<float>{1, 2, 3, 4}));
    {
        const Scope inner;
        CHECK((read(borrow(g_row, {4}), {4}) == std::vector<float>{1, 2, 3, 4}));
    }
}

TEST(a_thread_may_end_with_a_scope_open) {
    std::thread([] {
        uint64_t scope = 0;
        CHECK_OK(fb_scope_enter(&scope, ERR));
        CHECK_OK(fb_scope_enter(&scope, ERR));
        fb_tensor tensor = 0;
        const int64_t size = 1 << 20;
        const std::vector<float> values(1 << 20);
        CHECK_OK(fb_tensor_copy(values.data(), FB_FLOAT32, 1, &size, nullptr, &tensor, ERR));  // a leak would be reported
    }).join();
}

TEST(an_input_that_the_module_keeps_is_its_own_after_the_scope) {
    Model keep("def forward(self, x):\n    self.kept = x\n    return x\ndef recall(self):\n    return self.kept\n");
    fb_method* recall = nullptr;
    CHECK_OK(fb_module_method(keep.module, "recall", &recall, nullptr, nullptr, ERR));
    // The tensor itself, a view of it, and a layout with gaps: all must survive their memory.
    for (const int64_t stride : {int64_t{1}, int64_t{3}}) {
        {
            std::vector<float> memory(10, 7.0f);
            memory[stride] = 8.0f;
            const Scope scope;
            CHECK(keep.run({borrow(memory.data(), {2}, FB_FLOAT32, {stride})}) == FB_OK);
            CHECK((read(keep.outputs[0], {2}) == std::vector<float>{7, 8}));
            // freed here, before the scope is left would be the caller's mistake: so the scope goes first
        }

        const Scope scope;
        fb_tensor output = 0;
        int32_t produced = 0;
        CHECK_OK(fb_method_invoke(recall, nullptr, 0, &output, 1, &produced, ERR));
        CHECK((read(output, {2}) == std::vector<float>{7, 8}));
    }

    fb_method_free(recall);

    Model view("def forward(self, x):\n    self.kept = x[1:].view(-1)\n    return self.kept\ndef recall(self):\n    return self.kept + 1\n");
    CHECK_OK(fb_module_method(view.module, "recall", &recall, nullptr, nullptr, ERR));
    {
        std::vector<float> memory = {1, 2, 3};
        const Scope scope;
        CHECK(view.run({borrow(memory.data(), {3})}) == FB_OK);
    }

    const Scope scope;
    fb_tensor output = 0;
    int32_t produced = 0;
    CHECK_OK(fb_method_invoke(recall, nullptr, 0, &output, 1, &produced, ERR));
    CHECK((read(output, {2}) == std::vector<float>{3, 4}));
    fb_method_free(recall);
}

TEST(a_scope_knows_whether_its_borrowed_tensors_were_written_to) {
    check::Error error;
    float rows[4] = {1, 2, 3, 4};
    Model reads("def forward(self, x):\n    return x.relu().add_(1)\n");
    Model writes("def forward(self, x):\n    x.view([-1]).neg_()\n    return x\n");
    uint64_t outer = 0;
    CHECK(fb_scope_enter(&outer, error.text, sizeof(error.text)) == FB_OK);
    const fb_tensor kept = borrow(rows, {1, 4});
    for (const bool wrote : {false, true}) {
        uint64_t scope = 0;
        int32_t written = -1;
        CHECK(fb_scope_enter(&scope, error.text, sizeof(error.text)) == FB_OK);
        CHECK((wrote ? writes : reads).run({borrow(rows, {1, 4})}) == FB_OK);
        CHECK(fb_scope_is_written(scope, &written, error.text, sizeof(error.text)) == FB_OK);
        CHECK(written == (wrote ? 1 : 0));
        // Another tensor over the same memory is the caller's business.
        CHECK(fb_scope_is_written(outer, &written, error.text, sizeof(error.text)) == FB_OK);
        CHECK(written == 0);
        CHECK(fb_scope_leave(scope, error.text, sizeof(error.text)) == FB_OK);
        CHECK(fb_scope_is_written(scope, &written, error.text, sizeof(error.text)) == FB_ARGUMENT);
    }

    CHECK(fb_scope_is_written(outer, nullptr, error.text, sizeof(error.text)) == FB_ARGUMENT);
    CHECK(writes.run({kept}) == FB_OK);
    int32_t written = -1;
    CHECK(fb_scope_is_written(outer, &written, error.text, sizeof(error.text)) == FB_OK);
    CHECK(written == 1);
    CHECK(fb_scope_leave(outer, error.text, sizeof(error.text)) == FB_OK);
}
