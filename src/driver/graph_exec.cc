// Executable graphs: instantiation, updates, launches.
// CUDA driver API, "Graph Management": cuGraphInstantiate, cuGraphExecUpdate, cuGraphLaunch.

#include "driver/capture.h"
#include "driver/format.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <unordered_map>

using namespace anywarp;
using namespace anywarp::driver;

namespace anywarp::driver {

Result<std::shared_ptr<CUgraphExec_st>> exec_of(CUgraphExec handle) {
    auto exec = graph_objects().execs.find(handle);
    if (!exec) return invalid_value("not an executable graph");
    return exec;
}

Result<CUgraphNode_st*> node_in(CUgraphExec_st& exec, CUgraphNode original) {
    CUgraphNode_st* found = nullptr;
    for_each_node(*exec.graph, [&](CUgraphNode_st& node) {
        if (node.original == original) found = &node;
    });
    if (!found) return invalid_value("the executable graph has no such node");
    return found;
}

} // namespace anywarp::driver

namespace {

Result<CUgraphExec> instantiate(CUctx_st& context, CUgraph handle, unsigned long long flags) {
    ANYWARP_TRY_AS(graph, graph_of(handle));
    constexpr unsigned long long known = CUDA_GRAPH_INSTANTIATE_FLAG_AUTO_FREE_ON_LAUNCH | CUDA_GRAPH_INSTANTIATE_FLAG_UPLOAD |
                                         CUDA_GRAPH_INSTANTIATE_FLAG_DEVICE_LAUNCH |
                                         CUDA_GRAPH_INSTANTIATE_FLAG_USE_NODE_PRIORITY;
    if (flags & ~known) return invalid_value(format("instantiation flags {:#x}", flags));
    if (flags & CUDA_GRAPH_INSTANTIATE_FLAG_DEVICE_LAUNCH) return unsupported("graphs that kernels launch");
    auto exec = std::make_shared<CUgraphExec_st>();
    exec->context = &context;
    exec->flags = flags;
    exec->graph = copy_graph(*graph);
    auto program = make_program(*exec->graph, *context.device);
    if (!program) {
        forget_graph(*exec->graph);
        return std::unexpected(program.error());
    }
    exec->program = std::move(*program);
    return graph_objects().execs.add(std::move(exec));
}

CUresult instantiate(const char* call, CUgraphExec* result, CUgraph graph, unsigned long long flags) {
    return with_context(call, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_REQUIRE(result);
        ANYWARP_TRY_AS(exec, instantiate(context, graph, flags));
        *result = exec;
        return {};
    });
}

CUresult instantiate_with_log(const char* call, CUgraphExec* result, CUgraph graph, CUgraphNode* error_node, char* log,
                              size_t size) {
    return with_context(call, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_REQUIRE(result);
        if (error_node) *error_node = nullptr;
        if (log && size) *log = 0;
        auto exec = instantiate(context, graph, 0);
        if (exec) {
            *result = *exec;
            return {};
        }
        if (log && size) std::snprintf(log, size, "%s", exec.error().message.c_str());
        return std::unexpected(exec.error());
    });
}

/// Brings an executable graph up to date with a graph of the same shape: nodes are matched in the order of their creation.
/// What doesn't fit is answered with the node where it was seen.
struct Update {
    CUgraphExecUpdateResult result = CU_GRAPH_EXEC_UPDATE_SUCCESS;
    CUgraphNode node = nullptr;
    std::vector<std::pair<CUgraphNode_st*, Work>> changes; // made only when everything fits

    bool refuse(CUgraphExecUpdateResult why, CUgraphNode at) {
        result = why;
        node = at;
        return false;
    }

    bool compare(const CUgraph_st& mine, const CUgraph_st& other) {
        if (mine.nodes.size() != other.nodes.size()) return refuse(CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED, nullptr);
        std::unordered_map<const CUgraphNode_st*, size_t> my_place, other_place;
        for (size_t i = 0; i < mine.nodes.size(); i++) {
            my_place[mine.nodes[i].get()] = i;
            other_place[other.nodes[i].get()] = i;
        }
        for (size_t i = 0; i < mine.nodes.size(); i++) {
            CUgraphNode_st &to = *mine.nodes[i], &from = *other.nodes[i];
            if (type_of(to) != type_of(from)) return refuse(CU_GRAPH_EXEC_UPDATE_ERROR_NODE_TYPE_CHANGED, &from);
            std::vector<size_t> my_edges, other_edges;
            for (const Edge& edge : to.dependencies) my_edges.push_back(my_place[edge.from]);
            for (const Edge& edge : from.dependencies) other_edges.push_back(other_place[edge.from]);
            std::sort(my_edges.begin(), my_edges.end());
            std::sort(other_edges.begin(), other_edges.end());
            if (my_edges != other_edges) return refuse(CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED, &from);
            if (!compare(to, from)) return false;
        }
        return true;
    }

