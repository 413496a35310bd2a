// Tensors in and out: shapes, strides, element types, and the bytes themselves.
#include "check.h"
#include "model.h"

#include <cmath>
#include <cstring>
#include <limits>

using check::borrow;
using check::read;
using check::Scope;
using check::Sizes;

namespace {

struct Type {
    int32_t dtype;
    size_t bytes;
    const char* name;
};

const Type types[] = {{FB_UINT8, 1, "uint8"},     {FB_INT8, 1, "int8"},         {FB_INT16, 2, "int16"},     {FB_INT32, 4, "int32"},
                      {FB_INT64, 8, "int64"},     {FB_FLOAT16, 2, "float16"},   {FB_FLOAT32, 4, "float32"}, {FB_FLOAT64, 8, "float64"},
                      {FB_COMPLEX64, 8, "complex64"}, {FB_COMPLEX128, 16, "complex128"}, {FB_BOOL, 1, "bool"}, {FB_BFLOAT16, 2, "bfloat16"}};

fb_status borrow_status(void* data, int32_t dtype, const Sizes& sizes, const int64_t* strides, check::Error& error) {
    fb_tensor tensor = 0;
    return fb_tensor_borrow(data, dtype, static_cast<int32_t>(sizes.size()), sizes.data(), strides, &tensor, error.text, sizeof(error.text));
}

}  // namespace

TEST(every_element_type_comes_back_as_it_was) {
    Model identity("def forward(self, x):\n    return x\n");
    Model strided("def forward(self, x):\n    return torch.stack([x, x], 1)[:, 0]\n");  // a copy by libtorch, read out of a view
    const Scope scope;
    for (const Type& type : types) {
        alignas(16) unsigned char in[48], out[48];
        for (size_t i = 0; i < sizeof(in); ++i) {
            in[i] = type.dtype == FB_BOOL ? i % 2 : static_cast<unsigned char>(i * 5);
        }

        const int64_t size = 3;
        const size_t bytes = type.bytes * 3;
        fb_tensor borrowed = 0, copied = 0;
        CHECK_OK(fb_tensor_borrow(in, type.dtype, 1, &size, nullptr, &borrowed, ERR));
        CHECK_OK(fb_tensor_copy(in, type.dtype, 1, &size, nullptr, &copied, ERR));
        for (const fb_tensor tensor : {borrowed, copied}) {
            int32_t dtype = -1, rank = -1;
            int64_t sizes[2] = {-1, -1};
            CHECK_OK(fb_tensor_describe(tensor, &dtype, &rank, sizes, 2, ERR));
            CHECK(dtype == type.dtype && rank == 1 && sizes[0] == 3 && sizes[1] == -1);
            for (Model* model : {&identity, &strided}) {
                CHECK(model->run({tensor}) == FB_OK);
                std::memset(out, 0xEE, sizeof(out));
                CHECK_OK(fb_tensor_read(model->outputs[0], type.dtype, 1, &size, nullptr, out, ERR));
                CHECK(std::memcmp(in, out, bytes) == 0);
                CHECK(bytes == sizeof(out) || out[bytes] == 0xEE);
            }
        }

        const int64_t wrong = 2;
        const std::string expected = std::string("expected ") + type.name + " [2], the model returned " + type.name + " [3]";
        CHECK_FAILS(FB_MISMATCH, expected, fb_tensor_read(borrowed, type.dtype, 1, &wrong, nullptr, out, ERR));
    }
}

