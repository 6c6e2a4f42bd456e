// Texture sampling of the oracle against plain loops on the host.
//
// The reference here works with integer weights (1.8 fixed point) and folds indices step by step, coordinates only to mirror;
// sizes are powers of two and coordinates multiples of 1/1024, so that both sides know exactly which texel is meant. Source: CUDA
// programming guide, "Texture Fetching".
#include "oracle/oracle.h"
#include "ptx/texture_descriptor.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <memory>

namespace anywarp::oracle {
namespace {

struct Image { // floats, one channel, all levels behind each other
    int width, height, depth, layers;
    std::vector<std::vector<float>> levels;
    AnywarpTexture texture{};

    Image(uint32_t geometry, int w, int h, int d, int l, int level_count = 1) : width(w), height(h), depth(d), layers(l) {
        texture.magic = ANYWARP_TEXTURE_MAGIC;
        texture.geometry = geometry;
        texture.format = ANYWARP_FORMAT_F32;
        texture.channels = texture.samples = 1;
        texture.texel_bytes = 4;
        texture.width = uint32_t(w), texture.height = uint32_t(h), texture.depth = uint32_t(d);
        texture.layers = uint32_t(geometry == ANYWARP_GEOMETRY_CUBE ? l / 6 : l);
        texture.level_count = uint32_t(level_count);
        texture.sampler.magic = ANYWARP_SAMPLER_MAGIC;
        texture.sampler.max_level = 16;
        for (int n = 0; n < level_count; ++n) {
            int lw = std::max(1, w >> n), lh = std::max(1, h >> n), ld = std::max(1, d >> n);
            auto& texels = levels.emplace_back();
            for (int i = 0; i < lw * lh * ld * l; ++i) texels.push_back(float((i * 37 + n * 11) % 101) / 8);
            texture.levels[n].row_pitch = uint64_t(lw) * 4;
            texture.levels[n].slice_pitch = uint64_t(lw) * lh * 4;
        }
    }
    double texel(int level, int x, int y, int z) const {
        int w = std::max(1, width >> level), h = std::max(1, height >> level);
        return levels[level][(z * h + y) * w + x];
    }
};

/// One fetch by one thread of the oracle: `instruction` reads %f1 .. %f3 (coordinates), %r1 (layer), %f4 (level), handle %d1.
std::array<float, 4> fetch(Image& image, const std::string& instruction, std::array<float, 4> in, uint32_t layer = 0) {
    std::string text = R"(.version 8.5
.target sm_80
.address_size 64
.visible .entry k(.param .u64 handle, .param .u64 in, .param .u64 out)
{
    .reg .f32 %f<12>; .reg .b32 %r<8>; .reg .b64 %d<4>;
    ld.param.u64 %d1, [handle]; ld.param.u64 %d2, [in]; ld.param.u64 %d3, [out];
    ld.global.f32 %f1, [%d2]; ld.global.f32 %f2, [%d2+4]; ld.global.f32 %f3, [%d2+8]; ld.global.f32 %f4, [%d2+12];
    ld.global.u32 %r1, [%d2+16];
    )" + instruction + R"(;
    st.global.f32 [%d3], %f5; st.global.f32 [%d3+4], %f6; st.global.f32 [%d3+8], %f7; st.global.f32 [%d3+12], %f8;
    ret;
}
)";
    auto module = ptx::parse_module(text, "test");
    if (!module) {
        ADD_FAILURE() << module.error().message;
        return {};
    }
    alignas(64) AnywarpTexture texture = image.texture;
    for (uint32_t n = 0; n < texture.level_count; ++n) texture.levels[n].data = uint64_t(image.levels[n].data());
    struct {
        float x[4];
        uint32_t layer;
    } input{{in[0], in[1], in[2], in[3]}, layer};
    alignas(16) std::array<float, 4> out{};
    const void* params[3] = {&texture, &input, out.data()};
    Launch launch;
    launch.params = reinterpret_cast<const uint8_t*>(params);
    Outcome outcome;
    auto result = run_grid(**module, 0, launch, outcome);
    if (!result) ADD_FAILURE() << result.error().message;
    return out;
}

int fold(int i, int n, uint32_t mode, bool normalized) {
    if (mode == ANYWARP_ADDRESS_BORDER) return i < 0 || i >= n ? -1 : i;
    if (mode == ANYWARP_ADDRESS_WRAP && normalized) {
        while (i < 0) i += n;
        while (i >= n) i -= n;
    } else if (mode == ANYWARP_ADDRESS_MIRROR && normalized) {
        while (i < 0 || i >= n) i = i < 0 ? -1 - i : 2 * n - 1 - i;
    }
    return i < 0 ? 0 : i >= n ? n - 1 : i;
}

/// x, y, z in coordinates of the texture; one, two or three of them; `z_slice` instead of z for layers.
double reference(const Image& image, int dimensions, const double* coordinates, int slice, int level = 0) {
    const AnywarpSampler& s = image.texture.sampler;
    int sizes[3] = {std::max(1, image.width >> level), std::max(1, image.height >> level), std::max(1, image.depth >> level)};
    int lower[3] = {0, 0, 0}, weight[3] = {0, 0, 0};
    bool linear = s.filter == ANYWARP_FILTER_LINEAR;
    for (int a = 0; a < dimensions; ++a) {
        double u = coordinates[a];
        if (s.address_mode[a] == ANYWARP_ADDRESS_MIRROR && s.normalized) { // frac(u), or 1 - frac(u) where floor(u) is odd
            double whole = std::floor(u);
            u = std::fmod(whole, 2) == 0 ? u - whole : 1 - (u - whole);
        }
        double x = u * (s.normalized ? sizes[a] : 1) - (linear ? 0.5 : 0);
        lower[a] = int(std::floor(x));
        if (linear) weight[a] = int(std::floor((x - lower[a]) * 256 + 0.5)); // of 256
    }
    double sum = 0;
    for (int tz = 0; tz < (linear && dimensions > 2 ? 2 : 1); ++tz)
        for (int ty = 0; ty < (linear && dimensions > 1 ? 2 : 1); ++ty)
            for (int tx = 0; tx < (linear ? 2 : 1); ++tx) {
                int step[3] = {tx, ty, tz}, index[3] = {0, 0, slice};
                double share = 1;
                bool border = false;
                for (int a = 0; a < dimensions; ++a) {
                    index[a] = fold(lower[a] + step[a], sizes[a], s.address_mode[a], s.normalized);
                    border |= index[a] < 0;
                    if (linear) share *= (step[a] ? weight[a] : 256 - weight[a]) / 256.0;
                }
                float colour;
                std::memcpy(&colour, &s.border[0], 4);
                sum += share * (border ? double(colour) : image.texel(level, index[0], index[1], index[2]));
            }
    return sum;
}

struct Geometry {
    const char* name;
    uint32_t geometry;
    int dimensions, width, height, depth, layers;
    const char* coordinates;
};
const Geometry geometries[] = {
    {"1d", ANYWARP_GEOMETRY_1D, 1, 16, 1, 1, 1, "{%f1}"},
    {"2d", ANYWARP_GEOMETRY_2D, 2, 16, 8, 1, 1, "{%f1, %f2}"},
    {"3d", ANYWARP_GEOMETRY_3D, 3, 8, 4, 2, 1, "{%f1, %f2, %f3, %f3}"},
    {"a1d", ANYWARP_GEOMETRY_1D_LAYERED, 1, 16, 1, 1, 3, "{%r1, %f1}"},
    {"a2d", ANYWARP_GEOMETRY_2D_LAYERED, 2, 8, 4, 1, 3, "{%r1, %f1, %f2, %f2}"},
};

TEST(Texture, FiltersAndAddressModes) {
    for (const Geometry& g : geometries)
        for (uint32_t mode = 0; mode < 4; ++mode)
            for (uint32_t filter = 0; filter < 2; ++filter)
                for (uint32_t normalized = 0; normalized < 2; ++normalized) {
                    Image image(g.geometry, g.width, g.height, g.depth, g.layers);
                    AnywarpSampler& s = image.texture.sampler;
                    for (int a = 0; a < 3; ++a) s.address_mode[a] = (mode + unsigned(a)) % 4; // another one along each axis
                    s.filter = filter;
                    s.normalized = normalized;
                    float border = 7.5f;
                    std::memcpy(&s.border[0], &border, 4);
                    for (int k = 0; k < 24; ++k) {
                        double scale = normalized ? 1 : g.width;
                        double c[3] = {(k * 173 - 1500) / 1024.0 * scale, (k * 271 - 2900) / 1024.0 * scale,
                                       (k * 97 - 900) / 1024.0 * scale};
                        uint32_t layer = uint32_t(k % 5); // 3 and 4 don't exist
                        auto got = fetch(
                            image, std::string("tex.") + g.name + ".v4.f32.f32 {%f5,%f6,%f7,%f8}, [%d1, " + g.coordinates + "]",
                            {float(c[0]), float(c[1]), float(c[2]), 0}, layer);
                        int slice = g.layers > 1 ? std::min(int(layer), g.layers - 1) : 0;
                        EXPECT_NEAR(got[0], reference(image, g.dimensions, c, slice), 1e-5)
                            << g.name << " mode " << mode << " filter " << filter << " normalized " << normalized << " at "
                            << c[0] << ", " << c[1];
                        EXPECT_EQ(got[1], 0) << "missing channels";
                        EXPECT_EQ(got[3], 1) << "missing channels";
                    }
                }
}

TEST(Texture, Levels) {
    Image image(ANYWARP_GEOMETRY_2D, 16, 16, 1, 1, 4);
    AnywarpSampler& s = image.texture.sampler;
    s.normalized = 1;
    s.filter = ANYWARP_FILTER_LINEAR;
    s.mip_bias = 0.25f;
    s.max_level = 2.5f;
    for (uint32_t mip = 0; mip < 2; ++mip)
        for (int k = -4; k < 20; ++k) {
            s.mip_filter = mip;
            float lod = float(k) / 5;
            double c[2] = {0.3125 + k / 64.0, 0.6875 - k / 32.0};
            auto got = fetch(image, "tex.level.2d.v4.f32.f32 {%f5,%f6,%f7,%f8}, [%d1, {%f1, %f2}], %f4",
                             {float(c[0]), float(c[1]), 0, lod});
            double level = std::min(std::max(double(lod + 0.25f), 0.0), 2.5);
            int low = int(level), share = int(std::floor((level - low) * 256 + 0.5));
            double expected = mip ? (256 - share) / 256.0 * reference(image, 2, c, 0, low) +
                                        share / 256.0 * reference(image, 2, c, 0, std::min(low + 1, 3))
                                  : reference(image, 2, c, 0, int(std::floor(level + 0.5)));
            EXPECT_NEAR(got[0], expected, 0.01 * (mip != 0) + 1e-5) << "level " << lod;
        }
}

TEST(Texture, GradientsChooseTheLevel) {
    Image image(ANYWARP_GEOMETRY_2D, 16, 16, 1, 1, 4);
    image.texture.sampler.normalized = 1;
    for (int level = 0; level < 4; ++level) {
        std::string step = std::to_string((1 << level) / 16.0);
        for (const char* axes : {"{%f9, %f10}, {%f10, %f10}", "{%f10, %f10}, {%f10, %f9}"}) {
            auto got =
                fetch(image,
                      "mov.f32 %f9, " + step +
                          "; mov.f32 %f10, 0f00000000; tex.grad.2d.v4.f32.f32 {%f5,%f6,%f7,%f8}, [%d1, {%f1, %f2}], " + axes,
                      {0.53125f, 0.28125f, 0, 0});
            double c[2] = {0.53125, 0.28125};
            EXPECT_EQ(got[0], reference(image, 2, c, 0, level)) << "step " << step;
        }
    }
}

/// The table of the programming guide, backwards: from face and place to a direction.
TEST(Texture, CubeFaces) {
    const int n = 4;
    Image image(ANYWARP_GEOMETRY_CUBE, n, n, 1, 6);
    for (int face = 0; face < 6; ++face)
        for (int y = 0; y < n; ++y)
            for (int x = 0; x < n; ++x) {
                float s = float(2 * x + 1 - n) / n, t = float(2 * y + 1 - n) / n;
                const std::array<float, 4> directions[6] = {{1, -t, -s, 0}, {-1, -t, s, 0}, {s, 1, t, 0},
                                                            {s, -1, -t, 0}, {s, -t, 1, 0},  {-s, -t, -1, 0}};
                auto d = directions[face];
                for (float& c : d) c *= 2.5f; // only the direction counts
                auto got = fetch(image, "tex.cube.v4.f32.f32 {%f5,%f6,%f7,%f8}, [%d1, {%f1, %f2, %f3, %f3}]", d);
                EXPECT_EQ(got[0], image.texel(0, x, y, face)) << "face " << face << " at " << x << ", " << y;
            }
}

TEST(Texture, GatherGoesCounterClockwiseFromTheLowerLeft) {
    Image image(ANYWARP_GEOMETRY_2D, 8, 8, 1, 1);
    for (uint32_t& mode : image.texture.sampler.address_mode) mode = ANYWARP_ADDRESS_CLAMP;
    auto got = fetch(image, "tld4.r.2d.v4.f32.f32 {%f5,%f6,%f7,%f8}, [%d1, {%f1, %f2}]", {3.0f, 5.0f, 0, 0});
    EXPECT_EQ(got[0], image.texel(0, 2, 5, 0));
    EXPECT_EQ(got[1], image.texel(0, 3, 5, 0));
    EXPECT_EQ(got[2], image.texel(0, 3, 4, 0));
    EXPECT_EQ(got[3], image.texel(0, 2, 4, 0));
}

TEST(Texture, IntegersBecomeNumbers) {
    struct Case {
        uint32_t format, bytes;
        int64_t value;
        double number;
    };
    const Case cases[] = {{ANYWARP_FORMAT_U8, 1, 255, 1},
                          {ANYWARP_FORMAT_U8, 1, 1, 1 / 255.0},
                          {ANYWARP_FORMAT_S8, 1, -128, -1},
                          {ANYWARP_FORMAT_S8, 1, -127, -1},
                          {ANYWARP_FORMAT_S8, 1, 64, 64 / 127.0},
                          {ANYWARP_FORMAT_U16, 2, 65535, 1},
                          {ANYWARP_FORMAT_U16, 2, 1000, 1000 / 65535.0},
                          {ANYWARP_FORMAT_S16, 2, -32768, -1},
                          {ANYWARP_FORMAT_S16, 2, 12345, 12345 / 32767.0},
                          {ANYWARP_FORMAT_F16, 2, 0x3555, 0.333251953125}};
    for (const Case& c : cases) {
        Image image(ANYWARP_GEOMETRY_1D, 4, 1, 1, 1);
        image.texture.format = c.format;
        image.texture.texel_bytes = c.bytes;
        image.texture.read_float = 1;
        std::memcpy(reinterpret_cast<uint8_t*>(image.levels[0].data()) + 2 * c.bytes, &c.value, c.bytes);
        auto got = fetch(image, "tex.1d.v4.f32.f32 {%f5,%f6,%f7,%f8}, [%d1, {%f1}]", {2.5f, 0, 0, 0});
        EXPECT_EQ(got[0], float(c.number)) << "format " << c.format << " value " << c.value;
    }
}

TEST(Texture, StandardRgbIsMadeLinear) {
    Image image(ANYWARP_GEOMETRY_1D, 64, 1, 1, 1);
    image.texture.format = ANYWARP_FORMAT_U8;
    image.texture.channels = image.texture.texel_bytes = 4;
    image.texture.read_float = image.texture.srgb = 1;
    auto* bytes = reinterpret_cast<uint8_t*>(image.levels[0].data());
    for (int i = 0; i < 256; ++i) bytes[i] = uint8_t(i);
    for (int i = 0; i < 64; ++i) {
        auto got = fetch(image, "tex.1d.v4.f32.s32 {%f5,%f6,%f7,%f8}, [%d1, {%r1}]", {}, uint32_t(i));
        for (int c = 0; c < 4; ++c) {
            double v = (4 * i + c) / 255.0, linear = v <= 0.04045 ? v / 12.92 : std::pow((v + 0.055) / 1.055, 2.4);
            EXPECT_FLOAT_EQ(got[size_t(c)], float(c < 3 ? linear : v)) << "texel " << i << " channel " << c;
        }
    }
}

TEST(Texture, LinearMemoryEndsWithItsLastTexel) {
    Image image(ANYWARP_GEOMETRY_LINEAR, 5, 1, 1, 1);
    for (int i = -2; i < 8; ++i) {
        auto got = fetch(image, "tex.1d.v4.f32.s32 {%f5,%f6,%f7,%f8}, [%d1, {%r1}]", {}, uint32_t(i));
        EXPECT_EQ(got[0], i >= 0 && i < 5 ? image.levels[0][size_t(i)] : 0.0f) << i;
        EXPECT_EQ(got[3], i >= 0 && i < 5 ? 1.0f : 0.0f) << i;
    }
}

} // namespace
} // namespace anywarp::oracle
