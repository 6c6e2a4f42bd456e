// The functions that device code of -rdc programs calls (simt/device_runtime.def): launches, streams, events, copies, queries.
// Each answers a cudaError_t, and the thread's last error is kept for cudaGetLastError. What they queue is device_launch.h's.
//
// CUDA C++ Programming Guide, "CUDA Dynamic Parallelism", "Device Runtime API"; cuda_device_runtime_api.h.
#include "machine/device.h"
#include "machine/device_launch.h"
#include "machine/device_services.h"

#include <algorithm>
#include <cstring>

using namespace anywarp;
using namespace anywarp::machine;

namespace anywarp::machine {
namespace {

// Values of cudaError_t, which the machine doesn't otherwise know.
constexpr int success = 0, invalid_value = 1, memory_allocation = 2, invalid_configuration = 9, invalid_device_function = 98,
              invalid_device = 101, unsupported_limit = 215, not_supported = 801;
struct ErrorText {
    int error;
    const char *name, *text;
};
constexpr ErrorText error_texts[] = {{success, "cudaSuccess", "no error"},
                                     {invalid_value, "cudaErrorInvalidValue", "invalid argument"},
                                     {memory_allocation, "cudaErrorMemoryAllocation", "out of memory"},
                                     {invalid_configuration, "cudaErrorInvalidConfiguration", "invalid configuration argument"},
                                     {65, "cudaErrorLaunchMaxDepthExceeded", "launch would exceed maximum depth of nested launches"},
                                     {invalid_device_function, "cudaErrorInvalidDeviceFunction", "invalid device function"},
                                     {invalid_device, "cudaErrorInvalidDevice", "invalid device ordinal"},
                                     {unsupported_limit, "cudaErrorUnsupportedLimit", "limit is not supported on this architecture"},
                                     {400, "cudaErrorInvalidResourceHandle", "invalid resource handle"},
                                     {not_supported, "cudaErrorNotSupported", "operation not supported"}};
const ErrorText& text_of(int error) {
    static constexpr ErrorText unknown{0, "unrecognized error code", "unrecognized error code"};
    for (const ErrorText& text : error_texts)
        if (text.error == error) return text;
    return unknown;
}
constexpr int version = 13000; // of the runtime whose functions these are

// A thread of a grid is at any time executed by one OS thread, but may wander; and few calls fail. So: one table, looked at only
// when there is something in it.
struct LastErrors {
    std::mutex mutex;
    std::atomic<size_t> count{0};
    std::map<std::tuple<uint64_t, uint64_t, uint64_t>, int> errors; // grid, block, thread
};
LastErrors& last_errors() {
    static auto* errors = new LastErrors;
    return *errors;
}

std::atomic<DeviceAttribute> device_attribute{nullptr};

/// One call, from one thread.
struct Call {
    const BlockContext& context;
    const uint64_t* words;
    const uint32_t* thread;
    LaunchNode* node = static_cast<LaunchNode*>(context.grid);

    uint64_t block() const {
        return context.ctaid[0] + context.nctaid[0] * (uint64_t(context.ctaid[1]) + uint64_t(context.nctaid[1]) * context.ctaid[2]);
    }
    std::tuple<uint64_t, uint64_t, uint64_t> caller() const {
        return {context.gridid, block(), thread[0] + context.ntid[0] * (uint64_t(thread[1]) + uint64_t(context.ntid[1]) * thread[2])};
    }
    template <class T> T* pointer(unsigned k) const { return reinterpret_cast<T*>(words[k]); }
    uint32_t word(unsigned k) const { return static_cast<uint32_t>(words[k]); }
    Dim3 dim3(unsigned k) const {
        uint32_t d[3];
        std::memcpy(d, pointer<void>(k), sizeof d);
        return {d[0], d[1], d[2]};
    }
    template <class T> int put(unsigned k, T value) const {
        if (!words[k]) return invalid_value;
        std::memcpy(pointer<void>(k), &value, sizeof value);
        return success;
    }

