// One virtual GPU: its properties (properties.h), memory, streams and its sticky error.
//
// A fault in a kernel makes the device's error sticky: every later call answers it until reset(), as a CUDA context does.
#pragma once

#include "machine/memory.h"
#include "machine/properties.h"
#include "machine/stream.h"
#include "machine/usage.h"

#include <algorithm>
#include <string>

namespace anywarp::machine {

enum class Limit : uint8_t { stack_size, printf_fifo_size, malloc_heap_size };

class Device {
public:
    static int count(); // 0 when the environment asks for devices that don't exist, too
    /// Created at the first call and never destroyed. Error: invalid_device.
    static Result<Device*> get(int ordinal);

    int ordinal() const { return ordinal_; }
    const Properties& properties() const { return properties_; }
    /// Threads that may run its blocks: no more than it has multiprocessors.
    unsigned workers() const { return std::min(machine_workers(), static_cast<unsigned>(properties_.multiprocessors)); }

    Memory& memory() { return memory_; }
    DeviceUsage& usage() { return usage_; } // what other processes see of this one's work
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
    DeviceUsage& usage_;
    Memory memory_;
    std::unique_ptr<Internals> internals_;
};

} // namespace anywarp::machine
