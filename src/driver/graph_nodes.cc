// The calls for each type of node: add it, read and replace its parameters, replace them in an executable graph. All are the
// general calls (cuGraphAddNode, cuGraphNodeSetParams, cuGraphExecNodeSetParams) with the type spelled out.
// CUDA driver API, "Graph Management".

#include "driver/capture.h"
#include "driver/format.h"

#include <cstring>

using namespace anywarp;
using namespace anywarp::driver;

namespace {

CUgraphNodeParams of_type(CUgraphNodeType type) {
    CUgraphNodeParams parameters{};
    parameters.type = type;
    return parameters;
}

CUgraphNodeParams general(const CUDA_KERNEL_NODE_PARAMS_v1& p) {
    auto all = of_type(CU_GRAPH_NODE_TYPE_KERNEL);
    std::memcpy(&all.kernel, &p, sizeof p); // the later versions only add fields
    return all;
}
CUgraphNodeParams general(const CUDA_KERNEL_NODE_PARAMS_v2& p) {
    auto all = of_type(CU_GRAPH_NODE_TYPE_KERNEL);
    std::memcpy(&all.kernel, &p, sizeof p);
    return all;
}
CUgraphNodeParams general(const CUDA_MEMCPY3D& p, CUcontext context) {
    auto all = of_type(CU_GRAPH_NODE_TYPE_MEMCPY);
    all.memcpy.copyCtx = context;
    all.memcpy.copyParams = p;
    return all;
}
CUgraphNodeParams general(const CUDA_MEMSET_NODE_PARAMS& p, CUcontext context) {
    auto all = of_type(CU_GRAPH_NODE_TYPE_MEMSET);
    all.memset = {p.dst, p.pitch, p.value, p.elementSize, p.width, p.height, context};
    return all;
}
CUgraphNodeParams general(const CUDA_HOST_NODE_PARAMS& p) {
    auto all = of_type(CU_GRAPH_NODE_TYPE_HOST);
    all.host = {p.fn, p.userData};
    return all;
}
CUgraphNodeParams general(const CUDA_BATCH_MEM_OP_NODE_PARAMS& p) {
    auto all = of_type(CU_GRAPH_NODE_TYPE_BATCH_MEM_OP);
    all.memOp = {p.ctx, p.count, p.paramArray, p.flags};
    return all;
}
CUgraphNodeParams general_event(CUgraphNodeType type, CUevent event) {
    auto all = of_type(type);
    if (type == CU_GRAPH_NODE_TYPE_EVENT_RECORD)
        all.eventRecord.event = event;
    else
        all.eventWait.event = event;
    return all;
}

Result<void> add(CUctx_st& context, CUgraphNode* result, CUgraph handle, const CUgraphNode* nodes, const CUgraphEdgeData* data,
                 size_t count, CUgraphNodeParams& parameters) {
    ANYWARP_REQUIRE(result);
    ANYWARP_TRY_AS(graph, graph_of(handle));
    ANYWARP_TRY_AS(edges, edges_of(*graph, nodes, data, count));
    ANYWARP_TRY_AS(work, work_of(parameters, context));
    ANYWARP_TRY_AS(node, add_node(*graph, std::move(work), std::move(edges)));
    // What the caller learns from its own structure.
    if (auto* alloc = std::get_if<AllocWork>(&node->work)) parameters.alloc.dptr = alloc->memory->address;
    if (auto* condition = std::get_if<ConditionalWork>(&node->work))
        parameters.conditional.phGraph_out = condition->handles.data();
    *result = node;
    return {};
}

CUresult add(const char* call, CUgraphNode* result, CUgraph graph, const CUgraphNode* nodes, size_t count,
             CUgraphNodeParams parameters) {
    return with_context(call, [&](CUctx_st& context) { return add(context, result, graph, nodes, nullptr, count, parameters); });
}

/// `body(parameters)` with the parameters of a node of this type.
template <class Body> CUresult read(const char* call, CUgraphNode handle, CUgraphNodeType type, const void* to, Body body) {
    return with_driver(call, [&]() -> Result<void> {
        if (!to) return invalid_value("nowhere to put the parameters");
        ANYWARP_TRY_AS(node, node_of(handle));
        if (type_of(*node) != type) return invalid_value("a node of another type");
        CUgraphNodeParams parameters;
        describe(*node, parameters);
        body(parameters);
        return {};
    });
}

CUresult write(const char* call, CUgraphNode handle, const CUgraphNodeParams& parameters) {
    return with_context(call, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_TRY_AS(node, node_of(handle));
        if (type_of(*node) != parameters.type) return invalid_value("a node of another type");
        ANYWARP_TRY_AS(work, work_of(parameters, context));
        return set_work(*node, std::move(work));
    });
}

