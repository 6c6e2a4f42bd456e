// The runtime API without a CUDA compiler: PTX registered by hand as compiled code registers its fat binaries, memory, copies,
// streams, events, errors. CUDA Runtime API, each function's section.
#include <cuda.h>
#include <cuda_profiler_api.h>
#include <cuda_runtime_api.h>

#include <cstring>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <thread>
#include <unistd.h>
#include <vector>

extern "C" {
void** __cudaRegisterFatBinary(void*);
void __cudaRegisterFatBinaryEnd(void**);
void __cudaUnregisterFatBinary(void**);
void __cudaRegisterFunction(void**, const char*, char*, const char*, int, uint3*, uint3*, dim3*, dim3*, int*);
void __cudaRegisterVar(void**, char*, char*, const char*, int, size_t, int, int);
unsigned __cudaPushCallConfiguration(dim3, dim3, size_t, cudaStream_t);
cudaError_t __cudaPopCallConfiguration(dim3*, dim3*, size_t*, void*);
cudaError_t __cudaGetKernel(cudaKernel_t*, const void*);
cudaError_t __cudaLaunchKernel(cudaKernel_t, dim3, dim3, void**, size_t, cudaStream_t);
}

namespace {

const char* ptx = R"(
.version 7.0
.target sm_70
.address_size 64
.global .align 4 .u32 offset = 100;
.visible .entry iota(.param .u64 out) {
    .reg .u64 %p, %d; .reg .u32 %t, %v, %c, %n;
    ld.param.u64 %p, [out];
    cvta.to.global.u64 %p, %p;
    mov.u32 %t, %tid.x; mov.u32 %c, %ctaid.x; mov.u32 %n, %ntid.x;
    mad.lo.u32 %t, %c, %n, %t;
    ld.global.u32 %v, [offset];
    add.u32 %v, %v, %t;
    mul.wide.u32 %d, %t, 4;
    add.u64 %p, %p, %d;
    st.global.u32 [%p], %v;
    ret;
}
)";

// Their addresses are the names.
void host_iota() {}
char host_offset;

struct Registered {
    void** handle = __cudaRegisterFatBinary(const_cast<char*>(ptx));
    Registered() {
        __cudaRegisterFunction(handle, reinterpret_cast<const char*>(&host_iota), nullptr, "iota", -1, nullptr, nullptr, nullptr,
                               nullptr, nullptr);
        __cudaRegisterVar(handle, &host_offset, nullptr, "offset", 0, 4, 0, 0);
        __cudaRegisterFatBinaryEnd(handle);
    }
    ~Registered() { __cudaUnregisterFatBinary(handle); }
};

const void* iota = reinterpret_cast<const void*>(&host_iota);

class Runtime : public testing::Test {
protected:
    void TearDown() override { cudaGetLastError(); }
};

TEST_F(Runtime, CountsAndDescribesDevices) {
    int count = 0, value = 0;
    ASSERT_EQ(cudaGetDeviceCount(&count), cudaSuccess);
    ASSERT_GE(count, 1);
    cudaDeviceProp properties;
    ASSERT_EQ(cudaGetDeviceProperties(&properties, 0), cudaSuccess);
    EXPECT_EQ(properties.warpSize, 32);
    EXPECT_GT(properties.totalGlobalMem, 0u);
    EXPECT_EQ(cudaDeviceGetAttribute(&value, cudaDevAttrMultiProcessorCount, 0), cudaSuccess);
    EXPECT_EQ(value, properties.multiProcessorCount);
    EXPECT_EQ(cudaGetDeviceProperties(&properties, count), cudaErrorInvalidDevice);
    EXPECT_EQ(cudaSetDevice(-1), cudaErrorInvalidDevice);
    EXPECT_EQ(cudaRuntimeGetVersion(&value), cudaSuccess);
    EXPECT_EQ(value, CUDART_VERSION);
}

