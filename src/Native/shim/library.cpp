// The library as a whole: versions, threads and devices.
#include "arena.h"
#include "device.h"
#include "failure.h"

#include <ATen/Version.h>
#include <torch/cuda.h>
#include <torch/version.h>

#include <string>

#ifndef _WIN32
#include <dlfcn.h>
#endif

namespace fastbatch {
namespace {

// A function of OpenBLAS, whose pool libtorch does not govern; null if another BLAS is in use. Looked up, not linked: which BLAS there is
// is decided where the library runs (update-alternatives, LD_LIBRARY_PATH). On Windows, libtorch comes with MKL, which it does govern.
void* openblas(const char* name) noexcept {
#ifdef _WIN32
    (void)name;
    return nullptr;
#else
    return dlsym(RTLD_DEFAULT, name);
#endif
}

std::string value_of(const std::string& config, const std::string& key) {
    const size_t at = config.find(key + "=");
    if (at == std::string::npos) {
        return {};
    }

    const size_t begin = at + key.size() + 1;
    return config.substr(begin, config.find_first_of(",\n", begin) - begin);
}

std::string blas(const std::string& config) {
    if (void* function = openblas("openblas_get_config")) {
        return reinterpret_cast<char* (*)()>(function)();  // "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH ..."
    }

    std::string text = "BLAS " + value_of(config, "BLAS_INFO");
#ifndef _WIN32
    // "generic" says nothing; the file it is in does.
    Dl_info where;
    if (void* function = dlsym(RTLD_DEFAULT, "sgemm_"); function != nullptr && dladdr(function, &where) != 0) {
        text += std::string(" (") + where.dli_fname + ")";
    }
#endif
    return text;
}

std::string describe() {
    const std::string config = at::show_config();
    const std::string built_against = TORCH_VERSION;
    const std::string told = value_of(config, "TORCH_VERSION");
    const std::string loaded = told.empty() ? built_against : told;
    std::string text = "libtorch " + loaded;
    if (loaded != built_against) {
        text += " (built against " + built_against + ")";
    }

    text += ", " + blas(config) + ", CUDA: ";
    return text + (!built_with_cuda ? "no" : torch::cuda::is_available() ? std::to_string(torch::cuda::device_count()) + " device(s)" : "no device");
}

}  // namespace

// torch::cuda is there in every libtorch, so no header of CUDA's is needed: what the build decides is whether libtorch_cuda is linked.
c10::Device checked_device(int32_t type, int32_t index) {
    if (type == FB_CPU && index == 0) {
        return c10::Device(c10::DeviceType::CPU);
    }

    if (type != FB_CUDA) {
        fail(FB_ARGUMENT, "device ", type, ":", index, " is neither the CPU (", FB_CPU, ":0) nor a CUDA device (", FB_CUDA, ":index)");
    }

    require_cuda();
    const auto count = static_cast<int64_t>(torch::cuda::device_count());
    if (count == 0) {
        fail(FB_UNSUPPORTED, "libtorch finds no CUDA device on this machine");
    }

    if (index < 0 || index >= count) {
        fail(FB_ARGUMENT, "CUDA device ", index, " is not one of 0 .. ", count - 1);
    }

    return c10::Device(c10::DeviceType::CUDA, static_cast<c10::DeviceIndex>(index));
}

void require_cuda() {
    if (!built_with_cuda) {
        fail(FB_UNSUPPORTED, "this build of libfastbatch_native has no CUDA: build it against a libtorch that has");
    }
}

}  // namespace fastbatch

using fastbatch::fail;
using fastbatch::guarded;

int32_t fb_abi_version(void) { return FB_ABI_VERSION; }

fb_status fb_describe(char* text, int32_t capacity) {
    if (text == nullptr || capacity <= 0) {
        return FB_ARGUMENT;
    }

    std::string description;
    const fb_status status = guarded(text, capacity, [&] { description = fastbatch::describe(); });
    if (status == FB_OK) {
        fastbatch::write_text(text, capacity, description.c_str());
    }

    return status;
}

fb_status fb_get_threads(int32_t* intraop) {
    return guarded(nullptr, 0, [&] {
        if (intraop == nullptr) {
            fail(FB_ARGUMENT, "intraop is null");
        }

        *intraop = fastbatch::Arena::of_this_thread().threads();
    });
}

fb_status fb_set_threads(int32_t intraop, char* error, int32_t error_capacity) {
    return guarded(error, error_capacity, [&] {
        if (intraop < 1 || intraop > 1024) {
            fail(FB_ARGUMENT, "the number of threads must be 1 .. 1024, not ", intraop);
        }

        fastbatch::request_threads(intraop);
        if (void* function = fastbatch::openblas("openblas_set_num_threads")) {
            reinterpret_cast<void (*)(int)>(function)(intraop);
        }
    });
}

fb_status fb_cuda_device_count(int32_t* count, char* error, int32_t error_capacity) {
    return guarded(error, error_capacity, [&] {
        if (count == nullptr) {
            fail(FB_ARGUMENT, "count is null");
        }

        fastbatch::require_cuda();
        *count = static_cast<int32_t>(torch::cuda::device_count());
    });
}

fb_status fb_cuda_synchronize(int32_t index, char* error, int32_t error_capacity) {
    return guarded(error, error_capacity, [&] { torch::cuda::synchronize(fastbatch::checked_device(FB_CUDA, index).index()); });
}
