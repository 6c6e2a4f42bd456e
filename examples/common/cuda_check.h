// CHECK(call): stops the program with file, line and CUDA's own words when a runtime call fails. CHECK_LAUNCH() does the same
// after a kernel launch, which returns nothing itself. (CUDA Runtime API, "Error Handling".)
//
// Also here: what every example wants from the device and what needs the CUDA headers, so that the rest of examples/common is
// plain C++.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <utility>
#include <vector>

#define CHECK(call)                                                                                                              \
    do {                                                                                                                         \
        const cudaError_t check_error = (call);                                                                                  \
        if (check_error != cudaSuccess) {                                                                                        \
            std::fprintf(stderr, "%s:%d: %s: %s (%s)\n", __FILE__, __LINE__, #call, cudaGetErrorString(check_error),             \
                         cudaGetErrorName(check_error));                                                                         \
            std::exit(1);                                                                                                        \
        }                                                                                                                        \
    } while (0)

#define CHECK_LAUNCH() CHECK(cudaGetLastError())

/// One line that says where the example runs.
inline void print_device() {
    int device = 0;
    CHECK(cudaGetDevice(&device));
    cudaDeviceProp properties;
    CHECK(cudaGetDeviceProperties(&properties, device));
    std::printf("device: %s, compute capability %d.%d, %d multiprocessors\n", properties.name, properties.major, properties.minor,
                properties.multiProcessorCount);
}

/// An array in device memory that frees itself.
template <class T> class DeviceArray {
public:
    DeviceArray() = default;
    explicit DeviceArray(std::size_t count) : count_(count) {
        if (count) CHECK(cudaMalloc(reinterpret_cast<void**>(&data_), count * sizeof(T)));
    }
    explicit DeviceArray(const std::vector<T>& host) : DeviceArray(host.size()) { upload(host.data(), host.size()); }
    DeviceArray(DeviceArray&& other) noexcept { swap(other); }
    DeviceArray& operator=(DeviceArray&& other) noexcept {
        swap(other);
        return *this;
    }
    ~DeviceArray() { cudaFree(data_); }

    T* data() { return data_; }
    const T* data() const { return data_; }
    std::size_t size() const { return count_; }
    void swap(DeviceArray& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(count_, other.count_);
    }
    void upload(const T* host, std::size_t count) {
        if (count) CHECK(cudaMemcpy(data_, host, count * sizeof(T), cudaMemcpyHostToDevice));
    }
    void upload(const std::vector<T>& host) { upload(host.data(), host.size()); }
    void download(T* host, std::size_t count) const {
        if (count) CHECK(cudaMemcpy(host, data_, count * sizeof(T), cudaMemcpyDeviceToHost));
    }
    std::vector<T> download() const {
        std::vector<T> host(count_);
        download(host.data(), count_);
        return host;
    }
    void zero() {
        if (count_) CHECK(cudaMemset(data_, 0, count_ * sizeof(T)));
    }

private:
    T* data_ = nullptr;
    std::size_t count_ = 0;
};

/// Time between two points of the default stream, measured with events.
class DeviceTimer {
public:
    DeviceTimer() {
        CHECK(cudaEventCreate(&begin_));
        CHECK(cudaEventCreate(&end_));
    }
    DeviceTimer(const DeviceTimer&) = delete;
    DeviceTimer& operator=(const DeviceTimer&) = delete;
    ~DeviceTimer() {
        cudaEventDestroy(begin_);
        cudaEventDestroy(end_);
    }
    void start() { CHECK(cudaEventRecord(begin_)); }
    /// Waits for the work since start() and returns its seconds.
    double stop() {
        CHECK(cudaEventRecord(end_));
        CHECK(cudaEventSynchronize(end_));
        float milliseconds = 0;
        CHECK(cudaEventElapsedTime(&milliseconds, begin_, end_));
        return milliseconds * 1e-3;
    }

private:
    cudaEvent_t begin_ = nullptr, end_ = nullptr;
};
