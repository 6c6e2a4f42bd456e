// The runtime's forms of stream attributes, range attributes, batches, logs and sharing: they reach the driver's, whose own tests
// (tests/driver) are thorough.
#include <cstring>
#include <cuda_runtime_api.h>
#include <gtest/gtest.h>

TEST(RuntimeServices, ReachTheDriver) {
    cudaStream_t stream = nullptr;
    ASSERT_EQ(cudaStreamCreate(&stream), cudaSuccess);
    cudaStreamAttrValue value{};
    value.syncPolicy = cudaSyncPolicyYield;
    EXPECT_EQ(cudaStreamSetAttribute(stream, cudaLaunchAttributeSynchronizationPolicy, &value), cudaSuccess);
    value = {};
    EXPECT_EQ(cudaStreamGetAttribute(stream, cudaLaunchAttributeSynchronizationPolicy, &value), cudaSuccess);
    EXPECT_EQ(value.syncPolicy, cudaSyncPolicyYield);
    EXPECT_EQ(cudaStreamGetAttribute(stream, cudaLaunchAttributeCooperative, &value), cudaErrorInvalidValue);

    void *managed = nullptr, *plain = nullptr;
    ASSERT_EQ(cudaMallocManaged(&managed, 8192, cudaMemAttachGlobal), cudaSuccess);
    ASSERT_EQ(cudaMalloc(&plain, 64), cudaSuccess);
    cudaMemLocation here{cudaMemLocationTypeDevice, 0};
    EXPECT_EQ(cudaMemAdvise(managed, 8192, cudaMemAdviseSetReadMostly, here), cudaSuccess);
    int mostly = 0, where = -2;
    EXPECT_EQ(cudaMemRangeGetAttribute(&mostly, 4, cudaMemRangeAttributeReadMostly, managed, 8192), cudaSuccess);
    EXPECT_EQ(mostly, 1);
    size_t size = 8192, index = 0;
    EXPECT_EQ(cudaMemPrefetchBatchAsync(&managed, &size, 1, &here, &index, 1, 0, stream), cudaSuccess);
    EXPECT_EQ(cudaMemRangeGetAttribute(&where, 4, cudaMemRangeAttributeLastPrefetchLocation, managed, 8192), cudaSuccess);
    EXPECT_EQ(where, 0);
    EXPECT_EQ(cudaMemRangeGetAttribute(&mostly, 4, cudaMemRangeAttributeReadMostly, plain, 64), cudaErrorInvalidValue);

    cudaLogIterator iterator = 0;
    EXPECT_EQ(cudaLogsCurrent(&iterator, 0), cudaSuccess);
    EXPECT_EQ(cudaFree(reinterpret_cast<void*>(77)), cudaErrorInvalidValue);
    char text[500];
    size_t room = sizeof text;
    EXPECT_EQ(cudaLogsDumpToMemory(&iterator, text, &room, 0), cudaSuccess);
    EXPECT_NE(std::strstr(text, "cuMemFree"), nullptr) << text;

    cudaIpcMemHandle_t handle;
    EXPECT_EQ(cudaIpcGetMemHandle(&handle, plain), cudaSuccess);
    EXPECT_EQ(cudaIpcGetMemHandle(&handle, managed), cudaErrorInvalidValue);
    EXPECT_EQ(cudaGraphicsUnregisterResource(nullptr), cudaErrorInvalidResourceHandle);
    cudaGetLastError();
    EXPECT_EQ(cudaFree(plain), cudaSuccess);
    EXPECT_EQ(cudaFree(managed), cudaSuccess);
    EXPECT_EQ(cudaStreamDestroy(stream), cudaSuccess);
}
