// Runs all tests, or those whose name has the first argument in it. Ends with "N passed, N failed".
#include "check.h"

#include <atomic>
#include <chrono>
#include <cstring>

namespace check {
namespace {
std::atomic<int> g_failures{0};
}

std::vector<Test>& tests() {
    static std::vector<Test> all;
    return all;
}

void failed(const char* file, int line, const std::string& what) {
    ++g_failures;
    std::cerr << file << ":" << line << ": " << what << std::endl;
}

Scope::Scope() { CHECK_OK(fb_scope_enter(&id, ERR)); }

Scope::~Scope() { CHECK_OK(fb_scope_leave(id, ERR)); }

fb_tensor borrow(void* data, const Sizes& sizes, int32_t dtype, const Sizes& strides) {
    fb_tensor tensor = 0;
    CHECK_OK(fb_tensor_borrow(data, dtype, static_cast<int32_t>(sizes.size()), sizes.data(), strides.empty() ? nullptr : strides.data(),
                              &tensor, ERR));
    return tensor;
}

std::vector<float> read(fb_tensor tensor, const Sizes& sizes) {
    int64_t count = 1;
    for (const int64_t size : sizes) {
        count *= size;
    }

    std::vector<float> values(static_cast<size_t>(count), -12345.0f);
    CHECK_OK(fb_tensor_read(tensor, FB_FLOAT32, static_cast<int32_t>(sizes.size()), sizes.data(), nullptr, values.data(), ERR));
    return values;
}

}  // namespace check

int main(int argc, char** argv) {
    int passed = 0;
    int failed = 0;
    for (const check::Test& test : check::tests()) {
        if (argc > 1 && std::strstr(test.name, argv[1]) == nullptr) {
            continue;
        }

        const int before = check::g_failures;
        const auto start = std::chrono::steady_clock::now();
        test.body();
        const auto time = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
        const bool good = check::g_failures == before;
        ++(good ? passed : failed);
        if (!good || time.count() > 10000) {
            std::cerr << (good ? "slow:   " : "FAILED: ") << test.name << " (" << time.count() << " ms)" << std::endl;
        }
    }

    std::cout << passed << " passed, " << failed << " failed" << std::endl;
    return failed == 0 && passed > 0 ? 0 : 1;
}
