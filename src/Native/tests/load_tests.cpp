// Loading: where modules come from, what is refused, and what a module's methods say about themselves.
#include "check.h"
#include "model.h"

#include <cstdio>
#include <fstream>
#include <unistd.h>

using check::borrow;
using check::read;

namespace {

// A file that goes away again.
class TemporaryFile {
public:
    explicit TemporaryFile(const std::string& content) {
        char name[] = "/tmp/fastbatch-test-XXXXXX";
        close(mkstemp(name));
        path = name;
        std::ofstream(path, std::ios::binary) << content;
    }

    ~TemporaryFile() { std::remove(path.c_str()); }

    std::string path;
};

fb_status load(const std::string& bytes, int32_t flags, fb_module** module, char* text, size_t capacity) {
    return fb_module_load_memory(bytes.data(), bytes.size(), FB_CPU, 0, flags, module, text, static_cast<int32_t>(capacity));
}

const char* const two_methods =
    "def forward(self, x):\n    return torch.relu(x) + self.bias\n"
    "def encode(self, x, y: Optional[Tensor] = None, scale: float = 2.0):\n"
    "    if y is not None:\n        x = x + y\n    return x * scale\n";

}  // namespace

TEST(the_version_and_a_description_are_told) {
    CHECK(fb_abi_version() == FB_ABI_VERSION);
    char text[512];
    CHECK(fb_describe(text, sizeof(text)) == FB_OK);
    const std::string description = text;
    CHECK(description.find("libtorch ") == 0);
    CHECK(description.find("BLAS") != std::string::npos);
    CHECK(description.find("CUDA: ") != std::string::npos);

    char few[9];
    CHECK(fb_describe(few, sizeof(few)) == FB_OK);
    CHECK(std::string(few) == description.substr(0, 8));
    CHECK(fb_describe(nullptr, 10) == FB_ARGUMENT);
    CHECK(fb_describe(text, 0) == FB_ARGUMENT);
}

TEST(a_module_loads_from_a_file_as_from_memory) {
    const TemporaryFile file(module_file(linear_source));
    fb_module* module = nullptr;
    CHECK_OK(fb_module_load_file(file.path.c_str(), FB_CPU, 0, 0, &module, ERR));
    fb_method* method = nullptr;
    int32_t required = -1, max = -1;
    CHECK_OK(fb_module_method(module, "forward", &method, &required, &max, ERR));
    CHECK(required == 1 && max == 1);

    Model memory(linear_source);
    float row[4] = {1, 2, 3, 4};
    const check::Scope scope;
    const fb_tensor input = borrow(row, {1, 4});
    fb_tensor output = 0;
    int32_t produced = 0;
    CHECK_OK(fb_method_invoke(method, &input, 1, &output, 1, &produced, ERR));
    CHECK(memory.run({input}) == FB_OK);
    CHECK((read(output, {1, 3}) == std::vector<float>{60.5f, 70.5f, 80.5f}));
    CHECK(read(output, {1, 3}) == read(memory.outputs[0], {1, 3}));
    fb_method_free(method);
    fb_module_free(module);
}

TEST(files_that_cannot_be_read_are_named) {
    fb_module* module = nullptr;
    CHECK_FAILS(FB_ARGUMENT, "cannot read '/no/such/file.pt': No such file", fb_module_load_file("/no/such/file.pt", FB_CPU, 0, 0, &module, ERR));
    CHECK_FAILS(FB_ARGUMENT, "Is a directory", fb_module_load_file("/tmp", FB_CPU, 0, 0, &module, ERR));
    CHECK_FAILS(FB_ARGUMENT, "path is empty", fb_module_load_file("", FB_CPU, 0, 0, &module, ERR));
    CHECK_FAILS(FB_ARGUMENT, "path is null", fb_module_load_file(nullptr, FB_CPU, 0, 0, &module, ERR));
    const TemporaryFile empty("");
    CHECK_FAILS(FB_ARGUMENT, "it has 0 bytes", fb_module_load_file(empty.path.c_str(), FB_CPU, 0, 0, &module, ERR));
    const TemporaryFile text("this is not a module, however long it may be");
    CHECK_FAILS(FB_ARGUMENT, "no zip directory", fb_module_load_file(text.path.c_str(), FB_CPU, 0, 0, &module, ERR));
    CHECK(module == nullptr);
}

TEST(impossible_arguments_of_loading_are_refused) {
    const std::string file = module_file(linear_source);
    fb_module* module = nullptr;
    CHECK_FAILS(FB_ARGUMENT, "bytes is null", fb_module_load_memory(nullptr, 5, FB_CPU, 0, 0, &module, ERR));
    CHECK_FAILS(FB_ARGUMENT, "length: 0", fb_module_load_memory(file.data(), 0, FB_CPU, 0, 0, &module, ERR));
    CHECK_FAILS(FB_ARGUMENT, "module is null", fb_module_load_memory(file.data(), file.size(), FB_CPU, 0, 0, nullptr, ERR));
    CHECK_FAILS(FB_ARGUMENT, "flags 4", fb_module_load_memory(file.data(), file.size(), FB_CPU, 0, 4, &module, ERR));
    CHECK_FAILS(FB_ARGUMENT, "device 2:0", fb_module_load_memory(file.data(), file.size(), 2, 0, 0, &module, ERR));
    CHECK_FAILS(FB_ARGUMENT, "device 0:1", fb_module_load_memory(file.data(), file.size(), FB_CPU, 1, 0, &module, ERR));
    CHECK(module == nullptr);
    fb_module_free(nullptr);
    fb_method_free(nullptr);
}

