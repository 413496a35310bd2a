// TorchScript modules made from source, as the bytes of a file and as handles of the library.
#pragma once

#include <fastbatch_native.h>

#include <string>
#include <vector>

// "def forward(self, x): ..." and other methods. The module has the attributes weight (float [4, 3], 0 .. 11), bias (float [3], 0.5),
// kept (float [1], 0) and training.
std::string module_file(const std::string& source);

class Model {
public:
    explicit Model(const std::string& source, const char* method = "forward", int32_t flags = 0);
    ~Model();
    Model(const Model&) = delete;

    // Answers the status; `error` has the text.
    fb_status run(const std::vector<fb_tensor>& inputs, int32_t capacity = 8);

    fb_method* method = nullptr;
    fb_module* module = nullptr;
    std::vector<fb_tensor> outputs;
    char error[4096] = "";
};

// x @ weight + bias: [n, 4] -> [n, 3]
extern const char* const linear_source;