TEST(a_result_of_another_shape_or_type_names_both) {
    float data[6] = {};
    const Scope scope;
    const fb_tensor tensor = borrow(data, {2, 3});
    float out[6];
    const int64_t sizes[3] = {2, 4, 1}, fewer[1] = {6};
    CHECK_FAILS(FB_MISMATCH, "expected float32 [2, 4], the model returned float32 [2, 3]",
                fb_tensor_read(tensor, FB_FLOAT32, 2, sizes, nullptr, out, ERR));
    CHECK_FAILS(FB_MISMATCH, "expected float32 [2, 4, 1], the model", fb_tensor_read(tensor, FB_FLOAT32, 3, sizes, nullptr, out, ERR));
    CHECK_FAILS(FB_MISMATCH, "expected float32 [6], the model", fb_tensor_read(tensor, FB_FLOAT32, 1, fewer, nullptr, out, ERR));
    CHECK_FAILS(FB_MISMATCH, "expected float32 [], the model", fb_tensor_read(tensor, FB_FLOAT32, 0, nullptr, nullptr, out, ERR));
    const int64_t right[2] = {2, 3};
    CHECK_FAILS(FB_MISMATCH, "expected int32 [2, 3], the model returned float32 [2, 3]",
                fb_tensor_read(tensor, FB_INT32, 2, right, nullptr, out, ERR));
    CHECK_FAILS(FB_ARGUMENT, "destination is null", fb_tensor_read(tensor, FB_FLOAT32, 2, right, nullptr, nullptr, ERR));
}

TEST(impossible_shapes_are_refused) {
    const Scope scope;
    float data[8] = {};
    constexpr int64_t big = std::numeric_limits<int64_t>::max();
    const int64_t negative = -1, huge = big;
    CHECK_FAILS(FB_ARGUMENT, "size -1 of dimension 1 is negative", borrow_status(data, FB_FLOAT32, {4, -1}, nullptr, error));
    CHECK_FAILS(FB_ARGUMENT, "stride -1 of dimension 0 is negative", borrow_status(data, FB_FLOAT32, {4}, &negative, error));
    CHECK_FAILS(FB_ARGUMENT, "more than can be addressed", borrow_status(data, FB_FLOAT32, {big}, nullptr, error));
    CHECK_FAILS(FB_ARGUMENT, "more than can be addressed", borrow_status(data, FB_UINT8, {big, 2}, nullptr, error));
    CHECK_FAILS(FB_ARGUMENT, "more than can be addressed", borrow_status(data, FB_UINT8, {2, 2}, (const int64_t[]){big, 1}, error));
    CHECK_FAILS(FB_ARGUMENT, "more than can be addressed", borrow_status(data, FB_FLOAT32, {3}, &huge, error));
    CHECK_FAILS(FB_ARGUMENT, "more than can be addressed", borrow_status(data, FB_FLOAT32, {0, big, big}, nullptr, error));
    CHECK_FAILS(FB_ARGUMENT, "rank 33", borrow_status(data, FB_FLOAT32, Sizes(33, 1), nullptr, error));
    CHECK_OK(borrow_status(data, FB_FLOAT32, Sizes(32, 1), nullptr, error));
    CHECK_FAILS(FB_ARGUMENT, "dtype 4000", borrow_status(data, 4000, {1}, nullptr, error));
    CHECK_FAILS(FB_ARGUMENT, "dtype 8", borrow_status(data, 8, {1}, nullptr, error));
    CHECK_FAILS(FB_ARGUMENT, "dtype -1", borrow_status(data, -1, {1}, nullptr, error));
    CHECK_FAILS(FB_ARGUMENT, "data is null, but the tensor is float32 [4]", borrow_status(nullptr, FB_FLOAT32, {4}, nullptr, error));
    CHECK_FAILS(FB_ARGUMENT, "data is null, but the tensor is float32 []", borrow_status(nullptr, FB_FLOAT32, {}, nullptr, error));
    CHECK_FAILS(FB_ARGUMENT, "not aligned", borrow_status(reinterpret_cast<char*>(data) + 1, FB_FLOAT32, {1}, nullptr, error));
    fb_tensor tensor = 0;
    CHECK_FAILS(FB_ARGUMENT, "rank -1", fb_tensor_borrow(data, FB_FLOAT32, -1, nullptr, nullptr, &tensor, ERR));
    CHECK_FAILS(FB_ARGUMENT, "sizes is null", fb_tensor_borrow(data, FB_FLOAT32, 2, nullptr, nullptr, &tensor, ERR));
    const int64_t size = 1;
    CHECK_FAILS(FB_ARGUMENT, "tensor is null", fb_tensor_borrow(data, FB_FLOAT32, 1, &size, nullptr, nullptr, ERR));
    CHECK_FAILS(FB_ARGUMENT, "tensor is null", fb_tensor_copy(data, FB_FLOAT32, 1, &size, nullptr, nullptr, ERR));
    CHECK(tensor == 0);
}

