// What a texture, surface or sampler handle points to: the contract between the machine, which makes descriptors, and the code
// of kernels, which reads them. Plain C, because the builtin library (src/simt/builtins) is C; the oracle reads the same
// layout with its own code.
//
// A CUtexObject, CUsurfObject, and what a .texref, .surfref or .samplerref holds, is the address of one of the structures below
// in host memory, 64-byte aligned, alive and unchanged while kernels run. A handle that is zero, wild or points to something else
// (the magic word differs) makes the kernel fault with CUDA_ERROR_ILLEGAL_ADDRESS.
//
// A module's .texref, .surfref or .samplerref variable is an AnywarpReference in the module image (ptx::image_layout gives its
// offset, 128 bytes each). The driver binds it by writing a handle into `handle` before a launch (cuModuleGetTexRef and
// cuTexRefSetArray ..., cudaBindTexture ...); unbound it is zero. `initial` holds the modes of the variable's initialiser, with
// magic set if there is one: they are the defaults of cuTexRefGet*. A .samplerref starts bound to its own `initial`.
//
// Source: CUDA driver API (CUDA_TEXTURE_DESC, CUDA_RESOURCE_DESC), CUDA programming guide, "Texture Fetching"; PTX ISA 9.0, 5.3
// (texture, sampler and surface types), 9.7.10, 9.7.11.
#ifndef ANYWARP_PTX_TEXTURE_DESCRIPTOR_H
#define ANYWARP_PTX_TEXTURE_DESCRIPTOR_H

#include <stdint.h>

#define ANYWARP_TEXTURE_MAGIC 0x54787441u   // AnywarpTexture as a texture
#define ANYWARP_SURFACE_MAGIC 0x53787441u   // AnywarpTexture as a surface: no sampler
#define ANYWARP_SAMPLER_MAGIC 0x4d787441u   // AnywarpSampler
#define ANYWARP_REFERENCE_MAGIC 0x52787441u // AnywarpReference
#define ANYWARP_TEXTURE_LEVELS 16

enum AnywarpGeometry { // as the resource was made
    ANYWARP_GEOMETRY_1D,
    ANYWARP_GEOMETRY_2D,
    ANYWARP_GEOMETRY_3D,
    ANYWARP_GEOMETRY_1D_LAYERED,
    ANYWARP_GEOMETRY_2D_LAYERED,
    ANYWARP_GEOMETRY_CUBE,
    ANYWARP_GEOMETRY_CUBE_LAYERED,
    ANYWARP_GEOMETRY_LINEAR // linear memory (tex1Dfetch): one dimension, `width` texels, nothing outside of it
};

enum AnywarpFormat { // of one channel; CU_AD_FORMAT_UNORM_* is the integer format read as normalised float
    ANYWARP_FORMAT_U8,
    ANYWARP_FORMAT_S8,
    ANYWARP_FORMAT_U16,
    ANYWARP_FORMAT_S16,
    ANYWARP_FORMAT_U32,
    ANYWARP_FORMAT_S32,
    ANYWARP_FORMAT_F16,
    ANYWARP_FORMAT_F32
};

enum AnywarpAddressMode { // the values of CUaddress_mode
    ANYWARP_ADDRESS_WRAP,
    ANYWARP_ADDRESS_CLAMP,
    ANYWARP_ADDRESS_MIRROR,
    ANYWARP_ADDRESS_BORDER
};

enum AnywarpFilterMode { // the values of CUfilter_mode
    ANYWARP_FILTER_POINT,
    ANYWARP_FILTER_LINEAR
};

typedef struct AnywarpSampler { // 64 bytes
    uint32_t magic;             // ANYWARP_SAMPLER_MAGIC
    uint32_t address_mode[3];   // AnywarpAddressMode of x, y, z; wrap and mirror act as clamp unless `normalized`
    uint32_t filter;            // AnywarpFilterMode; linear has no effect on fetches that return integers
    uint32_t mip_filter;        // AnywarpFilterMode between two levels
    uint32_t normalized;        // 1: coordinates are 0..1 (cubes: always); of a .samplerref 0 is force_unnormalized_coords: coordinates
                                // are normalised where texture and sampler both say so
    uint32_t seamless;          // 1: filtering crosses the edges of a cube's faces
    float mip_bias;             // added to the level of detail
    float min_level, max_level; // then it is clamped to these and to the levels that exist
    uint32_t max_anisotropy;    // kept for queries; filtering is isotropic
    uint32_t border[4];         // what a fetch outside returns with address mode border: bits of a float for fetches that return
                                // floats (as in CUDA_TEXTURE_DESC), the integer otherwise
} AnywarpSampler;

typedef struct AnywarpLevel {
    uint64_t data;        // host address of the first texel, a multiple of 4
    uint64_t row_pitch;   // bytes from one row to the next, a multiple of 4 when there is more than one row
    uint64_t slice_pitch; // bytes from one slice of depth, layer or cube face to the next; a multiple of 4
} AnywarpLevel;

// Texels are read in aligned 32-bit words: the memory must be readable up to the end of the word that holds the last texel.
// A level takes at most 8 GiB.
typedef struct AnywarpTexture {
    uint32_t magic;        // ANYWARP_TEXTURE_MAGIC or ANYWARP_SURFACE_MAGIC
    uint32_t geometry;     // AnywarpGeometry
    uint32_t format;       // AnywarpFormat
    uint32_t channels;     // 1, 2 or 4; the missing ones read as 0, the last one as 1
    uint32_t texel_bytes;  // size of the format x channels
    uint32_t read_float;   // 1: 8- and 16-bit integers are read as floats, 0..1 or -1..1 (CU_TRSF_READ_AS_INTEGER not set)
    uint32_t srgb;         // 1: 8-bit unsigned red, green and blue go from sRGB to linear (with read_float only)
    uint32_t level_count;  // from 1 to 16
    uint32_t width;        // of level 0, in texels; level l has max(1, width >> l)
    uint32_t height;       // 1 where there is no such dimension
    uint32_t depth;        // 1 where there is no such dimension; of 3-D textures only
    uint32_t layers;       // of layered ones, else 1; a layered cube of n cubes: n; slice of a face: 6 * layer + face
    uint32_t samples;      // of multisample textures (2dms): samples per texel, one slice each; 1 otherwise
    uint32_t reserved[3];
    AnywarpSampler sampler; // at offset 64; zero for surfaces
    AnywarpLevel levels[ANYWARP_TEXTURE_LEVELS];
} AnywarpTexture; // 512 bytes

typedef struct AnywarpReference { // a .texref, .surfref or .samplerref variable: 128 bytes, 64-byte aligned
    uint32_t magic;               // ANYWARP_REFERENCE_MAGIC
    uint32_t kind;                // ANYWARP_TEXTURE_MAGIC, ANYWARP_SURFACE_MAGIC or ANYWARP_SAMPLER_MAGIC
    uint64_t handle;              // what it is bound to; 0: nothing
    uint64_t reserved[6];
    AnywarpSampler initial; // at offset 64
} AnywarpReference;

#define ANYWARP_REFERENCE_HANDLE_OFFSET 8
#define ANYWARP_REFERENCE_INITIAL_OFFSET 64

#endif
