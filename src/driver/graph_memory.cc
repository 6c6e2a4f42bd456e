// Memory that graphs allocate and free.
//
// An allocation node has its memory from the moment the node is made, so that its address is known and stays the same. What
// allocation and free nodes do at a launch is bookkeeping: an allocation that the graph doesn't free itself is the program's,
// and the graph can't be launched again before it is freed (unless it was instantiated with auto-free).
//
// CUDA driver API, "Graph Management", cuGraphAddMemAllocNode, cuDeviceGetGraphMemAttribute.

#include "driver/graph.h"

#include "driver/format.h"

#include <algorithm>

using namespace anywarp;
using namespace anywarp::driver;

namespace anywarp::driver {
namespace {

struct Usage {
    uint64_t used = 0, used_high = 0, reserved = 0, reserved_high = 0;
};

struct Book {
    std::mutex mutex;
    std::map<CUdeviceptr, std::weak_ptr<GraphMemory>> known;
    std::map<CUdeviceptr, std::shared_ptr<GraphMemory>> held; // by the program: allocated and not yet freed
    std::map<int, Usage> usage;                               // per device
};
Book& book() {
    static auto& the_book = *new Book;
    return the_book;
}

void take(Book& all, const std::shared_ptr<GraphMemory>& memory) {
    memory->in_use = true;
    if (std::exchange(memory->associated, true)) return;
    Usage& usage = all.usage[memory->device->ordinal()];
    usage.used += memory->bytes;
    usage.used_high = std::max(usage.used_high, usage.used);
}

/// Memory stays with its graph after it was freed, for the next run, until it is trimmed.
void dissociate(Book& all, GraphMemory& memory) {
    if (!std::exchange(memory.associated, false)) return;
    all.usage[memory.device->ordinal()].used -= memory.bytes;
}

} // namespace

GraphMemory::~GraphMemory() {
    {
        Book& all = book();
        std::lock_guard lock(all.mutex);
        dissociate(all, *this);
        all.usage[device->ordinal()].reserved -= bytes;
        all.known.erase(address);
    }
    std::ignore = device->memory().free(reinterpret_cast<void*>(address));
}

Result<std::shared_ptr<GraphMemory>> allocate_graph_memory(machine::Device& device, size_t bytes) {
    ANYWARP_TRY_AS(address, device.allocate(bytes));
    auto memory = std::make_shared<GraphMemory>();
    memory->device = &device;
    memory->address = reinterpret_cast<CUdeviceptr>(address);
    memory->bytes = bytes;
    Book& all = book();
    std::lock_guard lock(all.mutex);
    all.known[memory->address] = memory;
    Usage& usage = all.usage[device.ordinal()];
    usage.reserved += bytes;
    usage.reserved_high = std::max(usage.reserved_high, usage.reserved);
    return memory;
}

std::shared_ptr<GraphMemory> find_graph_memory(CUdeviceptr address) {
    Book& all = book();
    std::lock_guard lock(all.mutex);
    auto found = all.known.find(address);
    return found == all.known.end() ? nullptr : found->second.lock();
}

Result<void> begin_graph_memory(const CUgraph_st& graph, bool free_first) {
    std::vector<std::shared_ptr<GraphMemory>> allocated, freed, dropped;
    for_each_node(graph, [&](CUgraphNode_st& node) {
        if (auto* alloc = std::get_if<AllocWork>(&node.work)) allocated.push_back(alloc->memory);
        if (auto* free = std::get_if<FreeWork>(&node.work))
            if (auto memory = find_graph_memory(free->address)) freed.push_back(std::move(memory));
    });
    if (allocated.empty() && freed.empty()) return {};
    Book& all = book();
    std::lock_guard lock(all.mutex);
    for (const auto& memory : allocated)
        if (memory->in_use && !free_first) return invalid_value("the graph's memory from an earlier launch hasn't been freed");
    for (const auto& memory : allocated) {
        take(all, memory);
        all.held[memory->address] = memory;
    }
    for (const auto& memory : freed) {
        memory->in_use = false;
        auto held = all.held.find(memory->address);
        if (held == all.held.end()) continue;
        dropped.push_back(std::move(held->second)); // outside the lock, as it may be the last reference
        all.held.erase(held);
    }
    return {};
}

bool free_graph_memory(CUdeviceptr address) {
    std::shared_ptr<GraphMemory> memory;
    Book& all = book();
    std::lock_guard lock(all.mutex);
    auto held = all.held.find(address);
    if (held == all.held.end()) return false;
    memory = std::move(held->second);
    all.held.erase(held);
    memory->in_use = false;
    return true;
}

} // namespace anywarp::driver

CUresult cuDeviceGetGraphMemAttribute(CUdevice ordinal, CUgraphMem_attribute which, void* value) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(value);
        ANYWARP_TRY_AS(device, device_of(ordinal));
        std::lock_guard lock(book().mutex);
        const Usage& usage = book().usage[device->ordinal()];
        auto& to = *static_cast<cuuint64_t*>(value);
        switch (which) {
        case CU_GRAPH_MEM_ATTR_USED_MEM_CURRENT:
            to = usage.used;
            return {};
        case CU_GRAPH_MEM_ATTR_USED_MEM_HIGH:
            to = usage.used_high;
            return {};
        case CU_GRAPH_MEM_ATTR_RESERVED_MEM_CURRENT:
            to = usage.reserved;
            return {};
        case CU_GRAPH_MEM_ATTR_RESERVED_MEM_HIGH:
            to = usage.reserved_high;
            return {};
        default:
            return invalid_value(format("there is no graph memory attribute {}", static_cast<int>(which)));
        }
    });
}

CUresult cuDeviceSetGraphMemAttribute(CUdevice ordinal, CUgraphMem_attribute which, void* value) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(value);
        ANYWARP_TRY_AS(device, device_of(ordinal));
        if (*static_cast<cuuint64_t*>(value) != 0) return invalid_value("a high-water mark can only be set to 0");
        std::lock_guard lock(book().mutex);
        Usage& usage = book().usage[device->ordinal()];
        if (which == CU_GRAPH_MEM_ATTR_USED_MEM_HIGH)
            usage.used_high = usage.used;
        else if (which == CU_GRAPH_MEM_ATTR_RESERVED_MEM_HIGH)
            usage.reserved_high = usage.reserved;
        else
            return invalid_value(format("graph memory attribute {} can't be set", static_cast<int>(which)));
        return {};
    });
}

CUresult cuDeviceGraphMemTrim(CUdevice ordinal) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_TRY_AS(device, device_of(ordinal));
        std::vector<std::shared_ptr<GraphMemory>> held; // dropped outside the lock, as each may be the last reference
        Book& all = book();
        std::lock_guard lock(all.mutex);
        for (auto& [address, weak] : all.known) {
            held.push_back(weak.lock());
            if (held.back() && held.back()->device == device && !held.back()->in_use) dissociate(all, *held.back());
        }
        return {};
    });
}