TEST(empty_tensors_need_no_memory) {
    Model model(linear_source);
    const Scope scope;
    const fb_tensor empty = borrow(nullptr, {0, 4});
    CHECK(model.run({empty}) == FB_OK);
    CHECK(read(model.outputs[0], {0, 3}).empty());
    const int64_t sizes[2] = {0, 4};
    fb_tensor copy = 0;
    CHECK_OK(fb_tensor_copy(nullptr, FB_FLOAT32, 2, sizes, nullptr, &copy, ERR));
    CHECK(model.run({copy}) == FB_OK);
    const int64_t expected[2] = {0, 3};
    CHECK_OK(fb_tensor_read(model.outputs[0], FB_FLOAT32, 2, expected, nullptr, nullptr, ERR));
}

TEST(scalars_have_no_sizes) {
    Model model("def forward(self, x):\n    return x.sum()\n");
    const Scope scope;
    float data[3] = {1, 2, 3};
    CHECK(model.run({borrow(data, {3})}) == FB_OK);
    CHECK(read(model.outputs[0], {})[0] == 6.0f);
    CHECK(read(borrow(data, {}), {})[0] == 1.0f);
}

TEST(nothing_is_copied_of_borrowed_memory) {
    Model model("def forward(self, x):\n    x.add_(1)\n    return x\n");
    const Scope scope;
    float data[3] = {1, 2, 3};
    CHECK(model.run({borrow(data, {3})}) == FB_OK);
    CHECK(data[0] == 2 && data[1] == 3 && data[2] == 4);
    data[1] = 50;
    CHECK((read(model.outputs[0], {3}) == std::vector<float>{2, 50, 4}));

    const int64_t size = 3;
    fb_tensor copy = 0;
    CHECK_OK(fb_tensor_copy(data, FB_FLOAT32, 1, &size, nullptr, &copy, ERR));
    data[0] = -1;
    CHECK(model.run({copy}) == FB_OK);
    CHECK((read(model.outputs[0], {3}) == std::vector<float>{3, 51, 5}));
    CHECK(data[0] == -1 && data[1] == 50);
}

TEST(rows_of_a_batch_in_dimension_1_are_strides) {
    // Two rows of three, one after the other in memory, as a [3, 2] tensor; and a [3, 2] result back into such rows.
    Model model("def forward(self, x):\n    return x * torch.tensor([[1.0], [10.0], [100.0]])\n");
    const Scope scope;
    float rows[6] = {1, 2, 3, 4, 5, 6};
    const fb_tensor input = borrow(rows, {3, 2}, FB_FLOAT32, {1, 3});
    CHECK((read(input, {3, 2}) == std::vector<float>{1, 4, 2, 5, 3, 6}));
    CHECK(model.run({input}) == FB_OK);
    float out[8] = {0, 0, 0, 0, 0, 0, -7, -7};
    const int64_t sizes[2] = {3, 2}, strides[2] = {1, 3}, coincide[2] = {0, 1};
    CHECK_OK(fb_tensor_read(model.outputs[0], FB_FLOAT32, 2, sizes, strides, out, ERR));
    const float expected[8] = {1, 20, 300, 4, 50, 600, -7, -7};
    CHECK(std::memcmp(out, expected, sizeof(out)) == 0);

    fb_tensor copy = 0;
    CHECK_OK(fb_tensor_copy(rows, FB_FLOAT32, 2, sizes, strides, &copy, ERR));
    CHECK((read(copy, {3, 2}) == std::vector<float>{1, 4, 2, 5, 3, 6}));
    CHECK_FAILS(FB_TORCH, "", fb_tensor_read(model.outputs[0], FB_FLOAT32, 2, sizes, coincide, out, ERR));
    CHECK_FAILS(FB_ARGUMENT, "destination is not aligned",
                fb_tensor_read(model.outputs[0], FB_FLOAT32, 2, sizes, strides, reinterpret_cast<char*>(out) + 2, ERR));
}