    bool compare(CUgraphNode_st& to, CUgraphNode_st& from) {
        if (auto* child = std::get_if<ChildWork>(&to.work)) return compare(*child->graph, *std::get<ChildWork>(from.work).graph);
        if (auto* condition = std::get_if<ConditionalWork>(&to.work)) {
            auto& other = std::get<ConditionalWork>(from.work);
            if (condition->handle != other.handle || condition->type != other.type ||
                condition->bodies.size() != other.bodies.size())
                return refuse(CU_GRAPH_EXEC_UPDATE_ERROR_PARAMETERS_CHANGED, &from);
            for (size_t i = 0; i < other.bodies.size(); i++)
                if (!compare(*condition->bodies[i], *other.bodies[i])) return false;
            return true;
        }
        if (auto* alloc = std::get_if<AllocWork>(&to.work)) {
            if (alloc->memory != std::get<AllocWork>(from.work).memory)
                return refuse(CU_GRAPH_EXEC_UPDATE_ERROR_PARAMETERS_CHANGED, &from);
            return true;
        }
        if (auto* free = std::get_if<FreeWork>(&to.work)) {
            if (free->address != std::get<FreeWork>(from.work).address)
                return refuse(CU_GRAPH_EXEC_UPDATE_ERROR_PARAMETERS_CHANGED, &from);
            return true;
        }
        if (auto* kernel = std::get_if<KernelWork>(&to.work)) {
            auto& other = std::get<KernelWork>(from.work);
            if (kernel->context != other.context) return refuse(CU_GRAPH_EXEC_UPDATE_ERROR_UNSUPPORTED_FUNCTION_CHANGE, &from);
        }
        changes.push_back({&to, from.work});
        return true;
    }
};

CUresult update(const char* call, CUgraphExec handle, CUgraph graph_handle, CUgraphExecUpdateResult* result, CUgraphNode* at) {
    return with_context(call, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_TRY_AS(exec, exec_of(handle));
        ANYWARP_TRY_AS(graph, graph_of(graph_handle));
        Update update;
        bool fits = update.compare(*exec->graph, *graph);
        if (fits) {
            std::vector<std::pair<CUgraphNode_st*, Work>> before;
            for (auto& [node, work] : update.changes) before.push_back({node, std::exchange(node->work, std::move(work))});
            auto program = make_program(*exec->graph, *context.device);
            if (program) {
                exec->program = std::move(*program);
            } else {
                for (auto& [node, work] : before) node->work = std::move(work);
                update.result = CU_GRAPH_EXEC_UPDATE_ERROR_PARAMETERS_CHANGED;
            }
        }
        if (result) *result = update.result;
        if (at) *at = update.node;
        if (update.result == CU_GRAPH_EXEC_UPDATE_SUCCESS) return {};
        return user_error(static_cast<ErrorCode>(CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE),
                          format("the graph doesn't fit the executable one: reason {}", static_cast<int>(update.result)));
    });
}

Result<void> launch(CUctx_st& context, CUgraphExec handle, CUstream stream_handle) {
    ANYWARP_TRY_AS(exec, exec_of(handle));
    ANYWARP_TRY_AS(stream, stream_of(stream_handle, context));
    if (auto* part = capture_of(*stream)) { // a launch while capturing is a child graph
        ANYWARP_TRY(capture(*part, ChildWork{copy_graph(*exec->graph)}));
        return {};
    }
    ANYWARP_TRY(stream->device().status());
    if (!exec->program) {
        ANYWARP_TRY_AS(program, make_program(*exec->graph, *exec->context->device));
        exec->program = std::move(program);
    }
    ANYWARP_TRY(begin_graph_memory(*exec->graph, exec->flags & CUDA_GRAPH_INSTANTIATE_FLAG_AUTO_FREE_ON_LAUNCH));
    // An executable graph doesn't run beside itself.
    if (!exec->last_run.done()) ANYWARP_TRY(stream->enqueue(machine::WaitCommand{exec->last_run}));
    return machine::launch_graph(*stream, exec->program, exec->last_run);
}

/// The enabled state of a node that may have one.
Result<CUgraphNode_st*> switchable(CUgraphExec handle, CUgraphNode original) {
    ANYWARP_TRY_AS(exec, exec_of(handle));
    ANYWARP_TRY_AS(found, node_in(*exec, original));
    CUgraphNodeType type = type_of(*found);
    if (type != CU_GRAPH_NODE_TYPE_KERNEL && type != CU_GRAPH_NODE_TYPE_MEMSET && type != CU_GRAPH_NODE_TYPE_MEMCPY)
        return invalid_value("only kernel, memset and memcpy nodes can be disabled");
    return found;
}

} // namespace