TEST_F(Runtime, LaunchesWhatWasRegistered) {
    Registered registered;
    int* out = nullptr;
    ASSERT_EQ(cudaMallocManaged(reinterpret_cast<void**>(&out), 256 * 4, cudaMemAttachGlobal), cudaSuccess);
    void* args[] = {&out};
    ASSERT_EQ(cudaLaunchKernel(iota, 4, 64, args, 0, nullptr), cudaSuccess);
    ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    for (int i = 0; i < 256; i++) ASSERT_EQ(out[i], 100 + i);
    int base = 7;
    ASSERT_EQ(cudaMemcpyToSymbol(&host_offset, &base, 4, 0, cudaMemcpyHostToDevice), cudaSuccess);
    cudaKernel_t handle = nullptr;
    ASSERT_EQ(__cudaGetKernel(&handle, iota), cudaSuccess);
    ASSERT_EQ(__cudaLaunchKernel(handle, 4, 64, args, 0, nullptr), cudaSuccess);
    ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    EXPECT_EQ(out[255], 7 + 255);
    ASSERT_EQ(cudaGetKernel(&handle, iota), cudaSuccess);
    ASSERT_EQ(cudaLaunchKernel(handle, 1, 64, args, 0, cudaStreamPerThread), cudaSuccess);
    EXPECT_EQ(cudaStreamSynchronize(cudaStreamPerThread), cudaSuccess);
    EXPECT_EQ(cudaFree(out), cudaSuccess);
}

TEST_F(Runtime, RefusesWhatWasNotRegistered) {
    int variable = 0;
    EXPECT_EQ(cudaLaunchKernel(&variable, 1, 1, nullptr, 0, nullptr), cudaErrorInvalidDeviceFunction);
    EXPECT_EQ(cudaMemcpyToSymbol(&variable, &variable, 4, 0, cudaMemcpyHostToDevice), cudaErrorInvalidSymbol);
    {
        Registered registered;
    }
    EXPECT_EQ(cudaLaunchKernel(iota, 1, 1, nullptr, 0, nullptr), cudaErrorInvalidDeviceFunction);
}

TEST_F(Runtime, ReportsBadConfigurations) {
    Registered registered;
    int* out = nullptr;
    void* args[] = {&out};
    EXPECT_EQ(cudaLaunchKernel(iota, 1, 2048, args, 0, nullptr), cudaErrorInvalidConfiguration);
    EXPECT_EQ(cudaLaunchKernel(iota, 0, 32, args, 0, nullptr), cudaErrorInvalidConfiguration);
    EXPECT_EQ(cudaLaunchKernel(iota, 1, dim3(1, 1, 65), args, 0, nullptr), cudaErrorInvalidConfiguration);
    dim3 grid, block;
    size_t shared = 0;
    cudaStream_t stream = nullptr;
    EXPECT_EQ(__cudaPopCallConfiguration(&grid, &block, &shared, &stream), cudaErrorMissingConfiguration);
    EXPECT_EQ(__cudaPushCallConfiguration(2, 3, 4, cudaStreamLegacy), 0u);
    EXPECT_EQ(__cudaPopCallConfiguration(&grid, &block, &shared, &stream), cudaSuccess);
    EXPECT_EQ(grid.x, 2u);
    EXPECT_EQ(block.x, 3u);
    EXPECT_EQ(shared, 4u);
    EXPECT_EQ(stream, cudaStreamLegacy);
}

TEST_F(Runtime, KeepsTheLastErrorPerThread) {
    EXPECT_EQ(cudaFree(reinterpret_cast<void*>(0x1234)), cudaErrorInvalidValue);
    EXPECT_EQ(cudaPeekAtLastError(), cudaErrorInvalidValue);
    std::thread([] { EXPECT_EQ(cudaGetLastError(), cudaSuccess); }).join();
    EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidValue);
    EXPECT_EQ(cudaGetLastError(), cudaSuccess);
    EXPECT_STREQ(cudaGetErrorName(cudaErrorIllegalAddress), "cudaErrorIllegalAddress");
    EXPECT_STREQ(cudaGetErrorString(cudaErrorMemoryAllocation), "out of memory");
    EXPECT_STREQ(cudaGetErrorName(static_cast<cudaError_t>(12345)), "unrecognized error code");
}

