// What a graph's nodes do: parameters in and out, and the machine's commands they become.
// CUDA driver API, "Graph Management"; CUgraphNodeParams.

#include "driver/capture.h"
#include "driver/format.h"

#include <algorithm>
#include <cstring>

using namespace anywarp;
using namespace anywarp::driver;

namespace anywarp::driver {
namespace {

template <class... Cases> struct Overloaded : Cases... {
    using Cases::operator()...;
};
template <class... Cases> Overloaded(Cases...) -> Overloaded<Cases...>;

Result<CUcontext> context_or(CUcontext given, CUctx_st& current) {
    if (!given) return &current;
    if (!objects().contexts.find(given)) return user_error(ErrorCode::invalid_context, "not a context");
    return given;
}

Result<Work> kernel_work_of(const CUDA_KERNEL_NODE_PARAMS_v3& p, CUctx_st& current) {
    ANYWARP_TRY_AS(context, context_or(p.ctx, current));
    CUfunction handle = p.func ? p.func : reinterpret_cast<CUfunction>(p.kern);
    ANYWARP_TRY_AS(function, function_of(handle));
    machine::LaunchConfig config;
    config.grid = {p.gridDimX, p.gridDimY, p.gridDimZ};
    config.block = {p.blockDimX, p.blockDimY, p.blockDimZ};
    config.dynamic_shared = p.sharedMemBytes;
    ANYWARP_TRY_AS(parameters, kernel_parameters(*function->kernel, p.kernelParams, p.extra));
    config.params = std::move(parameters);
    ANYWARP_TRY_AS(work, kernel_work(handle, std::move(config), context));
    return work;
}

Result<Work> conditional_work(const CUDA_CONDITIONAL_NODE_PARAMS& p, CUctx_st& current) {
    ANYWARP_TRY_AS(context, context_or(p.ctx, current));
    ConditionalWork work;
    for (const auto& graph : graph_objects().graphs.all())
        for (const auto& value : graph->conditionals)
            if (reinterpret_cast<CUgraphConditionalHandle>(value.value.get()) == p.handle) work.value = value;
    if (!work.value.value) return invalid_value("not a conditional handle");
    bool good =
        p.size == 1 || (p.type == CU_GRAPH_COND_TYPE_IF && p.size == 2) || (p.type == CU_GRAPH_COND_TYPE_SWITCH && p.size > 0);
    if (p.type < CU_GRAPH_COND_TYPE_IF || p.type > CU_GRAPH_COND_TYPE_SWITCH || !good)
        return invalid_value(format("a conditional node of type {} with {} bodies", static_cast<int>(p.type), p.size));
    work.handle = p.handle;
    work.type = p.type;
    work.context = context;
    for (unsigned i = 0; i < p.size; i++) {
        work.bodies.push_back(new_graph());
        work.handles.push_back(work.bodies.back().get());
    }
    return work;
}

Result<Work> alloc_work(const CUDA_MEM_ALLOC_NODE_PARAMS& p) {
    AllocWork work;
    work.parameters = p;
    if (p.bytesize == 0) return invalid_value("an allocation of 0 bytes");
    if (p.poolProps.allocType != CU_MEM_ALLOCATION_TYPE_PINNED) return invalid_value("the allocation type must be pinned");
    if (p.poolProps.location.type != CU_MEM_LOCATION_TYPE_DEVICE) return unsupported("allocation nodes for host memory");
    if (p.poolProps.handleTypes != CU_MEM_HANDLE_TYPE_NONE) return invalid_value("memory of graphs can't be exported");
    if (p.accessDescCount && !p.accessDescs) return invalid_value("accessDescs is null");
    work.access.assign(p.accessDescs, p.accessDescs + p.accessDescCount);
    ANYWARP_TRY_AS(device, device_of(p.poolProps.location.id));
    ANYWARP_TRY_AS(memory, allocate_graph_memory(*device, p.bytesize));
    work.parameters.dptr = memory->address;
    work.memory = std::move(memory);
    return work;
}

} // namespace

Result<KernelWork> kernel_work(CUfunction function, machine::LaunchConfig config, CUcontext context) {
    KernelWork work;
    work.function = function;
    work.grid = config.grid;
    work.block = config.block;
    work.shared = config.dynamic_shared;
    work.parameters = std::move(config.params);
    work.context = context;
    if (config.cooperative) work.attributes[CU_LAUNCH_ATTRIBUTE_COOPERATIVE].cooperative = 1;
    if (work.grid.volume() == 0 || work.block.volume() == 0) return invalid_value("an empty grid or block");
    return work;
}

Result<Work> work_of(const CUgraphNodeParams& p, CUctx_st& context) {
    switch (p.type) {
    case CU_GRAPH_NODE_TYPE_KERNEL:
        return kernel_work_of(p.kernel, context);
    case CU_GRAPH_NODE_TYPE_MEMCPY: {
        ANYWARP_TRY_AS(of, context_or(p.memcpy.copyCtx, context));
        ANYWARP_TRY(copy_command(p.memcpy.copyParams));
        return CopyWork{p.memcpy.copyParams, of};
    }
    case CU_GRAPH_NODE_TYPE_MEMSET: {
        ANYWARP_TRY_AS(of, context_or(p.memset.ctx, context));
        CUDA_MEMSET_NODE_PARAMS fill{p.memset.dst,         p.memset.pitch, p.memset.value,
                                     p.memset.elementSize, p.memset.width, p.memset.height};
        ANYWARP_TRY(fill_command(fill));
        return FillWork{fill, of};
    }
    case CU_GRAPH_NODE_TYPE_HOST:
        if (!p.host.fn) return invalid_value("the host function is null");
        return HostWork{{p.host.fn, p.host.userData}};
    case CU_GRAPH_NODE_TYPE_GRAPH: {
        ANYWARP_TRY_AS(child, graph_of(p.graph.graph));
        if (p.graph.ownership == CU_GRAPH_CHILD_GRAPH_OWNERSHIP_MOVE) {
            if (child->parent) return invalid_value("the graph belongs to another one already");
            return ChildWork{child};
        }
        return ChildWork{copy_graph(*child)};
    }
    case CU_GRAPH_NODE_TYPE_EMPTY:
        return EmptyWork{};
    case CU_GRAPH_NODE_TYPE_WAIT_EVENT:
        if (!objects().events.find(p.eventWait.event)) return invalid_value("not an event");
        return EventWaitWork{p.eventWait.event};
    case CU_GRAPH_NODE_TYPE_EVENT_RECORD:
        if (!objects().events.find(p.eventRecord.event)) return invalid_value("not an event");
        return EventRecordWork{p.eventRecord.event};
    case CU_GRAPH_NODE_TYPE_MEM_ALLOC: {
        CUDA_MEM_ALLOC_NODE_PARAMS plain{p.alloc.poolProps, p.alloc.accessDescs, p.alloc.accessDescCount, p.alloc.bytesize, 0};
        return alloc_work(plain);
    }
    case CU_GRAPH_NODE_TYPE_MEM_FREE:
        if (!find_graph_memory(p.free.dptr)) return invalid_value("not the address of an allocation node");
        return FreeWork{p.free.dptr};
    case CU_GRAPH_NODE_TYPE_BATCH_MEM_OP: {
        ANYWARP_TRY_AS(of, context_or(p.memOp.ctx, context));
        if (p.memOp.count && !p.memOp.paramArray) return invalid_value("paramArray is null");
        BatchWork work{{p.memOp.paramArray, p.memOp.paramArray + p.memOp.count}, p.memOp.flags, of};
        ANYWARP_TRY(memory_operations(work.operations, work.flags));
        return work;
    }
    case CU_GRAPH_NODE_TYPE_CONDITIONAL:
        return conditional_work(p.conditional, context);
    case CU_GRAPH_NODE_TYPE_EXT_SEMAS_SIGNAL: {
        ANYWARP_TRY_AS(work, semaphore_work<SignalWork>(p.extSemSignal.extSemArray, p.extSemSignal.paramsArray,
                                                        p.extSemSignal.numExtSems));
        return work;
    }
    case CU_GRAPH_NODE_TYPE_EXT_SEMAS_WAIT: {
        ANYWARP_TRY_AS(work, semaphore_work<WaitWork>(p.extSemWait.extSemArray, p.extSemWait.paramsArray,
                                                      p.extSemWait.numExtSems));
        return work;
    }
    default:
        return invalid_value(format("there is no node type {}", static_cast<int>(p.type)));
    }
}

CUgraphNodeType type_of(const CUgraphNode_st& node) {
    return std::visit(Overloaded{[](const EmptyWork&) { return CU_GRAPH_NODE_TYPE_EMPTY; },
                                 [](const KernelWork&) { return CU_GRAPH_NODE_TYPE_KERNEL; },
                                 [](const CopyWork&) { return CU_GRAPH_NODE_TYPE_MEMCPY; },
                                 [](const FillWork&) { return CU_GRAPH_NODE_TYPE_MEMSET; },
                                 [](const HostWork&) { return CU_GRAPH_NODE_TYPE_HOST; },
                                 [](const ChildWork&) { return CU_GRAPH_NODE_TYPE_GRAPH; },
                                 [](const EventWaitWork&) { return CU_GRAPH_NODE_TYPE_WAIT_EVENT; },
                                 [](const EventRecordWork&) { return CU_GRAPH_NODE_TYPE_EVENT_RECORD; },
                                 [](const AllocWork&) { return CU_GRAPH_NODE_TYPE_MEM_ALLOC; },
                                 [](const FreeWork&) { return CU_GRAPH_NODE_TYPE_MEM_FREE; },
                                 [](const BatchWork&) { return CU_GRAPH_NODE_TYPE_BATCH_MEM_OP; },
                                 [](const ConditionalWork&) { return CU_GRAPH_NODE_TYPE_CONDITIONAL; },
                                 [](const SignalWork&) { return CU_GRAPH_NODE_TYPE_EXT_SEMAS_SIGNAL; },
                                 [](const WaitWork&) { return CU_GRAPH_NODE_TYPE_EXT_SEMAS_WAIT; }},
                      node.work);
}

void describe(CUgraphNode_st& node, CUgraphNodeParams& p) {
    p = {};
    p.type = type_of(node);
    std::visit(Overloaded{[](EmptyWork&) {},
                          [&](KernelWork& work) {
                              work.pointers.clear();
                              if (auto function = function_of(work.function)) {
                                  const auto& offsets = (*function)->kernel->parameters().offsets;
                                  for (auto offset : offsets) work.pointers.push_back(work.parameters.data() + offset);
                              }
                              // Who launches a CUkernel under a CUfunction's type finds it in `kern`; NVIDIA's runtime does.
                              auto kernel = reinterpret_cast<CUkernel>(work.function);
                              if (objects().kernels.find(kernel))
                                  p.kernel.kern = kernel;
                              else
                                  p.kernel.func = work.function;
                              p.kernel.gridDimX = work.grid.x;
                              p.kernel.gridDimY = work.grid.y;
                              p.kernel.gridDimZ = work.grid.z;
                              p.kernel.blockDimX = work.block.x;
                              p.kernel.blockDimY = work.block.y;
                              p.kernel.blockDimZ = work.block.z;
                              p.kernel.sharedMemBytes = work.shared;
                              p.kernel.kernelParams = work.pointers.data();
                              p.kernel.ctx = work.context;
                          },
                          [&](CopyWork& work) {
                              p.memcpy.copyCtx = work.context;
                              p.memcpy.copyParams = work.copy;
                          },
                          [&](FillWork& work) {
                              const auto& fill = work.fill;
                              p.memset = {fill.dst,   fill.pitch,  fill.value,  fill.elementSize,
                                          fill.width, fill.height, work.context};
                          },
                          [&](HostWork& work) { p.host = {work.host.fn, work.host.userData}; },
                          [&](ChildWork& work) { p.graph.graph = work.graph.get(); },
                          [&](EventWaitWork& work) { p.eventWait.event = work.event; },
                          [&](EventRecordWork& work) { p.eventRecord.event = work.event; },
                          [&](AllocWork& work) {
                              p.alloc = {work.parameters.poolProps, work.access.data(), work.access.size(),
                                         work.parameters.bytesize, work.memory->address};
                          },
                          [&](FreeWork& work) { p.free.dptr = work.address; },
                          [&](BatchWork& work) {
                              p.memOp = {work.context, static_cast<unsigned>(work.operations.size()), work.operations.data(),
                                         work.flags};
                          },
                          [&](ConditionalWork& work) {
                              p.conditional = {work.handle, work.type, static_cast<unsigned>(work.bodies.size()),
                                               work.handles.data(), work.context};
                          },
                          [&](SignalWork& work) {
                              p.extSemSignal = {work.semaphores.data(), work.parameters.data(),
                                                static_cast<unsigned>(work.semaphores.size())};
                          },
                          [&](WaitWork& work) {
                              p.extSemWait = {work.semaphores.data(), work.parameters.data(),
                                              static_cast<unsigned>(work.semaphores.size())};
                          }},
               node.work);
}

Result<void> set_work(CUgraphNode_st& node, Work work) {
    if (work.index() != node.work.index()) return invalid_value("parameters of another type of node");
    if (std::holds_alternative<AllocWork>(work) || std::holds_alternative<FreeWork>(work) ||
        std::holds_alternative<ConditionalWork>(work))
        return unsupported("changing the parameters of memory and conditional nodes");
    if (auto* child = std::get_if<ChildWork>(&work)) child->graph->parent = node.graph;
    if (auto* kernel = std::get_if<KernelWork>(&work)) {
        auto& before = std::get<KernelWork>(node.work);
        for (auto& attribute : before.attributes) kernel->attributes.insert(attribute); // they have calls of their own
    }
    node.work = std::move(work);
    return {};
}

namespace {

/// Collects the steps of a graph, its children and its bodies.
struct Maker {
    machine::GraphProgram& whole;
    machine::Device& device; // of nodes that belong to none

