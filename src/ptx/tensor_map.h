// What a tensor map holds: the 128 bytes that cuTensorMapEncode* writes and cp.async.bulk.tensor reads. Only the driver and the
// code of such instructions look inside; NVIDIA documents no layout, so this one is ours.
//
// CUDA driver API, "Tensor Map Object Management"; PTX ISA 9.0, 5.5.8 (tensor map), 9.7.9.25.5 (tensor copies).
#pragma once

#include <cstdint>

namespace anywarp::ptx {

struct TensorMap {
    enum class Kind : uint8_t { tiled, im2col, im2col_wide };
    uint64_t address = 0;
    Kind kind = Kind::tiled;
    uint8_t type = 0, rank = 0, interleave = 0, swizzle = 0, promotion = 0, fill = 0, mode = 0; // as CUtensorMap* number them
    uint64_t strides[4] = {};      // bytes, of dimensions 1 ...
    uint32_t last[5] = {};         // size - 1 of each dimension
    uint16_t box[5] = {};          // tiled: elements of each dimension
    uint8_t element_strides[6] = {};
    int16_t lower[3] = {}, upper[3] = {}; // im2col: corners of the box of pixels
    uint16_t channels = 0, pixels = 0;
    uint32_t magic = 0x746d6170;
    uint32_t unused[6] = {};
};
static_assert(sizeof(TensorMap) == 128);

} // namespace anywarp::ptx
