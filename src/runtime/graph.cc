// Graphs: the driver's, under the runtime's names. Nodes, graphs and executable graphs are the same handles in both; what
// differs is how parameters are said: a kernel by its host address, a copy by pitched pointers and a kind, a variable by its
// symbol.
//
// CUDA Runtime API, section "Graph Management".
#include "runtime/copy.h"
#include "runtime/registration.h"

#include <map>
#include <mutex>

namespace anywarp::runtime {
namespace {

static_assert(sizeof(cudaGraphEdgeData) == sizeof(CUgraphEdgeData));
static_assert(sizeof(cudaMemPoolProps) == sizeof(CUmemPoolProps) && sizeof(cudaMemAccessDesc) == sizeof(CUmemAccessDesc));
static_assert(sizeof(cudaMemAllocNodeParams) == sizeof(CUDA_MEM_ALLOC_NODE_PARAMS));
static_assert(sizeof(cudaMemsetParams) == sizeof(CUDA_MEMSET_NODE_PARAMS));
static_assert(sizeof(cudaHostNodeParams) == sizeof(CUDA_HOST_NODE_PARAMS));
static_assert(sizeof(cudaGraphInstantiateParams) == sizeof(CUDA_GRAPH_INSTANTIATE_PARAMS));
static_assert(sizeof(cudaGraphExecUpdateResultInfo) == sizeof(CUgraphExecUpdateResultInfo));

const CUgraphEdgeData* edges(const cudaGraphEdgeData* data) { return reinterpret_cast<const CUgraphEdgeData*>(data); }
CUgraphEdgeData* edges(cudaGraphEdgeData* data) { return reinterpret_cast<CUgraphEdgeData*>(data); }

/// What the program called a kernel that a node has: to say it back in ...GetParams.
std::mutex names_mutex;
std::map<CUfunction, const void*>& names() {
    static auto& all = *new std::map<CUfunction, const void*>;
    return all;
}

cudaError_t to_driver(const cudaKernelNodeParams& p, CUDA_KERNEL_NODE_PARAMS& to) {
    CUfunction function = nullptr;
    if (cudaError_t error = function_of(p.func, function); error != cudaSuccess) return error;
    {
        std::lock_guard lock(names_mutex);
        names()[function] = p.func;
    }
    to = {.func = function,
          .gridDimX = p.gridDim.x,
          .gridDimY = p.gridDim.y,
          .gridDimZ = p.gridDim.z,
          .blockDimX = p.blockDim.x,
          .blockDimY = p.blockDim.y,
          .blockDimZ = p.blockDim.z,
          .sharedMemBytes = p.sharedMemBytes,
          .kernelParams = p.kernelParams,
          .extra = p.extra,
          .kern = nullptr,
          .ctx = nullptr};
    return cudaSuccess;
}

cudaKernelNodeParams from_driver(const CUDA_KERNEL_NODE_PARAMS& p) {
    CUfunction function = p.func ? p.func : reinterpret_cast<CUfunction>(p.kern);
    const void* name = host_of(function);
    if (!name) {
        std::lock_guard lock(names_mutex);
        auto known = names().find(function);
        name = known == names().end() ? function : known->second;
    }
    return {.func = const_cast<void*>(name),
            .gridDim = {p.gridDimX, p.gridDimY, p.gridDimZ},
            .blockDim = {p.blockDimX, p.blockDimY, p.blockDimZ},
            .sharedMemBytes = p.sharedMemBytes,
            .kernelParams = p.kernelParams,
            .extra = p.extra};
}

/// A pointer to a byte of a variable of the program's.
cudaError_t symbol_at(const void* symbol, size_t offset, size_t count, const void*& at) {
    CUdeviceptr start = 0;
    size_t size = 0;
    if (cudaError_t error = variable_at(symbol, start, size); error != cudaSuccess) return error;
    if (offset > size || count > size - offset) return cudaErrorInvalidValue;
    at = reinterpret_cast<const void*>(start + offset);
    return cudaSuccess;
}

cudaMemcpy3DParms line(void* to, const void* from, size_t count, cudaMemcpyKind kind) {
    cudaMemcpy3DParms p{};
    p.dstPtr = {to, count, count, 1};
    p.srcPtr = {const_cast<void*>(from), count, count, 1};
    p.extent = {count, 1, 1};
    p.kind = kind;
    return p;
}

cudaMemcpy3DParms from_driver(const CUDA_MEMCPY3D& c) {
    cudaMemcpy3DParms p{};
    size_t element = 1;
    auto texel = [](CUarray array) {
        cudaChannelFormatDesc format{};
        cudaGetChannelDesc(&format, reinterpret_cast<cudaArray_const_t>(array));
        return static_cast<size_t>(format.x + format.y + format.z + format.w) / 8;
    };
    if (c.srcMemoryType == CU_MEMORYTYPE_ARRAY) {
        p.srcArray = reinterpret_cast<cudaArray_t>(c.srcArray);
        element = texel(c.srcArray);
    } else {
        auto* at = c.srcMemoryType == CU_MEMORYTYPE_HOST ? c.srcHost : reinterpret_cast<const void*>(c.srcDevice);
        p.srcPtr = {const_cast<void*>(at), c.srcPitch, c.WidthInBytes, c.srcHeight};
    }
    if (c.dstMemoryType == CU_MEMORYTYPE_ARRAY) {
        p.dstArray = reinterpret_cast<cudaArray_t>(c.dstArray);
        element = texel(c.dstArray);
    } else {
        auto* at = c.dstMemoryType == CU_MEMORYTYPE_HOST ? c.dstHost : reinterpret_cast<void*>(c.dstDevice);
        p.dstPtr = {at, c.dstPitch, c.WidthInBytes, c.dstHeight};
    }
    if (element == 0) element = 1;
    p.srcPos = {c.srcXInBytes / (p.srcArray ? element : 1), c.srcY, c.srcZ};
    p.dstPos = {c.dstXInBytes / (p.dstArray ? element : 1), c.dstY, c.dstZ};
    p.extent = {c.WidthInBytes / element, c.Height, c.Depth};
    bool from_host = c.srcMemoryType == CU_MEMORYTYPE_HOST, to_host = c.dstMemoryType == CU_MEMORYTYPE_HOST;
    p.kind = from_host ? (to_host ? cudaMemcpyHostToHost : cudaMemcpyHostToDevice)
                       : (to_host ? cudaMemcpyDeviceToHost : cudaMemcpyDeviceToDevice);
    if (c.srcMemoryType == CU_MEMORYTYPE_UNIFIED || c.dstMemoryType == CU_MEMORYTYPE_UNIFIED) p.kind = cudaMemcpyDefault;
    return p;
}

enum class Call : uint8_t { add, set, set_exec };

/// Where a copy's parameters go: into a new node, a node, or a node of an executable graph.
struct Target {
    Call call;
    cudaGraphNode_t* result = nullptr;
    cudaGraph_t graph = nullptr;
    const cudaGraphNode_t* dependencies = nullptr;
    size_t count = 0;
    cudaGraphNode_t node = nullptr;
    cudaGraphExec_t exec = nullptr;
};

cudaError_t put_copy(const Target& t, const cudaMemcpy3DParms* parms) {
    CUDA_MEMCPY3D copy{};
    if (!parms) return cudaErrorInvalidValue;
    if (cudaError_t error = runtime::to_driver(*parms, copy); error != cudaSuccess) return error;
    switch (t.call) {
    case Call::add:
        return to_runtime(cuGraphAddMemcpyNode(t.result, t.graph, t.dependencies, t.count, &copy, context_now()));
    case Call::set:
        return to_runtime(cuGraphMemcpyNodeSetParams(t.node, &copy));
    default:
        return to_runtime(cuGraphExecMemcpyNodeSetParams(t.exec, t.node, &copy, context_now()));
    }
}

cudaError_t put_line(const Target& t, void* to, const void* from, size_t count, cudaMemcpyKind kind) {
    return with_context([&] {
        auto parms = line(to, from, count, kind);
        return put_copy(t, &parms);
    });
}

cudaError_t put_to_symbol(const Target& t, const void* symbol, const void* from, size_t count, size_t offset,
                          cudaMemcpyKind kind) {
    return with_context([&] {
        const void* at = nullptr;
        if (cudaError_t error = symbol_at(symbol, offset, count, at); error != cudaSuccess) return error;
        auto parms = line(const_cast<void*>(at), from, count, kind);
        return put_copy(t, &parms);
    });
}

cudaError_t put_from_symbol(const Target& t, void* to, const void* symbol, size_t count, size_t offset, cudaMemcpyKind kind) {
    return with_context([&] {
        const void* at = nullptr;
        if (cudaError_t error = symbol_at(symbol, offset, count, at); error != cudaSuccess) return error;
        auto parms = line(to, at, count, kind);
        return put_copy(t, &parms);
    });
}

/// The general form of a node's parameters. Structures of the same layout are read as the driver's.
cudaError_t to_driver(const cudaGraphNodeParams& p, CUgraphNodeParams& to) {
    to = {};
    to.type = static_cast<CUgraphNodeType>(p.type);
    switch (p.type) {
    case cudaGraphNodeTypeKernel: {
        cudaKernelNodeParams kernel{p.kernel.func,           p.kernel.gridDim,      p.kernel.blockDim,
                                    p.kernel.sharedMemBytes, p.kernel.kernelParams, p.kernel.extra};
        CUDA_KERNEL_NODE_PARAMS driver_kernel{};
        if (cudaError_t error = to_driver(kernel, driver_kernel); error != cudaSuccess) return error;
        to.kernel = {driver_kernel.func,
                     driver_kernel.gridDimX,
                     driver_kernel.gridDimY,
                     driver_kernel.gridDimZ,
                     driver_kernel.blockDimX,
                     driver_kernel.blockDimY,
                     driver_kernel.blockDimZ,
                     driver_kernel.sharedMemBytes,
                     driver_kernel.kernelParams,
                     driver_kernel.extra,
                     nullptr,
                     nullptr};
        return cudaSuccess;
    }
    case cudaGraphNodeTypeMemcpy:
        return runtime::to_driver(p.memcpy.copyParams, to.memcpy.copyParams);
    case cudaGraphNodeTypeMemset:
        to.memset = {address(p.memset.dst), p.memset.pitch,  p.memset.value, p.memset.elementSize,
                     p.memset.width,        p.memset.height, nullptr};
        return cudaSuccess;
    case cudaGraphNodeTypeHost:
        to.host = {p.host.fn, p.host.userData};
        return cudaSuccess;
    case cudaGraphNodeTypeGraph:
        to.graph = {p.graph.graph, static_cast<CUgraphChildGraphNodeOwnership>(p.graph.ownership)};
        return cudaSuccess;
    case cudaGraphNodeTypeWaitEvent:
        to.eventWait.event = p.eventWait.event;
        return cudaSuccess;
    case cudaGraphNodeTypeEventRecord:
        to.eventRecord.event = p.eventRecord.event;
        return cudaSuccess;
    case cudaGraphNodeTypeMemAlloc:
        to.alloc = {reinterpret_cast<const CUmemPoolProps&>(p.alloc.poolProps),
                    reinterpret_cast<const CUmemAccessDesc*>(p.alloc.accessDescs), p.alloc.accessDescCount, p.alloc.bytesize, 0};
        return cudaSuccess;
    case cudaGraphNodeTypeMemFree:
        to.free.dptr = address(p.free.dptr);
        return cudaSuccess;
    case cudaGraphNodeTypeConditional:
        to.conditional = {p.conditional.handle, static_cast<CUgraphConditionalNodeType>(p.conditional.type), p.conditional.size,
                          nullptr, context_now()};
        return cudaSuccess;
    case cudaGraphNodeTypeEmpty:
        return cudaSuccess;
    default: // external semaphores: the driver says what there is to say
        return cudaSuccess;
    }
}

cudaError_t add_node(cudaGraphNode_t* result, cudaGraph_t graph, const cudaGraphNode_t* dependencies,
                     const cudaGraphEdgeData* data, size_t count, cudaGraphNodeParams* p) {
    return with_context([&] {
        if (!p) return cudaErrorInvalidValue;
        CUgraphNodeParams driver_params{};
        if (cudaError_t error = to_driver(*p, driver_params); error != cudaSuccess) return error;
        CUresult added = cuGraphAddNode_v2(result, graph, dependencies, edges(data), count, &driver_params);
        if (added == CUDA_SUCCESS && p->type == cudaGraphNodeTypeMemAlloc)
            p->alloc.dptr = reinterpret_cast<void*>(driver_params.alloc.dptr);
        if (added == CUDA_SUCCESS && p->type == cudaGraphNodeTypeConditional)
            p->conditional.phGraph_out = driver_params.conditional.phGraph_out;
        return to_runtime(added);
    });
}

} // namespace
} // namespace anywarp::runtime

