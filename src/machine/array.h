// CUDA arrays: images of one to three dimensions, layered, cubes, with mipmap levels, that textures and surfaces read and write.
//
// A GPU stores an array in an order of its own that favours neighbours in two dimensions; a program can't see it, as it only
// copies to and from arrays. On a CPU rows one after the other serve best: every level is plain row-major memory with a row
// pitch, one slice (of depth, of a layer, of a cube's face) after the other, and a copy to or from an array is a pitched copy.
// All levels of an array lie in one allocation.
//
// CUDA driver API, "Memory Management" (cuArray3DCreate, cuMipmappedArrayCreate); the limits of the layout that kernels read are
// in ptx/texture_descriptor.h.
#pragma once

#include "machine/device.h"
#include "ptx/texture_descriptor.h"

#include <memory>
#include <vector>

namespace anywarp::machine {

struct ArrayShape {
    AnywarpGeometry geometry = ANYWARP_GEOMETRY_2D;
    AnywarpFormat format = ANYWARP_FORMAT_U8;
    uint32_t channels = 1; // 1, 2 or 4
    uint64_t width = 1;    // texels
    uint64_t height = 1;   // 1 where there is no such dimension
    uint64_t slices = 1;   // of depth, layers, or cube faces (six per cube)
    unsigned levels = 1;

    uint32_t texel_bytes() const;
};

uint32_t format_bytes(AnywarpFormat format);
/// As many mipmap levels as it takes to get to a single texel; slices shrink in 3-D arrays only.
unsigned full_level_count(const ArrayShape& shape);

struct ArrayLevel {
    uint8_t* data = nullptr;
    uint64_t width = 1, height = 1, slices = 1;
    uint64_t row_pitch = 0, slice_pitch = 0; // bytes; multiples of 4
};

class Array {
public:
    /// Errors: out_of_memory; unsupported for a level of more than 8 GiB.
    static Result<std::shared_ptr<Array>> create(Device& device, const ArrayShape& shape);
    ~Array(); // waits for queued work, as freeing memory does

    const ArrayShape& shape() const { return shape_; }
    const ArrayLevel& level(unsigned index) const { return levels_[index]; }
    uint64_t bytes() const { return bytes_; }
    Device& device() const { return device_; }

private:
    Array(Device& device, const ArrayShape& shape) : device_(device), shape_(shape) {}
    Device& device_;
    ArrayShape shape_;
    std::vector<ArrayLevel> levels_;
    uint64_t bytes_ = 0;
    uint8_t* memory_ = nullptr;
    uint64_t allocation_id_ = 0;
};

} // namespace anywarp::machine
