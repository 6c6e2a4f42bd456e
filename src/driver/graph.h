// Graphs behind the driver API's handles: nodes with what they do, edges, executable graphs, and what captures share.
//
// A node keeps its parameters in the form in which the API hands them in and out (Work); only instantiation turns them into the
// machine's commands. An executable graph is a deep copy of its graph, whose nodes remember which node they were copied from,
// so that an update finds them by the original's handle. The program it runs is made at the first launch after a change.
//
// CUDA driver API, "Graph Management". Graphs aren't safe for use by several threads at once, there as here.
#pragma once

#include "driver/external.h"
#include "machine/graph.h"

#include <functional>
#include <variant>

namespace anywarp::driver {

/// Memory of an allocation node. Its address is the same in every run and in every copy of the graph; it is given back when
/// neither a graph nor the program, which may free it long after, holds it.
struct GraphMemory {
    machine::Device* device = nullptr;
    CUdeviceptr address = 0;
    size_t bytes = 0;
    std::atomic<bool> in_use{false}; // allocated by a run and not freed since
    bool associated = false;         // counts as used: from its first run until the memory is trimmed
    ~GraphMemory();
};

/// What a conditional handle stands for. The handle is the address of `value`: cudaGraphSetConditional in a kernel writes there.
struct ConditionalValue {
    std::shared_ptr<uint32_t> value;
    uint32_t at_start = 0;
    bool assign_at_start = false;
};

struct KernelWork {
    CUfunction function = nullptr;
    machine::Dim3 grid, block;
    unsigned shared = 0;
    std::vector<uint8_t> parameters; // as laid out for the kernel
    std::vector<void*> pointers;     // to each of them, for ...GetParams
    std::map<int, CUlaunchAttributeValue> attributes;
    CUcontext context = nullptr;
};
struct CopyWork {
    CUDA_MEMCPY3D copy{};
    CUcontext context = nullptr;
};
struct FillWork {
    CUDA_MEMSET_NODE_PARAMS fill{};
    CUcontext context = nullptr;
};
struct HostWork {
    CUDA_HOST_NODE_PARAMS host{};
};
struct ChildWork {
    std::shared_ptr<CUgraph_st> graph;
};
struct EmptyWork {};
struct EventWaitWork {
    CUevent event = nullptr;
};
struct EventRecordWork {
    CUevent event = nullptr;
};
struct AllocWork {
    CUDA_MEM_ALLOC_NODE_PARAMS parameters{};
    std::vector<CUmemAccessDesc> access;
    std::shared_ptr<GraphMemory> memory;
};
struct FreeWork {
    CUdeviceptr address = 0;
};
struct BatchWork {
    std::vector<CUstreamBatchMemOpParams> operations;
    unsigned flags = 0;
    CUcontext context = nullptr;
};
struct ConditionalWork {
    CUgraphConditionalHandle handle = 0;
    ConditionalValue value;
    CUgraphConditionalNodeType type = CU_GRAPH_COND_TYPE_IF;
    std::vector<std::shared_ptr<CUgraph_st>> bodies;
    std::vector<CUgraph> handles; // of the bodies, for the caller's array
    CUcontext context = nullptr;
};
using Work = std::variant<EmptyWork, KernelWork, CopyWork, FillWork, HostWork, ChildWork, EventWaitWork, EventRecordWork,
                          AllocWork, FreeWork, BatchWork, ConditionalWork, SignalWork, WaitWork>;

struct Edge {
    CUgraphNode from = nullptr;
    CUgraphEdgeData data{};
};

} // namespace anywarp::driver

struct CUgraphNode_st {
    CUgraph graph = nullptr;
    anywarp::driver::Work work;
    std::vector<anywarp::driver::Edge> dependencies;
    CUgraphNode original = nullptr; // in a copy: the node it was copied from
    bool enabled = true;            // of executable graphs
};

struct CUgraph_st {
    std::vector<std::shared_ptr<CUgraphNode_st>> nodes;          // in the order of their creation; in the registry as well
    std::map<CUuserObject, unsigned> user_objects;               // references held
    std::vector<anywarp::driver::ConditionalValue> conditionals; // made for this graph
    CUgraph original = nullptr;                                  // of a clone
    CUgraph parent = nullptr;                                    // of a child graph or a conditional body: it goes with its node
    ~CUgraph_st();
};

