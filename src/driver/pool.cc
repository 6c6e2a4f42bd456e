// Stream-ordered allocation and memory pools. CUDA driver API, "Stream Ordered Memory Allocator".
//
// Memory is taken at once and given back when the stream reaches the free; a pool keeps no reserve of its own (the machine's
// allocator is quick), so that its thresholds are stored and given back and reserved memory equals used memory.

#include "driver/capture.h"
#include "driver/format.h"
#include "driver/ipc.h"

#include <algorithm>
#include <cstring>

using namespace anywarp;
using namespace anywarp::driver;

namespace {

void* to_host(CUdeviceptr address) { return reinterpret_cast<void*>(address); }

Result<std::shared_ptr<CUmemPoolHandle_st>> pool_of(CUmemoryPool handle) {
    auto pool = objects().pools.find(handle);
    if (!pool) return invalid_value("not a memory pool");
    return pool;
}

/// The pool each device allocates from at present.
CUmemoryPool& current_pool(machine::Device& device) {
    static std::mutex& mutex = *new std::mutex;
    static auto& pools = *new std::map<int, CUmemoryPool>;
    std::lock_guard lock(mutex);
    auto [at, added] = pools.try_emplace(device.ordinal());
    if (added) at->second = default_pool(device);
    return at->second;
}

Result<void> allocate(CUctx_st& context, CUdeviceptr* pointer, size_t bytes, CUmemoryPool handle, CUstream stream_handle) {
    ANYWARP_REQUIRE(pointer);
    if (bytes == 0) return invalid_value("an allocation of 0 bytes");
    ANYWARP_TRY_AS(stream, stream_of(stream_handle, context));
    ANYWARP_TRY_AS(pool, pool_of(handle));
    if (pool->imported) return invalid_value("another process's pool can't be allocated from");
    if (auto* part = capture_of(*stream)) {
        CUgraphNodeParams parameters{};
        parameters.type = CU_GRAPH_NODE_TYPE_MEM_ALLOC;
        parameters.alloc.poolProps.allocType = CU_MEM_ALLOCATION_TYPE_PINNED;
        parameters.alloc.poolProps.location = {CU_MEM_LOCATION_TYPE_DEVICE, pool->device->ordinal()};
        parameters.alloc.bytesize = bytes;
        ANYWARP_TRY_AS(work, work_of(parameters, context));
        *pointer = std::get<AllocWork>(work).memory->address;
        ANYWARP_TRY(capture(*part, std::move(work)));
        return {};
    }
    ANYWARP_TRY_AS(address, pool->device->allocate(bytes));
    {
        std::lock_guard lock(pool->mutex);
        pool->blocks[address] = bytes;
        pool->used += bytes;
        pool->used_high = std::max(pool->used_high, pool->used);
    }
    *pointer = reinterpret_cast<CUdeviceptr>(address);
    return {};
}

} // namespace

namespace anywarp::driver {

CUmemoryPool default_pool(machine::Device& device) {
    static std::mutex& mutex = *new std::mutex;
    static auto& pools = *new std::map<int, CUmemoryPool>;
    std::lock_guard lock(mutex);
    auto [at, added] = pools.try_emplace(device.ordinal());
    if (added) {
        auto pool = std::make_shared<CUmemPoolHandle_st>();
        pool->device = &device;
        pool->is_default = true;
        at->second = objects().pools.add(std::move(pool));
    }
    return at->second;
}

} // namespace anywarp::driver

CUresult cuMemAllocAsync(CUdeviceptr* pointer, size_t bytes, CUstream stream) {
    return with_context(
        __func__, [&](CUctx_st& context) { return allocate(context, pointer, bytes, current_pool(*context.device), stream); });
}

CUresult cuMemAllocFromPoolAsync(CUdeviceptr* pointer, size_t bytes, CUmemoryPool pool, CUstream stream) {
    return with_context(__func__, [&](CUctx_st& context) { return allocate(context, pointer, bytes, pool, stream); });
}

