/* FastBatch's native library: TorchScript modules on libtorch, behind a C interface.
 *
 * Errors. Every function that can fail answers a status and ends with `char* error, int32_t error_capacity`: a buffer of the caller's that
 * receives what went wrong as UTF-8, cut at a character if it does not fit and always 0-terminated; an empty text on success. Both may be
 * 0. No exception leaves a function, and no argument but a wild pointer or a freed handle can crash one: ids of tensors and scopes are
 * looked up, never followed. After an error the outputs are untouched and everything goes on as before the call, unless said otherwise.
 *
 * Scopes. Tensors are named by ids and belong to the thread that made them, in the scope that was its innermost then. Leaving the scope
 * frees them all, and their ids name nothing from then on. An id is never given out twice in a process. While a thread has a scope open,
 * it is in inference mode: no gradients are recorded. A thread that ends with a scope open frees its tensors.
 *
 * Threads. Any function may be called on any thread at any time, and modules and methods may be shared: several threads may run one method
 * at once, unless the script itself changes its module's attributes. The exceptions: a handle must not be freed while another thread uses it.
 *
 * Shapes. sizes and strides have `rank` entries, 0 .. FB_MAX_RANK; strides count elements, are not negative, and null strides mean
 * row-major. A size may be 0. */
#ifndef FASTBATCH_NATIVE_H
#define FASTBATCH_NATIVE_H

#include <stdint.h>

#if defined(_WIN32) && defined(FASTBATCH_NATIVE_BUILD)
#define FB_API __declspec(dllexport)
#elif defined(_WIN32)
#define FB_API __declspec(dllimport)
#else
#define FB_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Goes up by one with the first change after a release that library or caller of that release would notice: a function added, removed or
 * with other parameters, a number or a promise of this file changed. Callers refuse a library of any other version. */
#define FB_ABI_VERSION 1

#define FB_MAX_RANK 32

typedef int32_t fb_status;
enum {
    FB_OK = 0,
    FB_TORCH = 1,         /* libtorch refused (c10::Error) */
    FB_EXCEPTION = 2,     /* any other std::exception; what a script raises arrives as this, with the script's traceback in the text */
    FB_UNKNOWN = 3,       /* something was thrown that is no std::exception */
    FB_ARGUMENT = 4,      /* an argument is impossible: a null, a shape, an id that names nothing on this thread, too many inputs */
    FB_MISMATCH = 5,      /* the model's result is not what was announced: another shape, element type, number or kind of values */
    FB_OUT_OF_MEMORY = 6, /* of the host or of the device */
    FB_UNSUPPORTED = 7,   /* this build or this machine cannot: CUDA */
    FB_LOST = 8           /* an error of the CUDA device that stays: nothing more can be done with it in this process */
};

/* Types of elements, by ATen's numbers. A tensor that a model returns may have another one; it can be described, and read as nothing. */
enum {
    FB_UINT8 = 0,
    FB_INT8 = 1,
    FB_INT16 = 2,
    FB_INT32 = 3,
    FB_INT64 = 4,
    FB_FLOAT16 = 5,
    FB_FLOAT32 = 6,
    FB_FLOAT64 = 7,
    FB_COMPLEX64 = 9,
    FB_COMPLEX128 = 10,
    FB_BOOL = 11, /* one byte, 0 or 1 */
    FB_BFLOAT16 = 15
};

enum { FB_CPU = 0, FB_CUDA = 1 };

/* Flags of loading; both act on a copy in which the weights are constants, so attributes can no longer be changed. */
enum {
    FB_FREEZE = 1,                 /* torch::jit::freeze, keeping all methods */
    FB_OPTIMIZE_FOR_INFERENCE = 2  /* freeze, then libtorch's rewriting for this machine: results may differ in the last bits */
};

typedef uint64_t fb_tensor; /* 0 names none */
typedef struct fb_module fb_module;
typedef struct fb_method fb_method;

/* -- the library and libtorch ----------------------------------------------------------------------------------------------------------- */

/* FB_ABI_VERSION of the build. */
FB_API int32_t fb_abi_version(void);

/* One line for logs and reports: "libtorch 1.13.0, OpenBLAS 0.3.21 DYNAMIC_ARCH Haswell, CUDA: no". The version and the BLAS are those that
 * are loaded, which need not be those it was built against. Cut like an error text. FB_ARGUMENT without a buffer. */
