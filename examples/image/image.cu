// Gaussian blur and edges of a PNG: grey, RGB, with or without transparency, any size.
//
// The blur is separable, rows first and columns next, its weights in constant memory; each block loads its pixels and the halo it
// needs into shared memory. The edges are the Sobel gradient of the blurred picture's brightness, with a halo on all four sides.
// Beyond the border the nearest pixel counts. Colours are multiplied by their opacity before they are mixed and divided by it
// afterwards, so that what is behind a transparent pixel can't bleed into its neighbours.
//
// Check: the host does the same in double. A sum of 2 r + 1 weighted bytes, twice, is off by less than 1e-4 of a byte in single
// precision, so a rounded byte may differ by one only where the exact value lies that close to a half: by at most 1, and in at
// most one byte in a thousand. (A division by an opacity near zero multiplies the error; a byte's opacity can't be below 1/255
// without the result being set to zero.)
#include "arguments.h"
#include "cuda_check.h"
#include "image.h"
#include "report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

constexpr int max_radius = 24;
constexpr int block_x = 32, block_y = 8;
__constant__ float weights[2 * max_radius + 1];

struct Size {
    int width, height, radius;
};

template <int Channels>
__global__ void to_float(int pixels, const unsigned char* __restrict__ bytes, float* __restrict__ values) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= pixels) return;
    const bool has_alpha = Channels == 2 || Channels == 4;
    const float opacity = has_alpha ? bytes[i * Channels + Channels - 1] * (1.0f / 255.0f) : 1.0f;
    for (int c = 0; c < Channels; ++c) {
        const float value = bytes[i * Channels + c];
        values[i * Channels + c] = has_alpha && c < Channels - 1 ? value * opacity : value;
    }
}

template <int Channels> __global__ void blur_rows(Size s, const float* __restrict__ from, float* __restrict__ to) {
    __shared__ float tile[block_y][(block_x + 2 * max_radius) * Channels];
    const int x0 = blockIdx.x * block_x, x = x0 + threadIdx.x, y = blockIdx.y * block_y + threadIdx.y, row = min(y, s.height - 1);
    for (int i = threadIdx.x; i < block_x + 2 * s.radius; i += block_x) {
        const int column = min(max(x0 + i - s.radius, 0), s.width - 1);
        for (int c = 0; c < Channels; ++c) tile[threadIdx.y][i * Channels + c] = from[(row * s.width + column) * Channels + c];
    }
    __syncthreads();
    if (x >= s.width || y >= s.height) return;
    float sum[Channels] = {};
    for (int k = 0; k <= 2 * s.radius; ++k)
        for (int c = 0; c < Channels; ++c) sum[c] += weights[k] * tile[threadIdx.y][(threadIdx.x + k) * Channels + c];
    for (int c = 0; c < Channels; ++c) to[(y * s.width + x) * Channels + c] = sum[c];
}

template <int Channels>
__global__ void blur_columns(Size s, const float* __restrict__ from, unsigned char* __restrict__ bytes,
                             float* __restrict__ brightness) {
    __shared__ float tile[block_y + 2 * max_radius][block_x * Channels];
    const int y0 = blockIdx.y * block_y, y = y0 + threadIdx.y, x = blockIdx.x * block_x + threadIdx.x,
              column = min(x, s.width - 1);
    for (int i = threadIdx.y; i < block_y + 2 * s.radius; i += block_y) {
        const int row = min(max(y0 + i - s.radius, 0), s.height - 1);
        for (int c = 0; c < Channels; ++c) tile[i][threadIdx.x * Channels + c] = from[(row * s.width + column) * Channels + c];
    }
    __syncthreads();
    if (x >= s.width || y >= s.height) return;
    float sum[Channels] = {};
    for (int k = 0; k <= 2 * s.radius; ++k)
        for (int c = 0; c < Channels; ++c) sum[c] += weights[k] * tile[threadIdx.y + k][threadIdx.x * Channels + c];
    const int pixel = y * s.width + x;
    brightness[pixel] = Channels >= 3 ? 0.299f * sum[0] + 0.587f * sum[1 % Channels] + 0.114f * sum[2 % Channels] : sum[0];
    const bool has_alpha = Channels == 2 || Channels == 4;
    const float opacity = has_alpha ? sum[Channels - 1] * (1.0f / 255.0f) : 1.0f;
    for (int c = 0; c < Channels; ++c) {
        float value = sum[c];
        if (has_alpha && c < Channels - 1) value = opacity < 0.5f / 255.0f ? 0.0f : value / opacity;
        bytes[pixel * Channels + c] = (unsigned char)fminf(value + 0.5f, 255.0f);
    }
}

