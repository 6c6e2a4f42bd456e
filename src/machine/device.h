// One virtual GPU: its properties, memory, streams and its sticky error. The CPU of this machine, dressed as an sm_80 device.
//
// A fault in a kernel makes the device's error sticky: every later call answers it until reset(), as a CUDA context does.
//
// Environment: ANYWARP_SM (80) compute capability; ANYWARP_WORKERS (hardware threads); ANYWARP_DEVICES (1);
// ANYWARP_MEMORY (bytes, suffix K M G; default: the machine's memory); ANYWARP_DEVICE_NAME.
#pragma once

#include "machine/memory.h"
#include "machine/stream.h"

#include <array>
#include <string>

namespace anywarp::machine {

struct Properties {
    std::string name = "Anywarp CPU";
    int compute_major = 8, compute_minor = 0;
    uint64_t total_memory = 0;
    int multiprocessors = 1; // workers
    int warp_size = 32;
    int max_threads_per_block = 1024;
    int max_block_dim[3] = {1024, 1024, 64};
    int max_grid_dim[3] = {0x7fffffff, 65535, 65535};
    int max_threads_per_multiprocessor = 2048;
    int max_blocks_per_multiprocessor = 32;
    int shared_per_block = 48 << 10;
    int shared_per_block_optin = 163 << 10;
    int shared_per_multiprocessor = 164 << 10;
    int reserved_shared_per_block = 1 << 10;
    int registers_per_block = 65536;
    int registers_per_multiprocessor = 65536;
    int constant_memory = 64 << 10;
    int clock_khz = 1000000;
    int memory_clock_khz = 1000000;
    int memory_bus_width = 64;   // bits
    uint64_t l2_bytes = 4 << 20; // the machine's last-level cache
    uint64_t max_pitch = 0x7fffffff;
    int texture_alignment = 512;
    int texture_pitch_alignment = 32;
    int async_engines = 1;
    int pci_domain = 0, pci_bus = 0, pci_device = 0;
    std::array<uint8_t, 16> uuid{};
};

enum class Limit : uint8_t { stack_size, printf_fifo_size, malloc_heap_size };

class Device {
public:
    static int count();
    /// Created at the first call and never destroyed. Error: invalid_device.
    static Result<Device*> get(int ordinal);

    int ordinal() const { return ordinal_; }
    const Properties& properties() const { return properties_; }
    unsigned workers() const { return properties_.multiprocessors; }

    Memory& memory() { return memory_; }
    /// With the sticky error checked first.
    Result<uint8_t*> allocate(uint64_t bytes, MemoryKind kind = MemoryKind::device, uint32_t flags = 0);
    /// Waits for queued work first, as cuMemFree does.
    Result<void> free(void* address);

    // Streams. The device owns them; a pointer stays valid until destroy_stream or reset.
    Stream& legacy_stream();
    /// The calling host thread's own default stream (a blocking stream), created at its first use.
    Stream& per_thread_stream();
    Stream* create_stream(Stream::Kind kind = Stream::Kind::blocking, int priority = 0);
    Result<void> destroy_stream(Stream* stream); // queued work finishes; invalid_handle when unknown
    bool has_stream(const Stream* stream) const;

    /// Waits for every stream and flushes device printf. Answers the sticky error.
    Result<void> synchronize();
    /// Waits, frees everything, clears the sticky error.
    void reset();

    Result<void> status() const;                                // the sticky error, if any
    void set_sticky_error(ErrorCode code, std::string message); // the first one stays
    ErrorCode sticky_error() const;
    std::string sticky_message() const;

    uint64_t limit(Limit which) const;
    Result<void> set_limit(Limit which, uint64_t value);

    struct Internals;
    Internals& internals() { return *internals_; } // of the machine's own files

private:
    explicit Device(int ordinal);
    ~Device() = delete;
    int ordinal_;
    Properties properties_;
    Memory memory_;
    std::unique_ptr<Internals> internals_;
};

} // namespace anywarp::machine
