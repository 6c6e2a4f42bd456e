// Small services of devices: notifications, ordering of writes by other devices, execution affinity, buffers as files. What a
// device attribute says isn't there answers as documented for devices without it.
// CUDA driver API, "Device Management", "GPU Direct RDMA", "Context Management", "Memory Management".

#include "driver/api.h"
#include "driver/format.h"

using namespace anywarp;
using namespace anywarp::driver;

/// A registered callback. The one event there is tells a process that it takes more memory than its owner allows; nobody limits
/// processes here, so it never comes.
struct CUasyncCallbackEntry_st {
    CUasyncCallback function = nullptr;
    void* data = nullptr;
    int device = 0;
};

namespace {
Registry<CUasyncCallbackEntry_st>& notifications() {
    static auto& all = *new Registry<CUasyncCallbackEntry_st>;
    return all;
}
} // namespace

CUresult cuDeviceRegisterAsyncNotification(CUdevice ordinal, CUasyncCallback function, void* data,
                                           CUasyncCallbackHandle* handle) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(function);
        ANYWARP_REQUIRE(handle);
        ANYWARP_TRY(device_of(ordinal));
        auto entry = std::make_shared<CUasyncCallbackEntry_st>();
        entry->function = function;
        entry->data = data;
        entry->device = ordinal;
        *handle = notifications().add(std::move(entry));
        return {};
    });
}

CUresult cuDeviceUnregisterAsyncNotification(CUdevice ordinal, CUasyncCallbackHandle handle) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_TRY(device_of(ordinal));
        auto entry = notifications().find(handle);
        if (!entry || entry->device != ordinal) return invalid_value("not a callback of this device");
        notifications().remove(handle);
        return {};
    });
}

CUresult cuFlushGPUDirectRDMAWrites(CUflushGPUDirectRDMAWritesTarget target, CUflushGPUDirectRDMAWritesScope scope) {
    return with_context(__func__, [&](CUctx_st&) -> Result<void> {
        if (target != CU_FLUSH_GPU_DIRECT_RDMA_WRITES_TARGET_CURRENT_CTX)
            return invalid_value(format("flush target {}", static_cast<int>(target)));
        if (scope != CU_FLUSH_GPU_DIRECT_RDMA_WRITES_TO_OWNER && scope != CU_FLUSH_GPU_DIRECT_RDMA_WRITES_TO_ALL_DEVICES)
            return invalid_value(format("flush scope {}", static_cast<int>(scope)));
        // CU_DEVICE_ATTRIBUTE_GPU_DIRECT_RDMA_FLUSH_WRITES_OPTIONS is 0: no other device writes this memory.
        return user_error(static_cast<ErrorCode>(CUDA_ERROR_NOT_SUPPORTED), "the device has no such writes to flush");
    });
}

CUresult cuCtxGetExecAffinity(CUexecAffinityParam* result, CUexecAffinityType type) {
    return with_context(__func__, [&](CUctx_st&) -> Result<void> {
        ANYWARP_REQUIRE(result);
        if (type != CU_EXEC_AFFINITY_TYPE_SM_COUNT) return invalid_value(format("affinity type {}", static_cast<int>(type)));
        // cuDeviceGetExecAffinitySupport says 0: it is a matter of NVIDIA's multi-process service.
        return user_error(static_cast<ErrorCode>(CUDA_ERROR_UNSUPPORTED_EXEC_AFFINITY), "the device has no execution affinity");
    });
}

CUresult cuMemGetHandleForAddressRange(void* handle, CUdeviceptr pointer, size_t bytes, CUmemRangeHandleType type,
                                       unsigned long long) {
    return with_context(__func__, [&](CUctx_st&) -> Result<void> {
        ANYWARP_REQUIRE(handle);
        if (type != CU_MEM_RANGE_HANDLE_TYPE_DMA_BUF_FD) return invalid_value(format("handle type {}", static_cast<int>(type)));
        auto found = machine::find_allocation(reinterpret_cast<void*>(pointer));
        if (!found || bytes == 0 || bytes > found->size - (pointer - reinterpret_cast<CUdeviceptr>(found->base)))
            return invalid_value("the range isn't in an allocation");
        // CU_DEVICE_ATTRIBUTE_DMA_BUF_SUPPORTED is 0.
        return user_error(static_cast<ErrorCode>(CUDA_ERROR_NOT_SUPPORTED), "device memory isn't a DMA buffer");
    });
}