TEST(without_cuda_its_functions_say_so) {
    char description[512];
    CHECK(fb_describe(description, sizeof(description)) == FB_OK);
    if (std::string(description).find("CUDA: no") == std::string::npos) {
        return;  // there is a device here
    }

    const std::string file = module_file(linear_source);
    fb_module* module = nullptr;
    CHECK_FAILS(FB_UNSUPPORTED, "CUDA", fb_module_load_memory(file.data(), file.size(), FB_CUDA, 0, 0, &module, ERR));
    CHECK_FAILS(FB_UNSUPPORTED, "CUDA", fb_cuda_synchronize(0, ERR));
    int32_t count = 5;
    check::Error error;
    const fb_status status = fb_cuda_device_count(&count, ERR);
    CHECK(status == FB_UNSUPPORTED || (status == FB_OK && count == 0));
}

TEST(methods_say_how_many_inputs_they_take) {
    Model model(two_methods, "encode");
    int32_t required = -1, max = -1;
    fb_method* method = nullptr;
    CHECK_OK(fb_module_method(model.module, "encode", &method, &required, &max, ERR));
    CHECK(required == 1 && max == 3);
    fb_method_free(method);
    method = nullptr;
    CHECK_FAILS(FB_ARGUMENT, "no method 'decode'; it has: forward, encode",
                fb_module_method(model.module, "decode", &method, nullptr, nullptr, ERR));
    CHECK_FAILS(FB_ARGUMENT, "no method ''", fb_module_method(model.module, "", &method, nullptr, nullptr, ERR));
    CHECK_FAILS(FB_ARGUMENT, "module is null", fb_module_method(nullptr, "forward", &method, nullptr, nullptr, ERR));
    CHECK_FAILS(FB_ARGUMENT, "name is null", fb_module_method(model.module, nullptr, &method, nullptr, nullptr, ERR));
    CHECK_FAILS(FB_ARGUMENT, "method is null", fb_module_method(model.module, "forward", nullptr, nullptr, nullptr, ERR));
    CHECK(method == nullptr);

    const check::Scope scope;
    float x[2] = {1, 2}, y[2] = {10, 20};
    const fb_tensor a = borrow(x, {2}), b = borrow(y, {2});
    CHECK(model.run({a}) == FB_OK && (read(model.outputs[0], {2}) == std::vector<float>{2, 4}));
    CHECK(model.run({a, b}) == FB_OK && (read(model.outputs[0], {2}) == std::vector<float>{22, 44}));
    CHECK(model.run({}) == FB_ARGUMENT && std::string(model.error) == "encode takes 1 to 3 inputs, 0 were given");
    CHECK(model.run({a, a, a, a}) == FB_ARGUMENT && std::string(model.error) == "encode takes 1 to 3 inputs, 4 were given");
    // A tensor where the script has a number.
    CHECK(model.run({a, b, b}) == FB_TORCH && std::string(model.error).find("'float'") != std::string::npos);
}

TEST(a_method_outlives_its_module) {
    Model model(linear_source);
    fb_module_free(model.module);
    model.module = nullptr;
    const check::Scope scope;
    float row[4] = {1, 0, 0, 0};
    CHECK(model.run({borrow(row, {1, 4})}) == FB_OK);
    // ... and what it returned outlives both.
    fb_method_free(model.method);
    model.method = nullptr;
    CHECK((read(model.outputs[0], {1, 3}) == std::vector<float>{0.5f, 1.5f, 2.5f}));
}

TEST(freezing_keeps_all_methods_and_the_numbers) {
    const check::Scope scope;  // loading inside a scope is loading all the same
    float x[3] = {-1, 0, 1};
    const fb_tensor input = borrow(x, {3});
    for (const int32_t flags : {0, FB_FREEZE + 0, FB_OPTIMIZE_FOR_INFERENCE + 0, FB_FREEZE | FB_OPTIMIZE_FOR_INFERENCE}) {
        for (int run = 0; run < 4; ++run) {
            Model forward(two_methods, "forward", flags), encode(two_methods, "encode", flags);
            CHECK(forward.run({input}) == FB_OK && (read(forward.outputs[0], {3}) == std::vector<float>{0.5f, 0.5f, 1.5f}));
            CHECK(encode.run({input, input}) == FB_OK && (read(encode.outputs[0], {3}) == std::vector<float>{-4, 0, 4}));
        }
    }
}

TEST(modules_are_loaded_for_evaluation) {
    Model model("def forward(self, x):\n    return torch.dropout(x, 1.0, self.training)\n");
    const check::Scope scope;
    float x[2] = {1, 2};
    CHECK(model.run({borrow(x, {2})}) == FB_OK && (read(model.outputs[0], {2}) == std::vector<float>{1, 2}));
}

TEST(a_module_loaded_in_a_scope_can_change_its_attributes_in_another) {
    fb_module* module = nullptr;
    fb_method* method = nullptr;
    const std::string file = module_file("def forward(self, x):\n    self.kept += x\n    return self.kept\n");
    {
        const check::Scope scope;
        CHECK_OK(load(file, 0, &module, ERR));
        CHECK_OK(fb_module_method(module, "forward", &method, nullptr, nullptr, ERR));
    }

    for (int run = 1; run <= 3; ++run) {
        const check::Scope scope;
        float x[1] = {2};
        const fb_tensor input = borrow(x, {1});
        fb_tensor output = 0;
        int32_t produced = 0;
        CHECK_OK(fb_method_invoke(method, &input, 1, &output, 1, &produced, ERR));
        CHECK(read(output, {1})[0] == 2.0f * static_cast<float>(run));
    }

    fb_method_free(method);
    fb_module_free(module);
}