FB_API fb_status fb_describe(char* text, int32_t capacity);

/* How many threads one operation of this thread may use: what fb_set_threads asked for, else libtorch's default. */
FB_API fb_status fb_get_threads(int32_t* intraop);

/* Asks for that many threads (1 .. 1024) in every scope that any thread enters from now on; libtorch keeps the number per thread, so scopes
 * that are open keep theirs. A pool of OpenBLAS, one for the process, is set at once: call this before modules run, not meanwhile. */
FB_API fb_status fb_set_threads(int32_t intraop, char* error, int32_t error_capacity);

/* How many CUDA devices libtorch sees, 0 included. FB_UNSUPPORTED in a build without CUDA. */
FB_API fb_status fb_cuda_device_count(int32_t* count, char* error, int32_t error_capacity);

/* Waits until the device has done all that was asked of it. FB_UNSUPPORTED in a build without CUDA. */
FB_API fb_status fb_cuda_synchronize(int32_t index, char* error, int32_t error_capacity);

/* -- modules ---------------------------------------------------------------------------------------------------------------------------- */

/* Loads a TorchScript file (torch.jit.save) onto a device, in evaluation mode. device_index is 0 for the CPU; flags are FB_FREEZE and
 * FB_OPTIMIZE_FOR_INFERENCE, or 0. Every part of the file is compared with its checksum first, so that a damaged file is an error and never
 * a crash; but a TorchScript file is a program, and nothing makes it safe to run one from a source that is not trusted. The path is UTF-8. */
FB_API fb_status fb_module_load_file(const char* path, int32_t device_type, int32_t device_index, int32_t flags, fb_module** module,
                                     char* error, int32_t error_capacity);

/* The same from the bytes of such a file, which may be freed afterwards. */
FB_API fb_status fb_module_load_memory(const void* bytes, uint64_t length, int32_t device_type, int32_t device_index, int32_t flags,
                                       fb_module** module, char* error, int32_t error_capacity);

/* Null is nothing. Methods that were taken from the module go on working. */
FB_API void fb_module_free(fb_module* module);

/* A method by its name ("forward"). It takes required_inputs .. max_inputs inputs, not counting self; the two may be null. FB_ARGUMENT,
 * listing the methods there are, if it has none of that name. */
FB_API fb_status fb_module_method(fb_module* module, const char* name, fb_method** method, int32_t* required_inputs, int32_t* max_inputs,
                                  char* error, int32_t error_capacity);

/* Null is nothing. Tensors that the method returned live on. */
FB_API void fb_method_free(fb_method* method);

/* -- scopes and tensors ----------------------------------------------------------------------------------------------------------------- */

/* Opens a scope on the calling thread; scopes nest. */
FB_API fb_status fb_scope_enter(uint64_t* scope, char* error, int32_t error_capacity);

/* Frees the tensors of the scope and ends it. FB_ARGUMENT if it is not the innermost of the calling thread, and then nothing happens. If a
 * module has kept a borrowed tensor, it gets its own copy of the memory now; if there is no room for that, FB_OUT_OF_MEMORY: the scope is
 * left all the same, and the module must not be run again. */
FB_API fb_status fb_scope_leave(uint64_t scope, char* error, int32_t error_capacity);

/* A tensor over the caller's CPU memory, nothing copied. The memory must stay where it is until the scope is left, and is written to if the
 * method writes to its input. It must be aligned to its elements, and may be null if there are none. A method that forks must have waited
 * for its tasks when it returns: nothing can take the memory away from one that still runs. */
FB_API fb_status fb_tensor_borrow(void* data, int32_t dtype, int32_t rank, const int64_t* sizes, const int64_t* strides, fb_tensor* tensor,
                                  char* error, int32_t error_capacity);

/* A tensor with a copy of the caller's memory, which may go away right after. */
FB_API fb_status fb_tensor_copy(const void* data, int32_t dtype, int32_t rank, const int64_t* sizes, const int64_t* strides,
                                fb_tensor* tensor, char* error, int32_t error_capacity);

/* The same as fb_tensor_borrow, for another library in this process that uses the same libtorch: *handle is an at::Tensor*, made with new,
 * that its receiver deletes. It belongs to no scope, and none is needed; the memory must stay until the tensor and its views are gone. */
