// libnvJitLink: several separately compiled units become one image. As in cuLink* (src/driver/link.cc) the units are PTX, linking is
// the driver's merge_ptx(), and what nvJitLinkGetLinkedCubin hands out is the linked PTX, which cuModuleLoadData takes as it takes a
// cubin. Our libnvrtc hands out PTX where a program asks for a cubin or for LTO-IR, so both kinds of input are taken when they are
// PTX. No context is needed, only -arch. nvJitLink User Guide, "User Interface".
//
// nvJitLink.h leads each function to one whose name holds the toolkit's version (__nvJitLinkCreate_12_4); all of those are exported.

#include "driver/fatbin.h"
#include "driver/format.h"
#include "driver/host_object.h"
#include "driver/merge_ptx.h"
#include "ptx/ast.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <new>

using namespace anywarp;
using namespace anywarp::driver;

extern "C" {
// Values as nvJitLink.h documents them.
typedef enum {
    NVJITLINK_SUCCESS = 0,
    NVJITLINK_ERROR_UNRECOGNIZED_OPTION = 1,
    NVJITLINK_ERROR_MISSING_ARCH = 2,
    NVJITLINK_ERROR_INVALID_INPUT = 3,
    NVJITLINK_ERROR_PTX_COMPILE = 4,
    NVJITLINK_ERROR_NVVM_COMPILE = 5,
    NVJITLINK_ERROR_INTERNAL = 6,
    NVJITLINK_ERROR_UNRECOGNIZED_INPUT = 8,
    NVJITLINK_ERROR_FINALIZE = 9,
    NVJITLINK_ERROR_NULL_INPUT = 10,
    NVJITLINK_ERROR_INCORRECT_INPUT_TYPE = 12,
    NVJITLINK_ERROR_MISSING_FATBIN = 15,
    NVJITLINK_ERROR_UNRECOGNIZED_ARCH = 16,
} nvJitLinkResult;
typedef enum {
    NVJITLINK_INPUT_NONE = 0,
    NVJITLINK_INPUT_CUBIN = 1,
    NVJITLINK_INPUT_PTX = 2,
    NVJITLINK_INPUT_LTOIR = 3,
    NVJITLINK_INPUT_FATBIN = 4,
    NVJITLINK_INPUT_OBJECT = 5,
    NVJITLINK_INPUT_LIBRARY = 6,
    NVJITLINK_INPUT_INDEX = 7,
    NVJITLINK_INPUT_ANY = 10
} nvJitLinkInputType;
typedef struct nvJitLink* nvJitLinkHandle;
}

struct nvJitLink {
    unsigned architecture = 0;
    std::vector<std::string> units;
    std::string linked, errors, information;
    bool complete = false;
};