using namespace anywarp::runtime;

#define ANYWARP_EXPORT __attribute__((visibility("default")))

extern "C" {

cudaError_t cudaGraphCreate(cudaGraph_t* pGraph, unsigned int flags) {
    return with_context([&] { return cuGraphCreate(pGraph, flags); });
}

cudaError_t cudaGraphAddKernelNode(cudaGraphNode_t* pGraphNode, cudaGraph_t graph, const cudaGraphNode_t* pDependencies,
                                   size_t numDependencies, const cudaKernelNodeParams* pNodeParams) {
    return with_context([&] {
        if (!pNodeParams) return cudaErrorInvalidValue;
        CUDA_KERNEL_NODE_PARAMS kernel{};
        if (cudaError_t error = to_driver(*pNodeParams, kernel); error != cudaSuccess) return error;
        return to_runtime(cuGraphAddKernelNode_v2(pGraphNode, graph, pDependencies, numDependencies, &kernel));
    });
}

cudaError_t cudaGraphKernelNodeGetParams(cudaGraphNode_t node, cudaKernelNodeParams* pNodeParams) {
    return with_context([&] {
        CUDA_KERNEL_NODE_PARAMS kernel{};
        CUresult result = pNodeParams ? cuGraphKernelNodeGetParams_v2(node, &kernel) : CUDA_ERROR_INVALID_VALUE;
        if (result == CUDA_SUCCESS) *pNodeParams = from_driver(kernel);
        return result;
    });
}

cudaError_t cudaGraphKernelNodeSetParams(cudaGraphNode_t node, const cudaKernelNodeParams* pNodeParams) {
    return with_context([&] {
        if (!pNodeParams) return cudaErrorInvalidValue;
        CUDA_KERNEL_NODE_PARAMS kernel{};
        if (cudaError_t error = to_driver(*pNodeParams, kernel); error != cudaSuccess) return error;
        return to_runtime(cuGraphKernelNodeSetParams_v2(node, &kernel));
    });
}

cudaError_t cudaGraphKernelNodeCopyAttributes(cudaGraphNode_t hDst, cudaGraphNode_t hSrc) {
    return with_context([&] { return cuGraphKernelNodeCopyAttributes(hDst, hSrc); });
}

cudaError_t cudaGraphKernelNodeGetAttribute(cudaGraphNode_t hNode, cudaKernelNodeAttrID attr,
                                            cudaKernelNodeAttrValue* value_out) {
    return with_context([&] {
        return cuGraphKernelNodeGetAttribute(hNode, static_cast<CUkernelNodeAttrID>(attr),
                                             reinterpret_cast<CUkernelNodeAttrValue*>(value_out));
    });
}

cudaError_t cudaGraphKernelNodeSetAttribute(cudaGraphNode_t hNode, cudaKernelNodeAttrID attr,
                                            const cudaKernelNodeAttrValue* value) {
    return with_context([&] {
        return cuGraphKernelNodeSetAttribute(hNode, static_cast<CUkernelNodeAttrID>(attr),
                                             reinterpret_cast<const CUkernelNodeAttrValue*>(value));
    });
}

cudaError_t cudaGraphAddMemcpyNode(cudaGraphNode_t* pGraphNode, cudaGraph_t graph, const cudaGraphNode_t* pDependencies,
                                   size_t numDependencies, const cudaMemcpy3DParms* pCopyParams) {
    return with_context([&] {
        return put_copy(
            {.call = Call::add, .result = pGraphNode, .graph = graph, .dependencies = pDependencies, .count = numDependencies},
            pCopyParams);
    });
}

cudaError_t cudaGraphAddMemcpyNodeToSymbol(cudaGraphNode_t* pGraphNode, cudaGraph_t graph, const cudaGraphNode_t* pDependencies,
                                           size_t numDependencies, const void* symbol, const void* src, size_t count,
                                           size_t offset, cudaMemcpyKind kind) {
    return put_to_symbol(
        {.call = Call::add, .result = pGraphNode, .graph = graph, .dependencies = pDependencies, .count = numDependencies},
        symbol, src, count, offset, kind);
}

cudaError_t cudaGraphAddMemcpyNodeFromSymbol(cudaGraphNode_t* pGraphNode, cudaGraph_t graph, const cudaGraphNode_t* pDependencies,
                                             size_t numDependencies, void* dst, const void* symbol, size_t count, size_t offset,
                                             cudaMemcpyKind kind) {
    return put_from_symbol(
        {.call = Call::add, .result = pGraphNode, .graph = graph, .dependencies = pDependencies, .count = numDependencies}, dst,
        symbol, count, offset, kind);
}

cudaError_t cudaGraphAddMemcpyNode1D(cudaGraphNode_t* pGraphNode, cudaGraph_t graph, const cudaGraphNode_t* pDependencies,
                                     size_t numDependencies, void* dst, const void* src, size_t count, cudaMemcpyKind kind) {
    return put_line(
        {.call = Call::add, .result = pGraphNode, .graph = graph, .dependencies = pDependencies, .count = numDependencies}, dst,
        src, count, kind);
}

cudaError_t cudaGraphMemcpyNodeGetParams(cudaGraphNode_t node, cudaMemcpy3DParms* pNodeParams) {
    return with_context([&] {
        CUDA_MEMCPY3D copy{};
        CUresult result = pNodeParams ? cuGraphMemcpyNodeGetParams(node, &copy) : CUDA_ERROR_INVALID_VALUE;
        if (result == CUDA_SUCCESS) *pNodeParams = from_driver(copy);
        return result;
    });
}

cudaError_t cudaGraphMemcpyNodeSetParams(cudaGraphNode_t node, const cudaMemcpy3DParms* pNodeParams) {
    return with_context([&] { return put_copy({.call = Call::set, .node = node}, pNodeParams); });
}

cudaError_t cudaGraphMemcpyNodeSetParamsToSymbol(cudaGraphNode_t node, const void* symbol, const void* src, size_t count,
                                                 size_t offset, cudaMemcpyKind kind) {
    return put_to_symbol({.call = Call::set, .node = node}, symbol, src, count, offset, kind);
}

cudaError_t cudaGraphMemcpyNodeSetParamsFromSymbol(cudaGraphNode_t node, void* dst, const void* symbol, size_t count,
                                                   size_t offset, cudaMemcpyKind kind) {
    return put_from_symbol({.call = Call::set, .node = node}, dst, symbol, count, offset, kind);
}

cudaError_t cudaGraphMemcpyNodeSetParams1D(cudaGraphNode_t node, void* dst, const void* src, size_t count, cudaMemcpyKind kind) {
    return put_line({.call = Call::set, .node = node}, dst, src, count, kind);
}

cudaError_t cudaGraphAddMemsetNode(cudaGraphNode_t* pGraphNode, cudaGraph_t graph, const cudaGraphNode_t* pDependencies,
                                   size_t numDependencies, const cudaMemsetParams* pMemsetParams) {
    return with_context([&] {
        return cuGraphAddMemsetNode(pGraphNode, graph, pDependencies, numDependencies,
                                    reinterpret_cast<const CUDA_MEMSET_NODE_PARAMS*>(pMemsetParams), context_now());
    });
}

cudaError_t cudaGraphMemsetNodeGetParams(cudaGraphNode_t node, cudaMemsetParams* pNodeParams) {
    return with_context(
        [&] { return cuGraphMemsetNodeGetParams(node, reinterpret_cast<CUDA_MEMSET_NODE_PARAMS*>(pNodeParams)); });
}

cudaError_t cudaGraphMemsetNodeSetParams(cudaGraphNode_t node, const cudaMemsetParams* pNodeParams) {
    return with_context(
        [&] { return cuGraphMemsetNodeSetParams(node, reinterpret_cast<const CUDA_MEMSET_NODE_PARAMS*>(pNodeParams)); });
}

cudaError_t cudaGraphAddHostNode(cudaGraphNode_t* pGraphNode, cudaGraph_t graph, const cudaGraphNode_t* pDependencies,
                                 size_t numDependencies, const cudaHostNodeParams* pNodeParams) {
    return with_context([&] {
        return cuGraphAddHostNode(pGraphNode, graph, pDependencies, numDependencies,
                                  reinterpret_cast<const CUDA_HOST_NODE_PARAMS*>(pNodeParams));
    });
}

cudaError_t cudaGraphHostNodeGetParams(cudaGraphNode_t node, cudaHostNodeParams* pNodeParams) {
    return with_context([&] { return cuGraphHostNodeGetParams(node, reinterpret_cast<CUDA_HOST_NODE_PARAMS*>(pNodeParams)); });
}

cudaError_t cudaGraphHostNodeSetParams(cudaGraphNode_t node, const cudaHostNodeParams* pNodeParams) {
    return with_context(
        [&] { return cuGraphHostNodeSetParams(node, reinterpret_cast<const CUDA_HOST_NODE_PARAMS*>(pNodeParams)); });
}

cudaError_t cudaGraphAddChildGraphNode(cudaGraphNode_t* pGraphNode, cudaGraph_t graph, const cudaGraphNode_t* pDependencies,
                                       size_t numDependencies, cudaGraph_t childGraph) {
    return with_context([&] { return cuGraphAddChildGraphNode(pGraphNode, graph, pDependencies, numDependencies, childGraph); });
}

cudaError_t cudaGraphChildGraphNodeGetGraph(cudaGraphNode_t node, cudaGraph_t* pGraph) {
    return with_context([&] { return cuGraphChildGraphNodeGetGraph(node, pGraph); });
}

cudaError_t cudaGraphAddEmptyNode(cudaGraphNode_t* pGraphNode, cudaGraph_t graph, const cudaGraphNode_t* pDependencies,
                                  size_t numDependencies) {
    return with_context([&] { return cuGraphAddEmptyNode(pGraphNode, graph, pDependencies, numDependencies); });
}

cudaError_t cudaGraphAddEventRecordNode(cudaGraphNode_t* pGraphNode, cudaGraph_t graph, const cudaGraphNode_t* pDependencies,
                                        size_t numDependencies, cudaEvent_t event) {
    return with_context([&] { return cuGraphAddEventRecordNode(pGraphNode, graph, pDependencies, numDependencies, event); });
}

cudaError_t cudaGraphEventRecordNodeGetEvent(cudaGraphNode_t node, cudaEvent_t* event_out) {
    return with_context([&] { return cuGraphEventRecordNodeGetEvent(node, event_out); });
}

cudaError_t cudaGraphEventRecordNodeSetEvent(cudaGraphNode_t node, cudaEvent_t event) {
    return with_context([&] { return cuGraphEventRecordNodeSetEvent(node, event); });
}

cudaError_t cudaGraphAddEventWaitNode(cudaGraphNode_t* pGraphNode, cudaGraph_t graph, const cudaGraphNode_t* pDependencies,
                                      size_t numDependencies, cudaEvent_t event) {
    return with_context([&] { return cuGraphAddEventWaitNode(pGraphNode, graph, pDependencies, numDependencies, event); });
}

cudaError_t cudaGraphEventWaitNodeGetEvent(cudaGraphNode_t node, cudaEvent_t* event_out) {
    return with_context([&] { return cuGraphEventWaitNodeGetEvent(node, event_out); });
}

cudaError_t cudaGraphEventWaitNodeSetEvent(cudaGraphNode_t node, cudaEvent_t event) {
    return with_context([&] { return cuGraphEventWaitNodeSetEvent(node, event); });
}

cudaError_t cudaGraphAddMemAllocNode(cudaGraphNode_t* pGraphNode, cudaGraph_t graph, const cudaGraphNode_t* pDependencies,
                                     size_t numDependencies, cudaMemAllocNodeParams* nodeParams) {
    return with_context([&] {
        return cuGraphAddMemAllocNode(pGraphNode, graph, pDependencies, numDependencies,
                                      reinterpret_cast<CUDA_MEM_ALLOC_NODE_PARAMS*>(nodeParams));
    });
}

cudaError_t cudaGraphMemAllocNodeGetParams(cudaGraphNode_t node, cudaMemAllocNodeParams* params_out) {
    return with_context(
        [&] { return cuGraphMemAllocNodeGetParams(node, reinterpret_cast<CUDA_MEM_ALLOC_NODE_PARAMS*>(params_out)); });
}

cudaError_t cudaGraphAddMemFreeNode(cudaGraphNode_t* pGraphNode, cudaGraph_t graph, const cudaGraphNode_t* pDependencies,
                                    size_t numDependencies, void* dptr) {
    return with_context([&] { return cuGraphAddMemFreeNode(pGraphNode, graph, pDependencies, numDependencies, address(dptr)); });
}

cudaError_t cudaGraphMemFreeNodeGetParams(cudaGraphNode_t node, void* dptr_out) {
    return with_context([&] { return cuGraphMemFreeNodeGetParams(node, static_cast<CUdeviceptr*>(dptr_out)); });
}

cudaError_t cudaGraphClone(cudaGraph_t* pGraphClone, cudaGraph_t originalGraph) {
    return with_context([&] { return cuGraphClone(pGraphClone, originalGraph); });
}

cudaError_t cudaGraphNodeFindInClone(cudaGraphNode_t* pNode, cudaGraphNode_t originalNode, cudaGraph_t clonedGraph) {
    return with_context([&] { return cuGraphNodeFindInClone(pNode, originalNode, clonedGraph); });
}

cudaError_t cudaGraphNodeGetType(cudaGraphNode_t node, cudaGraphNodeType* pType) {
    return with_context([&] { return cuGraphNodeGetType(node, reinterpret_cast<CUgraphNodeType*>(pType)); });
}

cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t* nodes, size_t* numNodes) {
    return with_context([&] { return cuGraphGetNodes(graph, nodes, numNodes); });
}

