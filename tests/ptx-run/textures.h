// Textures, surfaces and samplers of a case: what the TEXTURE, TEXTURES, SURFACE, SURFACES and SAMPLER lines of a header say,
// and the descriptors and texels that they become.
//
//   // TEXTURE name 2d u8x4 13x7 filter=linear address=wrap+clamp normalized      a kernel parameter: a handle
//   // TEXTURES name 2d {u8x4,f16x2} 13x7 filter={point,linear}                   a kernel parameter: a pointer to the handles of all
//                                                                                combinations, in the order of counting, last word fastest
//   // TEXTURE @variable ...                                                      bound to a .texref of the module instead
// Geometries: 1d, 2d, 3d, a1d, a2d, cube, acube, 2dms, linear. Sizes: width x height x depth; layers=3, levels=4, samples=4.
// Words: filter=, mip=point|linear; address=wrap|clamp|mirror|border for all dimensions, or several with +; normalized; float (read
// integers as 0..1); srgb; seamless; bias=, min=, max= (levels of detail); border=a,b,c,d (floats; 0x... are bits);
// fill=random|unit|edge|index (unit: floats in 0..1; integers any); pitch=N more bytes per row; none: nothing (for alternatives).
#pragma once

#include "ptx/error.h"
#include "ptx/texture_descriptor.h"

#include <memory>
#include <string>
#include <vector>

namespace anywarp::ptx_run {

struct TextureSpec {
    std::string name, variable; // variable: without the @
    bool surface = false, sampler = false, array = false;
    std::vector<std::vector<std::string>> combinations; // words of each
};

/// Reads what stands behind the keyword; false when something is wrong.
bool parse_texture(const std::string& keyword, const std::string& rest, TextureSpec& spec);

/// Descriptors and texels. Stays where it is: descriptors point into it.
struct Textures {
    std::vector<std::unique_ptr<uint8_t[]>> storage;
    std::vector<std::pair<uint8_t*, uint64_t>> ranges; // everything that a kernel may read or write
    std::vector<std::pair<uint8_t*, uint64_t>> texels; // to compare after a run
    std::vector<std::vector<uint64_t>> handles;        // per spec
    std::vector<uint64_t> arrays;                      // per spec: address of its handles
};
Result<void> make_textures(const std::vector<TextureSpec>& specs, Textures& textures);

} // namespace anywarp::ptx_run
