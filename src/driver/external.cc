// Memory and semaphores that something else than CUDA made, handed over as file descriptors.
// CUDA driver API, "External Resource Interoperability".
//
// Memory is any file that can be mapped: an anonymous file (memfd), a file of /dev/shm, what cuMemExportToShareableHandle gave. A
// semaphore is one of two things: a file that can be mapped, whose first eight bytes hold the value (a timeline semaphore counts
// up, a binary one is 0 or 1), so that two processes agree by sharing a page; or an eventfd, as a binary one. Both
// belong to the driver once imported. Handles of Windows and of NvSci don't exist on this system.

#include "driver/external.h"
#include "driver/capture.h"
#include "driver/format.h"
#include "machine/virtual_memory.h"

#include <algorithm>
#include <chrono>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

using namespace anywarp;
using namespace anywarp::driver;

struct CUextMemory_st {
    int file = -1, device = 0;
    uint64_t size = 0;
    ~CUextMemory_st() { close(file); }
};

struct CUextSemaphore_st {
    int file = -1;
    std::atomic<uint64_t>* value = nullptr; // mapped; null: an eventfd
    bool timeline = false;
    ~CUextSemaphore_st() {
        if (value) munmap(value, sizeof *value);
        if (file >= 0) close(file);
    }

    void signal(uint64_t to) {
        if (!value) {
            uint64_t one = 1;
            std::ignore = write(file, &one, sizeof one);
        } else {
            value->store(timeline ? to : 1, std::memory_order_seq_cst);
        }
    }

    void wait(uint64_t wanted) {
        if (!value) {
            pollfd question{.fd = file, .events = POLLIN, .revents = 0};
            uint64_t count;
            while (read(file, &count, sizeof count) != sizeof count && (errno == EAGAIN || errno == EINTR)) poll(&question, 1, -1);
            return;
        }
        // Whoever signals may be another process, so there is nothing to sleep on: look often at first, then seldom.
        auto pause = std::chrono::microseconds(1);
        for (int tries = 0; !reached(wanted); tries++) {
            if (tries < 200) {
                std::this_thread::yield();
                continue;
            }
            std::this_thread::sleep_for(pause);
            pause = std::min(pause * 2, std::chrono::microseconds(200));
        }
    }

private:
    bool reached(uint64_t wanted) {
        if (timeline) return value->load(std::memory_order_acquire) >= wanted;
        uint64_t one = 1; // a binary semaphore is taken by whoever waits
        return value->compare_exchange_strong(one, 0, std::memory_order_acq_rel);
    }
};

namespace {

struct Tables {
    Registry<CUextMemory_st> memories;
    Registry<CUextSemaphore_st> semaphores;
    std::mutex mutex;
    std::map<CUdeviceptr, uint8_t*> buffers; // handed out -> mapping
};
Tables& tables() {
    static Tables& all = *new Tables;
    return all;
}

std::unexpected<Error> not_here(const char* what, int type) {
    return user_error(static_cast<ErrorCode>(CUDA_ERROR_NOT_SUPPORTED), format("{} {}", what, type));
}

bool is_eventfd(int file) {
    char name[64];
    ssize_t length = readlink(format("/proc/self/fd/{}", file).c_str(), name, sizeof name);
    return length > 0 && std::string_view(name, static_cast<size_t>(length)).find("[eventfd]") != std::string_view::npos;
}

template <class Work> CUresult submit(const char* call, const CUexternalSemaphore* semaphores,
                                      const typename SemaphoreParameters<Work>::type* parameters, unsigned count, CUstream handle) {
    return with_context(call, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_TRY_AS(work, semaphore_work<Work>(semaphores, parameters, count));
        ANYWARP_TRY_AS(stream, stream_of(handle, context));
        if (auto* part = capture_of(*stream)) {
            ANYWARP_TRY(capture(*part, std::move(work)));
            return {};
        }
        ANYWARP_TRY_AS(command, semaphore_command(work));
        return stream->enqueue(std::move(command));
    });
}