cudaError_t cudaGraphGetRootNodes(cudaGraph_t graph, cudaGraphNode_t* pRootNodes, size_t* pNumRootNodes) {
    return with_context([&] { return cuGraphGetRootNodes(graph, pRootNodes, pNumRootNodes); });
}

cudaError_t cudaGraphDestroyNode(cudaGraphNode_t node) {
    return with_context([&] { return cuGraphDestroyNode(node); });
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* pGraphExec, cudaGraph_t graph, unsigned long long flags) {
    return with_context([&] { return cuGraphInstantiateWithFlags(pGraphExec, graph, flags); });
}

cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t* pGraphExec, cudaGraph_t graph, unsigned long long flags) {
    return with_context([&] { return cuGraphInstantiateWithFlags(pGraphExec, graph, flags); });
}

cudaError_t cudaGraphInstantiateWithParams(cudaGraphExec_t* pGraphExec, cudaGraph_t graph,
                                           cudaGraphInstantiateParams* instantiateParams) {
    return with_context([&] {
        return cuGraphInstantiateWithParams(pGraphExec, graph,
                                            reinterpret_cast<CUDA_GRAPH_INSTANTIATE_PARAMS*>(instantiateParams));
    });
}

cudaError_t cudaGraphExecGetFlags(cudaGraphExec_t graphExec, unsigned long long* flags) {
    return with_context([&] { return cuGraphExecGetFlags(graphExec, reinterpret_cast<cuuint64_t*>(flags)); });
}

