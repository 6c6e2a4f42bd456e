// The runtime API on two H20s, an H100 and an RTX 4090: properties, memory, peers, copies between devices.
#include <cuda_runtime.h>

#include <cstdlib>
#include <cstring>
#include <gtest/gtest.h>
#include <vector>

#define OK(call) ASSERT_EQ(call, cudaSuccess)

namespace {
constexpr int h20 = 0, second_h20 = 1, h100 = 2, rtx4090 = 3;
}

class RuntimeDevices : public testing::Test {
protected:
    void TearDown() override {
        for (int device = 0; device < 4; device++) {
            cudaSetDevice(device);
            cudaDeviceReset();
        }
        cudaGetLastError();
    }
};

// The figures of a real one: https://github.com/thamada/nvidia-smi, nvsim/H100SXMx8_deviceQuery.py.
TEST_F(RuntimeDevices, Properties) {
    int count = 0;
    OK(cudaGetDeviceCount(&count));
    ASSERT_EQ(count, 4);
    cudaDeviceProp p{};
    OK(cudaGetDeviceProperties(&p, h100));
    EXPECT_STREQ(p.name, "NVIDIA H100 80GB HBM3");
    EXPECT_EQ(p.totalGlobalMem, 85045477376u);
    EXPECT_EQ(p.major * 10 + p.minor, 90);
    EXPECT_EQ(p.multiProcessorCount, 132);
    EXPECT_EQ(p.memoryBusWidth, 5120);
    EXPECT_EQ(p.l2CacheSize, 52428800);
    EXPECT_EQ(p.maxTexture1D, 131072);
    EXPECT_EQ(p.maxTexture2D[0], 131072);
    EXPECT_EQ(p.maxTexture2D[1], 65536);
    EXPECT_EQ(p.maxTexture3D[2], 16384);
    EXPECT_EQ(p.maxTexture1DLayered[0], 32768);
    EXPECT_EQ(p.maxTexture1DLayered[1], 2048);
    EXPECT_EQ(p.maxTexture2DLayered[0], 32768);
    EXPECT_EQ(p.maxTexture2DLayered[2], 2048);
    EXPECT_EQ(p.totalConstMem, 65536u);
    EXPECT_EQ(p.sharedMemPerBlock, 49152u);
    EXPECT_EQ(p.sharedMemPerMultiprocessor, 233472u);
    EXPECT_EQ(p.sharedMemPerBlockOptin, 232448u);
    EXPECT_EQ(p.regsPerBlock, 65536);
    EXPECT_EQ(p.warpSize, 32);
    EXPECT_EQ(p.maxThreadsPerMultiProcessor, 2048);
    EXPECT_EQ(p.maxThreadsPerBlock, 1024);
    EXPECT_EQ(p.maxThreadsDim[2], 64);
    EXPECT_EQ(p.maxGridSize[0], 2147483647);
    EXPECT_EQ(p.memPitch, 2147483647u);
    EXPECT_EQ(p.textureAlignment, 512u);
    EXPECT_EQ(p.asyncEngineCount, 3);
    EXPECT_EQ(p.integrated, 0);
    EXPECT_EQ(p.canMapHostMemory, 1);
    EXPECT_NE(p.surfaceAlignment, 0u);
    EXPECT_EQ(p.ECCEnabled, 1);
    EXPECT_EQ(p.unifiedAddressing, 1);
    EXPECT_EQ(p.managedMemory, 1);
    EXPECT_EQ(p.computePreemptionSupported, 1);
    EXPECT_EQ(p.cooperativeLaunch, 1);
    EXPECT_EQ(p.clusterLaunch, 1);
    int clock = 0;
    OK(cudaDeviceGetAttribute(&clock, cudaDevAttrClockRate, h100));
    EXPECT_EQ(clock, 1980000);
    OK(cudaDeviceGetAttribute(&clock, cudaDevAttrMemoryClockRate, h100));
    EXPECT_EQ(clock, 2619000);
    EXPECT_EQ(cudaGetDeviceProperties(&p, 4), cudaErrorInvalidDevice);
}

TEST_F(RuntimeDevices, MemoryEnds) {
    OK(cudaSetDevice(rtx4090));
    void* memory = nullptr;
    EXPECT_EQ(cudaMalloc(&memory, size_t{25} << 30), cudaErrorMemoryAllocation);
    EXPECT_EQ(cudaGetLastError(), cudaErrorMemoryAllocation);
    OK(cudaMalloc(&memory, size_t{20} << 30));
    size_t available = 0, total = 0;
    OK(cudaMemGetInfo(&available, &total));
    EXPECT_LT(available, size_t{5} << 30);
    OK(cudaSetDevice(h20));
    OK(cudaMemGetInfo(&available, &total));
    EXPECT_GT(available, size_t{90} << 30) << "another device's memory";
}