template <class Work> Result<machine::HostCommand> command_of(const Work& work) {
    std::vector<std::pair<std::shared_ptr<CUextSemaphore_st>, uint64_t>> steps;
    for (size_t i = 0; i < work.semaphores.size(); ++i) {
        auto semaphore = tables().semaphores.find(work.semaphores[i]);
        if (!semaphore) return invalid_handle("not an external semaphore");
        steps.emplace_back(std::move(semaphore), work.parameters[i].params.fence.value);
    }
    machine::HostCommand command;
    command.function = [steps = std::move(steps)](ErrorCode) {
        for (const auto& [semaphore, value] : steps)
            if constexpr (std::is_same_v<Work, SignalWork>)
                semaphore->signal(value);
            else
                semaphore->wait(value);
    };
    return command;
}

} // namespace

namespace anywarp::driver {

template <class Work>
Result<Work> semaphore_work(const CUexternalSemaphore* semaphores, const typename SemaphoreParameters<Work>::type* parameters,
                            unsigned count) {
    ANYWARP_REQUIRE(semaphores);
    ANYWARP_REQUIRE(parameters);
    for (unsigned i = 0; i < count; ++i)
        if (!tables().semaphores.find(semaphores[i])) return invalid_handle("not an external semaphore");
    return Work{{semaphores, semaphores + count}, {parameters, parameters + count}};
}
template Result<SignalWork> semaphore_work(const CUexternalSemaphore*, const CUDA_EXTERNAL_SEMAPHORE_SIGNAL_PARAMS*, unsigned);
template Result<WaitWork> semaphore_work(const CUexternalSemaphore*, const CUDA_EXTERNAL_SEMAPHORE_WAIT_PARAMS*, unsigned);

Result<machine::HostCommand> semaphore_command(const SignalWork& work) { return command_of(work); }
Result<machine::HostCommand> semaphore_command(const WaitWork& work) { return command_of(work); }

bool free_mapped_buffer(CUdeviceptr address) {
    std::lock_guard lock(tables().mutex);
    auto found = tables().buffers.find(address);
    if (found == tables().buffers.end()) return false;
    std::ignore = machine::unmap_shared(found->second);
    tables().buffers.erase(found);
    return true;
}

} // namespace anywarp::driver

CUresult cuImportExternalMemory(CUexternalMemory* result, const CUDA_EXTERNAL_MEMORY_HANDLE_DESC* description) {
    return with_context(__func__, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_REQUIRE(result);
        ANYWARP_REQUIRE(description);
        if (description->type < CU_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD ||
            description->type > CU_EXTERNAL_MEMORY_HANDLE_TYPE_DMABUF_FD)
            return invalid_value(format("there is no type {} of external memory", static_cast<int>(description->type)));
        if (description->type != CU_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD &&
            description->type != CU_EXTERNAL_MEMORY_HANDLE_TYPE_DMABUF_FD)
            return not_here("external memory of type", static_cast<int>(description->type));
        if (description->flags & ~unsigned{CUDA_EXTERNAL_MEMORY_DEDICATED})
            return invalid_value(format("flags {:#x}", description->flags));
        if (description->size == 0) return invalid_value("memory of 0 bytes");
        struct stat status {};
        if (fstat(description->handle.fd, &status) != 0) return invalid_handle("not a file descriptor");
        if (static_cast<uint64_t>(status.st_size) < description->size)
            return invalid_value(format("{} bytes of a file of {}", description->size, status.st_size));
        auto memory = std::make_shared<CUextMemory_st>();
        memory->file = description->handle.fd;
        memory->device = context.device->ordinal();
        memory->size = description->size;
        *result = tables().memories.add(std::move(memory));
        return {};
    });
}

