// Initialisation, version, devices and their attributes. CUDA driver API, "Initialization", "Version Management",
// "Device Management". Attributes come from the machine's properties where it has them; limits of textures and the like are
// those that the programming guide's table of compute capabilities gives.

#include "driver/api.h"
#include "driver/format.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

using namespace anywarp;
using namespace anywarp::driver;

namespace {

constexpr int driver_version = 13000;

/// Nothing for a number that is no attribute.
std::optional<int> attribute(const machine::Properties& p, int which) {
    switch (which) {
    case CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK:
        return p.max_threads_per_block;
    case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X:
        return p.max_block_dim[0];
    case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y:
        return p.max_block_dim[1];
    case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z:
        return p.max_block_dim[2];
    case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X:
        return p.max_grid_dim[0];
    case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y:
        return p.max_grid_dim[1];
    case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z:
        return p.max_grid_dim[2];
    case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK:
        return p.shared_per_block;
    case CU_DEVICE_ATTRIBUTE_TOTAL_CONSTANT_MEMORY:
        return p.constant_memory;
    case CU_DEVICE_ATTRIBUTE_WARP_SIZE:
        return p.warp_size;
    case CU_DEVICE_ATTRIBUTE_MAX_PITCH:
        return static_cast<int>(std::min<uint64_t>(p.max_pitch, 0x7fffffff));
    case CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_BLOCK:
        return p.registers_per_block;
    case CU_DEVICE_ATTRIBUTE_CLOCK_RATE:
        return p.clock_khz;
    case CU_DEVICE_ATTRIBUTE_TEXTURE_ALIGNMENT:
        return p.texture_alignment;
    case CU_DEVICE_ATTRIBUTE_SURFACE_ALIGNMENT:
        return p.texture_alignment;
    case CU_DEVICE_ATTRIBUTE_TEXTURE_PITCH_ALIGNMENT:
        return p.texture_pitch_alignment;
    case CU_DEVICE_ATTRIBUTE_GPU_OVERLAP:
        return p.async_engines > 0;
    case CU_DEVICE_ATTRIBUTE_ASYNC_ENGINE_COUNT:
        return p.async_engines;
    case CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT:
        return p.multiprocessors;
    case CU_DEVICE_ATTRIBUTE_COMPUTE_MODE:
        return CU_COMPUTEMODE_DEFAULT;
    case CU_DEVICE_ATTRIBUTE_PCI_BUS_ID:
        return p.pci_bus;
    case CU_DEVICE_ATTRIBUTE_PCI_DEVICE_ID:
        return p.pci_device;
    case CU_DEVICE_ATTRIBUTE_PCI_DOMAIN_ID:
        return p.pci_domain;
    case CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE:
        return p.memory_clock_khz;
    case CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH:
        return p.memory_bus_width;
    case CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE:
        return static_cast<int>(std::min<uint64_t>(p.l2_bytes, 0x7fffffff));
    case CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR:
        return p.max_threads_per_multiprocessor;
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR:
        return p.compute_major;
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR:
        return p.compute_minor;
    case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR:
        return p.shared_per_multiprocessor;
    case CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_MULTIPROCESSOR:
        return p.registers_per_multiprocessor;
    case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN:
        return p.shared_per_block_optin;
    case CU_DEVICE_ATTRIBUTE_MAX_BLOCKS_PER_MULTIPROCESSOR:
        return p.max_blocks_per_multiprocessor;
    case CU_DEVICE_ATTRIBUTE_RESERVED_SHARED_MEMORY_PER_BLOCK:
        return p.reserved_shared_per_block;

    // What this device is: its memory is the host's, so every pointer is good on both sides.
    case CU_DEVICE_ATTRIBUTE_CAN_MAP_HOST_MEMORY:
    case CU_DEVICE_ATTRIBUTE_CONCURRENT_KERNELS:
    case CU_DEVICE_ATTRIBUTE_UNIFIED_ADDRESSING:
    case CU_DEVICE_ATTRIBUTE_STREAM_PRIORITIES_SUPPORTED:
    case CU_DEVICE_ATTRIBUTE_GLOBAL_L1_CACHE_SUPPORTED:
    case CU_DEVICE_ATTRIBUTE_LOCAL_L1_CACHE_SUPPORTED:
    case CU_DEVICE_ATTRIBUTE_MANAGED_MEMORY:
    case CU_DEVICE_ATTRIBUTE_HOST_NATIVE_ATOMIC_SUPPORTED:
    case CU_DEVICE_ATTRIBUTE_PAGEABLE_MEMORY_ACCESS:
    case CU_DEVICE_ATTRIBUTE_PAGEABLE_MEMORY_ACCESS_USES_HOST_PAGE_TABLES:
    case CU_DEVICE_ATTRIBUTE_CONCURRENT_MANAGED_ACCESS:
    case CU_DEVICE_ATTRIBUTE_DIRECT_MANAGED_MEM_ACCESS_FROM_HOST:
    case CU_DEVICE_ATTRIBUTE_CAN_USE_HOST_POINTER_FOR_REGISTERED_MEM:
    case CU_DEVICE_ATTRIBUTE_COMPUTE_PREEMPTION_SUPPORTED:
    case CU_DEVICE_ATTRIBUTE_COOPERATIVE_LAUNCH:
    case CU_DEVICE_ATTRIBUTE_HOST_REGISTER_SUPPORTED:
    case CU_DEVICE_ATTRIBUTE_READ_ONLY_HOST_REGISTER_SUPPORTED:
    case CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED:
    case CU_DEVICE_ATTRIBUTE_MEM_SYNC_DOMAIN_COUNT:
        return 1;
    case CU_DEVICE_ATTRIBUTE_SINGLE_TO_DOUBLE_PRECISION_PERF_RATIO:
        return 2;
    case CU_DEVICE_ATTRIBUTE_NUMA_CONFIG:
        return CU_DEVICE_NUMA_CONFIG_NONE;
    case CU_DEVICE_ATTRIBUTE_NUMA_ID:
        return -1;
    case CU_DEVICE_ATTRIBUTE_HOST_NUMA_ID:
        return 0;

    // Programming guide, "Compute Capabilities", table of technical specifications.
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE1D_WIDTH:
        return 131072;
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_WIDTH:
        return 131072;
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_HEIGHT:
        return 65536;
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE3D_WIDTH:
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE3D_HEIGHT:
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE3D_DEPTH:
        return 16384;
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_LAYERED_WIDTH:
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_LAYERED_HEIGHT:
        return 32768;
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_LAYERED_LAYERS:
        return 2048;
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE1D_LAYERED_WIDTH:
        return 32768;
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE1D_LAYERED_LAYERS:
        return 2048;
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_GATHER_WIDTH:
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_GATHER_HEIGHT:
        return 32768;
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE3D_WIDTH_ALTERNATE:
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE3D_HEIGHT_ALTERNATE:
        return 8192;
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE3D_DEPTH_ALTERNATE:
        return 32768;
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURECUBEMAP_WIDTH:
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURECUBEMAP_LAYERED_WIDTH:
        return 32768;
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURECUBEMAP_LAYERED_LAYERS:
        return 2046;
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_SURFACE1D_WIDTH:
        return 32768;
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_SURFACE2D_WIDTH:
        return 131072;
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_SURFACE2D_HEIGHT:
        return 65536;
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_SURFACE3D_WIDTH:
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_SURFACE3D_HEIGHT:
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_SURFACE3D_DEPTH:
        return 16384;
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_SURFACE1D_LAYERED_WIDTH:
        return 32768;
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_SURFACE1D_LAYERED_LAYERS:
        return 2048;
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_SURFACE2D_LAYERED_WIDTH:
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_SURFACE2D_LAYERED_HEIGHT:
        return 32768;
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_SURFACE2D_LAYERED_LAYERS:
        return 2048;
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_SURFACECUBEMAP_WIDTH:
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_SURFACECUBEMAP_LAYERED_WIDTH:
        return 32768;
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_SURFACECUBEMAP_LAYERED_LAYERS:
        return 2046;
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE1D_LINEAR_WIDTH:
        return 268435456;
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_LINEAR_WIDTH:
        return 131072;
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_LINEAR_HEIGHT:
        return 65000;
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_LINEAR_PITCH:
        return 2097120;
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_MIPMAPPED_WIDTH:
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_MIPMAPPED_HEIGHT:
        return 32768;
    case CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE1D_MIPMAPPED_WIDTH:
        return 32768;
    default:
        // Everything else that has a number names something this device doesn't have.
        if (which >= 1 && which < CU_DEVICE_ATTRIBUTE_MAX) return 0;
        return std::nullopt;
    }
}

std::string pci_name(const machine::Properties& p) {
    return format("{:08x}:{:02x}:{:02x}.0", p.pci_domain, p.pci_bus, p.pci_device);
}

CUresult get_uuid(const char* call, CUuuid* uuid, CUdevice ordinal) {
    return with_driver(call, [&]() -> Result<void> {
        ANYWARP_REQUIRE(uuid);
        ANYWARP_TRY_AS(device, device_of(ordinal));
        static_assert(sizeof(uuid->bytes) == sizeof(machine::Properties::uuid));
        std::memcpy(uuid->bytes, device->properties().uuid.data(), sizeof uuid->bytes);
        return {};
    });
}

} // namespace

