// Two galaxies collide: every body attracts every other one (softened gravity), a tile of bodies at a time through shared
// memory, and a leapfrog scheme moves them. Frames are drawn on the device: each body adds a small bright and a wide faint spot
// to a picture of floats, with atomics, and a tone map turns sums of light into colours.
//
// Units: G = 1, each galaxy has mass about 1 and radius about 1; a turn at the rim takes about 2 pi.
//
// Checks:
//   - accelerations of some bodies against a sum in double on the host. A tile of 256 terms, then n / 256 tiles, are off by at
//     most (256 + n / 256) 2^-24 of the sum of their sizes, and each term by a few units in the last place (rsqrtf: 2, cubed: 6,
//     differences, squares and products: 6), say 1e-6.
//   - leapfrog is symplectic: the energy's error oscillates and doesn't grow; 1 % is far above what the default step gives and
//   far
//     below what a wrong force or a missing barrier does. Total momentum starts at zero and stays there up to rounding.
#include "arguments.h"
#include "cuda_check.h"
#include "image.h"
#include "report.h"

#include <cmath>
#include <cstdint>
#include <cstdio>

constexpr int block_size = 256;

__device__ float3 attract(float3 sum, float4 self, float4 other, float softening2) {
    const float dx = other.x - self.x, dy = other.y - self.y, dz = other.z - self.z;
    const float near = rsqrtf(dx * dx + dy * dy + dz * dz + softening2);
    const float pull = other.w * near * near * near;
    sum.x += dx * pull;
    sum.y += dy * pull;
    sum.z += dz * pull;
    return sum;
}

/// One step: velocities by `kick`, then positions by `drift`. from[i].w is a body's mass. The accelerations are stored where
/// asked.
__global__ void __launch_bounds__(block_size)
    step(int n, const float4* __restrict__ from, float4* __restrict__ to, float4* __restrict__ velocities, float4* accelerations,
         float softening2, float kick, float drift) {
    __shared__ float4 tile[block_size];
    const int i = blockIdx.x * block_size + threadIdx.x;
    float4 self = i < n ? from[i] : make_float4(0, 0, 0, 0);
    float3 pull = make_float3(0, 0, 0);
    for (int start = 0; start < n; start += block_size) {
        const int j = start + threadIdx.x;
        tile[threadIdx.x] = j < n ? from[j] : make_float4(0, 0, 0, 0); // no mass, no pull
        __syncthreads();
        float3 of_tile = make_float3(0, 0, 0); // summed apart: small terms added to a large sum would all be rounded the same way
#pragma unroll 8
        for (int k = 0; k < block_size; ++k) of_tile = attract(of_tile, self, tile[k], softening2);
        pull.x += of_tile.x;
        pull.y += of_tile.y;
        pull.z += of_tile.z;
        __syncthreads();
    }
    if (i >= n) return;
    float4 v = velocities[i];
    v.x += pull.x * kick;
    v.y += pull.y * kick;
    v.z += pull.z * kick;
    velocities[i] = v;
    to[i] = make_float4(self.x + v.x * drift, self.y + v.y * drift, self.z + v.z * drift, self.w);
    if (accelerations) accelerations[i] = make_float4(pull.x, pull.y, pull.z, 0);
}

struct Camera {
    float right[3], up[3], scale; // pixels for a unit of length
    int width, height;
};

__global__ void splat(int n, int first_galaxy, const float4* __restrict__ bodies, Camera camera, float brightness, float* light) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const float4 b = bodies[i];
    const float x = 0.5f * camera.width + camera.scale * (b.x * camera.right[0] + b.y * camera.right[1] + b.z * camera.right[2]);
    const float y = 0.5f * camera.height - camera.scale * (b.x * camera.up[0] + b.y * camera.up[1] + b.z * camera.up[2]);
    const float3 color = i < first_galaxy ? make_float3(1.00f, 0.62f, 0.30f) : make_float3(0.32f, 0.58f, 1.00f);
    constexpr int reach = 8;
    const int cx = int(floorf(x)), cy = int(floorf(y));
    for (int py = cy - reach; py <= cy + reach; ++py)
        for (int px = cx - reach; px <= cx + reach; ++px) {
            if (px < 0 || py < 0 || px >= camera.width || py >= camera.height) continue;
            const float dx = px + 0.5f - x, dy = py + 0.5f - y, r2 = dx * dx + dy * dy;
            const float spot = brightness * (0.7f * expf(-r2 * 1.1f) + 0.07f * expf(-r2 * 0.08f));
            if (spot < 1e-4f * brightness) continue;
            float* pixel = light + 3 * (size_t(py) * camera.width + px);
            atomicAdd(pixel, spot * color.x);
            atomicAdd(pixel + 1, spot * color.y);
            atomicAdd(pixel + 2, spot * color.z);
        }
}

