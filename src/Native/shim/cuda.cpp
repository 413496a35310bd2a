// Streams of a CUDA device: built with CUDA, instead of no_cuda.cpp. What libtorch computes goes to a stream of its own pool, which outlives
// every tensor that was allocated on it; the copies have streams of ours.
#include "cuda_streams.h"
#include "device.h"

namespace fastbatch {
namespace {

// Pinning belongs to the process; the device is current only for the length of the call.
class CurrentDevice {
public:
    explicit CurrentDevice(c10::Device device) {
        check(cudaGetDevice(&previous_), "cudaGetDevice");
        check(cudaSetDevice(device.index()), "cudaSetDevice");
    }

    // Nothing can be done here about a failure; the next call meets it again.
    ~CurrentDevice() { (void)cudaSetDevice(previous_); }

    CurrentDevice(const CurrentDevice&) = delete;
    CurrentDevice& operator=(const CurrentDevice&) = delete;

private:
    int previous_ = 0;
};

// What there is of it, whatever fails: the first error is told at the end.
void close(fb_cuda_streams* owned) {
    const std::unique_ptr<fb_cuda_streams> streams(owned);
    cudaError_t first = cudaSuccess;
    const auto note = [&first](cudaError_t error) { first = first == cudaSuccess ? error : first; };

    // Before anything is freed: nothing on the device may use it any more.
    if (streams->copy_in != nullptr) {
        note(cudaStreamSynchronize(streams->copy_in));
    }

    note(cudaStreamSynchronize(streams->compute.stream()));
    if (streams->copy_out != nullptr) {
        note(cudaStreamSynchronize(streams->copy_out));
    }

    for (fb_cuda_event* event : streams->events) {
        note(cudaEventDestroy(event->event));
        delete event;
    }

    for (void* memory : streams->memory) {
        note(cudaFree(memory));
    }

    if (streams->copy_in != nullptr) {
        note(cudaStreamDestroy(streams->copy_in));
    }

    if (streams->copy_out != nullptr) {
        note(cudaStreamDestroy(streams->copy_out));
    }

    c10::cuda::setCurrentCUDAStream(streams->previous);
    note(cudaSetDevice(streams->previous_device));
    check(first, "closing the streams");
}

void open(c10::Device device, fb_cuda_streams** result) {
    int previous_device = 0;
    check(cudaGetDevice(&previous_device), "cudaGetDevice");
    check(cudaSetDevice(device.index()), "cudaSetDevice");
    std::unique_ptr<fb_cuda_streams> streams;
    try {
        streams = std::make_unique<fb_cuda_streams>(
            device, c10::cuda::getStreamFromPool(false, device.index()), c10::cuda::getCurrentCUDAStream(device.index()));
    } catch (...) {
        (void)cudaSetDevice(previous_device);
        throw;
    }

    streams->previous_device = previous_device;
    try {
        // Not ordered with the default stream: whatever else the process does there does not hold them up.
        check(cudaStreamCreateWithFlags(&streams->copy_in, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
        check(cudaStreamCreateWithFlags(&streams->copy_out, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
        c10::cuda::setCurrentCUDAStream(streams->compute);
        if (c10::cuda::getCurrentCUDAStream(device.index()) != streams->compute) {
            fail(FB_TORCH, "libtorch does not compute on the stream that it was given");
        }
    } catch (...) {
        try {
            close(streams.release());
        } catch (...) {
            // The first error is the one to tell.
        }

        throw;
    }

    *result = streams.release();
}

}  // namespace
}  // namespace fastbatch

using fastbatch::check;
using fastbatch::check_bytes;
using fastbatch::check_given;
using fastbatch::checked;
using fastbatch::fail;
using fastbatch::guarded;

fb_status fb_cuda_streams_open(int32_t device_index, fb_cuda_streams** streams, char* error, int32_t error_capacity) {
    return guarded(error, error_capacity, [&] {
        check_given(streams, "streams");
        fastbatch::open(fastbatch::checked_device(FB_CUDA, device_index), streams);
    });
}

fb_status fb_cuda_streams_close(fb_cuda_streams* streams, char* error, int32_t error_capacity) {
    return guarded(error, error_capacity, [&] {
        if (streams != nullptr) {
            fastbatch::close(&checked(streams));
        }
    });
}

fb_status fb_cuda_is_lost(fb_cuda_streams* streams, int32_t* lost, char* error, int32_t error_capacity) {
    return guarded(error, error_capacity, [&] {
        check_given(lost, "lost");
        const cudaError_t pending = cudaGetLastError();
        const cudaError_t state = cudaStreamQuery(checked(streams).compute.stream());
        (void)cudaGetLastError();
        *lost = fastbatch::is_final(pending) || fastbatch::is_final(state) ? 1 : 0;
    });
}

fb_status fb_cuda_allocate(fb_cuda_streams* streams, int64_t bytes, void** memory, char* error, int32_t error_capacity) {
    return guarded(error, error_capacity, [&] {
        fb_cuda_streams& owner = checked(streams);
        check_given(memory, "memory");
        check_bytes(bytes);
        owner.memory.reserve(owner.memory.size() + 1);  // before there is something to lose
        void* allocated = nullptr;
        check(cudaMalloc(&allocated, static_cast<size_t>(bytes)), "cudaMalloc");
        owner.memory.insert(allocated);
        *memory = allocated;
    });
}

fb_status fb_cuda_free(fb_cuda_streams* streams, void* memory, char* error, int32_t error_capacity) {
    return guarded(error, error_capacity, [&] {
        if (checked(streams).memory.erase(memory) == 0) {
            fail(FB_ARGUMENT, "the memory is none of these streams'");
        }

        check(cudaFree(memory), "cudaFree");
    });
}

fb_status fb_cuda_pin(int32_t device_index, void* address, int64_t bytes, char* error, int32_t error_capacity) {
    return guarded(error, error_capacity, [&] {
        check_given(address, "address");
        check_bytes(bytes);
        const fastbatch::CurrentDevice current(fastbatch::checked_device(FB_CUDA, device_index));

        // Portable: pinned for every device of the process.
        check(cudaHostRegister(address, static_cast<size_t>(bytes), cudaHostRegisterPortable), "cudaHostRegister");
    });
}

fb_status fb_cuda_unpin(int32_t device_index, void* address, char* error, int32_t error_capacity) {
    return guarded(error, error_capacity, [&] {
        check_given(address, "address");
        const fastbatch::CurrentDevice current(fastbatch::checked_device(FB_CUDA, device_index));
        check(cudaHostUnregister(address), "cudaHostUnregister");
    });
}

fb_status fb_cuda_event_create(fb_cuda_streams* streams, fb_cuda_event** event, char* error, int32_t error_capacity) {
    return guarded(error, error_capacity, [&] {
        fb_cuda_streams& owner = checked(streams);
        check_given(event, "event");
        auto created = std::make_unique<fb_cuda_event>();
        owner.events.reserve(owner.events.size() + 1);

        // With timing: what the stages take is read from them.
        check(cudaEventCreateWithFlags(&created->event, cudaEventDefault), "cudaEventCreateWithFlags");
        owner.events.insert(created.get());
        *event = created.release();
    });
}

fb_status fb_cuda_event_free(fb_cuda_streams* streams, fb_cuda_event* event, char* error, int32_t error_capacity) {
    return guarded(error, error_capacity, [&] {
        fb_cuda_streams& owner = checked(streams);
        const cudaEvent_t raw = checked(owner, event);
        owner.events.erase(event);
        delete event;
        check(cudaEventDestroy(raw), "cudaEventDestroy");
    });
}

fb_status fb_cuda_copy(fb_cuda_streams* streams, int32_t stream, void* destination, const void* source, int64_t bytes, char* error,
                       int32_t error_capacity) {
    return guarded(error, error_capacity, [&] {
        fb_cuda_streams& owner = checked(streams);
        check_given(destination, "destination");
        check_given(source, "source");
        check_bytes(bytes);
        if (stream == FB_COMPUTE) {
            fail(FB_ARGUMENT, "copies go to the streams for copies");
        }

        const cudaMemcpyKind kind = stream == FB_COPY_IN ? cudaMemcpyHostToDevice : cudaMemcpyDeviceToHost;
        check(cudaMemcpyAsync(destination, source, static_cast<size_t>(bytes), kind, fastbatch::stream_of(owner, stream)), "cudaMemcpyAsync");
    });
}

fb_status fb_cuda_fill(fb_cuda_streams* streams, void* memory, int32_t value, int64_t bytes, char* error, int32_t error_capacity) {
    return guarded(error, error_capacity, [&] {
        fb_cuda_streams& owner = checked(streams);
        check_given(memory, "memory");
        check_bytes(bytes);
        if (value < 0 || value > 255) {
            fail(FB_ARGUMENT, value, " is no byte");
        }

        check(cudaMemsetAsync(memory, value, static_cast<size_t>(bytes), owner.copy_in), "cudaMemsetAsync");
    });
}

fb_status fb_cuda_record(fb_cuda_streams* streams, fb_cuda_event* event, int32_t stream, char* error, int32_t error_capacity) {
    return guarded(error, error_capacity, [&] {
        fb_cuda_streams& owner = checked(streams);
        check(cudaEventRecord(checked(owner, event), fastbatch::stream_of(owner, stream)), "cudaEventRecord");
    });
}

fb_status fb_cuda_await(fb_cuda_streams* streams, int32_t stream, fb_cuda_event* event, char* error, int32_t error_capacity) {
    return guarded(error, error_capacity, [&] {
        fb_cuda_streams& owner = checked(streams);
        check(cudaStreamWaitEvent(fastbatch::stream_of(owner, stream), checked(owner, event), 0), "cudaStreamWaitEvent");
    });
}

fb_status fb_cuda_query(fb_cuda_streams* streams, fb_cuda_event* event, int32_t* done, char* error, int32_t error_capacity) {
    return guarded(error, error_capacity, [&] {
        fb_cuda_streams& owner = checked(streams);
        check_given(done, "done");
        const cudaError_t state = cudaEventQuery(checked(owner, event));
        if (state == cudaErrorNotReady) {
            (void)cudaGetLastError();  // it is an answer, not an error
            *done = 0;
            return;
        }

        check(state, "cudaEventQuery");
        *done = 1;
    });
}

fb_status fb_cuda_elapsed(fb_cuda_streams* streams, fb_cuda_event* from, fb_cuda_event* to, float* milliseconds, char* error,
                          int32_t error_capacity) {
    return guarded(error, error_capacity, [&] {
        fb_cuda_streams& owner = checked(streams);
        check_given(milliseconds, "milliseconds");
        float elapsed = 0;
        check(cudaEventElapsedTime(&elapsed, checked(owner, from), checked(owner, to)), "cudaEventElapsedTime");
        *milliseconds = elapsed;
    });
}

fb_status fb_cuda_current_stream(int32_t device_index, void** stream, char* error, int32_t error_capacity) {
    return guarded(error, error_capacity, [&] {
        check_given(stream, "stream");
        const c10::Device device = fastbatch::checked_device(FB_CUDA, device_index);
        *stream = c10::cuda::getCurrentCUDAStream(device.index()).stream();
    });
}