cudaError_t cudaGraphExecKernelNodeSetParams(cudaGraphExec_t hGraphExec, cudaGraphNode_t node,
                                             const cudaKernelNodeParams* pNodeParams) {
    return with_context([&] {
        if (!pNodeParams) return cudaErrorInvalidValue;
        CUDA_KERNEL_NODE_PARAMS kernel{};
        if (cudaError_t error = to_driver(*pNodeParams, kernel); error != cudaSuccess) return error;
        return to_runtime(cuGraphExecKernelNodeSetParams_v2(hGraphExec, node, &kernel));
    });
}

cudaError_t cudaGraphExecMemcpyNodeSetParams(cudaGraphExec_t hGraphExec, cudaGraphNode_t node,
                                             const cudaMemcpy3DParms* pNodeParams) {
    return with_context([&] { return put_copy({.call = Call::set_exec, .node = node, .exec = hGraphExec}, pNodeParams); });
}

cudaError_t cudaGraphExecMemcpyNodeSetParamsToSymbol(cudaGraphExec_t hGraphExec, cudaGraphNode_t node, const void* symbol,
                                                     const void* src, size_t count, size_t offset, cudaMemcpyKind kind) {
    return put_to_symbol({.call = Call::set_exec, .node = node, .exec = hGraphExec}, symbol, src, count, offset, kind);
}

