// Arrays behind the driver API's handles, and what copies, textures and surfaces need to know of them.
//
// A CUarray is a whole array, one mipmap level of a CUmipmappedArray, or one plane of a planar video format; the last two belong
// to the array they are part of and go with it. The texels are the machine's (machine/array.h).
//
// CUDA driver API, "Memory Management": cuArrayCreate, cuArray3DCreate, cuMipmappedArrayCreate.
#pragma once

#include "driver/api.h"
#include "machine/array.h"

struct CUarray_st {
    std::shared_ptr<anywarp::machine::Array> storage; // null for an array of a planar format, which consists of its planes
    unsigned level = 0;
    CUDA_ARRAY3D_DESCRIPTOR descriptor{}; // as the program gave it; of a level or plane: its own
    CUcontext context = nullptr;
    bool part = false; // of a mipmapped array or a planar one
    std::vector<CUarray> planes;
};

struct CUmipmappedArray_st {
    std::shared_ptr<anywarp::machine::Array> storage;
    CUDA_ARRAY3D_DESCRIPTOR descriptor{};
    CUcontext context = nullptr;
    std::vector<CUarray> levels;
};

namespace anywarp::driver {

struct ArrayObjects {
    Registry<CUarray_st> arrays;
    Registry<CUmipmappedArray_st> mipmapped;
};
ArrayObjects& array_objects();

Result<std::shared_ptr<CUarray_st>> array_of(CUarray handle);                   // invalid_handle
Result<std::shared_ptr<CUmipmappedArray_st>> array_of(CUmipmappedArray handle); // invalid_handle

/// What a CUarray_format is to kernels. `channels` 0: any of 1, 2, 4. Errors: invalid_value; unsupported for formats that exist
/// in CUDA but not here (block-compressed and packed video ones).
struct TexelFormat {
    AnywarpFormat format = ANYWARP_FORMAT_U8;
    unsigned channels = 0;
    bool normalized = false; // CU_AD_FORMAT_UNORM_* and SNORM: always read as a float
};
Result<TexelFormat> texel_format(CUarray_format format, unsigned channels);

/// One side of a copy that is an array: a box of it, as memory. Offsets and width in bytes. Errors: invalid_value where the box
/// leaves the array or cuts through texels.
struct ArrayBox {
    uint8_t* data = nullptr;
    uint64_t row_pitch = 0, slice_pitch = 0;
};
Result<ArrayBox> array_box(CUarray handle, uint64_t x, uint64_t y, uint64_t z, uint64_t width, uint64_t height, uint64_t depth);

/// Ends the arrays of a context.
void clear_arrays(CUctx_st& context);

} // namespace anywarp::driver