namespace {

/// -arch=sm_80, -arch=compute_90a: the number, 0 where there is none.
unsigned architecture_of(std::string_view value) {
    for (std::string_view prefix : {"sm_", "compute_", "lto_"})
        if (value.starts_with(prefix)) return static_cast<unsigned>(std::strtoul(std::string(value.substr(prefix.size())).c_str(), nullptr, 10));
    return 0;
}

/// Options that change nothing here: how ptxas works, what it leaves out, what it prints.
bool is_known(std::string_view option) {
    constexpr std::string_view alone[] = {"-lto",      "-ptx",  "-g",       "-lineinfo", "-time",    "-verbose",
                                          "-no-cache", "-debug", "-lto-nvlink", "-optimize-unused-variables", "-device-stack-protector",
                                          "-nvvm",     "-fma",  "-ftz", "-prec-div", "-prec-sqrt"};
    constexpr std::string_view with_value[] = {"-O", "-maxrregcount=", "-ftz=", "-prec-div=", "-prec-sqrt=", "-fma=", "-kernels-used=",
                                               "-variables-used=", "-Xptxas=", "-Xnvvm=", "-split-compile=", "-split-compile-extended=",
                                               "-jump-table-density=", "-device-stack-protector=", "-optimize-unused-variables=",
                                               "-lineinfo=", "-g=", "-cluster-size=", "-r"};
    return std::ranges::find(alone, option) != std::end(alone) ||
           std::ranges::any_of(with_value, [&](std::string_view start) { return option.starts_with(start); });
}

nvJitLinkResult add(nvJitLink& link, nvJitLinkInputType type, const void* data, size_t size, const std::string& name) {
    auto refuse = [&](nvJitLinkResult result, const std::string& message) {
        link.errors += format("{}: {}\n", name.empty() ? "<input>" : name, message);
        return result;
    };
    if (link.complete) return refuse(NVJITLINK_ERROR_INVALID_INPUT, "the link is complete");
    const bool host = is_host_object(data, size);
    switch (type) {
    case NVJITLINK_INPUT_PTX:
    case NVJITLINK_INPUT_CUBIN:
    case NVJITLINK_INPUT_LTOIR:
    case NVJITLINK_INPUT_FATBIN:
        if (host) return refuse(NVJITLINK_ERROR_INCORRECT_INPUT_TYPE, "a host object or archive, which the input's kind doesn't say");
        break;
    case NVJITLINK_INPUT_OBJECT:
    case NVJITLINK_INPUT_LIBRARY:
        if (!host) return refuse(NVJITLINK_ERROR_INCORRECT_INPUT_TYPE, "neither a host object nor an archive");
        break;
    case NVJITLINK_INPUT_ANY:
        break;
    case NVJITLINK_INPUT_INDEX:
        return refuse(NVJITLINK_ERROR_UNRECOGNIZED_INPUT, "index files aren't supported");
    default:
        return refuse(NVJITLINK_ERROR_INVALID_INPUT, format("there is no input kind {}", static_cast<int>(type)));
    }
    auto image = host ? read_host_object(data, size, link.architecture) : read_image(data, size, link.architecture);
    if (!image) {
        // What only NVIDIA's own tools can read says so.
        if (type == NVJITLINK_INPUT_LTOIR) return refuse(NVJITLINK_ERROR_NVVM_COMPILE, "NVIDIA's LTO-IR isn't supported; give PTX");
        return refuse(image.error().code == ErrorCode::no_binary_for_gpu ? NVJITLINK_ERROR_MISSING_FATBIN : NVJITLINK_ERROR_UNRECOGNIZED_INPUT,
                      image.error().message);
    }
    for (std::string& unit : image->ptx) {
        if (auto module = ptx::parse_module(unit, name.empty() ? "<ptx>" : name); !module)
            return refuse(NVJITLINK_ERROR_PTX_COMPILE, module.error().message);
        link.units.push_back(std::move(unit));
    }
    return NVJITLINK_SUCCESS;
}

template <class Body> nvJitLinkResult guarded(nvJitLink* link, Body body) {
    if (!link) return NVJITLINK_ERROR_NULL_INPUT;
    try {
        return body(*link);
    } catch (...) {
        return NVJITLINK_ERROR_INTERNAL;
    }
}

nvJitLinkResult give(const std::string& text, size_t* size) {
    if (!size) return NVJITLINK_ERROR_NULL_INPUT;
    *size = text.size() + 1;
    return NVJITLINK_SUCCESS;
}
nvJitLinkResult give(const std::string& text, void* to) {
    if (!to) return NVJITLINK_ERROR_NULL_INPUT;
    std::memcpy(to, text.c_str(), text.size() + 1);
    return NVJITLINK_SUCCESS;
}

} // namespace

#define EXPORT extern "C" __attribute__((visibility("default")))

EXPORT nvJitLinkResult nvJitLinkCreate(nvJitLinkHandle* handle, uint32_t count, const char* const* options) {
    if (!handle || (count && !options)) return NVJITLINK_ERROR_NULL_INPUT;
    *handle = nullptr;
    try {
        auto link = std::make_unique<nvJitLink>();
        bool given = false;
        for (uint32_t i = 0; i < count; ++i) {
            std::string_view option = options[i] ? options[i] : "";
            if (option.starts_with("--")) option.remove_prefix(1);
            if (option.starts_with("-arch=")) {
                given = true;
                link->architecture = architecture_of(option.substr(6));
                if (!link->architecture) return NVJITLINK_ERROR_UNRECOGNIZED_ARCH;
            } else if (!is_known(option)) {
                return NVJITLINK_ERROR_UNRECOGNIZED_OPTION;
            }
        }
        if (!given) return NVJITLINK_ERROR_MISSING_ARCH;
        *handle = link.release();
        return NVJITLINK_SUCCESS;
    } catch (...) {
        return NVJITLINK_ERROR_INTERNAL;
    }
}

EXPORT nvJitLinkResult nvJitLinkDestroy(nvJitLinkHandle* handle) {
    if (!handle || !*handle) return NVJITLINK_ERROR_NULL_INPUT;
    delete *handle;
    *handle = nullptr;
    return NVJITLINK_SUCCESS;
}

