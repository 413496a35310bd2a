// Calls: what a method may return, what it may raise, and how errors are told.
#include "check.h"
#include "model.h"

#include <cstring>

using check::borrow;
using check::read;
using check::Scope;

namespace {

float g_row[4] = {1, 2, 3, 4};

// Runs the body over [1, 4], expecting this status and part of the text; then a good module must still work.
void expect(const char* source, fb_status status, const char* part, int32_t capacity = 8) {
    Model model(source);
    const Scope scope;
    const fb_tensor input = borrow(g_row, {1, 4});
    for (int run = 0; run < 3; ++run) {
        const fb_status answered = model.run({input}, capacity);
        if (answered != status || std::string(model.error).find(part) == std::string::npos) {
            check::failed(__FILE__, __LINE__, std::string(source) + "answered " + std::to_string(answered) + ": " + model.error);
        }
    }

    Model good(linear_source);
    CHECK(good.run({input}) == FB_OK);
}

}  // namespace

TEST(tuples_and_lists_of_tensors_are_results) {
    for (const char* source : {"def forward(self, x):\n    return x, x + 1\n", "def forward(self, x):\n    return [x, x + 1]\n",
                               "def forward(self, x):\n    y: List[Optional[Tensor]] = [x, x + 1]\n    return y\n"}) {
        Model model(source);
        const Scope scope;
        CHECK(model.run({borrow(g_row, {4})}) == FB_OK);
        CHECK(model.outputs.size() == 2);
        CHECK((read(model.outputs[0], {4}) == std::vector<float>{1, 2, 3, 4}));
        CHECK((read(model.outputs[1], {4}) == std::vector<float>{2, 3, 4, 5}));
    }

    Model none("def forward(self, x):\n    y: List[Tensor] = []\n    return y\n");
    const Scope scope;
    CHECK(none.run({borrow(g_row, {4})}, 0) == FB_OK && none.outputs.empty());
}

TEST(other_results_are_named) {
    expect("def forward(self, x):\n    return 5\n", FB_MISMATCH, "the model returned Int");
    expect("def forward(self, x):\n    return 'text'\n", FB_MISMATCH, "the model returned String");
    expect("def forward(self, x):\n    pass\n", FB_MISMATCH, "the model returned None");
    expect("def forward(self, x):\n    return {'a': x}\n", FB_MISMATCH, "the model returned GenericDict");
    expect("def forward(self, x):\n    return [1, 2]\n", FB_MISMATCH, "the model returned a list with Int");
    expect("def forward(self, x):\n    return (x, 1.5)\n", FB_MISMATCH, "the model returned a tuple with Double");
    expect("def forward(self, x):\n    return (x, (x, x))\n", FB_MISMATCH, "the model returned a tuple with Tuple");
    expect("def forward(self, x):\n    y: List[Optional[Tensor]] = [x, None]\n    return y\n", FB_MISMATCH, "a list with None");
    expect("def forward(self, x):\n    return x, x, x\n", FB_MISMATCH, "expected at most 2 tensors, the model returned 3", 2);
    expect("def forward(self, x):\n    return x, x\n", FB_MISMATCH, "expected 1 tensor, the model returned 2", 1);
    expect("def forward(self, x):\n    return x\n", FB_MISMATCH, "expected at most 0 tensors, the model returned 1", 0);
}

TEST(what_a_script_raises_is_told) {
    expect("def forward(self, x):\n    assert False, 'no such digit: ünknown'\n    return x\n", FB_EXCEPTION, "no such digit: ünknown");
    expect("def forward(self, x):\n    assert x.size(0) == 2, 'two rows, please'\n    return x\n", FB_EXCEPTION, "two rows, please");
    expect("def forward(self, x):\n    return x.view(3, 3)\n", FB_EXCEPTION, "shape '[3, 3]' is invalid");
    expect("def forward(self, x):\n    return x.view(3, 3)\n", FB_EXCEPTION, "Traceback of TorchScript");
    expect("def forward(self, x):\n    return x[:, :3] @ self.weight\n", FB_EXCEPTION, "cannot be multiplied");
    expect("def forward(self, x):\n    return torch.zeros(1 << 55)\n", FB_OUT_OF_MEMORY, "memory");
    expect("def forward(self, x: int):\n    return x\n", FB_TORCH, "'int'");
}

TEST(wrong_shapes_and_types_of_inputs_are_told) {
    Model model(linear_source);
    const Scope scope;
    double doubles[4] = {};
    int64_t integers[4] = {};
    CHECK(model.run({borrow(g_row, {1, 3})}) == FB_EXCEPTION && std::strstr(model.error, "1x3 and 4x3") != nullptr);
    CHECK(model.run({borrow(g_row, {4})}) == FB_EXCEPTION);
    CHECK(model.run({borrow(doubles, {1, 4}, FB_FLOAT64)}) == FB_EXCEPTION);
    CHECK(model.run({borrow(integers, {1, 4}, FB_INT64)}) == FB_EXCEPTION);
    CHECK(model.run({borrow(g_row, {1, 4})}) == FB_OK);
    CHECK((read(model.outputs[0], {1, 3}) == std::vector<float>{60.5f, 70.5f, 80.5f}));
}