    Result<void> add(CUgraph_st& graph, machine::GraphProgram& to) {
        for (const auto& value : graph.conditionals)
            if (value.assign_at_start) whole.defaults.push_back({value.value, value.at_start});
        ANYWARP_TRY_AS(order, in_order(graph));
        for (CUgraphNode_st* node : order)
            if (node->enabled) ANYWARP_TRY(std::visit([&](auto& work) { return add(work, to); }, node->work));
        return {};
    }

    machine::GraphStep& step(machine::GraphProgram& to, machine::Device& where, machine::Command command) {
        if (std::holds_alternative<machine::HostCommand>(command)) whole.may_run_on_host = false;
        if (auto* kernel = std::get_if<machine::KernelCommand>(&command))
            if (!machine::small_stack(*kernel)) whole.may_run_on_host = false;
        to.steps.push_back({&where, std::move(command), -1});
        return to.steps.back();
    }

    Result<void> add(EmptyWork&, machine::GraphProgram&) { return {}; }

    Result<void> add(KernelWork& work, machine::GraphProgram& to) {
        ANYWARP_TRY_AS(function, function_of(work.function));
        machine::LaunchConfig config;
        config.grid = work.grid;
        config.block = work.block;
        config.dynamic_shared = work.shared;
        config.params = work.parameters;
        for (const auto& [id, value] : work.attributes) {
            CUlaunchAttribute attribute{};
            attribute.id = static_cast<CUlaunchAttributeID>(id);
            attribute.value = value;
            ANYWARP_TRY(apply_launch_attribute(attribute, config));
        }
        ANYWARP_TRY_AS(command, function->kernel->prepare(config));
        step(to, function->kernel->module().device(), std::move(command));
        return {};
    }

