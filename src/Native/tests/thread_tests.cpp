// Several threads: modules shared and not, threads that come and go, and the number of threads inside an operation.
#include "check.h"
#include "model.h"

#include <atomic>
#include <functional>
#include <thread>

using check::borrow;
using check::read;
using check::Scope;

namespace {

void run_threads(int count, const std::function<void(int)>& body) {
    std::atomic<int> ready{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < count; ++i) {
        threads.emplace_back([&, i] {
            // All at once: what is made on first use is what races.
            for (++ready; ready < count;) {
                std::this_thread::yield();
            }

            body(i);
        });
    }

    for (std::thread& thread : threads) {
        thread.join();
    }
}

void use(Model& model, fb_method* method, int runs, int64_t rows) {
    std::vector<float> data(static_cast<size_t>(rows) * 4, 1.0f);
    for (int run = 0; run < runs; ++run) {
        const Scope scope;
        const fb_tensor input = borrow(data.data(), {rows, 4});
        fb_tensor output = 0;
        int32_t produced = 0;
        CHECK_OK(fb_method_invoke(method, &input, 1, &output, 1, &produced, ERR));
        const std::vector<float> out = read(output, {rows, 3});
        CHECK(out[0] == 18.5f && out.back() == 26.5f);
    }

    (void)model;
}

}  // namespace

TEST(two_modules_in_two_threads) {
    run_threads(2, [](int i) {
        Model model(linear_source);
        use(model, model.method, 200, 1 + i);
    });
}

TEST(one_module_in_several_threads) {
    for (int round = 0; round < 5; ++round) {
        Model model(linear_source);
        run_threads(4, [&](int i) { use(model, model.method, 100, 1 + i * 7); });
    }
}

TEST(methods_of_one_module_taken_and_freed_in_several_threads) {
    Model model(linear_source);
    run_threads(4, [&](int) {
        for (int run = 0; run < 50; ++run) {
            fb_method* method = nullptr;
            CHECK_OK(fb_module_method(model.module, "forward", &method, nullptr, nullptr, ERR));
            use(model, method, 1, 2);
            fb_method_free(method);
        }
    });
}

TEST(modules_are_loaded_and_freed_in_several_threads) {
    const std::string file = module_file(linear_source);
    run_threads(3, [&](int) {
        for (int run = 0; run < 10; ++run) {
            fb_module* module = nullptr;
            CHECK_OK(fb_module_load_memory(file.data(), file.size(), FB_CPU, 0, FB_FREEZE, &module, ERR));
            fb_module_free(module);
        }
    });
}

TEST(a_module_is_freed_on_another_thread_than_it_was_used_on) {
    auto* model = new Model(linear_source);
    std::thread([&] { use(*model, model->method, 10, 3); }).join();
    std::thread([&] { delete model; }).join();
}

TEST(errors_in_one_thread_leave_the_others_alone) {
    Model good(linear_source);
    Model bad("def forward(self, x):\n    assert False, 'always'\n    return x\n");
    run_threads(2, [&](int i) {
        if (i == 0) {
            use(good, good.method, 200, 2);
            return;
        }

        float row[4] = {};
        for (int run = 0; run < 100; ++run) {
            const Scope scope;
            fb_tensor output = 0;
            int32_t produced = 0;
            const fb_tensor input = borrow(row, {1, 4});
            CHECK_FAILS(FB_EXCEPTION, "always", fb_method_invoke(bad.method, &input, 1, &output, 1, &produced, ERR));
        }
    });
}

TEST(the_number_of_threads_holds_for_every_threads_next_scope) {
    int32_t threads = 0;
    CHECK(fb_get_threads(&threads) == FB_OK && threads >= 1);
    CHECK(fb_get_threads(nullptr) == FB_ARGUMENT);
    CHECK_FAILS(FB_ARGUMENT, "not 0", fb_set_threads(0, ERR));
    CHECK_FAILS(FB_ARGUMENT, "not 1025", fb_set_threads(1025, ERR));
    {
        const Scope scope;
        CHECK_OK(fb_set_threads(2, ERR));
    }

    for (const int32_t wanted : {2, 1}) {
        CHECK_OK(fb_set_threads(wanted, ERR));
        CHECK(fb_get_threads(&threads) == FB_OK && threads == wanted);
        run_threads(2, [&](int) {
            const Scope scope;
            int32_t here = 0;
            CHECK(fb_get_threads(&here) == FB_OK && here == wanted);
        });
    }

    // A thread that has run with one number takes the next one with its next scope, not in the midst of one.
    const Scope scope;
    CHECK_OK(fb_set_threads(2, ERR));
    CHECK(fb_get_threads(&threads) == FB_OK && threads == 1);
    CHECK_OK(fb_set_threads(1, ERR));
}

TEST(threads_come_and_go) {
    Model model(linear_source);
    for (int i = 0; i < 50; ++i) {
        std::thread([&] { use(model, model.method, 1, 1); }).join();
    }
}

TEST(operations_that_use_several_threads_in_several_threads) {
    // Large enough for libtorch's own pool and for the BLAS's.
    constexpr int64_t n = 256;
    const std::vector<float> ones(n * n, 1.0f);
    Model model("def forward(self, x):\n    return torch.relu(x @ x).repeat(8, 1) * 2.0\n");
    CHECK_OK(fb_set_threads(2, ERR));
    run_threads(2, [&](int) {
        for (int run = 0; run < 10; ++run) {
            const Scope scope;
            std::vector<float> data = ones;
            const fb_tensor input = borrow(data.data(), {n, n});
            fb_tensor output = 0;
            int32_t produced = 0;
            CHECK_OK(fb_method_invoke(model.method, &input, 1, &output, 1, &produced, ERR));
            const std::vector<float> out = read(output, {8 * n, n});
            CHECK(out.front() == 2.0f * n && out.back() == 2.0f * n);
        }
    });
    CHECK_OK(fb_set_threads(1, ERR));
}
