// From exceptions to statuses and texts. Runs in catch blocks, memory perhaps exhausted: nothing here allocates.
#include "failure.h"

#include <c10/util/Exception.h>

#include <cstring>
#include <new>

namespace fastbatch {
namespace {

// An allocation that fails inside a script comes out of the interpreter as a plain std::runtime_error: only its text tells.
bool means_out_of_memory(const char* text) noexcept {
    for (const char* sign : {"out of memory", "can't allocate memory", "not enough memory", "std::bad_alloc"}) {
        if (std::strstr(text, sign) != nullptr) {
            return true;
        }
    }

    return false;
}

fb_status tell(fb_status status, const char* text, char* error, int32_t capacity) noexcept {
    write_text(error, capacity, text);
    return means_out_of_memory(text) ? FB_OUT_OF_MEMORY : status;
}

}  // namespace

void write_text(char* buffer, int32_t capacity, const char* text) noexcept {
    if (buffer == nullptr || capacity <= 0) {
        return;
    }

    size_t length = std::strlen(text);
    if (length >= static_cast<size_t>(capacity)) {
        length = static_cast<size_t>(capacity) - 1;
        // 10xxxxxx continues a character: a cut before such a byte would leave half of one behind.
        while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80) {
            --length;
        }
    }

    std::memcpy(buffer, text, length);
    buffer[length] = '\0';
}

fb_status describe_current_exception(char* error, int32_t capacity) noexcept {
    try {
        throw;
    } catch (const Failure& failure) {
        write_text(error, capacity, failure.text.c_str());
        return failure.status;
    } catch (const c10::Error& torch) {
        // Without the C++ stack: it says nothing to somebody who did not build libtorch.
        return tell(FB_TORCH, torch.what_without_backtrace(), error, capacity);
    } catch (const std::bad_alloc&) {
        return tell(FB_OUT_OF_MEMORY, "out of memory", error, capacity);
    } catch (const std::exception& exception) {
        return tell(FB_EXCEPTION, exception.what(), error, capacity);
    } catch (...) {
        return tell(FB_UNKNOWN, "something was thrown that is no std::exception", error, capacity);
    }
}

}  // namespace fastbatch