    Result<void> add(CopyWork& work, machine::GraphProgram& to) {
        ANYWARP_TRY_AS(command, copy_command(work.copy));
        if (command.width && command.height && command.depth) step(to, *work.context->device, command);
        return {};
    }

    Result<void> add(FillWork& work, machine::GraphProgram& to) {
        ANYWARP_TRY_AS(command, fill_command(work.fill));
        if (command.width && command.height) step(to, *work.context->device, command);
        return {};
    }

    Result<void> add(HostWork& work, machine::GraphProgram& to) {
        machine::HostCommand command;
        command.function = [host = work.host](ErrorCode) { host.fn(host.userData); };
        step(to, device, std::move(command));
        return {};
    }

    Result<void> add(ChildWork& work, machine::GraphProgram& to) { return add(*work.graph, to); }

    Result<void> add(EventWaitWork& work, machine::GraphProgram& to) {
        auto event = objects().events.find(work.event);
        if (!event) return invalid_handle("not an event");
        for (const auto& recorded : whole.events) // recorded by this graph: the edges say when
            if (recorded.get() == &event->event) return {};
        machine::HostCommand command;
        command.function = [event](ErrorCode) { std::ignore = event->event.synchronize(); };
        step(to, device, std::move(command));
        return {};
    }

    Result<void> add(EventRecordWork& work, machine::GraphProgram& to) {
        auto event = objects().events.find(work.event);
        if (!event) return invalid_handle("not an event");
        if (event->event.shared()) return unsupported("interprocess events recorded by graphs");
        step(to, device, machine::EmptyCommand{}).records = static_cast<int>(whole.events.size());
        whole.events.push_back(std::shared_ptr<machine::Event>(event, &event->event));
        return {};
    }

