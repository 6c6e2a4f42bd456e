// Libraries: modules that don't belong to a context. The image is read when the library is loaded, and becomes a module of a
// device when something of it is first asked for there. CUDA driver API, "Library Management".

#include "driver/api.h"
#include "driver/fatbin.h"
#include "driver/format.h"
#include "driver/jit_options.h"

#include <algorithm>
#include <fstream>
#include <iterator>

using namespace anywarp;
using namespace anywarp::driver;

namespace anywarp::driver {
namespace {

/// The library's module for a device, loaded at the first request.
Result<CUmodule> module_for(CUlib_st& library, machine::Device& device) {
    std::lock_guard lock(library.mutex);
    if (auto known = library.modules.find(device.ordinal()); known != library.modules.end()) return known->second;
    ANYWARP_TRY_AS(module, load_ptx(nullptr, device, library.ptx, library.name));
    module->library = &library;
    library.modules[device.ordinal()] = module;
    return module;
}

Result<std::shared_ptr<CUlib_st>> library_of(CUlibrary handle) {
    auto library = objects().libraries.find(handle);
    if (!library) return invalid_handle("not a library");
    return library;
}

/// Libraries know no context: where there is none, the first device stands for all.
Result<machine::Device*> some_device() {
    if (auto context = current_context()) return (*context)->device;
    return device_of(0);
}

Result<CUkernel> kernel_handle(CUlib_st& library, const std::string& name) {
    ANYWARP_TRY_AS(device, some_device());
    ANYWARP_TRY_AS(module, module_for(library, *device));
    ANYWARP_TRY(find_function(*module, name));
    std::lock_guard lock(library.mutex);
    if (auto known = library.kernels.find(name); known != library.kernels.end()) return known->second;
    auto kernel = std::make_shared<CUkern_st>();
    kernel->library = &library;
    kernel->name = name;
    return library.kernels[name] = objects().kernels.add(std::move(kernel));
}

Result<CUlibrary> load(const void* image, size_t size, std::string name) {
    ANYWARP_TRY_AS(device, some_device());
    ANYWARP_TRY_AS(ptx, ptx_of_image(image, size, *device, name));
    auto library = std::make_shared<CUlib_st>();
    library->ptx = std::move(ptx);
    library->name = name.empty() ? "<image>" : std::move(name);
    ANYWARP_TRY(module_for(*library, *device)); // so that bad PTX is reported here, and not by the first kernel
    return objects().libraries.add(std::move(library));
}

CUresult load_with_options(const char* call, CUlibrary* result, unsigned count, CUjit_option* options, void** values,
                           auto load_library) {
    return with_driver(call, [&]() -> Result<void> {
        ANYWARP_REQUIRE(result);
        ANYWARP_TRY_AS(jit, JitOptions::read(count, options, values));
        Result<CUlibrary> library = load_library();
        jit.write_error_log(library ? "" : library.error().message);
        jit.write_info_log("");
        if (!library) return std::unexpected(library.error());
        *result = *library;
        return {};
    });
}

} // namespace

void forget_library_modules(machine::Device& device) {
    for (const std::shared_ptr<CUlib_st>& library : objects().libraries.all()) {
        std::lock_guard lock(library->mutex);
        auto found = library->modules.find(device.ordinal());
        if (found == library->modules.end()) continue;
        if (auto module = objects().modules.remove(found->second)) unload(std::move(module));
        library->modules.erase(found);
    }
}

Result<std::shared_ptr<CUfunc_st>> function_of(CUkernel handle, machine::Device& device) {
    auto kernel = objects().kernels.find(handle);
    if (!kernel) return invalid_handle("not a kernel");
    ANYWARP_TRY_AS(module, module_for(*kernel->library, device));
    ANYWARP_TRY_AS(function, find_function(*module, kernel->name));
    return objects().functions.find(function);
}

} // namespace anywarp::driver

CUresult cuLibraryLoadData(CUlibrary* library, const void* code, CUjit_option* jit_options, void** jit_values, unsigned jit_count,
                           CUlibraryOption*, void**, unsigned) {
    return load_with_options(__func__, library, jit_count, jit_options, jit_values, [&]() -> Result<CUlibrary> {
        ANYWARP_REQUIRE(code);
        return load(code, unknown_size, "");
    });
}

CUresult cuLibraryLoadFromFile(CUlibrary* library, const char* path, CUjit_option* jit_options, void** jit_values,
                               unsigned jit_count, CUlibraryOption*, void**, unsigned) {
    return load_with_options(__func__, library, jit_count, jit_options, jit_values, [&]() -> Result<CUlibrary> {
        ANYWARP_REQUIRE(path);
        std::ifstream file(path, std::ios::binary);
        if (!file) return user_error(ErrorCode::file_not_found, format("can't open '{}'", path));
        std::string contents(std::istreambuf_iterator<char>(file), {});
        return load(contents.data(), contents.size(), path);
    });
}

