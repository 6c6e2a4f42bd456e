// Mandelbrot set: how fast do warps run whose lanes want to stop at different times? Each thread iterates the points of one pixel
// until they escape; neighbours along the border of the set differ by hundreds of rounds.
//
// Colours follow the smooth escape time n + 1 - log2(log2 |z|), so no bands show. Each pixel averages samples x samples points.
//
// The check renders a small image of the same view on the device and on the host and wants every pixel's count of rounds to
// be equal, although the border is chaotic: the step below spells out each fused multiply-add, and what is left is single
// operations of IEEE 754, so host and device have no freedom to differ.
#include "arguments.h"
#include "cuda_check.h"
#include "image.h"
#include "report.h"

#include <cmath>
#include <cstdio>

constexpr int palette_size = 1024;
__constant__ float3 palette[palette_size];

struct View {
    double left, top, step; // of the points, not the pixels
    int width, height, samples, rounds;
};

/// Rounds until |z|^2 passes 2^16 (far out, so that the smooth formula is exact); `size` receives the last |z|^2.
__host__ __device__ inline int escape(double cx, double cy, int rounds, double& size) {
    double x = 0, y = 0;
    int n = 0;
    for (; n < rounds; ++n) {
        size = fma(x, x, y * y);
        if (size > 65536.0) break;
        const double next = fma(x, x, fma(-y, y, cx));
        y = fma(x + x, y, cy);
        x = next;
    }
    return n;
}

__host__ __device__ inline int pixel_rounds(const View& view, int px, int py, int sample, double& size) {
    const int sx = px * view.samples + sample % view.samples, sy = py * view.samples + sample / view.samples;
    return escape(fma(double(sx), view.step, view.left), fma(double(-sy), view.step, view.top), view.rounds, size);
}

__global__ void mandelbrot(View view, uchar3* colors, int* total_rounds) {
    const int px = blockIdx.x * blockDim.x + threadIdx.x, py = blockIdx.y * blockDim.y + threadIdx.y;
    if (px >= view.width || py >= view.height) return;
    const int samples = view.samples * view.samples;
    float red = 0, green = 0, blue = 0;
    int total = 0;
    for (int s = 0; s < samples; ++s) {
        double size = 0;
        const int n = pixel_rounds(view, px, py, s, size);
        total += n;
        if (n == view.rounds) continue; // inside: black
        const float smooth = float(n) + 1.0f - log2f(0.5f * log2f(float(size)));
        const float turn = 0.35f * sqrtf(fmaxf(smooth, 0.0f)); // a square root gives near and far bands about the same room
        const float place = (turn - floorf(turn)) * palette_size;
        const int low = int(place) % palette_size;
        const float share = place - floorf(place);
        const float3 a = palette[low], b = palette[(low + 1) % palette_size];
        red += a.x + share * (b.x - a.x);
        green += a.y + share * (b.y - a.y);
        blue += a.z + share * (b.z - a.z);
    }
    const size_t at = size_t(py) * view.width + px;
    const float scale = 255.0f / samples;
    colors[at] = make_uchar3((unsigned char)(red * scale + 0.5f), (unsigned char)(green * scale + 0.5f),
                             (unsigned char)(blue * scale + 0.5f));
    total_rounds[at] = total;
}

static View make_view(double x, double y, double span, int width, int height, int samples, int rounds) {
    View view{};
    view.step = span / (double(width) * samples);
    view.left = x - span / 2;
    view.top = y + view.step * height * samples / 2;
    view.width = width;
    view.height = height;
    view.samples = samples;
    view.rounds = rounds;
    return view;
}

static double render(const View& view, Image& image, std::vector<int>& rounds) {
    const size_t count = size_t(view.width) * view.height;
    DeviceArray<uchar3> colors(count);
    DeviceArray<int> total(count);
    const dim3 block(32, 4), grid((view.width + block.x - 1) / block.x, (view.height + block.y - 1) / block.y);
    DeviceTimer timer;
    timer.start();
    mandelbrot<<<grid, block>>>(view, colors.data(), total.data());
    CHECK_LAUNCH();
    const double seconds = timer.stop();
    image = Image(view.width, view.height, 3);
    colors.download(reinterpret_cast<uchar3*>(image.pixels.data()), count);
    rounds = total.download();
    return seconds;
}

int main(int argc, char** argv) {
    Arguments arguments(argc, argv, "Draws the Mandelbrot set");
    const int width = int(arguments.integer("width", 1200, "pixels across"));
    const int height = int(arguments.integer("height", 800, "pixels down"));
    const int samples = int(arguments.integer("samples", 2, "points per pixel in each direction"));
    const int rounds = int(arguments.integer("rounds", 2000, "rounds until a point counts as inside"));
    const double x = arguments.number("x", -0.74515, "centre, real part");
    const double y = arguments.number("y", 0.11260, "centre, imaginary part");
    const double span = arguments.number("span", 0.0066, "width of the view");
    const CommonOptions common = common_options(arguments);
    arguments.finish();
    if (width < 1 || height < 1 || samples < 1 || rounds < 1) {
        std::fprintf(stderr, "sizes must be at least 1\n");
        return 1;
    }

    if (!common.quiet) print_device();
    std::vector<float3> colors;
    for (int i = 0; i < palette_size; ++i) {
        const Color c = tides(float(i) / palette_size);
        colors.push_back(make_float3(c.red, c.green, c.blue));
    }
    CHECK(cudaMemcpyToSymbol(palette, colors.data(), sizeof palette));

    Image image;
    std::vector<int> counts;
    const double seconds = render(make_view(x, y, span, width, height, samples, rounds), image, counts);
    double total = 0;
    for (const int n : counts) total += n;
    if (!common.quiet)
        std::printf("%d x %d pixels of %d points, %.3g rounds in %.3f s: %.3g million rounds/s\n", width, height,
                    samples * samples, total, seconds, total / seconds * 1e-6);
    if (common.writes_files() && !write_png(common.path("mandelbrot.png"), image)) return 1;

    bool passed = true;
    if (common.check) {
        const View view = make_view(x, y, span, 150, 100, 1, rounds);
        render(view, image, counts);
        Comparison same("rounds of every pixel of a 150 x 100 image", 0);
        for (int py = 0; py < view.height; ++py)
            for (int px = 0; px < view.width; ++px) {
                double size = 0;
                same.add(counts[size_t(py) * view.width + px], pixel_rounds(view, px, py, 0, size));
            }
        passed = same.report();
    }
    return verdict("mandelbrot", common.check, passed);
}