CUresult write_exec(const char* call, CUgraphExec handle, CUgraphNode original, const CUgraphNodeParams& parameters) {
    return with_context(call, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_TRY_AS(exec, exec_of(handle));
        ANYWARP_TRY_AS(node, node_in(*exec, original));
        if (type_of(*node) != parameters.type) return invalid_value("a node of another type");
        ANYWARP_TRY_AS(work, work_of(parameters, context));
        ANYWARP_TRY(set_work(*node, std::move(work)));
        exec->program = nullptr;
        return {};
    });
}

/// Kernel attributes: what a launch attribute of this name would do, kept with the node.
bool is_kernel_attribute(CUkernelNodeAttrID which) {
    switch (which) {
    case CU_LAUNCH_ATTRIBUTE_ACCESS_POLICY_WINDOW:
    case CU_LAUNCH_ATTRIBUTE_COOPERATIVE:
    case CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION:
    case CU_LAUNCH_ATTRIBUTE_CLUSTER_SCHEDULING_POLICY_PREFERENCE:
    case CU_LAUNCH_ATTRIBUTE_PRIORITY:
    case CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN_MAP:
    case CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN:
    case CU_LAUNCH_ATTRIBUTE_DEVICE_UPDATABLE_KERNEL_NODE:
    case CU_LAUNCH_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT:
        return true;
    default:
        return false;
    }
}

Result<KernelWork*> kernel_of(const std::shared_ptr<CUgraphNode_st>& node) {
    auto* work = std::get_if<KernelWork>(&node->work);
    if (!work) return invalid_value("not a kernel node");
    return work;
}

} // namespace

// Any type

CUresult cuGraphAddNode(CUgraphNode* result, CUgraph graph, const CUgraphNode* nodes, size_t count, CUgraphNodeParams* p) {
    return cuGraphAddNode_v2(result, graph, nodes, nullptr, count, p);
}
CUresult cuGraphAddNode_v2(CUgraphNode* result, CUgraph graph, const CUgraphNode* nodes, const CUgraphEdgeData* data,
                           size_t count, CUgraphNodeParams* p) {
    return with_context(__func__, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_REQUIRE(p);
        return add(context, result, graph, nodes, data, count, *p);
    });
}
CUresult cuGraphNodeSetParams(CUgraphNode node, CUgraphNodeParams* p) {
    return write(__func__, node, p ? *p : of_type(static_cast<CUgraphNodeType>(-1)));
}
CUresult cuGraphExecNodeSetParams(CUgraphExec exec, CUgraphNode node, CUgraphNodeParams* p) {
    return write_exec(__func__, exec, node, p ? *p : of_type(static_cast<CUgraphNodeType>(-1)));
}