    /// The kernel behind a token, as an index into the module's functions; ~0 when there is none.
    uint32_t kernel(uint64_t token) const {
        const auto& functions = node->module.ptx().functions;
        uint64_t index = (token - ptx::function_token(0)) / 16;
        if (token < ptx::function_token(0) || token % 16 || index >= functions.size()) return ~0u;
        index = ptx::resolve_alias(node->module.ptx(), static_cast<uint32_t>(index));
        return functions[index].is_entry ? static_cast<uint32_t>(index) : ~0u;
    }
    int check(const Dim3& grid, const Dim3& block, uint64_t shared) const {
        const Properties& p = node->device.properties();
        auto fits = [](const Dim3& d, const auto& limit) {
            return d.x <= static_cast<uint32_t>(limit[0]) && d.y <= static_cast<uint32_t>(limit[1]) &&
                   d.z <= static_cast<uint32_t>(limit[2]);
        };
        bool good = grid.volume() && block.volume() && fits(grid, p.max_grid_dim) && fits(block, p.max_block_dim) &&
                    block.volume() <= static_cast<uint64_t>(p.max_threads_per_block) &&
                    shared <= static_cast<uint64_t>(p.shared_per_block_optin);
        return good ? success : invalid_configuration;
    }

    void* get_parameter_buffer_v2() const {
        uint32_t function = kernel(words[0]);
        if (function == ~0u) return fail(invalid_device_function), nullptr;
        Dim3 grid = dim3(1), block = dim3(2);
        if (int error = check(grid, block, word(3))) return fail(error), nullptr;
        ParameterBuffer* buffer = node->new_buffer(ptx::parameter_layout(node->module.ptx().functions[function]).size);
        if (!buffer) return fail(memory_allocation), nullptr;
        buffer->function = function;
        buffer->grid = grid;
        buffer->block = block;
        buffer->shared = word(3);
        return buffer->parameters();
    }
    int launch_v2() const {
        ParameterBuffer* buffer = pointer<ParameterBuffer>(0) - 1;
        if (!words[0] || !node->owns(buffer) || buffer->function == ~0u) return invalid_value;
        return node->launch(buffer, block(), words[1]);
    }
    int launch_v1() const { // function, buffer, grid, block, shared, stream
        ParameterBuffer* buffer = pointer<ParameterBuffer>(1) - 1;
        uint32_t function = kernel(words[0]);
        if (function == ~0u) return invalid_device_function;
        uint32_t bytes = ptx::parameter_layout(node->module.ptx().functions[function]).size;
        if (!words[1]) buffer = bytes ? nullptr : node->new_buffer(0);
        if (!buffer || !node->owns(buffer) || buffer->bytes < bytes) return invalid_value;
        Dim3 grid = dim3(2), threads = dim3(3);
        if (int error = check(grid, threads, word(4))) return error;
        buffer->function = function;
        buffer->grid = grid;
        buffer->block = threads;
        buffer->shared = word(4);
        return node->launch(buffer, block(), words[5]);
    }
    int copy(uint64_t width, uint64_t height, uint64_t to_pitch, uint64_t from_pitch, unsigned source, unsigned stream) const {
        CopyCommand command;
        command.destination = pointer<void>(0);
        command.source = pointer<const void>(source);
        command.width = width;
        command.height = height;
        command.destination_pitch = to_pitch;
        command.source_pitch = from_pitch;
        return node->queue(command, block(), words[stream]);
    }
    int fill(uint32_t value, uint64_t width, uint64_t height, uint64_t pitch, unsigned stream) const {
        FillCommand command;
        command.destination = pointer<void>(0);
        command.value = value & 0xff;
        command.width = width;
        command.height = height;
        command.pitch = pitch;
        return node->queue(command, block(), words[stream]);
    }
    /// cudaMemcpy3DParms as words: an array, position (x, y, z), pitched pointer (address, pitch, width, height); the same for the
    /// destination; extent (width, height, depth). Arrays aren't for device code.
    int copy_3d() const {
        if (!words[0]) return invalid_value;
        const auto* p = pointer<const uint64_t>(0);
        if (p[0] || p[8]) return not_supported;
        auto start = [](const uint64_t* position, const uint64_t* pitched) {
            return pitched[0] + position[0] + (position[1] + position[2] * pitched[3]) * pitched[1];
        };
        CopyCommand command;
        command.source = reinterpret_cast<const void*>(start(p + 1, p + 4));
        command.destination = reinterpret_cast<void*>(start(p + 9, p + 12));
        command.width = p[16];
        command.height = p[17];
        command.depth = p[18];
        command.source_pitch = p[5];
        command.destination_pitch = p[13];
        command.source_slice = p[5] * p[7];
        command.destination_slice = p[13] * p[15];
        return node->queue(command, block(), words[1]);
    }
    /// A cudaPitchedPtr, the value, an extent.
    int fill_3d() const {
        if (!words[0] || !words[2]) return invalid_value;
        const auto *pitched = pointer<const uint64_t>(0), *extent = pointer<const uint64_t>(2);
        for (uint64_t z = 0; z < extent[2]; ++z) {
            FillCommand command;
            command.destination = reinterpret_cast<void*>(pitched[0] + z * pitched[1] * pitched[3]);
            command.value = word(1) & 0xff;
            command.width = extent[0];
            command.height = extent[1];
            command.pitch = pitched[1];
            if (int error = node->queue(command, block(), words[3])) return error;
        }
        return success;
    }
    /// The members of cudaFuncAttributes up to preferredShmemCarveout; the others are zero.
    int function_attributes() const {
        struct {
            uint64_t shared_bytes, constant_bytes, local_bytes;
            int32_t threads, registers, ptx_version, binary_version, cache_mode, dynamic_shared, others[24];
        } all{};
        static_assert(sizeof all == 144);
        if (!words[0]) return invalid_value;
        uint32_t function = kernel(words[1]);
        if (function == ~0u) return invalid_device_function;
        auto found = node->module.find_kernel(node->module.ptx().functions[function].name);
        if (!found) return invalid_device_function;
        auto is = (*found)->attributes();
        if (!is) return invalid_device_function;
        all.shared_bytes = is->static_shared;
        all.constant_bytes = is->const_bytes;
        all.local_bytes = is->local_bytes;
        all.threads = static_cast<int32_t>(is->max_threads);
        all.registers = static_cast<int32_t>(is->registers);
        all.ptx_version = static_cast<int32_t>(is->ptx_version);
        all.binary_version = static_cast<int32_t>(is->binary_version);
        all.dynamic_shared = static_cast<int32_t>(is->max_dynamic_shared);
        all.others[0] = is->shared_carveout;
        return put(0, all);
    }
    int limit() const {
        switch (word(1)) { // cudaLimit
        case 0:
            return put<uint64_t>(0, node->device.limit(Limit::stack_size));
        case 1:
            return put<uint64_t>(0, node->device.limit(Limit::printf_fifo_size));
        case 2:
            return put<uint64_t>(0, node->device.limit(Limit::malloc_heap_size));
        default:
            return unsupported_limit;
        }
    }
    int occupancy() const {
        uint32_t function = kernel(words[1]);
        if (function == ~0u) return invalid_device_function;
        auto found = node->module.find_kernel(node->module.ptx().functions[function].name);
        if (!found) return invalid_device_function;
        auto blocks = (*found)->max_active_blocks(word(2), words[3]);
        return blocks ? put<int32_t>(0, static_cast<int32_t>(*blocks)) : invalid_value;
    }
    int attribute() const {
        DeviceAttribute function = device_attribute.load();
        if (!function) return not_supported;
        int value = 0;
        int error = function(&value, static_cast<int>(word(1)), static_cast<int>(word(2)));
        return error ? error : put<int32_t>(0, value);
    }

