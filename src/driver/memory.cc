// Allocation and what a pointer points to. CUDA driver API, "Memory Management", "Unified Addressing".
// A device pointer is a host address; copies and fills are in copy.cc, memory pools in pool.cc.

#include "driver/capture.h"
#include "driver/format.h"
#include "driver/ipc.h"

#include <algorithm>
#include <cstring>

using namespace anywarp;
using namespace anywarp::driver;
using machine::MemoryKind;

namespace {

CUdeviceptr to_device(const void* address) { return reinterpret_cast<CUdeviceptr>(address); }
void* to_host(CUdeviceptr address) { return reinterpret_cast<void*>(address); }

Result<uint8_t*> allocate(CUctx_st& context, size_t bytes, MemoryKind kind, unsigned flags) {
    if (bytes == 0) return invalid_value("an allocation of 0 bytes");
    ANYWARP_TRY(refuse_unsafe_call("an allocation"));
    ANYWARP_TRY_AS(address, context.device->allocate(bytes, kind, flags));
    std::lock_guard lock(context.mutex);
    context.allocations.insert(address);
    return address;
}

/// Memory may be freed from another context than it was made in.
void forget(void* address) {
    for (const auto& context : objects().contexts.all()) {
        std::lock_guard lock(context->mutex);
        if (context->allocations.erase(address)) return;
    }
}

CUresult free_memory(const char* call, void* address, bool host) {
    return with_context(call, [&](CUctx_st& context) -> Result<void> {
        if (!address) return {};
        ANYWARP_TRY(refuse_unsafe_call("freeing memory"));
        if (find_graph_memory(reinterpret_cast<CUdeviceptr>(address))) {
            ANYWARP_TRY(context.device->synchronize());
            if (!free_graph_memory(reinterpret_cast<CUdeviceptr>(address)))
                return invalid_value("memory of a graph that isn't allocated at present");
            return {};
        }
        auto found = machine::find_allocation(address);
        if (!host && found && found->kind == MemoryKind::mapped) {
            ANYWARP_TRY(context.device->synchronize());
            if (free_mapped_buffer(reinterpret_cast<CUdeviceptr>(address)) ||
                free_imported(reinterpret_cast<CUdeviceptr>(address)))
                return {};
        }
        bool is_host = found && found->kind == MemoryKind::pinned;
        if (!found || found->base != address || found->kind == MemoryKind::image || found->kind == MemoryKind::registered ||
            found->kind == MemoryKind::mapped ||
            is_host != host)
            return invalid_value(format("{:#x} isn't an allocation of this kind", reinterpret_cast<uintptr_t>(address)));
        ANYWARP_TRY_AS(device, device_of(found->device));
        ANYWARP_TRY(device->free(address));
        forget(address);
        return {};
    });
}

CUresult allocate_host(const char* call, void** result, size_t bytes, unsigned flags) {
    return with_context(call, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_REQUIRE(result);
        constexpr unsigned known = CU_MEMHOSTALLOC_PORTABLE | CU_MEMHOSTALLOC_DEVICEMAP | CU_MEMHOSTALLOC_WRITECOMBINED;
        if (flags & ~known) return invalid_value(format("host allocation flags {:#x}", flags));
        ANYWARP_TRY_AS(address, allocate(context, bytes, MemoryKind::pinned, flags));
        *result = address;
        return {};
    });
}

