// A libFuzzer target over the whole interface. The first byte of an input says what the rest is: a module file; changes to a good module
// file; a shape; or a program of calls with good, stale and invented ids. What the library answers is compared with what it must answer.
//
// Environment: FASTBATCH_FUZZ_SEEDS=DIR writes inputs to begin with into DIR and ends. FASTBATCH_FUZZ_LIBTORCH=1 repairs the checksums
// after the changes, so that they reach libtorch's own reader: what crashes then is libtorch, on a file that was made to look whole.
#include "model.h"

#include <fastbatch_native.h>

#include <sanitizer/lsan_interface.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <memory>
#include <vector>

namespace {

[[noreturn]] void broken(const char* what, const char* text = "") {
    std::cerr << "broken: " << what << ": " << text << std::endl;
    std::abort();
}

#define REQUIRE(condition, ...)                  \
    do {                                         \
        if (!(condition)) {                      \
            broken(#condition, ##__VA_ARGS__);   \
        }                                        \
    } while (false)

// The rest of the input; when it is used up, zeros.
struct Input {
    const uint8_t* data;
    size_t size;

    uint8_t byte() { return size == 0 ? 0 : (--size, *data++); }
    uint64_t number(int bytes) {
        uint64_t value = 0;
        for (int i = 0; i < bytes; ++i) {
            value |= uint64_t{byte()} << 8 * i;
        }

        return value;
    }

    // Mostly small, sometimes any.
    int64_t size_or_stride() {
        const uint8_t kind = byte();
        return kind < 200 ? kind % 9 : kind < 240 ? static_cast<int64_t>(number(2)) - 100 : static_cast<int64_t>(number(8));
    }
};

const std::vector<std::string>& good_files() {
    static const std::vector<std::string> files = {
        module_file(linear_source),  // all entries stored
        module_file("def forward(self, x):\n    # " + std::string(300, 'x') + "\n    y = torch.relu(x) + torch.tanh(x) * torch.sigmoid(x)\n" +
                    "    for i in range(3):\n        y = y * 2.0 + self.bias[0] - torch.exp(x)\n    return y, x\n"),  // code deflated
    };
    return files;
}

struct Error {
    char text[600] = "untouched";
};

// -- files ------------------------------------------------------------------------------------------------------------------------------

// libtorch's reader leaks when its constructor throws, which it does on a whole archive of something else. Leaks of ours would show in the
// tests, under AddressSanitizer.
struct NoLeakCheck {
    NoLeakCheck() { __lsan_disable(); }
    ~NoLeakCheck() { __lsan_enable(); }
};

void load(const uint8_t* data, size_t size) {
    const NoLeakCheck no_leak_check;
    std::unique_ptr<uint8_t[]> exact(new uint8_t[size]);
    std::copy_n(data, size, exact.get());
    fb_module* module = nullptr;
    Error error;
    const fb_status status = fb_module_load_memory(exact.get(), size, FB_CPU, 0, 0, &module, error.text, sizeof(error.text));
    REQUIRE(std::memchr(error.text, 0, sizeof(error.text)) != nullptr);
    REQUIRE((status == FB_OK) == (module != nullptr), error.text);
    REQUIRE((status == FB_OK) == (error.text[0] == '\0'), error.text);
    if (module == nullptr) {
        return;
    }

    fb_method* method = nullptr;
    if (fb_module_method(module, "forward", &method, nullptr, nullptr, error.text, sizeof(error.text)) == FB_OK) {
        uint64_t scope = 0;
        REQUIRE(fb_scope_enter(&scope, error.text, sizeof(error.text)) == FB_OK, error.text);
        float row[4] = {1, 2, 3, 4};
        const int64_t sizes[2] = {1, 4};
        fb_tensor input = 0, outputs[4];
        int32_t produced = 0;
        REQUIRE(fb_tensor_borrow(row, FB_FLOAT32, 2, sizes, nullptr, &input, error.text, sizeof(error.text)) == FB_OK, error.text);
        fb_method_invoke(method, &input, 1, outputs, 4, &produced, error.text, sizeof(error.text));
        REQUIRE(fb_scope_leave(scope, error.text, sizeof(error.text)) == FB_OK, error.text);
        fb_method_free(method);
    }

    fb_module_free(module);
}

uint32_t crc_of(const char* bytes, size_t count) {
    uint32_t crc = ~0u;
    for (size_t i = 0; i < count; ++i) {
        crc ^= static_cast<uint8_t>(bytes[i]);
        for (int bit = 0; bit < 8; ++bit) {
            crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xEDB88320u : 0u);
        }
    }

    return ~crc;
}

uint32_t u32(const std::string& file, size_t at) {
    uint32_t value = 0;
    std::memcpy(&value, file.data() + at, 4);
    return value;
}

uint16_t u16(const std::string& file, size_t at) {
    uint16_t value = 0;
    std::memcpy(&value, file.data() + at, 2);
    return value;
}

// Changes only what the entries contain, and makes the directory agree. The file is one of ours: its layout can be relied upon.
void change_contents(std::string& file, Input& input) {
    const size_t end = file.rfind("PK\5\6");
    std::vector<size_t> entries;
    for (size_t at = u32(file, end + 16); u32(file, at) == 0x02014B50; at += 46 + u16(file, at + 28) + u16(file, at + 30) + u16(file, at + 32)) {
        entries.push_back(at);
    }

    const auto content = [&](size_t entry) {
        const size_t header = u32(file, entry + 42);
        return header + 30 + u16(file, header + 26) + u16(file, header + 28);
    };
    while (input.size > 0) {
        const size_t entry = entries[input.byte() % entries.size()];
        const size_t size = u32(file, entry + 20), at = input.number(2);
        const char value = static_cast<char>(input.byte());
        if (size > 0 && u16(file, entry + 10) == 0) {
            file[content(entry) + at % size] = value;
            const uint32_t crc = crc_of(file.data() + content(entry), size);
            std::memcpy(&file[entry + 16], &crc, 4);
        }
    }
}

void changed_file(Input input) {
    std::string file = good_files()[input.byte() % good_files().size()];
    static const bool to_libtorch = std::getenv("FASTBATCH_FUZZ_LIBTORCH") != nullptr;
    if (to_libtorch) {
        change_contents(file, input);
    } else {
        while (input.size > 0) {
            const size_t at = input.number(2) % file.size();
            const uint8_t value = input.byte();
            if (value == 0xFF && input.byte() % 4 == 0) {
                file.resize(at + 1);
            } else {
                file[at] = static_cast<char>(value);
            }
        }
    }

    load(reinterpret_cast<const uint8_t*>(file.data()), file.size());
}

// -- shapes -----------------------------------------------------------------------------------------------------------------------------

int element_size(int32_t dtype) {
    switch (dtype) {
        case FB_UINT8: case FB_INT8: case FB_BOOL: return 1;
        case FB_INT16: case FB_FLOAT16: case FB_BFLOAT16: return 2;
        case FB_INT32: case FB_FLOAT32: return 4;
        case FB_INT64: case FB_FLOAT64: case FB_COMPLEX64: return 8;
        case FB_COMPLEX128: return 16;
        default: return 0;
    }
}

void shape(Input input) {
    constexpr int64_t memory_size = 4096;
    alignas(16) static unsigned char memory[memory_size], out[memory_size], back[memory_size];
    for (int64_t i = 0; i < memory_size; ++i) {
        memory[i] = static_cast<unsigned char>(i * 7 % 2);  // as a bool must be
    }

    const int32_t dtype = input.byte() % 18 - 1;
    const int32_t rank = input.byte() % 36 - 1;
    const bool row_major = input.byte() % 2 == 0;
    std::vector<int64_t> sizes(FB_MAX_RANK + 4), strides(FB_MAX_RANK + 4);
    const int element = element_size(dtype);
    bool possible = element > 0 && rank >= 0 && rank <= FB_MAX_RANK, empty = false;
    for (int32_t i = 0; i < std::max(rank, 0); ++i) {
        sizes[i] = input.size_or_stride();
        strides[i] = row_major ? 0 : input.size_or_stride();
        possible &= sizes[i] >= 0 && (row_major || strides[i] >= 0);
        empty |= sizes[i] == 0;
    }

    // In floating point, which does not overflow; near the edge either answer will do.
    long double count = 1, reach = 1;
    for (int32_t i = std::max(rank, 0); i-- > 0 && possible;) {
        if (row_major) {
            strides[i] = count < 1e18L ? static_cast<int64_t>(count) : 0;
        }

        const long double size = static_cast<long double>(std::max(sizes[i], int64_t{1}));
        reach += (size - 1) * (row_major ? count : static_cast<long double>(strides[i]));
        count *= size;
    }

    const long double most = std::max(count, reach) * element;
    const bool surely = possible && most < 9.2e18L, never = !possible || most > 9.3e18L;
    const int64_t* const given = row_major ? nullptr : strides.data();

    Error error;
    uint64_t scope = 0;
    REQUIRE(fb_scope_enter(&scope, error.text, sizeof(error.text)) == FB_OK, error.text);
    fb_tensor tensor = 0;
    // Borrowing reads nothing, so the memory may be shorter than the shape says.
    const fb_status borrowed = fb_tensor_borrow(memory, dtype, rank, sizes.data(), given, &tensor, error.text, sizeof(error.text));
    REQUIRE(!surely || borrowed == FB_OK, error.text);
    REQUIRE(!never || borrowed == FB_ARGUMENT, error.text);
    if (borrowed == FB_OK) {
        int32_t dtype_told = -1, rank_told = -1;
        int64_t sizes_told[FB_MAX_RANK];
        REQUIRE(fb_tensor_describe(tensor, &dtype_told, &rank_told, sizes_told, FB_MAX_RANK, error.text, sizeof(error.text)) == FB_OK);
        REQUIRE(dtype_told == dtype && rank_told == rank && std::equal(sizes_told, sizes_told + rank, sizes.begin()));
    }

    if (borrowed == FB_OK && !empty && most <= memory_size) {
        // Out, row by row; in again by a copy; out into the same strides as before: the same bytes, element by element.
        std::memset(out, 0xEE, sizeof(out));
        REQUIRE(fb_tensor_read(tensor, dtype, rank, sizes.data(), nullptr, out, error.text, sizeof(error.text)) == FB_OK, error.text);
        fb_tensor copy = 0;
        REQUIRE(fb_tensor_copy(memory, dtype, rank, sizes.data(), given, &copy, error.text, sizeof(error.text)) == FB_OK, error.text);
        std::memset(back, 0xEE, sizeof(back));
        const fb_status read = fb_tensor_read(copy, dtype, rank, sizes.data(), given, back, error.text, sizeof(error.text));
        REQUIRE(read == FB_OK || read == FB_TORCH, error.text);  // strides that coincide
        const int64_t elements = static_cast<int64_t>(count);
        for (int64_t i = 0; i < elements; ++i) {
            int64_t place = 0;
            for (int64_t d = rank, rest = i; d-- > 0; rest /= sizes[d]) {
                place += rest % sizes[d] * strides[d];
            }

            REQUIRE(std::memcmp(out + i * element, memory + place * element, element) == 0);
            // also where elements coincide: they did so where they came from
            REQUIRE(read != FB_OK || std::memcmp(back + place * element, out + i * element, element) == 0);
        }

        REQUIRE(elements * element == memory_size || out[elements * element] == 0xEE);
        const int64_t end = static_cast<int64_t>(reach) * element;
        REQUIRE(end == memory_size || back[end] == 0xEE);
    }

    REQUIRE(fb_scope_leave(scope, error.text, sizeof(error.text)) == FB_OK, error.text);
}

// -- programs of calls --------------------------------------------------------------------------------------------------------------------

void calls(Input input) {
    static Model linear(linear_source);
    static Model keeps("def forward(self, x, y: Optional[Tensor] = None):\n    z = self.kept\n    self.kept = x\n    return x, x[:1], z + 1\n");
    static Model fails("def forward(self, x):\n    assert x.size(0) == 1, 'one row'\n    return 5\n");
    fb_method* const methods[] = {linear.method, keeps.method, fails.method, nullptr};
    std::vector<uint64_t> scopes, ids = {0, 1, ~uint64_t{0}};  // all that were ever given out, and some that never were
    std::vector<std::unique_ptr<float[]>> memory;
    size_t open = 0;
    Error error;
    const auto id = [&] { return ids[input.byte() % ids.size()] + (input.byte() > 240 ? input.byte() : 0); };
    for (int step = 0; step < 200 && input.size > 0; ++step) {
        const uint8_t what = input.byte() % 8;
        const int32_t capacity = input.byte() % 4 == 0 ? input.byte() % 8 : static_cast<int32_t>(sizeof(error.text));
        if (what <= 1 && open < 20) {
            uint64_t scope = 0;
            REQUIRE(fb_scope_enter(&scope, error.text, capacity) == FB_OK, error.text);
            scopes.push_back(scope);
            ids.push_back(scope);
            ++open;
        } else if (what == 2 && !scopes.empty()) {
            const size_t which = input.byte() % 4 == 0 ? input.byte() % scopes.size() : scopes.size() - 1;
            const fb_status left = fb_scope_leave(scopes[which], error.text, capacity);
            REQUIRE((left == FB_OK) == (which == scopes.size() - 1), error.text);
            if (left == FB_OK) {
                scopes.pop_back();
                --open;
                if (open == 0) {
                    memory.clear();  // gone, as a caller's would be: what a module has kept must not be in there
                }
            }
        } else if (what == 2) {
            REQUIRE(fb_scope_leave(id(), error.text, capacity) == FB_ARGUMENT);
        } else if (what <= 4) {
            const int64_t sizes[2] = {input.byte() % 3, 4};
            memory.emplace_back(new float[16]());
            fb_tensor tensor = 0;
            const fb_status made =
                what == 3 ? fb_tensor_borrow(memory.back().get(), FB_FLOAT32, 2, sizes, nullptr, &tensor, error.text, capacity)
                          : fb_tensor_copy(memory.back().get(), FB_FLOAT32, 2, sizes, nullptr, &tensor, error.text, capacity);
            REQUIRE((made == FB_OK) == (open > 0), error.text);
            if (open > 0) {
                ids.push_back(tensor);
            }
        } else if (what == 5) {
            const fb_tensor inputs[2] = {id(), id()};
            fb_tensor outputs[3];
            int32_t produced = 0;
            fb_method* const method = methods[input.byte() % 4];
            const int32_t count = input.byte() % 3, room = input.byte() % 4;
            if (fb_method_invoke(method, inputs, count, outputs, room, &produced, error.text, capacity) == FB_OK) {
                REQUIRE(open > 0 && produced > 0 && produced <= 3);
                ids.insert(ids.end(), outputs, outputs + produced);
            }
        } else if (what == 6) {
            float out[16];
            const int64_t sizes[2] = {input.byte() % 3, input.byte() % 2 == 0 ? 4 : 3};
            fb_tensor_read(id(), FB_FLOAT32, 2, sizes, nullptr, out, error.text, capacity);
        } else {
            int32_t dtype = 0, rank = 0;
            int64_t sizes[2];
            fb_tensor_describe(id(), &dtype, &rank, sizes, 2, error.text, capacity);
        }

        REQUIRE(capacity == 0 || std::memchr(error.text, 0, static_cast<size_t>(capacity)) != nullptr);
    }

    for (; !scopes.empty(); scopes.pop_back()) {
        REQUIRE(fb_scope_leave(scopes.back(), error.text, sizeof(error.text)) == FB_OK, error.text);
    }
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
    if (const char* folder = std::getenv("FASTBATCH_FUZZ_SEEDS")) {
        int number = 0;
        const auto write = [&](const std::string& content) {
            std::ofstream(std::string(folder) + "/seed" + std::to_string(number++), std::ios::binary) << content;
        };
        for (const std::string& file : good_files()) {
            write('\0' + file);
        }

        for (char mode = 1; mode < 4; ++mode) {
            std::string content(1, mode);
            for (int i = 0; i < 64; ++i) {
                content += static_cast<char>(i * 37 % 256);
            }

            write(content);
        }

        std::exit(0);
    }

    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    Input input{data, size};
    switch (input.byte() % 4) {
        case 0: load(input.data, input.size); break;
        case 1: changed_file(input); break;
        case 2: shape(input); break;
        default: calls(input); break;
    }

    return 0;
}
