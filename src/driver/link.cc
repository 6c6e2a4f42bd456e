// The linker interface: PTX goes in (or fat binaries, host objects and archives that hold it), and what comes out as "cubin" is the
// linked PTX text, which cuModuleLoadData takes; so a "cubin" that goes in may be PTX, too. Machine code can't be linked. CUDA driver
// API, "Module Management", cuLink*.

#include "driver/api.h"
#include "driver/fatbin.h"
#include "driver/format.h"
#include "driver/host_object.h"
#include "driver/jit_options.h"
#include "driver/merge_ptx.h"

#include <algorithm>
#include <fstream>
#include <iterator>

using namespace anywarp;
using namespace anywarp::driver;

struct CUlinkState_st {
    machine::Device* device = nullptr;
    JitOptions options;
    std::vector<std::string> units;
    std::string linked;
};

namespace {

Registry<CUlinkState_st>& links() {
    static auto& all = *new Registry<CUlinkState_st>;
    return all;
}

Result<std::shared_ptr<CUlinkState_st>> link_of(CUlinkState handle) {
    auto link = links().find(handle);
    if (!link) return invalid_handle("not a link");
    return link;
}

Result<void> add_host_object(CUlinkState_st& link, const void* data, size_t size) {
    const auto& properties = link.device->properties();
    auto image = read_host_object(data, size, static_cast<unsigned>(properties.compute_major * 10 + properties.compute_minor));
    if (!image) {
        link.options.write_error_log(image.error().message);
        return std::unexpected(image.error());
    }
    std::ranges::move(image->ptx, std::back_inserter(link.units));
    return {};
}

Result<void> add(CUlinkState_st& link, CUjitInputType type, const void* data, size_t size, const std::string& name) {
    switch (type) {
    case CU_JIT_INPUT_PTX:
    case CU_JIT_INPUT_FATBINARY:
    case CU_JIT_INPUT_CUBIN:
        break;
    case CU_JIT_INPUT_OBJECT:
    case CU_JIT_INPUT_LIBRARY:
        return add_host_object(link, data, size);
    case CU_JIT_INPUT_NVVM:
        return unsupported("linking NVVM code; give PTX");
    default:
        return invalid_value(format("there is no input kind {}", static_cast<int>(type)));
    }
    auto ptx = ptx_of_image(data, size, *link.device, name);
    if (ptx) {
        // Read it now, so that the message concerns this input.
        if (auto module = ptx::parse_module(*ptx, name.empty() ? "<ptx>" : name); !module) ptx = std::unexpected(module.error());
    }
    if (!ptx) {
        link.options.write_error_log(ptx.error().message);
        return std::unexpected(ptx.error());
    }
    link.units.push_back(std::move(*ptx));
    return {};
}

CUresult create(const char* call, unsigned count, CUjit_option* options, void** values, CUlinkState* result) {
    return with_context(call, [&](CUctx_st& context) -> Result<void> {
        ANYWARP_REQUIRE(result);
        ANYWARP_TRY_AS(jit, JitOptions::read(count, options, values));
        auto link = std::make_shared<CUlinkState_st>();
        link->device = context.device;
        link->options = jit;
        *result = links().add(std::move(link));
        return {};
    });
}

CUresult add_data(const char* call, CUlinkState handle, CUjitInputType type, const void* data, size_t size, const char* name) {
    return with_context(call, [&](CUctx_st&) -> Result<void> {
        ANYWARP_REQUIRE(data);
        ANYWARP_TRY_AS(link, link_of(handle));
        return add(*link, type, data, size, name ? name : "");
    });
}

CUresult add_file(const char* call, CUlinkState handle, CUjitInputType type, const char* path) {
    return with_context(call, [&](CUctx_st&) -> Result<void> {
        ANYWARP_REQUIRE(path);
        ANYWARP_TRY_AS(link, link_of(handle));
        std::ifstream file(path, std::ios::binary);
        if (!file) return user_error(ErrorCode::file_not_found, format("can't open '{}'", path));
        std::string contents(std::istreambuf_iterator<char>(file), {});
        return add(*link, type, contents.data(), contents.size(), path);
    });
}

} // namespace

CUresult cuLinkCreate(unsigned count, CUjit_option* options, void** values, CUlinkState* state) {
    return create(__func__, count, options, values, state);
}
CUresult cuLinkCreate_v2(unsigned count, CUjit_option* options, void** values, CUlinkState* state) {
    return create(__func__, count, options, values, state);
}
CUresult cuLinkAddData(CUlinkState state, CUjitInputType type, void* data, size_t size, const char* name, unsigned, CUjit_option*,
                       void**) {
    return add_data(__func__, state, type, data, size, name);
}
CUresult cuLinkAddData_v2(CUlinkState state, CUjitInputType type, void* data, size_t size, const char* name, unsigned,
                          CUjit_option*, void**) {
    return add_data(__func__, state, type, data, size, name);
}
CUresult cuLinkAddFile(CUlinkState state, CUjitInputType type, const char* path, unsigned, CUjit_option*, void**) {
    return add_file(__func__, state, type, path);
}
CUresult cuLinkAddFile_v2(CUlinkState state, CUjitInputType type, const char* path, unsigned, CUjit_option*, void**) {
    return add_file(__func__, state, type, path);
}

CUresult cuLinkComplete(CUlinkState handle, void** image, size_t* size) {
    return with_context(__func__, [&](CUctx_st&) -> Result<void> {
        ANYWARP_REQUIRE(image);
        ANYWARP_TRY_AS(link, link_of(handle));
        if (link->units.empty()) return invalid_value("nothing was added");
        if (link->units.size() == 1) {
            link->linked = link->units.front();
        } else {
            auto merged = merge_ptx(link->units);
            if (!merged) {
                link->options.write_error_log(merged.error().message);
                return std::unexpected(merged.error());
            }
            link->linked = std::move(*merged);
        }
        link->options.write_error_log("");
        link->options.write_info_log("");
        *image = link->linked.data();
        if (size) *size = link->linked.size() + 1; // the text ends in a NUL
        return {};
    });
}

CUresult cuLinkDestroy(CUlinkState handle) {
    return with_driver(__func__, [&]() -> Result<void> {
        if (!links().remove(handle)) return invalid_handle("not a link");
        return {};
    });
}