TEST(impossible_arguments_of_calls_are_refused) {
    Model model(linear_source);
    const Scope scope;
    const fb_tensor input = borrow(g_row, {1, 4});
    fb_tensor output = 77;
    int32_t produced = 77;
    CHECK_FAILS(FB_ARGUMENT, "method is null", fb_method_invoke(nullptr, &input, 1, &output, 1, &produced, ERR));
    CHECK_FAILS(FB_ARGUMENT, "inputs is null", fb_method_invoke(model.method, nullptr, 1, &output, 1, &produced, ERR));
    CHECK_FAILS(FB_ARGUMENT, "outputs is null", fb_method_invoke(model.method, &input, 1, nullptr, 1, &produced, ERR));
    CHECK_FAILS(FB_ARGUMENT, "produced is null", fb_method_invoke(model.method, &input, 1, &output, 1, nullptr, ERR));
    CHECK_FAILS(FB_ARGUMENT, "forward takes 1 input, 0 were given", fb_method_invoke(model.method, &input, 0, &output, 1, &produced, ERR));
    CHECK_FAILS(FB_ARGUMENT, "forward takes 1 input, -1 were given", fb_method_invoke(model.method, &input, -1, &output, 1, &produced, ERR));
    CHECK_FAILS(FB_MISMATCH, "at most 0 tensors", fb_method_invoke(model.method, &input, 1, &output, -1, &produced, ERR));
    CHECK(output == 77 && produced == 77);
}

TEST(inputs_views_and_weights_may_be_returned) {
    Model model("def forward(self, x):\n    return x, x[1:3], self.weight, x\n");
    fb_tensor weight = 0;
    const Scope outer;
    {
        const Scope scope;
        CHECK(model.run({borrow(g_row, {4})}) == FB_OK);
        CHECK((read(model.outputs[0], {4}) == std::vector<float>{1, 2, 3, 4}));
        CHECK((read(model.outputs[1], {2}) == std::vector<float>{2, 3}));
        CHECK(read(model.outputs[2], {4, 3})[11] == 11.0f);
        // a result as an input
        CHECK(model.run({model.outputs[1]}) == FB_OK);
        CHECK((read(model.outputs[1], {1}) == std::vector<float>{3}));
        weight = model.outputs[2];
    }

    check::Error error;
    CHECK(fb_tensor_describe(weight, nullptr, nullptr, nullptr, 0, ERR) == FB_ARGUMENT);
}

TEST(errors_are_cut_at_a_character_and_always_ended) {
    // "ü" and "€" are 2 and 3 bytes, "𝄞" 4: wherever the cut falls, no character is halved.
    Model model("def forward(self, x):\n    assert False, 'üüü€€€𝄞𝄞𝄞'\n    return x\n");
    const Scope scope;
    const fb_tensor input = borrow(g_row, {4});
    fb_tensor output = 0;
    int32_t produced = 0;
    check::Error whole;
    CHECK(fb_method_invoke(model.method, &input, 1, &output, 1, &produced, whole.text, sizeof(whole.text)) == FB_EXCEPTION);
    const std::string text = whole.text;
    CHECK(text.find("üüü€€€𝄞𝄞𝄞") != std::string::npos);
    for (size_t capacity = 1; capacity <= text.size() + 1; ++capacity) {
        std::vector<char> exact(capacity, '#');
        CHECK(fb_method_invoke(model.method, &input, 1, &output, 1, &produced, exact.data(), static_cast<int32_t>(capacity)) == FB_EXCEPTION);
        const size_t length = std::strlen(exact.data());
        CHECK(length < capacity && length + 4 >= capacity && text.compare(0, length, exact.data()) == 0);
        CHECK(length == text.size() || (static_cast<unsigned char>(text[length]) & 0xC0) != 0x80);
    }

    // No room at all, and none wanted.
    char untouched = '#';
    CHECK(fb_method_invoke(model.method, &input, 1, &output, 1, &produced, &untouched, 0) == FB_EXCEPTION);
    CHECK(fb_method_invoke(model.method, &input, 1, &output, 1, &produced, &untouched, -3) == FB_EXCEPTION);
    CHECK(fb_method_invoke(model.method, &input, 1, &output, 1, &produced, nullptr, 100) == FB_EXCEPTION);
    CHECK(untouched == '#');
    // Success leaves an empty text.
    check::Error error;
    CHECK(fb_tensor_describe(input, nullptr, nullptr, nullptr, 0, ERR) == FB_OK && error.text[0] == '\0');
}

TEST(many_calls_in_one_scope_and_many_scopes) {
    Model model(linear_source);
    const Scope outer;
    const fb_tensor input = borrow(g_row, {1, 4});
    for (int run = 0; run < 2000; ++run) {
        const Scope scope;
        CHECK(model.run({run % 2 == 0 ? input : borrow(g_row, {1, 4})}) == FB_OK);
        CHECK((read(model.outputs[0], {1, 3}) == std::vector<float>{60.5f, 70.5f, 80.5f}));
    }

    for (int run = 0; run < 2000; ++run) {
        CHECK(model.run({input}) == FB_OK);
    }
}
