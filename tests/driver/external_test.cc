// External memory and semaphores by file descriptor, semaphores in graphs; tensor maps.
#include "driver_test.h"

#include <cstring>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <thread>
#include <unistd.h>

namespace {

class ExternalTest : public DriverTest {
protected:
    /// An anonymous file, and how this process sees it.
    static int make_file(size_t bytes, void*& mapped) {
        int file = memfd_create("external-test", MFD_CLOEXEC);
        if (ftruncate(file, static_cast<off_t>(bytes)) != 0) return -1;
        mapped = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        return file;
    }
    void import_semaphore(CUexternalSemaphore& semaphore, int file, CUexternalSemaphoreHandleType type) {
        CUDA_EXTERNAL_SEMAPHORE_HANDLE_DESC description{};
        description.type = type;
        description.handle.fd = file;
        OK(cuImportExternalSemaphore(&semaphore, &description));
    }
};

TEST_F(ExternalTest, MemoryIsTheFile) {
    constexpr size_t bytes = 1 << 16;
    void* mapped = nullptr;
    int file = make_file(bytes, mapped);
    auto* values = static_cast<unsigned*>(mapped);
    for (unsigned i = 0; i < bytes / 4; i++) values[i] = i;
    CUDA_EXTERNAL_MEMORY_HANDLE_DESC description{};
    description.type = CU_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD;
    description.handle.fd = file;
    description.size = bytes;
    CUexternalMemory memory = nullptr;
    OK(cuImportExternalMemory(&memory, &description));
    CUDA_EXTERNAL_MEMORY_BUFFER_DESC buffer{};
    buffer.offset = 4096;
    buffer.size = 8192;
    CUdeviceptr pointer = 0;
    OK(cuExternalMemoryGetMappedBuffer(&pointer, memory, &buffer));
    unsigned read[4];
    OK(cuMemcpyDtoH(read, pointer, sizeof read));
    EXPECT_EQ(read[0], 1024U);
    EXPECT_EQ(read[3], 1027U);
    OK(cuMemsetD32(pointer, 99, 2048));
    EXPECT_EQ(values[1023], 1023U);
    EXPECT_EQ(values[1024], 99U);
    EXPECT_EQ(values[1024 + 2047], 99U);
    EXPECT_EQ(values[1024 + 2048], 1024U + 2048);
    unsigned type = 0;
    OK(cuPointerGetAttribute(&type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE, pointer));
    EXPECT_EQ(type, unsigned(CU_MEMORYTYPE_DEVICE));
    OK(cuDestroyExternalMemory(memory)); // the buffer stays
    OK(cuMemsetD32(pointer, 5, 1));
    EXPECT_EQ(values[1024], 5U);
    OK(cuMemFree(pointer));
    EXPECT_EQ(cuMemFree(pointer), CUDA_ERROR_INVALID_VALUE);
    munmap(mapped, bytes);
}

TEST_F(ExternalTest, MemoryMisuse) {
    void* mapped = nullptr;
    int file = make_file(8192, mapped);
    CUDA_EXTERNAL_MEMORY_HANDLE_DESC description{};
    CUexternalMemory memory = nullptr;
    description.type = CU_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD;
    description.handle.fd = file;
    description.size = 8192;
    EXPECT_EQ(cuImportExternalMemory(nullptr, &description), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(cuImportExternalMemory(&memory, nullptr), CUDA_ERROR_INVALID_VALUE);
    description.size = 8193;
    EXPECT_EQ(cuImportExternalMemory(&memory, &description), CUDA_ERROR_INVALID_VALUE);
    description.size = 8192;
    description.handle.fd = -1;
    EXPECT_EQ(cuImportExternalMemory(&memory, &description), CUDA_ERROR_INVALID_HANDLE);
    description.handle.fd = file;
    description.type = CU_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_WIN32;
    EXPECT_EQ(cuImportExternalMemory(&memory, &description), CUDA_ERROR_NOT_SUPPORTED);
    description.type = CU_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD;
    OK(cuImportExternalMemory(&memory, &description));
    CUDA_EXTERNAL_MEMORY_BUFFER_DESC buffer{};
    CUdeviceptr pointer = 0;
    buffer.offset = 4096;
    buffer.size = 4097;
    EXPECT_EQ(cuExternalMemoryGetMappedBuffer(&pointer, memory, &buffer), CUDA_ERROR_INVALID_VALUE);
    OK(cuDestroyExternalMemory(memory));
    EXPECT_EQ(cuDestroyExternalMemory(memory), CUDA_ERROR_INVALID_HANDLE);
    munmap(mapped, 8192);
}

TEST_F(ExternalTest, TimelineSemaphoreOrdersStreamAndHost) {
    void* mapped = nullptr;
    int file = make_file(4096, mapped);
    auto* value = static_cast<std::atomic<uint64_t>*>(mapped);
    CUexternalSemaphore semaphore = nullptr;
    import_semaphore(semaphore, file, CU_EXTERNAL_SEMAPHORE_HANDLE_TYPE_TIMELINE_SEMAPHORE_FD);
    CUstream stream = nullptr;
    OK(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
    CUDA_EXTERNAL_SEMAPHORE_WAIT_PARAMS wait{};
    CUDA_EXTERNAL_SEMAPHORE_SIGNAL_PARAMS signal{};
    wait.params.fence.value = 3;
    signal.params.fence.value = 10;
    OK(cuWaitExternalSemaphoresAsync(&semaphore, &wait, 1, stream));
    OK(cuSignalExternalSemaphoresAsync(&semaphore, &signal, 1, stream));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    EXPECT_EQ(cuStreamQuery(stream), CUDA_ERROR_NOT_READY);
    EXPECT_EQ(value->load(), 0U);
    value->store(3);
    OK(cuStreamSynchronize(stream));
    EXPECT_EQ(value->load(), 10U);
    EXPECT_EQ(cuWaitExternalSemaphoresAsync(&semaphore, nullptr, 1, stream), CUDA_ERROR_INVALID_VALUE);
    OK(cuDestroyExternalSemaphore(semaphore));
    EXPECT_EQ(cuSignalExternalSemaphoresAsync(&semaphore, &signal, 1, stream), CUDA_ERROR_INVALID_HANDLE);
    OK(cuStreamDestroy(stream));
    munmap(mapped, 4096);
}

TEST_F(ExternalTest, BinarySemaphoreIsTakenByTheWait) {
    int file = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    int ours = dup(file);
    CUexternalSemaphore semaphore = nullptr;
    import_semaphore(semaphore, file, CU_EXTERNAL_SEMAPHORE_HANDLE_TYPE_OPAQUE_FD);
    CUDA_EXTERNAL_SEMAPHORE_WAIT_PARAMS wait{};
    CUDA_EXTERNAL_SEMAPHORE_SIGNAL_PARAMS signal{};
    OK(cuSignalExternalSemaphoresAsync(&semaphore, &signal, 1, nullptr));
    OK(cuWaitExternalSemaphoresAsync(&semaphore, &wait, 1, nullptr));
    OK(cuStreamSynchronize(nullptr));
    uint64_t count = 0;
    EXPECT_LT(read(ours, &count, sizeof count), 0); // the wait has taken it
    OK(cuSignalExternalSemaphoresAsync(&semaphore, &signal, 1, nullptr));
    OK(cuStreamSynchronize(nullptr));
    EXPECT_EQ(read(ours, &count, sizeof count), ssize_t(sizeof count));
    OK(cuDestroyExternalSemaphore(semaphore));
    close(ours);
}

TEST_F(ExternalTest, SemaphoresInGraphs) {
    void* mapped = nullptr;
    int file = make_file(4096, mapped);
    auto* value = static_cast<std::atomic<uint64_t>*>(mapped);
    CUexternalSemaphore semaphore = nullptr;
    import_semaphore(semaphore, file, CU_EXTERNAL_SEMAPHORE_HANDLE_TYPE_TIMELINE_SEMAPHORE_FD);
    CUDA_EXTERNAL_SEMAPHORE_WAIT_PARAMS wait{};
    CUDA_EXTERNAL_SEMAPHORE_SIGNAL_PARAMS signal{}, later{};
    wait.params.fence.value = 1;
    signal.params.fence.value = 1;
    later.params.fence.value = 7;
    CUDA_EXT_SEM_SIGNAL_NODE_PARAMS signals{&semaphore, &signal, 1}, got{};
    CUDA_EXT_SEM_WAIT_NODE_PARAMS waits{&semaphore, &wait, 1};
    CUgraph graph = nullptr;
    CUgraphNode first = nullptr, second = nullptr;
    OK(cuGraphCreate(&graph, 0));
    OK(cuGraphAddExternalSemaphoresSignalNode(&first, graph, nullptr, 0, &signals));
    OK(cuGraphAddExternalSemaphoresWaitNode(&second, graph, &first, 1, &waits));
    CUgraphNodeType type{};
    OK(cuGraphNodeGetType(second, &type));
    EXPECT_EQ(type, CU_GRAPH_NODE_TYPE_EXT_SEMAS_WAIT);
    OK(cuGraphExternalSemaphoresSignalNodeGetParams(first, &got));
    ASSERT_EQ(got.numExtSems, 1U);
    EXPECT_EQ(got.paramsArray[0].params.fence.value, 1U);
    CUgraphExec exec = nullptr;
    OK(cuGraphInstantiate(&exec, graph, 0));
    OK(cuGraphLaunch(exec, nullptr));
    OK(cuStreamSynchronize(nullptr));
    EXPECT_EQ(value->load(), 1U);
    signals.paramsArray = &later;
    OK(cuGraphExecExternalSemaphoresSignalNodeSetParams(exec, first, &signals));
    OK(cuGraphLaunch(exec, nullptr));
    OK(cuStreamSynchronize(nullptr));
    EXPECT_EQ(value->load(), 7U);
    OK(cuGraphExecDestroy(exec));
    OK(cuGraphDestroy(graph));

    CUstream stream = nullptr; // captured, the same
    OK(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
    OK(cuStreamBeginCapture(stream, CU_STREAM_CAPTURE_MODE_GLOBAL));
    later.params.fence.value = 9;
    OK(cuSignalExternalSemaphoresAsync(&semaphore, &later, 1, stream));
    OK(cuStreamEndCapture(stream, &graph));
    EXPECT_EQ(value->load(), 7U);
    OK(cuGraphInstantiate(&exec, graph, 0));
    OK(cuGraphLaunch(exec, stream));
    OK(cuStreamSynchronize(stream));
    EXPECT_EQ(value->load(), 9U);
    OK(cuGraphExecDestroy(exec));
    OK(cuGraphDestroy(graph));
    OK(cuStreamDestroy(stream));
    OK(cuDestroyExternalSemaphore(semaphore));
    munmap(mapped, 4096);
}

TEST_F(ExternalTest, TensorMaps) {
    CUdeviceptr memory = 0;
    OK(cuMemAlloc(&memory, 1 << 20));
    auto* address = reinterpret_cast<void*>(memory);
    cuuint64_t dimensions[2] = {256, 128}, strides[1] = {1024};
    cuuint32_t box[2] = {32, 16}, ones[2] = {1, 1};
    CUtensorMap map{}, other{};
    auto encode = [&](CUtensorMap& to, CUtensorMapSwizzle swizzle) {
        return cuTensorMapEncodeTiled(&to, CU_TENSOR_MAP_DATA_TYPE_FLOAT32, 2, address, dimensions, strides, box, ones,
                                      CU_TENSOR_MAP_INTERLEAVE_NONE, swizzle, CU_TENSOR_MAP_L2_PROMOTION_NONE,
                                      CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
    };
    OK(encode(map, CU_TENSOR_MAP_SWIZZLE_128B));
    OK(encode(other, CU_TENSOR_MAP_SWIZZLE_128B));
    EXPECT_EQ(std::memcmp(&map, &other, sizeof map), 0);
    EXPECT_EQ(encode(other, CU_TENSOR_MAP_SWIZZLE_64B), CUDA_ERROR_INVALID_VALUE); // 128 bytes don't fit
    OK(cuTensorMapReplaceAddress(&other, reinterpret_cast<void*>(memory + 4096)));
    EXPECT_NE(std::memcmp(&map, &other, sizeof map), 0);
    EXPECT_EQ(cuTensorMapReplaceAddress(&other, reinterpret_cast<void*>(memory + 8)), CUDA_ERROR_INVALID_VALUE);
    box[1] = 257;
    EXPECT_EQ(encode(map, CU_TENSOR_MAP_SWIZZLE_128B), CUDA_ERROR_INVALID_VALUE);
    box[1] = 16, strides[0] = 1032;
    EXPECT_EQ(encode(map, CU_TENSOR_MAP_SWIZZLE_128B), CUDA_ERROR_INVALID_VALUE);
    cuuint64_t image[4] = {64, 32, 32, 4}, steps[3] = {128, 4096, 131072};
    cuuint32_t each[4] = {1, 1, 1, 1};
    int lower[2] = {-1, -1}, upper[2] = {-1, -1}, far[2] = {-200, 0};
    auto columns = [&](const int* from) {
        return cuTensorMapEncodeIm2col(&map, CU_TENSOR_MAP_DATA_TYPE_FLOAT16, 4, address, image, steps, from, upper, 64, 128, each,
                                       CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B, CU_TENSOR_MAP_L2_PROMOTION_NONE,
                                       CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
    };
    OK(columns(lower));
    EXPECT_EQ(columns(far), CUDA_ERROR_INVALID_VALUE);
    OK(cuMemFree(memory));
}

} // namespace