CUresult cuGraphInstantiate(CUgraphExec* exec, CUgraph graph, CUgraphNode* error_node, char* log, size_t size) {
    return instantiate_with_log(__func__, exec, graph, error_node, log, size);
}
CUresult cuGraphInstantiate_v2(CUgraphExec* exec, CUgraph graph, CUgraphNode* error_node, char* log, size_t size) {
    return instantiate_with_log(__func__, exec, graph, error_node, log, size);
}
CUresult cuGraphInstantiateWithFlags(CUgraphExec* exec, CUgraph graph, unsigned long long flags) {
    return instantiate(__func__, exec, graph, flags);
}
CUresult cuGraphInstantiateWithParams(CUgraphExec* exec, CUgraph graph, CUDA_GRAPH_INSTANTIATE_PARAMS* parameters) {
    return with_context(__func__, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_REQUIRE(exec);
        ANYWARP_REQUIRE(parameters);
        parameters->hErrNode_out = nullptr;
        parameters->result_out = CUDA_GRAPH_INSTANTIATE_ERROR;
        if (parameters->flags & CUDA_GRAPH_INSTANTIATE_FLAG_UPLOAD) ANYWARP_TRY(stream_of(parameters->hUploadStream, context));
        auto made = instantiate(context, graph, parameters->flags);
        if (!made) {
            if (made.error().kind == ErrorKind::unsupported)
                parameters->result_out = CUDA_GRAPH_INSTANTIATE_NODE_OPERATION_NOT_SUPPORTED;
            else if (auto valid = graph_of(graph); valid && !in_order(**valid))
                parameters->result_out = CUDA_GRAPH_INSTANTIATE_INVALID_STRUCTURE;
            return std::unexpected(made.error());
        }
        parameters->result_out = CUDA_GRAPH_INSTANTIATE_SUCCESS;
        *exec = *made;
        return {};
    });
}

CUresult cuGraphExecDestroy(CUgraphExec handle) {
    return with_driver(__func__, [&]() -> Result<void> {
        auto exec = graph_objects().execs.remove(handle);
        if (!exec) return invalid_value("not an executable graph");
        forget_graph(*exec->graph); // a run under way keeps its program
        return {};
    });
}

CUresult cuGraphExecGetFlags(CUgraphExec handle, cuuint64_t* flags) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(flags);
        ANYWARP_TRY_AS(exec, exec_of(handle));
        *flags = exec->flags & ~uint64_t{CUDA_GRAPH_INSTANTIATE_FLAG_UPLOAD};
        return {};
    });
}

CUresult cuGraphExecUpdate(CUgraphExec exec, CUgraph graph, CUgraphNode* error_node, CUgraphExecUpdateResult* result) {
    return update(__func__, exec, graph, result, error_node);
}
CUresult cuGraphExecUpdate_v2(CUgraphExec exec, CUgraph graph, CUgraphExecUpdateResultInfo* info) {
    CUgraphExecUpdateResultInfo unused{};
    if (!info) info = &unused;
    *info = {};
    return update(__func__, exec, graph, &info->result, &info->errorNode);
}

CUresult cuGraphUpload(CUgraphExec handle, CUstream stream) {
    return with_context(__func__, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_TRY(exec_of(handle));
        ANYWARP_TRY(stream_of(stream, context)); // instantiation has compiled everything: there is nothing left to upload
        return {};
    });
}

CUresult cuGraphLaunch(CUgraphExec exec, CUstream stream) {
    return with_context(__func__, [&](CUctx_st& context) { return launch(context, exec, stream); });
}

CUresult cuGraphNodeSetEnabled(CUgraphExec handle, CUgraphNode original, unsigned enabled) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_TRY_AS(node, switchable(handle, original));
        node->enabled = enabled != 0;
        (*exec_of(handle))->program = nullptr;
        return {};
    });
}
CUresult cuGraphNodeGetEnabled(CUgraphExec handle, CUgraphNode original, unsigned* enabled) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(enabled);
        ANYWARP_TRY_AS(node, switchable(handle, original));
        *enabled = node->enabled;
        return {};
    });
}