FB_API fb_status fb_tensor_handle(void* data, int32_t dtype, int32_t rank, const int64_t* sizes, const int64_t* strides, void** handle,
                                  char* error, int32_t error_capacity);

/* The tensor's type of elements, number of dimensions and the first sizes_capacity of its sizes. dtype, rank and sizes may be null. */
FB_API fb_status fb_tensor_describe(fb_tensor tensor, int32_t* dtype, int32_t* rank, int64_t* sizes, int32_t sizes_capacity, char* error,
                                    int32_t error_capacity);

/* Copies a tensor of any device and layout into the caller's CPU memory, laid out by strides. Waits for the device. FB_MISMATCH, naming
 * both, unless type and sizes are exactly these. Strides that put elements into one place are refused if a stride is 0; otherwise one of
 * the elements stays there. */
FB_API fb_status fb_tensor_read(fb_tensor tensor, int32_t dtype, int32_t rank, const int64_t* sizes, const int64_t* strides,
                                void* destination, char* error, int32_t error_capacity);

/* A tensor over memory of a CUDA device (fb_cuda_allocate), nothing copied; otherwise as fb_tensor_borrow. FB_UNSUPPORTED without CUDA. */
FB_API fb_status fb_tensor_borrow_cuda(void* data, int32_t device_index, int32_t dtype, int32_t rank, const int64_t* sizes,
                                       const int64_t* strides, fb_tensor* tensor, char* error, int32_t error_capacity);

/* Has a tensor copied, on the thread's current stream, to memory of a CUDA device; otherwise as fb_tensor_read, but it does not wait. */
FB_API fb_status fb_tensor_write_cuda(fb_tensor tensor, int32_t device_index, int32_t dtype, int32_t rank, const int64_t* sizes,
                                      const int64_t* strides, void* destination, char* error, int32_t error_capacity);

/* Runs a method. Inputs are `count` tensors of this thread's open scopes; those on another device than the module are copied to it. The
 * result must be a tensor, or a tuple or list of tensors: they become tensors of the innermost scope, in order in outputs[0 .. *produced).
 * FB_ARGUMENT if the method does not take so many inputs; FB_MISMATCH, naming what was returned, for any other result and for more tensors
 * than `capacity`. An input that the script keeps in an attribute is safe: see fb_scope_leave. */
FB_API fb_status fb_method_invoke(fb_method* method, const fb_tensor* inputs, int32_t count, fb_tensor* outputs, int32_t capacity,
                                  int32_t* produced, char* error, int32_t error_capacity);

/* -- streams of a CUDA device --------------------------------------------------------------------------------------------------------------
 *
 * What one thread has of a device: a stream for copies to it, libtorch's stream for computing, a stream for copies from it; events, memory
 * and graphs. All functions here but fb_cuda_pin, fb_cuda_unpin and fb_cuda_current_stream are called on the thread that opened it
 * (FB_ARGUMENT elsewhere), and none but fb_cuda_streams_close waits for the device. Each answers FB_UNSUPPORTED in a build without CUDA, and
 * FB_LOST once an error has struck that the process cannot get rid of: then only fb_cuda_is_lost and fb_cuda_streams_close make sense.
 * Events and memory belong to the streams that made them, and live until they are freed or the streams are closed. */

typedef struct fb_cuda_streams fb_cuda_streams;
typedef struct fb_cuda_graph fb_cuda_graph;
typedef struct fb_cuda_event fb_cuda_event;

enum { FB_COPY_IN = 0, FB_COMPUTE = 1, FB_COPY_OUT = 2 };

/* Opens streams. What libtorch computes on this thread goes to FB_COMPUTE from now on: its current stream, of this and of every other
 * library that uses the same libtorch. */
FB_API fb_status fb_cuda_streams_open(int32_t device_index, fb_cuda_streams** streams, char* error, int32_t error_capacity);

/* Waits for the device, frees what is left of memory and events, and gives the thread back the stream and the device it had. Its graphs
 * must be freed before. Null is nothing. If the device is lost it frees what it can. */
FB_API fb_status fb_cuda_streams_close(fb_cuda_streams* streams, char* error, int32_t error_capacity);

/* *lost: 1 if an error has struck that stays, else 0. Any other error that is pending is cleared. Not while a graph is recorded. */
FB_API fb_status fb_cuda_is_lost(fb_cuda_streams* streams, int32_t* lost, char* error, int32_t error_capacity);