    // The memory is there before the launch (begin_graph_memory); that it is used is all there is to do when freeing.
    Result<void> add(AllocWork&, machine::GraphProgram&) { return {}; }
    Result<void> add(FreeWork&, machine::GraphProgram&) { return {}; }

    Result<void> add(BatchWork& work, machine::GraphProgram& to) {
        ANYWARP_TRY_AS(command, memory_operations(work.operations, work.flags));
        step(to, *work.context->device, std::move(command));
        return {};
    }

    template <class Semaphores>
    requires std::same_as<Semaphores, SignalWork> || std::same_as<Semaphores, WaitWork>
    Result<void> add(Semaphores& work, machine::GraphProgram& to) {
        ANYWARP_TRY_AS(command, semaphore_command(work));
        step(to, device, std::move(command));
        return {};
    }

    Result<void> add(ConditionalWork& work, machine::GraphProgram& to) {
        machine::GraphCondition condition;
        condition.value = work.value.value;
        condition.kind = work.type == CU_GRAPH_COND_TYPE_IF      ? machine::GraphCondition::Kind::if_
                         : work.type == CU_GRAPH_COND_TYPE_WHILE ? machine::GraphCondition::Kind::while_
                                                                 : machine::GraphCondition::Kind::switch_;
        for (const auto& body : work.bodies) {
            auto program = std::make_shared<machine::GraphProgram>();
            ANYWARP_TRY(add(*body, *program));
            condition.bodies.push_back(std::move(program));
        }
        to.steps.push_back({work.context->device, std::move(condition), -1});
        return {};
    }
};

} // namespace

Result<std::shared_ptr<const machine::GraphProgram>> make_program(CUgraph_st& graph, machine::Device& device) {
    auto program = std::make_shared<machine::GraphProgram>();
    Maker maker{*program, device};
    ANYWARP_TRY(maker.add(graph, *program));
    return program;
}

} // namespace anywarp::driver