CUresult cuInit(unsigned flags) {
    return without_init(__func__, [&]() -> Result<void> {
        if (flags != 0) return invalid_value(format("flags are {}, must be 0", flags));
        initialize_process();
        if (ErrorCode state = process_state(); state != ErrorCode::success)
            return user_error(state, "the process has forked or is exiting");
        if (machine::Device::count() == 0) return user_error(ErrorCode::no_device, "ANYWARP_DEVICES is 0");
        return {};
    });
}

CUresult cuDriverGetVersion(int* version) {
    return without_init(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(version);
        *version = driver_version;
        return {};
    });
}

CUresult cuDeviceGetCount(int* count) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(count);
        *count = machine::Device::count();
        return {};
    });
}

CUresult cuDeviceGet(CUdevice* device, int ordinal) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(device);
        ANYWARP_TRY(device_of(ordinal));
        *device = ordinal;
        return {};
    });
}

CUresult cuDeviceGetName(char* name, int length, CUdevice ordinal) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(name);
        if (length <= 0) return invalid_value(format("room for {} characters", length));
        ANYWARP_TRY_AS(device, device_of(ordinal));
        std::snprintf(name, static_cast<size_t>(length), "%s", device->properties().name.c_str());
        return {};
    });
}

CUresult cuDeviceGetUuid(CUuuid* uuid, CUdevice device) { return get_uuid(__func__, uuid, device); }
CUresult cuDeviceGetUuid_v2(CUuuid* uuid, CUdevice device) { return get_uuid(__func__, uuid, device); }

