// Graphs: making, copying and taking apart; nodes and edges. What nodes do is graph_work.cc's.
// CUDA driver API, "Graph Management".

#include "driver/graph.h"

#include "driver/format.h"

#include <algorithm>
#include <unordered_map>

using namespace anywarp;
using namespace anywarp::driver;

CUgraph_st::~CUgraph_st() {
    for (auto& [object, count] : user_objects) cuUserObjectRelease(object, count);
}

namespace anywarp::driver {

GraphObjects& graph_objects() {
    static auto& all = *new GraphObjects;
    return all;
}

Result<std::shared_ptr<CUgraph_st>> graph_of(CUgraph handle) {
    auto graph = graph_objects().graphs.find(handle);
    if (!graph) return invalid_value("not a graph");
    return graph;
}

Result<std::shared_ptr<CUgraphNode_st>> node_of(CUgraphNode handle) {
    auto node = graph_objects().nodes.find(handle);
    if (!node) return invalid_value("not a graph node");
    return node;
}

std::shared_ptr<CUgraph_st> new_graph() {
    auto graph = std::make_shared<CUgraph_st>();
    graph_objects().graphs.add(graph);
    return graph;
}

Result<std::vector<Edge>> edges_of(CUgraph_st& graph, const CUgraphNode* nodes, const CUgraphEdgeData* data, size_t count) {
    if (count && !nodes) return invalid_value("dependencies is null");
    std::vector<Edge> edges;
    for (size_t i = 0; i < count; i++) {
        ANYWARP_TRY_AS(node, node_of(nodes[i]));
        if (node->graph != &graph) return invalid_value("a dependency is a node of another graph");
        for (const Edge& known : edges)
            if (known.from == nodes[i]) return invalid_value("a dependency is listed twice");
        edges.push_back({nodes[i], data ? data[i] : CUgraphEdgeData{}});
    }
    return edges;
}

Result<CUgraphNode> add_node(CUgraph_st& graph, Work work, std::vector<Edge> dependencies) {
    auto node = std::make_shared<CUgraphNode_st>();
    node->graph = &graph;
    node->work = std::move(work);
    node->dependencies = std::move(dependencies);
    if (auto* child = std::get_if<ChildWork>(&node->work)) child->graph->parent = &graph;
    if (auto* condition = std::get_if<ConditionalWork>(&node->work))
        for (auto& body : condition->bodies) body->parent = &graph;
    graph.nodes.push_back(node);
    return graph_objects().nodes.add(std::move(node));
}

std::shared_ptr<CUgraph_st> copy_graph(const CUgraph_st& graph) {
    auto copy = new_graph();
    copy->original = const_cast<CUgraph>(&graph);
    copy->conditionals = graph.conditionals;
    copy->user_objects = graph.user_objects;
    for (auto& [object, count] : copy->user_objects) cuUserObjectRetain(object, count);
    std::unordered_map<CUgraphNode, CUgraphNode> copies;
    for (const auto& node : graph.nodes) {
        Work work = node->work;
        if (auto* child = std::get_if<ChildWork>(&work)) child->graph = copy_graph(*child->graph);
        if (auto* condition = std::get_if<ConditionalWork>(&work)) {
            condition->handles.clear();
            for (auto& body : condition->bodies) {
                body = copy_graph(*body);
                condition->handles.push_back(body.get());
            }
        }
        CUgraphNode made = *add_node(*copy, std::move(work), {});
        made->original = node.get();
        made->enabled = node->enabled;
        copies[node.get()] = made;
    }
    for (const auto& node : graph.nodes)
        for (const Edge& edge : node->dependencies) copies[node.get()]->dependencies.push_back({copies[edge.from], edge.data});
    return copy;
}

void forget_graph(CUgraph_st& graph) {
    for (const auto& node : graph.nodes) {
        graph_objects().nodes.remove(node.get());
        if (auto* child = std::get_if<ChildWork>(&node->work)) forget_graph(*child->graph);
        if (auto* condition = std::get_if<ConditionalWork>(&node->work))
            for (auto& body : condition->bodies) forget_graph(*body);
    }
    graph_objects().graphs.remove(&graph);
}

Result<std::vector<CUgraphNode_st*>> in_order(const CUgraph_st& graph) {
    std::vector<CUgraphNode_st*> order, open;
    std::unordered_map<const CUgraphNode_st*, uint8_t> state; // 1: its dependencies are being visited, 2: in the order
    // Depth first along the dependencies, in the order of creation: a stack instead of recursion, as graphs may be long chains.
    for (const auto& start : graph.nodes) {
        open.push_back(start.get());
        while (!open.empty()) {
            CUgraphNode_st* node = open.back();
            uint8_t& seen = state[node];
            if (seen == 2) {
                open.pop_back();
                continue;
            }
            bool ready = true;
            for (const Edge& edge : node->dependencies) {
                uint8_t other = state[edge.from];
                if (other == 2) continue;
                if (other == 1 && seen == 1) return invalid_value("the graph has a cycle");
                ready = false;
            }
            if (ready) {
                state[node] = 2;
                order.push_back(node);
                open.pop_back();
                continue;
            }
            state[node] = 1;
            for (auto edge = node->dependencies.rbegin(); edge != node->dependencies.rend(); ++edge)
                if (state[edge->from] == 0) open.push_back(edge->from);
        }
    }
    return order;
}

void for_each_node(const CUgraph_st& graph, const std::function<void(CUgraphNode_st&)>& function) {
    for (const auto& node : graph.nodes) {
        function(*node);
        if (auto* child = std::get_if<ChildWork>(&node->work)) for_each_node(*child->graph, function);
        if (auto* condition = std::get_if<ConditionalWork>(&node->work))
            for (auto& body : condition->bodies) for_each_node(*body, function);
    }
}

} // namespace anywarp::driver

