// Modules and their methods. Both are handles over counted references of libtorch's, and neither changes after it was made: any number of
// threads may use one.
#include "archive.h"
#include "arena.h"
#include "device.h"
#include "failure.h"

#include <torch/script.h>

#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

struct fb_module {
    torch::jit::Module module;
    c10::Device device;
};

struct fb_method {
    torch::jit::Module module;  // owns the function, and the weights
    c10::Device device;
    torch::jit::Function* function;
    int32_t required;
    int32_t max;
};

namespace fastbatch {
namespace {

using torch::jit::Module;

void check_load(int32_t flags, fb_module* const* module) {
    if ((flags & ~(FB_FREEZE | FB_OPTIMIZE_FOR_INFERENCE)) != 0) {
        fail(FB_ARGUMENT, "flags ", flags, " has bits that mean nothing");
    }

    if (module == nullptr) {
        fail(FB_ARGUMENT, "module is null");
    }
}

std::vector<std::string> methods_of(const Module& module, const char* except) {
    std::vector<std::string> names;
    for (const auto& method : module.get_methods()) {
        if (method.name() != except) {
            names.push_back(method.name());
        }
    }

    return names;
}

std::unique_ptr<fb_module> load(const std::shared_ptr<Bytes>& bytes, c10::Device device, int32_t flags) {
    // Weights are to be ordinary tensors even if the caller has a scope open, or a method could not write to them outside of one.
    const c10::InferenceMode not_now(false);
    const c10::AutoGradMode no_gradients(false);

    check_archive(bytes);
    Module module = torch::jit::load(bytes, device);
    module.eval();
    if (flags != 0) {
        // Freezing keeps only what forward needs, unless told.
        const std::vector<std::string> others = methods_of(module, "forward");
        module = torch::jit::freeze(module, others);
        if ((flags & FB_OPTIMIZE_FOR_INFERENCE) != 0) {
            module = torch::jit::optimize_for_inference(module, others);
        }
    }

    return std::unique_ptr<fb_module>(new fb_module{std::move(module), device});
}

std::unique_ptr<fb_method> find_method(const fb_module& owner, const char* name) {
    const auto method = owner.module.find_method(name);
    if (!method) {
        std::string names;
        for (const std::string& other : methods_of(owner.module, "")) {
            names += (names.empty() ? "" : ", ") + other;
        }

        fail(FB_ARGUMENT, "the module has no method '", name, "'; it has: ", names.empty() ? "none" : names);
    }

    torch::jit::Function& function = method->function();
    const auto& arguments = function.getSchema().arguments();  // the first is self
    int32_t required = 0;
    for (size_t i = 1; i < arguments.size(); ++i) {
        if (!arguments[i].default_value()) {
            required = static_cast<int32_t>(i);
        }
    }

    return std::unique_ptr<fb_method>(
        new fb_method{owner.module, owner.device, &function, required, static_cast<int32_t>(arguments.size()) - 1});
}

std::string range_text(int32_t required, int32_t max) {
    const std::string number = required == max ? std::to_string(max) : std::to_string(required) + " to " + std::to_string(max);
    return number + (max == 1 ? " input" : " inputs");
}

// "Tensor", "int", "Dict": what the value is, never what it holds.
[[noreturn]] void mismatch(const char* where, const c10::IValue& value) {
    fail(FB_MISMATCH, "expected a tensor, or a tuple or list of tensors; the model returned ", where,
         value.isTensor() ? "an undefined tensor" : value.tagKind());
}

void check_tensor(const c10::IValue& value, const char* where) {
    if (!value.isTensor() || !value.toTensor().defined()) {
        mismatch(where, value);
    }
}

void check_capacity(size_t count, int32_t capacity) {
    if (count > static_cast<size_t>(capacity)) {
        fail(FB_MISMATCH, "expected ", capacity == 1 ? "1 tensor" : "at most " + std::to_string(capacity) + " tensors", ", the model returned ",
             count);
    }
}

// Everything is checked before anything is kept.
int32_t keep_result(Arena& arena, const c10::IValue& result, fb_tensor* outputs, int32_t capacity) {
    if (result.isTensor()) {
        check_tensor(result, "");
        check_capacity(1, capacity);
        outputs[0] = arena.add(result.toTensor(), false);
        return 1;
    }

    if (!result.isTuple() && !result.isList()) {
        mismatch("", result);
    }

    // Lists of tensors have a representation of their own inside; toListRef does not know it.
    const bool tuple = result.isTuple();
    const auto tensors = result.isTensorList() ? result.toTensorList() : c10::List<at::Tensor>();
    const size_t count = tuple ? result.toTupleRef().elements().size() : result.isTensorList() ? tensors.size() : result.toListRef().size();
    check_capacity(count, capacity);
    const auto element = [&](size_t i) -> c10::IValue {
        return tuple ? result.toTupleRef().elements()[i] : result.isTensorList() ? c10::IValue(tensors.get(i)) : result.toListRef()[i];
    };
    for (size_t i = 0; i < count; ++i) {
        check_tensor(element(i), tuple ? "a tuple with " : "a list with ");
    }

    for (size_t i = 0; i < count; ++i) {
        outputs[i] = arena.add(element(i).toTensor(), false);
    }

    return static_cast<int32_t>(count);
}

int32_t invoke(const fb_method& method, const fb_tensor* inputs, int32_t count, fb_tensor* outputs, int32_t capacity) {
    Arena& arena = Arena::of_this_thread();
    arena.require_scope("a call");
    if (count < method.required || count > method.max) {
        fail(FB_ARGUMENT, method.function->name(), " takes ", range_text(method.required, method.max), ", ", count,
             count == 1 ? " was given" : " were given");
    }

    // Whatever happens, the stack goes back empty: what it refers to must not outlive the scope.
    struct Borrowed {
        Arena& arena;
        std::vector<c10::IValue> values = std::move(arena.stack);

        ~Borrowed() {
            values.clear();
            arena.stack = std::move(values);
        }
    } stack{arena};

    stack.values.emplace_back(method.module._ivalue());
    for (int32_t i = 0; i < count; ++i) {
        const at::Tensor& input = arena.at(inputs[i]);
        stack.values.emplace_back(input.device() == method.device ? input : input.to(method.device));
    }

    // Checks the types against the script's, and fills in what has a default.
    static const std::unordered_map<std::string, c10::IValue> none;
    method.function->getSchema().checkAndNormalizeInputs(stack.values, none);
    method.function->run(stack.values);
    return keep_result(arena, stack.values.back(), outputs, capacity);
}

}  // namespace
}  // namespace fastbatch

