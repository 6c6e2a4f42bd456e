// See array.h.
#include "machine/array.h"

#include <algorithm>
#include <bit>
#include <string>
#include <tuple>

namespace anywarp::machine {
namespace {

constexpr uint64_t largest_level = uint64_t(8) << 30; // ptx/texture_descriptor.h: texels are found by 32-bit word index
constexpr uint64_t row_alignment = 64;                // a cache line, so that vector accesses to a row's start don't split
constexpr uint64_t level_alignment = 512;             // as for allocations

uint64_t round_up(uint64_t value, uint64_t step) { return (value + step - 1) / step * step; }

} // namespace

uint32_t format_bytes(AnywarpFormat format) {
    switch (format) {
    case ANYWARP_FORMAT_U8:
    case ANYWARP_FORMAT_S8:
        return 1;
    case ANYWARP_FORMAT_U16:
    case ANYWARP_FORMAT_S16:
    case ANYWARP_FORMAT_F16:
        return 2;
    default:
        return 4;
    }
}

uint32_t ArrayShape::texel_bytes() const { return format_bytes(format) * channels; }

unsigned full_level_count(const ArrayShape& shape) {
    uint64_t largest = std::max(shape.width, shape.height);
    if (shape.geometry == ANYWARP_GEOMETRY_3D) largest = std::max(largest, shape.slices);
    return static_cast<unsigned>(std::bit_width(largest));
}

Result<std::shared_ptr<Array>> Array::create(Device& device, const ArrayShape& shape) {
    std::shared_ptr<Array> array(new Array(device, shape));
    uint64_t offset = 0;
    for (unsigned index = 0; index < shape.levels; index++) {
        ArrayLevel level;
        level.width = std::max<uint64_t>(1, shape.width >> index);
        level.height = std::max<uint64_t>(1, shape.height >> index);
        level.slices = shape.geometry == ANYWARP_GEOMETRY_3D ? std::max<uint64_t>(1, shape.slices >> index) : shape.slices;
        level.row_pitch = round_up(level.width * shape.texel_bytes(), row_alignment);
        level.slice_pitch = level.row_pitch * level.height;
        uint64_t bytes = level.slice_pitch * level.slices;
        if (bytes > largest_level)
            return unsupported("an array level of " + std::to_string(bytes) + " bytes; at most " + std::to_string(largest_level));
        level.data = reinterpret_cast<uint8_t*>(offset); // until the memory's address is known
        offset += round_up(bytes, level_alignment);
        array->levels_.push_back(level);
    }
    auto memory = device.allocate(offset);
    if (!memory) return std::unexpected(memory.error());
    array->memory_ = *memory;
    array->bytes_ = offset;
    array->allocation_id_ = device.memory().find(*memory)->id;
    for (ArrayLevel& level : array->levels_) level.data = *memory + reinterpret_cast<uint64_t>(level.data);
    return array;
}

Array::~Array() {
    if (!memory_) return;
    std::ignore = device_.synchronize();
    // After a device reset the address may be somebody else's.
    if (auto found = device_.memory().find(memory_); found && found->id == allocation_id_)
        std::ignore = device_.memory().free(memory_);
}

} // namespace anywarp::machine