CUresult cuDeviceGetLuid(char*, unsigned*, CUdevice) {
    return with_driver(__func__,
                       []() -> Result<void> { return user_error(ErrorCode::not_supported, "LUIDs are a notion of Windows"); });
}

CUresult cuDeviceTotalMem_v2(size_t* bytes, CUdevice ordinal) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(bytes);
        ANYWARP_TRY_AS(device, device_of(ordinal));
        *bytes = device->properties().total_memory;
        return {};
    });
}

CUresult cuDeviceGetAttribute(int* value, CUdevice_attribute which, CUdevice ordinal) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(value);
        ANYWARP_TRY_AS(device, device_of(ordinal));
        auto found = attribute(device->properties(), which);
        if (!found) return invalid_value(format("there is no device attribute {}", static_cast<int>(which)));
        *value = *found;
        return {};
    });
}

CUresult cuDeviceComputeCapability(int* major, int* minor, CUdevice ordinal) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(major);
        ANYWARP_REQUIRE(minor);
        ANYWARP_TRY_AS(device, device_of(ordinal));
        *major = device->properties().compute_major;
        *minor = device->properties().compute_minor;
        return {};
    });
}

CUresult cuDeviceGetProperties(CUdevprop* properties, CUdevice ordinal) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(properties);
        ANYWARP_TRY_AS(device, device_of(ordinal));
        const machine::Properties& p = device->properties();
        *properties = {};
        properties->maxThreadsPerBlock = p.max_threads_per_block;
        for (int i = 0; i < 3; ++i) {
            properties->maxThreadsDim[i] = p.max_block_dim[i];
            properties->maxGridSize[i] = p.max_grid_dim[i];
        }
        properties->sharedMemPerBlock = p.shared_per_block;
        properties->totalConstantMemory = p.constant_memory;
        properties->SIMDWidth = p.warp_size;
        properties->memPitch = static_cast<int>(std::min<uint64_t>(p.max_pitch, 0x7fffffff));
        properties->regsPerBlock = p.registers_per_block;
        properties->clockRate = p.clock_khz;
        properties->textureAlign = p.texture_alignment;
        return {};
    });
}

