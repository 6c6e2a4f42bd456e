// Graphs through the runtime API: captured from streams, built by hand, looked at, updated, with memory and conditional nodes.
#include "check.h"

#include <vector>

constexpr int count = 1000;
__device__ int offset_by = 3;

__global__ void scale(int* data, int factor, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) data[i] = data[i] * factor + offset_by;
}

static void captured(int* data, cudaStream_t stream) {
    cudaStream_t other;
    cudaEvent_t fork, join;
    CHECK(cudaStreamCreate(&other));
    CHECK(cudaEventCreateWithFlags(&fork, cudaEventDisableTiming));
    CHECK(cudaEventCreateWithFlags(&join, cudaEventDisableTiming));
    std::vector<int> result(count);
    cudaGraph_t graph;
    CHECK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
    CHECK(cudaMemsetAsync(data, 0, count * sizeof(int), stream));
    CHECK(cudaEventRecord(fork, stream));
    CHECK(cudaStreamWaitEvent(other, fork, 0));
    scale<<<2, 256, 0, stream>>>(data, 2, 500);      // 3
    scale<<<2, 256, 0, other>>>(data + 500, 2, 500); // 3, then 9
    scale<<<2, 256, 0, other>>>(data + 500, 2, 500);
    CHECK(cudaEventRecord(join, other));
    CHECK(cudaStreamWaitEvent(stream, join, 0));
    CHECK(cudaMemcpyAsync(result.data(), data, count * sizeof(int), cudaMemcpyDeviceToHost, stream));
    cudaStreamCaptureStatus status;
    CHECK(cudaStreamIsCapturing(stream, &status));
    EXPECT(status == cudaStreamCaptureStatusActive);
    CHECK(cudaStreamEndCapture(stream, &graph));
    size_t nodes = 0;
    CHECK(cudaGraphGetNodes(graph, nullptr, &nodes));
    EXPECT_EQUAL(nodes, 5u, 0);
    std::vector<cudaGraphNode_t> list(nodes);
    CHECK(cudaGraphGetNodes(graph, list.data(), &nodes));
    int kernels = 0;
    for (cudaGraphNode_t node : list) {
        cudaGraphNodeType type;
        CHECK(cudaGraphNodeGetType(node, &type));
        if (type != cudaGraphNodeTypeKernel) continue;
        kernels++;
        cudaKernelNodeParams params{};
        CHECK(cudaGraphKernelNodeGetParams(node, &params));
        EXPECT(params.func == (void*)scale);
        EXPECT_EQUAL(params.blockDim.x, 256u, 0);
        EXPECT_EQUAL(*(int*)params.kernelParams[1], 2, 0);
    }
    EXPECT_EQUAL(kernels, 3, 0);
    cudaGraphExec_t exec;
    CHECK(cudaGraphInstantiate(&exec, graph, 0));
    for (int turn = 0; turn < 3; turn++) {
        result.assign(count, -1);
        CHECK(cudaGraphLaunch(exec, stream));
        CHECK(cudaStreamSynchronize(stream));
        for (int i = 0; i < count; i++) EXPECT_EQUAL(result[i], i < 500 ? 3 : 9, i);
    }
    CHECK(cudaGraphExecDestroy(exec));
    CHECK(cudaGraphDestroy(graph));
    CHECK(cudaStreamDestroy(other));
}