TEST_F(RuntimeDevices, PeersAndCopies) {
    int can = -1;
    OK(cudaDeviceCanAccessPeer(&can, h20, second_h20));
    EXPECT_EQ(can, 1);
    OK(cudaDeviceCanAccessPeer(&can, h20, rtx4090));
    EXPECT_EQ(can, 0);
    OK(cudaSetDevice(h20));
    OK(cudaDeviceEnablePeerAccess(second_h20, 0));
    EXPECT_EQ(cudaDeviceEnablePeerAccess(second_h20, 0), cudaErrorPeerAccessAlreadyEnabled);
    EXPECT_EQ(cudaDeviceEnablePeerAccess(rtx4090, 0), cudaErrorPeerAccessUnsupported);
    OK(cudaDeviceDisablePeerAccess(second_h20));
    EXPECT_EQ(cudaDeviceDisablePeerAccess(second_h20), cudaErrorPeerAccessNotEnabled);
    cudaGetLastError();

    // Around the ring of all four, by the three ways to say it.
    unsigned char* at[4];
    for (int device = 0; device < 4; device++) {
        OK(cudaSetDevice(device));
        OK(cudaMalloc(reinterpret_cast<void**>(&at[device]), 1 << 16));
    }
    OK(cudaSetDevice(h20));
    OK(cudaMemset(at[h20], 0x5a, 1 << 16));
    OK(cudaMemcpyPeer(at[second_h20], second_h20, at[h20], h20, 1 << 16));
    OK(cudaMemcpy(at[h100], at[second_h20], 1 << 16, cudaMemcpyDefault));
    OK(cudaMemcpy(at[rtx4090], at[h100], 1 << 16, cudaMemcpyDeviceToDevice));
    std::vector<unsigned char> host(1 << 16);
    OK(cudaMemcpy(host.data(), at[rtx4090], host.size(), cudaMemcpyDefault));
    for (unsigned char byte : host) ASSERT_EQ(byte, 0x5a);
    cudaPointerAttributes attributes{};
    OK(cudaPointerGetAttributes(&attributes, at[h100]));
    EXPECT_EQ(attributes.device, h100);
    EXPECT_EQ(attributes.type, cudaMemoryTypeDevice);

    cudaMemcpy3DPeerParms box{};
    box.srcPtr = make_cudaPitchedPtr(at[rtx4090], 64, 64, 4);
    box.dstPtr = make_cudaPitchedPtr(at[h20], 128, 128, 4);
    box.srcDevice = rtx4090, box.dstDevice = h20;
    box.extent = make_cudaExtent(32, 4, 2);
    OK(cudaMemset(at[h20], 0, 1 << 16));
    OK(cudaMemcpy3DPeer(&box));
    OK(cudaMemcpy(host.data(), at[h20], 1024, cudaMemcpyDefault));
    EXPECT_EQ(host[512 + 31], 0x5a);
    EXPECT_EQ(host[512 + 32], 0);
}

TEST_F(RuntimeDevices, AtomicsOverLinks) {
    cudaAtomicOperation add = cudaAtomicOperationIntegerAdd;
    unsigned capabilities = 0;
    OK(cudaDeviceGetP2PAtomicCapabilities(&capabilities, &add, 1, h20, second_h20));
    EXPECT_TRUE(capabilities & cudaAtomicCapabilityScalar64);
    OK(cudaDeviceGetP2PAtomicCapabilities(&capabilities, &add, 1, h20, h100));
    EXPECT_EQ(capabilities, 0u);
    int value = -1;
    OK(cudaDeviceGetP2PAttribute(&value, cudaDevP2PAttrNativeAtomicSupported, h20, second_h20));
    EXPECT_EQ(value, 1);
}

int main(int count, char** arguments) {
    setenv("ANYWARP_DEVICE", "h20,h20,h100,rtx4090", 1);
    for (const char* name : {"ANYWARP_DEVICES", "ANYWARP_MEMORY", "CUDA_VISIBLE_DEVICES"}) unsetenv(name);
    testing::InitGoogleTest(&count, arguments);
    return RUN_ALL_TESTS();
}