/* Memory of the device, not libtorch's: aligned to 256 bytes. FB_OUT_OF_MEMORY if there is none left. */
FB_API fb_status fb_cuda_allocate(fb_cuda_streams* streams, int64_t bytes, void** memory, char* error, int32_t error_capacity);

/* Nothing on the device uses the memory any more. */
FB_API fb_status fb_cuda_free(fb_cuda_streams* streams, void* memory, char* error, int32_t error_capacity);

/* Lets a device copy from and to host memory without the CPU: whole pages, that stay where they are until they are unpinned. Any thread. */
FB_API fb_status fb_cuda_pin(int32_t device_index, void* address, int64_t bytes, char* error, int32_t error_capacity);

/* As given to fb_cuda_pin. Any thread. */
FB_API fb_status fb_cuda_unpin(int32_t device_index, void* address, char* error, int32_t error_capacity);

FB_API fb_status fb_cuda_event_create(fb_cuda_streams* streams, fb_cuda_event** event, char* error, int32_t error_capacity);

FB_API fb_status fb_cuda_event_free(fb_cuda_streams* streams, fb_cuda_event* event, char* error, int32_t error_capacity);

/* Copies between pinned host memory and the device: to it on FB_COPY_IN, from it on FB_COPY_OUT. */
FB_API fb_status fb_cuda_copy(fb_cuda_streams* streams, int32_t stream, void* destination, const void* source, int64_t bytes, char* error,
                              int32_t error_capacity);

/* FB_COPY_IN sets every byte of memory of the device to a value, 0 .. 255. */
FB_API fb_status fb_cuda_fill(fb_cuda_streams* streams, void* memory, int32_t value, int64_t bytes, char* error, int32_t error_capacity);

/* The event happens when the stream has done what it has been given so far. */
FB_API fb_status fb_cuda_record(fb_cuda_streams* streams, fb_cuda_event* event, int32_t stream, char* error, int32_t error_capacity);

/* The stream does nothing further before the event, as last recorded, has happened. */
FB_API fb_status fb_cuda_await(fb_cuda_streams* streams, int32_t stream, fb_cuda_event* event, char* error, int32_t error_capacity);

/* *done: 1 if the event, as last recorded, has happened, else 0. */
FB_API fb_status fb_cuda_query(fb_cuda_streams* streams, fb_cuda_event* event, int32_t* done, char* error, int32_t error_capacity);

/* From one event to a later one, both of which have happened; resolution half a microsecond. */
FB_API fb_status fb_cuda_elapsed(fb_cuda_streams* streams, fb_cuda_event* from, fb_cuda_event* to, float* milliseconds, char* error,
                                 int32_t error_capacity);

/* The cudaStream_t that libtorch computes on, on this thread. */
FB_API fb_status fb_cuda_current_stream(int32_t device_index, void** stream, char* error, int32_t error_capacity);

/* Begins to record: what is given to FB_COMPUTE from now on is not done but kept, to be done by fb_cuda_graph_replay. Between begin and end
 * nothing else may be asked of these streams. Memory that libtorch takes meanwhile is kept for the graphs of these streams, which share it:
 * what a graph has computed is to be copied elsewhere, by itself, before it ends, and they are only replayed on these streams, one after the
 * other. FB_UNSUPPORTED before libtorch 2.6. */
FB_API fb_status fb_cuda_graph_begin(fb_cuda_streams* streams, char* error, int32_t error_capacity);

/* Ends it. keep = 0 throws away what was recorded, as after an error meanwhile; then *graph is null. If it answers an error, what was recorded
 * is gone as well. Either way FB_COMPUTE and libtorch are as before fb_cuda_graph_begin. */
FB_API fb_status fb_cuda_graph_end(fb_cuda_streams* streams, int32_t keep, fb_cuda_graph** graph, char* error, int32_t error_capacity);

/* Gives FB_COMPUTE all of it at once: on the same memory as it was recorded. */
FB_API fb_status fb_cuda_graph_replay(fb_cuda_streams* streams, fb_cuda_graph* graph, char* error, int32_t error_capacity);

/* FB_COMPUTE has done all of it. Null is nothing. */
FB_API void fb_cuda_graph_free(fb_cuda_graph* graph);

#ifdef __cplusplus
}
#endif

#endif