namespace {

/// The convention of every query for a list: with a null array the number there is; else as many as fit, the rest of the array
/// cleared.
template <class Item, class Put> Result<void> answer_list(const std::vector<Item>& items, bool wanted, size_t* count, Put put) {
    ANYWARP_REQUIRE(count);
    if (wanted) {
        for (size_t i = 0; i < *count; i++) put(i, i < items.size() ? &items[i] : nullptr);
        *count = std::min(*count, items.size());
        return {};
    }
    *count = items.size();
    return {};
}

Result<void> answer_nodes(const std::vector<CUgraphNode>& nodes, CUgraphNode* to, size_t* count) {
    return answer_list(nodes, to != nullptr, count, [&](size_t i, const CUgraphNode* node) { to[i] = node ? *node : nullptr; });
}

bool plain(const CUgraphEdgeData& data) { return data.from_port == 0 && data.to_port == 0 && data.type == 0; }

Result<void> answer_edges(const std::vector<Edge>& edges, CUgraphNode* to, CUgraphEdgeData* data, size_t* count, bool has_data) {
    if (!has_data && to)
        for (const Edge& edge : edges)
            if (!plain(edge.data))
                return user_error(static_cast<ErrorCode>(CUDA_ERROR_LOSSY_QUERY), "an edge has data; use the _v2 form");
    return answer_list(edges, to != nullptr, count, [&](size_t i, const Edge* edge) {
        to[i] = edge ? edge->from : nullptr;
        if (data) data[i] = edge ? edge->data : CUgraphEdgeData{};
    });
}

CUresult get_edges(const char* call, CUgraph handle, CUgraphNode* from, CUgraphNode* to, CUgraphEdgeData* data, size_t* count,
                   bool has_data) {
    return with_driver(call, [&]() -> Result<void> {
        ANYWARP_TRY_AS(graph, graph_of(handle));
        if (!from != !to) return invalid_value("either both arrays or none");
        std::vector<std::pair<Edge, CUgraphNode>> edges;
        for (const auto& node : graph->nodes)
            for (const Edge& edge : node->dependencies) edges.push_back({edge, node.get()});
        if (!has_data && from)
            for (const auto& [edge, node] : edges)
                if (!plain(edge.data))
                    return user_error(static_cast<ErrorCode>(CUDA_ERROR_LOSSY_QUERY), "an edge has data; use the _v2 form");
        return answer_list(edges, from != nullptr, count, [&](size_t i, const std::pair<Edge, CUgraphNode>* edge) {
            from[i] = edge ? edge->first.from : nullptr;
            to[i] = edge ? edge->second : nullptr;
            if (data) data[i] = edge ? edge->first.data : CUgraphEdgeData{};
        });
    });
}

CUresult get_dependencies(const char* call, CUgraphNode handle, CUgraphNode* to, CUgraphEdgeData* data, size_t* count,
                          bool has_data) {
    return with_driver(call, [&]() -> Result<void> {
        ANYWARP_TRY_AS(node, node_of(handle));
        return answer_edges(node->dependencies, to, data, count, has_data);
    });
}

CUresult get_dependents(const char* call, CUgraphNode handle, CUgraphNode* to, CUgraphEdgeData* data, size_t* count,
                        bool has_data) {
    return with_driver(call, [&]() -> Result<void> {
        ANYWARP_TRY_AS(node, node_of(handle));
        std::vector<Edge> edges;
        for (const auto& other : node->graph->nodes)
            for (const Edge& edge : other->dependencies)
                if (edge.from == handle) edges.push_back({other.get(), edge.data});
        return answer_edges(edges, to, data, count, has_data);
    });
}

CUresult change_dependencies(const char* call, CUgraph handle, const CUgraphNode* from, const CUgraphNode* to,
                             const CUgraphEdgeData* data, size_t count, bool add) {
    return with_driver(call, [&]() -> Result<void> {
        ANYWARP_TRY_AS(graph, graph_of(handle));
        if (count && (!from || !to)) return invalid_value("a null array of nodes");
        for (size_t i = 0; i < count; i++) {
            ANYWARP_TRY_AS(source, node_of(from[i]));
            ANYWARP_TRY_AS(target, node_of(to[i]));
            if (source->graph != graph.get() || target->graph != graph.get()) return invalid_value("a node of another graph");
            if (source == target) return invalid_value("a node can't depend on itself");
            auto& edges = target->dependencies;
            auto known = std::find_if(edges.begin(), edges.end(), [&](const Edge& edge) { return edge.from == from[i]; });
            if (add == (known != edges.end()))
                return invalid_value(add ? "there is such an edge already" : "there is no such edge");
            if (add)
                edges.push_back({from[i], data ? data[i] : CUgraphEdgeData{}});
            else
                edges.erase(known);
        }
        return {};
    });
}

} // namespace

