// Memory, utilisation, processes: read from the counters that the processes with a device open keep (machine/usage.h).
// Utilisation is the share of time in which a kernel was running, over the time since this process asked last, or over 50 ms
// where it hasn't asked within a second. NVML API Reference Guide, "Device Queries".
#include "nvml/library.h"

#include "machine/usage.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>
#include <thread>
#include <type_traits>

using namespace anywarp;
using namespace anywarp::nvml;

namespace {

using Clock = std::chrono::steady_clock;
constexpr auto oldest_sample = std::chrono::seconds(1);
constexpr auto youngest_sample = std::chrono::milliseconds(40); // closer together they would say nothing
constexpr auto fresh_sample = std::chrono::milliseconds(50);

uint64_t used_on(const machine::Properties& p) {
    uint64_t used = 0;
    for (const machine::ProcessUsage& process : machine::processes_on(p.uuid)) used += process.used_bytes;
    return used;
}

struct Sample {
    Clock::time_point at;
    std::map<int, uint64_t> busy; // by process
    std::map<int, unsigned> percent;
};

Sample take_sample(const machine::Properties& p) {
    Sample sample{Clock::now(), {}, {}};
    for (const machine::ProcessUsage& process : machine::processes_on(p.uuid)) sample.busy[process.pid] = process.busy_ns;
    return sample;
}

/// Each process's share of the device's time.
std::map<int, unsigned> utilisation_of(const nvmlDevice_st& device) {
    static std::mutex mutex;
    static auto* samples = new std::map<unsigned, Sample>;
    std::lock_guard lock(mutex);
    auto last = samples->find(device.index);
    if (last == samples->end() || Clock::now() - last->second.at > oldest_sample) {
        Sample first = take_sample(device.properties);
        std::this_thread::sleep_for(fresh_sample);
        last = samples->insert_or_assign(device.index, std::move(first)).first;
    }
    if (Clock::now() - last->second.at < youngest_sample) return last->second.percent;
    Sample now = take_sample(device.properties);
    auto passed = std::chrono::duration_cast<std::chrono::nanoseconds>(now.at - last->second.at).count();
    for (const auto& [pid, busy] : now.busy) {
        auto before = last->second.busy.find(pid);
        uint64_t start = before == last->second.busy.end() ? 0 : before->second;
        uint64_t worked = busy > start ? busy - start : 0;
        now.percent[pid] = static_cast<unsigned>(std::min<uint64_t>(100, worked * 100 / static_cast<uint64_t>(passed)));
    }
    last->second = std::move(now);
    return last->second.percent;
}

template <class Info> nvmlReturn_t compute_processes(nvmlDevice_t handle, unsigned* count, Info* infos) {
    return with_device(handle, [&](const nvmlDevice_st& device) {
        if (!count) return NVML_ERROR_INVALID_ARGUMENT;
        auto processes = machine::processes_on(device.properties.uuid);
        unsigned room = *count;
        *count = static_cast<unsigned>(processes.size());
        if (processes.empty()) return NVML_SUCCESS;
        if (room < processes.size()) return NVML_ERROR_INSUFFICIENT_SIZE; // 0: the caller asked how many
        if (!infos) return NVML_ERROR_INVALID_ARGUMENT;
        for (size_t i = 0; i < processes.size(); i++) {
            infos[i] = {};
            infos[i].pid = static_cast<unsigned>(processes[i].pid);
            infos[i].usedGpuMemory = processes[i].used_bytes;
            if constexpr (!std::is_same_v<Info, nvmlProcessInfo_v1_t>)
                infos[i].gpuInstanceId = infos[i].computeInstanceId = 0xffffffff; // none
        }
        return NVML_SUCCESS;
    });
}

nvmlReturn_t no_processes(nvmlDevice_t handle, unsigned* count) {
    return answer(handle, count, [](const machine::Properties&) { return 0u; });
}

} // namespace

nvmlReturn_t nvmlDeviceGetMemoryInfo(nvmlDevice_t handle, nvmlMemory_t* memory) {
    return answer(handle, memory, [](const machine::Properties& p) {
        // The first form has no place for what a driver keeps for itself, and counts it as used.
        nvmlMemory_t m{};
        m.total = p.physical_memory;
        m.used = std::min<uint64_t>(used_on(p) + (p.physical_memory - p.total_memory), m.total);
        m.free = m.total - m.used;
        return m;
    });
}

