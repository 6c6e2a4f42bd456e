// Memory functions in the form of CUDA 2: device addresses and sizes of 32 bits. Today's programs reach the _v2 forms; these are
// what binaries from before CUDA 3.2 call, and what cuGetProcAddress gives for such a version.
//
// Each is the later form with its arguments widened. A GPU of ours has its memory wherever the process has room, which in a
// 64-bit process is above 4 GiB: an allocation whose address doesn't fit is given back and answered "out of memory", and so is
// every other question whose answer is such an address. Sizes are cut to what 32 bits hold.
//
// CUDA driver API 2.x reference manual, "Memory Management".

#include "driver/api.h"
#include "driver/format.h"

#include <algorithm>

using namespace anywarp;
using namespace anywarp::driver;

namespace {

constexpr uint64_t largest = 0xffffffff;

unsigned cut(size_t size) { return static_cast<unsigned>(std::min<uint64_t>(size, largest)); }

CUresult does_not_fit(const char* call, CUdeviceptr address) {
    return with_driver(call, [&]() -> Result<void> {
        return user_error(ErrorCode::out_of_memory, format("{:#x} doesn't fit the 32-bit form; use {}_v2", address, call));
    });
}

CUresult is_null(const char* call) {
    return with_context(call, [](CUctx_st&) -> Result<void> { return invalid_value("a result's pointer is null"); });
}

} // namespace

CUresult cuMemAlloc(CUdeviceptr_v1* result, unsigned bytes) {
    if (!result) return is_null(__func__);
    CUdeviceptr address = 0;
    if (CUresult error = cuMemAlloc_v2(&address, bytes)) return error;
    if (address + bytes > largest) {
        cuMemFree_v2(address);
        return does_not_fit(__func__, address);
    }
    *result = static_cast<CUdeviceptr_v1>(address);
    return CUDA_SUCCESS;
}

CUresult cuMemAllocPitch(CUdeviceptr_v1* result, unsigned* pitch, unsigned width, unsigned height, unsigned element) {
    if (!result || !pitch) return is_null(__func__);
    CUdeviceptr address = 0;
    size_t wide = 0;
    if (CUresult error = cuMemAllocPitch_v2(&address, &wide, width, height, element)) return error;
    if (address + wide * height > largest) {
        cuMemFree_v2(address);
        return does_not_fit(__func__, address);
    }
    *result = static_cast<CUdeviceptr_v1>(address);
    *pitch = cut(wide);
    return CUDA_SUCCESS;
}

CUresult cuMemFree(CUdeviceptr_v1 address) { return cuMemFree_v2(address); }

CUresult cuMemGetAddressRange(CUdeviceptr_v1* base, unsigned* bytes, CUdeviceptr_v1 address) {
    CUdeviceptr start = 0;
    size_t size = 0;
    if (CUresult error = cuMemGetAddressRange_v2(&start, &size, address)) return error;
    if (start > largest) return does_not_fit(__func__, start);
    if (base) *base = static_cast<CUdeviceptr_v1>(start);
    if (bytes) *bytes = cut(size);
    return CUDA_SUCCESS;
}

CUresult cuMemGetInfo(unsigned* available, unsigned* total) {
    size_t free_bytes = 0, all = 0;
    if (CUresult error = cuMemGetInfo_v2(&free_bytes, &all)) return error;
    if (available) *available = cut(free_bytes);
    if (total) *total = cut(all);
    return CUDA_SUCCESS;
}

CUresult cuDeviceTotalMem(unsigned* bytes, CUdevice device) {
    if (!bytes) return cuDeviceTotalMem_v2(nullptr, device);
    size_t all = 0;
    if (CUresult error = cuDeviceTotalMem_v2(&all, device)) return error;
    *bytes = cut(all);
    return CUDA_SUCCESS;
}

CUresult cuMemHostGetDevicePointer(CUdeviceptr_v1* result, void* pointer, unsigned flags) {
    if (!result) return is_null(__func__);
    CUdeviceptr address = 0;
    if (CUresult error = cuMemHostGetDevicePointer_v2(&address, pointer, flags)) return error;
    if (address > largest) return does_not_fit(__func__, address);
    *result = static_cast<CUdeviceptr_v1>(address);
    return CUDA_SUCCESS;
}

CUresult cuModuleGetGlobal(CUdeviceptr_v1* result, unsigned* bytes, CUmodule module, const char* name) {
    CUdeviceptr address = 0;
    size_t size = 0;
    if (CUresult error = cuModuleGetGlobal_v2(&address, &size, module, name)) return error;
    if (result && address > largest) return does_not_fit(__func__, address);
    if (result) *result = static_cast<CUdeviceptr_v1>(address);
    if (bytes) *bytes = cut(size);
    return CUDA_SUCCESS;
}

CUresult cuMemcpyHtoD(CUdeviceptr_v1 to, const void* from, unsigned bytes) { return cuMemcpyHtoD_v2(to, from, bytes); }
CUresult cuMemcpyDtoH(void* to, CUdeviceptr_v1 from, unsigned bytes) { return cuMemcpyDtoH_v2(to, from, bytes); }
CUresult cuMemcpyDtoD(CUdeviceptr_v1 to, CUdeviceptr_v1 from, unsigned bytes) { return cuMemcpyDtoD_v2(to, from, bytes); }
CUresult cuMemcpyHtoDAsync(CUdeviceptr_v1 to, const void* from, unsigned bytes, CUstream stream) {
    return cuMemcpyHtoDAsync_v2(to, from, bytes, stream);
}
CUresult cuMemcpyDtoHAsync(void* to, CUdeviceptr_v1 from, unsigned bytes, CUstream stream) {
    return cuMemcpyDtoHAsync_v2(to, from, bytes, stream);
}
CUresult cuMemcpyDtoDAsync(CUdeviceptr_v1 to, CUdeviceptr_v1 from, unsigned bytes, CUstream stream) {
    return cuMemcpyDtoDAsync_v2(to, from, bytes, stream);
}

CUresult cuMemsetD8(CUdeviceptr_v1 to, unsigned char value, unsigned count) { return cuMemsetD8_v2(to, value, count); }
CUresult cuMemsetD16(CUdeviceptr_v1 to, unsigned short value, unsigned count) { return cuMemsetD16_v2(to, value, count); }
CUresult cuMemsetD32(CUdeviceptr_v1 to, unsigned value, unsigned count) { return cuMemsetD32_v2(to, value, count); }
CUresult cuMemsetD2D8(CUdeviceptr_v1 to, unsigned pitch, unsigned char value, unsigned width, unsigned height) {
    return cuMemsetD2D8_v2(to, pitch, value, width, height);
}
CUresult cuMemsetD2D16(CUdeviceptr_v1 to, unsigned pitch, unsigned short value, unsigned width, unsigned height) {
    return cuMemsetD2D16_v2(to, pitch, value, width, height);
}
CUresult cuMemsetD2D32(CUdeviceptr_v1 to, unsigned pitch, unsigned value, unsigned width, unsigned height) {
    return cuMemsetD2D32_v2(to, pitch, value, width, height);
}