CUresult cuGraphCreate(CUgraph* result, unsigned flags) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(result);
        if (flags != 0) return invalid_value("flags must be 0");
        *result = new_graph().get();
        return {};
    });
}

CUresult cuGraphDestroy(CUgraph handle) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_TRY_AS(graph, graph_of(handle));
        if (graph->parent) return invalid_value("a child graph goes with its node");
        forget_graph(*graph);
        return {};
    });
}

CUresult cuGraphClone(CUgraph* result, CUgraph handle) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(result);
        ANYWARP_TRY_AS(graph, graph_of(handle));
        bool has_memory = false;
        for_each_node(*graph, [&](CUgraphNode_st& node) {
            has_memory |= std::holds_alternative<AllocWork>(node.work) || std::holds_alternative<FreeWork>(node.work);
        });
        if (has_memory) return unsupported("clones of graphs with memory nodes");
        *result = copy_graph(*graph).get();
        return {};
    });
}

CUresult cuGraphNodeFindInClone(CUgraphNode* result, CUgraphNode original, CUgraph handle) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(result);
        ANYWARP_TRY_AS(graph, graph_of(handle));
        if (!graph->original) return invalid_value("the graph isn't a clone");
        for (const auto& node : graph->nodes)
            if (node->original == original) {
                *result = node.get();
                return {};
            }
        return invalid_value("the clone has no copy of this node");
    });
}

