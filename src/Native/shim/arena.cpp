// Scopes: see arena.h. Entering and leaving allocate nothing once the vectors have grown.
#include "arena.h"

#include "failure.h"

#include <ATen/ATen.h>
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <c10/core/Allocator.h>

#include <algorithm>
#include <atomic>
#include <cstring>

namespace fastbatch {
namespace {

// Of an id, the low bits count the tensors of a scope from 1; 0 there is the scope itself. 48 bits of serials last for 9 years at a
// million scopes a second.
constexpr int index_bits = 16;
constexpr uint64_t index_mask = (uint64_t{1} << index_bits) - 1;

// Threads take serials by the block: one shared counter per scope would be a cache line that all of them fight for.
constexpr uint64_t serials_per_block = 1024;

std::atomic<uint64_t> g_next_block{1};
std::atomic<int> g_threads{0};

// A copy of a device's memory, made by its own stream: what is given to that later does not disturb it.
c10::DataPtr copy_of(const at::Tensor& tensor, size_t bytes) {
    const at::Tensor raw = at::for_blob(tensor.data_ptr(), {static_cast<int64_t>(bytes)})
                               .options(at::TensorOptions(at::kByte).device(tensor.device()))
                               .target_device(tensor.device())
                               .make_tensor();
    return raw.clone().storage().set_data_ptr(c10::DataPtr(nullptr, tensor.device()));
}

// The module has kept a tensor over the caller's memory, which may go away now: everything that shares the storage is moved to a copy of it.
bool take_over(const at::Tensor& tensor) noexcept {
    const c10::Storage storage = tensor.storage();
    try {
        const size_t bytes = storage.nbytes();
        if (!tensor.device().is_cpu()) {
            storage.set_data_ptr(copy_of(tensor, bytes));
            return true;
        }

        c10::DataPtr own = c10::GetAllocator(c10::DeviceType::CPU)->allocate(bytes);
        if (bytes > 0) {
            std::memcpy(own.get(), tensor.data_ptr(), bytes);
        }

        storage.set_data_ptr(std::move(own));
        return true;
    } catch (...) {
        // Better a null that faults at once than somebody else's memory.
        storage.set_data_ptr_noswap(c10::DataPtr(nullptr, tensor.device()));
        return false;
    }
}

}  // namespace

void request_threads(int count) noexcept { g_threads.store(count, std::memory_order_relaxed); }

Arena::Arena() {
    tensors_.reserve(64);
    scopes_.reserve(8);
    stack.reserve(16);
}

Arena& Arena::of_this_thread() {
    static thread_local Arena arena;
    return arena;
}

uint64_t Arena::enter() {
    if (next_serial_ == last_serial_) {
        next_serial_ = g_next_block.fetch_add(serials_per_block, std::memory_order_relaxed);
        last_serial_ = next_serial_ + serials_per_block;
    }

    if (scopes_.empty()) {
        apply_threads();
        scopes_.push_back({next_serial_, 0});
        inference_.emplace();
    } else {
        scopes_.push_back({next_serial_, tensors_.size()});
    }

    return next_serial_++ << index_bits;
}

void Arena::leave(uint64_t scope) {
    const uint64_t serial = scope >> index_bits;
    const bool innermost = !scopes_.empty() && scopes_.back().serial == serial && (scope & index_mask) == 0;
    if (!innermost) {
        for (const Scope& open : scopes_) {
            if (open.serial == serial && (scope & index_mask) == 0) {
                fail(FB_ARGUMENT, "scope ", scope, " is not the innermost of this thread: leave ", scopes_.back().serial << index_bits,
                     " first");
            }
        }

        fail(FB_ARGUMENT, "scope ", scope, " is not open on this thread: it was left, or another thread entered it");
    }

    const size_t lost = release_from(scopes_.back().first);
    scopes_.pop_back();
    if (scopes_.empty()) {
        inference_.reset();
    }

    if (lost > 0) {
        fail(FB_OUT_OF_MEMORY, "out of memory: the module kept ", lost, " borrowed input(s), and there was no room for a copy; it must not be run again");
    }
}

bool Arena::is_written(uint64_t scope) const {
    const uint64_t serial = scope >> index_bits;
    size_t end = tensors_.size();
    for (size_t i = scopes_.size(); i-- > 0;) {
        if (scopes_[i].serial == serial && (scope & index_mask) == 0) {
            return std::any_of(tensors_.begin() + static_cast<ptrdiff_t>(scopes_[i].first), tensors_.begin() + static_cast<ptrdiff_t>(end),
                               [](const Entry& entry) { return entry.borrowed && entry.tensor._version() != 0; });
        }

        end = scopes_[i].first;
    }

    fail(FB_ARGUMENT, "scope ", scope, " is not open on this thread: it was left, or another thread entered it");
}

// Tensors of the scope first that may share a borrowed storage (views, or the input handed back): what is left after them is the module's.
size_t Arena::release_from(size_t first) noexcept {
    for (size_t i = tensors_.size(); i-- > first;) {
        if (!tensors_[i].borrowed) {
            tensors_[i].tensor.reset();
        }
    }

    size_t lost = 0;
    for (size_t i = tensors_.size(); i-- > first;) {
        const Entry& entry = tensors_[i];
        if (entry.borrowed && (entry.tensor.use_count() > 1 || entry.tensor.storage().use_count() > 1)) {
            lost += take_over(entry.tensor) ? 0 : 1;
        }

        tensors_.pop_back();
    }

    return lost;
}

void Arena::require_scope(const char* what) const {
    if (scopes_.empty()) {
        fail(FB_ARGUMENT, what, " needs an open scope on the calling thread: fb_scope_enter first");
    }
}

fb_tensor Arena::add(at::Tensor tensor, bool borrowed) {
    const Scope& scope = scopes_.back();
    const size_t index = tensors_.size() - scope.first + 1;
    if (index > index_mask) {
        fail(FB_ARGUMENT, "a scope holds at most ", index_mask, " tensors: leave it and enter another");
    }

    tensors_.push_back({std::move(tensor), borrowed});
    return scope.serial << index_bits | index;
}

const at::Tensor& Arena::at(fb_tensor id) const {
    const uint64_t serial = id >> index_bits;
    const uint64_t index = id & index_mask;
    size_t end = tensors_.size();
    for (size_t i = scopes_.size(); i-- > 0;) {
        const Scope& scope = scopes_[i];
        if (scope.serial == serial && index != 0 && index <= end - scope.first) {
            return tensors_[scope.first + index - 1].tensor;
        }

        end = scope.first;
    }

    if (id == 0) {
        fail(FB_ARGUMENT, "tensor 0 is none");
    }

    fail(FB_ARGUMENT, "tensor ", id, " is of no open scope of this thread: its scope was left, or it is another thread's");
}

int Arena::threads() {
    if (scopes_.empty()) {
        apply_threads();
    }

    return at::get_num_threads();
}

// libtorch keeps the number per thread once a thread has run something; setting it is not free, so it is only done when it changed.
void Arena::apply_threads() {
    const int wanted = g_threads.load(std::memory_order_relaxed);
    if (wanted != 0 && wanted != applied_threads_) {
        at::set_num_threads(wanted);
        applied_threads_ = wanted;
    }
}

}  // namespace fastbatch

using fastbatch::Arena;
using fastbatch::fail;
using fastbatch::guarded;

fb_status fb_scope_enter(uint64_t* scope, char* error, int32_t error_capacity) {
    return guarded(error, error_capacity, [&] {
        if (scope == nullptr) {
            fail(FB_ARGUMENT, "scope is null");
        }

        *scope = Arena::of_this_thread().enter();
    });
}

fb_status fb_scope_leave(uint64_t scope, char* error, int32_t error_capacity) {
    return guarded(error, error_capacity, [&] { Arena::of_this_thread().leave(scope); });
}

fb_status fb_scope_is_written(uint64_t scope, int32_t* written, char* error, int32_t error_capacity) {
    return guarded(error, error_capacity, [&] {
        if (written == nullptr) {
            fail(FB_ARGUMENT, "written is null");
        }

        *written = Arena::of_this_thread().is_written(scope) ? 1 : 0;
    });
}
