// Memory and events of one process in another: cuIpcGetMemHandle and following, exported pools. CUDA driver API, "Memory
// Management", "Event Management", "Stream Ordered Memory Allocator".
//
// When its handle is first asked for, device memory is moved into an anonymous file, address and content kept. The handle says
// which file of which process, and where in it; the other process opens it through /proc, so that nothing is left behind when
// a process dies. Both must be of one user and one process namespace. An event's records lie in such a file, too
// (machine/shared_records.h).
//
// A pool's file descriptor only tells its device: the memory itself is handed over pointer by pointer, as the API has it.

#include "driver/capture.h"
#include "driver/format.h"
#include "driver/ipc.h"
#include "machine/virtual_memory.h"

#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace anywarp;
using namespace anywarp::driver;

namespace {

struct Table {
    std::mutex mutex;
    std::map<std::pair<int64_t, uint64_t>, uint8_t*> files; // process and file number -> mapping
    std::map<uint8_t*, unsigned> users;                     // mapping -> how often it is open
    std::map<CUdeviceptr, std::vector<uint8_t*>> pointers;  // handed out -> mapping, once per opening
    std::set<CUdeviceptr> imported;                         // those of pools
};
Table& table() {
    static Table& all = *new Table;
    return all;
}

struct EventHandle {
    uint64_t magic = 0x65766e7477726177;
    int64_t process = 0;
    int64_t file = -1;
    uint64_t node = 0;
};
static_assert(sizeof(EventHandle) <= sizeof(CUipcEventHandle));

struct PoolFile {
    uint64_t magic = 0x706f6f6c77726177;
    int64_t device = 0;
};

std::unexpected<Error> system_error(const char* what) {
    return user_error(static_cast<ErrorCode>(CUDA_ERROR_OPERATING_SYSTEM), what);
}

/// The file of another process, as it still is; the caller closes it.
Result<int> open_file(int64_t process, int64_t number, uint64_t node) {
    std::string path = format("/proc/{}/fd/{}", process, number);
    int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    struct stat status {};
    if (file < 0) return invalid_handle(format("{} can't be opened", path));
    if (fstat(file, &status) != 0 || status.st_ino != node) {
        close(file);
        return invalid_handle("what the handle names is gone");
    }
    return file;
}

CUresult open_handle(const char* call, CUdeviceptr* pointer, const CUipcMemHandle& raw, unsigned flags) {
    return with_context(call, [&](CUctx_st&) -> Result<void> {
        ANYWARP_REQUIRE(pointer);
        if (flags != CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS) return invalid_value(format("flags {:#x}", flags));
        SharedMemoryHandle handle;
        std::memcpy(&handle, &raw, sizeof handle);
        ANYWARP_TRY_AS(opened, open_shared_memory(handle));
        *pointer = opened;
        return {};
    });
}

Result<std::shared_ptr<CUmemPoolHandle_st>> shared_pool(CUmemoryPool handle) {
    auto pool = objects().pools.find(handle);
    if (!pool) return invalid_value("not a memory pool");
    if (!pool->exportable && !pool->imported) return invalid_value("the pool wasn't made to be shared");
    return pool;
}

} // namespace

