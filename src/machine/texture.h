// The descriptors that texture and surface handles lead to: what of an array, or of plain memory, a kernel sees.
//
// A descriptor is a snapshot of sizes and addresses; it neither owns nor guards the memory. Whoever hands its address to kernels
// keeps it alive and unchanged while they run (ptx/texture_descriptor.h).
//
// CUDA driver API, "Texture Object Management", "Surface Object Management".
#pragma once

#include "machine/array.h"

namespace anywarp::machine {

/// Levels first .. first + count - 1 of an array, as a texture without a sampler.
AnywarpTexture describe(const Array& array, unsigned first, unsigned count);
/// A row of texels in plain memory, for fetches by index.
AnywarpTexture describe_linear(void* memory, AnywarpFormat format, uint32_t channels, uint64_t texels);
/// A pitched 2-D image in plain memory.
AnywarpTexture describe_pitched(void* memory, AnywarpFormat format, uint32_t channels, uint64_t width, uint64_t height,
                                uint64_t pitch);
/// Leaves only some layers of a layered texture (of a layered cube: some cubes).
void select_layers(AnywarpTexture& texture, unsigned first, unsigned count);

} // namespace anywarp::machine
