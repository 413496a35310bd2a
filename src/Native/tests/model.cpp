#include "model.h"

#include <torch/script.h>

#include <cstdlib>
#include <iostream>
#include <sstream>

const char* const linear_source = "def forward(self, x):\n    return torch.addmm(self.bias, x, self.weight)\n";

std::string module_file(const std::string& source) {
    torch::jit::Module module("TestModule");
    module.register_attribute("training", c10::BoolType::get(), true);
    module.register_parameter("weight", torch::arange(12, torch::kFloat).reshape({4, 3}), false);
    module.register_parameter("bias", torch::full({3}, 0.5f), false);
    module.register_buffer("kept", torch::zeros({1}));
    module.define(source);
    std::ostringstream file;
    module.save(file);
    return file.str();
}

Model::Model(const std::string& source, const char* name, int32_t flags) {
    const std::string file = module_file(source);
    if (fb_module_load_memory(file.data(), file.size(), FB_CPU, 0, flags, &module, error, sizeof(error)) != FB_OK ||
        fb_module_method(module, name, &method, nullptr, nullptr, error, sizeof(error)) != FB_OK) {
        std::cerr << "a test's own module does not load: " << error << "\n" << source;
        std::abort();
    }
}

Model::~Model() {
    fb_method_free(method);
    fb_module_free(module);
}

fb_status Model::run(const std::vector<fb_tensor>& inputs, int32_t capacity) {
    outputs.assign(static_cast<size_t>(capacity), 0);
    int32_t produced = -1;
    const fb_status status = fb_method_invoke(method, inputs.data(), static_cast<int32_t>(inputs.size()), outputs.data(), capacity, &produced,
                                              error, sizeof(error));
    outputs.resize(status == FB_OK ? static_cast<size_t>(produced) : 0);
    return status;
}