// The calls of most types: parameters of one structure.
#define NULL_IS_INVALID(pointer)                                                                                                 \
    if (!(pointer)) return without_init(__func__, []() -> Result<void> { return invalid_value(#pointer " is null"); })

CUresult cuGraphAddKernelNode(CUgraphNode* result, CUgraph graph, const CUgraphNode* nodes, size_t count,
                              const CUDA_KERNEL_NODE_PARAMS_v1* p) {
    NULL_IS_INVALID(p);
    return add(__func__, result, graph, nodes, count, general(*p));
}
CUresult cuGraphAddKernelNode_v2(CUgraphNode* result, CUgraph graph, const CUgraphNode* nodes, size_t count,
                                 const CUDA_KERNEL_NODE_PARAMS* p) {
    NULL_IS_INVALID(p);
    return add(__func__, result, graph, nodes, count, general(*p));
}
CUresult cuGraphKernelNodeGetParams(CUgraphNode node, CUDA_KERNEL_NODE_PARAMS_v1* p) {
    return read(__func__, node, CU_GRAPH_NODE_TYPE_KERNEL, p, [&](const CUgraphNodeParams& all) {
        std::memcpy(p, &all.kernel, sizeof *p);
        if (!p->func) p->func = reinterpret_cast<CUfunction>(all.kernel.kern); // there is no other place for it
    });
}
CUresult cuGraphKernelNodeGetParams_v2(CUgraphNode node, CUDA_KERNEL_NODE_PARAMS* p) {
    return read(__func__, node, CU_GRAPH_NODE_TYPE_KERNEL, p,
                [&](const CUgraphNodeParams& all) { std::memcpy(p, &all.kernel, sizeof *p); });
}
CUresult cuGraphKernelNodeSetParams(CUgraphNode node, const CUDA_KERNEL_NODE_PARAMS_v1* p) {
    NULL_IS_INVALID(p);
    return write(__func__, node, general(*p));
}
CUresult cuGraphKernelNodeSetParams_v2(CUgraphNode node, const CUDA_KERNEL_NODE_PARAMS* p) {
    NULL_IS_INVALID(p);
    return write(__func__, node, general(*p));
}
CUresult cuGraphExecKernelNodeSetParams(CUgraphExec exec, CUgraphNode node, const CUDA_KERNEL_NODE_PARAMS_v1* p) {
    NULL_IS_INVALID(p);
    return write_exec(__func__, exec, node, general(*p));
}
CUresult cuGraphExecKernelNodeSetParams_v2(CUgraphExec exec, CUgraphNode node, const CUDA_KERNEL_NODE_PARAMS* p) {
    NULL_IS_INVALID(p);
    return write_exec(__func__, exec, node, general(*p));
}

CUresult cuGraphKernelNodeSetAttribute(CUgraphNode handle, CUkernelNodeAttrID which, const CUkernelNodeAttrValue* value) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(value);
        ANYWARP_TRY_AS(node, node_of(handle));
        ANYWARP_TRY_AS(work, kernel_of(node));
        if (!is_kernel_attribute(which)) return invalid_value(format("there is no kernel attribute {}", static_cast<int>(which)));
        machine::LaunchConfig trial;
        CUlaunchAttribute attribute{};
        attribute.id = which;
        attribute.value = *value;
        ANYWARP_TRY(apply_launch_attribute(attribute, trial));
        work->attributes[which] = *value;
        return {};
    });
}
CUresult cuGraphKernelNodeGetAttribute(CUgraphNode handle, CUkernelNodeAttrID which, CUkernelNodeAttrValue* value) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(value);
        ANYWARP_TRY_AS(node, node_of(handle));
        ANYWARP_TRY_AS(work, kernel_of(node));
        if (!is_kernel_attribute(which)) return invalid_value(format("there is no kernel attribute {}", static_cast<int>(which)));
        auto known = work->attributes.find(which);
        *value = known == work->attributes.end() ? CUkernelNodeAttrValue{} : known->second;
        return {};
    });
}
CUresult cuGraphKernelNodeCopyAttributes(CUgraphNode to, CUgraphNode from) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_TRY_AS(target, node_of(to));
        ANYWARP_TRY_AS(source, node_of(from));
        ANYWARP_TRY_AS(target_work, kernel_of(target));
        ANYWARP_TRY_AS(source_work, kernel_of(source));
        target_work->attributes = source_work->attributes;
        return {};
    });
}

