// Registration of fat binaries, kernels and variables, and what they are in a context (see registration.h).
//
// CUDA Runtime API, "Execution Control" (a kernel by its host address), "Memory Management" (a symbol by its host address).
#include "runtime/registration.h"
#include "runtime/host_table.h"
#include "runtime/state.h"

#include <algorithm>
#include <utility>

namespace anywarp::runtime {

namespace {

struct Registry {
    std::mutex mutex; // guards changes; the tables are read without it
    std::vector<std::unique_ptr<FatBinary>> binaries;
    HostTable<Kernel> kernels;
    HostTable<Variable> variables;
};

Registry& registry() {
    static auto* registry = new Registry;
    return *registry;
}

cudaError_t library_of(FatBinary& binary, CUlibrary& library) {
    std::lock_guard lock(binary.mutex);
    library = binary.library;
    if (library || binary.load_error != cudaSuccess) return binary.load_error;
    CUresult result = cuLibraryLoadData(&library, binary.image, nullptr, nullptr, 0, nullptr, nullptr, 0);
    // The program's own image is at fault, or the device: asking again gives the same answer.
    if (result == CUDA_ERROR_NO_BINARY_FOR_GPU || result == CUDA_ERROR_INVALID_IMAGE || result == CUDA_ERROR_INVALID_PTX ||
        result == CUDA_ERROR_UNSUPPORTED_PTX_VERSION)
        binary.load_error = to_runtime(result);
    if (result != CUDA_SUCCESS) return to_runtime(result);
    binary.library = library;
    return cudaSuccess;
}

cudaError_t driver_kernel(Kernel& kernel, CUkernel& handle) {
    CUlibrary library = nullptr;
    if (cudaError_t error = library_of(*kernel.binary, library); error != cudaSuccess) return error;
    CUresult result = cuLibraryGetKernel(&handle, library, kernel.name);
    return result == CUDA_ERROR_NOT_FOUND ? cudaErrorInvalidDeviceFunction : to_runtime(result);
}

/// Managed variables have to be in place before the host reads them and before a kernel does.
cudaError_t place_managed(FatBinary& binary) {
    for (auto& variable : binary.variables) {
        if (!variable->managed) continue;
        CUdeviceptr address = 0;
        size_t size = 0;
        if (cudaError_t error = variable_at(variable->host, address, size); error != cudaSuccess) return error;
    }
    return cudaSuccess;
}

bool has_managed(const FatBinary& binary) {
    return std::ranges::any_of(binary.variables, [](auto& variable) { return variable->managed; });
}

} // namespace

const Resolved* ResolvedList::add(Resolved entry) {
    auto* added = new Resolved(entry);
    added->next = head_.load(std::memory_order_relaxed);
    while (!head_.compare_exchange_weak(added->next, added, std::memory_order_release, std::memory_order_relaxed)) {
    }
    return added;
}

ResolvedList::~ResolvedList() {
    for (Resolved* entry = head_.load(); entry;) delete std::exchange(entry, entry->next);
}

Kernel* find_kernel(const void* host) { return registry().kernels.find(host); }
Variable* find_variable(const void* host) { return registry().variables.find(host); }

static cudaError_t resolve(Kernel& kernel, CUfunction& function) {
    CUcontext context = context_now();
    unsigned resets = reset_count();
    if (const Resolved* known = kernel.resolved.find(context, resets)) {
        function = known->function;
        return cudaSuccess;
    }
    CUkernel handle = nullptr;
    if (cudaError_t error = driver_kernel(kernel, handle); error != cudaSuccess) return error;
    if (has_managed(*kernel.binary))
        if (cudaError_t error = place_managed(*kernel.binary); error != cudaSuccess) return error;
    if (CUresult result = cuKernelGetFunction(&function, handle); result != CUDA_SUCCESS) return to_runtime(result);
    kernel.resolved.add({.context = context, .resets = resets, .function = function});
    return cudaSuccess;
}

cudaError_t function_of(const void* kernel, CUfunction& function) {
    if (!kernel) return cudaErrorInvalidDeviceFunction;
    if (Kernel* registered = find_kernel(kernel)) return resolve(*registered, function);
    CUresult result = cuKernelGetFunction(&function, static_cast<CUkernel>(const_cast<void*>(kernel)));
    return result == CUDA_SUCCESS ? cudaSuccess : cudaErrorInvalidDeviceFunction;
}

const void* host_of(CUfunction function) {
    CUcontext context = context_now();
    unsigned resets = reset_count();
    std::lock_guard lock(registry().mutex);
    for (const auto& binary : registry().binaries)
        for (const auto& kernel : binary->kernels)
            if (const Resolved* known = kernel->resolved.find(context, resets); known && known->function == function)
                return kernel->host;
    return nullptr;
}

cudaError_t kernel_of(const void* host, CUkernel& kernel) {
    Kernel* registered = find_kernel(host);
    return registered ? driver_kernel(*registered, kernel) : cudaErrorInvalidDeviceFunction;
}

cudaError_t variable_at(const void* symbol, CUdeviceptr& address, size_t& size) {
    Variable* variable = find_variable(symbol);
    if (!variable) return cudaErrorInvalidSymbol;
    CUcontext context = context_now();
    unsigned resets = reset_count();
    const Resolved* known = variable->resolved.find(context, resets);
    if (!known) {
        CUlibrary library = nullptr;
        if (cudaError_t error = library_of(*variable->binary, library); error != cudaSuccess) return error;
        Resolved found{.context = context, .resets = resets};
        CUresult result = variable->managed ? cuLibraryGetManaged(&found.address, &found.size, library, variable->name)
                                            : cuLibraryGetGlobal(&found.address, &found.size, library, variable->name);
        if (result == CUDA_ERROR_NOT_FOUND && variable->managed)
            result = cuLibraryGetGlobal(&found.address, &found.size, library, variable->name);
        if (result != CUDA_SUCCESS) return result == CUDA_ERROR_NOT_FOUND ? cudaErrorInvalidSymbol : to_runtime(result);
        if (variable->managed) {
            // From here on the program reads the variable through its pointer, and names it by where the pointer leads.
            *static_cast<void**>(const_cast<void*>(variable->host)) = reinterpret_cast<void*>(found.address);
            std::lock_guard lock(registry().mutex);
            registry().variables.add(reinterpret_cast<void*>(found.address), variable);
        }
        known = variable->resolved.add(found);
    }
    address = known->address;
    size = known->size;
    return cudaSuccess;
}

void unload_everything(int) {
    // A library spans devices. With one of several devices reset, the libraries stay, as another device may be using them.
    for (int other = 0, used = 0; other < max_devices; other++)
        if (primary_of(other).context.load(std::memory_order_acquire) && ++used > 1) return;
    Registry& all = registry();
    std::lock_guard lock(all.mutex);
    for (auto& binary : all.binaries) {
        std::lock_guard binary_lock(binary->mutex);
        if (binary->library) cuLibraryUnload(std::exchange(binary->library, nullptr));
    }
}

} // namespace anywarp::runtime

