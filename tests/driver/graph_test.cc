// Graphs: built by hand, captured, cloned, updated, launched; memory nodes, conditional nodes; what capture refuses.

#include "driver_test.h"

#include <atomic>
#include <cstdio>
#include <cstring>
#include <numeric>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

/// add_one(unsigned* data, unsigned n); count_down(unsigned* data, handle): decrements data[0], and says whether any is left.
const char* const graph_ptx = R"(.version 7.0
.target sm_70
.address_size 64
.extern .func cudaGraphSetConditional(.param .b64 handle, .param .b32 value);

.visible .entry add_one(.param .u64 data, .param .u32 n)
{
    .reg .pred %p<2>;
    .reg .b32 %r<8>;
    .reg .b64 %rd<4>;
    ld.param.u64 %rd1, [data];
    ld.param.u32 %r1, [n];
    mov.u32 %r2, %ctaid.x;
    mov.u32 %r3, %ntid.x;
    mov.u32 %r4, %tid.x;
    mad.lo.s32 %r5, %r2, %r3, %r4;
    setp.ge.u32 %p1, %r5, %r1;
    @%p1 bra done;
    mul.wide.u32 %rd2, %r5, 4;
    add.s64 %rd3, %rd1, %rd2;
    ld.global.u32 %r6, [%rd3];
    add.u32 %r7, %r6, 1;
    st.global.u32 [%rd3], %r7;
done:
    ret;
}

.visible .entry count_down(.param .u64 data, .param .u64 handle)
{
    .reg .pred %p<2>;
    .reg .b32 %r<4>;
    .reg .b64 %rd<4>;
    ld.param.u64 %rd1, [data];
    ld.param.u64 %rd2, [handle];
    ld.global.u32 %r1, [%rd1];
    sub.u32 %r2, %r1, 1;
    st.global.u32 [%rd1], %r2;
    setp.ne.u32 %p1, %r2, 0;
    selp.u32 %r3, 1, 0, %p1;
    {
    .param .b64 a;
    st.param.b64 [a], %rd2;
    .param .b32 v;
    st.param.b32 [v], %r3;
    call.uni cudaGraphSetConditional, (a, v);
    }
    ret;
}
)";