cudaError_t cudaGraphExecMemcpyNodeSetParamsFromSymbol(cudaGraphExec_t hGraphExec, cudaGraphNode_t node, void* dst,
                                                       const void* symbol, size_t count, size_t offset, cudaMemcpyKind kind) {
    return put_from_symbol({.call = Call::set_exec, .node = node, .exec = hGraphExec}, dst, symbol, count, offset, kind);
}

cudaError_t cudaGraphExecMemcpyNodeSetParams1D(cudaGraphExec_t hGraphExec, cudaGraphNode_t node, void* dst, const void* src,
                                               size_t count, cudaMemcpyKind kind) {
    return put_line({.call = Call::set_exec, .node = node, .exec = hGraphExec}, dst, src, count, kind);
}

cudaError_t cudaGraphExecMemsetNodeSetParams(cudaGraphExec_t hGraphExec, cudaGraphNode_t node,
                                             const cudaMemsetParams* pNodeParams) {
    return with_context([&] {
        return cuGraphExecMemsetNodeSetParams(hGraphExec, node, reinterpret_cast<const CUDA_MEMSET_NODE_PARAMS*>(pNodeParams),
                                              context_now());
    });
}

cudaError_t cudaGraphExecHostNodeSetParams(cudaGraphExec_t hGraphExec, cudaGraphNode_t node,
                                           const cudaHostNodeParams* pNodeParams) {
    return with_context([&] {
        return cuGraphExecHostNodeSetParams(hGraphExec, node, reinterpret_cast<const CUDA_HOST_NODE_PARAMS*>(pNodeParams));
    });
}