struct CUgraphExec_st {
    std::shared_ptr<CUgraph_st> graph; // a private copy
    CUcontext context = nullptr;
    unsigned long long flags = 0;
    std::shared_ptr<const anywarp::machine::GraphProgram> program; // null after a change
    anywarp::machine::StreamPoint last_run;
};

struct CUuserObject_st {
    void* pointer = nullptr;
    CUhostFn destroy = nullptr;
    unsigned references = 0;
};

namespace anywarp::driver {

struct GraphObjects {
    Registry<CUgraph_st> graphs;
    Registry<CUgraphNode_st> nodes;
    Registry<CUgraphExec_st> execs;
    Registry<CUuserObject_st> user_objects;
};
GraphObjects& graph_objects();

/// Any node's parameters, in the API's general form. The versioned structures of the older calls are subsets of it.
Result<Work> work_of(const CUgraphNodeParams& parameters, CUctx_st& context);
/// The other way round; pointers lead into the node.
void describe(CUgraphNode_st& node, CUgraphNodeParams& parameters);
/// Replaces a node's parameters by ones of the same type.
Result<void> set_work(CUgraphNode_st& node, Work work);
CUgraphNodeType type_of(const CUgraphNode_st& node);
Result<KernelWork> kernel_work(CUfunction function, machine::LaunchConfig config, CUcontext context);

std::shared_ptr<CUgraph_st> new_graph();
/// Appends a node; the dependencies must be nodes of the graph.
Result<CUgraphNode> add_node(CUgraph_st& graph, Work work, std::vector<Edge> dependencies);
Result<std::vector<Edge>> edges_of(CUgraph_st& graph, const CUgraphNode* nodes, const CUgraphEdgeData* data, size_t count);
/// A deep copy, in the registry.
std::shared_ptr<CUgraph_st> copy_graph(const CUgraph_st& graph);
void forget_graph(CUgraph_st& graph); // its nodes' and its own handle become stale
Result<std::shared_ptr<CUgraph_st>> graph_of(CUgraph handle);
Result<std::shared_ptr<CUgraphNode_st>> node_of(CUgraphNode handle);

Result<std::shared_ptr<CUgraphExec_st>> exec_of(CUgraphExec handle);
/// The node of an executable graph that was made from this one.
Result<CUgraphNode_st*> node_in(CUgraphExec_st& exec, CUgraphNode original);

/// The nodes in an order that respects the edges, else in the order of their creation. invalid_value: a cycle.
Result<std::vector<CUgraphNode_st*>> in_order(const CUgraph_st& graph);
/// `device`: of nodes that belong to none.
Result<std::shared_ptr<const machine::GraphProgram>> make_program(CUgraph_st& graph, machine::Device& device);
/// Calls a function for every node, those of child graphs and bodies included.
void for_each_node(const CUgraph_st& graph, const std::function<void(CUgraphNode_st&)>& function);

// graph_memory.cc
Result<std::shared_ptr<GraphMemory>> allocate_graph_memory(machine::Device& device, size_t bytes);
std::shared_ptr<GraphMemory> find_graph_memory(CUdeviceptr address);
/// At each launch: allocations become the program's. invalid_value: one from an earlier launch isn't freed yet.
Result<void> begin_graph_memory(const CUgraph_st& graph, bool free_first);
/// For cuMemFree and cuMemFreeAsync: true when the address was a graph's and is given back to it.
bool free_graph_memory(CUdeviceptr address);

// launch.cc, copy.cc, memory_operations.cc: what a command of a stream and a node of a graph have in common.
Result<void> apply_launch_attribute(const CUlaunchAttribute& attribute, machine::LaunchConfig& config);
Result<std::vector<uint8_t>> kernel_parameters(const machine::Kernel& kernel, void** pointers, void** extra);
Result<machine::CopyCommand> copy_command(const CUDA_MEMCPY3D& copy);
Result<machine::FillCommand> fill_command(const CUDA_MEMSET_NODE_PARAMS& fill);
Result<machine::HostCommand> memory_operations(std::vector<CUstreamBatchMemOpParams> operations, unsigned flags);

} // namespace anywarp::driver