nvmlReturn_t nvmlDeviceGetMemoryInfo_v2(nvmlDevice_t handle, nvmlMemory_v2_t* memory) {
    return with_device(handle, [&](const nvmlDevice_st& device) {
        if (!memory) return NVML_ERROR_INVALID_ARGUMENT;
        if (memory->version != nvmlMemory_v2) return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
        const machine::Properties& p = device.properties;
        memory->total = p.physical_memory;
        memory->reserved = p.physical_memory - p.total_memory;
        memory->used = std::min<uint64_t>(used_on(p), p.total_memory);
        memory->free = p.total_memory - memory->used;
        return NVML_SUCCESS;
    });
}

/// All of a device's memory is in the host's address space: the aperture holds everything.
nvmlReturn_t nvmlDeviceGetBAR1MemoryInfo(nvmlDevice_t handle, nvmlBAR1Memory_t* memory) {
    return answer(handle, memory, [](const machine::Properties& p) {
        uint64_t used = std::min(used_on(p), p.physical_memory);
        return nvmlBAR1Memory_t{p.physical_memory, p.physical_memory - used, used};
    });
}

nvmlReturn_t nvmlDeviceGetUtilizationRates(nvmlDevice_t handle, nvmlUtilization_t* utilization) {
    return with_device(handle, [&](const nvmlDevice_st& device) {
        if (!utilization) return NVML_ERROR_INVALID_ARGUMENT;
        unsigned sum = 0;
        for (const auto& [pid, percent] : utilisation_of(device)) sum += percent;
        utilization->gpu = std::min(sum, 100u);
        utilization->memory = 0; // how long the memory was being read isn't measured
        return NVML_SUCCESS;
    });
}

nvmlReturn_t nvmlDeviceGetProcessUtilization(nvmlDevice_t handle, nvmlProcessUtilizationSample_t* samples, unsigned* count,
                                             unsigned long long) {
    return with_device(handle, [&](const nvmlDevice_st& device) {
        if (!count) return NVML_ERROR_INVALID_ARGUMENT;
        auto shares = utilisation_of(device);
        unsigned room = *count;
        *count = static_cast<unsigned>(shares.size());
        if (shares.empty()) return NVML_ERROR_NOT_FOUND;
        if (!samples || room < shares.size()) return NVML_ERROR_INSUFFICIENT_SIZE;
        auto now = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch());
        for (const auto& [pid, percent] : shares)
            *samples++ = {static_cast<unsigned>(pid), static_cast<unsigned long long>(now.count()), percent, 0, 0, 0};
        return NVML_SUCCESS;
    });
}

nvmlReturn_t nvmlDeviceGetComputeRunningProcesses(nvmlDevice_t handle, unsigned* count, nvmlProcessInfo_v1_t* infos) {
    return compute_processes(handle, count, infos);
}
nvmlReturn_t nvmlDeviceGetComputeRunningProcesses_v2(nvmlDevice_t handle, unsigned* count, nvmlProcessInfo_v2_t* infos) {
    return compute_processes(handle, count, infos);
}
nvmlReturn_t nvmlDeviceGetComputeRunningProcesses_v3(nvmlDevice_t handle, unsigned* count, nvmlProcessInfo_t* infos) {
    return compute_processes(handle, count, infos);
}
nvmlReturn_t nvmlDeviceGetGraphicsRunningProcesses(nvmlDevice_t handle, unsigned* count, nvmlProcessInfo_v1_t*) {
    return no_processes(handle, count);
}
nvmlReturn_t nvmlDeviceGetGraphicsRunningProcesses_v2(nvmlDevice_t handle, unsigned* count, nvmlProcessInfo_v2_t*) {
    return no_processes(handle, count);
}
nvmlReturn_t nvmlDeviceGetGraphicsRunningProcesses_v3(nvmlDevice_t handle, unsigned* count, nvmlProcessInfo_t*) {
    return no_processes(handle, count);
}
nvmlReturn_t nvmlDeviceGetMPSComputeRunningProcesses(nvmlDevice_t handle, unsigned* count, nvmlProcessInfo_v1_t*) {
    return no_processes(handle, count);
}
nvmlReturn_t nvmlDeviceGetMPSComputeRunningProcesses_v2(nvmlDevice_t handle, unsigned* count, nvmlProcessInfo_v2_t*) {
    return no_processes(handle, count);
}
nvmlReturn_t nvmlDeviceGetMPSComputeRunningProcesses_v3(nvmlDevice_t handle, unsigned* count, nvmlProcessInfo_t*) {
    return no_processes(handle, count);
}
