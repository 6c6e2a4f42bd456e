// What processes share: memory by its handle (ipc.cc, also under pools that are exported).
// CUDA driver API, "Memory Management" (cuIpc*), "Stream Ordered Memory Allocator" (export and import).
#pragma once

#include "driver/api.h"

namespace anywarp::driver {

/// Where device memory of one process can be found by another; fits into every handle of the API.
struct SharedMemoryHandle {
    uint64_t magic = 0x6d656d7077726177;
    int64_t process = 0;
    int64_t file = -1;
    uint64_t node = 0; // the file's number: descriptors are used again
    uint64_t offset = 0;
    uint64_t size = 0;
};
static_assert(sizeof(SharedMemoryHandle) <= sizeof(CUipcMemHandle));
static_assert(sizeof(SharedMemoryHandle) <= sizeof(CUmemPoolPtrExportData));

/// Moves the allocation into a file, if it isn't in one. invalid_value: not device memory.
Result<SharedMemoryHandle> share_memory(CUdeviceptr pointer);
/// invalid_handle: not a handle, or the memory is gone; invalid_context: this process's own.
Result<CUdeviceptr> open_shared_memory(const SharedMemoryHandle& handle);
Result<void> close_shared_memory(CUdeviceptr pointer);
/// For cuMemFree and cuMemFreeAsync: true when the pointer was imported from another process's pool, and is closed now.
bool free_imported(CUdeviceptr pointer);

} // namespace anywarp::driver
