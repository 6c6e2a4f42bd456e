// What a compiled program hands to the runtime before main: its fat binaries, and for each of them the kernels and variables by
// name, with the host address that stands for each.
//
// Nothing is loaded at registration: a program may hold thousands of kernels, and some programs never launch one. A fat binary
// becomes a driver library (cuLibraryLoadData) at the first use of anything in it. A library belongs to no context; what its
// kernel is in the current context is asked once and kept.
//
// Registration happens in static initialisers, in any order, also of objects that are loaded and unloaded at run time, so all
// state is made at first use and never destroyed. NVIDIA documents none of this; the names and signatures are those that nvcc
// and clang emit calls to.
#pragma once

#include "runtime/runtime.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace anywarp::runtime {

struct FatBinary;

/// What the driver made of a kernel or variable in one context; kept in a list that only grows.
struct Resolved {
    CUcontext context = nullptr;
    unsigned resets = 0;
    CUfunction function = nullptr;
    CUdeviceptr address = 0;
    size_t size = 0;
    Resolved* next = nullptr;
};

/// The list's head; finding is lock-free, as every launch does it.
class ResolvedList {
public:
    const Resolved* find(CUcontext context, unsigned resets) const {
        for (const Resolved* entry = head_.load(std::memory_order_acquire); entry; entry = entry->next)
            if (entry->context == context && entry->resets == resets) return entry;
        return nullptr;
    }
    const Resolved* add(Resolved entry);
    ~ResolvedList();

private:
    std::atomic<Resolved*> head_{nullptr};
};

struct Kernel {
    static constexpr uint64_t mark = 0x6b65726e656c4157; // tells a Kernel* from a CUkernel in a cudaKernel_t
    uint64_t marked = mark;
    FatBinary* binary = nullptr;
    const void* host = nullptr;
    const char* name = nullptr;
    ResolvedList resolved;
};

struct Variable {
    FatBinary* binary = nullptr;
    const void* host = nullptr; // of a managed variable: the pointer that the program reads
    const char* name = nullptr;
    size_t size = 0;
    bool constant = false, managed = false;
    ResolvedList resolved;
};

struct FatBinary {
    const void* image = nullptr;
    std::vector<std::unique_ptr<Kernel>> kernels;
    std::vector<std::unique_ptr<Variable>> variables;
    std::mutex mutex; // guards the two below
    CUlibrary library = nullptr;
    cudaError_t load_error = cudaSuccess;
};

/// The registered kernel behind a host address (or behind a handle of __cudaGetKernel); null when there is none.
Kernel* find_kernel(const void* host);
Variable* find_variable(const void* host);

/// The driver's function for what a program passes as a kernel: a host address, a handle of __cudaGetKernel, a cudaKernel_t.
/// A context must be current.
cudaError_t function_of(const void* kernel, CUfunction& function);
/// The driver's kernel, which belongs to no context.
cudaError_t kernel_of(const void* host, CUkernel& kernel);
/// The host address of the registered kernel that the driver knows as this function; null when there is none.
const void* host_of(CUfunction function);
/// Where a variable lies in the current context.
cudaError_t variable_at(const void* symbol, CUdeviceptr& address, size_t& size);

/// At a device's reset: nothing that was loaded stays, variables start again from their initial values.
void unload_everything(int device);

} // namespace anywarp::runtime
