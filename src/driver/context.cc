// Contexts: primary ones, which belong to a device, and those a program makes; the calling thread's stack of them.
// CUDA driver API, "Primary Context Management", "Context Management".
//
// All contexts of one device share the machine's device underneath: its default stream and its sticky error. A fault is
// cleared when the last context of the device goes (cuDevicePrimaryCtxReset, cuCtxDestroy).

#include "driver/capture.h"
#include "driver/format.h"
#include "driver/texture.h"

#include <algorithm>

using namespace anywarp;
using namespace anywarp::driver;

namespace anywarp::driver {
namespace {

struct Primary {
    std::mutex mutex;
    CUctx_st* context = nullptr;
    unsigned retained = 0;
    unsigned flags = 0;
};

Primary& primary_of(machine::Device& device) {
    static std::mutex& mutex = *new std::mutex;
    static auto& all = *new std::map<int, Primary>;
    std::lock_guard lock(mutex);
    return all[device.ordinal()];
}

std::atomic<unsigned long long> next_context_id{1};

CUctx_st* make_context(machine::Device& device, bool primary, unsigned flags) {
    auto* context = new CUctx_st; // kept for good, see current_context
    context->device = &device;
    context->primary = primary;
    context->flags = flags;
    context->id = next_context_id++;
    context->alive = !primary;
    objects().contexts.add(std::shared_ptr<CUctx_st>(context, [](CUctx_st*) {}));
    return context;
}

bool others_alive(const CUctx_st& context) {
    return std::ranges::any_of(objects().contexts.all(), [&](const std::shared_ptr<CUctx_st>& other) {
        return other.get() != &context && other->alive && other->device == context.device;
    });
}

bool valid_flags(unsigned flags) {
    unsigned schedule = flags & CU_CTX_SCHED_MASK;
    bool known = schedule == CU_CTX_SCHED_AUTO || schedule == CU_CTX_SCHED_SPIN || schedule == CU_CTX_SCHED_YIELD ||
                 schedule == CU_CTX_SCHED_BLOCKING_SYNC;
    return known && (flags & ~unsigned{CU_CTX_FLAGS_MASK}) == 0;
}

} // namespace

CUcontext primary_context(machine::Device& device) {
    Primary& primary = primary_of(device);
    std::lock_guard lock(primary.mutex);
    if (!primary.context) primary.context = make_context(device, true, primary.flags);
    return primary.context;
}

void clear_context(CUctx_st& context) {
    std::ignore = context.device->synchronize();
    forget_peers(context);
    context.alive = false;
    std::unordered_set<CUstream> streams;
    std::unordered_set<CUevent> events;
    std::unordered_set<CUmodule> modules;
    std::unordered_set<void*> allocations;
    std::map<void*, StoredValue> storage;
    {
        std::lock_guard lock(context.mutex);
        streams.swap(context.streams);
        events.swap(context.events);
        modules.swap(context.modules);
        allocations.swap(context.allocations);
        storage.swap(context.storage);
        context.limits.clear();
    }
    for (auto& [key, stored] : storage)
        if (stored.destructor) stored.destructor(&context, key, stored.value);
    for (CUmodule module : modules)
        if (auto object = objects().modules.remove(module)) unload(std::move(object));
    for (CUevent event : events) objects().events.remove(event);
    for (CUstream stream : streams)
        if (auto object = objects().streams.remove(stream)) std::ignore = context.device->destroy_stream(object->stream);
    clear_textures(context);
    clear_arrays(context);
    for (void* allocation : allocations) std::ignore = context.device->memory().free(allocation);
    if (!others_alive(context)) {
        forget_library_modules(*context.device);
        context.device->reset();
    }
}

} // namespace anywarp::driver