CUresult cuGraphAddMemcpyNode(CUgraphNode* result, CUgraph graph, const CUgraphNode* nodes, size_t count, const CUDA_MEMCPY3D* p,
                              CUcontext context) {
    NULL_IS_INVALID(p);
    return add(__func__, result, graph, nodes, count, general(*p, context));
}
CUresult cuGraphMemcpyNodeGetParams(CUgraphNode node, CUDA_MEMCPY3D* p) {
    return read(__func__, node, CU_GRAPH_NODE_TYPE_MEMCPY, p, [&](const CUgraphNodeParams& all) { *p = all.memcpy.copyParams; });
}
CUresult cuGraphMemcpyNodeSetParams(CUgraphNode node, const CUDA_MEMCPY3D* p) {
    NULL_IS_INVALID(p);
    return write(__func__, node, general(*p, nullptr));
}
CUresult cuGraphExecMemcpyNodeSetParams(CUgraphExec exec, CUgraphNode node, const CUDA_MEMCPY3D* p, CUcontext context) {
    NULL_IS_INVALID(p);
    return write_exec(__func__, exec, node, general(*p, context));
}

CUresult cuGraphAddMemsetNode(CUgraphNode* result, CUgraph graph, const CUgraphNode* nodes, size_t count,
                              const CUDA_MEMSET_NODE_PARAMS* p, CUcontext context) {
    NULL_IS_INVALID(p);
    return add(__func__, result, graph, nodes, count, general(*p, context));
}
CUresult cuGraphMemsetNodeGetParams(CUgraphNode node, CUDA_MEMSET_NODE_PARAMS* p) {
    return read(__func__, node, CU_GRAPH_NODE_TYPE_MEMSET, p,
                [&](const CUgraphNodeParams& all) { std::memcpy(p, &all.memset, sizeof *p); });
}
CUresult cuGraphMemsetNodeSetParams(CUgraphNode node, const CUDA_MEMSET_NODE_PARAMS* p) {
    NULL_IS_INVALID(p);
    return write(__func__, node, general(*p, nullptr));
}
CUresult cuGraphExecMemsetNodeSetParams(CUgraphExec exec, CUgraphNode node, const CUDA_MEMSET_NODE_PARAMS* p, CUcontext context) {
    NULL_IS_INVALID(p);
    return write_exec(__func__, exec, node, general(*p, context));
}

CUresult cuGraphAddHostNode(CUgraphNode* result, CUgraph graph, const CUgraphNode* nodes, size_t count,
                            const CUDA_HOST_NODE_PARAMS* p) {
    NULL_IS_INVALID(p);
    return add(__func__, result, graph, nodes, count, general(*p));
}
CUresult cuGraphHostNodeGetParams(CUgraphNode node, CUDA_HOST_NODE_PARAMS* p) {
    return read(__func__, node, CU_GRAPH_NODE_TYPE_HOST, p,
                [&](const CUgraphNodeParams& all) { *p = {all.host.fn, all.host.userData}; });
}
CUresult cuGraphHostNodeSetParams(CUgraphNode node, const CUDA_HOST_NODE_PARAMS* p) {
    NULL_IS_INVALID(p);
    return write(__func__, node, general(*p));
}
CUresult cuGraphExecHostNodeSetParams(CUgraphExec exec, CUgraphNode node, const CUDA_HOST_NODE_PARAMS* p) {
    NULL_IS_INVALID(p);
    return write_exec(__func__, exec, node, general(*p));
}