CUresult cuLibraryUnload(CUlibrary handle) {
    return with_driver(__func__, [&]() -> Result<void> {
        auto library = objects().libraries.remove(handle);
        if (!library) return invalid_handle("not a library");
        std::lock_guard lock(library->mutex);
        for (auto& [name, kernel] : library->kernels) objects().kernels.remove(kernel);
        for (auto& [device, module] : library->modules)
            if (auto object = objects().modules.remove(module)) unload(std::move(object));
        return {};
    });
}

CUresult cuLibraryGetKernel(CUkernel* kernel, CUlibrary handle, const char* name) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(kernel);
        ANYWARP_REQUIRE(name);
        ANYWARP_TRY_AS(library, library_of(handle));
        ANYWARP_TRY_AS(found, kernel_handle(*library, name));
        *kernel = found;
        return {};
    });
}

CUresult cuLibraryGetKernelCount(unsigned* count, CUlibrary handle) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(count);
        ANYWARP_TRY_AS(library, library_of(handle));
        ANYWARP_TRY_AS(device, some_device());
        ANYWARP_TRY_AS(module, module_for(*library, *device));
        *count = static_cast<unsigned>(module->module->kernel_names().size());
        return {};
    });
}

CUresult cuLibraryEnumerateKernels(CUkernel* kernels, unsigned count, CUlibrary handle) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(kernels);
        ANYWARP_TRY_AS(library, library_of(handle));
        ANYWARP_TRY_AS(device, some_device());
        ANYWARP_TRY_AS(module, module_for(*library, *device));
        std::vector<std::string> names = module->module->kernel_names();
        for (unsigned i = 0; i < std::min<size_t>(count, names.size()); ++i) {
            ANYWARP_TRY_AS(kernel, kernel_handle(*library, names[i]));
            kernels[i] = kernel;
        }
        return {};
    });
}

CUresult cuLibraryGetModule(CUmodule* module, CUlibrary handle) {
    return with_context(__func__, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_REQUIRE(module);
        ANYWARP_TRY_AS(library, library_of(handle));
        ANYWARP_TRY_AS(loaded, module_for(*library, *context.device));
        *module = loaded;
        return {};
    });
}

CUresult cuLibraryGetGlobal(CUdeviceptr* pointer, size_t* bytes, CUlibrary handle, const char* name) {
    return with_context(__func__, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_REQUIRE(name);
        ANYWARP_TRY_AS(library, library_of(handle));
        ANYWARP_TRY_AS(module, module_for(*library, *context.device));
        ANYWARP_TRY_AS(global, module->module->find_global(name));
        if (pointer) *pointer = reinterpret_cast<CUdeviceptr>(global.address);
        if (bytes) *bytes = global.size;
        return {};
    });
}

CUresult cuLibraryGetManaged(CUdeviceptr* pointer, size_t* bytes, CUlibrary handle, const char* name) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(name);
        ANYWARP_TRY_AS(library, library_of(handle));
        ANYWARP_TRY_AS(device, some_device());
        ANYWARP_TRY_AS(module, module_for(*library, *device));
        ANYWARP_TRY_AS(global, module->module->find_global(name));
        if (!global.managed) return user_error(ErrorCode::not_found, format("'{}' isn't a managed variable", name));
        if (pointer) *pointer = reinterpret_cast<CUdeviceptr>(global.address);
        if (bytes) *bytes = global.size;
        return {};
    });
}

CUresult cuLibraryGetUnifiedFunction(void**, CUlibrary, const char*) {
    return with_driver(__func__, []() -> Result<void> { return unsupported("unified function pointers"); });
}

CUresult cuKernelGetFunction(CUfunction* function, CUkernel handle) {
    return with_context(__func__, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_REQUIRE(function);
        ANYWARP_TRY_AS(found, function_of(handle, *context.device));
        *function = found.get();
        return {};
    });
}

CUresult cuKernelGetLibrary(CUlibrary* library, CUkernel handle) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(library);
        auto kernel = objects().kernels.find(handle);
        if (!kernel) return invalid_handle("not a kernel");
        *library = kernel->library;
        return {};
    });
}

CUresult cuKernelGetName(const char** name, CUkernel handle) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(name);
        if (auto kernel = objects().kernels.find(handle)) {
            *name = kernel->name.c_str();
            return {};
        }
        if (auto function = objects().functions.find(reinterpret_cast<CUfunction>(handle))) {
            *name = function->kernel->name().c_str();
            return {};
        }
        return invalid_handle("not a kernel");
    });
}
