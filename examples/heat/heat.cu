// Temperature of a square plate whose edges are held at given temperatures: the heat equation, stepped until nothing changes any
// more. The largest stable step of the explicit scheme is Jacobi's method, u' = mean of the four neighbours.
//
// Every so often a step also measures the largest change: warps reduce by shuffles, a block through shared memory, and the
// blocks meet in one atomicMax. (Doubles that aren't negative order like their bits.)
//
// The edges are chosen so that the answer is known: the sum of sin(pi x) sinh(pi y) / sinh(pi) and a second wave of the same
// kind is harmonic. Check: the error consists of the discretisation's, below max|u_xxxx| h^2 / 12 * 1/4 per wave by the
// maximum principle (u_xxxx = k^4 pi^4 u; 1/8 of the width squared bounds the inverse operator, twice 1/12 the truncation), and
// the iteration's, change / (1 - rho) with rho = cos(pi h), which the stopping rule keeps a tenth of the former.
#include "arguments.h"
#include "cuda_check.h"
#include "image.h"
#include "report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

constexpr int block_x = 32, block_y = 8;
constexpr double pi = 3.14159265358979323846;

__device__ double block_max(double value) {
    __shared__ double of_warp[block_x * block_y / 32];
    for (int offset = 16; offset > 0; offset /= 2) value = fmax(value, __shfl_down_sync(0xffffffffu, value, offset));
    const int thread = threadIdx.y * blockDim.x + threadIdx.x, warp = thread / 32, lane = thread % 32;
    if (lane == 0) of_warp[warp] = value;
    __syncthreads();
    const int warps = block_x * block_y / 32;
    value = lane < warps ? of_warp[lane] : 0.0;
    if (warp == 0)
        for (int offset = 16; offset > 0; offset /= 2) value = fmax(value, __shfl_down_sync(0xffffffffu, value, offset));
    return value; // right in thread 0
}

/// One step for the points inside; n x n points with the edges.
template <bool Measure>
__global__ void step(int n, const double* __restrict__ from, double* __restrict__ to, unsigned long long* change_bits) {
    const int x = blockIdx.x * block_x + threadIdx.x + 1, y = blockIdx.y * block_y + threadIdx.y + 1;
    double change = 0;
    if (x < n - 1 && y < n - 1) {
        const size_t at = size_t(y) * n + x;
        const double next = 0.25 * ((from[at - 1] + from[at + 1]) + (from[at - n] + from[at + n]));
        if (Measure) change = fabs(next - from[at]);
        to[at] = next;
    }
    if (Measure) {
        change = block_max(change);
        if (threadIdx.x == 0 && threadIdx.y == 0) atomicMax(change_bits, (unsigned long long)__double_as_longlong(change));
    }
}

static double exact(double x, double y) {
    return std::sin(pi * x) * std::sinh(pi * y) / std::sinh(pi) +
           0.6 * std::sin(2 * pi * y) * std::sinh(2 * pi * (1 - x)) / std::sinh(2 * pi);
}

/// The field in colour, with a thin dark line wherever it passes a multiple of a tenth.
static Image picture(int n, const std::vector<double>& field, int size) {
    Image image(size, size, 3);
    const auto value = [&](double px, double py) {
        const double x = std::clamp(px / (size - 1), 0.0, 1.0) * (n - 1), y = std::clamp(1 - py / (size - 1), 0.0, 1.0) * (n - 1);
        const int ix = std::min(int(x), n - 2), iy = std::min(int(y), n - 2);
        const double fx = x - ix, fy = y - iy;
        const double* f = &field[size_t(iy) * n + ix];
        return (1 - fy) * ((1 - fx) * f[0] + fx * f[1]) + fy * ((1 - fx) * f[n] + fx * f[n + 1]);
    };
    for (int py = 0; py < size; ++py)
        for (int px = 0; px < size; ++px) {
            const double u = value(px, py);
            const double slope = std::hypot(value(px + 1, py) - value(px - 1, py), value(px, py + 1) - value(px, py - 1)) / 2;
            const double away = std::fabs(u * 10 - std::round(u * 10)) / (10 * slope + 1e-12); // from the nearest line, in pixels
            const float shade = away < 1 ? float(0.55 + 0.45 * away) : 1.0f;
            const Color c = ember(float((u + 0.6) / 1.6));
            std::uint8_t* p = image.at(px, py);
            p[0] = to_byte(c.red * shade);
            p[1] = to_byte(c.green * shade);
            p[2] = to_byte(c.blue * shade);
        }
    return image;
}