TEST(unaligned_memory_can_be_copied_but_not_borrowed) {
    const Scope scope;
    unsigned char memory[13];
    const float values[3] = {1.5f, -2, 3};
    std::memcpy(memory + 1, values, sizeof(values));
    fb_tensor tensor = 0;
    const int64_t size = 3, gap = 2;
    CHECK_OK(fb_tensor_copy(memory + 1, FB_FLOAT32, 1, &size, nullptr, &tensor, ERR));
    CHECK((read(tensor, {3}) == std::vector<float>{1.5f, -2, 3}));
    unsigned char out[13];
    CHECK_OK(fb_tensor_read(tensor, FB_FLOAT32, 1, &size, nullptr, out + 1, ERR));
    CHECK(std::memcmp(out + 1, values, sizeof(values)) == 0);
    CHECK_FAILS(FB_ARGUMENT, "data is not aligned", fb_tensor_copy(memory + 1, FB_FLOAT32, 1, &size, &gap, &tensor, ERR));
}

TEST(results_in_any_layout_are_read) {
    struct Case {
        const char* body;
        std::vector<float> expected;  // of [2, 3] for x = 0 .. 5
    };
    for (const Case& c : {Case{"x.t().contiguous().t()", {0, 1, 2, 3, 4, 5}},
                          Case{"x[:, :1].expand(2, 3)", {0, 0, 0, 3, 3, 3}},
                          Case{"torch.cat([x, x], 1)[:, 1:4]", {1, 2, 0, 4, 5, 3}},
                          Case{"torch.flip(x, [0])", {3, 4, 5, 0, 1, 2}},
                          Case{"x.to_sparse()", {0, 1, 2, 3, 4, 5}},
                          // lazily negated: its bytes are those of x
                          Case{"torch.imag(torch.conj(torch.complex(x, x)))", {-0.0f, -1, -2, -3, -4, -5}}}) {
        Model model(std::string("def forward(self, x):\n    return ") + c.body + "\n");
        const Scope scope;
        float data[6] = {0, 1, 2, 3, 4, 5};
        CHECK(model.run({borrow(data, {2, 3})}) == FB_OK);
        CHECK(read(model.outputs[0], {2, 3}) == c.expected);
    }
}

TEST(not_a_number_infinity_and_minus_zero_pass_through) {
    Model model("def forward(self, x):\n    return x * 1.0\n");
    const Scope scope;
    constexpr float inf = std::numeric_limits<float>::infinity();
    float data[5] = {std::nanf(""), inf, -inf, -0.0f, std::numeric_limits<float>::denorm_min()};
    CHECK(model.run({borrow(data, {5})}) == FB_OK);
    const std::vector<float> out = read(model.outputs[0], {5});
    CHECK(std::isnan(out[0]) && out[1] == inf && out[2] == -inf && out[3] == 0 && std::signbit(out[3]));
    CHECK(std::memcmp(&out[4], &data[4], sizeof(float)) == 0);
}

TEST(describing_writes_no_more_sizes_than_there_is_room_for) {
    const Scope scope;
    float data[6] = {};
    const fb_tensor tensor = borrow(data, {1, 2, 3});
    int64_t sizes[4] = {-1, -1, -1, -1};
    int32_t rank = 0;
    CHECK_OK(fb_tensor_describe(tensor, nullptr, &rank, sizes, 2, ERR));
    CHECK(rank == 3 && sizes[0] == 1 && sizes[1] == 2 && sizes[2] == -1);
    CHECK_OK(fb_tensor_describe(tensor, nullptr, nullptr, sizes, 0, ERR));
    CHECK_OK(fb_tensor_describe(tensor, nullptr, nullptr, sizes, -5, ERR));
    CHECK_OK(fb_tensor_describe(tensor, nullptr, nullptr, nullptr, 4, ERR));
    CHECK(sizes[2] == -1);
    CHECK_OK(fb_tensor_describe(tensor, nullptr, nullptr, sizes, 4, ERR));
    CHECK(sizes[2] == 3 && sizes[3] == -1);
}
