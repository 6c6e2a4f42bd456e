// trap, assert, printf, malloc, timers of kernels; see device_services.h.
//
// All of them run inside run_guarded, on behalf of one lane: a fault while they read the program's memory (a bad %s) unwinds
// through them, so that nothing is locked at such moments. CUDA C++ Programming Guide, "Formatted Output", "Dynamic Global
// Memory Allocation", "Assertion".
#include "machine/device_services.h"

#include "machine/device_internals.h"
#include "machine/device_print.h"
#include "machine/faults.h"

#include <cstdio>
#include <cstdlib>
#include <ctime>

using namespace anywarp;
using namespace anywarp::machine;

namespace anywarp::machine {

void Device::Internals::print(std::string_view text) {
    bool full;
    {
        std::lock_guard lock(output_mutex);
        output += text;
        full = output.size() >= printf_fifo.load(std::memory_order_relaxed);
    }
    has_output.store(true, std::memory_order_release);
    if (full) flush_output();
}

void Device::Internals::flush_output() {
    if (!has_output.load(std::memory_order_acquire)) return;
    std::lock_guard lock(output_mutex);
    has_output.store(false);
    std::fwrite(output.data(), 1, output.size(), stdout);
    std::fflush(stdout);
    output.clear();
}

} // namespace anywarp::machine

extern "C" {

void anywarp_trap(const BlockContext*, uint32_t error_code) { raise_fault(static_cast<ErrorCode>(error_code)); }

int32_t anywarp_vprintf(const BlockContext* context, const char* format, const void* arguments) {
    int32_t count = 0;
    std::string text = format_device_print(format, static_cast<const uint8_t*>(arguments), count);
    if (auto* device = static_cast<Device*>(context->machine)) {
        device->internals().print(text);
    } else {
        std::fwrite(text.data(), 1, text.size(), stdout);
        std::fflush(stdout);
    }
    return count;
}

// The device heap lies in device memory, so that a kernel that overruns it can't damage the host's heap.
void* anywarp_malloc(const BlockContext* context, uint64_t bytes) {
    if (bytes == 0) return nullptr;
    auto* device = static_cast<Device*>(context->machine);
    if (!device) return std::malloc(bytes);
    auto& in = device->internals();
    if (bytes > in.malloc_heap) return nullptr;
    uint64_t used = in.heap_used.fetch_add(bytes) + bytes;
    if (used <= in.malloc_heap)
        if (auto memory = device->memory().allocate(bytes)) return *memory;
    in.heap_used.fetch_sub(bytes);
    return nullptr;
}

void anywarp_free(const BlockContext* context, void* address) {
    if (!address) return;
    auto* device = static_cast<Device*>(context->machine);
    if (!device) return std::free(address);
    auto found = device->memory().find(address);
    if (!found || found->base != address) raise_fault(ErrorCode::illegal_address);
    device->internals().heap_used.fetch_sub(found->size);
    (void)device->memory().free(address);
}

void anywarp_assertfail(const BlockContext* context, const char* message, const char* file, uint32_t line, const char* function,
                        const uint32_t* thread_id) {
    uint32_t none[3] = {};
    const uint32_t* t = thread_id ? thread_id : none;
    std::fprintf(stderr, "%s:%u: %s: block: [%u,%u,%u], thread: [%u,%u,%u] Assertion `%s` failed.\n", file ? file : "", line,
                 function ? function : "", context->ctaid[0], context->ctaid[1], context->ctaid[2], t[0], t[1], t[2],
                 message ? message : "");
    raise_fault(ErrorCode::assert_failed);
}

uint64_t anywarp_globaltimer() {
    timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(now.tv_nsec);
}

// The ISA lets a sleep last between 0 and twice the time asked for; short ones aren't worth a system call, and long ones would
// hold up the other blocks of this worker.
void anywarp_nanosleep(uint32_t nanoseconds) {
    if (nanoseconds < 50'000) return;
    timespec time{0, static_cast<long>(nanoseconds < 1'000'000 ? nanoseconds : 1'000'000)};
    nanosleep(&time, nullptr);
}

} // extern "C"