CUresult cuGraphDestroyNode(CUgraphNode handle) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_TRY_AS(node, node_of(handle));
        if (std::holds_alternative<AllocWork>(node->work) || std::holds_alternative<FreeWork>(node->work))
            return unsupported("removing memory nodes from a graph");
        auto graph = node->graph;
        for (const auto& other : graph->nodes)
            std::erase_if(other->dependencies, [&](const Edge& edge) { return edge.from == handle; });
        if (auto* child = std::get_if<ChildWork>(&node->work)) forget_graph(*child->graph);
        if (auto* condition = std::get_if<ConditionalWork>(&node->work))
            for (auto& body : condition->bodies) forget_graph(*body);
        graph_objects().nodes.remove(handle);
        std::erase_if(graph->nodes, [&](const auto& listed) { return listed.get() == handle; });
        return {};
    });
}

CUresult cuGraphGetNodes(CUgraph handle, CUgraphNode* nodes, size_t* count) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_TRY_AS(graph, graph_of(handle));
        std::vector<CUgraphNode> all;
        for (const auto& node : graph->nodes) all.push_back(node.get());
        return answer_nodes(all, nodes, count);
    });
}

CUresult cuGraphGetRootNodes(CUgraph handle, CUgraphNode* nodes, size_t* count) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_TRY_AS(graph, graph_of(handle));
        std::vector<CUgraphNode> roots;
        for (const auto& node : graph->nodes)
            if (node->dependencies.empty()) roots.push_back(node.get());
        return answer_nodes(roots, nodes, count);
    });
}

CUresult cuGraphGetEdges(CUgraph graph, CUgraphNode* from, CUgraphNode* to, size_t* count) {
    return get_edges(__func__, graph, from, to, nullptr, count, false);
}
CUresult cuGraphGetEdges_v2(CUgraph graph, CUgraphNode* from, CUgraphNode* to, CUgraphEdgeData* data, size_t* count) {
    return get_edges(__func__, graph, from, to, data, count, true);
}
CUresult cuGraphNodeGetDependencies(CUgraphNode node, CUgraphNode* nodes, size_t* count) {
    return get_dependencies(__func__, node, nodes, nullptr, count, false);
}
CUresult cuGraphNodeGetDependencies_v2(CUgraphNode node, CUgraphNode* nodes, CUgraphEdgeData* data, size_t* count) {
    return get_dependencies(__func__, node, nodes, data, count, true);
}
CUresult cuGraphNodeGetDependentNodes(CUgraphNode node, CUgraphNode* nodes, size_t* count) {
    return get_dependents(__func__, node, nodes, nullptr, count, false);
}
CUresult cuGraphNodeGetDependentNodes_v2(CUgraphNode node, CUgraphNode* nodes, CUgraphEdgeData* data, size_t* count) {
    return get_dependents(__func__, node, nodes, data, count, true);
}
CUresult cuGraphAddDependencies(CUgraph graph, const CUgraphNode* from, const CUgraphNode* to, size_t count) {
    return change_dependencies(__func__, graph, from, to, nullptr, count, true);
}
CUresult cuGraphAddDependencies_v2(CUgraph graph, const CUgraphNode* from, const CUgraphNode* to, const CUgraphEdgeData* data,
                                   size_t count) {
    return change_dependencies(__func__, graph, from, to, data, count, true);
}
CUresult cuGraphRemoveDependencies(CUgraph graph, const CUgraphNode* from, const CUgraphNode* to, size_t count) {
    return change_dependencies(__func__, graph, from, to, nullptr, count, false);
}
CUresult cuGraphRemoveDependencies_v2(CUgraph graph, const CUgraphNode* from, const CUgraphNode* to, const CUgraphEdgeData* data,
                                      size_t count) {
    return change_dependencies(__func__, graph, from, to, data, count, false);
}