EXPORT nvJitLinkResult nvJitLinkAddData(nvJitLinkHandle handle, nvJitLinkInputType type, const void* data, size_t size, const char* name) {
    return guarded(handle, [&](nvJitLink& link) {
        if (!data) return NVJITLINK_ERROR_NULL_INPUT;
        return add(link, type, data, size, name ? name : "");
    });
}

EXPORT nvJitLinkResult nvJitLinkAddFile(nvJitLinkHandle handle, nvJitLinkInputType type, const char* path) {
    return guarded(handle, [&](nvJitLink& link) {
        if (!path) return NVJITLINK_ERROR_NULL_INPUT;
        std::ifstream file(path, std::ios::binary);
        if (!file) {
            link.errors += format("can't open '{}'\n", path);
            return NVJITLINK_ERROR_INVALID_INPUT;
        }
        std::string contents(std::istreambuf_iterator<char>(file), {});
        return add(link, type, contents.data(), contents.size(), path);
    });
}

EXPORT nvJitLinkResult nvJitLinkComplete(nvJitLinkHandle handle) {
    return guarded(handle, [](nvJitLink& link) {
        if (link.units.empty()) {
            link.errors += "nothing was added\n";
            return NVJITLINK_ERROR_INVALID_INPUT;
        }
        auto merged = link.units.size() == 1 ? Result<std::string>(link.units.front()) : merge_ptx(link.units);
        // Two definitions of one name show when the whole is read.
        if (merged)
            if (auto module = ptx::parse_module(*merged, "<linked>"); !module) merged = std::unexpected(module.error());
        if (!merged) {
            link.errors += merged.error().message + "\n";
            return NVJITLINK_ERROR_FINALIZE;
        }
        link.linked = std::move(*merged);
        link.complete = true;
        return NVJITLINK_SUCCESS;
    });
}

#define RESULT(Name, member, Type, ready)                                                                                        \
    EXPORT nvJitLinkResult nvJitLinkGet##Name##Size(nvJitLinkHandle handle, size_t* size) {                                      \
        return guarded(handle, [&](nvJitLink& link) { return ready ? give(link.member, size) : NVJITLINK_ERROR_INVALID_INPUT; }); \
    }                                                                                                                            \
    EXPORT nvJitLinkResult nvJitLinkGet##Name(nvJitLinkHandle handle, Type* to) {                                                \
        return guarded(handle, [&](nvJitLink& link) { return ready ? give(link.member, to) : NVJITLINK_ERROR_INVALID_INPUT; });   \
    }
RESULT(LinkedCubin, linked, void, link.complete)
RESULT(LinkedPtx, linked, char, link.complete)
RESULT(ErrorLog, errors, char, true)
RESULT(InfoLog, information, char, true)

/// 12.2 in both libraries: from 12.3 on programs (numba, cuda.core) expect that NVIDIA's LTO-IR is taken, and choose PTX below.
EXPORT nvJitLinkResult nvJitLinkVersion(unsigned* major, unsigned* minor) {
    if (!major || !minor) return NVJITLINK_ERROR_NULL_INPUT;
    *major = 12;
    *minor = 2;
    return NVJITLINK_SUCCESS;
}

// The names of the header, per release of the toolkit.
#define ALIAS(Name, version)                                                                                                     \
    EXPORT decltype(nvJitLink##Name) __nvJitLink##Name##_##version __attribute__((alias("nvJitLink" #Name)));
#define RELEASE(version)                                                                                                         \
    ALIAS(Create, version)                                                                                                       \
    ALIAS(Destroy, version)                                                                                                      \
    ALIAS(AddData, version)                                                                                                      \
    ALIAS(AddFile, version)                                                                                                      \
    ALIAS(Complete, version)                                                                                                     \
    ALIAS(GetLinkedCubinSize, version)                                                                                           \
    ALIAS(GetLinkedCubin, version)                                                                                               \
    ALIAS(GetLinkedPtxSize, version)                                                                                             \
    ALIAS(GetLinkedPtx, version)                                                                                                 \
    ALIAS(GetErrorLogSize, version)                                                                                              \
    ALIAS(GetErrorLog, version)                                                                                                  \
    ALIAS(GetInfoLogSize, version)                                                                                               \
    ALIAS(GetInfoLog, version)
#if ANYWARP_NVJITLINK_MAJOR == 12
RELEASE(12_0)
RELEASE(12_1)
RELEASE(12_2)
RELEASE(12_3)
RELEASE(12_4)
RELEASE(12_5)
RELEASE(12_6)
RELEASE(12_7)
RELEASE(12_8)
RELEASE(12_9)
#else
RELEASE(13_0)
RELEASE(13_1)
#endif
