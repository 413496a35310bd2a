// Damaged files: cut off anywhere, changed anywhere. Each must be refused, or be the module that it was; none may crash.
#include "check.h"
#include "model.h"

#include <torch/csrc/jit/serialization/pickle.h>

#include <algorithm>
#include <random>

namespace {

// A copy on the heap of exactly the size, so that a sanitizer sees every byte that is read beyond it.
fb_status load(const std::string& bytes, fb_module** module, check::Error& error) {
    const std::vector<char> exact(bytes.begin(), bytes.end());
    return fb_module_load_memory(exact.data(), exact.size(), FB_CPU, 0, 0, module, error.text, sizeof(error.text));
}

bool gives_the_same_numbers(fb_module* module) {
    check::Error error;
    fb_method* method = nullptr;
    if (fb_module_method(module, "forward", &method, nullptr, nullptr, ERR) != FB_OK) {
        return false;
    }

    const check::Scope scope;
    float row[4] = {1, 2, 3, 4};
    const fb_tensor input = check::borrow(row, {1, 4});
    fb_tensor output = 0;
    int32_t produced = 0;
    const bool same = fb_method_invoke(method, &input, 1, &output, 1, &produced, ERR) == FB_OK &&
                      check::read(output, {1, 3}) == std::vector<float>{60.5f, 70.5f, 80.5f};
    fb_method_free(method);
    return same;
}

// Whether it was refused.
bool refused_or_the_same(const std::string& bytes, const std::string& how) {
    fb_module* module = nullptr;
    check::Error error;
    const fb_status status = load(bytes, &module, error);
    if (status != FB_OK) {
        if (module != nullptr || error.text[0] == '\0') {
            check::failed(__FILE__, __LINE__, how + ": refused without a text, or with a module");
        }

        return true;
    }

    if (!gives_the_same_numbers(module)) {
        check::failed(__FILE__, __LINE__, how + ": loaded, and is another module");
    }

    fb_module_free(module);
    return false;
}

}  // namespace

TEST(a_file_that_is_cut_off_anywhere_is_refused) {
    const std::string file = module_file(linear_source);
    for (size_t length = 1; length < file.size(); length += length < 256 || length + 512 > file.size() ? 1 : 37) {
        CHECK(refused_or_the_same(file.substr(0, length), "the first " + std::to_string(length) + " bytes"));
    }

    for (size_t start = 1; start < file.size(); start += 61) {
        refused_or_the_same(file.substr(start), "without the first " + std::to_string(start) + " bytes");
    }
}

TEST(a_file_with_a_changed_byte_is_refused_or_the_same_module) {
    const std::string file = module_file(linear_source);
    std::mt19937 random(20240501);
    size_t refused = 0, tried = 0;
    for (size_t at = 0; at < file.size(); at += at + 2048 > file.size() ? 1 : 5) {
        std::string changed = file;
        changed[at] = static_cast<char>(changed[at] ^ (1 << random() % 8));
        refused += refused_or_the_same(changed, "byte " + std::to_string(at)) ? 1 : 0;
        ++tried;
    }

    // What may change unseen: times, attributes, and the padding between entries that aligns them.
    CHECK(refused > tried / 4);
}

TEST(a_file_with_many_changed_bytes_is_refused_or_the_same_module) {
    const std::string file = module_file(linear_source);
    std::mt19937 random(7);
    for (int trial = 0; trial < 400; ++trial) {
        std::string changed = file;
        for (size_t i = 0, count = 1 + random() % 64; i < count; ++i) {
            changed[random() % changed.size()] = static_cast<char>(random());
        }

        refused_or_the_same(changed, "trial " + std::to_string(trial));
    }
}

TEST(garbage_and_other_zip_files_are_refused) {
    std::mt19937 random(99);
    for (int trial = 0; trial < 200; ++trial) {
        std::string garbage(random() % 4096, '\0');
        for (char& byte : garbage) {
            byte = static_cast<char>(random());
        }

        // Half of them with an end record, so that the directory it names is looked for.
        if (trial % 2 == 0) {
            garbage += "PK\5\6" + garbage.substr(0, std::min<size_t>(garbage.size(), 16)) + std::string(2, '\0');
        }

        CHECK(refused_or_the_same(garbage, "garbage " + std::to_string(trial)));
    }

    // A whole archive, but of a value, not of a program.
    const std::vector<char> pickled = torch::jit::pickle_save(c10::IValue(5));
    fb_module* module = nullptr;
    check::Error error;
    const fb_status status = load(std::string(pickled.begin(), pickled.end()), &module, error);
    if (status == FB_OK) {
        fb_module_free(module);  // newer versions wrap it in a module without methods
    } else {
        CHECK(module == nullptr && error.text[0] != '\0');
    }

    const std::string empty_archive = "PK\5\6" + std::string(18, '\0');
    CHECK(refused_or_the_same(empty_archive, "an empty archive"));
}