CUresult cuGraphAddBatchMemOpNode(CUgraphNode* result, CUgraph graph, const CUgraphNode* nodes, size_t count,
                                  const CUDA_BATCH_MEM_OP_NODE_PARAMS* p) {
    NULL_IS_INVALID(p);
    return add(__func__, result, graph, nodes, count, general(*p));
}
CUresult cuGraphBatchMemOpNodeGetParams(CUgraphNode node, CUDA_BATCH_MEM_OP_NODE_PARAMS* p) {
    return read(__func__, node, CU_GRAPH_NODE_TYPE_BATCH_MEM_OP, p, [&](const CUgraphNodeParams& all) {
        *p = {all.memOp.ctx, all.memOp.count, all.memOp.paramArray, all.memOp.flags};
    });
}
CUresult cuGraphBatchMemOpNodeSetParams(CUgraphNode node, const CUDA_BATCH_MEM_OP_NODE_PARAMS* p) {
    NULL_IS_INVALID(p);
    return write(__func__, node, general(*p));
}
CUresult cuGraphExecBatchMemOpNodeSetParams(CUgraphExec exec, CUgraphNode node, const CUDA_BATCH_MEM_OP_NODE_PARAMS* p) {
    NULL_IS_INVALID(p);
    return write_exec(__func__, exec, node, general(*p));
}

// The calls of types with a single value.

CUresult cuGraphAddEmptyNode(CUgraphNode* result, CUgraph graph, const CUgraphNode* nodes, size_t count) {
    return add(__func__, result, graph, nodes, count, of_type(CU_GRAPH_NODE_TYPE_EMPTY));
}

CUresult cuGraphAddChildGraphNode(CUgraphNode* result, CUgraph graph, const CUgraphNode* nodes, size_t count, CUgraph child) {
    auto all = of_type(CU_GRAPH_NODE_TYPE_GRAPH);
    all.graph.graph = child;
    return add(__func__, result, graph, nodes, count, all);
}
CUresult cuGraphChildGraphNodeGetGraph(CUgraphNode node, CUgraph* graph) {
    return read(__func__, node, CU_GRAPH_NODE_TYPE_GRAPH, graph, [&](const CUgraphNodeParams& all) { *graph = all.graph.graph; });
}
CUresult cuGraphExecChildGraphNodeSetParams(CUgraphExec exec, CUgraphNode node, CUgraph child) {
    auto all = of_type(CU_GRAPH_NODE_TYPE_GRAPH);
    all.graph.graph = child;
    return write_exec(__func__, exec, node, all);
}

// Events and external semaphores: pairs of node types that differ in their names alone.
#define EVENT_NODE(Name, TYPE, member)                                                                                           \
    CUresult cuGraphAddEvent##Name##Node(CUgraphNode* result, CUgraph graph, const CUgraphNode* nodes, size_t count,             \
                                         CUevent event) {                                                                        \
        return add(__func__, result, graph, nodes, count, general_event(TYPE, event));                                          \
    }                                                                                                                            \
    CUresult cuGraphEvent##Name##NodeGetEvent(CUgraphNode node, CUevent* event) {                                                \
        return read(__func__, node, TYPE, event, [&](const CUgraphNodeParams& all) { *event = all.member.event; });              \
    }                                                                                                                            \
    CUresult cuGraphEvent##Name##NodeSetEvent(CUgraphNode node, CUevent event) {                                                 \
        return write(__func__, node, general_event(TYPE, event));                                                               \
    }                                                                                                                            \
    CUresult cuGraphExecEvent##Name##NodeSetEvent(CUgraphExec exec, CUgraphNode node, CUevent event) {                           \
        return write_exec(__func__, exec, node, general_event(TYPE, event));                                                    \
    }
EVENT_NODE(Record, CU_GRAPH_NODE_TYPE_EVENT_RECORD, eventRecord)
EVENT_NODE(Wait, CU_GRAPH_NODE_TYPE_WAIT_EVENT, eventWait)

