// Texture and surface objects and references behind the driver API's handles.
//
// A CUtexObject or CUsurfObject is the address of a TextureObject, which starts with the descriptor that kernels read. A texture
// or surface reference is a variable of a module that holds the address of such a descriptor; it is exchanged each time the
// reference is bound or its modes change, after queued work has finished.
//
// CUDA driver API, "Texture Object Management", "Surface Object Management", "Texture Reference Management [DEPRECATED]",
// "Surface Reference Management [DEPRECATED]".
#pragma once

#include "driver/array.h"
#include "machine/texture.h"

#include <optional>

namespace anywarp::driver {

struct alignas(64) TextureObject {
    AnywarpTexture descriptor{}; // first: its address is the handle
    CUDA_RESOURCE_DESC resource{};
    CUDA_TEXTURE_DESC modes{}; // not of surfaces
    std::optional<CUDA_RESOURCE_VIEW_DESC> view;
    CUcontext context = nullptr;
};

/// The descriptor of a resource seen with these modes, checked as cuTexObjectCreate documents it.
Result<AnywarpTexture> describe_texture(CUctx_st& context, const CUDA_RESOURCE_DESC& resource, const CUDA_TEXTURE_DESC& modes,
                                        const CUDA_RESOURCE_VIEW_DESC* view);
Result<AnywarpTexture> describe_surface(const CUDA_RESOURCE_DESC& resource);

} // namespace anywarp::driver

struct CUtexref_st {
    std::mutex mutex;
    AnywarpReference* variable = nullptr; // in the module's image; null for one made by cuTexRefCreate
    CUmodule module = nullptr;
    std::string name;
    anywarp::driver::TextureObject object; // what the variable leads to
    bool bound = false;
    CUarray_format format = CU_AD_FORMAT_FLOAT;
    int channels = 1;
};

struct CUsurfref_st {
    std::mutex mutex;
    AnywarpReference* variable = nullptr;
    CUmodule module = nullptr;
    std::string name;
    anywarp::driver::TextureObject object;
    bool bound = false;
};

namespace anywarp::driver {

struct TextureObjects {
    Registry<TextureObject> textures, surfaces;
    Registry<CUtexref_st> texture_references;
    Registry<CUsurfref_st> surface_references;
};
TextureObjects& texture_objects();

/// Ends the texture and surface objects of a context.
void clear_textures(CUctx_st& context);
/// A module goes, and its references with it.
void forget_references(CUmod_st& module);

} // namespace anywarp::driver