class Graph : public DriverTest {
protected:
    static constexpr unsigned count = 1000;
    void SetUp() override {
        DriverTest::SetUp();
        OK(cuModuleLoadData(&module, graph_ptx));
        OK(cuModuleGetFunction(&add_one, module, "add_one"));
        OK(cuModuleGetFunction(&count_down, module, "count_down"));
        OK(cuMemAlloc(&data, 4 * count));
        OK(cuMemsetD32(data, 0, count));
        OK(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
        OK(cuGraphCreate(&graph, 0));
    }
    void TearDown() override {
        cuGraphDestroy(graph);
        DriverTest::TearDown();
    }
    CUDA_KERNEL_NODE_PARAMS kernel() {
        arguments[0] = &data;
        arguments[1] = &n;
        CUDA_KERNEL_NODE_PARAMS p{};
        p.func = add_one;
        p.gridDimX = (count + 127) / 128;
        p.gridDimY = p.gridDimZ = p.blockDimY = p.blockDimZ = 1;
        p.blockDimX = 128;
        p.kernelParams = arguments;
        return p;
    }
    void launch_add() { OK(cuLaunchKernel(add_one, 8, 1, 1, 128, 1, 1, 0, stream, kernel().kernelParams, nullptr)); }
    unsigned value(unsigned i = count - 1) {
        unsigned v = 0;
        cuMemcpyDtoH(&v, data + 4 * i, 4);
        return v;
    }
    /// Instantiates and launches once; waits.
    void run(CUgraph which) {
        CUgraphExec exec = nullptr;
        OK(cuGraphInstantiateWithFlags(&exec, which, 0));
        OK(cuGraphLaunch(exec, stream));
        OK(cuStreamSynchronize(stream));
        OK(cuGraphExecDestroy(exec));
    }
    CUmodule module = nullptr;
    CUfunction add_one = nullptr, count_down = nullptr;
    CUdeviceptr data = 0;
    CUstream stream = nullptr;
    CUgraph graph = nullptr;
    unsigned n = count;
    void* arguments[2] = {};
};

TEST_F(Graph, NodesRunInTheOrderOfTheirEdges) {
    // memset 5, then three kernels, then a copy to the host, then a host function that reads it; added back to front.
    struct Seen {
        std::vector<unsigned> copy = std::vector<unsigned>(count);
        unsigned sum = 0;
    } seen;
    CUDA_HOST_NODE_PARAMS host{[](void* p) {
                                   auto& s = *static_cast<Seen*>(p);
                                   s.sum = std::accumulate(s.copy.begin(), s.copy.end(), 0u);
                               },
                               &seen};
    CUDA_MEMCPY3D copy{};
    copy.srcMemoryType = CU_MEMORYTYPE_DEVICE;
    copy.srcDevice = data;
    copy.dstMemoryType = CU_MEMORYTYPE_HOST;
    copy.dstHost = seen.copy.data();
    copy.WidthInBytes = 4 * count;
    copy.Height = copy.Depth = 1;
    CUDA_MEMSET_NODE_PARAMS set{data, 0, 5, 4, count, 1};
    CUDA_KERNEL_NODE_PARAMS add = kernel();
    CUgraphNode last, copied, adds[3], first;
    OK(cuGraphAddHostNode(&last, graph, nullptr, 0, &host));
    OK(cuGraphAddMemcpyNode(&copied, graph, nullptr, 0, &copy, context));
    for (auto& node : adds) OK(cuGraphAddKernelNode(&node, graph, nullptr, 0, &add));
    OK(cuGraphAddMemsetNode(&first, graph, nullptr, 0, &set, context));
    CUgraphNode from[] = {first, adds[0], adds[1], adds[2], copied}, to[] = {adds[0], adds[1], adds[2], copied, last};
    OK(cuGraphAddDependencies(graph, from, to, nullptr, 5));
    CUgraphExec exec;
    OK(cuGraphInstantiateWithFlags(&exec, graph, 0));
    for (int i = 0; i < 3; i++) OK(cuGraphLaunch(exec, stream));
    OK(cuStreamSynchronize(stream));
    EXPECT_EQ(seen.sum, 8u * count);
    EXPECT_EQ(value(), 8u);
    OK(cuGraphExecDestroy(exec));
}

TEST_F(Graph, Structure) {
    CUgraphNode a, b, c;
    OK(cuGraphAddEmptyNode(&a, graph, nullptr, 0));
    OK(cuGraphAddEmptyNode(&b, graph, &a, 1));
    CUgraphNode both[] = {a, b};
    OK(cuGraphAddEmptyNode(&c, graph, both, 2));
    size_t nodes = 0, roots = 0, edges = 0;
    OK(cuGraphGetNodes(graph, nullptr, &nodes));
    OK(cuGraphGetRootNodes(graph, nullptr, &roots));
    OK(cuGraphGetEdges(graph, nullptr, nullptr, nullptr, &edges));
    EXPECT_EQ(nodes, 3u);
    EXPECT_EQ(roots, 1u);
    EXPECT_EQ(edges, 3u);
    CUgraphNode list[5];
    size_t room = 5;
    OK(cuGraphNodeGetDependencies(c, list, nullptr, &room));
    EXPECT_EQ(room, 2u);
    EXPECT_EQ(list[0], a);
    EXPECT_EQ(list[1], b);
    EXPECT_EQ(list[2], nullptr);
    room = 5;
    OK(cuGraphNodeGetDependentNodes(a, list, nullptr, &room));
    EXPECT_EQ(room, 2u);
    EXPECT_EQ(cuGraphAddDependencies(graph, &a, &b, nullptr, 1), CUDA_ERROR_INVALID_VALUE); // there already
    OK(cuGraphRemoveDependencies(graph, &a, &c, nullptr, 1));
    EXPECT_EQ(cuGraphRemoveDependencies(graph, &a, &c, nullptr, 1), CUDA_ERROR_INVALID_VALUE);
    CUgraphNodeType type;
    OK(cuGraphNodeGetType(a, &type));
    EXPECT_EQ(type, CU_GRAPH_NODE_TYPE_EMPTY);

    CUgraph clone;
    OK(cuGraphClone(&clone, graph));
    CUgraphNode in_clone;
    OK(cuGraphNodeFindInClone(&in_clone, b, clone));
    EXPECT_NE(in_clone, b);
    EXPECT_EQ(cuGraphNodeFindInClone(&in_clone, in_clone, clone), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(cuGraphAddDependencies(clone, &a, &in_clone, nullptr, 1), CUDA_ERROR_INVALID_VALUE); // another graph's node
    OK(cuGraphDestroy(clone));
    EXPECT_EQ(cuGraphDestroy(clone), CUDA_ERROR_INVALID_VALUE);

    OK(cuGraphAddDependencies(graph, &c, &a, nullptr, 1));
    CUgraphExec exec = nullptr;
    EXPECT_EQ(cuGraphInstantiateWithFlags(&exec, graph, 0), CUDA_ERROR_INVALID_VALUE); // a cycle
    CUDA_GRAPH_INSTANTIATE_PARAMS parameters{};
    EXPECT_EQ(cuGraphInstantiateWithParams(&exec, graph, &parameters), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(parameters.result_out, CUDA_GRAPH_INSTANTIATE_INVALID_STRUCTURE);
    OK(cuGraphDestroyNode(c));
    OK(cuGraphInstantiateWithFlags(&exec, graph, 0));
    OK(cuGraphExecDestroy(exec));
    EXPECT_EQ(cuGraphNodeGetType(c, &type), CUDA_ERROR_INVALID_VALUE);
}

TEST_F(Graph, ParametersOfAnExecutableGraph) {
    CUDA_KERNEL_NODE_PARAMS add = kernel();
    CUgraphNode node;
    OK(cuGraphAddKernelNode(&node, graph, nullptr, 0, &add));
    CUDA_KERNEL_NODE_PARAMS read{};
    OK(cuGraphKernelNodeGetParams(node, &read));
    EXPECT_EQ(read.func, add_one);
    EXPECT_EQ(read.blockDimX, 128u);
    EXPECT_EQ(*static_cast<unsigned*>(read.kernelParams[1]), count);
    CUgraphExec exec;
    OK(cuGraphInstantiateWithFlags(&exec, graph, 0));
    n = 10; // the values were taken when the node was made
    OK(cuGraphLaunch(exec, stream));
    add = kernel();
    OK(cuGraphExecKernelNodeSetParams(exec, node, &add)); // the launch before isn't touched by it
    OK(cuGraphLaunch(exec, stream));
    OK(cuStreamSynchronize(stream));
    EXPECT_EQ(value(9), 2u);
    EXPECT_EQ(value(10), 1u);
    OK(cuGraphNodeSetEnabled(exec, node, 0));
    OK(cuGraphLaunch(exec, stream));
    OK(cuStreamSynchronize(stream));
    EXPECT_EQ(value(9), 2u);
    unsigned enabled = 7;
    OK(cuGraphNodeGetEnabled(exec, node, &enabled));
    EXPECT_EQ(enabled, 0u);
    OK(cuGraphNodeSetEnabled(exec, node, 1));

    CUgraphExecUpdateResultInfo info{};
    OK(cuGraphExecUpdate(exec, graph, &info)); // back to all of the elements
    EXPECT_EQ(info.result, CU_GRAPH_EXEC_UPDATE_SUCCESS);
    OK(cuGraphLaunch(exec, stream));
    OK(cuStreamSynchronize(stream));
    EXPECT_EQ(value(), 2u);
    CUgraphNode more;
    OK(cuGraphAddEmptyNode(&more, graph, &node, 1));
    EXPECT_EQ(cuGraphExecUpdate(exec, graph, &info), CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE);
    EXPECT_EQ(info.result, CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED);
    OK(cuGraphExecDestroy(exec));
    EXPECT_EQ(cuGraphLaunch(exec, stream), CUDA_ERROR_INVALID_VALUE);
}

TEST_F(Graph, ChildGraphsAndEvents) {
    CUgraph child;
    OK(cuGraphCreate(&child, 0));
    CUDA_KERNEL_NODE_PARAMS add = kernel();
    CUgraphNode node, first, second, record;
    OK(cuGraphAddKernelNode(&node, child, nullptr, 0, &add));
    OK(cuGraphAddChildGraphNode(&first, graph, nullptr, 0, child));
    OK(cuGraphAddChildGraphNode(&second, graph, &first, 1, child));
    OK(cuGraphDestroy(child)); // the nodes have copies
    CUevent start, event;
    OK(cuEventCreate(&start, 0));
    OK(cuEventCreate(&event, 0));
    OK(cuGraphAddEventRecordNode(&record, graph, &second, 1, event));
    CUgraph inside;
    OK(cuGraphChildGraphNodeGetGraph(second, &inside));
    EXPECT_EQ(cuGraphDestroy(inside), CUDA_ERROR_INVALID_VALUE);
    OK(cuEventRecord(start, stream));
    CUgraphExec exec;
    OK(cuGraphInstantiateWithFlags(&exec, graph, 0));
    OK(cuGraphLaunch(exec, stream));
    OK(cuEventSynchronize(event));
    EXPECT_EQ(value(), 2u);
    float milliseconds = -1;
    OK(cuEventElapsedTime(&milliseconds, start, event));
    EXPECT_GE(milliseconds, 0.f);
    OK(cuGraphExecDestroy(exec));
}

TEST_F(Graph, MemoryNodes) {
    CUDA_MEM_ALLOC_NODE_PARAMS alloc{};
    alloc.poolProps.allocType = CU_MEM_ALLOCATION_TYPE_PINNED;
    alloc.poolProps.location = {CU_MEM_LOCATION_TYPE_DEVICE, device};
    alloc.bytesize = 4096;
    CUgraphNode allocated, set, freed;
    OK(cuGraphAddMemAllocNode(&allocated, graph, nullptr, 0, &alloc));
    ASSERT_NE(alloc.dptr, 0u);
    CUDA_MEMSET_NODE_PARAMS fill{alloc.dptr, 0, 0xabcd, 4, 1024, 1};
    OK(cuGraphAddMemsetNode(&set, graph, &allocated, 1, &fill, context));
    cuuint64_t used = 1, reserved = 0;
    OK(cuDeviceGetGraphMemAttribute(device, CU_GRAPH_MEM_ATTR_USED_MEM_CURRENT, &used));
    OK(cuDeviceGetGraphMemAttribute(device, CU_GRAPH_MEM_ATTR_RESERVED_MEM_CURRENT, &reserved));
    EXPECT_EQ(used, 0u);
    EXPECT_GE(reserved, 4096u);
    CUgraphExec exec;
    OK(cuGraphInstantiateWithFlags(&exec, graph, 0));
    OK(cuGraphLaunch(exec, stream));
    OK(cuDeviceGetGraphMemAttribute(device, CU_GRAPH_MEM_ATTR_USED_MEM_CURRENT, &used));
    EXPECT_EQ(used, 4096u);
    EXPECT_EQ(cuGraphLaunch(exec, stream), CUDA_ERROR_INVALID_VALUE); // not freed since the last launch
    unsigned seen = 0;
    OK(cuStreamSynchronize(stream));
    OK(cuMemcpyDtoH(&seen, alloc.dptr + 4092, 4));
    EXPECT_EQ(seen, 0xabcdu);
    OK(cuMemFreeAsync(alloc.dptr, stream));
    OK(cuStreamSynchronize(stream));
    OK(cuGraphLaunch(exec, stream));
    OK(cuMemFree(alloc.dptr));
    OK(cuDeviceGetGraphMemAttribute(device, CU_GRAPH_MEM_ATTR_USED_MEM_CURRENT, &used));
    EXPECT_EQ(used, 4096u); // it stays with the graph until it is trimmed
    OK(cuDeviceGraphMemTrim(device));
    OK(cuDeviceGetGraphMemAttribute(device, CU_GRAPH_MEM_ATTR_USED_MEM_CURRENT, &used));
    EXPECT_EQ(used, 0u);
    // A graph that frees what it allocates can be launched again and again.
    OK(cuGraphAddMemFreeNode(&freed, graph, &set, 1, alloc.dptr));
    CUgraphExec whole;
    OK(cuGraphInstantiateWithFlags(&whole, graph, 0));
    for (int i = 0; i < 3; i++) OK(cuGraphLaunch(whole, stream));
    OK(cuStreamSynchronize(stream));
    EXPECT_EQ(cuGraphAddMemFreeNode(&freed, graph, nullptr, 0, data), CUDA_ERROR_INVALID_VALUE);
    OK(cuGraphExecDestroy(whole));
    OK(cuGraphExecDestroy(exec));
    OK(cuGraphDestroy(graph));
    OK(cuDeviceGetGraphMemAttribute(device, CU_GRAPH_MEM_ATTR_RESERVED_MEM_CURRENT, &reserved));
    EXPECT_EQ(reserved, 0u);
}

TEST_F(Graph, ConditionalNodes) {
    unsigned turns = 7;
    OK(cuMemcpyHtoD(data, &turns, 4));
    CUgraphConditionalHandle handle;
    OK(cuGraphConditionalHandleCreate(&handle, graph, context, 1, CU_GRAPH_COND_ASSIGN_DEFAULT));
    CUgraphNodeParams loop{};
    loop.type = CU_GRAPH_NODE_TYPE_CONDITIONAL;
    loop.conditional.handle = handle;
    loop.conditional.type = CU_GRAPH_COND_TYPE_WHILE;
    loop.conditional.size = 1;
    loop.conditional.ctx = context;
    CUgraphNode node, body_node, second;
    OK(cuGraphAddNode(&node, graph, nullptr, nullptr, 0, &loop));
    void* values[] = {&data, &handle};
    CUDA_KERNEL_NODE_PARAMS down{};
    down.func = count_down;
    down.gridDimX = down.gridDimY = down.gridDimZ = down.blockDimX = down.blockDimY = down.blockDimZ = 1;
    down.kernelParams = values;
    OK(cuGraphAddKernelNode(&body_node, loop.conditional.phGraph_out[0], nullptr, 0, &down));
    CUdeviceptr rest = data + 40;
    unsigned elements = 1;
    void* others[] = {&rest, &elements};
    CUDA_KERNEL_NODE_PARAMS add = kernel();
    add.kernelParams = others;
    OK(cuGraphAddKernelNode(&second, loop.conditional.phGraph_out[0], &body_node, 1, &add));
    run(graph);
    EXPECT_EQ(value(0), 0u);
    EXPECT_EQ(value(10), 7u); // as many turns
    OK(cuMemcpyHtoD(data, &turns, 4));
    run(graph); // the default is assigned anew
    EXPECT_EQ(value(10), 14u);
}

TEST_F(Graph, IfElseAndSwitch) {
    for (unsigned chosen = 0; chosen < 4; chosen++) {
        CUgraph g;
        OK(cuGraphCreate(&g, 0));
        OK(cuMemsetD32(data, 0, count));
        for (auto type : {CU_GRAPH_COND_TYPE_IF, CU_GRAPH_COND_TYPE_SWITCH}) {
            CUgraphConditionalHandle handle;
            OK(cuGraphConditionalHandleCreate(&handle, g, context, chosen, CU_GRAPH_COND_ASSIGN_DEFAULT));
            CUgraphNodeParams p{};
            p.type = CU_GRAPH_NODE_TYPE_CONDITIONAL;
            p.conditional.handle = handle;
            p.conditional.type = type;
            p.conditional.size = type == CU_GRAPH_COND_TYPE_IF ? 2 : 3;
            p.conditional.ctx = context;
            CUgraphNode node;
            OK(cuGraphAddNode(&node, g, nullptr, nullptr, 0, &p));
            for (unsigned i = 0; i < p.conditional.size; i++) {
                CUDA_MEMSET_NODE_PARAMS set{data + 4 * (type * 10 + i), 0, 1, 4, 1, 1};
                CUgraphNode inside;
                OK(cuGraphAddMemsetNode(&inside, p.conditional.phGraph_out[i], nullptr, 0, &set, context));
            }
        }
        run(g);
        EXPECT_EQ(value(0), chosen != 0);
        EXPECT_EQ(value(1), chosen == 0);
        for (unsigned i = 0; i < 3; i++) EXPECT_EQ(value(20 + i), chosen == i) << chosen;
        OK(cuGraphDestroy(g));
    }
}

TEST_F(Graph, UserObjectsGoWithTheLastGraph) {
    std::atomic<int> destroyed{0};
    CUuserObject object;
    OK(cuUserObjectCreate(
        &object, &destroyed, [](void* p) { ++*static_cast<std::atomic<int>*>(p); }, 1, CU_USER_OBJECT_NO_DESTRUCTOR_SYNC));
    OK(cuGraphRetainUserObject(graph, object, 1, CU_GRAPH_USER_OBJECT_MOVE));
    CUgraphExec exec;
    OK(cuGraphInstantiateWithFlags(&exec, graph, 0));
    OK(cuGraphDestroy(graph));
    EXPECT_EQ(destroyed, 0);
    OK(cuGraphExecDestroy(exec));
    EXPECT_EQ(destroyed, 1);
    EXPECT_EQ(cuUserObjectRelease(object, 1), CUDA_ERROR_INVALID_VALUE);
}

TEST_F(Graph, Dot) {
    CUDA_KERNEL_NODE_PARAMS add = kernel();
    CUgraphNode node;
    OK(cuGraphAddKernelNode(&node, graph, nullptr, 0, &add));
    std::string path = testing::TempDir() + "anywarp_graph_" + std::to_string(getpid()) + ".dot";
    OK(cuGraphDebugDotPrint(graph, path.c_str(), CU_GRAPH_DEBUG_DOT_FLAGS_KERNEL_NODE_PARAMS));
    std::string text(4096, 0);
    std::FILE* file = std::fopen(path.c_str(), "r");
    ASSERT_NE(file, nullptr);
    text.resize(std::fread(text.data(), 1, text.size(), file));
    std::fclose(file);
    std::remove(path.c_str());
    EXPECT_NE(text.find("kernel add_one"), std::string::npos) << text;
    EXPECT_NE(text.find("<<<(8,1,1), (128,1,1), 0>>>"), std::string::npos) << text;
}

// Capture

using Capture = Graph;

TEST_F(Capture, ForkAndJoin) {
    CUstream other;
    CUevent fork, join;
    OK(cuStreamCreate(&other, CU_STREAM_NON_BLOCKING));
    OK(cuEventCreate(&fork, CU_EVENT_DISABLE_TIMING));
    OK(cuEventCreate(&join, CU_EVENT_DISABLE_TIMING));
    std::vector<unsigned> seen(count);
    OK(cuStreamBeginCapture(stream, CU_STREAM_CAPTURE_MODE_GLOBAL));
    OK(cuMemsetD32Async(data, 3, count, stream));
    OK(cuEventRecord(fork, stream));
    OK(cuStreamWaitEvent(other, fork, 0));
    CUstreamCaptureStatus status;
    OK(cuStreamIsCapturing(other, &status));
    EXPECT_EQ(status, CU_STREAM_CAPTURE_STATUS_ACTIVE);
    CUdeviceptr half = data + 4 * count / 2;
    unsigned elements = count / 2;
    void *lower[] = {&data, &elements}, *upper[] = {&half, &elements};
    OK(cuLaunchKernel(add_one, 4, 1, 1, 128, 1, 1, 0, stream, lower, nullptr));
    OK(cuLaunchKernel(add_one, 4, 1, 1, 128, 1, 1, 0, other, upper, nullptr));
    OK(cuLaunchKernel(add_one, 4, 1, 1, 128, 1, 1, 0, other, upper, nullptr));
    OK(cuEventRecord(join, other));
    OK(cuStreamWaitEvent(stream, join, 0));
    OK(cuMemcpyDtoHAsync(seen.data(), data, 4 * count, stream));
    EXPECT_EQ(cuEventQuery(join), CUDA_ERROR_CAPTURED_EVENT);
    CUgraph captured;
    OK(cuStreamEndCapture(stream, &captured));
    size_t nodes = 0, edges = 0;
    OK(cuGraphGetNodes(captured, nullptr, &nodes));
    OK(cuGraphGetEdges(captured, nullptr, nullptr, nullptr, &edges));
    EXPECT_EQ(nodes, 5u);
    EXPECT_EQ(edges, 5u);
    EXPECT_EQ(value(0), 0u); // nothing has run
    run(captured);
    EXPECT_EQ(seen[0], 4u);
    EXPECT_EQ(seen[count - 1], 5u);
    OK(cuGraphDestroy(captured));
    OK(cuStreamDestroy(other));
}

TEST_F(Capture, JoinedStreamsMayGo) {
    CUstream other;
    CUevent fork, join;
    OK(cuStreamCreate(&other, CU_STREAM_NON_BLOCKING));
    OK(cuEventCreate(&fork, CU_EVENT_DISABLE_TIMING));
    OK(cuEventCreate(&join, CU_EVENT_DISABLE_TIMING));
    OK(cuStreamBeginCapture(stream, CU_STREAM_CAPTURE_MODE_GLOBAL));
    OK(cuEventRecord(fork, stream));
    OK(cuStreamWaitEvent(other, fork, 0));
    OK(cuMemsetD32Async(data, 3, count, other));
    OK(cuEventRecord(join, other));
    OK(cuStreamWaitEvent(stream, join, 0));
    OK(cuStreamDestroy(other));
    OK(cuEventDestroy(fork));
    OK(cuEventDestroy(join));
    CUgraph captured;
    OK(cuStreamEndCapture(stream, &captured));
    run(captured);
    EXPECT_EQ(value(), 3u);
    OK(cuGraphDestroy(captured));
}

TEST_F(Capture, AsyncAllocations) {
    OK(cuStreamBeginCapture(stream, CU_STREAM_CAPTURE_MODE_GLOBAL));
    CUdeviceptr inside;
    OK(cuMemAllocAsync(&inside, 4 * count, stream));
    OK(cuMemsetD32Async(inside, 9, count, stream));
    OK(cuMemcpyDtoDAsync(data, inside, 4 * count, stream));
    OK(cuMemFreeAsync(inside, stream));
    CUgraph captured;
    OK(cuStreamEndCapture(stream, &captured));
    run(captured);
    EXPECT_EQ(value(), 9u);
    OK(cuGraphDestroy(captured));
}

TEST_F(Capture, InfoAndDependencies) {
    cuuint64_t id = 0;
    CUstreamCaptureStatus status;
    const CUgraphNode* nodes;
    const CUgraphEdgeData* edges;
    size_t number;
    CUgraph into;
    OK(cuStreamGetCaptureInfo(stream, &status, nullptr, nullptr, nullptr, nullptr, nullptr));
    EXPECT_EQ(status, CU_STREAM_CAPTURE_STATUS_NONE);
    OK(cuStreamBeginCaptureToGraph(stream, graph, nullptr, nullptr, 0, CU_STREAM_CAPTURE_MODE_RELAXED));
    launch_add();
    OK(cuStreamGetCaptureInfo(stream, &status, &id, &into, &nodes, &edges, &number));
    EXPECT_EQ(status, CU_STREAM_CAPTURE_STATUS_ACTIVE);
    EXPECT_NE(id, 0u);
    EXPECT_EQ(into, graph);
    ASSERT_EQ(number, 1u);
    CUgraphNode first = nodes[0], empty;
    OK(cuGraphAddEmptyNode(&empty, graph, &first, 1));
    OK(cuStreamUpdateCaptureDependencies(stream, &empty, nullptr, 1, CU_STREAM_SET_CAPTURE_DEPENDENCIES));
    launch_add();
    CUgraph result;
    OK(cuStreamEndCapture(stream, &result));
    EXPECT_EQ(result, graph);
    CUgraphNode of_empty[2];
    size_t room = 2;
    OK(cuGraphNodeGetDependentNodes(empty, of_empty, nullptr, &room));
    EXPECT_EQ(room, 1u);
    run(graph);
    EXPECT_EQ(value(), 2u);
}

TEST_F(Capture, LaunchesOfGraphsBecomeChildren) {
    CUDA_KERNEL_NODE_PARAMS add = kernel();
    CUgraphNode node;
    OK(cuGraphAddKernelNode(&node, graph, nullptr, 0, &add));
    CUgraphExec exec;
    OK(cuGraphInstantiateWithFlags(&exec, graph, 0));
    OK(cuStreamBeginCapture(stream, CU_STREAM_CAPTURE_MODE_GLOBAL));
    OK(cuGraphLaunch(exec, stream));
    OK(cuGraphLaunch(exec, stream));
    CUgraph captured;
    OK(cuStreamEndCapture(stream, &captured));
    run(captured);
    EXPECT_EQ(value(), 2u);
    OK(cuGraphDestroy(captured));
    OK(cuGraphExecDestroy(exec));
}

TEST_F(Capture, WhatIsRefused) {
    CUgraph captured = graph;
    EXPECT_EQ(cuStreamBeginCapture(nullptr, CU_STREAM_CAPTURE_MODE_GLOBAL), CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    EXPECT_EQ(cuStreamEndCapture(stream, &captured), CUDA_ERROR_ILLEGAL_STATE);

    // Synchronising, and the capture with it.
    OK(cuStreamBeginCapture(stream, CU_STREAM_CAPTURE_MODE_GLOBAL));
    EXPECT_EQ(cuStreamBeginCapture(stream, CU_STREAM_CAPTURE_MODE_GLOBAL), CUDA_ERROR_ILLEGAL_STATE);
    EXPECT_EQ(cuStreamSynchronize(stream), CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    CUstreamCaptureStatus status;
    OK(cuStreamIsCapturing(stream, &status));
    EXPECT_EQ(status, CU_STREAM_CAPTURE_STATUS_INVALIDATED);
    EXPECT_EQ(cuMemsetD32Async(data, 3, count, stream), CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
    EXPECT_EQ(cuStreamEndCapture(stream, &captured), CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
    EXPECT_EQ(captured, nullptr);
    OK(cuStreamSynchronize(stream)); // an ordinary stream again

    // Allocation, in global mode; in relaxed mode it goes.
    CUdeviceptr more;
    OK(cuStreamBeginCapture(stream, CU_STREAM_CAPTURE_MODE_GLOBAL));
    EXPECT_EQ(cuMemAlloc(&more, 16), CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    EXPECT_EQ(cuStreamEndCapture(stream, &captured), CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
    OK(cuStreamBeginCapture(stream, CU_STREAM_CAPTURE_MODE_RELAXED));
    OK(cuMemAlloc(&more, 16));
    OK(cuMemFree(more));
    OK(cuStreamEndCapture(stream, &captured));
    OK(cuGraphDestroy(captured));
    OK(cuStreamBeginCapture(stream, CU_STREAM_CAPTURE_MODE_GLOBAL));
    CUstreamCaptureMode mode = CU_STREAM_CAPTURE_MODE_RELAXED;
    OK(cuThreadExchangeStreamCaptureMode(&mode));
    OK(cuMemAlloc(&more, 16));
    OK(cuThreadExchangeStreamCaptureMode(&mode));
    EXPECT_EQ(mode, CU_STREAM_CAPTURE_MODE_RELAXED);

    // The wrong thread.
    std::thread([&] {
        cuCtxSetCurrent(context);
        EXPECT_EQ(cuStreamEndCapture(stream, &captured), CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD);
    }).join();
    OK(cuStreamEndCapture(stream, &captured));
    OK(cuGraphDestroy(captured));

    // The legacy stream would wait for a blocking one.
    CUstream blocking;
    OK(cuStreamCreate(&blocking, CU_STREAM_DEFAULT));
    OK(cuStreamBeginCapture(blocking, CU_STREAM_CAPTURE_MODE_RELAXED));
    EXPECT_EQ(cuStreamIsCapturing(nullptr, &status), CUDA_ERROR_STREAM_CAPTURE_IMPLICIT);
    EXPECT_EQ(cuMemsetD32Async(data, 3, count, nullptr), CUDA_ERROR_STREAM_CAPTURE_IMPLICIT);
    EXPECT_EQ(cuStreamEndCapture(blocking, &captured), CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);

    // A stream that joined and wasn't waited for; events from outside.
    CUevent event;
    OK(cuEventCreate(&event, 0));
    OK(cuStreamBeginCapture(stream, CU_STREAM_CAPTURE_MODE_GLOBAL));
    OK(cuEventRecord(event, stream));
    OK(cuStreamWaitEvent(blocking, event, 0));
    OK(cuMemsetD32Async(data, 3, count, blocking));
    EXPECT_EQ(cuStreamEndCapture(blocking, &captured), CUDA_ERROR_STREAM_CAPTURE_UNMATCHED);
    EXPECT_EQ(cuStreamEndCapture(stream, &captured), CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
    OK(cuStreamBeginCapture(stream, CU_STREAM_CAPTURE_MODE_GLOBAL));
    OK(cuEventRecord(event, stream));
    OK(cuStreamWaitEvent(blocking, event, 0));
    OK(cuMemsetD32Async(data, 3, count, blocking));
    EXPECT_EQ(cuStreamEndCapture(stream, &captured), CUDA_ERROR_STREAM_CAPTURE_UNJOINED);
    OK(cuEventRecord(event, blocking)); // outside again
    OK(cuStreamBeginCapture(stream, CU_STREAM_CAPTURE_MODE_GLOBAL));
    EXPECT_EQ(cuStreamWaitEvent(stream, event, 0), CUDA_ERROR_STREAM_CAPTURE_ISOLATION);
    EXPECT_EQ(cuStreamEndCapture(stream, &captured), CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
    OK(cuStreamDestroy(blocking));
}

TEST_F(Graph, StreamMemoryOperations) {
    CUstream writer;
    OK(cuStreamCreate(&writer, CU_STREAM_NON_BLOCKING));
    OK(cuStreamWaitValue32(stream, data, 5, CU_STREAM_WAIT_VALUE_GEQ));
    OK(cuStreamWriteValue32(stream, data + 4, 77, 0));
    EXPECT_EQ(cuStreamQuery(stream), CUDA_ERROR_NOT_READY);
    OK(cuStreamWriteValue32(writer, data, 6, 0));
    OK(cuStreamSynchronize(stream));
    EXPECT_EQ(value(1), 77u);
    EXPECT_EQ(cuStreamWaitValue32(stream, data + 2, 5, 0), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(cuStreamWaitValue64(stream, data + 4, 5, 0), CUDA_ERROR_INVALID_VALUE);
    CUstreamBatchMemOpParams both[2] = {};
    both[0].writeValue = {CU_STREAM_MEM_OP_WRITE_VALUE_64, data + 8, {}, 0, 0};
    both[0].writeValue.value64 = 0x123456789abcull;
    both[1].waitValue = {CU_STREAM_MEM_OP_WAIT_VALUE_64, data + 8, {}, CU_STREAM_WAIT_VALUE_AND, 0};
    both[1].waitValue.value64 = 0x100000000000ull;
    OK(cuStreamBatchMemOp(stream, 2, both, 0));
    OK(cuStreamSynchronize(stream));
    EXPECT_EQ(value(2), 0x56789abcu);
    OK(cuStreamDestroy(writer));
}

} // namespace