CUresult cuExternalMemoryGetMappedBuffer(CUdeviceptr* result, CUexternalMemory handle,
                                         const CUDA_EXTERNAL_MEMORY_BUFFER_DESC* description) {
    return with_context(__func__, [&](CUctx_st&) -> Result<void> {
        ANYWARP_REQUIRE(result);
        ANYWARP_REQUIRE(description);
        auto memory = tables().memories.find(handle);
        if (!memory) return invalid_handle("not external memory");
        if (description->flags != 0) return invalid_value("flags must be 0");
        if (description->size == 0 || description->offset > memory->size || description->size > memory->size - description->offset)
            return invalid_value(format("{} bytes at {} of {}", description->size, description->offset, memory->size));
        int file = fcntl(memory->file, F_DUPFD_CLOEXEC, 0);
        if (file < 0) return user_error(static_cast<ErrorCode>(CUDA_ERROR_OPERATING_SYSTEM), "no file descriptor is left");
        ANYWARP_TRY_AS(pages, machine::PhysicalMemory::of_file(file, memory->device, description->offset + description->size));
        ANYWARP_TRY_AS(base, machine::map_shared(std::move(pages)));
        *result = reinterpret_cast<CUdeviceptr>(base) + description->offset;
        std::lock_guard lock(tables().mutex);
        tables().buffers.emplace(*result, base);
        return {};
    });
}

CUresult cuDestroyExternalMemory(CUexternalMemory handle) {
    return with_driver(__func__, [&]() -> Result<void> {
        if (!tables().memories.remove(handle)) return invalid_handle("not external memory");
        return {}; // what is mapped stays so
    });
}

CUresult cuImportExternalSemaphore(CUexternalSemaphore* result, const CUDA_EXTERNAL_SEMAPHORE_HANDLE_DESC* description) {
    return with_context(__func__, [&](CUctx_st&) -> Result<void> {
        ANYWARP_REQUIRE(result);
        ANYWARP_REQUIRE(description);
        bool timeline = description->type == CU_EXTERNAL_SEMAPHORE_HANDLE_TYPE_TIMELINE_SEMAPHORE_FD;
        if (description->type < CU_EXTERNAL_SEMAPHORE_HANDLE_TYPE_OPAQUE_FD ||
            description->type > CU_EXTERNAL_SEMAPHORE_HANDLE_TYPE_TIMELINE_SEMAPHORE_WIN32)
            return invalid_value(format("there is no type {} of external semaphore", static_cast<int>(description->type)));
        if (description->type != CU_EXTERNAL_SEMAPHORE_HANDLE_TYPE_OPAQUE_FD && !timeline)
            return not_here("external semaphores of type", static_cast<int>(description->type));
        if (description->flags != 0) return invalid_value("flags must be 0");
        auto semaphore = std::make_shared<CUextSemaphore_st>();
        int file = description->handle.fd;
        struct stat status {};
        if (fstat(file, &status) != 0) return invalid_handle("not a file descriptor");
        semaphore->timeline = timeline;
        if (timeline || !is_eventfd(file)) {
            void* page = status.st_size >= static_cast<off_t>(sizeof(uint64_t))
                             ? mmap(nullptr, sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)
                             : MAP_FAILED;
            if (page == MAP_FAILED) return invalid_value("the file descriptor is neither an eventfd nor a file that can be mapped");
            semaphore->value = static_cast<std::atomic<uint64_t>*>(page);
        }
        semaphore->file = file; // ours from here on
        *result = tables().semaphores.add(std::move(semaphore));
        return {};
    });
}

CUresult cuDestroyExternalSemaphore(CUexternalSemaphore handle) {
    return with_driver(__func__, [&]() -> Result<void> {
        if (!tables().semaphores.remove(handle)) return invalid_handle("not an external semaphore");
        return {};
    });
}

CUresult cuSignalExternalSemaphoresAsync(const CUexternalSemaphore* semaphores,
                                         const CUDA_EXTERNAL_SEMAPHORE_SIGNAL_PARAMS* parameters, unsigned count, CUstream stream) {
    return submit<SignalWork>(__func__, semaphores, parameters, count, stream);
}
CUresult cuWaitExternalSemaphoresAsync(const CUexternalSemaphore* semaphores, const CUDA_EXTERNAL_SEMAPHORE_WAIT_PARAMS* parameters,
                                       unsigned count, CUstream stream) {
    return submit<WaitWork>(__func__, semaphores, parameters, count, stream);
}