/// More light makes a channel lighter, but never quite full: 1 - exp(-x); then the exponent of a screen. Very bright spots turn
/// white because a share of the overflow goes to all channels.
__global__ void tone_map(int pixels, const float* __restrict__ light, unsigned char* __restrict__ bytes) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= pixels) return;
    const float r = light[3 * i], g = light[3 * i + 1], b = light[3 * i + 2], white = 0.06f * (r + g + b);
    const float channels[3] = {r + white, g + white, b + white};
    for (int c = 0; c < 3; ++c) bytes[3 * i + c] = (unsigned char)(255.0f * powf(1.0f - expf(-channels[c]), 1.0f / 2.0f) + 0.5f);
}

struct Bodies {
    std::vector<float4> positions, velocities;
};

struct Random {
    std::uint64_t state;
    double next() { // 0 ... 1, without 1
        state = state * 6364136223846793005ull + 1442695040888963407ull;
        return double(state >> 11) * (1.0 / 9007199254740992.0);
    }
    double normal() { return std::sqrt(-2 * std::log(1 - next())) * std::cos(6.283185307179586 * next()); }
};

constexpr double core_mass = 0.7, disc_mass = 0.3, disc_scale = 0.22;

/// A heavy core and a disc of light bodies on nearly circular orbits, tilted, moved and pushed.
static void add_galaxy(Bodies& bodies, int count, const double (&center)[3], const double (&motion)[3], double tilt, double turn,
                       double softening2, std::uint64_t seed) {
    Random random{seed};
    const double ct = std::cos(tilt), st = std::sin(tilt), cp = std::cos(turn), sp = std::sin(turn);
    const auto add = [&](double x, double y, double z, double vx, double vy, double vz, double mass) {
        const auto place = [&](double& a, double& b, double& c) { // about the x axis, then the z axis
            const double b1 = ct * b - st * c, c1 = st * b + ct * c, a1 = cp * a - sp * b1;
            b = sp * a + cp * b1;
            a = a1;
            c = c1;
        };
        place(x, y, z);
        place(vx, vy, vz);
        bodies.positions.push_back(make_float4(float(x + center[0]), float(y + center[1]), float(z + center[2]), float(mass)));
        bodies.velocities.push_back(make_float4(float(vx + motion[0]), float(vy + motion[1]), float(vz + motion[2]), 0));
    };
    add(0, 0, 0, 0, 0, 0, core_mass);
    for (int i = 1; i < count; ++i) {
        // Surface density falls as exp(-r / disc_scale), cut at 1.1; two faint arms by drawing the angle towards them.
        double r;
        do r = -disc_scale * std::log((1 - random.next()) * (1 - random.next()));
        while (r > 1.1 || r < 0.03);
        double angle = 6.283185307179586 * random.next();
        angle += 0.35 * std::sin(2 * (angle - 2.2 * std::log(r)));
        const double inside = disc_mass * (1 - std::exp(-r / disc_scale) * (1 + r / disc_scale)), d2 = r * r + softening2;
        const double speed = r * std::sqrt((core_mass + inside) / (d2 * std::sqrt(d2)));
        const double warmth = 0.04 * speed;
        add(r * std::cos(angle), r * std::sin(angle), 0.03 * random.normal(), -speed * std::sin(angle) + warmth * random.normal(),
            speed * std::cos(angle) + warmth * random.normal(), 0.5 * warmth * random.normal(), disc_mass / (count - 1));
    }
}

