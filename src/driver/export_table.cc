// cuGetExportTable: tables of functions that NVIDIA's own libraries ask the driver for by UUID, outside the documented API.
//
// The static runtime, which nvcc links into every program by default, won't start without some of them. What they hold is known
// from public work on interoperability (the ZLUDA project's notes on the "dark API"): the tables' places, the functions'
// arguments, and that the runtime asks the driver for a keyed digest over facts of the process at start. Most tables begin with
// their size in bytes. A table that isn't known here is answered with CUDA_ERROR_NOT_FOUND and named in the trace.

#include "driver/export_table.h"
#include "driver/api.h"
#include "driver/fatbin.h"
#include "driver/format.h"

#include <cstring>
#include <pthread.h>
#include <unistd.h>

using namespace anywarp;
using namespace anywarp::driver;

namespace {

using Entry = const void*;
template <class Function> Entry entry(Function* function) { return reinterpret_cast<Entry>(function); }
Entry size_of(size_t entries) { return reinterpret_cast<Entry>(entries * sizeof(Entry)); }

/// Stands where a table has a function whose purpose isn't known: the program learns which one it needed.
template <int table, int index> CUresult unknown_entry() {
    return without_init("cuGetExportTable",
                        []() -> Result<void> { return unsupported(format("entry {} of export table {}", index, table)); });
}

// --- the runtime's own interface -------------------------------------------------------------------------------------------

CUresult load_wrapper(CUmodule* module, const void* wrapper) {
    return with_context("runtime interface: load", [&](CUctx_st& context) -> Result<void> {
        ANYWARP_REQUIRE(module);
        ANYWARP_REQUIRE(wrapper);
        ANYWARP_TRY_AS(loaded, load_image(context, wrapper, unknown_size, ""));
        *module = loaded;
        return {};
    });
}
CUresult load_wrapper_with_options(CUmodule* module, const void* wrapper, void*, void*, unsigned) {
    return load_wrapper(module, wrapper);
}
CUresult load_container(const void* container, CUmodule* module, void*, void*, unsigned) {
    return load_wrapper(module, container);
}

CUresult get_primary_context(CUcontext* context, CUdevice ordinal) {
    return with_driver("runtime interface: primary context", [&]() -> Result<void> {
        ANYWARP_REQUIRE(context);
        ANYWARP_TRY_AS(device, device_of(ordinal));
        *context = primary_context(*device);
        return {};
    });
}
void no_operation(size_t) {}
CUresult load_compilers() { return CUDA_SUCCESS; } // the compiler is part of this library

const Entry runtime_interface[13] = {size_of(13),
                                     entry(load_wrapper),
                                     entry(get_primary_context),
                                     entry(unknown_entry<1, 3>),
                                     entry(unknown_entry<1, 4>),
                                     entry(unknown_entry<1, 5>),
                                     entry(load_wrapper_with_options),
                                     entry(no_operation),
                                     entry(load_container),
                                     entry(unknown_entry<1, 9>),
                                     entry(unknown_entry<1, 10>),
                                     entry(unknown_entry<1, 11>),
                                     entry(load_compilers)};

// --- tools: thread-local storage, callback hooks ------------------------------------------------------------------------------

const Entry tools_tls[4] = {size_of(4), nullptr, nullptr, nullptr};

// Two buffers that profilers share with the runtime; no profiler is attached, so they stay zero.
alignas(64) uint32_t hook_buffer_1[1024];
alignas(64) uint32_t hook_buffer_2[14];
void get_hook_buffer_1(void** buffer, size_t* count) {
    *buffer = hook_buffer_1;
    *count = std::size(hook_buffer_1);
}
void get_hook_buffer_2(void** buffer, size_t* count) {
    *buffer = hook_buffer_2;
    *count = std::size(hook_buffer_2);
}
const Entry tools_callback_hooks[7] = {size_of(7), nullptr, entry(get_hook_buffer_1), nullptr,
                                       nullptr,    nullptr, entry(get_hook_buffer_2)};

// --- values that a library keeps with a context -------------------------------------------------------------------------------

using Destructor = void (*)(CUcontext, void*, void*);

Result<CUctx_st*> storage_context(CUcontext handle) {
    if (!handle) return current_context();
    auto context = objects().contexts.find(handle);
    if (!context) return user_error(ErrorCode::invalid_context, "not a context");
    return context.get();
}

CUresult storage_put(CUcontext handle, void* key, void* value, Destructor destructor) {
    return with_driver("context storage: put", [&]() -> Result<void> {
        ANYWARP_TRY_AS(context, storage_context(handle));
        std::lock_guard lock(context->mutex);
        context->storage[key] = {value, destructor};
        return {};
    });
}
CUresult storage_delete(CUcontext handle, void* key) {
    return with_driver("context storage: delete", [&]() -> Result<void> {
        ANYWARP_TRY_AS(context, storage_context(handle));
        std::lock_guard lock(context->mutex);
        context->storage.erase(key);
        return {};
    });
}
CUresult storage_get(void** value, CUcontext handle, void* key) {
    return with_driver("context storage: get", [&]() -> Result<void> {
        ANYWARP_REQUIRE(value);
        ANYWARP_TRY_AS(context, storage_context(handle));
        std::lock_guard lock(context->mutex);
        auto found = context->storage.find(key);
        if (found == context->storage.end()) return user_error(ErrorCode::invalid_handle, "nothing stored under this key");
        *value = found->second.value;
        return {};
    });
}
const Entry context_storage[4] = {entry(storage_put), entry(storage_delete), entry(storage_get), nullptr};

// --- checks
// ---------------------------------------------------------------------------------------------------------------------

CUresult context_check(CUcontext, uint32_t* flags, const void**) {
    if (flags) *flags = 0; // nothing special about any context
    return CUDA_SUCCESS;
}
unsigned check_nothing() { return 0; }
const Entry context_checks[4] = {size_of(4), nullptr, entry(context_check), entry(check_nothing)};

CUresult handshake(uint32_t version, uint64_t seconds, uint64_t* answer);
const Entry handshake_table[3] = {size_of(3), entry(handshake), nullptr};

/// What the digest is taken over, before one DeviceFacts per device.
struct ProcessFacts {
    uint32_t driver_version, runtime_version, process, thread;
    const void *runtime_table, *handshake_table, *function;
    uint64_t seconds;
};
struct DeviceFacts {
    uint8_t uuid[16];
    int32_t pci_domain, pci_bus, pci_device;
};
static_assert(sizeof(ProcessFacts) == 48 && sizeof(DeviceFacts) == 28);

CUresult handshake(uint32_t version, uint64_t seconds, uint64_t* answer) {
    return with_driver("runtime handshake", [&]() -> Result<void> {
        ANYWARP_REQUIRE(answer);
        switch (version % 10) {
        case 0:
            answer[0] = 0x3341181c03cb675c, answer[1] = 0x8ed383aa1f4cd1e8;
            return {};
        case 1:
            answer[0] = 0x1841181c03cb675c, answer[1] = 0x8ed383aa1f4cd1e8;
            return {};
        default:
            break;
        }
        static constexpr std::array<uint8_t, 16> key = {0x14, 0x6a, 0xdd, 0xae, 0x53, 0xa9, 0xa7, 0x52,
                                                        0xaa, 0x08, 0x41, 0x36, 0x0b, 0xf5, 0x5a, 0x9f};
        int driver_version = 0;
        cuDriverGetVersion(&driver_version);
        ProcessFacts facts{static_cast<uint32_t>(driver_version),
                           version,
                           static_cast<uint32_t>(getpid()),
                           static_cast<uint32_t>(pthread_self()),
                           runtime_interface,
                           handshake_table,
                           handshake_table[1],
                           seconds};
        std::vector<uint8_t> message(sizeof facts);
        std::memcpy(message.data(), &facts, sizeof facts);
        for (int i = 0; i < machine::Device::count(); ++i) {
            ANYWARP_TRY_AS(device, device_of(i));
            const machine::Properties& p = device->properties();
            DeviceFacts device_facts{{}, p.pci_domain, p.pci_bus, p.pci_device};
            std::memcpy(device_facts.uuid, p.uuid.data(), sizeof device_facts.uuid);
            const uint8_t* bytes = reinterpret_cast<const uint8_t*>(&device_facts);
            message.insert(message.end(), bytes, bytes + sizeof device_facts);
        }
        auto digest = hmac_md2(key, message);
        std::memcpy(answer, digest.data(), digest.size());
        return {};
    });
}

struct Table {
    uint8_t uuid[16];
    const char* name;
    const Entry* entries;
};

const Table tables[] = {
    {{0x6b, 0xd5, 0xfb, 0x6c, 0x5b, 0xf4, 0xe7, 0x4a, 0x89, 0x87, 0xd9, 0x39, 0x12, 0xfd, 0x9d, 0xf9},
     "runtime interface",
     runtime_interface},
    {{0x42, 0xd8, 0x5a, 0x81, 0x23, 0xf6, 0xcb, 0x47, 0x82, 0x98, 0xf6, 0xe7, 0x8a, 0x3a, 0xec, 0xdc},
     "tools: thread storage",
     tools_tls},
    {{0xa0, 0x94, 0x79, 0x8c, 0x2e, 0x74, 0x2e, 0x74, 0x93, 0xf2, 0x08, 0x00, 0x20, 0x0c, 0x0a, 0x66},
     "tools: callback hooks",
     tools_callback_hooks},
    {{0xc6, 0x93, 0x33, 0x6e, 0x11, 0x21, 0xdf, 0x11, 0xa8, 0xc3, 0x68, 0xf3, 0x55, 0xd8, 0x95, 0x93},
     "context storage",
     context_storage},
    {{0xd4, 0x08, 0x20, 0x55, 0xbd, 0xe6, 0x70, 0x4b, 0x8d, 0x34, 0xba, 0x12, 0x3c, 0x66, 0xe1, 0xf2},
     "handshake",
     handshake_table},
    {{0x26, 0x3e, 0x88, 0x60, 0x7c, 0xd2, 0x61, 0x43, 0x92, 0xf6, 0xbb, 0xd5, 0x00, 0x6d, 0xfa, 0x7e},
     "context checks",
     context_checks},
};

} // namespace

CUresult cuGetExportTable(const void** result, const CUuuid* id) {
    return without_init(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(result);
        ANYWARP_REQUIRE(id);
        for (const Table& table : tables) {
            if (std::memcmp(table.uuid, id->bytes, sizeof table.uuid) != 0) continue;
            *result = table.entries;
            return {};
        }
        *result = nullptr;
        std::string text;
        for (unsigned char byte : id->bytes) text += format("{:02x}", byte);
        return user_error(ErrorCode::not_found, "no export table " + text);
    });
}