int main(int argc, char** argv) {
    Arguments arguments(argc, argv, "Finds the steady temperature of a plate");
    const int n = int(arguments.integer("size", 129, "points a side, edges included"));
    const int every = int(arguments.integer("every", 100, "steps between two looks at the change"));
    const int pixels = int(arguments.integer("pixels", 768, "of the picture, a side"));
    const CommonOptions common = common_options(arguments);
    arguments.finish();
    if (n < 3 || every < 1 || pixels < 2) {
        std::fprintf(stderr, "a plate needs at least 3 points a side, a picture 2 pixels\n");
        return 1;
    }

    if (!common.quiet) print_device();
    const double h = 1.0 / (n - 1);
    std::vector<double> start(size_t(n) * n, 0.0);
    for (int i = 0; i < n; ++i) {
        start[i] = exact(i * h, 0);
        start[size_t(n - 1) * n + i] = exact(i * h, 1);
        start[size_t(i) * n] = exact(0, i * h);
        start[size_t(i) * n + n - 1] = exact(1, i * h);
    }
    DeviceArray<double> here(start), there(start);
    DeviceArray<unsigned long long> change_bits(1);

    const double pi4 = pi * pi * pi * pi, discretisation = (pi4 + 0.6 * 16 * pi4) * h * h / 48;
    const double goal = 0.1 * discretisation * (1 - std::cos(pi * h));
    const long long limit = 40LL * n * n + 1000;
    const dim3 block(block_x, block_y), grid((n - 2 + block_x - 1) / block_x, (n - 2 + block_y - 1) / block_y);
    DeviceTimer timer;
    timer.start();
    long long steps = 0;
    double change = 0;
    do {
        for (int i = 0; i < every; ++i) {
            if (i + 1 < every) {
                step<false><<<grid, block>>>(n, here.data(), there.data(), nullptr);
            } else {
                change_bits.zero();
                step<true><<<grid, block>>>(n, here.data(), there.data(), change_bits.data());
            }
            here.swap(there);
        }
        CHECK_LAUNCH();
        change_bits.download(reinterpret_cast<unsigned long long*>(&change), 1);
        steps += every;
    } while (change > goal && steps < limit);
    const double seconds = timer.stop();
    const std::vector<double> field = here.download();
    if (!common.quiet) {
        std::printf("%d x %d points, %lld steps until the largest change was %.3g\n", n, n, steps, change);
        std::printf("%.3f s: %.1f million points/s, %.1f thousand launches/s\n", seconds,
                    steps * double(n - 2) * (n - 2) / seconds * 1e-6, steps / seconds * 1e-3);
    }
    if (common.writes_files() && !write_png(common.path("heat.png"), picture(n, field, pixels))) return 1;

    bool passed = true;
    if (common.check) {
        char text[100];
        std::snprintf(text, sizeof text, "converged: largest change %.3g, goal %.3g", change, goal);
        passed = expect(change <= goal, text);
        Comparison right("temperature against the exact solution", 0, 1.1 * discretisation);
        for (int y = 0; y < n; ++y)
            for (int x = 0; x < n; ++x) right.add(field[size_t(y) * n + x], exact(x * h, y * h));
        passed = right.report() && passed;
        // The last measured change must be what the host finds between the last two fields.
        const std::vector<double> before = there.download();
        double measured = 0;
        for (size_t i = 0; i < field.size(); ++i) measured = std::max(measured, std::fabs(field[i] - before[i]));
        passed = expect(measured == change, "the device's largest change is the host's, bit for bit") && passed;
    }
    return verdict("heat", common.check, passed);
}