    int last_error(bool take) const {
        LastErrors& all = last_errors();
        if (!all.count.load(std::memory_order_acquire)) return success;
        std::lock_guard lock(all.mutex);
        auto found = all.errors.find(caller());
        if (found == all.errors.end()) return success;
        int error = found->second;
        if (take) {
            all.errors.erase(found);
            all.count--;
        }
        return error;
    }
    int fail(int error) const {
        LastErrors& all = last_errors();
        auto who = caller();
        std::lock_guard lock(all.mutex);
        if (all.errors.insert_or_assign(who, error).second) all.count++;
        return error;
    }

    int answer(DeviceRuntimeCall call) const {
        using enum DeviceRuntimeCall;
        switch (call) {
        case LaunchDeviceV2:
            return launch_v2();
        case LaunchDevice:
            return launch_v1();
        case StreamCreateWithFlags: // cudaStreamNonBlocking (1) is the only kind there is
            return word(1) == 1 ? put<uint64_t>(0, node->new_stream()) : invalid_value;
        case EventCreateWithFlags: // without timing (2) likewise
            return word(1) == 2 ? put<uint64_t>(0, node->new_event()) : invalid_value;
        case StreamDestroy: // what was queued still runs
            return words[0] >= first_created_stream ? success : invalid_value;
        case EventDestroy:
            return success;
        case EventRecord:
        case EventRecordWithFlags:
            return node->record(words[0], block(), words[1]);
        case StreamWaitEvent:
            return node->wait(words[1], block(), words[0]);
        case MemcpyAsync:
            return copy(words[2], 1, 0, 0, 1, 4);
        case Memcpy2DAsync:
            return copy(words[4], words[5], words[1], words[3], 2, 7);
        case MemsetAsync:
            return fill(word(1), words[2], 1, 0, 3);
        case Memset2DAsync:
            return fill(word(2), words[3], words[4], words[1], 5);
        case Malloc: {
            void* memory = anywarp_malloc(&context, words[1]);
            if (!memory && words[1]) return memory_allocation;
            return put(0, memory);
        }
        case Free:
            anywarp_free(&context, pointer<void>(0));
            return success;
        case GetDevice:
            return put<int32_t>(0, node->device.ordinal());
        case GetDeviceCount:
            return put<int32_t>(0, Device::count());
        case DeviceGetLimit:
            return limit();
        case DeviceGetAttribute:
            return attribute();
        case RuntimeGetVersion:
            return put<int32_t>(0, version);
        case OccupancyMaxActiveBlocksPerMultiprocessor:
        case OccupancyMaxActiveBlocksPerMultiprocessorWithFlags:
            return occupancy();
        case Memcpy3DAsync:
            return copy_3d();
        case Memset3DAsync:
            return fill_3d();
        case FuncGetAttributes:
            return function_attributes();
        case DeviceGetCacheConfig: // no preference
        case DeviceGetSharedMemConfig:
            return put<int32_t>(0, 0);
        default:
            return not_supported;
        }
    }
};

} // namespace

void set_device_attribute(DeviceAttribute function) { device_attribute.store(function); }

} // namespace anywarp::machine