namespace anywarp::driver {

Result<SharedMemoryHandle> share_memory(CUdeviceptr pointer) {
    auto found = machine::find_allocation(reinterpret_cast<void*>(pointer));
    if (!found || found->kind != machine::MemoryKind::device)
        return invalid_value(format("{:#x} isn't memory of cuMemAlloc", pointer));
    ANYWARP_TRY_AS(device, device_of(found->device));
    ANYWARP_TRY(device->synchronize());
    ANYWARP_TRY_AS(pages, device->memory().share(found->base));
    struct stat status {};
    if (fstat(pages.file, &status) != 0) return system_error("the file of the memory");
    SharedMemoryHandle handle;
    handle.process = getpid();
    handle.file = pages.file;
    handle.node = status.st_ino;
    handle.offset = pages.offset;
    handle.size = pages.size;
    return handle;
}

Result<CUdeviceptr> open_shared_memory(const SharedMemoryHandle& handle) {
    if (handle.magic != SharedMemoryHandle{}.magic) return invalid_handle("not a memory handle");
    if (handle.process == getpid()) return user_error(ErrorCode::invalid_context, "the memory is this process's own");
    std::lock_guard lock(table().mutex);
    auto known = table().files.find({handle.process, handle.node});
    if (known == table().files.end()) {
        ANYWARP_TRY_AS(file, open_file(handle.process, handle.file, handle.node));
        ANYWARP_TRY_AS(memory, machine::PhysicalMemory::open(file));
        ANYWARP_TRY(device_of(memory->device()));
        ANYWARP_TRY_AS(base, machine::map_shared(std::move(memory)));
        known = table().files.emplace(std::pair{handle.process, handle.node}, base).first;
    }
    ++table().users[known->second];
    CUdeviceptr pointer = reinterpret_cast<CUdeviceptr>(known->second) + handle.offset;
    table().pointers[pointer].push_back(known->second);
    return pointer;
}

Result<void> close_shared_memory(CUdeviceptr pointer) {
    std::lock_guard lock(table().mutex);
    auto found = table().pointers.find(pointer);
    if (found == table().pointers.end()) return invalid_value(format("{:#x} isn't opened memory", pointer));
    uint8_t* base = found->second.back();
    found->second.pop_back();
    if (found->second.empty()) table().pointers.erase(found);
    if (--table().users[base] > 0) return {};
    table().users.erase(base);
    std::erase_if(table().files, [&](auto& entry) { return entry.second == base; });
    return machine::unmap_shared(base);
}

bool free_imported(CUdeviceptr pointer) {
    {
        std::lock_guard lock(table().mutex);
        if (!table().imported.erase(pointer)) return false;
    }
    return close_shared_memory(pointer).has_value();
}

} // namespace anywarp::driver

CUresult cuIpcGetMemHandle(CUipcMemHandle* result, CUdeviceptr pointer) {
    return with_context(__func__, [&](CUctx_st&) -> Result<void> {
        ANYWARP_REQUIRE(result);
        ANYWARP_TRY_AS(handle, share_memory(pointer));
        std::memset(result, 0, sizeof *result);
        std::memcpy(result, &handle, sizeof handle);
        return {};
    });
}

CUresult cuIpcOpenMemHandle(CUdeviceptr* pointer, CUipcMemHandle handle, unsigned flags) {
    return open_handle(__func__, pointer, handle, flags);
}
CUresult cuIpcOpenMemHandle_v2(CUdeviceptr* pointer, CUipcMemHandle handle, unsigned flags) {
    return open_handle(__func__, pointer, handle, flags);
}

CUresult cuIpcCloseMemHandle(CUdeviceptr pointer) {
    return with_context(__func__, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_TRY(context.device->synchronize());
        return close_shared_memory(pointer);
    });
}

CUresult cuIpcGetEventHandle(CUipcEventHandle* result, CUevent handle) {
    return with_context(__func__, [&](CUctx_st&) -> Result<void> {
        ANYWARP_REQUIRE(result);
        auto event = objects().events.find(handle);
        if (!event) return invalid_handle("not an event");
        const auto& shared = event->event.shared();
        if (!shared) return invalid_value("the event wasn't made with CU_EVENT_INTERPROCESS");
        struct stat status {};
        if (fstat(shared->file(), &status) != 0) return system_error("the file of an event");
        EventHandle handle_out;
        handle_out.process = getpid();
        handle_out.file = shared->file();
        handle_out.node = status.st_ino;
        std::memset(result, 0, sizeof *result);
        std::memcpy(result, &handle_out, sizeof handle_out);
        return {};
    });
}

