// The objects behind the driver API's handles, and the tables that tell a live handle from a stale or invented one.
//
// A handle is the address of one of the structures below, so that a debugger shows what it is; it is never followed before the
// table has confirmed it. A context owns what was made in it (streams, events, modules, memory) and takes it along when
// it goes. All the real work is the machine's; nothing here computes.
//
// CUDA driver API, "Context Management", "Module Management", "Library Management".
#pragma once

#include "driver/abi.h"
#include "machine/device.h"
#include "machine/event.h"
#include "machine/kernel.h"
#include "machine/stream.h"

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace anywarp::driver {

struct Capture;

/// The live handles of one kind.
template <class T> class Registry {
public:
    T* add(std::shared_ptr<T> object) {
        T* handle = object.get();
        std::unique_lock lock(mutex_);
        live_.emplace(handle, std::move(object));
        return handle;
    }
    /// Null when the handle isn't (or no longer) one of ours.
    std::shared_ptr<T> find(T* handle) const {
        std::shared_lock lock(mutex_);
        auto found = live_.find(handle);
        return found == live_.end() ? nullptr : found->second;
    }
    /// Takes the handle out of circulation; null when it wasn't there.
    std::shared_ptr<T> remove(T* handle) {
        std::unique_lock lock(mutex_);
        auto found = live_.find(handle);
        if (found == live_.end()) return nullptr;
        std::shared_ptr<T> object = std::move(found->second);
        live_.erase(found);
        return object;
    }
    std::vector<std::shared_ptr<T>> all() const {
        std::shared_lock lock(mutex_);
        std::vector<std::shared_ptr<T>> objects;
        for (auto& [handle, object] : live_) objects.push_back(object);
        return objects;
    }

private:
    mutable std::shared_mutex mutex_;
    std::unordered_map<T*, std::shared_ptr<T>> live_;
};

/// A value that a tool or the runtime keeps with a context (export table "context local storage").
struct StoredValue {
    void* value = nullptr;
    void (*destructor)(CUcontext, void* key, void* value) = nullptr;
};

} // namespace anywarp::driver

struct CUctx_st {
    anywarp::machine::Device* device = nullptr;
    bool primary = false;
    std::atomic<bool> alive{true}; // a context's structure is kept when it goes, so that a stale handle can be told
    std::atomic<unsigned> flags{0};
    unsigned long long id = 0;
    unsigned api_version = 3020;
    std::mutex mutex; // guards what follows
    std::unordered_set<CUstream> streams;
    std::unordered_set<CUevent> events;
    std::unordered_set<CUmodule> modules;
    std::unordered_set<void*> allocations;
    std::map<void*, anywarp::driver::StoredValue> storage;
    std::map<int, size_t> limits; // those without an effect here: stored and given back
    CUfunc_cache cache_config = CU_FUNC_CACHE_PREFER_NONE;
    CUsharedconfig shared_config = CU_SHARED_MEM_CONFIG_DEFAULT_BANK_SIZE;
    unsigned users = 0; // cuCtxAttach
};

struct CUstream_st {
    anywarp::machine::Stream* stream = nullptr;
    CUcontext context = nullptr;
    unsigned flags = 0;
};

struct CUevent_st {
    explicit CUevent_st(unsigned flags) : event(flags) {}
    CUevent_st(unsigned flags, std::shared_ptr<anywarp::machine::SharedRecords> shared) : event(flags, std::move(shared)) {}
    anywarp::machine::Event event;
    CUcontext context = nullptr;
    // Set when it was last recorded in a stream that captures (capture.h). The flag is what threads that share an event look at;
    // only those that capture with it touch the rest, and graphs are one thread's business.
    std::atomic<bool> stands_for_nodes{false};
    std::shared_ptr<anywarp::driver::Capture> capture;
    std::vector<CUgraphNode> captured;
};

struct CUfunc_st {
    std::shared_ptr<anywarp::machine::Kernel> kernel;
    CUmodule module = nullptr;
};

struct CUmod_st {
    std::shared_ptr<anywarp::machine::LoadedModule> module;
    CUcontext context = nullptr; // null for a library's module
    CUlibrary library = nullptr;
    std::mutex mutex;
    std::map<std::string, CUfunction> functions; // those handed out; in the registry as well
};

struct CUkern_st {
    CUlibrary library = nullptr;
    std::string name;
};

struct CUlib_st {
    std::string ptx, name;
    std::mutex mutex;
    std::map<int, CUmodule> modules; // per device; in the registry as well
    std::map<std::string, CUkernel> kernels;
};

struct CUmemPoolHandle_st {
    anywarp::machine::Device* device = nullptr;
    bool is_default = false;
    bool exportable = false, imported = false; // shared between processes (ipc.h)
    std::mutex mutex;
    std::map<int, uint64_t> attributes;
    std::map<void*, uint64_t> blocks;
    uint64_t used = 0, used_high = 0;
};

namespace anywarp::driver {

/// Every table of the process; never destroyed, as programs call the driver from their exit handlers.
struct Objects {
    Registry<CUctx_st> contexts;
    Registry<CUstream_st> streams;
    Registry<CUevent_st> events;
    Registry<CUmod_st> modules;
    Registry<CUfunc_st> functions;
    Registry<CUlib_st> libraries;
    Registry<CUkern_st> kernels;
    Registry<CUmemPoolHandle_st> pools;
};
Objects& objects();

// What several files need of one another.
Result<machine::Device*> device_of(CUdevice device);                    // invalid_device
Result<machine::Stream*> stream_of(CUstream stream, CUctx_st& context); // the default streams included; invalid_handle
Result<std::shared_ptr<CUfunc_st>> function_of(CUfunction function);    // a CUkernel cast to CUfunction as well
Result<std::shared_ptr<CUfunc_st>> function_of(CUkernel kernel, machine::Device& device);
Result<CUfunction> find_function(CUmod_st& module, const std::string& name);
Result<CUmodule> load_image(CUctx_st& context, const void* image, size_t size, const std::string& name);
Result<CUmodule> load_ptx(CUctx_st* context, machine::Device& device, std::string ptx, std::string name);
void unload(std::shared_ptr<CUmod_st> module);
void forget_library_modules(machine::Device& device); // they are loaded afresh when next needed
/// PTX of an image for a device, linked to one text where it is several; prints what a user can do about an image without PTX.
Result<std::string> ptx_of_image(const void* image, size_t size, machine::Device& device, const std::string& name);
/// The file an address in memory was loaded from, for messages.
std::string file_of_address(const void* address);
CUmemoryPool default_pool(machine::Device& device);

/// The primary context's handle; made at the first request, never freed.
CUcontext primary_context(machine::Device& device);
/// Ends everything a context owns.
void clear_context(CUctx_st& context);
void forget_peers(const CUctx_st& context); // the peers that it has enabled, and that have enabled it

} // namespace anywarp::driver
