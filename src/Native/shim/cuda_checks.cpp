// The checks of cuda_streams.h.
#include "cuda_streams.h"

namespace fastbatch {

// Errors after which CUDA answers every call of this process with the same one: the context is gone.
bool is_final(cudaError_t error) {
    switch (error) {
        case cudaErrorIllegalAddress:
        case cudaErrorLaunchFailure:
        case cudaErrorLaunchTimeout:
        case cudaErrorAssert:
        case cudaErrorHardwareStackError:
        case cudaErrorIllegalInstruction:
        case cudaErrorMisalignedAddress:
        case cudaErrorInvalidAddressSpace:
        case cudaErrorInvalidPc:
        case cudaErrorECCUncorrectable:
        case cudaErrorNvlinkUncorrectable:
        case cudaErrorDevicesUnavailable:
        case cudaErrorContextIsDestroyed:
        case cudaErrorCudartUnloading:
        case cudaErrorExternalDevice:
        case cudaErrorUnknown:
            return true;
        default:
            return false;
    }
}

// `what`: the call, as it is to be read in the text.
void check(cudaError_t error, const char* what) {
    if (error == cudaSuccess) {
        return;
    }

    // The runtime keeps the error for the next call that asks, which would be libtorch's. One that is final stays all the same.
    (void)cudaGetLastError();
    const fb_status status = is_final(error) ? FB_LOST : error == cudaErrorMemoryAllocation ? FB_OUT_OF_MEMORY : FB_TORCH;
    fail(status, what, ": ", cudaGetErrorName(error), " (", cudaGetErrorString(error), ")");
}

// Their own thread, or FB_ARGUMENT.
fb_cuda_streams& checked(fb_cuda_streams* streams) {
    if (streams == nullptr) {
        fail(FB_ARGUMENT, "streams is null");
    }

    if (streams->thread != std::this_thread::get_id()) {
        fail(FB_ARGUMENT, "these streams belong to the thread that opened them");
    }

    return *streams;
}

cudaEvent_t checked(fb_cuda_streams& streams, fb_cuda_event* event) {
    if (streams.events.count(event) == 0) {
        fail(FB_ARGUMENT, "the event is none of these streams'");
    }

    return event->event;
}

cudaStream_t stream_of(fb_cuda_streams& streams, int32_t stream) {
    switch (stream) {
        case FB_COPY_IN:
            return streams.copy_in;
        case FB_COMPUTE:
            return streams.compute.stream();
        case FB_COPY_OUT:
            return streams.copy_out;
        default:
            fail(FB_ARGUMENT, "stream ", stream, " is none of ", FB_COPY_IN, ", ", FB_COMPUTE, " and ", FB_COPY_OUT);
    }
}

void check_bytes(int64_t bytes) {
    if (bytes <= 0) {
        fail(FB_ARGUMENT, bytes, " bytes are not to be had");
    }
}

}  // namespace fastbatch
