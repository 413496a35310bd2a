// Devices, as the interface names them.
#pragma once

#include <fastbatch_native.h>

#include <c10/core/Device.h>

namespace fastbatch {

#ifdef FASTBATCH_CUDA
inline constexpr bool built_with_cuda = true;
#else
inline constexpr bool built_with_cuda = false;
#endif

// FB_UNSUPPORTED in a build without CUDA.
void require_cuda();

// FB_ARGUMENT for a device that cannot be, FB_UNSUPPORTED for one that is not to be had here.
c10::Device checked_device(int32_t type, int32_t index);

}  // namespace fastbatch