TEST_F(Runtime, CopiesAndFills) {
    std::vector<unsigned char> from(64 * 48), to(64 * 48);
    for (size_t i = 0; i < from.size(); i++) from[i] = static_cast<unsigned char>(i * 7);
    void* rows = nullptr;
    size_t pitch = 0;
    ASSERT_EQ(cudaMallocPitch(&rows, &pitch, 64, 48), cudaSuccess);
    EXPECT_GE(pitch, 64u);
    EXPECT_EQ(cudaMemcpy2D(rows, pitch, from.data(), 64, 64, 48, cudaMemcpyHostToDevice), cudaSuccess);
    EXPECT_EQ(cudaMemcpy2D(to.data(), 64, rows, pitch, 64, 48, cudaMemcpyDeviceToHost), cudaSuccess);
    EXPECT_EQ(from, to);
    EXPECT_EQ(cudaMemset2D(rows, pitch, 9, 32, 48), cudaSuccess);
    EXPECT_EQ(cudaMemcpy2DAsync(to.data(), 64, rows, pitch, 64, 48, cudaMemcpyDeviceToHost, cudaStreamPerThread), cudaSuccess);
    EXPECT_EQ(cudaStreamSynchronize(cudaStreamPerThread), cudaSuccess);
    EXPECT_EQ(to[64 * 47 + 31], 9);
    EXPECT_EQ(to[64 * 47 + 32], from[64 * 47 + 32]);
    EXPECT_EQ(cudaMemcpy2D(to.data(), 32, rows, pitch, 64, 48, cudaMemcpyDeviceToHost), cudaErrorInvalidPitchValue);
    EXPECT_EQ(cudaMemcpy(to.data(), rows, 1, static_cast<cudaMemcpyKind>(9)), cudaErrorInvalidMemcpyDirection);

    cudaPitchedPtr box{};
    cudaExtent extent{16, 8, 4};
    ASSERT_EQ(cudaMalloc3D(&box, extent), cudaSuccess);
    cudaMemcpy3DParms parms{};
    parms.srcPtr = {from.data(), 16, 16, 8};
    parms.dstPtr = box;
    parms.extent = extent;
    parms.kind = cudaMemcpyHostToDevice;
    EXPECT_EQ(cudaMemcpy3D(&parms), cudaSuccess);
    parms.srcPtr = box;
    parms.dstPtr = {to.data(), 16, 16, 8};
    parms.kind = cudaMemcpyDefault;
    EXPECT_EQ(cudaMemcpy3D(&parms), cudaSuccess);
    EXPECT_EQ(memcmp(from.data(), to.data(), 16 * 8 * 4), 0);
    EXPECT_EQ(cudaFree(rows), cudaSuccess);
    EXPECT_EQ(cudaFree(box.ptr), cudaSuccess);
}

TEST_F(Runtime, KnowsPointers) {
    void *device = nullptr, *host = nullptr, *managed = nullptr;
    int local = 0;
    cudaPointerAttributes attributes;
    ASSERT_EQ(cudaMalloc(&device, 100), cudaSuccess);
    ASSERT_EQ(cudaMallocHost(&host, 100), cudaSuccess);
    ASSERT_EQ(cudaMallocManaged(&managed, 100, cudaMemAttachGlobal), cudaSuccess);
    EXPECT_EQ(cudaPointerGetAttributes(&attributes, device), cudaSuccess);
    EXPECT_EQ(attributes.type, cudaMemoryTypeDevice);
    EXPECT_EQ(cudaPointerGetAttributes(&attributes, host), cudaSuccess);
    EXPECT_EQ(attributes.type, cudaMemoryTypeHost);
    EXPECT_EQ(cudaPointerGetAttributes(&attributes, managed), cudaSuccess);
    EXPECT_EQ(attributes.type, cudaMemoryTypeManaged);
    EXPECT_EQ(cudaPointerGetAttributes(&attributes, &local), cudaSuccess);
    EXPECT_EQ(attributes.type, cudaMemoryTypeUnregistered);
    EXPECT_EQ(cudaFree(device), cudaSuccess);
    EXPECT_EQ(cudaFreeHost(host), cudaSuccess);
    EXPECT_EQ(cudaFree(managed), cudaSuccess);
    EXPECT_EQ(cudaFree(nullptr), cudaSuccess);
    EXPECT_EQ(cudaMalloc(&device, size_t(1) << 60), cudaErrorMemoryAllocation);
}