CUresult cuMemFreeAsync(CUdeviceptr pointer, CUstream stream_handle) {
    return with_context(__func__, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_TRY_AS(stream, stream_of(stream_handle, context));
        if (!pointer) return {};
        if (auto* part = capture_of(*stream)) {
            if (!find_graph_memory(pointer)) return invalid_value(format("{:#x} isn't a graph's allocation", pointer));
            ANYWARP_TRY(capture(*part, FreeWork{pointer}));
            return {};
        }
        if (find_graph_memory(pointer)) {
            machine::HostCommand command;
            command.function = [pointer](ErrorCode) { free_graph_memory(pointer); };
            command.even_after_error = true;
            return stream->enqueue(std::move(command));
        }
        auto found = machine::find_allocation(to_host(pointer));
        if (found && found->kind == machine::MemoryKind::mapped) {
            ANYWARP_TRY(stream->synchronize());
            if (free_imported(pointer)) return {};
        }
        if (!found || found->base != to_host(pointer) || found->kind != machine::MemoryKind::device)
            return invalid_value(format("{:#x} isn't an allocation", pointer));
        for (const auto& pool : objects().pools.all()) {
            std::lock_guard lock(pool->mutex);
            auto block = pool->blocks.find(to_host(pointer));
            if (block == pool->blocks.end()) continue;
            pool->used -= block->second;
            pool->blocks.erase(block);
        }
        {
            std::lock_guard lock(context.mutex);
            context.allocations.erase(to_host(pointer));
        }
        ANYWARP_TRY_AS(device, device_of(found->device));
        machine::HostCommand command;
        command.function = [device, pointer](ErrorCode) { std::ignore = device->memory().free(to_host(pointer)); };
        command.even_after_error = true;
        return stream->enqueue(std::move(command));
    });
}

CUresult cuDeviceGetDefaultMemPool(CUmemoryPool* pool, CUdevice ordinal) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(pool);
        ANYWARP_TRY_AS(device, device_of(ordinal));
        *pool = default_pool(*device);
        return {};
    });
}

CUresult cuDeviceGetMemPool(CUmemoryPool* pool, CUdevice ordinal) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(pool);
        ANYWARP_TRY_AS(device, device_of(ordinal));
        *pool = current_pool(*device);
        return {};
    });
}

CUresult cuDeviceSetMemPool(CUdevice ordinal, CUmemoryPool handle) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_TRY_AS(device, device_of(ordinal));
        ANYWARP_TRY_AS(pool, pool_of(handle));
        if (pool->device != device) return invalid_value("the pool is another device's");
        current_pool(*device) = handle;
        return {};
    });
}

// The forms of CUDA 13, which name the place and the kind of memory.
namespace {
Result<machine::Device*> pooled_device(const CUmemLocation* location, CUmemAllocationType type) {
    ANYWARP_REQUIRE(location);
    if (type != CU_MEM_ALLOCATION_TYPE_PINNED) {
        if (type == CU_MEM_ALLOCATION_TYPE_MANAGED) return unsupported("memory pools of managed memory");
        return invalid_value(format("allocation type {}", static_cast<int>(type)));
    }
    if (location->type == CU_MEM_LOCATION_TYPE_HOST || location->type == CU_MEM_LOCATION_TYPE_HOST_NUMA)
        return unsupported("memory pools on the host");
    if (location->type != CU_MEM_LOCATION_TYPE_DEVICE)
        return invalid_value(format("location type {}", static_cast<int>(location->type)));
    return device_of(location->id);
}
} // namespace

CUresult cuMemGetDefaultMemPool(CUmemoryPool* pool, CUmemLocation* location, CUmemAllocationType type) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(pool);
        ANYWARP_TRY_AS(device, pooled_device(location, type));
        *pool = default_pool(*device);
        return {};
    });
}
CUresult cuMemGetMemPool(CUmemoryPool* pool, CUmemLocation* location, CUmemAllocationType type) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(pool);
        ANYWARP_TRY_AS(device, pooled_device(location, type));
        *pool = current_pool(*device);
        return {};
    });
}
CUresult cuMemSetMemPool(CUmemLocation* location, CUmemAllocationType type, CUmemoryPool handle) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_TRY_AS(device, pooled_device(location, type));
        ANYWARP_TRY_AS(pool, pool_of(handle));
        if (pool->device != device) return invalid_value("the pool is another device's");
        current_pool(*device) = handle;
        return {};
    });
}

CUresult cuMemPoolCreate(CUmemoryPool* result, const CUmemPoolProps* properties) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(result);
        ANYWARP_REQUIRE(properties);
        if (properties->allocType != CU_MEM_ALLOCATION_TYPE_PINNED) return invalid_value("the allocation type must be pinned");
        if (properties->location.type != CU_MEM_LOCATION_TYPE_DEVICE) return unsupported("memory pools on the host");
        if (properties->handleTypes & CU_MEM_HANDLE_TYPE_FABRIC)
            return user_error(static_cast<ErrorCode>(CUDA_ERROR_NOT_SUPPORTED), "fabric handles");
        if (properties->handleTypes & ~CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR)
            return invalid_value(format("handle types {:#x}", static_cast<unsigned>(properties->handleTypes)));
        ANYWARP_TRY_AS(device, device_of(properties->location.id));
        auto pool = std::make_shared<CUmemPoolHandle_st>();
        pool->device = device;
        pool->exportable = properties->handleTypes & CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR;
        *result = objects().pools.add(std::move(pool));
        return {};
    });
}

