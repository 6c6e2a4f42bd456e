// Calls at the wrong time: in a forked child, and from destructors after the driver has ended with the process.
#include "driver_test.h"

#include <cstdlib>
#include <sys/wait.h>
#include <unistd.h>

namespace {

class MisuseTest : public DriverTest {};

TEST_F(MisuseTest, AForkedChildHasNoDriver) {
    CUdeviceptr memory = 0;
    OK(cuMemAlloc(&memory, 4096));
    pid_t child = fork();
    if (child == 0) {
        CUdeviceptr other = 0;
        bool refused = cuMemAlloc(&other, 4096) == CUDA_ERROR_NOT_INITIALIZED &&
                       cuMemsetD8(memory, 1, 4096) == CUDA_ERROR_NOT_INITIALIZED &&
                       cuCtxSynchronize() == CUDA_ERROR_NOT_INITIALIZED;
        _exit(refused ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0);
    OK(cuMemsetD8(memory, 1, 4096)); // the parent goes on
    OK(cuMemFree(memory));
}

// Registered before the driver is there, so called after it has gone.
void late() {
    CUdeviceptr memory = 0;
    _exit(cuMemAlloc(&memory, 4096) == CUDA_ERROR_DEINITIALIZED && cuCtxSynchronize() == CUDA_ERROR_DEINITIALIZED ? 7 : 1);
}

TEST(MisuseDeathTest, LateCallsAreDeinitialized) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(
        {
            std::atexit(late);
            CUcontext context = nullptr;
            if (cuInit(0) != CUDA_SUCCESS || cuDevicePrimaryCtxRetain(&context, 0) != CUDA_SUCCESS) _exit(2);
            std::exit(0);
        },
        testing::ExitedWithCode(7), "");
}

TEST_F(MisuseTest, StaleHandlesAreTold) {
    CUstream stream = nullptr;
    CUevent event = nullptr;
    CUgraph graph = nullptr;
    CUmemoryPool pool = nullptr;
    OK(cuStreamCreate(&stream, 0));
    OK(cuEventCreate(&event, 0));
    OK(cuGraphCreate(&graph, 0));
    CUmemPoolProps properties{};
    properties.allocType = CU_MEM_ALLOCATION_TYPE_PINNED;
    properties.location = {CU_MEM_LOCATION_TYPE_DEVICE, device};
    OK(cuMemPoolCreate(&pool, &properties));
    OK(cuStreamDestroy(stream));
    OK(cuEventDestroy(event));
    OK(cuGraphDestroy(graph));
    OK(cuMemPoolDestroy(pool));
    CUgraphExec exec = nullptr;
    CUdeviceptr memory = 0;
    EXPECT_EQ(cuStreamSynchronize(stream), CUDA_ERROR_INVALID_HANDLE);
    EXPECT_EQ(cuStreamDestroy(stream), CUDA_ERROR_INVALID_HANDLE);
    EXPECT_EQ(cuEventRecord(event, nullptr), CUDA_ERROR_INVALID_HANDLE);
    EXPECT_EQ(cuEventDestroy(event), CUDA_ERROR_INVALID_HANDLE);
    EXPECT_EQ(cuGraphInstantiate(&exec, graph, 0), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(cuMemAllocFromPoolAsync(&memory, 4096, pool, nullptr), CUDA_ERROR_INVALID_VALUE);
}

} // namespace