namespace {

CUresult create(const char* call, CUcontext* result, unsigned flags, CUdevice ordinal, unsigned version) {
    return with_driver(call, [&]() -> Result<void> {
        ANYWARP_REQUIRE(result);
        if (!valid_flags(flags)) return invalid_value(format("context flags {:#x}", flags));
        ANYWARP_TRY_AS(device, device_of(ordinal));
        CUctx_st* context = make_context(*device, false, flags);
        context->api_version = version;
        push_context(context);
        *result = context;
        return {};
    });
}

Result<CUctx_st*> live_context(CUcontext handle) {
    auto context = objects().contexts.find(handle);
    if (!context) return user_error(ErrorCode::invalid_context, "not a context");
    if (!context->alive) return user_error(ErrorCode::context_is_destroyed, "the context has been destroyed");
    return context.get();
}

/// A given context, or the current one for null.
Result<CUctx_st*> context_or_current(CUcontext handle) { return handle ? live_context(handle) : current_context(); }

CUresult destroy(const char* call, CUcontext handle) {
    return with_driver(call, [&]() -> Result<void> {
        ANYWARP_TRY_AS(context, live_context(handle));
        if (context->primary) return user_error(ErrorCode::invalid_context, "a primary context is released, not destroyed");
        clear_context(*context);
        if (top_of_stack() == handle) pop_context();
        return {};
    });
}

CUresult push(const char* call, CUcontext handle) {
    return with_driver(call, [&]() -> Result<void> {
        if (!handle) return user_error(ErrorCode::invalid_context, "the context is null");
        ANYWARP_TRY_AS(context, live_context(handle));
        push_context(context);
        return {};
    });
}

CUresult pop(const char* call, CUcontext* result) {
    return with_driver(call, [&]() -> Result<void> {
        if (!top_of_stack()) return user_error(ErrorCode::invalid_context, "the calling thread has no current context");
        CUcontext top = pop_context();
        if (result) *result = top;
        return {};
    });
}

CUresult release(const char* call, CUdevice ordinal) {
    return with_driver(call, [&]() -> Result<void> {
        ANYWARP_TRY_AS(device, device_of(ordinal));
        Primary& primary = primary_of(*device);
        {
            std::lock_guard lock(primary.mutex);
            if (primary.retained == 0) return user_error(ErrorCode::invalid_context, "the primary context isn't retained");
            if (--primary.retained > 0) return {};
        }
        clear_context(*primary.context);
        return {};
    });
}

CUresult reset(const char* call, CUdevice ordinal) {
    return with_driver(call, [&]() -> Result<void> {
        ANYWARP_TRY_AS(device, device_of(ordinal));
        Primary& primary = primary_of(*device);
        CUctx_st* context;
        {
            std::lock_guard lock(primary.mutex);
            context = primary.context;
        }
        if (!context || !context->alive) return {};
        clear_context(*context);
        // The handle stays retained by whoever had it: the next use finds an empty context.
        std::lock_guard lock(primary.mutex);
        if (primary.retained > 0) context->alive = true;
        return {};
    });
}

CUresult set_primary_flags(const char* call, CUdevice ordinal, unsigned flags) {
    return with_driver(call, [&]() -> Result<void> {
        if (!valid_flags(flags)) return invalid_value(format("context flags {:#x}", flags));
        ANYWARP_TRY_AS(device, device_of(ordinal));
        Primary& primary = primary_of(*device);
        std::lock_guard lock(primary.mutex);
        primary.flags = flags;
        if (primary.context) primary.context->flags = flags;
        return {};
    });
}

} // namespace

CUresult cuDevicePrimaryCtxRetain(CUcontext* result, CUdevice ordinal) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(result);
        ANYWARP_TRY_AS(device, device_of(ordinal));
        CUcontext context = primary_context(*device);
        Primary& primary = primary_of(*device);
        std::lock_guard lock(primary.mutex);
        ++primary.retained;
        context->alive = true;
        *result = context;
        return {};
    });
}

CUresult cuDevicePrimaryCtxRelease(CUdevice device) { return release(__func__, device); }
CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device) { return release(__func__, device); }
CUresult cuDevicePrimaryCtxReset(CUdevice device) { return reset(__func__, device); }
CUresult cuDevicePrimaryCtxReset_v2(CUdevice device) { return reset(__func__, device); }
CUresult cuDevicePrimaryCtxSetFlags(CUdevice device, unsigned flags) { return set_primary_flags(__func__, device, flags); }
CUresult cuDevicePrimaryCtxSetFlags_v2(CUdevice device, unsigned flags) { return set_primary_flags(__func__, device, flags); }

CUresult cuDevicePrimaryCtxGetState(CUdevice ordinal, unsigned* flags, int* active) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(flags);
        ANYWARP_REQUIRE(active);
        ANYWARP_TRY_AS(device, device_of(ordinal));
        Primary& primary = primary_of(*device);
        std::lock_guard lock(primary.mutex);
        *flags = primary.flags;
        *active = primary.context && primary.context->alive;
        return {};
    });
}

CUresult cuCtxCreate(CUcontext* context, unsigned flags, CUdevice device) {
    return create(__func__, context, flags, device, 3010);
}
CUresult cuCtxCreate_v2(CUcontext* context, unsigned flags, CUdevice device) {
    return create(__func__, context, flags, device, 3020);
}

