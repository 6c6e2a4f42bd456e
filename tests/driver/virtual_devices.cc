// The driver API on devices of the catalogue: what deviceQuery prints of an A100, an H100 and an H200 equals what the public logs
// of real ones say; memory, peers, limits of launches, targets of PTX. One process sees all of them.
#include "driver_test.h"

#include <cstdlib>
#include <set>
#include <string>
#include <vector>

namespace {

constexpr CUdevice a100 = 0, h100 = 1, h200 = 2, h20 = 3, second_h20 = 4, rtx4090 = 5;

int attribute(CUdevice device, CUdevice_attribute which) {
    int value = -1;
    EXPECT_EQ(cuDeviceGetAttribute(&value, which, device), CUDA_SUCCESS) << which;
    return value;
}

class VirtualDevices : public testing::Test {
protected:
    void SetUp() override { OK(cuInit(0)); }
    CUcontext use(CUdevice device) {
        CUcontext context = nullptr;
        EXPECT_EQ(cuDevicePrimaryCtxRetain(&context, device), CUDA_SUCCESS);
        EXPECT_EQ(cuCtxSetCurrent(context), CUDA_SUCCESS);
        used.insert(device);
        return context;
    }
    void TearDown() override {
        cuCtxSetCurrent(nullptr);
        for (CUdevice device : used) cuDevicePrimaryCtxReset(device);
    }
    std::set<CUdevice> used;
};

struct Logged {
    CUdevice device;
    const char* name;
    int major, minor;
    size_t total_memory;
    int multiprocessors, clock_mhz, memory_clock_mhz, bus_bits, l2_bytes, shared_per_sm, copy_engines;
};

// Sources. A100 and H100: deviceQuery logs at https://github.com/thamada/nvidia-smi, gls/A100SXMx4_deviceQuery.py (driver 12.5)
// and nvsim/H100SXMx8_deviceQuery.py (driver 12.7), every line of which is below or in the test. H200: no complete deviceQuery
// log is public where we looked; its figures are those that real ones were reported with: torch's device properties (143156 MB,
// 132 multiprocessors, 60 MB of L2), nvidia-smi's clocks (1980 and 3201 MHz; https://github.com/NVIDIA/cuda-samples/issues/311),
// NVIDIA's datasheet (six stacks: 6144 bits).
constexpr Logged logs[] = {
    {a100, "NVIDIA A100-SXM4-80GB", 8, 0, 85100068864, 108, 1410, 1593, 5120, 41943040, 167936, 3},
    {h100, "NVIDIA H100 80GB HBM3", 9, 0, 85045477376, 132, 1980, 2619, 5120, 52428800, 233472, 3},
    {h200, "NVIDIA H200", 9, 0, 143156ull << 20, 132, 1980, 3201, 6144, 62914560, 233472, 3},
};

const char* const plain_ptx = R"(.version 7.0
.target sm_70
.address_size 64
.visible .entry nothing() { ret; }
.visible .entry wide() .maxntid 128, 1, 1 { ret; }
.visible .entry narrow() .maxnreg 32 { ret; }
.visible .entry fixed() .reqntid 64, 2, 1 { ret; }
.visible .entry with_shared()
{
    .shared .align 4 .b8 memory[40000];
    .reg .u32 %r<3>;
    mov.u32 %r1, memory;
    st.shared.u32 [%r1], 7;
    ret;
}
)";

std::string targeted(const char* version, const char* target) {
    return std::string(".version ") + version + "\n.target " + target + "\n.address_size 64\n.visible .entry k() { ret; }\n";
}

/// A kernel that keeps `count` values alive at once.
std::string hungry_ptx(int count) {
    std::string text =
        ".version 7.0\n.target sm_70\n.address_size 64\n.visible .entry hungry(.param .u64 p)\n{\n.reg .b64 %a<2>;\n.reg "
        ".b32 %r<" +
        std::to_string(count + 1) + ">;\nld.param.u64 %a1, [p];\n";
    for (int i = 0; i < count; i++)
        text += "ld.volatile.global.u32 %r" + std::to_string(i) + ", [%a1+" + std::to_string(4 * i) + "];\n";
    text += "bar.sync 0;\n";
    for (int i = 0; i < count; i++)
        text += "st.volatile.global.u32 [%a1+" + std::to_string(4 * i) + "], %r" + std::to_string(count - 1 - i) + ";\n";
    return text + "ret;\n}\n";
}

