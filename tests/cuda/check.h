// What every program in this folder shares: CHECK for API calls, EXPECT for facts, and a summary that is the exit status.
// An EXPECT that fails is reported and the program goes on, so that one run shows everything that is wrong.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <cuda_runtime.h>

inline int failures = 0;

#define CHECK(call)                                                                                                              \
    do {                                                                                                                         \
        cudaError_t check_error = (call);                                                                                        \
        if (check_error != cudaSuccess) {                                                                                        \
            std::printf("%s:%d: %s: %s\n", __FILE__, __LINE__, #call, cudaGetErrorName(check_error));                            \
            std::exit(1);                                                                                                        \
        }                                                                                                                        \
    } while (0)
#define EXPECT(condition)                                                                                                        \
    do {                                                                                                                         \
        if (!(condition)) {                                                                                                      \
            if (failures++ < 20) std::printf("%s:%d: %s: not so\n", __FILE__, __LINE__, #condition);                             \
        }                                                                                                                        \
    } while (0)
#define EXPECT_EQUAL(actual, expected, where)                                                                                    \
    do {                                                                                                                         \
        auto left = (actual);                                                                                                    \
        auto right = (expected);                                                                                                 \
        if (!(left == right)) {                                                                                                  \
            if (failures++ < 20)                                                                                                 \
                std::printf("%s:%d: %s is %.17g, expected %.17g (at %lld)\n", __FILE__, __LINE__, #actual, double(left),         \
                            double(right), (long long)(where));                                                                  \
        }                                                                                                                        \
    } while (0)

inline int summary() {
    if (failures) std::printf("%d failures\n", failures);
    return failures != 0;
}

/// Managed memory would hide copies; tests use it where copies aren't their idea.
template <class T>
T* managed(size_t count) {
    T* memory = nullptr;
    CHECK(cudaMallocManaged(&memory, count * sizeof(T)));
    for (size_t i = 0; i < count; i++) memory[i] = T();
    return memory;
}
