// Blocks per multiprocessor. The figures are those of the CUDA occupancy calculator: the well-known ones are written out, and
// where a toolkit is installed its cuda_occupancy.h answers thousands of combinations that must agree.
#include "machine/architecture.h"

#include "machine/device_models.h"

#include <gtest/gtest.h>

#ifdef ANYWARP_TEST_CALCULATOR
#    include ANYWARP_TEST_CALCULATOR
#endif

using namespace anywarp::machine;

namespace {

Properties device(int major, int minor) {
    Properties p;
    apply_architecture(p, major, minor);
    return p;
}

struct Known {
    int major, minor;
    uint32_t threads, registers;
    uint64_t shared; // dynamic
    uint32_t blocks;
};

// Sources: the occupancy calculator of CUDA 11 and 12 (Nsight Compute's, the spreadsheet before it); programming guide, tables of
// technical specifications, for the limits by themselves.
constexpr Known known[] = {
    {7, 0, 256, 32, 0, 8},        // threads: 2048 / 256
    {7, 0, 32, 16, 0, 32},        // blocks
    {7, 5, 256, 32, 0, 4},        // Turing has 1024 threads
    {7, 5, 32, 16, 0, 16},        //
    {8, 0, 1024, 32, 0, 2},       // full
    {8, 0, 1024, 33, 0, 1},       // 33 registers are allocated as 40: 32 warps of 1280, twice doesn't fit
    {8, 0, 256, 64, 0, 4},        // 65536 / (64 * 256)
    {8, 0, 256, 65, 0, 3},        // as 72
    {8, 0, 128, 128, 0, 4},       //
    {8, 0, 96, 168, 0, 4},        // 12 warps fit, 3 per block
    {8, 0, 256, 32, 48 << 10, 3}, // 164 KiB / 49 KiB
    {8, 0, 256, 32, 81 << 10, 2}, // 82 with the reserve
    {8, 0, 256, 32, 82 << 10, 1},  {8, 0, 256, 32, 163 << 10, 1}, {8, 0, 256, 32, (163 << 10) + 1, 0},
    {8, 6, 256, 32, 0, 6},                                 // 1536 threads
    {8, 6, 32, 16, 0, 16},                                 //
    {8, 9, 32, 16, 0, 24},                                 //
    {8, 9, 128, 32, 48 << 10, 2},  {9, 0, 128, 168, 0, 3}, // the usual warp-specialised kernel's registers
    {9, 0, 384, 168, 0, 1},                                //
    {9, 0, 128, 32, 227 << 10, 1}, {9, 0, 128, 32, 113 << 10, 2}, {9, 0, 1024, 64, 0, 1}, //
    {9, 0, 1024, 72, 0, 0},                                                               // too many for one block
    {10, 0, 128, 32, 75 << 10, 3}, {12, 0, 256, 32, 0, 6},        {12, 0, 32, 16, 0, 24},
};

} // namespace

TEST(Occupancy, KnownResults) {
    for (const Known& row : known) {
        Properties p = device(row.major, row.minor);
        KernelResources kernel;
        kernel.registers = row.registers;
        kernel.max_dynamic_shared = static_cast<uint64_t>(p.shared_per_block_optin); // opted in
        EXPECT_EQ(resident_blocks(p, kernel, row.threads, row.shared), row.blocks)
            << row.major << "." << row.minor << ": " << row.threads << " threads, " << row.registers << " registers, "
            << row.shared << " bytes";
    }
}

TEST(Occupancy, DynamicSharedNeedsTheAttribute) {
    Properties p = device(9, 0);
    KernelResources kernel;
    kernel.registers = 32;
    kernel.max_dynamic_shared = 48 << 10;
    EXPECT_EQ(resident_blocks(p, kernel, 128, 48 << 10), 4u);
    EXPECT_EQ(resident_blocks(p, kernel, 128, (48 << 10) + 1), 0u);
}

TEST(Occupancy, AvailableSharedIsWhatFits) {
    for (auto [major, minor] : {std::pair{8, 0}, {8, 9}, {9, 0}, {12, 0}}) {
        Properties p = device(major, minor);
        KernelResources kernel;
        kernel.registers = 32;
        kernel.static_shared = 1000;
        kernel.max_dynamic_shared = static_cast<uint64_t>(p.shared_per_block_optin) - kernel.static_shared;
        for (uint32_t blocks = 1; blocks <= 6; blocks++) {
            uint64_t bytes = available_dynamic_shared(p, kernel, blocks, 128);
            EXPECT_GE(resident_blocks(p, kernel, 128, bytes), blocks);
            if (blocks > 1) EXPECT_LT(resident_blocks(p, kernel, 128, bytes + 128), blocks);
        }
    }
}

