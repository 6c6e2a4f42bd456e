// See textures.h.
#include "textures.h"

#include "oracle/interpreter.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <sstream>

namespace anywarp::ptx_run {

namespace {

uint64_t scramble(uint64_t x) {
    x += 0x9e3779b97f4a7c15ull;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
    return x ^ (x >> 31);
}

/// "a{b,c}d" -> "abd", "acd"
std::vector<std::string> alternatives(const std::string& word) {
    size_t open = word.find('{'), close = word.find('}');
    if (open == word.npos || close == word.npos) return {word};
    std::vector<std::string> list;
    std::stringstream inside(word.substr(open + 1, close - open - 1));
    for (std::string one; std::getline(inside, one, ',');) list.push_back(word.substr(0, open) + one + word.substr(close + 1));
    return list;
}

const char* const formats[] = {"u8", "s8", "u16", "s16", "u32", "s32", "f16", "f32"};
const char* const modes[] = {"wrap", "clamp", "mirror", "border"};

template <size_t N> bool find(const char* const (&list)[N], const std::string& word, uint32_t& number) {
    for (uint32_t i = 0; i < N; ++i)
        if (word == list[i]) {
            number = i;
            return true;
        }
    return false;
}

struct Options {
    AnywarpTexture t{};
    std::string fill = "random";
    uint64_t more_pitch = 0;
    bool unknown = false;
};

void set_sampler_word(Options& o, const std::string& key, const std::string& value) {
    AnywarpSampler& s = o.t.sampler;
    if (key == "filter") {
        s.filter = value == "linear";
    } else if (key == "mip") {
        s.mip_filter = value == "linear";
    } else if (key == "bias") {
        s.mip_bias = std::stof(value);
    } else if (key == "min") {
        s.min_level = std::stof(value);
    } else if (key == "max") {
        s.max_level = std::stof(value);
    } else if (key == "normalized") {
        s.normalized = 1;
    } else if (key == "seamless") {
        s.seamless = 1;
    } else if (key == "address") {
        std::stringstream list(value);
        unsigned axis = 0;
        uint32_t mode = 0;
        for (std::string one; std::getline(list, one, '+') && axis < 3; ++axis) {
            if (!find(modes, one, mode)) o.unknown = true;
            s.address_mode[axis] = mode;
        }
        for (; axis < 3; ++axis) s.address_mode[axis] = mode;
    } else if (key == "border") {
        std::stringstream list(value);
        unsigned c = 0;
        for (std::string one; std::getline(list, one, ',') && c < 4; ++c)
            s.border[c] =
                one.starts_with("0x") ? uint32_t(std::stoul(one, nullptr, 16)) : std::bit_cast<uint32_t>(std::stof(one));
    } else {
        o.unknown = true;
    }
}

void set_word(Options& o, const std::string& word) {
    size_t equals = word.find('=');
    std::string key = word.substr(0, equals), value = equals == word.npos ? "" : word.substr(equals + 1);
    uint32_t number = 0;
    static const char* const geometries[] = {"1d", "2d", "3d", "a1d", "a2d", "cube", "acube", "linear"};
    if (word == "none" || word == "unnormalized") return;
    if (find(geometries, word, number)) {
        o.t.geometry = number;
    } else if (word == "2dms") {
        o.t.geometry = ANYWARP_GEOMETRY_2D;
    } else if (size_t x = word.find('x'); equals == word.npos && word[0] >= '0' && word[0] <= '9') { // 13x7x3
        std::stringstream sizes(word);
        uint32_t* fields[] = {&o.t.width, &o.t.height, &o.t.depth};
        unsigned axis = 0;
        for (std::string one; std::getline(sizes, one, 'x') && axis < 3;) *fields[axis++] = uint32_t(std::stoul(one));
    } else if (equals == word.npos && find(formats, word.substr(0, x), number)) { // u8x4
        o.t.format = number;
        o.t.channels = x == word.npos ? 1 : uint32_t(std::stoul(word.substr(x + 1)));
    } else if (word == "float") {
        o.t.read_float = 1;
    } else if (word == "srgb") {
        o.t.srgb = 1;
    } else if (key == "layers") {
        o.t.layers = uint32_t(std::stoul(value));
    } else if (key == "levels") {
        o.t.level_count = uint32_t(std::stoul(value));
    } else if (key == "samples") {
        o.t.samples = uint32_t(std::stoul(value));
    } else if (key == "fill") {
        o.fill = value;
    } else if (key == "pitch") {
        o.more_pitch = std::stoul(value);
    } else {
        set_sampler_word(o, key, value);
    }
}

Options read_options(const std::vector<std::string>& words) {
    Options o;
    AnywarpTexture& t = o.t;
    t.height = t.depth = t.layers = t.level_count = t.samples = t.channels = 1;
    t.sampler.magic = ANYWARP_SAMPLER_MAGIC;
    t.sampler.max_level = ANYWARP_TEXTURE_LEVELS;
    for (uint32_t& mode : t.sampler.address_mode) mode = ANYWARP_ADDRESS_CLAMP;
    for (const std::string& word : words) set_word(o, word);
    constexpr unsigned bytes[] = {1, 1, 2, 2, 4, 4, 2, 4};
    t.texel_bytes = bytes[t.format] * t.channels;
    return o;
}

uint64_t texel_channel(const Options& o, uint64_t i) {
    uint64_t r = scramble(i * 3 + o.t.format);
    if (o.fill == "index") return o.t.format == ANYWARP_FORMAT_F32 ? std::bit_cast<uint32_t>(float(i)) : i;
    if (o.t.format < ANYWARP_FORMAT_F16) { // integers: the extremes now and then
        if (o.fill == "edge")
            return i % 4 == 0 ? ~0ull : i % 4 == 1 ? 0 : i % 4 == 2 ? 0x8080808080808080ull : 0x7fff7fff7fff7f7full;
        return r % 16 == 0 ? 0x8000800080008080ull : r % 16 == 1 ? ~0ull : r >> 8;
    }
    double unit = double(r >> 40) / double(1 << 24);
    if (o.fill == "random") unit = unit * 20 - 10;
    float f = float(unit);
    if (o.fill == "edge") {
        const uint32_t special[] = {0, 0x80000000, 0x7f800000, 0xff800000, 1, 0x007fffff, 0x3f800000, 0x7f7fffff};
        f = std::bit_cast<float>(special[i % 8]);
    }
    return o.t.format == ANYWARP_FORMAT_F32 ? std::bit_cast<uint32_t>(f) : oracle::from_double(double(f), oracle::format_f16);
}

uint8_t* allocate(Textures& all, uint64_t size, bool is_texels) {
    all.storage.push_back(std::make_unique<uint8_t[]>(size + 512));
    uint8_t* p = reinterpret_cast<uint8_t*>((reinterpret_cast<uintptr_t>(all.storage.back().get()) + 255) & ~uintptr_t(255));
    all.ranges.emplace_back(p, size);
    if (is_texels) all.texels.emplace_back(p, size);
    return p;
}

void make_levels(Options& o, Textures& all) {
    AnywarpTexture& t = o.t;
    uint32_t faces = t.geometry == ANYWARP_GEOMETRY_CUBE || t.geometry == ANYWARP_GEOMETRY_CUBE_LAYERED ? 6 : 1;
    for (uint32_t l = 0; l < t.level_count; ++l) {
        uint64_t width = std::max(1u, t.width >> l), height = std::max(1u, t.height >> l), depth = std::max(1u, t.depth >> l);
        uint64_t slices = depth * t.layers * faces * t.samples;
        AnywarpLevel& level = t.levels[l];
        level.row_pitch = (width * t.texel_bytes + 15) / 16 * 16 + o.more_pitch;
        level.slice_pitch = level.row_pitch * height;
        uint8_t* data = allocate(all, level.slice_pitch * slices, true);
        level.data = reinterpret_cast<uint64_t>(data);
        unsigned bytes = t.texel_bytes / t.channels;
        uint64_t number = l * 7919;
        for (uint64_t row = 0; row < slices * height; ++row)
            for (uint64_t x = 0; x < width * t.channels; ++x) {
                uint64_t v = texel_channel(o, number++);
                std::memcpy(data + row * level.row_pitch + x * bytes, &v, bytes);
            }
    }
}

} // namespace

bool parse_texture(const std::string& keyword, const std::string& rest, TextureSpec& spec) {
    spec.surface = keyword.starts_with("SURFACE");
    spec.sampler = keyword == "SAMPLER";
    spec.array = keyword.back() == 'S';
    std::stringstream words(rest);
    if (!(words >> spec.name)) return false;
    if (spec.name[0] == '@') spec.variable = spec.name.substr(1);
    spec.combinations = {{}};
    for (std::string word; words >> word;) {
        std::vector<std::vector<std::string>> longer;
        for (const auto& before : spec.combinations)
            for (const std::string& one : alternatives(word)) {
                longer.push_back(before);
                longer.back().push_back(one);
            }
        spec.combinations = std::move(longer);
    }
    for (const auto& combination : spec.combinations) {
        Options o = read_options(combination);
        if (o.unknown || (!spec.sampler && !o.t.width)) return false;
    }
    return spec.array || spec.combinations.size() == 1;
}

Result<void> make_textures(const std::vector<TextureSpec>& specs, Textures& all) {
    for (const TextureSpec& spec : specs) {
        auto& handles = all.handles.emplace_back();
        for (const auto& combination : spec.combinations) {
            Options o = read_options(combination);
            if (spec.sampler) {
                auto* place = allocate(all, sizeof(AnywarpSampler), false);
                if (std::find(combination.begin(), combination.end(), "unnormalized") == combination.end())
                    o.t.sampler.normalized = 1;
                std::memcpy(place, &o.t.sampler, sizeof(AnywarpSampler));
                handles.push_back(reinterpret_cast<uint64_t>(place));
                continue;
            }
            make_levels(o, all);
            o.t.magic = spec.surface ? ANYWARP_SURFACE_MAGIC : ANYWARP_TEXTURE_MAGIC;
            auto* place = allocate(all, sizeof o.t, false);
            std::memcpy(place, &o.t, sizeof o.t);
            handles.push_back(reinterpret_cast<uint64_t>(place));
        }
        auto* array = allocate(all, handles.size() * 8, false);
        std::memcpy(array, handles.data(), handles.size() * 8);
        all.arrays.push_back(reinterpret_cast<uint64_t>(array));
    }
    return {};
}

} // namespace anywarp::ptx_run