CUresult cuCtxCreate_v3(CUcontext* context, CUexecAffinityParam* affinity, int count, unsigned flags, CUdevice device) {
    if (affinity || count) return with_driver(__func__, []() -> Result<void> { return unsupported("execution affinity"); });
    return create(__func__, context, flags, device, 11040);
}

CUresult cuCtxCreate_v4(CUcontext* context, CUctxCreateParams* parameters, unsigned flags, CUdevice device) {
    if (parameters && (parameters->numExecAffinityParams || parameters->cigParams))
        return with_driver(__func__, []() -> Result<void> { return unsupported("execution affinity and graphics contexts"); });
    return create(__func__, context, flags, device, 12050);
}

CUresult cuCtxDestroy(CUcontext context) { return destroy(__func__, context); }
CUresult cuCtxDestroy_v2(CUcontext context) { return destroy(__func__, context); }
CUresult cuCtxPushCurrent(CUcontext context) { return push(__func__, context); }
CUresult cuCtxPushCurrent_v2(CUcontext context) { return push(__func__, context); }
CUresult cuCtxPopCurrent(CUcontext* context) { return pop(__func__, context); }
CUresult cuCtxPopCurrent_v2(CUcontext* context) { return pop(__func__, context); }

CUresult cuCtxSetCurrent(CUcontext handle) {
    return with_driver(__func__, [&]() -> Result<void> {
        if (handle) {
            auto context = objects().contexts.find(handle);
            if (!context) return user_error(ErrorCode::invalid_context, "not a context");
        }
        set_top(handle);
        return {};
    });
}

CUresult cuCtxGetCurrent(CUcontext* context) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(context);
        *context = top_of_stack();
        return {};
    });
}

CUresult cuCtxGetDevice(CUdevice* device) {
    return with_context(__func__, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_REQUIRE(device);
        *device = context.device->ordinal();
        return {};
    });
}

CUresult cuCtxGetDevice_v2(CUdevice* device, CUcontext handle) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(device);
        ANYWARP_TRY_AS(context, context_or_current(handle));
        *device = context->device->ordinal();
        return {};
    });
}

CUresult cuCtxGetFlags(unsigned* flags) {
    return with_context(__func__, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_REQUIRE(flags);
        *flags = context.flags;
        return {};
    });
}

CUresult cuCtxSetFlags(unsigned flags) {
    return with_context(__func__, [&](CUctx_st& context) -> Result<void> {
        if (!valid_flags(flags)) return invalid_value(format("context flags {:#x}", flags));
        context.flags = flags;
        return {};
    });
}

CUresult cuCtxGetId(CUcontext handle, unsigned long long* id) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(id);
        ANYWARP_TRY_AS(context, context_or_current(handle));
        *id = context->id;
        return {};
    });
}

CUresult cuCtxGetApiVersion(CUcontext handle, unsigned* version) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(version);
        ANYWARP_TRY_AS(context, context_or_current(handle));
        *version = context->api_version;
        return {};
    });
}

CUresult cuCtxSynchronize() {
    return with_context(__func__, [](CUctx_st& context) -> Result<void> {
        ANYWARP_TRY(refuse_context_wait(context));
        return context.device->synchronize();
    });
}

CUresult cuCtxSynchronize_v2(CUcontext handle) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_TRY_AS(context, context_or_current(handle));
        ANYWARP_TRY(refuse_context_wait(*context));
        return context->device->synchronize();
    });
}

/// From compute capability 9.0 on kernels can't wait for the kernels they launch.
static Result<void> check_limit(const CUctx_st& context, CUlimit which) {
    if (which == CU_LIMIT_DEV_RUNTIME_SYNC_DEPTH && context.device->properties().sm() >= 90)
        return user_error(static_cast<ErrorCode>(CUDA_ERROR_UNSUPPORTED_LIMIT), "kernels can't wait for kernels on this device");
    return {};
}

CUresult cuCtxSetLimit(CUlimit which, size_t value) {
    return with_context(__func__, [&](CUctx_st& context) -> Result<void> {
        switch (which) {
        case CU_LIMIT_STACK_SIZE:
            return context.device->set_limit(machine::Limit::stack_size, value);
        case CU_LIMIT_PRINTF_FIFO_SIZE:
            return context.device->set_limit(machine::Limit::printf_fifo_size, value);
        case CU_LIMIT_MALLOC_HEAP_SIZE:
            return context.device->set_limit(machine::Limit::malloc_heap_size, value);
        case CU_LIMIT_DEV_RUNTIME_SYNC_DEPTH:
        case CU_LIMIT_DEV_RUNTIME_PENDING_LAUNCH_COUNT:
        case CU_LIMIT_MAX_L2_FETCH_GRANULARITY:
        case CU_LIMIT_PERSISTING_L2_CACHE_SIZE: {
            ANYWARP_TRY(check_limit(context, which));
            std::lock_guard lock(context.mutex);
            context.limits[which] = value;
            return {};
        }
        default:
            return invalid_value(format("there is no limit {}", static_cast<int>(which)));
        }
    });
}

