// How every function of the C interface ends: with FB_OK, or with a status and a text. No exception passes `guarded`.
#pragma once

#include <fastbatch_native.h>

#include <sstream>
#include <string>
#include <utility>

namespace fastbatch {

// Thrown by our own checks; its text is what the caller sees.
struct Failure {
    fb_status status;
    std::string text;
};

template <typename... Parts>
[[noreturn]] void fail(fb_status status, const Parts&... parts) {
    std::ostringstream text;
    (text << ... << parts);
    throw Failure{status, text.str()};
}

// Copies as much of the text as fits, whole UTF-8 characters, and a 0 after it. No buffer, or none of its bytes: nothing.
void write_text(char* buffer, int32_t capacity, const char* text) noexcept;

// To be called in a catch block: what the current exception means to the caller.
fb_status describe_current_exception(char* error, int32_t capacity) noexcept;

template <typename Body>
fb_status guarded(char* error, int32_t capacity, Body&& body) noexcept {
    try {
        body();
    } catch (...) {
        return describe_current_exception(error, capacity);
    }

    write_text(error, capacity, "");
    return FB_OK;
}

}  // namespace fastbatch