static Bodies two_galaxies(int n, double softening2) {
    Bodies bodies;
    // Nearly a parabola about the common centre: at distance d two unit masses fall with v^2 = 4 / d relative to each other.
    const double distance = 3.0, across = 0.9, speed = 0.5 * std::sqrt(4.0 / std::hypot(distance, across));
    add_galaxy(bodies, n / 2, {-distance / 2, -across / 2, 0}, {speed, 0, 0}, 0.35, 0.4, softening2, 1);
    add_galaxy(bodies, n - n / 2, {distance / 2, across / 2, 0}, {-speed, 0, 0}, -1.0, 0.9, softening2, 2);
    double drift[3] = {}, mass = 0;
    for (int i = 0; i < n; ++i) {
        const float4 v = bodies.velocities[i];
        const float m = bodies.positions[i].w;
        drift[0] += m * v.x, drift[1] += m * v.y, drift[2] += m * v.z, mass += m;
    }
    for (float4& v : bodies.velocities)
        v.x -= float(drift[0] / mass), v.y -= float(drift[1] / mass), v.z -= float(drift[2] / mass);
    return bodies;
}

struct Totals {
    double energy = 0, momentum = 0, speed_mass = 0;
};

static Totals totals(const Bodies& bodies, double softening2) {
    Totals result;
    double p[3] = {};
    const size_t n = bodies.positions.size();
    for (size_t i = 0; i < n; ++i) {
        const float4 a = bodies.positions[i], v = bodies.velocities[i];
        const double v2 = double(v.x) * v.x + double(v.y) * v.y + double(v.z) * v.z;
        double potential = 0;
        for (size_t j = i + 1; j < n; ++j) {
            const float4 b = bodies.positions[j];
            const double dx = double(a.x) - b.x, dy = double(a.y) - b.y, dz = double(a.z) - b.z;
            potential += b.w / std::sqrt(dx * dx + dy * dy + dz * dz + softening2);
        }
        result.energy += a.w * (0.5 * v2 - potential);
        result.speed_mass += a.w * std::sqrt(v2);
        p[0] += double(a.w) * v.x, p[1] += double(a.w) * v.y, p[2] += double(a.w) * v.z;
    }
    result.momentum = std::sqrt(p[0] * p[0] + p[1] * p[1] + p[2] * p[2]);
    return result;
}

static bool check_accelerations(const Bodies& bodies, const std::vector<float4>& got, double softening2) {
    const size_t n = bodies.positions.size(), step = n > 200 ? n / 200 : 1;
    Comparison right("accelerations, in parts of the sum of their terms", 0,
                     1e-6 + (block_size + double(n) / block_size) * std::ldexp(1.0, -24));
    for (size_t i = 0; i < n; i += step) {
        double sum[3] = {}, size[3] = {};
        const float4 a = bodies.positions[i];
        for (size_t j = 0; j < n; ++j) {
            const float4 b = bodies.positions[j];
            const double d[3] = {double(b.x) - a.x, double(b.y) - a.y, double(b.z) - a.z};
            const double r2 = d[0] * d[0] + d[1] * d[1] + d[2] * d[2] + softening2, pull = b.w / (r2 * std::sqrt(r2));
            for (int c = 0; c < 3; ++c) sum[c] += d[c] * pull, size[c] += std::fabs(d[c]) * pull;
        }
        right.add((got[i].x - sum[0]) / size[0], 0);
        right.add((got[i].y - sum[1]) / size[1], 0);
        right.add((got[i].z - sum[2]) / size[2], 0);
    }
    return right.report();
}

