// Modules: PTX, fat binaries and files become loaded modules; their functions and variables are found by name.
// CUDA driver API, "Module Management".

#include "driver/api.h"
#include "driver/fatbin.h"
#include "driver/format.h"
#include "driver/jit_options.h"
#include "driver/merge_ptx.h"
#include "driver/texture.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <unistd.h>

using namespace anywarp;
using namespace anywarp::driver;

namespace anywarp::driver {

std::string file_of_address(const void* address) {
    Dl_info info{};
    std::error_code ignored;
    if (dladdr(address, &info) && info.dli_fname && *info.dli_fname) return info.dli_fname;
    return std::filesystem::read_symlink("/proc/self/exe", ignored).string();
}

Result<std::string> ptx_of_image(const void* pointer, size_t size, machine::Device& device, const std::string& name) {
    unsigned architecture = static_cast<unsigned>(device.properties().compute_major * 10 + device.properties().compute_minor);
    auto image = read_image(pointer, size, architecture);
    if (!image) {
        if (image.error().code == ErrorCode::no_binary_for_gpu) {
            // The caller sees a number; the person at the keyboard needs to know what to do.
            std::string line = format("anywarp: {} {}\n", name.empty() ? file_of_address(pointer) : name, image.error().message);
            [[maybe_unused]] auto written = write(STDERR_FILENO, line.data(), line.size());
        }
        return std::unexpected(image.error());
    }
    if (image->ptx.size() == 1) return std::move(image->ptx.front());
    return merge_ptx(image->ptx);
}

Result<CUmodule> load_ptx(CUctx_st* context, machine::Device& device, std::string ptx, std::string name) {
    ANYWARP_TRY_AS(loaded, machine::LoadedModule::load(device, std::move(ptx), std::move(name)));
    auto module = std::make_shared<CUmod_st>();
    module->module = std::move(loaded);
    module->context = context;
    CUmodule handle = objects().modules.add(std::move(module));
    if (context) {
        std::lock_guard lock(context->mutex);
        context->modules.insert(handle);
    }
    return handle;
}

Result<CUmodule> load_image(CUctx_st& context, const void* image, size_t size, const std::string& name) {
    ANYWARP_TRY_AS(ptx, ptx_of_image(image, size, *context.device, name));
    return load_ptx(&context, *context.device, std::move(ptx), name.empty() ? "<image>" : name);
}

void unload(std::shared_ptr<CUmod_st> module) {
    std::map<std::string, CUfunction> functions;
    {
        std::lock_guard lock(module->mutex);
        functions.swap(module->functions);
    }
    for (auto& [name, function] : functions) objects().functions.remove(function);
    forget_references(*module);
}

Result<CUfunction> find_function(CUmod_st& module, const std::string& name) {
    std::lock_guard lock(module.mutex);
    if (auto known = module.functions.find(name); known != module.functions.end()) return known->second;
    ANYWARP_TRY_AS(kernel, module.module->find_kernel(name));
    auto function = std::make_shared<CUfunc_st>();
    function->kernel = std::move(kernel);
    function->module = &module;
    return module.functions[name] = objects().functions.add(std::move(function));
}

} // namespace anywarp::driver

namespace {

Result<std::shared_ptr<CUmod_st>> module_of(CUmodule handle) {
    auto module = objects().modules.find(handle);
    if (!module) return invalid_handle("not a module");
    return module;
}

Result<std::string> read_file(const char* path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return user_error(ErrorCode::file_not_found, format("can't open '{}'", path));
    return std::string(std::istreambuf_iterator<char>(file), {});
}

} // namespace

CUresult cuModuleLoad(CUmodule* module, const char* path) {
    return with_context(__func__, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_REQUIRE(module);
        ANYWARP_REQUIRE(path);
        ANYWARP_TRY_AS(contents, read_file(path));
        ANYWARP_TRY_AS(handle, load_image(context, contents.data(), contents.size(), path));
        *module = handle;
        return {};
    });
}

CUresult cuModuleLoadData(CUmodule* module, const void* image) {
    return with_context(__func__, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_REQUIRE(module);
        ANYWARP_REQUIRE(image);
        ANYWARP_TRY_AS(handle, load_image(context, image, unknown_size, ""));
        *module = handle;
        return {};
    });
}

CUresult cuModuleLoadFatBinary(CUmodule* module, const void* image) {
    return with_context(__func__, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_REQUIRE(module);
        ANYWARP_REQUIRE(image);
        ANYWARP_TRY_AS(handle, load_image(context, image, unknown_size, ""));
        *module = handle;
        return {};
    });
}

CUresult cuModuleLoadDataEx(CUmodule* module, const void* image, unsigned count, CUjit_option* options, void** values) {
    return with_context(__func__, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_REQUIRE(module);
        ANYWARP_REQUIRE(image);
        ANYWARP_TRY_AS(jit, JitOptions::read(count, options, values));
        auto begin = std::chrono::steady_clock::now();
        auto handle = load_image(context, image, unknown_size, "");
        jit.set_wall_time(std::chrono::duration<float, std::milli>(std::chrono::steady_clock::now() - begin).count());
        jit.write_error_log(handle ? "" : handle.error().message);
        jit.write_info_log("");
        if (!handle) return std::unexpected(handle.error());
        *module = *handle;
        return {};
    });
}

CUresult cuModuleUnload(CUmodule handle) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_TRY_AS(module, module_of(handle));
        if (module->library) return user_error(ErrorCode::not_permitted, "the module belongs to a library");
        // Queued launches keep what they need alive themselves.
        if (!objects().modules.remove(handle)) return invalid_handle("not a module");
        if (module->context) {
            std::lock_guard lock(module->context->mutex);
            module->context->modules.erase(handle);
        }
        unload(std::move(module));
        return {};
    });
}

CUresult cuModuleGetLoadingMode(CUmoduleLoadingMode* mode) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(mode);
        const char* wanted = std::getenv("CUDA_MODULE_LOADING");
        *mode = wanted && std::strcmp(wanted, "EAGER") == 0 ? CU_MODULE_EAGER_LOADING : CU_MODULE_LAZY_LOADING;
        return {};
    });
}

CUresult cuModuleGetFunction(CUfunction* function, CUmodule handle, const char* name) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(function);
        ANYWARP_REQUIRE(name);
        ANYWARP_TRY_AS(module, module_of(handle));
        ANYWARP_TRY_AS(found, find_function(*module, name));
        *function = found;
        return {};
    });
}

CUresult cuModuleGetFunctionCount(unsigned* count, CUmodule handle) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(count);
        ANYWARP_TRY_AS(module, module_of(handle));
        *count = static_cast<unsigned>(module->module->kernel_names().size());
        return {};
    });
}

CUresult cuModuleEnumerateFunctions(CUfunction* functions, unsigned count, CUmodule handle) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(functions);
        ANYWARP_TRY_AS(module, module_of(handle));
        std::vector<std::string> names = module->module->kernel_names();
        for (unsigned i = 0; i < std::min<size_t>(count, names.size()); ++i) {
            ANYWARP_TRY_AS(function, find_function(*module, names[i]));
            functions[i] = function;
        }
        return {};
    });
}

CUresult cuModuleGetGlobal_v2(CUdeviceptr* pointer, size_t* bytes, CUmodule handle, const char* name) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(name);
        ANYWARP_TRY_AS(module, module_of(handle));
        ANYWARP_TRY_AS(global, module->module->find_global(name));
        if (pointer) *pointer = reinterpret_cast<CUdeviceptr>(global.address);
        if (bytes) *bytes = global.size;
        return {};
    });
}
