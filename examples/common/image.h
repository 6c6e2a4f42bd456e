// Pictures of 8 bits a channel: grey (1), grey and alpha (2), RGB (3), RGBA (4); read and written as PNG through libpng.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

struct Image {
    int width = 0, height = 0, channels = 0;
    std::vector<std::uint8_t> pixels; // rows from top to bottom, no padding

    Image() = default;
    Image(int width, int height, int channels)
        : width(width), height(height), channels(channels), pixels(std::size_t(width) * height * channels) {}
    std::uint8_t* at(int x, int y) { return &pixels[(std::size_t(y) * width + x) * channels]; }
    const std::uint8_t* at(int x, int y) const { return &pixels[(std::size_t(y) * width + x) * channels]; }
};

/// False, with the reason on stderr, where the file can't be read as PNG. Palettes are spelt out, 16 bits become 8.
bool read_png(const std::string& path, Image& image);
/// False, with the reason on stderr, where the file can't be written.
bool write_png(const std::string& path, const Image& image);

struct Color {
    float red, green, blue; // 0 ... 1
};

/// Black over violet and orange to pale yellow, each step lighter than the last: for heat and density. `value` is clamped to 0
/// ... 1.
Color ember(float value);
/// A closed circle of colours, dark blue, white, gold, brown: for values without beginning or end, such as escape times.
Color tides(float turn);
/// 0 ... 1 to a byte, rounded; values outside are clamped.
std::uint8_t to_byte(float value);