extern "C" uint64_t anywarp_device_runtime(const BlockContext* context, uint32_t call, const uint64_t* arguments,
                                           const uint32_t* thread_id) {
    Call now{*context, arguments, thread_id};
    auto which = static_cast<DeviceRuntimeCall>(call);
    bool wants_buffer = which == DeviceRuntimeCall::GetParameterBuffer || which == DeviceRuntimeCall::GetParameterBufferV2;
    if (!now.node) return wants_buffer ? 0 : not_supported; // a kernel that a tool runs without a device
    if (which == DeviceRuntimeCall::GetParameterBufferV2) return reinterpret_cast<uint64_t>(now.get_parameter_buffer_v2());
    if (which == DeviceRuntimeCall::GetParameterBuffer) { // alignment, size
        ParameterBuffer* buffer = arguments[1] <= 4096 ? now.node->new_buffer(static_cast<uint32_t>(arguments[1])) : nullptr;
        if (buffer) buffer->function = ~0u;
        return buffer ? reinterpret_cast<uint64_t>(buffer->parameters()) : 0;
    }
    if (which == DeviceRuntimeCall::GetErrorString) return reinterpret_cast<uint64_t>(text_of(static_cast<int>(now.word(0))).text);
    if (which == DeviceRuntimeCall::GetErrorName) return reinterpret_cast<uint64_t>(text_of(static_cast<int>(now.word(0))).name);
    if (which == DeviceRuntimeCall::GetLastError || which == DeviceRuntimeCall::PeekAtLastError)
        return static_cast<uint64_t>(now.last_error(which == DeviceRuntimeCall::GetLastError));
    int error = now.answer(which);
    return static_cast<uint64_t>(error ? now.fail(error) : success);
}
