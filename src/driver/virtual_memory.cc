// Virtual memory management: address space, physical memory, mappings and access; export and import by file descriptor.
// CUDA driver API, "Virtual Memory Management". The work is src/machine/virtual_memory.cc's.

#include "machine/virtual_memory.h"
#include "driver/api.h"
#include "driver/format.h"

#include <fcntl.h>
#include <unistd.h>

using namespace anywarp;
using namespace anywarp::driver;
using machine::PhysicalMemory;

namespace {

void* to_host(CUdeviceptr address) { return reinterpret_cast<void*>(address); }

/// A handle of cuMemCreate: counted, as every cuMemRetainAllocationHandle and import gives one more.
struct Handle {
    std::shared_ptr<PhysicalMemory> memory;
    CUmemAllocationProp properties{};
    unsigned users = 1;
};

struct Table {
    std::mutex mutex;
    std::map<CUmemGenericAllocationHandle, Handle> handles;
    CUmemGenericAllocationHandle next = 1;
};
Table& table() {
    static Table& all = *new Table;
    return all;
}

CUmemGenericAllocationHandle add(Handle handle) {
    std::lock_guard lock(table().mutex);
    table().handles.emplace(table().next, std::move(handle));
    return table().next++;
}

Result<Handle> handle_of(CUmemGenericAllocationHandle handle) {
    std::lock_guard lock(table().mutex);
    auto found = table().handles.find(handle);
    if (found == table().handles.end()) return invalid_value("not an allocation handle");
    return found->second;
}

Result<machine::Device*> check(const CUmemAllocationProp* properties) {
    ANYWARP_REQUIRE(properties);
    if (properties->type != CU_MEM_ALLOCATION_TYPE_PINNED)
        return invalid_value(format("allocation type {}", static_cast<int>(properties->type)));
    if (properties->requestedHandleTypes & ~CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR) {
        if (properties->requestedHandleTypes & CU_MEM_HANDLE_TYPE_FABRIC)
            return user_error(static_cast<ErrorCode>(CUDA_ERROR_NOT_SUPPORTED), "fabric handles");
        return invalid_value(format("handle types {:#x}", static_cast<unsigned>(properties->requestedHandleTypes)));
    }
    if (properties->location.type == CU_MEM_LOCATION_TYPE_HOST || properties->location.type == CU_MEM_LOCATION_TYPE_HOST_NUMA ||
        properties->location.type == CU_MEM_LOCATION_TYPE_HOST_NUMA_CURRENT)
        return unsupported("physical memory on the host");
    if (properties->location.type != CU_MEM_LOCATION_TYPE_DEVICE)
        return invalid_value(format("location type {}", static_cast<int>(properties->location.type)));
    return device_of(properties->location.id);
}

Result<void> check_size(size_t bytes) {
    if (bytes == 0 || bytes % PhysicalMemory::granularity)
        return invalid_value(format("{} bytes aren't a multiple of {}", bytes, PhysicalMemory::granularity));
    return {};
}

CUmemAllocationProp properties_of(const PhysicalMemory& memory) {
    CUmemAllocationProp properties{};
    properties.type = CU_MEM_ALLOCATION_TYPE_PINNED;
    properties.requestedHandleTypes = CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR;
    properties.location = {CU_MEM_LOCATION_TYPE_DEVICE, memory.device()};
    return properties;
}

} // namespace

CUresult cuMemGetAllocationGranularity(size_t* granularity, const CUmemAllocationProp* properties,
                                       CUmemAllocationGranularity_flags option) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(granularity);
        ANYWARP_TRY(check(properties));
        if (option != CU_MEM_ALLOC_GRANULARITY_MINIMUM && option != CU_MEM_ALLOC_GRANULARITY_RECOMMENDED)
            return invalid_value(format("granularity option {}", static_cast<int>(option)));
        *granularity = PhysicalMemory::granularity;
        return {};
    });
}

CUresult cuMemAddressReserve(CUdeviceptr* result, size_t bytes, size_t alignment, CUdeviceptr wanted, unsigned long long flags) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(result);
        if (flags != 0) return invalid_value("flags must be 0");
        if (alignment & (alignment - 1)) return invalid_value(format("an alignment of {}", alignment));
        ANYWARP_TRY(check_size(bytes));
        ANYWARP_TRY_AS(base, machine::reserve_addresses(bytes, alignment, to_host(wanted)));
        *result = reinterpret_cast<CUdeviceptr>(base);
        return {};
    });
}

CUresult cuMemAddressFree(CUdeviceptr pointer, size_t bytes) {
    return with_driver(__func__, [&]() -> Result<void> { return machine::free_addresses(to_host(pointer), bytes); });
}

CUresult cuMemCreate(CUmemGenericAllocationHandle* result, size_t bytes, const CUmemAllocationProp* properties,
                     unsigned long long flags) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(result);
        if (flags != 0) return invalid_value("flags must be 0");
        ANYWARP_TRY_AS(device, check(properties));
        ANYWARP_TRY(check_size(bytes));
        ANYWARP_TRY_AS(memory, PhysicalMemory::create(device->memory(), device->ordinal(), bytes));
        Handle handle{.memory = std::move(memory), .properties = *properties};
        handle.properties.allocFlags.compressionType = 0; // there is none; the program can ask
        *result = add(std::move(handle));
        return {};
    });
}