#ifdef ANYWARP_TEST_CALCULATOR
TEST(Occupancy, AgreesWithTheToolkit) {
    size_t compared = 0;
    for (auto [major, minor] : {std::pair{7, 0}, {7, 5}, {8, 0}, {8, 6}, {8, 9}, {9, 0}, {10, 0}, {10, 3}, {12, 0}}) {
        Properties p = device(major, minor);
        cudaOccDeviceProp their_device;
        their_device.computeMajor = major;
        their_device.computeMinor = minor;
        their_device.maxThreadsPerBlock = p.max_threads_per_block;
        their_device.maxThreadsPerMultiprocessor = p.max_threads_per_multiprocessor;
        their_device.regsPerBlock = p.registers_per_block;
        their_device.regsPerMultiprocessor = p.registers_per_multiprocessor;
        their_device.warpSize = 32;
        their_device.sharedMemPerBlock = static_cast<size_t>(p.shared_per_block);
        their_device.sharedMemPerMultiprocessor = static_cast<size_t>(p.shared_per_multiprocessor);
        their_device.sharedMemPerBlockOptin = static_cast<size_t>(p.shared_per_block_optin);
        their_device.reservedSharedMemPerBlock = static_cast<size_t>(p.reserved_shared_per_block);
        their_device.numSms = 1;
        for (int threads : {1, 31, 32, 64, 96, 100, 128, 160, 192, 256, 320, 384, 512, 640, 768, 1000, 1024, 1025})
            for (int registers : {8, 16, 24, 32, 33, 40, 48, 64, 72, 80, 96, 128, 168, 200, 255})
                for (size_t fixed : {size_t(0), size_t(1), size_t(1024), size_t(16 << 10), size_t(40000)})
                    for (size_t dynamic : {size_t(0), size_t(100), size_t(8 << 10), size_t(32 << 10), size_t(60 << 10),
                                           size_t(99 << 10), size_t(150 << 10), size_t(200 << 10)})
                        for (int carveout : {-1, 0, 25, 50, 100})
                            for (bool opted_in : {false, true}) {
                                cudaOccFuncAttributes their_kernel;
                                their_kernel.maxThreadsPerBlock = 1024;
                                their_kernel.numRegs = registers;
                                their_kernel.sharedSizeBytes = fixed;
                                their_kernel.shmemLimitConfig = FUNC_SHMEM_LIMIT_OPTIN;
                                size_t allowed = opted_in ? static_cast<size_t>(p.shared_per_block_optin) : 48 << 10;
                                their_kernel.maxDynamicSharedSizeBytes = allowed > fixed ? allowed - fixed : 0;
                                their_kernel.numBlockBarriers = 1;
                                cudaOccDeviceState state;
                                state.carveoutConfig = carveout;
                                cudaOccResult theirs{};
                                if (cudaOccMaxActiveBlocksPerMultiprocessor(&theirs, &their_device, &their_kernel, &state,
                                                                            threads, dynamic) != CUDA_OCC_SUCCESS)
                                    continue;
                                KernelResources kernel{static_cast<uint32_t>(registers), fixed,
                                                       their_kernel.maxDynamicSharedSizeBytes, 1024, carveout};
                                uint32_t ours = resident_blocks(p, kernel, static_cast<uint32_t>(threads), dynamic);
                                ASSERT_EQ(ours, static_cast<uint32_t>(theirs.activeBlocksPerMultiprocessor))
                                    << major << "." << minor << ": " << threads << " threads, " << registers << " registers, "
                                    << fixed << " + " << dynamic << " bytes, carveout " << carveout << ", allowed "
                                    << their_kernel.maxDynamicSharedSizeBytes;
                                compared++;
                            }
    }
    EXPECT_GT(compared, 100000u);
}
#else
TEST(Occupancy, AgreesWithTheToolkit) { GTEST_SKIP() << "skipped: no cuda_occupancy.h is installed"; }
#endif