namespace {

/// One node as Graphviz shows it.
std::string label(CUgraphNode_st& node, unsigned flags) {
    CUgraphNodeParams p;
    describe(node, p);
    bool verbose = flags & CU_GRAPH_DEBUG_DOT_FLAGS_VERBOSE;
    auto shown = [&](unsigned flag) { return verbose || (flags & flag); };
    std::string text;
    switch (p.type) {
    case CU_GRAPH_NODE_TYPE_KERNEL: {
        auto function = function_of(p.kernel.func ? p.kernel.func : reinterpret_cast<CUfunction>(p.kernel.kern));
        text = "kernel " + (function ? (*function)->kernel->name() : std::string("?"));
        if (shown(CU_GRAPH_DEBUG_DOT_FLAGS_KERNEL_NODE_PARAMS))
            text += format("\\n<<<({},{},{}), ({},{},{}), {}>>>", p.kernel.gridDimX, p.kernel.gridDimY, p.kernel.gridDimZ,
                           p.kernel.blockDimX, p.kernel.blockDimY, p.kernel.blockDimZ, p.kernel.sharedMemBytes);
        break;
    }
    case CU_GRAPH_NODE_TYPE_MEMCPY:
        text = "memcpy";
        if (shown(CU_GRAPH_DEBUG_DOT_FLAGS_MEMCPY_NODE_PARAMS))
            text += format("\\n{} x {} x {} bytes", p.memcpy.copyParams.WidthInBytes, p.memcpy.copyParams.Height,
                           p.memcpy.copyParams.Depth);
        break;
    case CU_GRAPH_NODE_TYPE_MEMSET:
        text = "memset";
        if (shown(CU_GRAPH_DEBUG_DOT_FLAGS_MEMSET_NODE_PARAMS))
            text += format("\\n{:#x}: {} x {} of {} bytes = {:#x}", p.memset.dst, p.memset.width, p.memset.height,
                           p.memset.elementSize, p.memset.value);
        break;
    case CU_GRAPH_NODE_TYPE_HOST:
        text = "host";
        break;
    case CU_GRAPH_NODE_TYPE_GRAPH:
        text = "child graph";
        break;
    case CU_GRAPH_NODE_TYPE_WAIT_EVENT:
        text = "event wait";
        break;
    case CU_GRAPH_NODE_TYPE_EVENT_RECORD:
        text = "event record";
        break;
    case CU_GRAPH_NODE_TYPE_MEM_ALLOC:
        text = format("alloc {} bytes at {:#x}", p.alloc.bytesize, p.alloc.dptr);
        break;
    case CU_GRAPH_NODE_TYPE_MEM_FREE:
        text = format("free {:#x}", p.free.dptr);
        break;
    case CU_GRAPH_NODE_TYPE_BATCH_MEM_OP:
        text = format("{} memory operations", p.memOp.count);
        break;
    case CU_GRAPH_NODE_TYPE_CONDITIONAL:
        text = p.conditional.type == CU_GRAPH_COND_TYPE_IF      ? "if"
               : p.conditional.type == CU_GRAPH_COND_TYPE_WHILE ? "while"
                                                                : "switch";
        break;
    default:
        text = "empty";
    }
    if (flags & CU_GRAPH_DEBUG_DOT_FLAGS_HANDLES) text += format("\\n{:#x}", reinterpret_cast<uintptr_t>(&node));
    return text;
}

void print_dot(std::FILE* file, const CUgraph_st& graph, unsigned flags, int& number, const char* kind) {
    std::fprintf(file, "subgraph cluster_%d {\nlabel=\"%s %d\"\n", number, kind, number);
    number++;
    for (const auto& node : graph.nodes) {
        std::fprintf(file, "n%p [shape=box label=\"%s\"]\n", static_cast<void*>(node.get()), label(*node, flags).c_str());
        for (const Edge& edge : node->dependencies)
            std::fprintf(file, "n%p -> n%p\n", static_cast<void*>(edge.from), static_cast<void*>(node.get()));
    }
    for (const auto& node : graph.nodes) {
        if (auto* child = std::get_if<ChildWork>(&node->work)) print_dot(file, *child->graph, flags, number, "child");
        if (auto* condition = std::get_if<ConditionalWork>(&node->work))
            for (const auto& body : condition->bodies) print_dot(file, *body, flags, number, "body");
    }
    std::fputs("}\n", file);
}

} // namespace

CUresult cuGraphDebugDotPrint(CUgraph handle, const char* path, unsigned flags) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(path);
        ANYWARP_TRY_AS(graph, graph_of(handle));
        std::FILE* file = std::fopen(path, "w");
        if (!file) return user_error(static_cast<ErrorCode>(CUDA_ERROR_OPERATING_SYSTEM), format("can't write {}", path));
        std::fputs("digraph {\n", file);
        int number = 0;
        print_dot(file, *graph, flags, number, "graph");
        std::fputs("}\n", file);
        if (std::fclose(file) != 0)
            return user_error(static_cast<ErrorCode>(CUDA_ERROR_OPERATING_SYSTEM), format("can't write {}", path));
        return {};
    });
}