CUresult cuMemRelease(CUmemGenericAllocationHandle handle) {
    return with_driver(__func__, [&]() -> Result<void> {
        std::lock_guard lock(table().mutex);
        auto found = table().handles.find(handle);
        if (found == table().handles.end()) return invalid_value("not an allocation handle");
        if (--found->second.users == 0) table().handles.erase(found); // mappings keep the memory itself
        return {};
    });
}

CUresult cuMemMap(CUdeviceptr pointer, size_t bytes, size_t offset, CUmemGenericAllocationHandle handle,
                  unsigned long long flags) {
    return with_driver(__func__, [&]() -> Result<void> {
        if (flags != 0) return invalid_value("flags must be 0");
        if (offset != 0) return invalid_value("the offset must be 0");
        ANYWARP_TRY(check_size(bytes));
        if (pointer % PhysicalMemory::granularity) return invalid_value(format("{:#x} isn't aligned", pointer));
        ANYWARP_TRY_AS(found, handle_of(handle));
        return machine::map_memory(to_host(pointer), bytes, found.memory);
    });
}

CUresult cuMemUnmap(CUdeviceptr pointer, size_t bytes) {
    return with_driver(__func__, [&]() -> Result<void> { return machine::unmap_memory(to_host(pointer), bytes); });
}

CUresult cuMemSetAccess(CUdeviceptr pointer, size_t bytes, const CUmemAccessDesc* accesses, size_t count) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(accesses);
        if (count == 0) return invalid_value("no accesses");
        for (size_t i = 0; i < count; ++i) {
            if (accesses[i].location.type != CU_MEM_LOCATION_TYPE_DEVICE)
                return invalid_value(format("location type {}", static_cast<int>(accesses[i].location.type)));
            ANYWARP_TRY(device_of(accesses[i].location.id));
            auto flags = accesses[i].flags;
            if (flags != CU_MEM_ACCESS_FLAGS_PROT_NONE && flags != CU_MEM_ACCESS_FLAGS_PROT_READ &&
                flags != CU_MEM_ACCESS_FLAGS_PROT_READWRITE)
                return invalid_value(format("access flags {}", static_cast<int>(flags)));
        }
        for (size_t i = 0; i < count; ++i)
            ANYWARP_TRY(machine::set_access(to_host(pointer), bytes, accesses[i].location.id,
                                            static_cast<machine::Access>(accesses[i].flags)));
        return {};
    });
}

CUresult cuMemGetAccess(unsigned long long* flags, const CUmemLocation* location, CUdeviceptr pointer) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(flags);
        ANYWARP_REQUIRE(location);
        if (location->type != CU_MEM_LOCATION_TYPE_DEVICE)
            return invalid_value(format("location type {}", static_cast<int>(location->type)));
        ANYWARP_TRY(device_of(location->id));
        ANYWARP_TRY_AS(access, machine::access_of(to_host(pointer), location->id));
        *flags = static_cast<unsigned long long>(access);
        return {};
    });
}

CUresult cuMemRetainAllocationHandle(CUmemGenericAllocationHandle* result, void* address) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(result);
        auto mapping = machine::find_mapping(address);
        if (!mapping) return invalid_value("nothing is mapped there");
        {
            std::lock_guard lock(table().mutex);
            for (auto& [number, handle] : table().handles) {
                if (handle.memory != mapping->memory) continue;
                ++handle.users;
                *result = number;
                return {};
            }
        }
        *result = add({.memory = mapping->memory, .properties = properties_of(*mapping->memory)});
        return {};
    });
}

CUresult cuMemGetAllocationPropertiesFromHandle(CUmemAllocationProp* properties, CUmemGenericAllocationHandle handle) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(properties);
        ANYWARP_TRY_AS(found, handle_of(handle));
        *properties = found.properties;
        return {};
    });
}

CUresult cuMemExportToShareableHandle(void* result, CUmemGenericAllocationHandle handle, CUmemAllocationHandleType type,
                                      unsigned long long flags) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(result);
        if (flags != 0) return invalid_value("flags must be 0");
        ANYWARP_TRY_AS(found, handle_of(handle));
        if (type != CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR || !(found.properties.requestedHandleTypes & type))
            return invalid_value("the memory wasn't made for this type of handle");
        int file = fcntl(found.memory->file(), F_DUPFD_CLOEXEC, 0);
        if (file < 0) return user_error(static_cast<ErrorCode>(CUDA_ERROR_OPERATING_SYSTEM), "no file descriptor is left");
        *static_cast<int*>(result) = file;
        return {};
    });
}

CUresult cuMemImportFromShareableHandle(CUmemGenericAllocationHandle* result, void* os_handle, CUmemAllocationHandleType type) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(result);
        if (type != CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR)
            return invalid_value(format("handle type {}", static_cast<int>(type)));
        int file = fcntl(static_cast<int>(reinterpret_cast<intptr_t>(os_handle)), F_DUPFD_CLOEXEC, 0);
        if (file < 0) return invalid_value("not a file descriptor");
        ANYWARP_TRY_AS(memory, PhysicalMemory::open(file));
        auto properties = properties_of(*memory);
        *result = add({.memory = std::move(memory), .properties = properties});
        return {};
    });
}