CUresult cuGraphNodeGetType(CUgraphNode handle, CUgraphNodeType* type) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(type);
        ANYWARP_TRY_AS(node, node_of(handle));
        *type = type_of(*node);
        return {};
    });
}

CUresult cuGraphConditionalHandleCreate(CUgraphConditionalHandle* result, CUgraph handle, CUcontext, unsigned at_start,
                                        unsigned flags) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(result);
        ANYWARP_TRY_AS(graph, graph_of(handle));
        if (flags & ~unsigned{CU_GRAPH_COND_ASSIGN_DEFAULT}) return invalid_value(format("flags {:#x}", flags));
        ConditionalValue value{std::make_shared<uint32_t>(at_start), at_start, (flags & CU_GRAPH_COND_ASSIGN_DEFAULT) != 0};
        *result = reinterpret_cast<CUgraphConditionalHandle>(value.value.get());
        graph->conditionals.push_back(std::move(value));
        return {};
    });
}

// User objects: values of the program's that live as long as graphs refer to them.

CUresult cuUserObjectCreate(CUuserObject* result, void* pointer, CUhostFn destroy, unsigned references, unsigned flags) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(result);
        ANYWARP_REQUIRE(destroy);
        if (flags != CU_USER_OBJECT_NO_DESTRUCTOR_SYNC) return invalid_value("flags must be CU_USER_OBJECT_NO_DESTRUCTOR_SYNC");
        if (references == 0) return invalid_value("no initial reference");
        auto object = std::make_shared<CUuserObject_st>();
        object->pointer = pointer;
        object->destroy = destroy;
        object->references = references;
        *result = graph_objects().user_objects.add(std::move(object));
        return {};
    });
}

CUresult cuUserObjectRetain(CUuserObject handle, unsigned count) {
    return without_init(__func__, [&]() -> Result<void> {
        auto object = graph_objects().user_objects.find(handle);
        if (!object || count == 0) return invalid_value("not a user object, or no reference");
        std::atomic_ref(object->references).fetch_add(count);
        return {};
    });
}

CUresult cuUserObjectRelease(CUuserObject handle, unsigned count) {
    return without_init(__func__, [&]() -> Result<void> {
        auto object = graph_objects().user_objects.find(handle);
        if (!object || count == 0) return invalid_value("not a user object, or no reference");
        if (count > object->references) return invalid_value("more references released than there are");
        if (std::atomic_ref(object->references).fetch_sub(count) != count) return {};
        graph_objects().user_objects.remove(handle);
        object->destroy(object->pointer);
        return {};
    });
}

CUresult cuGraphRetainUserObject(CUgraph handle, CUuserObject object, unsigned count, unsigned flags) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_TRY_AS(graph, graph_of(handle));
        if (flags & ~unsigned{CU_GRAPH_USER_OBJECT_MOVE}) return invalid_value(format("flags {:#x}", flags));
        if (!graph_objects().user_objects.find(object) || count == 0) return invalid_value("not a user object, or no reference");
        if (!(flags & CU_GRAPH_USER_OBJECT_MOVE)) cuUserObjectRetain(object, count);
        graph->user_objects[object] += count;
        return {};
    });
}

CUresult cuGraphReleaseUserObject(CUgraph handle, CUuserObject object, unsigned count) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_TRY_AS(graph, graph_of(handle));
        auto held = graph->user_objects.find(object);
        if (held == graph->user_objects.end() || count == 0 || held->second < count)
            return invalid_value("the graph doesn't hold so many references to this object");
        held->second -= count;
        if (held->second == 0) graph->user_objects.erase(held);
        cuUserObjectRelease(object, count);
        return {};
    });
}
