// What the processes of this user do with the devices: memory in use, and how long kernels have been running. Each process that
// uses a device keeps a page of counters in /dev/shm/anywarp-UID/PID; libnvidia-ml, in whatever process, reads all of them. A
// page of a process that has gone is removed by the next reader. Where there is no /dev/shm the counters are the process's own.
//
// NVML, "nvmlUtilization_t": percent of time over the past sample period during which one or more kernels was executing.
#pragma once

#include "machine/properties.h"

#include <atomic>

namespace anywarp::machine {

struct DeviceUsage {
    std::array<uint8_t, 16> uuid;
    std::atomic<uint64_t> used_bytes;
    std::atomic<uint64_t> busy_ns;  // of intervals that have ended
    std::atomic<uint64_t> since_ns; // CLOCK_MONOTONIC: when the running interval began
    std::atomic<uint32_t> running;  // grids
};

/// The counters of this process for one of installed_devices(). The page is made at the first call.
DeviceUsage& usage_of(int installed);

/// While one lives, a grid runs on the device.
class RunningGrid {
public:
    explicit RunningGrid(DeviceUsage& usage);
    ~RunningGrid();
    RunningGrid(const RunningGrid&) = delete;
    RunningGrid& operator=(const RunningGrid&) = delete;

private:
    DeviceUsage& usage_;
};

struct ProcessUsage {
    int pid = 0;
    uint64_t used_bytes = 0;
    uint64_t busy_ns = 0; // the running interval included
};
/// The processes that have the device with this UUID open.
std::vector<ProcessUsage> processes_on(const std::array<uint8_t, 16>& uuid);

} // namespace anywarp::machine