CUresult cuDeviceGetPCIBusId(char* id, int length, CUdevice ordinal) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(id);
        ANYWARP_TRY_AS(device, device_of(ordinal));
        std::string name = pci_name(device->properties());
        if (length <= 0) return invalid_value(format("room for {} characters", length));
        std::snprintf(id, static_cast<size_t>(length), "%s", name.c_str());
        return {};
    });
}

CUresult cuDeviceGetByPCIBusId(CUdevice* device, const char* id) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(device);
        ANYWARP_REQUIRE(id);
        // [domain]:[bus]:[device].[function], with domain and function optional.
        int domain = 0, bus = 0, number = 0;
        if (std::sscanf(id, "%x:%x:%x", &domain, &bus, &number) != 3) {
            domain = 0;
            if (std::sscanf(id, "%x:%x", &bus, &number) != 2) return invalid_value(format("'{}' is no PCI address", id));
        }
        for (int i = 0; i < machine::Device::count(); ++i) {
            ANYWARP_TRY_AS(candidate, machine::Device::get(i));
            const machine::Properties& p = candidate->properties();
            if (p.pci_domain == domain && p.pci_bus == bus && p.pci_device == number) {
                *device = i;
                return {};
            }
        }
        return user_error(ErrorCode::invalid_device, format("no device at {}", id));
    });
}

CUresult cuDeviceCanAccessPeer(int* can, CUdevice from, CUdevice to) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(can);
        ANYWARP_TRY(device_of(from));
        ANYWARP_TRY(device_of(to));
        *can = from != to; // all devices share the host's memory
        return {};
    });
}

CUresult cuDeviceGetP2PAttribute(int* value, CUdevice_P2PAttribute which, CUdevice from, CUdevice to) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(value);
        ANYWARP_TRY(device_of(from));
        ANYWARP_TRY(device_of(to));
        if (from == to) return user_error(ErrorCode::invalid_device, "a device is no peer of itself");
        switch (which) {
        case CU_DEVICE_P2P_ATTRIBUTE_PERFORMANCE_RANK:
            *value = 0;
            return {};
        case CU_DEVICE_P2P_ATTRIBUTE_ACCESS_SUPPORTED:
        case CU_DEVICE_P2P_ATTRIBUTE_NATIVE_ATOMIC_SUPPORTED:
            *value = 1;
            return {};
        case CU_DEVICE_P2P_ATTRIBUTE_CUDA_ARRAY_ACCESS_SUPPORTED:
            *value = 0;
            return {};
        default:
            return invalid_value(format("there is no peer attribute {}", static_cast<int>(which)));
        }
    });
}

CUresult cuDeviceGetExecAffinitySupport(int* supported, CUexecAffinityType, CUdevice ordinal) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(supported);
        ANYWARP_TRY(device_of(ordinal));
        *supported = 0;
        return {};
    });
}

CUresult cuProfilerInitialize(const char*, const char*, CUoutput_mode) {
    return with_driver(__func__, []() -> Result<void> { return user_error(ErrorCode::not_supported, "retired with CUDA 11"); });
}
CUresult cuProfilerStart() {
    return with_context(__func__, [](CUctx_st&) -> Result<void> { return {}; });
}
CUresult cuProfilerStop() {
    return with_context(__func__, [](CUctx_st&) -> Result<void> { return {}; });
}
