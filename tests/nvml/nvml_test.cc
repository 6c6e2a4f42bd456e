// NVML as a tool asks it, on two H20s, an H100 and an RTX 4090; and what another process is seen to do.
#include <nvml.h>

#include "machine/usage.h"

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <set>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#define OK(call) ASSERT_EQ(call, NVML_SUCCESS)

namespace {

class Nvml : public testing::Test {
protected:
    void SetUp() override {
        OK(nvmlInit());
        for (unsigned i = 0; i < 4; i++) OK(nvmlDeviceGetHandleByIndex(i, &device[i]));
    }
    void TearDown() override { EXPECT_EQ(nvmlShutdown(), NVML_SUCCESS); }
    nvmlDevice_t device[4] = {};
};

} // namespace

TEST(NvmlLife, NothingBeforeInit) {
    unsigned count = 0;
    EXPECT_EQ(nvmlDeviceGetCount(&count), NVML_ERROR_UNINITIALIZED);
    EXPECT_EQ(nvmlShutdown(), NVML_ERROR_UNINITIALIZED);
    int version = 0;
    EXPECT_EQ(nvmlSystemGetCudaDriverVersion(&version), NVML_SUCCESS);
    EXPECT_EQ(version, 13000);
    OK(nvmlInit());
    OK(nvmlInit()); // counted
    OK(nvmlShutdown());
    EXPECT_EQ(nvmlDeviceGetCount(&count), NVML_SUCCESS);
    OK(nvmlShutdown());
    EXPECT_EQ(nvmlDeviceGetCount(&count), NVML_ERROR_UNINITIALIZED);
    EXPECT_STREQ(nvmlErrorString(NVML_ERROR_UNINITIALIZED), "Uninitialized");
    EXPECT_STREQ(nvmlErrorString(NVML_ERROR_NOT_SUPPORTED), "Not Supported");
    EXPECT_STREQ(nvmlErrorString(static_cast<nvmlReturn_t>(4711)), "Unknown Error");
}

