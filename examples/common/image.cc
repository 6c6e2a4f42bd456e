// PNG through libpng, and colour maps. See image.h.
//
// libpng reports errors by longjmp, so nothing with a destructor may come to life between setjmp and the calls: the buffers are
// made by the caller or before it.
#include "image.h"

#include <png.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <memory>

namespace {

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

File open(const std::string& path, const char* mode) {
    File file(std::fopen(path.c_str(), mode), std::fclose);
    if (!file) std::fprintf(stderr, "%s: %s\n", path.c_str(), std::strerror(errno));
    return file;
}

} // namespace

bool read_png(const std::string& path, Image& image) {
    const File file = open(path, "rb");
    if (!file) return false;
    png_byte start[8] = {};
    if (std::fread(start, 1, sizeof start, file.get()) != sizeof start || png_sig_cmp(start, 0, sizeof start)) {
        std::fprintf(stderr, "%s: no PNG file\n", path.c_str());
        return false;
    }
    std::vector<png_bytep> rows;
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
    png_infop info = png ? png_create_info_struct(png) : nullptr;
    if (!info || setjmp(png_jmpbuf(png))) {
        png_destroy_read_struct(&png, &info, nullptr);
        std::fprintf(stderr, "%s: can't be read\n", path.c_str());
        return false;
    }
    png_init_io(png, file.get());
    png_set_sig_bytes(png, sizeof start);
    png_read_info(png, info);
    png_set_expand(png); // palettes, fewer than 8 bits, transparent colours
    png_set_strip_16(png);
    png_set_interlace_handling(png);
    png_read_update_info(png, info);
    image = Image(int(png_get_image_width(png, info)), int(png_get_image_height(png, info)), png_get_channels(png, info));
    for (int y = 0; y < image.height; ++y) rows.push_back(image.at(0, y));
    png_read_image(png, rows.data());
    png_read_end(png, nullptr);
    png_destroy_read_struct(&png, &info, nullptr);
    return true;
}

bool write_png(const std::string& path, const Image& image) {
    File file = open(path, "wb");
    if (!file) return false;
    const int kinds[] = {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_RGB_ALPHA};
    if (image.channels < 1 || image.channels > 4 || image.width < 1 || image.height < 1) {
        std::fprintf(stderr, "%s: no PNG has %d x %d pixels of %d channels\n", path.c_str(), image.width, image.height,
                     image.channels);
        return false;
    }
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
    png_infop info = png ? png_create_info_struct(png) : nullptr;
    if (!info || setjmp(png_jmpbuf(png))) {
        png_destroy_write_struct(&png, &info);
        std::fprintf(stderr, "%s: can't be written\n", path.c_str());
        return false;
    }
    png_init_io(png, file.get());
    png_set_IHDR(png, info, image.width, image.height, 8, kinds[image.channels - 1], PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_set_compression_level(png, 4); // half the time of the default, files a few per cent larger
    png_write_info(png, info);
    for (int y = 0; y < image.height; ++y) png_write_row(png, image.at(0, y));
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    if (std::fclose(file.release()) != 0) {
        std::fprintf(stderr, "%s: %s\n", path.c_str(), std::strerror(errno));
        return false;
    }
    return true;
}

namespace {

/// Straight lines between colours at equal distances.
template <std::size_t N> Color between(const Color (&stops)[N], float value) {
    const float place = value * (N - 1);
    const std::size_t low = std::min<std::size_t>(std::size_t(place), N - 2);
    const float share = place - float(low);
    const Color &a = stops[low], &b = stops[low + 1];
    return {a.red + share * (b.red - a.red), a.green + share * (b.green - a.green), a.blue + share * (b.blue - a.blue)};
}

} // namespace

Color ember(float value) {
    static const Color stops[] = {{0.00f, 0.00f, 0.02f}, {0.11f, 0.05f, 0.27f}, {0.33f, 0.08f, 0.43f}, {0.57f, 0.15f, 0.40f},
                                  {0.80f, 0.27f, 0.27f}, {0.95f, 0.47f, 0.12f}, {0.99f, 0.73f, 0.20f}, {0.99f, 0.98f, 0.72f}};
    return between(stops, value > 0 ? std::min(value, 1.0f) : 0.0f);
}

Color tides(float turn) {
    static const Color stops[] = {{0.01f, 0.03f, 0.20f}, {0.06f, 0.22f, 0.55f}, {0.35f, 0.62f, 0.88f}, {0.93f, 0.97f, 0.98f},
                                  {0.98f, 0.80f, 0.36f}, {0.80f, 0.45f, 0.06f}, {0.31f, 0.12f, 0.10f}, {0.01f, 0.03f, 0.20f}};
    return between(stops, turn - std::floor(turn));
}

std::uint8_t to_byte(float value) { return std::uint8_t(std::lround(255.0f * std::clamp(value, 0.0f, 1.0f))); }
