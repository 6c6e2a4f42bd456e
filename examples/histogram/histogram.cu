// Histogram of the 256 grey levels of a picture, three ways: atomics on global memory alone, a histogram in shared memory for
// each block that is added to the global one at the end, and the same with warp aggregation, where the lanes that hold the same
// level find each other and one of them counts for all. (CUDA C++ Programming Guide, "Atomic Functions" and "Warp Match Functions".)
//
// The three are run on the picture and on a black one of the same size, where every thread wants the same counter. Counting has
// no rounding, so the check is exact. What the histogram is for: the level that best parts the picture into dark and bright (Otsu).
#include "arguments.h"
#include "cuda_check.h"
#include "image.h"
#include "report.h"

#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

constexpr int kBins = 256;
constexpr int kThreads = 256;
constexpr unsigned kFullMask = 0xffffffffu;

using Counts = std::array<unsigned, kBins>;

__global__ void count_global(const std::uint8_t* pixels, std::size_t count, unsigned* bins) {
    const std::size_t stride = std::size_t(gridDim.x) * blockDim.x;
    for (std::size_t i = std::size_t(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += stride) atomicAdd(&bins[pixels[i]], 1u);
}

// Four pixels to a load; the last count % 4 pixels are the first block's.
__global__ void count_shared(const std::uint8_t* pixels, std::size_t count, unsigned* bins) {
    __shared__ unsigned block_bins[kBins];
    for (int bin = threadIdx.x; bin < kBins; bin += blockDim.x) block_bins[bin] = 0;
    __syncthreads();

    const uchar4* quads = reinterpret_cast<const uchar4*>(pixels);
    const std::size_t stride = std::size_t(gridDim.x) * blockDim.x;
    for (std::size_t i = std::size_t(blockIdx.x) * blockDim.x + threadIdx.x; i < count / 4; i += stride) {
        const uchar4 quad = quads[i];
        atomicAdd(&block_bins[quad.x], 1u);
        atomicAdd(&block_bins[quad.y], 1u);
        atomicAdd(&block_bins[quad.z], 1u);
        atomicAdd(&block_bins[quad.w], 1u);
    }
    if (blockIdx.x == 0 && threadIdx.x < count % 4) atomicAdd(&block_bins[pixels[count / 4 * 4 + threadIdx.x]], 1u);
    __syncthreads();

    for (int bin = threadIdx.x; bin < kBins; bin += blockDim.x) {
        if (block_bins[bin]) atomicAdd(&bins[bin], block_bins[bin]);
    }
}

__global__ void count_aggregated(const std::uint8_t* pixels, std::size_t count, unsigned* bins) {
    __shared__ unsigned block_bins[kBins];
    for (int bin = threadIdx.x; bin < kBins; bin += blockDim.x) block_bins[bin] = 0;
    __syncthreads();

    const unsigned lane = threadIdx.x % 32;
    const std::size_t stride = std::size_t(gridDim.x) * blockDim.x;
    // The whole warp goes round as long as one of its lanes has a pixel, so that all lanes take part in the ballot.
    const std::size_t first = std::size_t(blockIdx.x) * blockDim.x + threadIdx.x - lane;
    for (std::size_t base = first; base < count; base += stride) {
        const bool inside = base + lane < count;
        const unsigned active = __ballot_sync(kFullMask, inside);
        if (inside) {
            const unsigned level = pixels[base + lane];
            const unsigned peers = __match_any_sync(active, level);
            if (lane == unsigned(__ffs(peers)) - 1) atomicAdd(&block_bins[level], unsigned(__popc(peers)));
        }
    }
    __syncthreads();

    for (int bin = threadIdx.x; bin < kBins; bin += blockDim.x) {
        if (block_bins[bin]) atomicAdd(&bins[bin], block_bins[bin]);
    }
}

// A dusk over hills: a sky that fades, two ridges, a sun, and grain from a linear congruential generator.
static Image paint_dusk(int width, int height) {
    Image image(width, height, 1);
    std::uint32_t state = 12345;
    for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) {
            const double u = double(x) / width, v = double(y) / height;
            double level = 225 - 110 * v;
            if (std::hypot(u - 0.7, (v - 0.3) * height / width) < 0.06) level = 250;
            if (v > 0.62 + 0.08 * std::sin(9 * u + 1)) level = 90;
            if (v > 0.75 + 0.06 * std::sin(14 * u)) level = 38;
            state = state * 1664525u + 1013904223u;
            level += (state >> 24) / 255.0 * 24 - 12;
            *image.at(x, y) = std::uint8_t(std::fmin(255.0, std::fmax(0.0, std::round(level))));
        }
    }
    return image;
}

