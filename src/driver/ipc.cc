// Memory of one process in another: cuIpcGetMemHandle and following. CUDA driver API, "Memory Management".
//
// When its handle is first asked for, device memory is moved into an anonymous file, address and content kept. The handle says
// which file of which process, and where in it; the other process opens it through /proc, so that nothing is left behind when
// a process dies. Both must be of one user and one process namespace.

#include "driver/api.h"
#include "driver/format.h"
#include "machine/virtual_memory.h"

#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace anywarp;
using namespace anywarp::driver;

namespace {

struct MemoryHandle {
    uint64_t magic = 0x6d656d7077726177;
    int64_t process = 0;
    int64_t file = -1;
    uint64_t node = 0; // the file's number: descriptors are used again
    uint64_t offset = 0;
    uint64_t size = 0;
};
static_assert(sizeof(MemoryHandle) <= sizeof(CUipcMemHandle));

struct Table {
    std::mutex mutex;
    std::map<std::pair<int64_t, uint64_t>, uint8_t*> files; // process and file number -> mapping
    std::map<uint8_t*, unsigned> users;                     // mapping -> how often it is open
    std::map<CUdeviceptr, std::vector<uint8_t*>> pointers;  // handed out -> mapping, once per opening
};
Table& table() {
    static Table& all = *new Table;
    return all;
}

CUresult open_handle(const char* call, CUdeviceptr* pointer, const CUipcMemHandle& raw, unsigned flags) {
    return with_context(call, [&](CUctx_st&) -> Result<void> {
        ANYWARP_REQUIRE(pointer);
        if (flags != CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS) return invalid_value(format("flags {:#x}", flags));
        MemoryHandle handle, ours;
        std::memcpy(&handle, &raw, sizeof handle);
        if (handle.magic != ours.magic) return invalid_handle("not a memory handle");
        if (handle.process == getpid()) return user_error(ErrorCode::invalid_context, "the memory is this process's own");
        std::lock_guard lock(table().mutex);
        auto known = table().files.find({handle.process, handle.node});
        if (known == table().files.end()) {
            std::string path = format("/proc/{}/fd/{}", handle.process, handle.file);
            int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
            struct stat status {};
            if (file < 0) return invalid_handle(format("{} can't be opened", path));
            if (fstat(file, &status) != 0 || status.st_ino != handle.node) {
                close(file);
                return invalid_handle("the memory has been freed");
            }
            ANYWARP_TRY_AS(memory, machine::PhysicalMemory::open(file));
            ANYWARP_TRY(device_of(memory->device()));
            ANYWARP_TRY_AS(base, machine::map_shared(std::move(memory)));
            known = table().files.emplace(std::pair{handle.process, handle.node}, base).first;
        }
        ++table().users[known->second];
        *pointer = reinterpret_cast<CUdeviceptr>(known->second) + handle.offset;
        table().pointers[*pointer].push_back(known->second);
        return {};
    });
}

} // namespace

CUresult cuIpcGetMemHandle(CUipcMemHandle* result, CUdeviceptr pointer) {
    return with_context(__func__, [&](CUctx_st&) -> Result<void> {
        ANYWARP_REQUIRE(result);
        auto found = machine::find_allocation(reinterpret_cast<void*>(pointer));
        if (!found || found->kind != machine::MemoryKind::device)
            return invalid_value(format("{:#x} isn't memory of cuMemAlloc", pointer));
        ANYWARP_TRY_AS(device, device_of(found->device));
        ANYWARP_TRY(device->synchronize());
        ANYWARP_TRY_AS(pages, device->memory().share(found->base));
        struct stat status {};
        if (fstat(pages.file, &status) != 0)
            return user_error(static_cast<ErrorCode>(CUDA_ERROR_OPERATING_SYSTEM), "the file of the memory");
        MemoryHandle handle{.process = getpid(), .file = pages.file, .node = status.st_ino, .offset = pages.offset,
                            .size = pages.size};
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
    });
}