TEST_F(Runtime, OrdersByStreamsAndEvents) {
    cudaStream_t stream = nullptr;
    cudaEvent_t start = nullptr, end = nullptr;
    ASSERT_EQ(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
    ASSERT_EQ(cudaEventCreate(&start), cudaSuccess);
    ASSERT_EQ(cudaEventCreate(&end), cudaSuccess);
    int calls = 0;
    EXPECT_EQ(cudaEventRecord(start, stream), cudaSuccess);
    EXPECT_EQ(cudaLaunchHostFunc(stream, [](void* p) { ++*static_cast<int*>(p); }, &calls), cudaSuccess);
    EXPECT_EQ(
        cudaStreamAddCallback(
            stream, [](cudaStream_t, cudaError_t status, void* p) { *static_cast<int*>(p) += status == cudaSuccess; }, &calls, 0),
        cudaSuccess);
    EXPECT_EQ(cudaEventRecord(end, stream), cudaSuccess);
    EXPECT_EQ(cudaEventSynchronize(end), cudaSuccess);
    EXPECT_EQ(cudaEventQuery(end), cudaSuccess);
    EXPECT_EQ(calls, 2);
    float ms = -1;
    EXPECT_EQ(cudaEventElapsedTime(&ms, start, end), cudaSuccess);
    EXPECT_GE(ms, 0);
    cudaStreamCaptureStatus status = cudaStreamCaptureStatusActive;
    EXPECT_EQ(cudaStreamIsCapturing(stream, &status), cudaSuccess);
    EXPECT_EQ(status, cudaStreamCaptureStatusNone);
    void* memory = nullptr;
    EXPECT_EQ(cudaMallocAsync(&memory, 1000, stream), cudaSuccess);
    EXPECT_EQ(cudaMemsetAsync(memory, 1, 1000, stream), cudaSuccess);
    EXPECT_EQ(cudaFreeAsync(memory, stream), cudaSuccess);
    EXPECT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
    EXPECT_EQ(cudaEventDestroy(start), cudaSuccess);
    EXPECT_EQ(cudaEventDestroy(end), cudaSuccess);
    EXPECT_EQ(cudaStreamDestroy(stream), cudaSuccess);
    EXPECT_EQ(cudaStreamDestroy(nullptr), cudaErrorInvalidResourceHandle);
}

TEST_F(Runtime, MixesWithTheDriver) {
    CUcontext own = nullptr, now = nullptr;
    ASSERT_EQ(cudaFree(nullptr), cudaSuccess);
    ASSERT_EQ(cuCtxGetCurrent(&now), CUDA_SUCCESS);
    EXPECT_NE(now, nullptr);
    ASSERT_EQ(cuCtxCreate_v2(&own, 0, 0), CUDA_SUCCESS);
    Registered registered;
    int* out = nullptr;
    ASSERT_EQ(cudaMallocManaged(reinterpret_cast<void**>(&out), 64 * 4, cudaMemAttachGlobal), cudaSuccess);
    void* args[] = {&out};
    EXPECT_EQ(cudaLaunchKernel(iota, 1, 64, args, 0, nullptr), cudaSuccess);
    EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    EXPECT_EQ(out[63], 163);
    ASSERT_EQ(cuCtxGetCurrent(&now), CUDA_SUCCESS);
    EXPECT_EQ(now, own);
    EXPECT_EQ(cuCtxDestroy_v2(own), CUDA_SUCCESS);
    void* function = nullptr;
    cudaDriverEntryPointQueryResult found{};
    EXPECT_EQ(cudaGetDriverEntryPointByVersion("cuInit", &function, 13000, cudaEnableDefault, &found), cudaSuccess);
    EXPECT_EQ(function, reinterpret_cast<void*>(&cuInit));
    EXPECT_EQ(cudaGetDriverEntryPointByVersion("cuNoSuch", &function, 13000, cudaEnableDefault, &found), cudaSuccess);
    EXPECT_EQ(found, cudaDriverEntryPointSymbolNotFound);
}

TEST_F(Runtime, AnswersWhatItLacks) {
    cudaMipmappedArray_t array = nullptr;
    cudaExternalMemoryMipmappedArrayDesc description{};
    EXPECT_EQ(cudaExternalMemoryGetMappedMipmappedArray(&array, nullptr, &description), cudaErrorNotSupported);
    EXPECT_EQ(cudaGetLastError(), cudaErrorNotSupported);
}

TEST_F(Runtime, ExternalMemoryAndSemaphores) {
    int file = memfd_create("external", MFD_CLOEXEC), counter = memfd_create("counter", MFD_CLOEXEC);
    ASSERT_EQ(ftruncate(file, 8192), 0);
    ASSERT_EQ(ftruncate(counter, 4096), 0);
    auto* values = static_cast<int*>(mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0));
    auto* value = static_cast<uint64_t*>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, counter, 0));
    cudaExternalMemory_t memory = nullptr;
    cudaExternalMemoryHandleDesc description{};
    EXPECT_EQ(cudaImportExternalMemory(&memory, &description), cudaErrorInvalidValue);
    description.type = cudaExternalMemoryHandleTypeOpaqueFd;
    description.handle.fd = file;
    description.size = 8192;
    ASSERT_EQ(cudaImportExternalMemory(&memory, &description), cudaSuccess);
    cudaExternalMemoryBufferDesc part{};
    part.size = 8192;
    void* buffer = nullptr;
    ASSERT_EQ(cudaExternalMemoryGetMappedBuffer(&buffer, memory, &part), cudaSuccess);
    cudaExternalSemaphore_t semaphore = nullptr;
    cudaExternalSemaphoreHandleDesc what{};
    what.type = cudaExternalSemaphoreHandleTypeTimelineSemaphoreFd;
    what.handle.fd = counter;
    ASSERT_EQ(cudaImportExternalSemaphore(&semaphore, &what), cudaSuccess);
    cudaExternalSemaphoreSignalParams signal{};
    signal.params.fence.value = 4;
    cudaExternalSemaphoreWaitParams wait{};
    wait.params.fence.value = 4;
    ASSERT_EQ(cudaMemsetAsync(buffer, 1, 8192, nullptr), cudaSuccess);
    ASSERT_EQ(cudaSignalExternalSemaphoresAsync(&semaphore, &signal, 1, nullptr), cudaSuccess);
    ASSERT_EQ(cudaWaitExternalSemaphoresAsync(&semaphore, &wait, 1, nullptr), cudaSuccess);
    ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    EXPECT_EQ(*value, 4U);
    EXPECT_EQ(values[2047], 0x01010101);
    cudaGraph_t graph = nullptr;
    cudaGraphNode_t node = nullptr;
    cudaExternalSemaphoreSignalNodeParams parameters{&semaphore, &signal, 1};
    ASSERT_EQ(cudaGraphCreate(&graph, 0), cudaSuccess);
    ASSERT_EQ(cudaGraphAddExternalSemaphoresSignalNode(&node, graph, nullptr, 0, &parameters), cudaSuccess);
    EXPECT_EQ(cudaGraphDestroy(graph), cudaSuccess);
    EXPECT_EQ(cudaFree(buffer), cudaSuccess);
    EXPECT_EQ(cudaDestroyExternalSemaphore(semaphore), cudaSuccess);
    EXPECT_EQ(cudaDestroyExternalMemory(memory), cudaSuccess);
    munmap(values, 8192);
    munmap(value, 4096);
}