/// One pointer attribute into `data`. Attributes of memory that isn't ours are answered by `Known::no`.
enum class Known { yes, no };
Result<Known> pointer_attribute(void* data, CUpointer_attribute which, CUdeviceptr pointer) {
    auto found = machine::find_allocation(to_host(pointer));
    auto put = [&](auto value) { std::memcpy(data, &value, sizeof value); };
    if (!found) {
        switch (which) {
        case CU_POINTER_ATTRIBUTE_CONTEXT:
            put(CUcontext{nullptr});
            return Known::no;
        case CU_POINTER_ATTRIBUTE_MEMORY_TYPE:
            put(0u);
            return Known::no;
        case CU_POINTER_ATTRIBUTE_DEVICE_POINTER:
        case CU_POINTER_ATTRIBUTE_HOST_POINTER:
        case CU_POINTER_ATTRIBUTE_RANGE_START_ADDR:
        case CU_POINTER_ATTRIBUTE_BUFFER_ID:
            put(uint64_t{0});
            return Known::no;
        case CU_POINTER_ATTRIBUTE_RANGE_SIZE:
            put(size_t{0});
            return Known::no;
        case CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL:
            put(-2);
            return Known::no;
        default:
            put(uint8_t{0});
            return Known::no;
        }
    }
    bool host = found->kind == MemoryKind::pinned || found->kind == MemoryKind::registered;
    bool managed = found->kind == MemoryKind::managed;
    switch (which) {
    case CU_POINTER_ATTRIBUTE_CONTEXT: {
        ANYWARP_TRY_AS(device, device_of(found->device));
        put(primary_context(*device));
        return Known::yes;
    }
    case CU_POINTER_ATTRIBUTE_MEMORY_TYPE:
        put(unsigned(host ? CU_MEMORYTYPE_HOST : CU_MEMORYTYPE_DEVICE));
        return Known::yes;
    case CU_POINTER_ATTRIBUTE_DEVICE_POINTER:
        put(pointer);
        return Known::yes;
    case CU_POINTER_ATTRIBUTE_HOST_POINTER:
        if (!host && !managed) return invalid_value("device memory has no host pointer");
        put(pointer);
        return Known::yes;
    case CU_POINTER_ATTRIBUTE_SYNC_MEMOPS:
        put(0u);
        return Known::yes;
    case CU_POINTER_ATTRIBUTE_BUFFER_ID:
        put(static_cast<unsigned long long>(found->id));
        return Known::yes;
    case CU_POINTER_ATTRIBUTE_IS_MANAGED:
        put(uint8_t{managed});
        return Known::yes;
    case CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL:
        put(found->device);
        return Known::yes;
    case CU_POINTER_ATTRIBUTE_IS_LEGACY_CUDA_IPC_CAPABLE:
        put(uint8_t{found->kind == MemoryKind::device});
        return Known::yes;
    case CU_POINTER_ATTRIBUTE_RANGE_START_ADDR:
    case CU_POINTER_ATTRIBUTE_MAPPING_BASE_ADDR:
        put(to_device(found->base));
        return Known::yes;
    case CU_POINTER_ATTRIBUTE_RANGE_SIZE:
    case CU_POINTER_ATTRIBUTE_MAPPING_SIZE:
        put(static_cast<size_t>(found->size));
        return Known::yes;
    case CU_POINTER_ATTRIBUTE_MAPPED:
        put(uint8_t{1});
        return Known::yes;
    case CU_POINTER_ATTRIBUTE_ALLOWED_HANDLE_TYPES:
        put(uint64_t{0});
        return Known::yes;
    case CU_POINTER_ATTRIBUTE_IS_GPU_DIRECT_RDMA_CAPABLE:
        put(uint8_t{0});
        return Known::yes;
    case CU_POINTER_ATTRIBUTE_ACCESS_FLAGS:
        put(unsigned{CU_POINTER_ATTRIBUTE_ACCESS_FLAG_READWRITE});
        return Known::yes;
    case CU_POINTER_ATTRIBUTE_MEMPOOL_HANDLE: {
        for (const auto& pool : objects().pools.all()) {
            std::lock_guard lock(pool->mutex);
            if (pool->blocks.contains(found->base)) {
                put(CUmemoryPool{pool.get()});
                return Known::yes;
            }
        }
        put(CUmemoryPool{nullptr});
        return Known::yes;
    }
    case CU_POINTER_ATTRIBUTE_MEMORY_BLOCK_ID:
        put(static_cast<unsigned long long>(found->id));
        return Known::yes;
    case CU_POINTER_ATTRIBUTE_IS_HW_DECOMPRESS_CAPABLE:
        put(uint8_t{0});
        return Known::yes;
    case CU_POINTER_ATTRIBUTE_P2P_TOKENS:
        return unsupported("peer-to-peer tokens");
    default:
        return invalid_value(format("there is no pointer attribute {}", static_cast<int>(which)));
    }
}

} // namespace

