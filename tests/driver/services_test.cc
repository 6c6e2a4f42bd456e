// Stream attributes, advice about managed memory, batches, green contexts, core dump settings, error logs, and the forms of
// functions that CUDA 2 had: what works, and the documented error for each misuse.
#define ANYWARP_EXACT_NAMES
#include "driver_test.h"

#include <cstring>
#include <string>
#include <vector>

class ServicesTest : public DriverTest {};

TEST_F(ServicesTest, StreamAttributesAreKeptAndCopied) {
    CUstream first = nullptr, second = nullptr;
    OK(cuStreamCreateWithPriority(&first, CU_STREAM_NON_BLOCKING, -2));
    OK(cuStreamCreate(&second, 0));
    CUstreamAttrValue value{};
    OK(cuStreamGetAttribute(first, CU_LAUNCH_ATTRIBUTE_PRIORITY, &value));
    EXPECT_EQ(value.priority, -2);
    OK(cuStreamGetAttribute(first, CU_LAUNCH_ATTRIBUTE_SYNCHRONIZATION_POLICY, &value));
    EXPECT_EQ(value.syncPolicy, CU_SYNC_POLICY_AUTO);
    value.syncPolicy = CU_SYNC_POLICY_YIELD;
    OK(cuStreamSetAttribute(first, CU_LAUNCH_ATTRIBUTE_SYNCHRONIZATION_POLICY, &value));
    value = {};
    value.accessPolicyWindow.num_bytes = 4096;
    value.accessPolicyWindow.hitRatio = 0.5F;
    value.accessPolicyWindow.hitProp = CU_ACCESS_PROPERTY_PERSISTING;
    OK(cuStreamSetAttribute(first, CU_LAUNCH_ATTRIBUTE_ACCESS_POLICY_WINDOW, &value));
    OK(cuStreamCopyAttributes(second, first));
    CUstreamAttrValue copied{};
    OK(cuStreamGetAttribute(second, CU_LAUNCH_ATTRIBUTE_ACCESS_POLICY_WINDOW, &copied));
    EXPECT_EQ(copied.accessPolicyWindow.num_bytes, 4096U);
    OK(cuStreamGetAttribute(second, CU_LAUNCH_ATTRIBUTE_SYNCHRONIZATION_POLICY, &copied));
    EXPECT_EQ(copied.syncPolicy, CU_SYNC_POLICY_YIELD);

    value.accessPolicyWindow.hitRatio = 1.5F;
    EXPECT_EQ(cuStreamSetAttribute(first, CU_LAUNCH_ATTRIBUTE_ACCESS_POLICY_WINDOW, &value), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(cuStreamSetAttribute(first, CU_LAUNCH_ATTRIBUTE_COOPERATIVE, &value), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(cuStreamGetAttribute(first, CU_LAUNCH_ATTRIBUTE_PRIORITY, nullptr), CUDA_ERROR_INVALID_VALUE);
    OK(cuStreamDestroy_v2(second));
    EXPECT_EQ(cuStreamGetAttribute(second, CU_LAUNCH_ATTRIBUTE_PRIORITY, &value), CUDA_ERROR_INVALID_HANDLE);
    OK(cuStreamDestroy_v2(first));
}

// cuda-samples' simpleAttributes gives up on a device that has no such cache.
TEST_F(ServicesTest, PartOfTheCacheCanBeSetAside) {
    int most = 0, window = 0, cache = 0;
    OK(cuDeviceGetAttribute(&cache, CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE, device));
    OK(cuDeviceGetAttribute(&most, CU_DEVICE_ATTRIBUTE_MAX_PERSISTING_L2_CACHE_SIZE, device));
    OK(cuDeviceGetAttribute(&window, CU_DEVICE_ATTRIBUTE_MAX_ACCESS_POLICY_WINDOW_SIZE, device));
    if (cache == 0) GTEST_SKIP() << "this machine doesn't tell its caches";
    EXPECT_GT(most, 0);
    EXPECT_LE(most, cache);
    EXPECT_GT(window, 0);
    OK(cuCtxSetLimit(CU_LIMIT_PERSISTING_L2_CACHE_SIZE, static_cast<size_t>(most)));
    size_t set = 0;
    OK(cuCtxGetLimit(&set, CU_LIMIT_PERSISTING_L2_CACHE_SIZE));
    EXPECT_EQ(set, static_cast<size_t>(most));
    OK(cuCtxSetLimit(CU_LIMIT_PERSISTING_L2_CACHE_SIZE, 0));
    OK(cuCtxResetPersistingL2Cache());
}

TEST_F(ServicesTest, RangeAttributesTellTheAdvice) {
    CUdeviceptr memory = 0;
    constexpr size_t size = 1 << 20;
    OK(cuMemAllocManaged(&memory, size, CU_MEM_ATTACH_GLOBAL));
    auto ask = [&](CUmem_range_attribute which, CUdeviceptr at, size_t bytes) {
        int answer = -99;
        EXPECT_EQ(cuMemRangeGetAttribute(&answer, sizeof answer, which, at, bytes), CUDA_SUCCESS);
        return answer;
    };
    EXPECT_EQ(ask(CU_MEM_RANGE_ATTRIBUTE_READ_MOSTLY, memory, size), 0);
    EXPECT_EQ(ask(CU_MEM_RANGE_ATTRIBUTE_LAST_PREFETCH_LOCATION, memory, size), CU_DEVICE_INVALID);
    OK(cuMemAdvise(memory, size / 2, CU_MEM_ADVISE_SET_READ_MOSTLY, 0));
    OK(cuMemAdvise(memory, size, CU_MEM_ADVISE_SET_PREFERRED_LOCATION, CU_DEVICE_CPU));
    OK(cuMemAdvise(memory, size, CU_MEM_ADVISE_SET_ACCESSED_BY, device));
    OK(cuMemPrefetchAsync(memory, size / 4, device, nullptr));
    EXPECT_EQ(ask(CU_MEM_RANGE_ATTRIBUTE_READ_MOSTLY, memory, size / 2), 1);
    EXPECT_EQ(ask(CU_MEM_RANGE_ATTRIBUTE_READ_MOSTLY, memory, size), 0);
    EXPECT_EQ(ask(CU_MEM_RANGE_ATTRIBUTE_PREFERRED_LOCATION, memory, size), CU_DEVICE_CPU);
    EXPECT_EQ(ask(CU_MEM_RANGE_ATTRIBUTE_PREFERRED_LOCATION_TYPE, memory, size), CU_MEM_LOCATION_TYPE_HOST);
    EXPECT_EQ(ask(CU_MEM_RANGE_ATTRIBUTE_LAST_PREFETCH_LOCATION, memory, size / 4), device);
    EXPECT_EQ(ask(CU_MEM_RANGE_ATTRIBUTE_LAST_PREFETCH_LOCATION, memory, size), CU_DEVICE_INVALID);
    int devices[2] = {-99, -99};
    int mostly = -99;
    void* data[] = {devices, &mostly};
    size_t sizes[] = {sizeof devices, sizeof mostly};
    CUmem_range_attribute which[] = {CU_MEM_RANGE_ATTRIBUTE_ACCESSED_BY, CU_MEM_RANGE_ATTRIBUTE_READ_MOSTLY};
    OK(cuMemRangeGetAttributes(data, sizes, which, 2, memory + size / 2, size / 2));
    EXPECT_EQ(devices[0], device);
    EXPECT_EQ(devices[1], CU_DEVICE_INVALID);
    EXPECT_EQ(mostly, 0);
    OK(cuMemAdvise(memory, size, CU_MEM_ADVISE_UNSET_PREFERRED_LOCATION, 0));
    EXPECT_EQ(ask(CU_MEM_RANGE_ATTRIBUTE_PREFERRED_LOCATION, memory, size), CU_DEVICE_INVALID);

    long long wide = 0;
    EXPECT_EQ(cuMemRangeGetAttribute(&wide, 8, CU_MEM_RANGE_ATTRIBUTE_READ_MOSTLY, memory, size), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(cuMemAdvise(memory, size + 1, CU_MEM_ADVISE_SET_READ_MOSTLY, 0), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(cuMemAdvise(memory, size, CU_MEM_ADVISE_SET_ACCESSED_BY, 4711), CUDA_ERROR_INVALID_DEVICE);
    CUdeviceptr plain = 0;
    OK(cuMemAlloc_v2(&plain, 4096));
    EXPECT_EQ(cuMemAdvise(plain, 4096, CU_MEM_ADVISE_SET_READ_MOSTLY, 0), CUDA_ERROR_INVALID_VALUE);
    OK(cuMemFree_v2(plain));

    CUdeviceptr parts[] = {memory, memory + size / 2};
    size_t part_sizes[] = {size / 2, size / 2}, indices[] = {0};
    CUmemLocation locations[] = {{CU_MEM_LOCATION_TYPE_DEVICE, device}};
    OK(cuMemPrefetchBatchAsync(parts, part_sizes, 2, locations, indices, 1, 0, CU_STREAM_PER_THREAD));
    EXPECT_EQ(ask(CU_MEM_RANGE_ATTRIBUTE_LAST_PREFETCH_LOCATION, memory, size), device);
    OK(cuMemDiscardBatchAsync(parts, part_sizes, 2, 0, CU_STREAM_PER_THREAD));
    EXPECT_EQ(cuMemDiscardBatchAsync(parts, part_sizes, 2, 0, nullptr), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(cuMemPrefetchBatchAsync(parts, part_sizes, 0, locations, indices, 1, 0, CU_STREAM_PER_THREAD),
              CUDA_ERROR_INVALID_VALUE);
    OK(cuMemFree_v2(memory));
    // Advice goes with its allocation.
    CUdeviceptr next = 0;
    OK(cuMemAllocManaged(&next, size, CU_MEM_ATTACH_GLOBAL));
    EXPECT_EQ(ask(CU_MEM_RANGE_ATTRIBUTE_READ_MOSTLY, next, size / 2), 0);
    OK(cuMemFree_v2(next));
}

TEST_F(ServicesTest, BatchesOfCopies) {
    CUdeviceptr memory = 0;
    OK(cuMemAlloc_v2(&memory, 4096));
    std::vector<int> in(512), out(512);
    for (int i = 0; i < 512; ++i) in[static_cast<size_t>(i)] = i * 3;
    auto at = [](int* p) { return reinterpret_cast<CUdeviceptr>(p); };
    CUstream stream = nullptr;
    OK(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
    CUdeviceptr to[] = {memory, memory + 1024}, from[] = {at(in.data()), at(in.data() + 256)};
    size_t sizes[] = {1024, 1024}, indices[] = {0}, failed = 7;
    CUmemcpyAttributes attributes{};
    attributes.srcAccessOrder = CU_MEMCPY_SRC_ACCESS_ORDER_STREAM;
    OK(cuMemcpyBatchAsync(to, from, sizes, 2, &attributes, indices, 1, &failed, stream));
    CUDA_MEMCPY3D_BATCH_OP box{};
    box.src.type = box.dst.type = CU_MEMCPY_OPERAND_TYPE_POINTER;
    box.src.op.ptr.ptr = memory;
    box.dst.op.ptr.ptr = at(out.data());
    box.extent = {2048, 1, 1};
    box.srcAccessOrder = CU_MEMCPY_SRC_ACCESS_ORDER_STREAM;
    OK(cuMemcpy3DBatchAsync_v2(1, &box, 0, stream));
    OK(cuStreamSynchronize(stream));
    EXPECT_EQ(in, out);

    to[1] = memory + 4000; // ends behind the allocation: nothing of the batch happens
    EXPECT_EQ(cuMemcpyBatchAsync(to, from, sizes, 2, &attributes, indices, 1, &failed, stream), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(failed, 1U);
    EXPECT_EQ(cuMemcpyBatchAsync(to, from, sizes, 0, &attributes, indices, 1, &failed, stream), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(failed, SIZE_MAX);
    EXPECT_EQ(cuMemcpyBatchAsync(to, from, sizes, 1, &attributes, indices, 1, &failed, nullptr), CUDA_ERROR_INVALID_VALUE);
    box.extent.height = 0;
    EXPECT_EQ(cuMemcpy3DBatchAsync_v2(1, &box, 0, stream), CUDA_ERROR_INVALID_VALUE);
    CUmemDecompressParams packed{};
    EXPECT_EQ(cuMemBatchDecompressAsync(&packed, 1, 0, nullptr, stream), CUDA_ERROR_NOT_SUPPORTED);
    OK(cuStreamDestroy_v2(stream));
    OK(cuMemFree_v2(memory));
}

TEST_F(ServicesTest, GreenContextsHaveAShare) {
    CUdevResource all{}, groups[2]{}, rest{};
    OK(cuDeviceGetDevResource(device, &all, CU_DEV_RESOURCE_TYPE_SM));
    int multiprocessors = 0;
    OK(cuDeviceGetAttribute(&multiprocessors, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, device));
    EXPECT_EQ(all.sm.smCount, static_cast<unsigned>(multiprocessors));
    CUdevResource split = all;
    split.sm.smCount = 32; // a device with few multiprocessors can't be split
    unsigned count = 0;
    OK(cuDevSmResourceSplitByCount(nullptr, &count, &split, nullptr, 0, 8));
    EXPECT_EQ(count, 4U);
    count = 2;
    OK(cuDevSmResourceSplitByCount(groups, &count, &split, &rest, 0, 8));
    EXPECT_EQ(count, 2U);
    EXPECT_EQ(groups[1].sm.smCount, 8U);
    EXPECT_EQ(rest.sm.smCount, 16U);
    CUdevResourceDesc description = nullptr;
    OK(cuDevResourceGenerateDesc(&description, groups, 1));
    CUgreenCtx green = nullptr, found = nullptr;
    EXPECT_EQ(cuGreenCtxCreate(&green, description, device, 0), CUDA_ERROR_INVALID_VALUE);
    OK(cuGreenCtxCreate(&green, description, device, CU_GREEN_CTX_DEFAULT_STREAM));
    CUstream stream = nullptr, other = nullptr;
    EXPECT_EQ(cuGreenCtxStreamCreate(&stream, green, CU_STREAM_DEFAULT, 0), CUDA_ERROR_INVALID_VALUE);
    OK(cuGreenCtxStreamCreate(&stream, green, CU_STREAM_NON_BLOCKING, 0));
    OK(cuStreamGetGreenCtx(stream, &found));
    EXPECT_EQ(found, green);
    OK(cuStreamCreate(&other, 0));
    OK(cuStreamGetGreenCtx(other, &found));
    EXPECT_EQ(found, nullptr);
    CUdevResource share{};
    OK(cuGreenCtxGetDevResource(green, &share, CU_DEV_RESOURCE_TYPE_SM));
    EXPECT_EQ(share.sm.smCount, 8U);
    CUcontext plain = nullptr;
    OK(cuCtxFromGreenCtx(&plain, green));
    OK(cuCtxGetDevResource(plain, &share, CU_DEV_RESOURCE_TYPE_SM));
    EXPECT_EQ(share.sm.smCount, 8U);
    // An event of the whole context is reached behind the work of its streams.
    CUevent event = nullptr;
    OK(cuEventCreate(&event, CU_EVENT_DISABLE_TIMING));
    static int reached;
    reached = 0;
    OK(cuLaunchHostFunc(stream, [](void* p) { *static_cast<int*>(p) = 1; }, &reached));
    OK(cuGreenCtxRecordEvent(green, event));
    OK(cuEventSynchronize(event));
    EXPECT_EQ(reached, 1);
    OK(cuGreenCtxWaitEvent(green, event));
    OK(cuCtxRecordEvent(context, event));
    OK(cuCtxWaitEvent(context, event));
    OK(cuEventDestroy_v2(event));
    OK(cuStreamDestroy_v2(stream));
    OK(cuStreamDestroy_v2(other));
    OK(cuGreenCtxDestroy(green));
    EXPECT_EQ(cuGreenCtxDestroy(green), CUDA_ERROR_INVALID_CONTEXT);
    EXPECT_EQ(cuDeviceGetDevResource(device, &all, CU_DEV_RESOURCE_TYPE_INVALID), CUDA_ERROR_INVALID_RESOURCE_TYPE);
    CUdevResource invented{};
    invented.type = CU_DEV_RESOURCE_TYPE_SM;
    invented.sm.smCount = 8;
    EXPECT_EQ(cuDevResourceGenerateDesc(&description, &invented, 1), CUDA_ERROR_INVALID_VALUE);
}

TEST_F(ServicesTest, CoreDumpSettingsOfProcessAndContext) {
    bool on = true;
    size_t size = sizeof on;
    OK(cuCoredumpSetAttributeGlobal(CU_COREDUMP_LIGHTWEIGHT, &on, &size));
    bool answer = false;
    OK(cuCoredumpGetAttribute(CU_COREDUMP_LIGHTWEIGHT, &answer, &size));
    EXPECT_TRUE(answer);
    on = false;
    OK(cuCoredumpSetAttribute(CU_COREDUMP_LIGHTWEIGHT, &on, &size));
    OK(cuCoredumpGetAttribute(CU_COREDUMP_LIGHTWEIGHT, &answer, &size));
    EXPECT_FALSE(answer);
    OK(cuCoredumpGetAttributeGlobal(CU_COREDUMP_LIGHTWEIGHT, &answer, &size));
    EXPECT_TRUE(answer);
    char name[] = "dump.%p", read[64];
    size = sizeof name;
    OK(cuCoredumpSetAttributeGlobal(CU_COREDUMP_FILE, name, &size));
    size = sizeof read;
    OK(cuCoredumpGetAttributeGlobal(CU_COREDUMP_FILE, read, &size));
    EXPECT_STREQ(read, name);
    EXPECT_EQ(size, sizeof name);
    size = 2;
    EXPECT_EQ(cuCoredumpGetAttributeGlobal(CU_COREDUMP_FILE, read, &size), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(cuCoredumpSetAttribute(CU_COREDUMP_PIPE, name, &size), CUDA_ERROR_NOT_PERMITTED);
    EXPECT_EQ(cuCoredumpGetAttributeGlobal(CU_COREDUMP_MAX, read, &size), CUDA_ERROR_INVALID_VALUE);
}

TEST_F(ServicesTest, LogsOfFailedCalls) {
    static std::string heard;
    heard.clear();
    CUlogsCallbackHandle handle = nullptr;
    OK(cuLogsRegisterCallback([](void*, CUlogLevel, char* text, size_t size) { heard.assign(text, size); }, nullptr, &handle));
    CUlogIterator position = 0;
    OK(cuLogsCurrent(&position, 0));
    EXPECT_EQ(cuMemFree_v2(12345), CUDA_ERROR_INVALID_VALUE);
    EXPECT_NE(heard.find("cuMemFree_v2"), std::string::npos) << heard;
    char text[4096];
    size_t size = sizeof text;
    OK(cuLogsDumpToMemory(&position, text, &size, 0));
    EXPECT_EQ(heard, std::string(text, size));
    size = sizeof text;
    OK(cuLogsDumpToMemory(&position, text, &size, 0)); // nothing new
    EXPECT_EQ(size, 0U);
    OK(cuLogsUnregisterCallback(handle));
    EXPECT_EQ(cuLogsUnregisterCallback(handle), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(cuLogsDumpToFile(nullptr, "/no/such/folder/log", 0), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(cuLogsCurrent(nullptr, 0), CUDA_ERROR_INVALID_VALUE);
}

TEST_F(ServicesTest, LaunchWithParametersSetOneByOne) {
    CUmodule module = nullptr;
    CUfunction function = nullptr;
    OK(cuModuleLoadData(&module, scale_ptx));
    OK(cuModuleGetFunction(&function, module, "scale"));
    CUdeviceptr memory = 0;
    OK(cuMemAlloc_v2(&memory, 256));
    OK(cuMemsetD32_v2(memory, 0x3f800000, 64)); // 1.0f
    EXPECT_EQ(cuLaunchGrid(function, 2, 1), CUDA_ERROR_INVALID_VALUE); // no block's shape
    OK(cuFuncSetBlockShape(function, 32, 1, 1));
    OK(cuFuncSetSharedSize(function, 0));
    EXPECT_EQ(cuLaunchGrid(function, 2, 1), CUDA_ERROR_INVALID_VALUE); // no parameters
    OK(cuParamSetv(function, 0, &memory, sizeof memory));
    OK(cuParamSetv(function, 8, &memory, sizeof memory));
    OK(cuParamSetf(function, 16, 2.5F));
    OK(cuParamSeti(function, 20, 64));
    OK(cuParamSetSize(function, 24));
    OK(cuLaunchGrid(function, 2, 1));
    float values[64];
    OK(cuMemcpyDtoH_v2(values, memory, sizeof values));
    EXPECT_EQ(values[0], 2.5F);
    EXPECT_EQ(values[63], 2.5F);
    OK(cuLaunch(function)); // one block: the first 32
    OK(cuLaunchGridAsync(function, 1, 1, nullptr));
    OK(cuMemcpyDtoH_v2(values, memory, sizeof values));
    EXPECT_EQ(values[31], 2.5F * 2.5F * 2.5F);
    EXPECT_EQ(values[32], 2.5F);
    EXPECT_EQ(cuFuncSetBlockShape(function, 0, 1, 1), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(cuParamSeti(function, 24, 1), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(cuParamSetSize(function, 4096), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(cuLaunch(nullptr), CUDA_ERROR_INVALID_HANDLE);
    OK(cuMemFree_v2(memory));
}

TEST_F(ServicesTest, FirstVersionsHave32BitAddresses) {
    CUdeviceptr_v1 address = 0;
    CUresult made = cuMemAlloc(&address, 4096);
    // Where the process has room below 4 GiB it works, elsewhere it says why not; nothing is lost either way.
    if (made == CUDA_SUCCESS)
        OK(cuMemFree(address));
    else
        EXPECT_EQ(made, CUDA_ERROR_OUT_OF_MEMORY);
    unsigned available = 0, total = 0;
    size_t available_now = 0, all = 0;
    OK(cuMemGetInfo(&available, &total));
    OK(cuMemGetInfo_v2(&available_now, &all));
    EXPECT_EQ(available_now, all);
    EXPECT_EQ(total, all > 0xffffffff ? 0xffffffff : all);
    EXPECT_EQ(cuMemcpyHtoD(16, &total, 4), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(cuMemsetD32(16, 0, 4), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(cuMemAlloc(nullptr, 4), CUDA_ERROR_INVALID_VALUE);
    OK(cuDeviceTotalMem(&total, device));
    EXPECT_GT(total, 0U);
}

TEST_F(ServicesTest, WhatADeviceDoesNotHave) {
    EXPECT_EQ(cuGraphicsUnregisterResource(nullptr), CUDA_ERROR_INVALID_HANDLE);
    EXPECT_EQ(cuGraphicsMapResources(0, nullptr, nullptr), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(cuFlushGPUDirectRDMAWrites(CU_FLUSH_GPU_DIRECT_RDMA_WRITES_TARGET_CURRENT_CTX,
                                         CU_FLUSH_GPU_DIRECT_RDMA_WRITES_TO_OWNER),
              CUDA_ERROR_NOT_SUPPORTED);
    CUexecAffinityParam affinity{};
    EXPECT_EQ(cuCtxGetExecAffinity(&affinity, CU_EXEC_AFFINITY_TYPE_SM_COUNT), CUDA_ERROR_UNSUPPORTED_EXEC_AFFINITY);
    CUasyncCallbackHandle handle = nullptr;
    OK(cuDeviceRegisterAsyncNotification(device, [](CUasyncNotificationInfo*, void*, CUasyncCallbackHandle) {}, nullptr, &handle));
    OK(cuDeviceUnregisterAsyncNotification(device, handle));
    EXPECT_EQ(cuDeviceUnregisterAsyncNotification(device, handle), CUDA_ERROR_INVALID_VALUE);
    CUmemoryPool pool = nullptr, same = nullptr;
    CUmemLocation here{CU_MEM_LOCATION_TYPE_DEVICE, device}, nowhere{};
    OK(cuMemGetDefaultMemPool(&pool, &here, CU_MEM_ALLOCATION_TYPE_PINNED));
    OK(cuMemSetMemPool(&here, CU_MEM_ALLOCATION_TYPE_PINNED, pool));
    OK(cuMemGetMemPool(&same, &here, CU_MEM_ALLOCATION_TYPE_PINNED));
    EXPECT_EQ(pool, same);
    EXPECT_EQ(cuMemGetMemPool(&same, &nowhere, CU_MEM_ALLOCATION_TYPE_PINNED), CUDA_ERROR_INVALID_VALUE);
}
