// See texture.h.
#include "machine/texture.h"

namespace anywarp::machine {
namespace {

AnywarpTexture start(AnywarpGeometry geometry, AnywarpFormat format, uint32_t channels) {
    AnywarpTexture texture{};
    texture.magic = ANYWARP_TEXTURE_MAGIC;
    texture.geometry = geometry;
    texture.format = format;
    texture.channels = channels;
    texture.texel_bytes = format_bytes(format) * channels;
    texture.level_count = 1;
    texture.width = texture.height = texture.depth = texture.layers = texture.samples = 1;
    return texture;
}

} // namespace

AnywarpTexture describe(const Array& array, unsigned first, unsigned count) {
    const ArrayShape& shape = array.shape();
    AnywarpTexture texture = start(shape.geometry, shape.format, shape.channels);
    texture.level_count = count;
    const ArrayLevel& base = array.level(first);
    texture.width = static_cast<uint32_t>(base.width);
    texture.height = static_cast<uint32_t>(base.height);
    switch (shape.geometry) {
    case ANYWARP_GEOMETRY_3D:
        texture.depth = static_cast<uint32_t>(base.slices);
        break;
    case ANYWARP_GEOMETRY_1D_LAYERED:
    case ANYWARP_GEOMETRY_2D_LAYERED:
        texture.layers = static_cast<uint32_t>(base.slices);
        break;
    case ANYWARP_GEOMETRY_CUBE_LAYERED:
        texture.layers = static_cast<uint32_t>(base.slices / 6);
        break;
    default:
        break;
    }
    for (unsigned i = 0; i < count; i++) {
        const ArrayLevel& level = array.level(first + i);
        texture.levels[i] = {reinterpret_cast<uint64_t>(level.data), level.row_pitch, level.slice_pitch};
    }
    return texture;
}

AnywarpTexture describe_linear(void* memory, AnywarpFormat format, uint32_t channels, uint64_t texels) {
    AnywarpTexture texture = start(ANYWARP_GEOMETRY_LINEAR, format, channels);
    texture.width = static_cast<uint32_t>(texels);
    uint64_t bytes = texels * texture.texel_bytes;
    texture.levels[0] = {reinterpret_cast<uint64_t>(memory), bytes, bytes};
    return texture;
}

AnywarpTexture describe_pitched(void* memory, AnywarpFormat format, uint32_t channels, uint64_t width, uint64_t height,
                                uint64_t pitch) {
    AnywarpTexture texture = start(ANYWARP_GEOMETRY_2D, format, channels);
    texture.width = static_cast<uint32_t>(width);
    texture.height = static_cast<uint32_t>(height);
    texture.levels[0] = {reinterpret_cast<uint64_t>(memory), pitch, pitch * height};
    return texture;
}

void select_layers(AnywarpTexture& texture, unsigned first, unsigned count) {
    uint64_t slices = texture.geometry == ANYWARP_GEOMETRY_CUBE_LAYERED ? 6 : 1;
    for (unsigned i = 0; i < texture.level_count; i++) texture.levels[i].data += first * slices * texture.levels[i].slice_pitch;
    texture.layers = count;
}

} // namespace anywarp::machine