CUresult cuMemGetInfo_v2(size_t* available, size_t* total) {
    return with_context(__func__, [&](CUctx_st& context) -> Result<void> {
        if (!available && !total) return invalid_value("both results are null");
        if (available) *available = context.device->memory().available();
        if (total) *total = context.device->memory().total();
        return {};
    });
}

CUresult cuMemAlloc_v2(CUdeviceptr* pointer, size_t bytes) {
    return with_context(__func__, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_REQUIRE(pointer);
        ANYWARP_TRY_AS(address, allocate(context, bytes, MemoryKind::device, 0));
        *pointer = to_device(address);
        return {};
    });
}

CUresult cuMemAllocPitch_v2(CUdeviceptr* pointer, size_t* pitch, size_t width, size_t height, unsigned element) {
    return with_context(__func__, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_REQUIRE(pointer);
        ANYWARP_REQUIRE(pitch);
        if (width == 0 || height == 0) return invalid_value(format("{} x {} bytes", width, height));
        if (element != 4 && element != 8 && element != 16) return invalid_value(format("elements of {} bytes", element));
        constexpr size_t pitch_alignment = 512;
        size_t rounded = (width + pitch_alignment - 1) & ~(pitch_alignment - 1);
        size_t bytes = 0;
        if (rounded < width || __builtin_mul_overflow(rounded, height, &bytes))
            return user_error(ErrorCode::out_of_memory, format("{} x {} bytes", width, height));
        ANYWARP_TRY_AS(address, allocate(context, bytes, MemoryKind::device, 0));
        *pointer = to_device(address);
        *pitch = rounded;
        return {};
    });
}

CUresult cuMemAllocManaged(CUdeviceptr* pointer, size_t bytes, unsigned flags) {
    return with_context(__func__, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_REQUIRE(pointer);
        if (flags != CU_MEM_ATTACH_GLOBAL && flags != CU_MEM_ATTACH_HOST)
            return invalid_value(format("attach flags {:#x}", flags));
        ANYWARP_TRY_AS(address, allocate(context, bytes, MemoryKind::managed, flags));
        *pointer = to_device(address);
        return {};
    });
}

CUresult cuMemAllocHost_v2(void** pointer, size_t bytes) { return allocate_host(__func__, pointer, bytes, 0); }
CUresult cuMemAllocHost(void** pointer, unsigned bytes) { return allocate_host(__func__, pointer, bytes, 0); }
CUresult cuMemHostAlloc(void** pointer, size_t bytes, unsigned flags) { return allocate_host(__func__, pointer, bytes, flags); }
CUresult cuMemFree_v2(CUdeviceptr pointer) { return free_memory(__func__, to_host(pointer), false); }
CUresult cuMemFreeHost(void* pointer) {
    if (!pointer) return with_context(__func__, [](CUctx_st&) -> Result<void> { return invalid_value("the pointer is null"); });
    return free_memory(__func__, pointer, true);
}

CUresult cuMemHostRegister_v2(void* pointer, size_t bytes, unsigned flags) {
    return with_context(__func__, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_REQUIRE(pointer);
        if (bytes == 0) return invalid_value("a range of 0 bytes");
        constexpr unsigned known = CU_MEMHOSTREGISTER_PORTABLE | CU_MEMHOSTREGISTER_DEVICEMAP | CU_MEMHOSTREGISTER_IOMEMORY |
                                   CU_MEMHOSTREGISTER_READ_ONLY;
        if (flags & ~known) return invalid_value(format("registration flags {:#x}", flags));
        if (machine::find_allocation(pointer))
            return user_error(static_cast<ErrorCode>(CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED), "the range is known already");
        return context.device->memory().register_host(pointer, bytes, flags);
    });
}
CUresult cuMemHostRegister(void* pointer, size_t bytes, unsigned flags) { return cuMemHostRegister_v2(pointer, bytes, flags); }