TEST_F(Nvml, Identity) {
    unsigned count = 0;
    OK(nvmlDeviceGetCount(&count));
    EXPECT_EQ(count, 4u);
    nvmlDevice_t none = nullptr;
    EXPECT_EQ(nvmlDeviceGetHandleByIndex(4, &none), NVML_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(nvmlDeviceGetName(reinterpret_cast<nvmlDevice_t>(&count), nullptr, 0), NVML_ERROR_INVALID_ARGUMENT);
    char name[NVML_DEVICE_NAME_V2_BUFFER_SIZE], small[4];
    OK(nvmlDeviceGetName(device[0], name, sizeof name));
    EXPECT_STREQ(name, "NVIDIA H20");
    EXPECT_EQ(nvmlDeviceGetName(device[0], small, sizeof small), NVML_ERROR_INSUFFICIENT_SIZE);
    std::set<std::string> seen;
    for (unsigned i = 0; i < count; i++) {
        char uuid[NVML_DEVICE_UUID_V2_BUFFER_SIZE];
        OK(nvmlDeviceGetUUID(device[i], uuid, sizeof uuid));
        EXPECT_EQ(std::strlen(uuid), 40u);
        EXPECT_TRUE(seen.insert(uuid).second);
        nvmlDevice_t found = nullptr;
        OK(nvmlDeviceGetHandleByUUID(uuid, &found));
        EXPECT_EQ(found, device[i]);
        nvmlPciInfo_t pci{};
        OK(nvmlDeviceGetPciInfo(device[i], &pci));
        OK(nvmlDeviceGetHandleByPciBusId(pci.busId, &found));
        EXPECT_EQ(found, device[i]);
        OK(nvmlDeviceGetHandleByPciBusId(pci.busIdLegacy, &found));
        EXPECT_EQ(found, device[i]);
        EXPECT_EQ(pci.pciDeviceId & 0xffff, 0x10deu);
    }
    EXPECT_EQ(nvmlDeviceGetHandleByUUID("GPU-00000000-0000-0000-0000-000000000000", &none), NVML_ERROR_NOT_FOUND);
    nvmlDeviceArchitecture_t architecture = 0;
    OK(nvmlDeviceGetArchitecture(device[0], &architecture));
    EXPECT_EQ(architecture, unsigned{NVML_DEVICE_ARCH_HOPPER});
    OK(nvmlDeviceGetArchitecture(device[3], &architecture));
    EXPECT_EQ(architecture, unsigned{NVML_DEVICE_ARCH_ADA});
    int major = 0, minor = 0;
    OK(nvmlDeviceGetCudaComputeCapability(device[3], &major, &minor));
    EXPECT_EQ(major * 10 + minor, 89);
    unsigned value = 0;
    OK(nvmlDeviceGetNumGpuCores(device[2], &value));
    EXPECT_EQ(value, 16896u);
    OK(nvmlDeviceGetMaxClockInfo(device[2], NVML_CLOCK_MEM, &value));
    EXPECT_EQ(value, 2619u);
    EXPECT_EQ(nvmlDeviceGetMaxClockInfo(device[2], NVML_CLOCK_COUNT, &value), NVML_ERROR_INVALID_ARGUMENT);
}

TEST_F(Nvml, Topology) {
    nvmlGpuTopologyLevel_t level;
    OK(nvmlDeviceGetTopologyCommonAncestor(device[0], device[1], &level));
    EXPECT_EQ(level, NVML_TOPOLOGY_NODE);
    nvmlGpuP2PStatus_t status;
    OK(nvmlDeviceGetP2PStatus(device[0], device[1], NVML_P2P_CAPS_INDEX_NVLINK, &status));
    EXPECT_EQ(status, NVML_P2P_STATUS_OK);
    OK(nvmlDeviceGetP2PStatus(device[0], device[2], NVML_P2P_CAPS_INDEX_NVLINK, &status));
    EXPECT_EQ(status, NVML_P2P_STATUS_NOT_SUPPORTED);
    nvmlEnableState_t active;
    unsigned version = 0, has = 0;
    for (unsigned link = 0; link < 18; link++) {
        OK(nvmlDeviceGetNvLinkState(device[0], link, &active));
        EXPECT_EQ(active, NVML_FEATURE_ENABLED);
    }
    EXPECT_EQ(nvmlDeviceGetNvLinkState(device[0], 18, &active), NVML_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(nvmlDeviceGetNvLinkState(device[3], 0, &active), NVML_ERROR_NOT_SUPPORTED) << "a card without NVLink";
    OK(nvmlDeviceGetNvLinkVersion(device[0], 0, &version));
    EXPECT_EQ(version, 4u);
    OK(nvmlDeviceGetNvLinkCapability(device[0], 0, NVML_NVLINK_CAP_P2P_ATOMICS, &has));
    EXPECT_EQ(has, 1u);
    nvmlIntNvLinkDeviceType_t type;
    OK(nvmlDeviceGetNvLinkRemoteDeviceType(device[0], 5, &type));
    EXPECT_EQ(type, NVML_NVLINK_DEVICE_TYPE_SWITCH);
    nvmlPciInfo_t pci{};
    OK(nvmlDeviceGetNvLinkRemotePciInfo(device[0], 5, &pci));
    nvmlFieldValue_t fields[2] = {};
    fields[0].fieldId = NVML_FI_DEV_NVLINK_LINK_COUNT;
    fields[1].fieldId = 82; // the memory's temperature
    OK(nvmlDeviceGetFieldValues(device[0], 2, fields));
    EXPECT_EQ(fields[0].nvmlReturn, NVML_SUCCESS);
    EXPECT_EQ(fields[0].value.uiVal, 18u);
    EXPECT_EQ(fields[1].nvmlReturn, NVML_ERROR_NOT_SUPPORTED);
}

TEST_F(Nvml, WhatAVirtualDeviceHasnt) {
    // Not declared in nvml.h; tools look them up by name.
    for (const char* name : {"nvmlDeviceGetPowerUsage", "nvmlDeviceGetTemperature", "nvmlDeviceGetFanSpeed",
                             "nvmlDeviceGetClockInfo", "nvmlDeviceGetEncoderUtilization", "nvmlDeviceGetSerial"}) {
        auto* function = reinterpret_cast<nvmlReturn_t (*)(nvmlDevice_t, ...)>(dlsym(RTLD_DEFAULT, name));
        ASSERT_TRUE(function) << name;
        EXPECT_EQ(function(device[0]), NVML_ERROR_NOT_SUPPORTED) << name;
    }
    unsigned current = 7, pending = 7;
    OK(nvmlDeviceGetMigMode(device[0], &current, &pending));
    EXPECT_EQ(current, 0u);
    EXPECT_EQ(nvmlDeviceGetMigMode(device[3], &current, &pending), NVML_ERROR_NOT_SUPPORTED);
    nvmlEventSet_t set = nullptr;
    OK(nvmlEventSetCreate(&set));
    nvmlEventData_t event{};
    EXPECT_EQ(nvmlEventSetWait(set, &event, 1), NVML_ERROR_TIMEOUT);
    EXPECT_EQ(nvmlDeviceRegisterEvents(device[0], 8, set), NVML_ERROR_NOT_SUPPORTED);
    OK(nvmlEventSetFree(set));
    EXPECT_EQ(nvmlEventSetFree(set), NVML_ERROR_INVALID_ARGUMENT);
}

TEST_F(Nvml, AnotherProcessIsSeen) {
    int ready[2], stop[2];
    ASSERT_EQ(pipe(ready), 0);
    ASSERT_EQ(pipe(stop), 0);
    pid_t child = fork();
    if (child == 0) { // holds memory on device 1 and has a kernel running
        using namespace anywarp::machine;
        DeviceUsage& usage = usage_of(1);
        usage.used_bytes = 3ull << 30;
        RunningGrid grid(usage);
        char byte = 1;
        (void)!write(ready[1], &byte, 1);
        (void)!read(stop[0], &byte, 1);
        std::exit(0); // removes its page
    }
    char byte = 0;
    ASSERT_EQ(read(ready[0], &byte, 1), 1);
    nvmlMemory_v2_t memory{};
    EXPECT_EQ(nvmlDeviceGetMemoryInfo_v2(device[1], &memory), NVML_ERROR_ARGUMENT_VERSION_MISMATCH);
    memory.version = nvmlMemory_v2;
    OK(nvmlDeviceGetMemoryInfo_v2(device[1], &memory));
    EXPECT_GE(memory.used, 3ull << 30);
    EXPECT_EQ(memory.total, memory.reserved + memory.used + memory.free);
    nvmlUtilization_t utilization{};
    OK(nvmlDeviceGetUtilizationRates(device[1], &utilization));
    EXPECT_GE(utilization.gpu, 90u);
    unsigned count = 0;
    EXPECT_EQ(nvmlDeviceGetComputeRunningProcesses(device[1], &count, nullptr), NVML_ERROR_INSUFFICIENT_SIZE);
    ASSERT_GE(count, 1u);
    std::vector<nvmlProcessInfo_t> infos(count + 8);
    count = static_cast<unsigned>(infos.size());
    OK(nvmlDeviceGetComputeRunningProcesses(device[1], &count, infos.data()));
    bool seen = false;
    for (unsigned i = 0; i < count; i++)
        if (infos[i].pid == static_cast<unsigned>(child)) seen = infos[i].usedGpuMemory == 3ull << 30;
    EXPECT_TRUE(seen);
    char name[64];
    OK(nvmlSystemGetProcessName(static_cast<unsigned>(child), name, sizeof name));
    EXPECT_TRUE(std::strstr(name, "test_nvml")) << name;
    (void)!write(stop[1], &byte, 1);
    waitpid(child, nullptr, 0);
    for (const auto& process : anywarp::machine::processes_on(anywarp::machine::installed_devices()->at(1).uuid))
        EXPECT_NE(process.pid, child);
}

int main(int count, char** arguments) {
    setenv("ANYWARP_DEVICE", "h20,h20,h100,rtx4090", 1);
    unsetenv("ANYWARP_DEVICES");
    setenv("CUDA_VISIBLE_DEVICES", "0", 1); // NVML doesn't care
    testing::InitGoogleTest(&count, arguments);
    return RUN_ALL_TESTS();
}