CUresult cuCtxGetLimit(size_t* value, CUlimit which) {
    return with_context(__func__, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_REQUIRE(value);
        switch (which) {
        case CU_LIMIT_STACK_SIZE:
            *value = context.device->limit(machine::Limit::stack_size);
            return {};
        case CU_LIMIT_PRINTF_FIFO_SIZE:
            *value = context.device->limit(machine::Limit::printf_fifo_size);
            return {};
        case CU_LIMIT_MALLOC_HEAP_SIZE:
            *value = context.device->limit(machine::Limit::malloc_heap_size);
            return {};
        case CU_LIMIT_DEV_RUNTIME_SYNC_DEPTH:
        case CU_LIMIT_DEV_RUNTIME_PENDING_LAUNCH_COUNT:
        case CU_LIMIT_MAX_L2_FETCH_GRANULARITY:
        case CU_LIMIT_PERSISTING_L2_CACHE_SIZE: {
            ANYWARP_TRY(check_limit(context, which));
            std::lock_guard lock(context.mutex);
            auto found = context.limits.find(which);
            *value = found != context.limits.end()                      ? found->second
                     : which == CU_LIMIT_MAX_L2_FETCH_GRANULARITY         ? 64
                     : which == CU_LIMIT_DEV_RUNTIME_SYNC_DEPTH           ? 2
                     : which == CU_LIMIT_DEV_RUNTIME_PENDING_LAUNCH_COUNT ? 2048
                                                                          : 0;
            return {};
        }
        default:
            return invalid_value(format("there is no limit {}", static_cast<int>(which)));
        }
    });
}

CUresult cuCtxGetCacheConfig(CUfunc_cache* config) {
    return with_context(__func__, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_REQUIRE(config);
        *config = context.cache_config;
        return {};
    });
}

CUresult cuCtxSetCacheConfig(CUfunc_cache config) {
    return with_context(__func__, [&](CUctx_st& context) -> Result<void> {
        if (config < CU_FUNC_CACHE_PREFER_NONE || config > CU_FUNC_CACHE_PREFER_EQUAL)
            return invalid_value(format("cache preference {}", static_cast<int>(config)));
        context.cache_config = config;
        return {};
    });
}

CUresult cuCtxGetSharedMemConfig(CUsharedconfig* config) {
    return with_context(__func__, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_REQUIRE(config);
        *config = context.shared_config;
        return {};
    });
}

CUresult cuCtxSetSharedMemConfig(CUsharedconfig config) {
    return with_context(__func__, [&](CUctx_st& context) -> Result<void> {
        if (config < CU_SHARED_MEM_CONFIG_DEFAULT_BANK_SIZE || config > CU_SHARED_MEM_CONFIG_EIGHT_BYTE_BANK_SIZE)
            return invalid_value(format("bank size {}", static_cast<int>(config)));
        context.shared_config = config;
        return {};
    });
}

CUresult cuCtxGetStreamPriorityRange(int* least, int* greatest) {
    return with_context(__func__, [&](CUctx_st&) -> Result<void> {
        if (least) *least = 0;
        if (greatest) *greatest = -5;
        return {};
    });
}

CUresult cuCtxResetPersistingL2Cache() {
    return with_context(__func__, [](CUctx_st&) -> Result<void> { return {}; });
}

CUresult cuCtxAttach(CUcontext* result, unsigned flags) {
    return with_context(__func__, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_REQUIRE(result);
        if (flags != 0) return invalid_value("flags must be 0");
        std::lock_guard lock(context.mutex);
        ++context.users;
        *result = &context;
        return {};
    });
}

CUresult cuCtxDetach(CUcontext handle) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_TRY_AS(context, live_context(handle));
        {
            std::lock_guard lock(context->mutex);
            if (context->users > 0) {
                --context->users;
                return {};
            }
        }
        if (context->primary) return user_error(ErrorCode::invalid_context, "a primary context is released, not detached");
        clear_context(*context);
        if (top_of_stack() == handle) pop_context();
        return {};
    });
}