__global__ void sobel(Size s, const float* __restrict__ brightness, unsigned char* __restrict__ edges) {
    __shared__ float tile[block_y + 2][block_x + 2];
    const int x0 = blockIdx.x * block_x, y0 = blockIdx.y * block_y;
    for (int i = threadIdx.y * block_x + threadIdx.x; i < (block_y + 2) * (block_x + 2); i += block_x * block_y) {
        const int tx = i % (block_x + 2), ty = i / (block_x + 2);
        const int column = min(max(x0 + tx - 1, 0), s.width - 1), row = min(max(y0 + ty - 1, 0), s.height - 1);
        tile[ty][tx] = brightness[row * s.width + column];
    }
    __syncthreads();
    const int tx = threadIdx.x, ty = threadIdx.y, x = x0 + tx, y = y0 + ty;
    if (x >= s.width || y >= s.height) return;
    const float gx = (tile[ty][tx + 2] - tile[ty][tx]) + 2 * (tile[ty + 1][tx + 2] - tile[ty + 1][tx]) +
                     (tile[ty + 2][tx + 2] - tile[ty + 2][tx]);
    const float gy = (tile[ty + 2][tx] - tile[ty][tx]) + 2 * (tile[ty + 2][tx + 1] - tile[ty][tx + 1]) +
                     (tile[ty + 2][tx + 2] - tile[ty][tx + 2]);
    edges[y * s.width + x] = (unsigned char)fminf(sqrtf(gx * gx + gy * gy) + 0.5f, 255.0f);
}

struct Results {
    Image blurred, edges;
    double seconds = 0;
};

template <int Channels> Results on_device(const Image& input, const std::vector<float>& gauss) {
    const Size s{input.width, input.height, int(gauss.size() / 2)};
    const int pixels = input.width * input.height;
    DeviceArray<unsigned char> bytes(input.pixels), edges(pixels);
    DeviceArray<float> values(input.pixels.size()), rows(input.pixels.size()), brightness(pixels);
    CHECK(cudaMemcpyToSymbol(weights, gauss.data(), gauss.size() * sizeof(float)));
    const dim3 block(block_x, block_y), grid((s.width + block_x - 1) / block_x, (s.height + block_y - 1) / block_y);
    Results results{Image(s.width, s.height, Channels), Image(s.width, s.height, 1)};
    DeviceTimer timer;
    timer.start();
    to_float<Channels><<<(pixels + 255) / 256, 256>>>(pixels, bytes.data(), values.data());
    blur_rows<Channels><<<grid, block>>>(s, values.data(), rows.data());
    blur_columns<Channels><<<grid, block>>>(s, rows.data(), bytes.data(), brightness.data());
    sobel<<<grid, block>>>(s, brightness.data(), edges.data());
    CHECK_LAUNCH();
    results.seconds = timer.stop();
    bytes.download(results.blurred.pixels.data(), results.blurred.pixels.size());
    edges.download(results.edges.pixels.data(), results.edges.pixels.size());
    return results;
}

