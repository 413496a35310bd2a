// What the tests are written in: a test is a function that TEST names, CHECK ends the program's success, and the helpers call the library
// the way a careful caller does. A failed CHECK does not stop the test: it prints where, and what was there.
#pragma once

#include <fastbatch_native.h>

#include <cstdint>
#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

namespace check {

struct Test {
    const char* name;
    void (*body)();
};

std::vector<Test>& tests();
void failed(const char* file, int line, const std::string& what);

struct Registration {
    Registration(const char* name, void (*body)()) { tests().push_back({name, body}); }
};

// Room for an error text, and the text after a call.
struct Error {
    char text[4096] = "untouched";

    bool says(const std::string& part) const { return std::string(text).find(part) != std::string::npos; }
};

class Scope {
public:
    Scope();
    ~Scope();
    Scope(const Scope&) = delete;
    uint64_t id = 0;
};

using Sizes = std::vector<int64_t>;

fb_tensor borrow(void* data, const Sizes& sizes, int32_t dtype = FB_FLOAT32, const Sizes& strides = {});
std::vector<float> read(fb_tensor tensor, const Sizes& sizes);

}  // namespace check

#define TEST(name)                                                    \
    static void name();                                               \
    static const check::Registration registration_of_##name(#name, name); \
    static void name()

#define CHECK(condition)                                     \
    do {                                                     \
        if (!(condition)) {                                  \
            check::failed(__FILE__, __LINE__, #condition);   \
        }                                                    \
    } while (false)

// The call answers this status, and its text has this part.
#define CHECK_FAILS(status, part, call)                                                                                        \
    do {                                                                                                                       \
        check::Error error;                                                                                                    \
        const fb_status answered = (call);                                                                                     \
        if (answered != (status) || !error.says(part)) {                                                                       \
            check::failed(__FILE__, __LINE__, std::string(#call) + " answered " + std::to_string(answered) + ": " + error.text); \
        }                                                                                                                      \
    } while (false)

#define CHECK_OK(call) CHECK_FAILS(FB_OK, "", call)

// The last two arguments of a call inside CHECK_FAILS and CHECK_OK.
#define ERR error.text, sizeof(error.text)