CUresult cuMemHostUnregister(void* pointer) {
    return with_context(__func__, [&](CUctx_st&) -> Result<void> {
        ANYWARP_REQUIRE(pointer);
        auto found = machine::find_allocation(pointer);
        if (!found || found->kind != MemoryKind::registered || found->base != pointer)
            return user_error(static_cast<ErrorCode>(CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED), "the pointer wasn't registered");
        ANYWARP_TRY_AS(device, device_of(found->device));
        ANYWARP_TRY(device->synchronize());
        return device->memory().unregister_host(pointer);
    });
}

CUresult cuMemHostGetDevicePointer_v2(CUdeviceptr* device_pointer, void* pointer, unsigned flags) {
    return with_context(__func__, [&](CUctx_st&) -> Result<void> {
        ANYWARP_REQUIRE(device_pointer);
        if (flags != 0) return invalid_value("flags must be 0");
        auto found = machine::find_allocation(pointer);
        if (!found ||
            (found->kind != MemoryKind::pinned && found->kind != MemoryKind::registered && found->kind != MemoryKind::managed))
            return invalid_value("not page-locked host memory");
        *device_pointer = to_device(pointer);
        return {};
    });
}

CUresult cuMemHostGetFlags(unsigned* flags, void* pointer) {
    return with_context(__func__, [&](CUctx_st&) -> Result<void> {
        ANYWARP_REQUIRE(flags);
        auto found = machine::find_allocation(pointer);
        if (!found || found->kind != MemoryKind::pinned) return invalid_value("not memory of cuMemHostAlloc");
        *flags = found->flags | CU_MEMHOSTALLOC_DEVICEMAP;
        return {};
    });
}

CUresult cuMemGetAddressRange_v2(CUdeviceptr* base, size_t* bytes, CUdeviceptr pointer) {
    return with_context(__func__, [&](CUctx_st&) -> Result<void> {
        auto found = machine::find_allocation(to_host(pointer));
        if (!found) return user_error(ErrorCode::not_found, format("{:#x} lies in no allocation", pointer));
        if (base) *base = to_device(found->base);
        if (bytes) *bytes = found->size;
        return {};
    });
}

CUresult cuPointerGetAttribute(void* data, CUpointer_attribute which, CUdeviceptr pointer) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(data);
        ANYWARP_TRY_AS(known, pointer_attribute(data, which, pointer));
        if (known == Known::no) return invalid_value(format("{:#x} lies in no allocation", pointer));
        return {};
    });
}

CUresult cuPointerGetAttributes(unsigned count, CUpointer_attribute* attributes, void** data, CUdeviceptr pointer) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(attributes);
        ANYWARP_REQUIRE(data);
        // Unlike the form for one attribute, this one answers zeros for memory that it doesn't know.
        for (unsigned i = 0; i < count; ++i) {
            auto known = pointer_attribute(data[i], attributes[i], pointer);
            if (known) continue;
            if (attributes[i] != CU_POINTER_ATTRIBUTE_HOST_POINTER) return std::unexpected(known.error());
            uint64_t none = 0;
            std::memcpy(data[i], &none, sizeof none);
        }
        return {};
    });
}

CUresult cuPointerSetAttribute(const void* value, CUpointer_attribute which, CUdeviceptr pointer) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(value);
        // Every copy from or to device memory is ordered here anyway, which is all this attribute asks for.
        if (which != CU_POINTER_ATTRIBUTE_SYNC_MEMOPS) return invalid_value("only SYNC_MEMOPS can be set");
        if (!machine::find_allocation(to_host(pointer))) return invalid_value("not an allocation");
        return {};
    });
}