static Results on_host(const Image& input, const std::vector<float>& gauss) {
    const int w = input.width, h = input.height, channels = input.channels, radius = int(gauss.size() / 2);
    const bool has_alpha = channels == 2 || channels == 4;
    std::vector<double> values(input.pixels.begin(), input.pixels.end()), rows(values.size()), brightness(size_t(w) * h);
    for (size_t i = 0; has_alpha && i < values.size(); ++i)
        if (int(i % channels) < channels - 1) values[i] *= input.pixels[i - i % channels + channels - 1] / 255.0;
    const auto blur = [&](const std::vector<double>& from, int x, int y, int c, int dx, int dy) {
        double sum = 0;
        for (int k = -radius; k <= radius; ++k) {
            const int px = std::clamp(x + k * dx, 0, w - 1), py = std::clamp(y + k * dy, 0, h - 1);
            sum += gauss[k + radius] * from[(size_t(py) * w + px) * channels + c];
        }
        return sum;
    };
    for (int y = 0; y < h; ++y)
        for (int x = 0; x < w; ++x)
            for (int c = 0; c < channels; ++c) rows[(size_t(y) * w + x) * channels + c] = blur(values, x, y, c, 1, 0);
    Results results{Image(w, h, channels), Image(w, h, 1)};
    for (int y = 0; y < h; ++y)
        for (int x = 0; x < w; ++x) {
            double sum[4] = {};
            for (int c = 0; c < channels; ++c) sum[c] = blur(rows, x, y, c, 0, 1);
            brightness[size_t(y) * w + x] = channels >= 3 ? 0.299 * sum[0] + 0.587 * sum[1] + 0.114 * sum[2] : sum[0];
            const double opacity = has_alpha ? sum[channels - 1] / 255 : 1;
            for (int c = 0; c < channels; ++c) {
                if (has_alpha && c < channels - 1) sum[c] = opacity < 0.5 / 255 ? 0 : sum[c] / opacity;
                results.blurred.at(x, y)[c] = std::uint8_t(std::min(sum[c] + 0.5, 255.0));
            }
        }
    const auto at = [&](int x, int y) { return brightness[size_t(std::clamp(y, 0, h - 1)) * w + std::clamp(x, 0, w - 1)]; };
    for (int y = 0; y < h; ++y)
        for (int x = 0; x < w; ++x) {
            double gx = 0, gy = 0;
            for (int k = -1; k <= 1; ++k) {
                gx += (2 - std::abs(k)) * (at(x + 1, y + k) - at(x - 1, y + k));
                gy += (2 - std::abs(k)) * (at(x + k, y + 1) - at(x + k, y - 1));
            }
            *results.edges.at(x, y) = std::uint8_t(std::min(std::hypot(gx, gy) + 0.5, 255.0));
        }
    return results;
}

/// Something of everything: rings that get finer outwards, a ramp, discs, stripes; with alpha, a fading border.
static Image test_chart(int width, int height, int channels) {
    Image image(width, height, channels);
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x) {
            const double u = (x + 0.5) / width, v = (y + 0.5) / height, dx = (u - 0.3) * width, dy = (v - 0.5) * height;
            Color color = tides(float(u * 0.5 + v * 0.3));
            if (dx * dx + dy * dy < 0.16 * height * height) {
                const float ring = float(0.5 + 0.5 * std::cos((dx * dx + dy * dy) * 2.2 / height));
                color = {ring, ring, ring};
            }
            for (int disc = 0; disc < 5; ++disc) {
                const double cx = (0.62 + 0.075 * disc) * width, cy = (0.25 + 0.06 * (disc % 2)) * height, r = 0.1 * height;
                if ((x - cx) * (x - cx) + (y - cy) * (y - cy) < r * r) color = ember(0.25f + 0.15f * float(disc));
            }
            if (u > 0.58 && u < 0.95 && v > 0.55 && v < 0.85) {
                const bool light = int((u - 0.58) * (4 + 60 * (u - 0.58)) * 10) % 2 == 0;
                color = light ? Color{1, 1, 1} : Color{0.05f, 0.05f, 0.08f};
            }
            std::uint8_t* p = image.at(x, y);
            if (channels >= 3) {
                p[0] = to_byte(color.red), p[1] = to_byte(color.green), p[2] = to_byte(color.blue);
            } else
                p[0] = to_byte(0.299f * color.red + 0.587f * color.green + 0.114f * color.blue);
            if (channels % 2 == 0) p[channels - 1] = to_byte(float(8 * std::min(std::min(u, 1 - u), std::min(v, 1 - v))));
        }
    return image;
}