cudaError_t cudaGraphExecChildGraphNodeSetParams(cudaGraphExec_t hGraphExec, cudaGraphNode_t node, cudaGraph_t childGraph) {
    return with_context([&] { return cuGraphExecChildGraphNodeSetParams(hGraphExec, node, childGraph); });
}

cudaError_t cudaGraphExecEventRecordNodeSetEvent(cudaGraphExec_t hGraphExec, cudaGraphNode_t hNode, cudaEvent_t event) {
    return with_context([&] { return cuGraphExecEventRecordNodeSetEvent(hGraphExec, hNode, event); });
}

cudaError_t cudaGraphExecEventWaitNodeSetEvent(cudaGraphExec_t hGraphExec, cudaGraphNode_t hNode, cudaEvent_t event) {
    return with_context([&] { return cuGraphExecEventWaitNodeSetEvent(hGraphExec, hNode, event); });
}

cudaError_t cudaGraphNodeSetEnabled(cudaGraphExec_t hGraphExec, cudaGraphNode_t hNode, unsigned int isEnabled) {
    return with_context([&] { return cuGraphNodeSetEnabled(hGraphExec, hNode, isEnabled); });
}

cudaError_t cudaGraphNodeGetEnabled(cudaGraphExec_t hGraphExec, cudaGraphNode_t hNode, unsigned int* isEnabled) {
    return with_context([&] { return cuGraphNodeGetEnabled(hGraphExec, hNode, isEnabled); });
}