TEST_F(Runtime, BatchesOfCopies) {
    int host[8] = {1, 2, 3, 4, 5, 6, 7, 8}, back[8] = {};
    int* memory = nullptr;
    ASSERT_EQ(cudaMalloc(reinterpret_cast<void**>(&memory), sizeof host), cudaSuccess);
    cudaStream_t stream = nullptr;
    ASSERT_EQ(cudaStreamCreate(&stream), cudaSuccess);
    void* to[2] = {memory, memory + 4};
    const void* from[2] = {host + 4, host};
    size_t sizes[2] = {16, 16}, index = 0;
    cudaMemcpyAttributes attributes{};
    attributes.srcAccessOrder = cudaMemcpySrcAccessOrderStream;
    ASSERT_EQ(cudaMemcpyBatchAsync(to, from, sizes, 2, &attributes, &index, 1, stream), cudaSuccess);
    cudaMemcpy3DBatchOp box{};
    box.src.type = box.dst.type = cudaMemcpyOperandTypePointer;
    box.src.op.ptr.ptr = memory;
    box.dst.op.ptr.ptr = back;
    box.extent = {32, 1, 1};
    box.srcAccessOrder = cudaMemcpySrcAccessOrderStream;
    ASSERT_EQ(cudaMemcpy3DBatchAsync(1, &box, 0, stream), cudaSuccess);
    ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
    EXPECT_EQ(back[0], 5);
    EXPECT_EQ(back[7], 4);
    EXPECT_EQ(cudaStreamDestroy(stream), cudaSuccess);
    EXPECT_EQ(cudaFree(memory), cudaSuccess);
}

TEST_F(Runtime, ResetsADevice) {
    Registered registered;
    int *out = nullptr, base = 1, read = 0;
    ASSERT_EQ(cudaMemcpyToSymbol(&host_offset, &base, 4, 0, cudaMemcpyHostToDevice), cudaSuccess);
    ASSERT_EQ(cudaDeviceReset(), cudaSuccess);
    ASSERT_EQ(cudaMemcpyFromSymbol(&read, &host_offset, 4, 0, cudaMemcpyDeviceToHost), cudaSuccess);
    EXPECT_EQ(read, 100);
    ASSERT_EQ(cudaMalloc(reinterpret_cast<void**>(&out), 64 * 4), cudaSuccess);
    void* args[] = {&out};
    EXPECT_EQ(cudaLaunchKernel(iota, 1, 64, args, 0, nullptr), cudaSuccess);
    EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    EXPECT_EQ(cudaFree(out), cudaSuccess);
}

} // namespace