static Results filter(const Image& input, const std::vector<float>& gauss) {
    switch (input.channels) {
    case 1:
        return on_device<1>(input, gauss);
    case 2:
        return on_device<2>(input, gauss);
    case 3:
        return on_device<3>(input, gauss);
    default:
        return on_device<4>(input, gauss);
    }
}

static bool check(const Image& input, const std::vector<float>& gauss, const Results& got) {
    const Results expected = on_host(input, gauss);
    bool passed = true;
    for (const bool edges : {false, true}) {
        const Image &a = edges ? got.edges : got.blurred, &b = edges ? expected.edges : expected.blurred;
        char name[80];
        std::snprintf(name, sizeof name, "%s, %d x %d, %d channels", edges ? "edges" : "blur", input.width, input.height,
                      input.channels);
        Comparison near(name, 0, 1);
        size_t different = 0;
        for (size_t i = 0; i < a.pixels.size(); ++i) {
            near.add(a.pixels[i], b.pixels[i]);
            different += a.pixels[i] != b.pixels[i];
        }
        passed = near.report() && passed;
        passed = expect(different <= a.pixels.size() / 1000 + 2,
                        std::to_string(different) + " bytes differ by one, one in a thousand may") &&
                 passed;
    }
    return passed;
}

int main(int argc, char** argv) {
    Arguments arguments(argc, argv, "Blurs a picture and finds its edges");
    const int width = int(arguments.integer("width", 1280, "of the test chart"));
    const int height = int(arguments.integer("height", 720, "of the test chart"));
    const double sigma = arguments.number("sigma", 3, "of the Gauss curve, in pixels, at most 8");
    const CommonOptions common = common_options(arguments);
    const std::string file = arguments.positional("FILE.png", "", "the picture; without one a test chart is made");
    arguments.finish();
    if (width < 1 || height < 1 || !(sigma > 0 && sigma <= 8)) {
        std::fprintf(stderr, "sizes must be at least 1, sigma above 0 and at most 8\n");
        return 1;
    }

    const int radius = std::min(max_radius, int(std::ceil(3 * sigma)));
    std::vector<float> gauss;
    double sum = 0;
    for (int k = -radius; k <= radius; ++k) sum += std::exp(-k * k / (2 * sigma * sigma));
    for (int k = -radius; k <= radius; ++k) gauss.push_back(float(std::exp(-k * k / (2 * sigma * sigma)) / sum));

    if (!common.quiet) print_device();
    Image input = test_chart(width, height, 3);
    if (!file.empty() && !read_png(file, input)) return 1;
    filter(input, gauss); // compiles and warms up
    const Results results = filter(input, gauss);
    if (!common.quiet)
        std::printf("%d x %d pixels, %d channels, radius %d: %.4f s, %.1f million pixels/s\n", input.width, input.height,
                    input.channels, radius, results.seconds, 1e-6 * input.width * input.height / results.seconds);
    if (common.writes_files()) {
        if (file.empty() && !write_png(common.path("chart.png"), input)) return 1;
        if (!write_png(common.path("blurred.png"), results.blurred) || !write_png(common.path("edges.png"), results.edges))
            return 1;
    }

    bool passed = true;
    if (common.check) {
        passed = check(input, gauss, results);
        for (const int channels : {1, 2, 4}) { // and the kinds of picture that this one isn't, in a size that fits no block
            const Image other = test_chart(101, 67, channels);
            passed = check(other, gauss, filter(other, gauss)) && passed;
        }
    }
    return verdict("image", common.check, passed);
}