cudaError_t cudaGraphExecUpdate(cudaGraphExec_t hGraphExec, cudaGraph_t hGraph, cudaGraphExecUpdateResultInfo* resultInfo) {
    return with_context(
        [&] { return cuGraphExecUpdate_v2(hGraphExec, hGraph, reinterpret_cast<CUgraphExecUpdateResultInfo*>(resultInfo)); });
}

cudaError_t cudaGraphUpload(cudaGraphExec_t graphExec, cudaStream_t stream) {
    return with_context([&] { return cuGraphUpload(graphExec, stream); });
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t graphExec, cudaStream_t stream) {
    return with_context([&] { return cuGraphLaunch(graphExec, stream); });
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t graphExec) {
    return with_context([&] { return cuGraphExecDestroy(graphExec); });
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
    return with_context([&] { return cuGraphDestroy(graph); });
}

cudaError_t cudaGraphDebugDotPrint(cudaGraph_t graph, const char* path, unsigned int flags) {
    return with_context([&] { return cuGraphDebugDotPrint(graph, path, flags); });
}

cudaError_t cudaUserObjectCreate(cudaUserObject_t* object_out, void* ptr, cudaHostFn_t destroy, unsigned int initialRefcount,
                                 unsigned int flags) {
    return with_context([&] { return cuUserObjectCreate(object_out, ptr, destroy, initialRefcount, flags); });
}

cudaError_t cudaUserObjectRetain(cudaUserObject_t object, unsigned int count) {
    return with_context([&] { return cuUserObjectRetain(object, count); });
}

cudaError_t cudaUserObjectRelease(cudaUserObject_t object, unsigned int count) {
    return with_context([&] { return cuUserObjectRelease(object, count); });
}

cudaError_t cudaGraphRetainUserObject(cudaGraph_t graph, cudaUserObject_t object, unsigned int count, unsigned int flags) {
    return with_context([&] { return cuGraphRetainUserObject(graph, object, count, flags); });
}

cudaError_t cudaGraphReleaseUserObject(cudaGraph_t graph, cudaUserObject_t object, unsigned int count) {
    return with_context([&] { return cuGraphReleaseUserObject(graph, object, count); });
}

cudaError_t cudaGraphNodeSetParams(cudaGraphNode_t node, cudaGraphNodeParams* nodeParams) {
    return with_context([&] {
        CUgraphNodeParams driver_params{};
        if (!nodeParams) return cudaErrorInvalidValue;
        if (cudaError_t error = to_driver(*nodeParams, driver_params); error != cudaSuccess) return error;
        return to_runtime(cuGraphNodeSetParams(node, &driver_params));
    });
}

cudaError_t cudaGraphExecNodeSetParams(cudaGraphExec_t graphExec, cudaGraphNode_t node, cudaGraphNodeParams* nodeParams) {
    return with_context([&] {
        CUgraphNodeParams driver_params{};
        if (!nodeParams) return cudaErrorInvalidValue;
        if (cudaError_t error = to_driver(*nodeParams, driver_params); error != cudaSuccess) return error;
        return to_runtime(cuGraphExecNodeSetParams(graphExec, node, &driver_params));
    });
}

cudaError_t cudaGraphConditionalHandleCreate(cudaGraphConditionalHandle* pHandle_out, cudaGraph_t graph,
                                             unsigned int defaultLaunchValue, unsigned int flags) {
    return with_context([&] {
        return cuGraphConditionalHandleCreate(reinterpret_cast<CUgraphConditionalHandle*>(pHandle_out), graph, context_now(),
                                              defaultLaunchValue, flags);
    });
}

#if ANYWARP_CUDART_MAJOR >= 13 // CUDA 12 has these names without the edges' data
cudaError_t cudaGraphGetEdges(cudaGraph_t graph, cudaGraphNode_t* from, cudaGraphNode_t* to, cudaGraphEdgeData* edgeData,
                              size_t* numEdges) {
    return with_context([&] { return cuGraphGetEdges_v2(graph, from, to, edges(edgeData), numEdges); });
}

cudaError_t cudaGraphNodeGetDependencies(cudaGraphNode_t node, cudaGraphNode_t* pDependencies, cudaGraphEdgeData* edgeData,
                                         size_t* pNumDependencies) {
    return with_context([&] { return cuGraphNodeGetDependencies_v2(node, pDependencies, edges(edgeData), pNumDependencies); });
}

cudaError_t cudaGraphNodeGetDependentNodes(cudaGraphNode_t node, cudaGraphNode_t* pDependentNodes, cudaGraphEdgeData* edgeData,
                                           size_t* pNumDependentNodes) {
    return with_context(
        [&] { return cuGraphNodeGetDependentNodes_v2(node, pDependentNodes, edges(edgeData), pNumDependentNodes); });
}

cudaError_t cudaGraphAddDependencies(cudaGraph_t graph, const cudaGraphNode_t* from, const cudaGraphNode_t* to,
                                     const cudaGraphEdgeData* edgeData, size_t numDependencies) {
    return with_context([&] { return cuGraphAddDependencies_v2(graph, from, to, edges(edgeData), numDependencies); });
}

cudaError_t cudaGraphRemoveDependencies(cudaGraph_t graph, const cudaGraphNode_t* from, const cudaGraphNode_t* to,
                                        const cudaGraphEdgeData* edgeData, size_t numDependencies) {
    return with_context([&] { return cuGraphRemoveDependencies_v2(graph, from, to, edges(edgeData), numDependencies); });
}