using fastbatch::fail;
using fastbatch::guarded;

fb_status fb_module_load_file(const char* path, int32_t device_type, int32_t device_index, int32_t flags, fb_module** module, char* error,
                              int32_t error_capacity) {
    return guarded(error, error_capacity, [&] {
        fastbatch::check_load(flags, module);
        const c10::Device device = fastbatch::checked_device(device_type, device_index);
        *module = fastbatch::load(fastbatch::bytes_of_file(path), device, flags).release();
    });
}

fb_status fb_module_load_memory(const void* bytes, uint64_t length, int32_t device_type, int32_t device_index, int32_t flags,
                                fb_module** module, char* error, int32_t error_capacity) {
    return guarded(error, error_capacity, [&] {
        fastbatch::check_load(flags, module);
        const c10::Device device = fastbatch::checked_device(device_type, device_index);
        *module = fastbatch::load(fastbatch::bytes_of_memory(bytes, length), device, flags).release();
    });
}

void fb_module_free(fb_module* module) { delete module; }

fb_status fb_module_method(fb_module* module, const char* name, fb_method** method, int32_t* required_inputs, int32_t* max_inputs,
                           char* error, int32_t error_capacity) {
    return guarded(error, error_capacity, [&] {
        if (module == nullptr || name == nullptr || method == nullptr) {
            fail(FB_ARGUMENT, module == nullptr ? "module" : name == nullptr ? "name" : "method", " is null");
        }

        std::unique_ptr<fb_method> found = fastbatch::find_method(*module, name);
        if (required_inputs != nullptr) {
            *required_inputs = found->required;
        }

        if (max_inputs != nullptr) {
            *max_inputs = found->max;
        }

        *method = found.release();
    });
}

void fb_method_free(fb_method* method) { delete method; }

fb_status fb_method_invoke(fb_method* method, const fb_tensor* inputs, int32_t count, fb_tensor* outputs, int32_t capacity,
                           int32_t* produced, char* error, int32_t error_capacity) {
    return guarded(error, error_capacity, [&] {
        if (method == nullptr || produced == nullptr || (inputs == nullptr && count > 0) || (outputs == nullptr && capacity > 0)) {
            fail(FB_ARGUMENT, method == nullptr ? "method" : produced == nullptr ? "produced" : inputs == nullptr && count > 0 ? "inputs" : "outputs",
                 " is null");
        }

        *produced = fastbatch::invoke(*method, inputs, count, outputs, capacity < 0 ? 0 : capacity);
    });
}