using namespace anywarp::runtime;

#define ANYWARP_EXPORT __attribute__((visibility("default")))

extern "C" {

ANYWARP_EXPORT void** __cudaRegisterFatBinary(void* fatCubin) {
    auto binary = std::make_unique<FatBinary>();
    binary->image = fatCubin;
    Registry& all = registry();
    std::lock_guard lock(all.mutex);
    return reinterpret_cast<void**>(all.binaries.emplace_back(std::move(binary)).get());
}

ANYWARP_EXPORT void __cudaRegisterFatBinaryEnd(void**) {}

ANYWARP_EXPORT void __cudaUnregisterFatBinary(void** fatCubinHandle) {
    Registry& all = registry();
    std::lock_guard lock(all.mutex);
    auto found =
        std::ranges::find(all.binaries, reinterpret_cast<FatBinary*>(fatCubinHandle), [](auto& binary) { return binary.get(); });
    if (found == all.binaries.end()) return;
    std::unique_ptr<FatBinary> binary = std::move(*found);
    all.binaries.erase(found);
    // Two binaries may have registered one address (a template's kernel in two files); the other's registration counts from now.
    all.kernels.clear();
    all.variables.clear();
    for (auto& other : all.binaries) {
        for (auto& kernel : other->kernels) all.kernels.add(kernel->host, kernel.get());
        for (auto& variable : other->variables) {
            all.variables.add(variable->host, variable.get());
            if (variable->managed) all.variables.add(*static_cast<void* const*>(variable->host), variable.get());
        }
    }
    // At the process's end the driver answers that it is gone; there is nothing to unload then.
    if (binary->library) cuLibraryUnload(binary->library);
}

ANYWARP_EXPORT void __cudaRegisterFunction(void** fatCubinHandle, const char* hostFun, char*, const char* deviceName, int, uint3*,
                                           uint3*, dim3*, dim3*, int*) {
    auto* binary = reinterpret_cast<FatBinary*>(fatCubinHandle);
    auto kernel = std::make_unique<Kernel>();
    kernel->binary = binary;
    kernel->host = hostFun;
    kernel->name = deviceName;
    Registry& all = registry();
    std::lock_guard lock(all.mutex);
    all.kernels.add(hostFun, kernel.get());
    binary->kernels.push_back(std::move(kernel));
}

static void register_variable(void** fatCubinHandle, const void* host, const char* name, size_t size, bool constant,
                              bool managed) {
    auto* binary = reinterpret_cast<FatBinary*>(fatCubinHandle);
    auto variable = std::make_unique<Variable>();
    variable->binary = binary;
    variable->host = host;
    variable->name = name;
    variable->size = size;
    variable->constant = constant;
    variable->managed = managed;
    Registry& all = registry();
    std::lock_guard lock(all.mutex);
    all.variables.add(host, variable.get());
    binary->variables.push_back(std::move(variable));
}

ANYWARP_EXPORT void __cudaRegisterVar(void** fatCubinHandle, char* hostVar, char*, const char* deviceName, int, size_t size,
                                      int constant, int) {
    register_variable(fatCubinHandle, hostVar, deviceName, size, constant != 0, false);
}

ANYWARP_EXPORT void __cudaRegisterManagedVar(void** fatCubinHandle, void** hostVarPtrAddress, char*, const char* deviceName, int,
                                             size_t size, int constant, int) {
    register_variable(fatCubinHandle, hostVarPtrAddress, deviceName, size, constant != 0, true);
}

/// A host variable that device code names: the device reads the host's memory, so the program's own address is all there is to
/// it; the driver finds it by the address that the code holds.
ANYWARP_EXPORT void __cudaRegisterHostVar(void**, const char*, char*, size_t) {}

/// Before the host first touches a managed variable. Returns 1, which the program keeps as "done".
ANYWARP_EXPORT char __cudaInitModule(void** fatCubinHandle) {
    with_context([&] { return place_managed(*reinterpret_cast<FatBinary*>(fatCubinHandle)); });
    return 1;
}

/// The handle that a kernel's host stub keeps for its launches. It stays good when the device is reset, so it is ours and not
/// the driver's. Called also before the driver can be initialised: it must not load anything.
ANYWARP_EXPORT cudaError_t __cudaGetKernel(cudaKernel_t* kernelPtr, const void* entryFuncAddr) {
    if (!kernelPtr || !entryFuncAddr) return record(cudaErrorInvalidDeviceFunction);
    Kernel* kernel = find_kernel(entryFuncAddr);
    if (!kernel) {
        // A launch from a static initialiser that runs before its file's registration fails; but the stub asks only once, so that
        // later launches need a handle now. It leads to the kernel by its host address.
        static HostTable<Kernel>* early = new HostTable<Kernel>;
        std::lock_guard lock(registry().mutex);
        kernel = early->find(entryFuncAddr);
        if (!kernel) {
            kernel = new Kernel;
            kernel->host = entryFuncAddr;
            early->add(entryFuncAddr, kernel);
        }
    }
    *kernelPtr = reinterpret_cast<cudaKernel_t>(kernel);
    return cudaSuccess;
}

cudaError_t cudaGetKernel(cudaKernel_t* kernelPtr, const void* entryFuncAddr) {
    return with_context([&] {
        CUkernel kernel = nullptr;
        if (!kernelPtr) return cudaErrorInvalidValue;
        cudaError_t error = kernel_of(entryFuncAddr, kernel);
        if (error == cudaSuccess) *kernelPtr = kernel;
        return error;
    });
}

cudaError_t cudaGetFuncBySymbol(cudaFunction_t* functionPtr, const void* symbolPtr) {
    return with_context([&] { return functionPtr ? function_of(symbolPtr, *functionPtr) : cudaErrorInvalidValue; });
}

cudaError_t cudaGetSymbolAddress(void** devPtr, const void* symbol) {
    return with_context([&] {
        CUdeviceptr where = 0;
        size_t size = 0;
        if (!devPtr) return cudaErrorInvalidValue;
        cudaError_t error = variable_at(symbol, where, size);
        if (error == cudaSuccess) *devPtr = reinterpret_cast<void*>(where);
        return error;
    });
}

cudaError_t cudaGetSymbolSize(size_t* size, const void* symbol) {
    return with_context([&] {
        CUdeviceptr where = 0;
        return size ? variable_at(symbol, where, *size) : cudaErrorInvalidValue;
    });
}

} // extern "C"