cudaError_t cudaGraphAddNode(cudaGraphNode_t* pGraphNode, cudaGraph_t graph, const cudaGraphNode_t* pDependencies,
                             const cudaGraphEdgeData* dependencyData, size_t numDependencies, cudaGraphNodeParams* nodeParams) {
    return add_node(pGraphNode, graph, pDependencies, dependencyData, numDependencies, nodeParams);
}
#endif

ANYWARP_EXPORT cudaError_t cudaGraphLaunch_ptsz(cudaGraphExec_t graphExec, cudaStream_t stream) {
    return cudaGraphLaunch(graphExec, stream ? stream : cudaStreamPerThread);
}

ANYWARP_EXPORT cudaError_t cudaGraphUpload_ptsz(cudaGraphExec_t graphExec, cudaStream_t stream) {
    return cudaGraphUpload(graphExec, stream ? stream : cudaStreamPerThread);
}

ANYWARP_EXPORT cudaError_t cudaGraphInstantiateWithParams_ptsz(cudaGraphExec_t* pGraphExec, cudaGraph_t graph,
                                                               cudaGraphInstantiateParams* instantiateParams) {
    return cudaGraphInstantiateWithParams(pGraphExec, graph, instantiateParams);
}

#if ANYWARP_CUDART_MAJOR == 12

// Without data of edges, and with it under names of their own.
#    define ANYWARP_12(name, parameters)                                                                                         \
        ANYWARP_EXPORT cudaError_t name##_of_12 parameters asm(#name);                                                           \
        cudaError_t name##_of_12 parameters

ANYWARP_12(cudaGraphAddDependencies,
           (cudaGraph_t graph, const cudaGraphNode_t* from, const cudaGraphNode_t* to, size_t numDependencies)) {
    return with_context([&] { return cuGraphAddDependencies_v2(graph, from, to, nullptr, numDependencies); });
}
ANYWARP_12(cudaGraphAddDependencies_v2, (cudaGraph_t graph, const cudaGraphNode_t* from, const cudaGraphNode_t* to,
                                         const cudaGraphEdgeData* edgeData, size_t numDependencies)) {
    return with_context([&] { return cuGraphAddDependencies_v2(graph, from, to, edges(edgeData), numDependencies); });
}

ANYWARP_12(cudaGraphGetEdges, (cudaGraph_t graph, cudaGraphNode_t* from, cudaGraphNode_t* to, size_t* numEdges)) {
    return with_context([&] { return cuGraphGetEdges_v2(graph, from, to, nullptr, numEdges); });
}
ANYWARP_12(cudaGraphGetEdges_v2,
           (cudaGraph_t graph, cudaGraphNode_t* from, cudaGraphNode_t* to, cudaGraphEdgeData* edgeData, size_t* numEdges)) {
    return with_context([&] { return cuGraphGetEdges_v2(graph, from, to, edges(edgeData), numEdges); });
}

ANYWARP_12(cudaGraphNodeGetDependencies, (cudaGraphNode_t node, cudaGraphNode_t* pDependencies, size_t* pNumDependencies)) {
    return with_context([&] { return cuGraphNodeGetDependencies_v2(node, pDependencies, nullptr, pNumDependencies); });
}
ANYWARP_12(cudaGraphNodeGetDependencies_v2,
           (cudaGraphNode_t node, cudaGraphNode_t* pDependencies, cudaGraphEdgeData* edgeData, size_t* pNumDependencies)) {
    return with_context([&] { return cuGraphNodeGetDependencies_v2(node, pDependencies, edges(edgeData), pNumDependencies); });
}

ANYWARP_12(cudaGraphNodeGetDependentNodes, (cudaGraphNode_t node, cudaGraphNode_t* pDependentNodes, size_t* pNumDependentNodes)) {
    return with_context([&] { return cuGraphNodeGetDependentNodes_v2(node, pDependentNodes, nullptr, pNumDependentNodes); });
}
ANYWARP_12(cudaGraphNodeGetDependentNodes_v2,
           (cudaGraphNode_t node, cudaGraphNode_t* pDependentNodes, cudaGraphEdgeData* edgeData, size_t* pNumDependentNodes)) {
    return with_context(
        [&] { return cuGraphNodeGetDependentNodes_v2(node, pDependentNodes, edges(edgeData), pNumDependentNodes); });
}

ANYWARP_12(cudaGraphRemoveDependencies,
           (cudaGraph_t graph, const cudaGraphNode_t* from, const cudaGraphNode_t* to, size_t numDependencies)) {
    return with_context([&] { return cuGraphRemoveDependencies_v2(graph, from, to, nullptr, numDependencies); });
}
ANYWARP_12(cudaGraphRemoveDependencies_v2, (cudaGraph_t graph, const cudaGraphNode_t* from, const cudaGraphNode_t* to,
                                            const cudaGraphEdgeData* edgeData, size_t numDependencies)) {
    return with_context([&] { return cuGraphRemoveDependencies_v2(graph, from, to, edges(edgeData), numDependencies); });
}

ANYWARP_12(cudaGraphAddNode, (cudaGraphNode_t * result, cudaGraph_t graph, const cudaGraphNode_t* dependencies, size_t count,
                              cudaGraphNodeParams* nodeParams)) {
    return add_node(result, graph, dependencies, nullptr, count, nodeParams);
}
ANYWARP_12(cudaGraphAddNode_v2, (cudaGraphNode_t * result, cudaGraph_t graph, const cudaGraphNode_t* dependencies,
                                 const cudaGraphEdgeData* data, size_t count, cudaGraphNodeParams* nodeParams)) {
    return add_node(result, graph, dependencies, data, count, nodeParams);
}
#endif

} // extern "C"