static void built(int* data, cudaStream_t stream) {
    cudaGraph_t graph;
    CHECK(cudaGraphCreate(&graph, 0));
    cudaGraphNode_t set, kernel, read, symbol, host;
    cudaMemsetParams fill{};
    fill.dst = data;
    fill.value = 1;
    fill.elementSize = 4;
    fill.width = count;
    fill.height = 1;
    CHECK(cudaGraphAddMemsetNode(&set, graph, nullptr, 0, &fill));
    int factor = 5, n = count, offset = 7, result[2] = {};
    CHECK(
        cudaGraphAddMemcpyNodeToSymbol(&symbol, graph, nullptr, 0, offset_by, &offset, sizeof offset, 0, cudaMemcpyHostToDevice));
    void* arguments[] = {&data, &factor, &n};
    cudaKernelNodeParams params{};
    params.func = (void*)scale;
    params.gridDim = dim3(4);
    params.blockDim = dim3(256);
    params.kernelParams = arguments;
    cudaGraphNode_t before[] = {set, symbol};
    CHECK(cudaGraphAddKernelNode(&kernel, graph, before, 2, &params));
    CHECK(cudaGraphAddMemcpyNode1D(&read, graph, &kernel, 1, &result[0], data + count - 1, sizeof(int), cudaMemcpyDeviceToHost));
    cudaHostNodeParams call{};
    call.fn = [](void* p) { ((int*)p)[1] = ((int*)p)[0] * 10; };
    call.userData = result;
    CHECK(cudaGraphAddHostNode(&host, graph, &read, 1, &call));
    cudaGraphExec_t exec;
    CHECK(cudaGraphInstantiate(&exec, graph, 0));
    CHECK(cudaGraphLaunch(exec, stream));
    CHECK(cudaStreamSynchronize(stream));
    EXPECT_EQUAL(result[0], 12, 0);
    EXPECT_EQUAL(result[1], 120, 0);

    factor = 6;
    CHECK(cudaGraphExecKernelNodeSetParams(exec, kernel, &params));
    CHECK(cudaGraphLaunch(exec, stream));
    CHECK(cudaStreamSynchronize(stream));
    EXPECT_EQUAL(result[0], 13, 0);
    factor = 7;
    CHECK(cudaGraphKernelNodeSetParams(kernel, &params));
    cudaGraphExecUpdateResultInfo info;
    CHECK(cudaGraphExecUpdate(exec, graph, &info));
    CHECK(cudaGraphLaunch(exec, stream));
    CHECK(cudaStreamSynchronize(stream));
    EXPECT_EQUAL(result[0], 14, 0);
    cudaGraph_t clone;
    cudaGraphNode_t in_clone;
    CHECK(cudaGraphClone(&clone, graph));
    CHECK(cudaGraphNodeFindInClone(&in_clone, host, clone));
    CHECK(cudaGraphDestroyNode(in_clone));
    EXPECT(cudaGraphExecUpdate(exec, clone, &info) == cudaErrorGraphExecUpdateFailure);
    EXPECT(info.result == cudaGraphExecUpdateErrorTopologyChanged);
    EXPECT(cudaGetLastError() == cudaErrorGraphExecUpdateFailure);
    CHECK(cudaGraphDestroy(clone));
    CHECK(cudaGraphExecDestroy(exec));
    CHECK(cudaGraphDestroy(graph));
}

static void with_memory(int* data, cudaStream_t stream) {
    int* inside;
    cudaGraph_t graph;
    CHECK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
    CHECK(cudaMallocAsync((void**)&inside, count * sizeof(int), stream));
    CHECK(cudaMemsetAsync(inside, 0, count * sizeof(int), stream));
    scale<<<4, 256, 0, stream>>>(inside, 1, count);
    CHECK(cudaMemcpyAsync(data, inside, count * sizeof(int), cudaMemcpyDeviceToDevice, stream));
    CHECK(cudaFreeAsync(inside, stream));
    CHECK(cudaStreamEndCapture(stream, &graph));
    cudaGraphExec_t exec;
    CHECK(cudaGraphInstantiateWithFlags(&exec, graph, 0));
    CHECK(cudaGraphDestroy(graph));
    for (int turn = 0; turn < 2; turn++) CHECK(cudaGraphLaunch(exec, stream));
    CHECK(cudaStreamSynchronize(stream));
    int last = 0;
    CHECK(cudaMemcpy(&last, data + count - 1, sizeof last, cudaMemcpyDeviceToHost));
    EXPECT_EQUAL(last, 7, 0);
    CHECK(cudaGraphExecDestroy(exec));
    unsigned long long reserved = 1;
    CHECK(cudaDeviceGetGraphMemAttribute(0, cudaGraphMemAttrReservedMemCurrent, &reserved));
    EXPECT_EQUAL(reserved, 0ull, 0);
}

int main() {
    int* data;
    cudaStream_t stream;
    CHECK(cudaMalloc(&data, count * sizeof(int)));
    CHECK(cudaStreamCreate(&stream));
    captured(data, stream);
    built(data, stream);
    with_memory(data, stream);
    EXPECT(cudaGraphDestroy(nullptr) == cudaErrorInvalidValue);
    cudaGetLastError();
    CHECK(cudaStreamDestroy(stream));
    CHECK(cudaFree(data));
    return summary();
}