CUresult cuMemPoolDestroy(CUmemoryPool handle) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_TRY_AS(pool, pool_of(handle));
        if (pool->is_default) return invalid_value("a default pool can't be destroyed");
        CUmemoryPool& current = current_pool(*pool->device);
        if (current == handle) current = default_pool(*pool->device);
        objects().pools.remove(handle);
        return {};
    });
}

CUresult cuMemPoolTrimTo(CUmemoryPool handle, size_t) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_TRY(pool_of(handle));
        return {}; // nothing is kept in reserve
    });
}

CUresult cuMemPoolGetAttribute(CUmemoryPool handle, CUmemPool_attribute which, void* value) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(value);
        ANYWARP_TRY_AS(pool, pool_of(handle));
        std::lock_guard lock(pool->mutex);
        auto stored = pool->attributes.find(which);
        switch (which) {
        case CU_MEMPOOL_ATTR_REUSE_FOLLOW_EVENT_DEPENDENCIES:
        case CU_MEMPOOL_ATTR_REUSE_ALLOW_OPPORTUNISTIC:
        case CU_MEMPOOL_ATTR_REUSE_ALLOW_INTERNAL_DEPENDENCIES:
            *static_cast<int*>(value) = stored == pool->attributes.end() ? 1 : static_cast<int>(stored->second);
            return {};
        case CU_MEMPOOL_ATTR_RELEASE_THRESHOLD:
            *static_cast<cuuint64_t*>(value) = stored == pool->attributes.end() ? 0 : stored->second;
            return {};
        case CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT:
        case CU_MEMPOOL_ATTR_USED_MEM_CURRENT:
            *static_cast<cuuint64_t*>(value) = pool->used;
            return {};
        case CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH:
        case CU_MEMPOOL_ATTR_USED_MEM_HIGH:
            *static_cast<cuuint64_t*>(value) = pool->used_high;
            return {};
        default:
            return invalid_value(format("there is no pool attribute {}", static_cast<int>(which)));
        }
    });
}

CUresult cuMemPoolSetAttribute(CUmemoryPool handle, CUmemPool_attribute which, void* value) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(value);
        ANYWARP_TRY_AS(pool, pool_of(handle));
        std::lock_guard lock(pool->mutex);
        switch (which) {
        case CU_MEMPOOL_ATTR_REUSE_FOLLOW_EVENT_DEPENDENCIES:
        case CU_MEMPOOL_ATTR_REUSE_ALLOW_OPPORTUNISTIC:
        case CU_MEMPOOL_ATTR_REUSE_ALLOW_INTERNAL_DEPENDENCIES:
            pool->attributes[which] = static_cast<uint64_t>(*static_cast<int*>(value));
            return {};
        case CU_MEMPOOL_ATTR_RELEASE_THRESHOLD:
            pool->attributes[which] = *static_cast<cuuint64_t*>(value);
            return {};
        case CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH:
        case CU_MEMPOOL_ATTR_USED_MEM_HIGH:
            if (*static_cast<cuuint64_t*>(value) != 0) return invalid_value("a high-water mark can only be set to 0");
            pool->used_high = pool->used;
            return {};
        default:
            return invalid_value(format("pool attribute {} can't be set", static_cast<int>(which)));
        }
    });
}

CUresult cuMemPoolSetAccess(CUmemoryPool handle, const CUmemAccessDesc* accesses, size_t count) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_TRY_AS(pool, pool_of(handle));
        if (count && !accesses) return invalid_value("accesses is null");
        for (size_t i = 0; i < count; ++i) // every device can reach all memory: there is only something to refuse
            if (accesses[i].location.id == pool->device->ordinal() && accesses[i].flags == CU_MEM_ACCESS_FLAGS_PROT_NONE)
                return invalid_value("a pool's own device can't be shut out");
        return {};
    });
}

CUresult cuMemPoolGetAccess(CUmemAccess_flags* flags, CUmemoryPool handle, CUmemLocation* location) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(flags);
        ANYWARP_REQUIRE(location);
        ANYWARP_TRY(pool_of(handle));
        *flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE;
        return {};
    });
}