int main(int argc, char** argv) {
    Arguments arguments(argc, argv, "Lets two galaxies collide");
    const int n = int(arguments.integer("bodies", 10240, "bodies in all"));
    const int frames = int(arguments.integer("frames", 20, "pictures"));
    const int steps = int(arguments.integer("steps", 16, "time steps from one picture to the next"));
    const double dt = arguments.number("dt", 0.02, "length of a step");
    const double softening = arguments.number("softening", 0.08, "distance below which gravity grows no further");
    const int width = int(arguments.integer("width", 960, "pixels across"));
    const int height = int(arguments.integer("height", 640, "pixels down"));
    const CommonOptions common = common_options(arguments);
    arguments.finish();
    if (n < 4 || frames < 1 || steps < 1 || width < 1 || height < 1) {
        std::fprintf(stderr, "at least 4 bodies, 1 frame, 1 step and 1 pixel\n");
        return 1;
    }

    if (!common.quiet) print_device();
    const double softening2 = softening * softening;
    const Bodies start = two_galaxies(n, softening2);
    DeviceArray<float4> here(start.positions), there(n), velocities(start.velocities), accelerations(n);
    const int blocks = (n + block_size - 1) / block_size;
    const auto advance = [&](double kick, double drift, float4* store) {
        step<<<blocks, block_size>>>(n, here.data(), there.data(), velocities.data(), store, float(softening2), float(kick),
                                     float(drift));
        CHECK_LAUNCH();
        here.swap(there);
    };

    const size_t pixels = size_t(width) * height;
    DeviceArray<float> light(3 * pixels);
    DeviceArray<unsigned char> bytes(3 * pixels);
    Image image(width, height, 3);
    double gravity_seconds = 0, drawing_seconds = 0;
    long long launches = 0;
    const Stopwatch watch;
    {
        ProgressBar bar("colliding", frames, common.quiet);
        DeviceTimer timer;
        for (int frame = 0; frame < frames; ++frame) {
            if (common.writes_files()) {
                timer.start();
                const float around = 0.35f * float(frame) / float(frames), lean = 0.55f;
                const Camera camera{{cosf(around), sinf(around), 0},
                                    {-sinf(around) * cosf(lean), cosf(around) * cosf(lean), sinf(lean)},
                                    0.15f * float(width),
                                    width,
                                    height};
                light.zero();
                const float brightness = 3600.0f / float(n) * float(pixels) / (960.0f * 640.0f);
                splat<<<blocks, block_size>>>(n, n / 2, here.data(), camera, brightness, light.data());
                tone_map<<<(unsigned(pixels) + 255) / 256, 256>>>(int(pixels), light.data(), bytes.data());
                CHECK_LAUNCH();
                drawing_seconds += timer.stop();
                bytes.download(image.pixels.data(), image.pixels.size());
                char file[32];
                std::snprintf(file, sizeof file, "nbody_%03d.png", frame);
                if (!write_png(common.path(file), image)) return 1;
            }
            if (frame + 1 < frames || frames == 1) {
                timer.start();
                for (int s = 0; s < steps; ++s, ++launches)
                    advance(launches ? dt : 0.5 * dt, dt, launches ? nullptr : accelerations.data());
                gravity_seconds += timer.stop();
            }
            bar.step();
        }
    }
    const std::vector<float4> first_accelerations = accelerations.download();
    advance(0.5 * dt, 0, nullptr); // velocities up to the time of the positions
    const double seconds = watch.seconds();
    if (!common.quiet) {
        std::printf("%d bodies, %lld steps, %d pictures in %.2f s (drawing %.2f s)\n", n, launches,
                    common.writes_files() ? frames : 0, seconds, drawing_seconds);
        std::printf("%.3g million pairs/s, about %.1f GFLOP/s at 20 operations a pair\n",
                    1e-6 * launches * n * n / gravity_seconds, 20e-9 * launches * n * n / gravity_seconds);
    }

    bool passed = true;
    if (common.check) {
        passed = check_accelerations(start, first_accelerations, softening2);
        const Totals before = totals(start, softening2), after = totals({here.download(), velocities.download()}, softening2);
        const double drift = std::fabs(after.energy / before.energy - 1);
        char text[120];
        std::snprintf(text, sizeof text, "energy drift %.2e, at most 1e-2 (%.5f to %.5f)", drift, before.energy, after.energy);
        passed = expect(drift <= 1e-2, text) && passed;
        std::snprintf(text, sizeof text, "total momentum %.1e of what the bodies carry, at most 1e-4",
                      after.momentum / after.speed_mass);
        passed = expect(after.momentum <= 1e-4 * after.speed_mass, text) && passed;
    }
    return verdict("nbody", common.check, passed);
}