static Image to_grey(const Image& image) {
    if (image.channels == 1) return image;
    Image grey(image.width, image.height, 1);
    for (int y = 0; y < image.height; ++y) {
        for (int x = 0; x < image.width; ++x) {
            const std::uint8_t* pixel = image.at(x, y);
            *grey.at(x, y) = image.channels < 3 ? pixel[0] : std::uint8_t((77 * pixel[0] + 150 * pixel[1] + 29 * pixel[2]) >> 8);
        }
    }
    return grey;
}

// The level that makes the variance between the two classes, up to it and above it, largest. (N. Otsu, 1979.)
static int otsu_level(const Counts& counts) {
    double total = 0, sum = 0;
    for (int level = 0; level < kBins; ++level) {
        total += counts[level];
        sum += double(level) * counts[level];
    }
    int best = 0;
    double best_variance = -1, below = 0, sum_below = 0;
    for (int level = 0; level < kBins; ++level) {
        below += counts[level];
        sum_below += double(level) * counts[level];
        if (below == 0 || below == total) continue;
        const double difference = sum_below / below - (sum - sum_below) / (total - below);
        const double variance = below * (total - below) * difference * difference;
        if (variance > best_variance) {
            best_variance = variance;
            best = level;
        }
    }
    return best;
}

static Counts count_on_host(const std::vector<std::uint8_t>& pixels) {
    Counts counts{};
    for (const std::uint8_t pixel : pixels) ++counts[pixel];
    return counts;
}

static void print_bars(const Counts& counts) {
    constexpr int kRows = 16, kWidth = 60;
    std::array<double, kRows> rows{};
    double largest = 1;
    for (int level = 0; level < kBins; ++level) rows[level * kRows / kBins] += counts[level];
    for (const double row : rows) largest = std::fmax(largest, row);
    for (int row = 0; row < kRows; ++row) {
        const int length = int(rows[row] / largest * kWidth + 0.5);
        std::printf("%4d-%-3d %s\n", row * kBins / kRows, (row + 1) * kBins / kRows - 1, std::string(length, '#').c_str());
    }
}

int main(int argc, char** argv) {
    Arguments arguments(argc, argv, "Counts the grey levels of a picture, with and without warp aggregation");
    const int width = int(arguments.integer("width", 4093, "width of the painted picture"));
    const int height = int(arguments.integer("height", 3071, "height of the painted picture"));
    const int blocks = int(arguments.integer("blocks", 64, "blocks of 256 threads"));
    const int runs = int(arguments.integer("runs", 5, "timed runs of each version"));
    const std::string input = arguments.text("input", "", "a PNG to count instead");
    const CommonOptions common = common_options(arguments, "");
    arguments.finish();
    if (width < 1 || height < 1 || blocks < 1 || runs < 1) {
        std::fprintf(stderr, "histogram: width, height, blocks and runs must be at least 1\n");
        return 1;
    }

    Image image;
    if (input.empty()) {
        image = paint_dusk(width, height);
    } else {
        if (!read_png(input, image)) return 1;
        image = to_grey(image);
    }
    if (!common.quiet) print_device();

    struct Version {
        const char* name;
        void (*kernel)(const std::uint8_t*, std::size_t, unsigned*);
    };
    const Version versions[] = {{"global atomics", count_global}, {"shared atomics", count_shared}, {"warp aggregation", count_aggregated}};
    struct Picture {
        const char* name;
        std::vector<std::uint8_t> pixels;
    };
    const Picture pictures[] = {{"picture", image.pixels}, {"black", std::vector<std::uint8_t>(image.pixels.size(), 0)}};

    bool passed = true;
    Counts found{};
    for (const Picture& picture : pictures) {
        const DeviceArray<std::uint8_t> pixels(picture.pixels);
        DeviceArray<unsigned> bins(kBins);
        const Counts expected = common.check ? count_on_host(picture.pixels) : Counts{};
        for (const Version& version : versions) {
            bins.zero();
            version.kernel<<<blocks, kThreads>>>(pixels.data(), pixels.size(), bins.data());
            CHECK_LAUNCH();
            Counts counts;
            bins.download(counts.data(), kBins);
            if (&picture == pictures) found = counts;

            DeviceTimer timer;
            timer.start();
            for (int run = 0; run < runs; ++run) version.kernel<<<blocks, kThreads>>>(pixels.data(), pixels.size(), bins.data());
            CHECK_LAUNCH();
            const double seconds = timer.stop() / runs;
            std::printf("%-8s %-17s %8.3f ms %8.1f million pixels/s\n", picture.name, version.name, seconds * 1e3,
                        double(pixels.size()) / seconds * 1e-6);
            if (common.check && counts != expected) {
                for (int level = 0; level < kBins; ++level) {
                    if (counts[level] == expected[level]) continue;
                    std::printf("level %d: counted %u, expected %u\n", level, counts[level], expected[level]);
                    break;
                }
                passed = false;
            }
        }
    }
    if (!common.quiet) print_bars(found);
    std::printf("%d x %d pixels, dark and bright part at level %d\n", image.width, image.height, otsu_level(found));
    return verdict("histogram", common.check, passed);
}