#define SEMAPHORE_NODE(Name, Parameters, TYPE, member)                                                                           \
    static CUgraphNodeParams general(const Parameters& p) {                                                                      \
        auto all = of_type(TYPE);                                                                                                \
        all.member = {p.extSemArray, p.paramsArray, p.numExtSems};                                                               \
        return all;                                                                                                              \
    }                                                                                                                            \
    CUresult cuGraphAddExternalSemaphores##Name##Node(CUgraphNode* result, CUgraph graph, const CUgraphNode* nodes,              \
                                                      size_t count, const Parameters* p) {                                       \
        if (!p) return without_init(__func__, []() -> Result<void> { return invalid_value("the parameters are null"); });        \
        return add(__func__, result, graph, nodes, count, general(*p));                                                          \
    }                                                                                                                            \
    CUresult cuGraphExternalSemaphores##Name##NodeGetParams(CUgraphNode node, Parameters* p) {                                   \
        return read(__func__, node, TYPE, p, [&](const CUgraphNodeParams& all) {                                                 \
            *p = {all.member.extSemArray, all.member.paramsArray, all.member.numExtSems};                                        \
        });                                                                                                                      \
    }                                                                                                                            \
    CUresult cuGraphExternalSemaphores##Name##NodeSetParams(CUgraphNode node, const Parameters* p) {                             \
        if (!p) return without_init(__func__, []() -> Result<void> { return invalid_value("the parameters are null"); });        \
        return write(__func__, node, general(*p));                                                                               \
    }                                                                                                                            \
    CUresult cuGraphExecExternalSemaphores##Name##NodeSetParams(CUgraphExec exec, CUgraphNode node, const Parameters* p) {       \
        if (!p) return without_init(__func__, []() -> Result<void> { return invalid_value("the parameters are null"); });        \
        return write_exec(__func__, exec, node, general(*p));                                                                    \
    }
SEMAPHORE_NODE(Signal, CUDA_EXT_SEM_SIGNAL_NODE_PARAMS, CU_GRAPH_NODE_TYPE_EXT_SEMAS_SIGNAL, extSemSignal)
SEMAPHORE_NODE(Wait, CUDA_EXT_SEM_WAIT_NODE_PARAMS, CU_GRAPH_NODE_TYPE_EXT_SEMAS_WAIT, extSemWait)

CUresult cuGraphAddMemAllocNode(CUgraphNode* result, CUgraph graph, const CUgraphNode* nodes, size_t count,
                                CUDA_MEM_ALLOC_NODE_PARAMS* p) {
    return with_context(__func__, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_REQUIRE(p);
        auto all = of_type(CU_GRAPH_NODE_TYPE_MEM_ALLOC);
        all.alloc = {p->poolProps, p->accessDescs, p->accessDescCount, p->bytesize, 0};
        ANYWARP_TRY(add(context, result, graph, nodes, nullptr, count, all));
        p->dptr = all.alloc.dptr;
        return {};
    });
}
CUresult cuGraphMemAllocNodeGetParams(CUgraphNode node, CUDA_MEM_ALLOC_NODE_PARAMS* p) {
    return read(__func__, node, CU_GRAPH_NODE_TYPE_MEM_ALLOC, p, [&](const CUgraphNodeParams& all) {
        *p = {all.alloc.poolProps, all.alloc.accessDescs, all.alloc.accessDescCount, all.alloc.bytesize, all.alloc.dptr};
    });
}
CUresult cuGraphAddMemFreeNode(CUgraphNode* result, CUgraph graph, const CUgraphNode* nodes, size_t count, CUdeviceptr address) {
    auto all = of_type(CU_GRAPH_NODE_TYPE_MEM_FREE);
    all.free.dptr = address;
    return add(__func__, result, graph, nodes, count, all);
}
CUresult cuGraphMemFreeNodeGetParams(CUgraphNode node, CUdeviceptr* address) {
    return read(__func__, node, CU_GRAPH_NODE_TYPE_MEM_FREE, address,
                [&](const CUgraphNodeParams& all) { *address = all.free.dptr; });
}
