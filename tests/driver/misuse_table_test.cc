// Calls that a program shouldn't make, as a table: the call, and the error that the CUDA driver API documents for it. Then the same
// functions without a context, and in a forked child.
#include "driver_test.h"

#include <cstring>
#include <functional>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace {

struct Row {
    const char* call;
    std::function<CUresult()> make;
    CUresult answer;
};
#define ROW(answer, call)                                                                                                        \
    Row { #call, [&] { return call; }, CUDA_##answer }

void nothing(void*) {}

class MisuseTableTest : public DriverTest {
protected:
    void SetUp() override {
        DriverTest::SetUp();
        OK(cuModuleLoadData(&module, scale_ptx));
        OK(cuModuleGetFunction(&function, module, "scale"));
        OK(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
        OK(cuStreamCreate(&gone_stream, 0));
        OK(cuStreamDestroy(gone_stream));
        OK(cuEventCreate(&event, CU_EVENT_DISABLE_TIMING));
        OK(cuEventCreate(&gone_event, 0));
        OK(cuEventDestroy(gone_event));
        OK(cuMemAlloc(&memory, 4096));
        OK(cuMemAllocPitch(&pitched, &pitch, 100, 10, 4));
        OK(cuGraphCreate(&graph, 0));
        OK(cuGraphCreate(&other_graph, 0));
        OK(cuGraphAddEmptyNode(&node, graph, nullptr, 0));
        OK(cuGraphAddEmptyNode(&second, graph, nullptr, 0));
        OK(cuGraphAddEmptyNode(&foreign, other_graph, nullptr, 0));
        CUDA_ARRAY_DESCRIPTOR plain{16, 16, CU_AD_FORMAT_FLOAT, 1};
        OK(cuArrayCreate(&array, &plain));
        OK(cuArrayCreate(&gone_array, &plain));
        OK(cuArrayDestroy(gone_array));
    }
    void check(const std::vector<Row>& rows) {
        for (const Row& row : rows) {
            const char *wanted = "?", *name = "?";
            CUresult answer = row.make();
            cuGetErrorName(row.answer, &wanted);
            cuGetErrorName(answer, &name);
            EXPECT_STREQ(name, wanted) << row.call;
        }
    }

    CUmodule module = nullptr, no_module = nullptr;
    CUfunction function = nullptr, found = nullptr;
    CUstream stream = nullptr, gone_stream = nullptr, made_stream = nullptr;
    CUevent event = nullptr, gone_event = nullptr, made_event = nullptr;
    CUdeviceptr memory = 0, pitched = 0, made = 0;
    CUgraph graph = nullptr, other_graph = nullptr, made_graph = nullptr;
    CUgraphNode node = nullptr, second = nullptr, foreign = nullptr, made_node = nullptr;
    CUgraphExec exec = nullptr;
    CUarray array = nullptr, gone_array = nullptr, made_array = nullptr;
    CUlibrary library = nullptr;
    CUkernel kernel = nullptr;
    size_t pitch = 0, size = 0;
    int number = 0;
    unsigned flags = 0;
    void* pointer = nullptr;
    float milliseconds = 0;
    char text[64] = {};
    CUdevice other = 0;
};

TEST_F(MisuseTableTest, DevicesAndContexts) {
    CUuuid uuid;
    CUctx_st* destroyed = nullptr;
    CUlimit no_limit = CUlimit(9999);
    OK(cuCtxCreate(&destroyed, nullptr, 0, device));
    OK(cuCtxDestroy(destroyed));
    OK(cuCtxSetCurrent(context));
    check({
        ROW(ERROR_INVALID_VALUE, cuInit(1)),
        ROW(ERROR_INVALID_VALUE, cuDeviceGet(nullptr, 0)),
        ROW(ERROR_INVALID_DEVICE, cuDeviceGet(&other, -1)),
        ROW(ERROR_INVALID_DEVICE, cuDeviceGet(&other, 99)),
        ROW(ERROR_INVALID_VALUE, cuDeviceGetCount(nullptr)),
        ROW(ERROR_INVALID_VALUE, cuDeviceGetName(nullptr, 64, 0)),
        ROW(ERROR_INVALID_DEVICE, cuDeviceGetName(text, 64, 99)),
        ROW(ERROR_INVALID_VALUE, cuDeviceGetUuid(nullptr, 0)),
        ROW(ERROR_INVALID_DEVICE, cuDeviceGetUuid(&uuid, 99)),
        ROW(ERROR_INVALID_VALUE, cuDeviceTotalMem(nullptr, 0)),
        ROW(ERROR_INVALID_DEVICE, cuDeviceTotalMem(&size, -3)),
        ROW(ERROR_INVALID_VALUE, cuDeviceGetAttribute(nullptr, CU_DEVICE_ATTRIBUTE_WARP_SIZE, 0)),
        ROW(ERROR_INVALID_DEVICE, cuDeviceGetAttribute(&number, CU_DEVICE_ATTRIBUTE_WARP_SIZE, 99)),
        ROW(ERROR_INVALID_VALUE, cuDeviceGetPCIBusId(nullptr, 64, 0)),
        ROW(ERROR_INVALID_VALUE, cuDeviceGetByPCIBusId(&other, nullptr)),
        ROW(ERROR_INVALID_DEVICE, cuDeviceCanAccessPeer(&number, 0, 99)),
        ROW(ERROR_INVALID_DEVICE, cuDeviceGetP2PAttribute(&number, CU_DEVICE_P2P_ATTRIBUTE_ACCESS_SUPPORTED, 0, 99)),
        ROW(ERROR_INVALID_DEVICE, cuDevicePrimaryCtxRetain(&destroyed, 99)),
        ROW(ERROR_INVALID_DEVICE, cuDevicePrimaryCtxReset(99)),
        ROW(ERROR_INVALID_VALUE, cuDevicePrimaryCtxSetFlags(0, 0xffff)),
        ROW(ERROR_INVALID_DEVICE, cuDevicePrimaryCtxGetState(99, &flags, &number)),
        ROW(ERROR_INVALID_VALUE, cuCtxGetCurrent(nullptr)),
        ROW(ERROR_INVALID_VALUE, cuCtxGetDevice(nullptr)),
        ROW(ERROR_INVALID_VALUE, cuCtxGetFlags(nullptr)),
        ROW(ERROR_INVALID_VALUE, cuCtxGetLimit(nullptr, CU_LIMIT_STACK_SIZE)),
        ROW(ERROR_INVALID_VALUE, cuCtxGetLimit(&size, no_limit)),
        ROW(ERROR_INVALID_VALUE, cuCtxSetLimit(no_limit, 1)),
        ROW(ERROR_INVALID_VALUE, cuCtxSetCacheConfig(CUfunc_cache(99))),
        ROW(SUCCESS, cuCtxGetStreamPriorityRange(nullptr, nullptr)),
        ROW(ERROR_INVALID_VALUE, cuGetErrorName(CUresult(54321), nullptr)),
        ROW(ERROR_INVALID_VALUE, cuDriverGetVersion(nullptr)),
        ROW(ERROR_INVALID_VALUE, cuMemGetInfo(nullptr, nullptr)),
    });
}

TEST_F(MisuseTableTest, ModulesAndFunctions) {
    CUlinkState link = nullptr;
    OK(cuLinkCreate(0, nullptr, nullptr, &link));
    CUlinkState gone_link = link;
    OK(cuLinkDestroy(link));
    CUmoduleLoadingMode mode;
    check({
        ROW(ERROR_FILE_NOT_FOUND, cuModuleLoad(&no_module, "/no/such/file.ptx")),
        ROW(ERROR_INVALID_VALUE, cuModuleLoad(&no_module, nullptr)),
        ROW(ERROR_INVALID_VALUE, cuModuleLoadData(nullptr, scale_ptx)),
        ROW(ERROR_INVALID_IMAGE, cuModuleLoadData(&no_module, "no program at all")),
        ROW(ERROR_INVALID_PTX, cuModuleLoadData(&no_module, ".version 7.0\n.target sm_70\n.visible .entry k( {")),
        ROW(ERROR_INVALID_VALUE, cuModuleGetFunction(&found, module, nullptr)),
        ROW(ERROR_NOT_FOUND, cuModuleGetFunction(&found, module, "none")),
        ROW(ERROR_INVALID_HANDLE, cuModuleGetFunction(&found, reinterpret_cast<CUmodule>(&number), "scale")),
        ROW(ERROR_NOT_FOUND, cuModuleGetGlobal(&made, &size, module, "none")),
        ROW(ERROR_INVALID_HANDLE, cuModuleUnload(reinterpret_cast<CUmodule>(&number))),
        ROW(ERROR_INVALID_VALUE, cuModuleGetLoadingMode(nullptr)),
        ROW(SUCCESS, cuModuleGetLoadingMode(&mode)),
        ROW(ERROR_FILE_NOT_FOUND, cuLibraryLoadFromFile(&library, "/no/such", nullptr, nullptr, 0, nullptr, nullptr, 0)),
        ROW(ERROR_INVALID_IMAGE, cuLibraryLoadData(&library, "nothing", nullptr, nullptr, 0, nullptr, nullptr, 0)),
        ROW(ERROR_INVALID_HANDLE, cuLibraryUnload(reinterpret_cast<CUlibrary>(&number))),
        ROW(ERROR_INVALID_HANDLE, cuLibraryGetKernel(&kernel, reinterpret_cast<CUlibrary>(&number), "k")),
        ROW(ERROR_INVALID_HANDLE, cuLinkComplete(gone_link, &pointer, &size)),
        ROW(ERROR_INVALID_HANDLE, cuLinkDestroy(gone_link)),
        ROW(ERROR_INVALID_VALUE, cuFuncGetAttribute(&number, CUfunction_attribute(999), function)),
        ROW(ERROR_INVALID_HANDLE, cuFuncGetAttribute(&number, CU_FUNC_ATTRIBUTE_NUM_REGS, nullptr)),
        ROW(ERROR_INVALID_VALUE, cuFuncSetAttribute(function, CU_FUNC_ATTRIBUTE_NUM_REGS, 1)),
        ROW(ERROR_INVALID_VALUE, cuFuncSetCacheConfig(function, CUfunc_cache(77))),
        ROW(ERROR_INVALID_VALUE, cuFuncGetModule(nullptr, function)),
        ROW(ERROR_INVALID_VALUE, cuOccupancyMaxActiveBlocksPerMultiprocessor(&number, function, -1, 0)),
        ROW(ERROR_INVALID_VALUE, cuOccupancyMaxActiveBlocksPerMultiprocessor(nullptr, function, 32, 0)),
    });
}

TEST_F(MisuseTableTest, Launches) {
    float factor = 1;
    unsigned n = 0;
    void* parameters[] = {&memory, &memory, &factor, &n};
    size_t bytes = 32;
    void* extra[] = {CU_LAUNCH_PARAM_BUFFER_POINTER, parameters, CU_LAUNCH_PARAM_BUFFER_SIZE, &bytes, CU_LAUNCH_PARAM_END};
    CUlaunchConfig config{};
    check({
        ROW(ERROR_INVALID_VALUE, cuLaunchKernel(function, 0, 1, 1, 32, 1, 1, 0, stream, parameters, nullptr)),
        ROW(ERROR_INVALID_VALUE, cuLaunchKernel(function, 1, 1, 1, 2048, 1, 1, 0, stream, parameters, nullptr)),
        ROW(ERROR_INVALID_VALUE, cuLaunchKernel(function, 1, 70000, 1, 32, 1, 1, 0, stream, parameters, nullptr)),
        ROW(ERROR_INVALID_VALUE, cuLaunchKernel(function, 1, 1, 1, 1, 1, 65, 0, stream, parameters, nullptr)),
        ROW(ERROR_INVALID_VALUE, cuLaunchKernel(function, 1, 1, 1, 32, 1, 1, 1 << 20, stream, parameters, nullptr)),
        ROW(ERROR_INVALID_VALUE, cuLaunchKernel(function, 1, 1, 1, 32, 1, 1, 0, stream, parameters, extra)),
        ROW(ERROR_INVALID_HANDLE, cuLaunchKernel(nullptr, 1, 1, 1, 32, 1, 1, 0, stream, parameters, nullptr)),
        ROW(ERROR_INVALID_HANDLE, cuLaunchKernel(function, 1, 1, 1, 32, 1, 1, 0, gone_stream, parameters, nullptr)),
        ROW(ERROR_COOPERATIVE_LAUNCH_TOO_LARGE, cuLaunchCooperativeKernel(function, 1 << 20, 1, 1, 1024, 1, 1, 0, stream, parameters)),
        ROW(ERROR_INVALID_VALUE, cuLaunchKernelEx(nullptr, function, parameters, nullptr)),
        ROW(ERROR_INVALID_VALUE, cuLaunchKernelEx(&config, function, parameters, nullptr)),
        ROW(ERROR_INVALID_VALUE, cuLaunchHostFunc(stream, nullptr, nullptr)),
        ROW(ERROR_INVALID_HANDLE, cuLaunchHostFunc(gone_stream, nothing, nullptr)),
    });
}

TEST_F(MisuseTableTest, Memory) {
    CUmemoryPool pool = nullptr;
    CUmemPoolProps none{};
    CUmemAllocationProp no_location{};
    CUmemGenericAllocationHandle handle = 0;
    CUDA_MEMCPY2D copy{};
    std::vector<char> host(8192);
    copy.srcMemoryType = copy.dstMemoryType = CU_MEMORYTYPE_DEVICE;
    copy.srcDevice = copy.dstDevice = pitched;
    copy.srcPitch = copy.dstPitch = 16;
    copy.WidthInBytes = 64;
    copy.Height = 2;
    OK(cuMemHostRegister(host.data(), host.size(), 0));
    check({
        ROW(ERROR_INVALID_VALUE, cuMemAlloc(&made, 0)),
        ROW(ERROR_INVALID_VALUE, cuMemAlloc(nullptr, 16)),
        ROW(ERROR_OUT_OF_MEMORY, cuMemAlloc(&made, size_t{1} << 50)),
        ROW(SUCCESS, cuMemFree(0)),
        ROW(ERROR_INVALID_VALUE, cuMemFree(CUdeviceptr(&number))),
        ROW(ERROR_INVALID_VALUE, cuMemFree(memory + 8)),
        ROW(ERROR_INVALID_VALUE, cuMemAllocPitch(&made, &pitch, 64, 4, 3)),
        ROW(ERROR_INVALID_VALUE, cuMemAllocPitch(&made, nullptr, 64, 4, 4)),
        ROW(ERROR_INVALID_VALUE, cuMemAllocManaged(&made, 64, 0)),
        ROW(ERROR_INVALID_VALUE, cuMemAllocManaged(&made, 0, CU_MEM_ATTACH_GLOBAL)),
        ROW(ERROR_INVALID_VALUE, cuMemHostAlloc(&pointer, 64, 0x100)),
        ROW(ERROR_INVALID_VALUE, cuMemHostAlloc(nullptr, 64, 0)),
        ROW(ERROR_INVALID_VALUE, cuMemFreeHost(&number)),
        ROW(ERROR_INVALID_VALUE, cuMemHostRegister(nullptr, 64, 0)),
        ROW(ERROR_HOST_MEMORY_ALREADY_REGISTERED, cuMemHostRegister(host.data(), host.size(), 0)),
        ROW(ERROR_HOST_MEMORY_NOT_REGISTERED, cuMemHostUnregister(&number)),
        ROW(ERROR_INVALID_VALUE, cuMemHostGetDevicePointer(&made, &number, 0)),
        ROW(ERROR_INVALID_VALUE, cuMemHostGetFlags(&flags, &number)),
        ROW(ERROR_NOT_FOUND, cuMemGetAddressRange(&made, &size, CUdeviceptr(&number))),
        ROW(ERROR_INVALID_VALUE, cuPointerGetAttribute(&number, CUpointer_attribute(9999), memory)),
        ROW(ERROR_INVALID_VALUE, cuPointerGetAttribute(&number, CU_POINTER_ATTRIBUTE_MEMORY_TYPE, CUdeviceptr(&number))),
        ROW(ERROR_INVALID_VALUE, cuMemcpyDtoH(host.data(), memory, 8192)),
        ROW(ERROR_INVALID_VALUE, cuMemcpyHtoD(memory, nullptr, 16)),
        ROW(ERROR_INVALID_VALUE, cuMemcpy2D(&copy)),
        ROW(ERROR_INVALID_VALUE, cuMemcpy2D(nullptr)),
        ROW(ERROR_INVALID_HANDLE, cuMemcpyDtoHAsync(host.data(), memory, 16, gone_stream)),
        ROW(ERROR_INVALID_VALUE, cuMemsetD32(memory + 1, 0, 4)),
        ROW(ERROR_INVALID_VALUE, cuMemsetD16(memory + 1, 0, 4)),
        ROW(ERROR_INVALID_VALUE, cuMemsetD8(memory, 0, 8192)),
        ROW(ERROR_INVALID_VALUE, cuMemAllocAsync(&made, 0, stream)),
        ROW(ERROR_INVALID_HANDLE, cuMemAllocAsync(&made, 64, gone_stream)),
        ROW(ERROR_INVALID_VALUE, cuMemFreeAsync(CUdeviceptr(&number), stream)),
        ROW(ERROR_INVALID_VALUE, cuMemPoolCreate(&pool, &none)),
        ROW(ERROR_INVALID_VALUE, cuMemPoolCreate(&pool, nullptr)),
        ROW(ERROR_INVALID_VALUE, cuMemPoolDestroy(nullptr)),
        ROW(ERROR_INVALID_VALUE, cuMemPoolTrimTo(nullptr, 0)),
        ROW(ERROR_INVALID_DEVICE, cuDeviceGetDefaultMemPool(&pool, 99)),
        ROW(ERROR_INVALID_VALUE, cuMemAddressReserve(&made, 0, 0, 0, 0)),
        ROW(ERROR_INVALID_VALUE, cuMemAddressReserve(&made, 12345, 0, 0, 0)),
        ROW(ERROR_INVALID_VALUE, cuMemAddressFree(CUdeviceptr(&number), 4096)),
        ROW(ERROR_INVALID_VALUE, cuMemCreate(&handle, 0, &no_location, 0)),
        ROW(ERROR_INVALID_VALUE, cuMemRelease(77)),
        ROW(ERROR_INVALID_VALUE, cuMemUnmap(CUdeviceptr(&number), 4096)),
        ROW(ERROR_INVALID_VALUE, cuMemGetAllocationGranularity(nullptr, &no_location, CU_MEM_ALLOC_GRANULARITY_MINIMUM)),
    });
    OK(cuMemHostUnregister(host.data()));
}

TEST_F(MisuseTableTest, StreamsAndEvents) {
    CUgraph captured = nullptr;
    CUstreamCaptureStatus status;
    auto callback = [](CUstream, CUresult, void*) {};
    OK(cuStreamCreate(&made_stream, CU_STREAM_NON_BLOCKING));
    OK(cuStreamBeginCapture(made_stream, CU_STREAM_CAPTURE_MODE_RELAXED));
    check({
        ROW(ERROR_INVALID_VALUE, cuStreamCreate(nullptr, 0)),
        ROW(ERROR_INVALID_VALUE, cuStreamCreate(&stream, 8)),
        ROW(ERROR_INVALID_HANDLE, cuStreamQuery(gone_stream)),
        ROW(ERROR_INVALID_HANDLE, cuStreamGetFlags(gone_stream, &flags)),
        ROW(ERROR_INVALID_VALUE, cuStreamGetFlags(stream, nullptr)),
        ROW(ERROR_INVALID_HANDLE, cuStreamGetPriority(gone_stream, &number)),
        ROW(ERROR_INVALID_HANDLE, cuStreamWaitEvent(stream, gone_event, 0)),
        ROW(ERROR_INVALID_HANDLE, cuStreamWaitEvent(gone_stream, event, 0)),
        ROW(ERROR_INVALID_VALUE, cuStreamWaitEvent(stream, event, 0x80)),
        ROW(ERROR_INVALID_VALUE, cuStreamAddCallback(stream, callback, nullptr, 1)),
        ROW(ERROR_INVALID_VALUE, cuStreamAddCallback(stream, nullptr, nullptr, 0)),
        ROW(ERROR_ILLEGAL_STATE, cuStreamEndCapture(stream, &captured)),
        ROW(ERROR_STREAM_CAPTURE_UNSUPPORTED, cuStreamBeginCapture(CU_STREAM_LEGACY, CU_STREAM_CAPTURE_MODE_RELAXED)),
        ROW(ERROR_ILLEGAL_STATE, cuStreamBeginCapture(made_stream, CU_STREAM_CAPTURE_MODE_RELAXED)),
        ROW(ERROR_INVALID_VALUE, cuStreamBeginCapture(stream, CUstreamCaptureMode(9))),
        ROW(ERROR_INVALID_VALUE, cuStreamIsCapturing(stream, nullptr)),
        ROW(ERROR_INVALID_HANDLE, cuStreamIsCapturing(gone_stream, &status)),
        ROW(ERROR_INVALID_VALUE, cuStreamWaitValue32(stream, memory + 2, 0, CU_STREAM_WAIT_VALUE_GEQ)),
        ROW(ERROR_INVALID_VALUE, cuStreamWriteValue32(stream, 0, 0, 0)),
        ROW(ERROR_INVALID_VALUE, cuEventCreate(nullptr, 0)),
        ROW(ERROR_INVALID_VALUE, cuEventCreate(&made_event, 0x80)),
        ROW(ERROR_INVALID_HANDLE, cuEventQuery(gone_event)),
        ROW(ERROR_INVALID_HANDLE, cuEventSynchronize(gone_event)),
        ROW(ERROR_INVALID_HANDLE, cuEventRecord(event, gone_stream)),
        ROW(ERROR_INVALID_HANDLE, cuEventElapsedTime(&milliseconds, event, event)),
        ROW(ERROR_STREAM_CAPTURE_UNSUPPORTED, cuStreamSynchronize(made_stream)), // and the capture is spoilt
        ROW(ERROR_STREAM_CAPTURE_INVALIDATED, cuStreamEndCapture(made_stream, &captured)),
    });
}

TEST_F(MisuseTableTest, Graphs) {
    CUDA_KERNEL_NODE_PARAMS kernel_parameters{};
    CUDA_HOST_NODE_PARAMS host_parameters{};
    CUDA_MEMSET_NODE_PARAMS set{};
    CUgraphNodeType type;
    OK(cuGraphClone(&made_graph, graph));
    CUgraph gone_graph = made_graph;
    OK(cuGraphDestroy(made_graph));
    check({
        ROW(ERROR_INVALID_VALUE, cuGraphCreate(&made_graph, 1)),
        ROW(ERROR_INVALID_VALUE, cuGraphCreate(nullptr, 0)),
        ROW(ERROR_INVALID_VALUE, cuGraphDestroy(gone_graph)),
        ROW(ERROR_INVALID_VALUE, cuGraphAddEmptyNode(&made_node, graph, &foreign, 1)),
        ROW(ERROR_INVALID_VALUE, cuGraphAddEmptyNode(nullptr, graph, nullptr, 0)),
        ROW(ERROR_INVALID_VALUE, cuGraphAddDependencies(graph, &node, &foreign, nullptr, 1)),
        ROW(ERROR_INVALID_VALUE, cuGraphAddDependencies(graph, &node, &node, nullptr, 1)),
        ROW(ERROR_INVALID_VALUE, cuGraphRemoveDependencies(graph, &node, &second, nullptr, 1)),
        ROW(ERROR_INVALID_VALUE, cuGraphAddKernelNode(&made_node, graph, nullptr, 0, nullptr)),
        ROW(ERROR_INVALID_HANDLE, cuGraphAddKernelNode(&made_node, graph, nullptr, 0, &kernel_parameters)), // no function
        ROW(ERROR_INVALID_VALUE, cuGraphAddHostNode(&made_node, graph, nullptr, 0, &host_parameters)),
        ROW(ERROR_INVALID_VALUE, cuGraphAddMemsetNode(&made_node, graph, nullptr, 0, &set, context)),
        ROW(ERROR_INVALID_VALUE, cuGraphAddChildGraphNode(&made_node, graph, nullptr, 0, gone_graph)),
        ROW(ERROR_INVALID_VALUE, cuGraphAddEventRecordNode(&made_node, graph, nullptr, 0, gone_event)),
        ROW(ERROR_INVALID_VALUE, cuGraphKernelNodeGetParams(node, &kernel_parameters)),
        ROW(ERROR_INVALID_VALUE, cuGraphHostNodeGetParams(node, &host_parameters)),
        ROW(ERROR_INVALID_VALUE, cuGraphChildGraphNodeGetGraph(node, &made_graph)),
        ROW(ERROR_INVALID_VALUE, cuGraphNodeGetType(nullptr, &type)),
        ROW(ERROR_INVALID_VALUE, cuGraphGetNodes(graph, nullptr, nullptr)),
        ROW(ERROR_INVALID_VALUE, cuGraphInstantiate(nullptr, graph, 0)),
        ROW(ERROR_INVALID_VALUE, cuGraphLaunch(nullptr, stream)),
        ROW(ERROR_INVALID_VALUE, cuGraphExecDestroy(nullptr)),
        ROW(ERROR_INVALID_VALUE, cuGraphDestroyNode(nullptr)),
    });
}

TEST_F(MisuseTableTest, ArraysTexturesAndTheRest) {
    CUDA_ARRAY_DESCRIPTOR empty{0, 4, CU_AD_FORMAT_FLOAT, 1}, three{4, 4, CU_AD_FORMAT_FLOAT, 3}, back{};
    CUDA_RESOURCE_DESC resource{};
    CUDA_TEXTURE_DESC texture{};
    CUtexObject object = 0;
    CUsurfObject surface = 0;
    CUipcMemHandle ipc{};
    CUipcEventHandle ipc_event{};
    CUexternalMemory external = nullptr;
    resource.resType = CU_RESOURCE_TYPE_ARRAY;
    resource.res.array.hArray = array; // made without CUDA_ARRAY3D_SURFACE_LDST
    check({
        ROW(ERROR_INVALID_VALUE, cuArrayCreate(&made_array, &empty)),
        ROW(ERROR_INVALID_VALUE, cuArrayCreate(&made_array, &three)),
        ROW(ERROR_INVALID_VALUE, cuArrayCreate(nullptr, &empty)),
        ROW(ERROR_INVALID_HANDLE, cuArrayDestroy(gone_array)),
        ROW(ERROR_INVALID_HANDLE, cuArrayGetDescriptor(&back, gone_array)),
        ROW(ERROR_INVALID_VALUE, cuTexObjectCreate(nullptr, &resource, &texture, nullptr)),
        ROW(ERROR_INVALID_VALUE, cuTexObjectCreate(&object, nullptr, &texture, nullptr)),
        ROW(ERROR_INVALID_VALUE, cuTexObjectDestroy(12345)),
        ROW(ERROR_INVALID_VALUE, cuSurfObjectCreate(&surface, &resource)),
        ROW(ERROR_INVALID_VALUE, cuSurfObjectDestroy(12345)),
        ROW(ERROR_INVALID_VALUE, cuIpcGetMemHandle(&ipc, CUdeviceptr(&number))),
        ROW(ERROR_INVALID_VALUE, cuIpcOpenMemHandle(&made, ipc, 0x40)),
        ROW(ERROR_INVALID_VALUE, cuIpcCloseMemHandle(CUdeviceptr(&number))),
        ROW(ERROR_INVALID_VALUE, cuIpcGetEventHandle(nullptr, event)),
        ROW(ERROR_INVALID_HANDLE, cuIpcGetEventHandle(&ipc_event, gone_event)),
        ROW(ERROR_INVALID_VALUE, cuImportExternalMemory(&external, nullptr)),
        ROW(ERROR_INVALID_VALUE, cuTensorMapEncodeTiled(nullptr, CU_TENSOR_MAP_DATA_TYPE_FLOAT32, 1, nullptr, nullptr, nullptr, nullptr, nullptr,
                                                        CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_NONE,
                                                        CU_TENSOR_MAP_L2_PROMOTION_NONE, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE)),
        ROW(ERROR_INVALID_VALUE, cuGetProcAddress(nullptr, &pointer, 13000, 0, nullptr)),
        ROW(ERROR_PEER_ACCESS_NOT_ENABLED, cuCtxDisablePeerAccess(context)),
    });
}

/// What needs a context or an initialised driver.
#define OF_A_CONTEXT(answer)                                                                                                     \
    ROW(answer, cuMemAlloc(&made, 64)), ROW(answer, cuMemFree(memory)), ROW(answer, cuMemcpyDtoH(text, memory, 4)),              \
        ROW(answer, cuMemsetD8(memory, 0, 4)), ROW(answer, cuMemGetInfo(&size, &size)), ROW(answer, cuStreamCreate(&stream, 0)), \
        ROW(answer, cuStreamSynchronize(nullptr)), ROW(answer, cuEventCreate(&event, 0)), ROW(answer, cuCtxSynchronize()),       \
        ROW(answer, cuModuleLoadData(&module, scale_ptx)), ROW(answer, cuMemAllocManaged(&made, 64, CU_MEM_ATTACH_GLOBAL)),      \
        ROW(answer, cuMemHostAlloc(&pointer, 64, 0)), ROW(answer, cuCtxGetDevice(&other)), ROW(answer, cuCtxGetFlags(&flags)),   \
        ROW(answer, cuCtxGetLimit(&size, CU_LIMIT_STACK_SIZE)), ROW(answer, cuCtxSetLimit(CU_LIMIT_STACK_SIZE, 1024)),           \
        ROW(answer, cuMemAllocAsync(&made, 64, nullptr)), ROW(answer, cuLinkCreate(0, nullptr, nullptr, &link)),                 \
        ROW(answer, cuMemHostRegister(text, 64, 0)), ROW(answer, cuLaunchHostFunc(nullptr, nothing, nullptr))

TEST_F(MisuseTableTest, WithoutAContext) {
    CUlinkState link = nullptr;
    OK(cuCtxSetCurrent(nullptr));
    check({OF_A_CONTEXT(ERROR_INVALID_CONTEXT), ROW(ERROR_INVALID_CONTEXT, cuCtxPopCurrent(&context))});
    OK(cuCtxSetCurrent(context));
}

TEST_F(MisuseTableTest, AfterFork) {
    pid_t child = fork();
    if (child == 0) {
        CUlinkState link = nullptr;
        int wrong = 0;
        for (const Row& row :
             {OF_A_CONTEXT(ERROR_NOT_INITIALIZED), ROW(ERROR_NOT_INITIALIZED, cuDeviceGetCount(&number)),
              ROW(ERROR_NOT_INITIALIZED, cuDeviceGet(&other, 0)), ROW(ERROR_NOT_INITIALIZED, cuGraphCreate(&graph, 0)),
              ROW(ERROR_NOT_INITIALIZED, cuDevicePrimaryCtxRetain(&context, 0)), ROW(ERROR_NOT_INITIALIZED, cuCtxSetCurrent(context))})
            if (CUresult answer = row.make(); answer != row.answer) {
                dprintf(2, "%s answers %d\n", row.call, int(answer));
                ++wrong;
            }
        _exit(wrong);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0);
}

} // namespace