CUresult launch(CUfunction function, unsigned x, unsigned y, unsigned z, unsigned bx, unsigned by, unsigned bz,
                unsigned shared = 0) {
    return cuLaunchKernel(function, x, y, z, bx, by, bz, shared, nullptr, nullptr, nullptr);
}

} // namespace

TEST_F(VirtualDevices, EqualTheLogsOfRealOnes) {
    for (const Logged& log : logs) {
        char name[100];
        OK(cuDeviceGetName(name, sizeof name, log.device));
        EXPECT_STREQ(name, log.name);
        size_t bytes = 0;
        OK(cuDeviceTotalMem(&bytes, log.device));
        EXPECT_EQ(bytes >> 20, log.total_memory >> 20) << name;
        if (log.device != h200) EXPECT_EQ(bytes, log.total_memory) << name;
        struct Line {
            CUdevice_attribute which;
            int value;
        };
        const Line lines[] = {
            {CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, log.major},
            {CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, log.minor},
            {CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, log.multiprocessors},
            {CU_DEVICE_ATTRIBUTE_CLOCK_RATE, log.clock_mhz * 1000},
            {CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE, log.memory_clock_mhz * 1000},
            {CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH, log.bus_bits},
            {CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE, log.l2_bytes},
            {CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR, log.shared_per_sm},
            {CU_DEVICE_ATTRIBUTE_ASYNC_ENGINE_COUNT, log.copy_engines},
            // The lines that are the same in all three.
            {CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE1D_WIDTH, 131072},
            {CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_WIDTH, 131072},
            {CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_HEIGHT, 65536},
            {CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE3D_WIDTH, 16384},
            {CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE3D_HEIGHT, 16384},
            {CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE3D_DEPTH, 16384},
            {CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE1D_LAYERED_WIDTH, 32768},
            {CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE1D_LAYERED_LAYERS, 2048},
            {CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_LAYERED_WIDTH, 32768},
            {CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_LAYERED_HEIGHT, 32768},
            {CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_LAYERED_LAYERS, 2048},
            {CU_DEVICE_ATTRIBUTE_TOTAL_CONSTANT_MEMORY, 65536},
            {CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK, 49152},
            {CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_BLOCK, 65536},
            {CU_DEVICE_ATTRIBUTE_WARP_SIZE, 32},
            {CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR, 2048},
            {CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK, 1024},
            {CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X, 1024},
            {CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y, 1024},
            {CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z, 64},
            {CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X, 2147483647},
            {CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y, 65535},
            {CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z, 65535},
            {CU_DEVICE_ATTRIBUTE_MAX_PITCH, 2147483647},
            {CU_DEVICE_ATTRIBUTE_TEXTURE_ALIGNMENT, 512},
            {CU_DEVICE_ATTRIBUTE_GPU_OVERLAP, 1},
            {CU_DEVICE_ATTRIBUTE_KERNEL_EXEC_TIMEOUT, 0},
            {CU_DEVICE_ATTRIBUTE_INTEGRATED, 0},
            {CU_DEVICE_ATTRIBUTE_CAN_MAP_HOST_MEMORY, 1},
            {CU_DEVICE_ATTRIBUTE_ECC_ENABLED, 1},
            {CU_DEVICE_ATTRIBUTE_UNIFIED_ADDRESSING, 1},
            {CU_DEVICE_ATTRIBUTE_MANAGED_MEMORY, 1},
            {CU_DEVICE_ATTRIBUTE_COMPUTE_PREEMPTION_SUPPORTED, 1},
            {CU_DEVICE_ATTRIBUTE_COOPERATIVE_LAUNCH, 1},
            {CU_DEVICE_ATTRIBUTE_COOPERATIVE_MULTI_DEVICE_LAUNCH, 1},
            {CU_DEVICE_ATTRIBUTE_COMPUTE_MODE, CU_COMPUTEMODE_DEFAULT},
        };
        for (const Line& line : lines)
            EXPECT_EQ(attribute(log.device, line.which), line.value) << name << ", attribute " << line.which;
    }
    EXPECT_NE(attribute(h100, CU_DEVICE_ATTRIBUTE_SURFACE_ALIGNMENT), 0);
    EXPECT_EQ(attribute(h100, CU_DEVICE_ATTRIBUTE_CLUSTER_LAUNCH), 1);
    EXPECT_EQ(attribute(a100, CU_DEVICE_ATTRIBUTE_CLUSTER_LAUNCH), 0);
}