CUresult cuIpcOpenEventHandle(CUevent* result, CUipcEventHandle raw) {
    return with_context(__func__, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_REQUIRE(result);
        EventHandle handle;
        std::memcpy(&handle, &raw, sizeof handle);
        if (handle.magic != EventHandle{}.magic) return invalid_handle("not an event's handle");
        if (handle.process == getpid()) return user_error(ErrorCode::invalid_context, "the event is this process's own");
        ANYWARP_TRY_AS(file, open_file(handle.process, handle.file, handle.node));
        ANYWARP_TRY_AS(shared, machine::SharedRecords::open(file));
        auto event = std::make_shared<CUevent_st>(CU_EVENT_DISABLE_TIMING | CU_EVENT_INTERPROCESS, std::move(shared));
        event->context = &context;
        *result = objects().events.add(std::move(event));
        std::lock_guard lock(context.mutex);
        context.events.insert(*result);
        return {};
    });
}

CUresult cuMemPoolExportToShareableHandle(void* result, CUmemoryPool handle, CUmemAllocationHandleType type,
                                          unsigned long long flags) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(result);
        if (flags != 0) return invalid_value("flags must be 0");
        ANYWARP_TRY_AS(pool, shared_pool(handle));
        if (type != CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR || pool->imported)
            return invalid_value("the pool wasn't made for this type of handle");
        PoolFile content{.device = pool->device->ordinal()};
        int file = memfd_create("anywarp-pool", MFD_CLOEXEC);
        if (file < 0 || pwrite(file, &content, sizeof content, 0) != sizeof content) {
            if (file >= 0) close(file);
            return system_error("no file for a pool");
        }
        *static_cast<int*>(result) = file;
        return {};
    });
}

CUresult cuMemPoolImportFromShareableHandle(CUmemoryPool* result, void* os_handle, CUmemAllocationHandleType type,
                                            unsigned long long flags) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(result);
        if (flags != 0) return invalid_value("flags must be 0");
        if (type != CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR)
            return invalid_value(format("handle type {}", static_cast<int>(type)));
        PoolFile content;
        content.magic = 0;
        int file = static_cast<int>(reinterpret_cast<intptr_t>(os_handle));
        if (pread(file, &content, sizeof content, 0) != sizeof content || content.magic != PoolFile{}.magic)
            return invalid_value("not the file of a pool");
        ANYWARP_TRY_AS(device, device_of(static_cast<int>(content.device)));
        auto pool = std::make_shared<CUmemPoolHandle_st>();
        pool->device = device;
        pool->imported = true;
        *result = objects().pools.add(std::move(pool));
        return {};
    });
}

CUresult cuMemPoolExportPointer(CUmemPoolPtrExportData* result, CUdeviceptr pointer) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(result);
        bool found = false;
        for (const auto& pool : objects().pools.all()) {
            std::lock_guard lock(pool->mutex);
            found |= pool->exportable && pool->blocks.contains(reinterpret_cast<void*>(pointer));
        }
        if (!found) return invalid_value(format("{:#x} isn't memory of a pool that can be shared", pointer));
        ANYWARP_TRY_AS(handle, share_memory(pointer));
        std::memset(result, 0, sizeof *result);
        std::memcpy(result, &handle, sizeof handle);
        return {};
    });
}

CUresult cuMemPoolImportPointer(CUdeviceptr* result, CUmemoryPool pool_handle, CUmemPoolPtrExportData* data) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(result);
        ANYWARP_REQUIRE(data);
        ANYWARP_TRY_AS(pool, shared_pool(pool_handle));
        if (!pool->imported) return invalid_value("the pool wasn't imported");
        SharedMemoryHandle handle;
        std::memcpy(&handle, data, sizeof handle);
        ANYWARP_TRY_AS(pointer, open_shared_memory(handle));
        *result = pointer;
        std::lock_guard lock(table().mutex);
        table().imported.insert(pointer);
        return {};
    });
}
