// The tensors of one thread, scope by scope, on one stack. Only the thread itself comes here, so there is no lock.
// Invariant: an id is a serial number that no other scope of the process ever has, and an index below it; whatever number a caller makes
// up, it names a tensor of an open scope of this thread, or nothing.
#pragma once

#include <fastbatch_native.h>

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>
#include <c10/core/InferenceMode.h>

#include <optional>
#include <vector>

namespace fastbatch {

class Arena {
public:
    static Arena& of_this_thread();

    uint64_t enter();
    void leave(uint64_t scope);

    // Whether a borrowed tensor of the scope has been written to.
    bool is_written(uint64_t scope) const;

    // FB_ARGUMENT, naming `what`, unless a scope is open.
    void require_scope(const char* what) const;

    // `borrowed`: over the caller's memory, which is gone after the scope; made by `counted`.
    fb_tensor add(at::Tensor tensor, bool borrowed);

    // The reference holds until the next tensor is added.
    const at::Tensor& at(fb_tensor id) const;

    // How many threads an operation of this thread may use, once what fb_set_threads asked for has been applied.
    int threads();

    // The interpreter's stack, kept for its capacity: a call that takes it leaves an empty one for calls inside it.
    std::vector<c10::IValue> stack;

private:
    struct Scope {
        uint64_t serial;
        size_t first;
    };

    struct Entry {
        at::Tensor tensor;
        bool borrowed;
    };

    Arena();

    size_t release_from(size_t first) noexcept;
    void apply_threads();

    // Goes away last: the tensors are freed in the mode they were made in.
    std::optional<c10::InferenceMode> inference_;
    std::vector<Entry> tensors_;
    std::vector<Scope> scopes_;
    uint64_t next_serial_ = 0;
    uint64_t last_serial_ = 0;
    int applied_threads_ = 0;
};

// For every thread's next scope; 0: whatever libtorch does by itself.
void request_threads(int count) noexcept;

}  // namespace fastbatch