TEST_F(VirtualDevices, EveryAttributeHasAnAnswer) {
    for (CUdevice device : {a100, h20, rtx4090})
        for (int which = 1; which < CU_DEVICE_ATTRIBUTE_MAX; which++) {
            int value = -2;
            EXPECT_EQ(cuDeviceGetAttribute(&value, static_cast<CUdevice_attribute>(which), device), CUDA_SUCCESS) << which;
        }
    int value = 0;
    EXPECT_EQ(cuDeviceGetAttribute(&value, CU_DEVICE_ATTRIBUTE_MAX, h20), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(cuDeviceGetAttribute(&value, static_cast<CUdevice_attribute>(0), h20), CUDA_ERROR_INVALID_VALUE);
}

TEST_F(VirtualDevices, HaveIdentities) {
    std::set<std::string> uuids, places;
    int count = 0;
    OK(cuDeviceGetCount(&count));
    ASSERT_EQ(count, 6);
    for (int i = 0; i < count; i++) {
        CUuuid uuid{};
        OK(cuDeviceGetUuid(&uuid, i));
        EXPECT_TRUE(uuids.insert(std::string(uuid.bytes, sizeof uuid.bytes)).second);
        char place[32];
        OK(cuDeviceGetPCIBusId(place, sizeof place, i));
        EXPECT_TRUE(places.insert(place).second);
        CUdevice found = -1;
        OK(cuDeviceGetByPCIBusId(&found, place));
        EXPECT_EQ(found, i);
    }
}

TEST_F(VirtualDevices, MemoryIsTheDevices) {
    use(h200);
    size_t available = 0, total = 0;
    OK(cuMemGetInfo(&available, &total));
    EXPECT_EQ(total >> 30, 139u);
    EXPECT_LE(available, total);
    // More than this machine has: nothing is touched, so that nothing is needed.
    CUdeviceptr large = 0, more = 0;
    OK(cuMemAlloc(&large, size_t{130} << 30));
    OK(cuMemsetD8(large + (size_t{100} << 30), 5, 4096));
    unsigned char byte = 0;
    OK(cuMemcpyDtoH(&byte, large + (size_t{100} << 30) + 4095, 1));
    EXPECT_EQ(byte, 5);
    EXPECT_EQ(cuMemAlloc(&more, size_t{16} << 30), CUDA_ERROR_OUT_OF_MEMORY);
    size_t left = 0;
    OK(cuMemGetInfo(&left, &total));
    EXPECT_EQ(available - left, size_t{130} << 30);
    // Another device has its own.
    use(h20);
    OK(cuMemAlloc(&more, size_t{90} << 30));
    OK(cuMemFree(more));
    EXPECT_EQ(cuMemAlloc(&more, size_t{100} << 30), CUDA_ERROR_OUT_OF_MEMORY);
    use(h200);
    OK(cuMemFree(large));
}

TEST_F(VirtualDevices, Peers) {
    auto can = [](CUdevice from, CUdevice to) {
        int value = -1;
        EXPECT_EQ(cuDeviceCanAccessPeer(&value, from, to), CUDA_SUCCESS);
        return value;
    };
    EXPECT_EQ(can(h20, second_h20), 1);
    EXPECT_EQ(can(h20, h20), 0);
    EXPECT_EQ(can(h20, rtx4090), 0) << "GeForce cards have no peers";
    int value = -1;
    OK(cuDeviceGetP2PAttribute(&value, CU_DEVICE_P2P_ATTRIBUTE_NATIVE_ATOMIC_SUPPORTED, h20, second_h20));
    EXPECT_EQ(value, 1);
    OK(cuDeviceGetP2PAttribute(&value, CU_DEVICE_P2P_ATTRIBUTE_NATIVE_ATOMIC_SUPPORTED, h20, h100));
    EXPECT_EQ(value, 0) << "over PCIe";
    EXPECT_EQ(cuDeviceGetP2PAttribute(&value, CU_DEVICE_P2P_ATTRIBUTE_ACCESS_SUPPORTED, h20, h20), CUDA_ERROR_INVALID_DEVICE);
    CUatomicOperation operations[] = {CU_ATOMIC_OPERATION_INTEGER_ADD, CU_ATOMIC_OPERATION_CAS};
    unsigned capabilities[2] = {};
    OK(cuDeviceGetP2PAtomicCapabilities(capabilities, operations, 2, h20, second_h20));
    EXPECT_TRUE(capabilities[0] & CU_ATOMIC_CAPABILITY_SCALAR_64);
    OK(cuDeviceGetP2PAtomicCapabilities(capabilities, operations, 2, h20, h100));
    EXPECT_EQ(capabilities[0], 0u);

    CUcontext second = use(second_h20), card = use(rtx4090), first = use(h20);
    EXPECT_EQ(cuCtxDisablePeerAccess(second), CUDA_ERROR_PEER_ACCESS_NOT_ENABLED);
    OK(cuCtxEnablePeerAccess(second, 0));
    EXPECT_EQ(cuCtxEnablePeerAccess(second, 0), CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED);
    EXPECT_EQ(cuCtxEnablePeerAccess(card, 0), CUDA_ERROR_PEER_ACCESS_UNSUPPORTED);
    EXPECT_EQ(cuCtxEnablePeerAccess(first, 0), CUDA_ERROR_INVALID_CONTEXT);
    EXPECT_EQ(cuCtxEnablePeerAccess(second, 1), CUDA_ERROR_INVALID_VALUE);
    OK(cuCtxDisablePeerAccess(second));

    // Copies between devices need no peer access.
    CUdeviceptr here = 0, there = 0;
    OK(cuMemAlloc(&here, 4096));
    OK(cuMemsetD32(here, 0x12345678, 1024));
    OK(cuCtxSetCurrent(card));
    OK(cuMemAlloc(&there, 4096));
    OK(cuMemcpyPeer(there, card, here, first, 4096));
    unsigned words[1024] = {};
    OK(cuMemcpy(reinterpret_cast<CUdeviceptr>(words), there, sizeof words));
    EXPECT_EQ(words[1023], 0x12345678u);
    CUDA_MEMCPY3D_PEER box{};
    box.srcMemoryType = box.dstMemoryType = CU_MEMORYTYPE_DEVICE;
    box.srcDevice = here, box.srcContext = first, box.srcPitch = 64, box.srcHeight = 4;
    box.dstDevice = there, box.dstContext = card, box.dstPitch = 128, box.dstHeight = 4;
    box.WidthInBytes = 32, box.Height = 4, box.Depth = 2;
    OK(cuMemsetD8(there, 0, 4096));
    OK(cuMemcpy3DPeer(&box));
    OK(cuMemcpyDtoH(words, there, 1024));
    EXPECT_EQ(words[4 * 32 + 7], 0x12345678u) << "first row of the second slice";
    EXPECT_EQ(words[4 * 32 + 8], 0u);
    int ordinal = -1;
    OK(cuPointerGetAttribute(&ordinal, CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL, here));
    EXPECT_EQ(ordinal, h20);
}

TEST_F(VirtualDevices, LaunchesBeyondTheLimitsAreRefused) {
    use(h20);
    CUmodule module = nullptr;
    OK(cuModuleLoadData(&module, plain_ptx));
    CUfunction nothing, wide, fixed, with_shared;
    OK(cuModuleGetFunction(&nothing, module, "nothing"));
    OK(cuModuleGetFunction(&wide, module, "wide"));
    OK(cuModuleGetFunction(&fixed, module, "fixed"));
    OK(cuModuleGetFunction(&with_shared, module, "with_shared"));
    OK(launch(nothing, 1, 1, 1, 1024, 1, 1));
    EXPECT_EQ(launch(nothing, 1, 1, 1, 1025, 1, 1), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(launch(nothing, 1, 1, 1, 1, 1, 65), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(launch(nothing, 1, 1, 1, 32, 33, 1), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(launch(nothing, 1, 65536, 1, 1, 1, 1), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(launch(nothing, 1, 1, 65536, 1, 1, 1), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(launch(nothing, 0, 1, 1, 1, 1, 1), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(launch(wide, 1, 1, 1, 129, 1, 1), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(launch(fixed, 1, 1, 1, 128, 1, 1), CUDA_ERROR_INVALID_VALUE);
    OK(launch(fixed, 1, 1, 1, 64, 2, 1));
    // Shared memory: 48 KiB, and what the device has with the attribute.
    OK(launch(nothing, 1, 1, 1, 32, 1, 1, 48 << 10));
    EXPECT_EQ(launch(nothing, 1, 1, 1, 32, 1, 1, (48 << 10) + 1), CUDA_ERROR_INVALID_VALUE);
    OK(cuFuncSetAttribute(nothing, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 227 << 10));
    OK(launch(nothing, 1, 1, 1, 32, 1, 1, 227 << 10));
    EXPECT_EQ(launch(nothing, 1, 1, 1, 32, 1, 1, (227 << 10) + 1), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(cuFuncSetAttribute(nothing, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 228 << 10), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(cuFuncSetAttribute(with_shared, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 227 << 10),
              CUDA_ERROR_INVALID_VALUE);
    OK(cuCtxSynchronize());
    // The card has less.
    use(rtx4090);
    OK(cuModuleLoadData(&module, plain_ptx));
    OK(cuModuleGetFunction(&nothing, module, "nothing"));
    OK(cuFuncSetAttribute(nothing, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 99 << 10));
    EXPECT_EQ(cuFuncSetAttribute(nothing, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 100 << 10), CUDA_ERROR_INVALID_VALUE);
    int blocks = 0;
    OK(cuOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, nothing, 256, 0));
    EXPECT_EQ(blocks, 6) << "1536 threads";
    OK(cuOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, nothing, 32, 0));
    EXPECT_EQ(blocks, 24);
    int grid = 0, block = 0;
    OK(cuOccupancyMaxPotentialBlockSize(&grid, &block, nothing, nullptr, 0, 0));
    EXPECT_EQ(grid * block, 1536 * 128) << "128 multiprocessors are full";
}

TEST_F(VirtualDevices, ClusterSizes) {
    CUmodule module = nullptr;
    CUfunction nothing;
    CUlaunchAttribute attribute{};
    attribute.id = CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION;
    CUlaunchConfig config{};
    config.gridDimX = 64, config.gridDimY = config.gridDimZ = 1;
    config.blockDimX = 128, config.blockDimY = config.blockDimZ = 1;
    config.attrs = &attribute, config.numAttrs = 1;
    auto with = [&](unsigned size) {
        attribute.value.clusterDim = {size, 1, 1};
        return &config;
    };
    use(a100);
    OK(cuModuleLoadData(&module, plain_ptx));
    OK(cuModuleGetFunction(&nothing, module, "nothing"));
    EXPECT_EQ(cuLaunchKernelEx(with(2), nothing, nullptr, nullptr), CUDA_ERROR_INVALID_CLUSTER_SIZE);
    use(h100);
    OK(cuModuleLoadData(&module, plain_ptx));
    OK(cuModuleGetFunction(&nothing, module, "nothing"));
    OK(cuLaunchKernelEx(with(1), nothing, nullptr, nullptr));
    EXPECT_EQ(cuLaunchKernelEx(with(9), nothing, nullptr, nullptr), CUDA_ERROR_INVALID_CLUSTER_SIZE);
    config.gridDimX = 63;
    EXPECT_EQ(cuLaunchKernelEx(with(2), nothing, nullptr, nullptr), CUDA_ERROR_INVALID_VALUE);
    int size = 0, clusters = 0;
    OK(cuOccupancyMaxPotentialClusterSize(&size, nothing, &config));
    EXPECT_EQ(size, 8);
    OK(cuOccupancyMaxActiveClusters(&clusters, nothing, with(2)));
    EXPECT_EQ(clusters, 16 * 16 / 2 * 8) << "sixteen blocks on each of eight times sixteen multiprocessors";
}

TEST_F(VirtualDevices, RegistersLimitLaunches) {
    use(h20);
    CUmodule module = nullptr;
    OK(cuModuleLoadData(&module, hungry_ptx(120).c_str()));
    CUfunction hungry;
    OK(cuModuleGetFunction(&hungry, module, "hungry"));
    int registers = 0;
    OK(cuFuncGetAttribute(&registers, CU_FUNC_ATTRIBUTE_NUM_REGS, hungry));
    EXPECT_GE(registers, 120);
    EXPECT_LE(registers, 140);
    CUdeviceptr memory = 0;
    OK(cuMemAlloc(&memory, 4096));
    void* parameters[] = {&memory};
    EXPECT_EQ(cuLaunchKernel(hungry, 1, 1, 1, 1024, 1, 1, 0, nullptr, parameters, nullptr), CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES);
    OK(cuLaunchKernel(hungry, 1, 1, 1, 256, 1, 1, 0, nullptr, parameters, nullptr));
    OK(cuCtxSynchronize());
    OK(cuModuleLoadData(&module, plain_ptx));
    CUfunction narrow;
    OK(cuModuleGetFunction(&narrow, module, "narrow"));
    OK(cuFuncGetAttribute(&registers, CU_FUNC_ATTRIBUTE_NUM_REGS, narrow));
    EXPECT_LE(registers, 32);
    int value = 0;
    OK(cuFuncGetAttribute(&value, CU_FUNC_ATTRIBUTE_PTX_VERSION, narrow));
    EXPECT_EQ(value, 70);
    OK(cuFuncGetAttribute(&value, CU_FUNC_ATTRIBUTE_BINARY_VERSION, narrow));
    EXPECT_EQ(value, 90);
}

TEST_F(VirtualDevices, NewerPtxIsRefused) {
    CUmodule module = nullptr;
    auto load = [&](const char* version, const char* target) {
        return cuModuleLoadData(&module, targeted(version, target).c_str());
    };
    // A newer target: CUDA_ERROR_INVALID_PTX, as https://github.com/Rust-GPU/rust-cuda/issues/410 shows of a GTX 1070.
    use(a100);
    OK(load("8.0", "sm_80"));
    EXPECT_EQ(load("8.0", "sm_90"), CUDA_ERROR_INVALID_PTX);
    EXPECT_EQ(load("8.0", "sm_90a"), CUDA_ERROR_INVALID_PTX);
    use(h100);
    OK(load("8.0", "sm_90"));
    OK(load("8.0", "sm_90a"));
    EXPECT_EQ(load("8.6", "sm_100"), CUDA_ERROR_INVALID_PTX);
    OK(load("9.0", "sm_75"));
    // A newer version of PTX than the driver's.
    EXPECT_EQ(load("9.9", "sm_75"), CUDA_ERROR_UNSUPPORTED_PTX_VERSION);
}

TEST_F(VirtualDevices, OneKernelOnSeveralDevices) {
    CUfunction functions[2];
    CUstream streams[2];
    CUDA_LAUNCH_PARAMS list[2] = {};
    for (int i = 0; i < 2; i++) {
        use(i == 0 ? h20 : second_h20);
        CUmodule module;
        OK(cuModuleLoadData(&module, plain_ptx));
        OK(cuModuleGetFunction(&functions[i], module, "nothing"));
        OK(cuStreamCreate(&streams[i], CU_STREAM_NON_BLOCKING));
        list[i] = {functions[i], 8, 1, 1, 64, 1, 1, 0, streams[i], nullptr};
    }
    OK(cuLaunchCooperativeKernelMultiDevice(list, 2, 0));
    for (CUstream stream : streams) OK(cuStreamSynchronize(stream));
    list[1].gridDimX = 9;
    EXPECT_EQ(cuLaunchCooperativeKernelMultiDevice(list, 2, 0), CUDA_ERROR_INVALID_VALUE);
    list[1].gridDimX = 8;
    list[1].hStream = nullptr;
    EXPECT_EQ(cuLaunchCooperativeKernelMultiDevice(list, 2, 0), CUDA_ERROR_INVALID_HANDLE);
    EXPECT_EQ(cuLaunchCooperativeKernelMultiDevice(list, 7, 0), CUDA_ERROR_INVALID_VALUE);
}

int main(int count, char** arguments) {
    setenv("ANYWARP_DEVICE", "a100-sxm4-80gb,h100,h200,h20,h20,rtx4090", 1);
    for (const char* name : {"ANYWARP_DEVICES", "ANYWARP_MEMORY", "CUDA_VISIBLE_DEVICES"}) unsetenv(name);
    testing::InitGoogleTest(&count, arguments);
    return RUN_ALL_TESTS();
}
