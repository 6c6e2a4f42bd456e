// Matrix product C = A B in single precision, twice: with 32 x 32 tiles in shared memory and one thread for each element of C,
// as every introduction has it, and with 64 x 64 tiles of which a thread holds 4 x 4 elements in registers, which reads
// shared memory four times less often. Sizes are arbitrary: what lies outside the matrices is loaded as zero.
//
// Check: a sum of k products, each term rounded, is off by at most about k * 2^-24 * sum |a b| whatever the order and
// whether or not fused multiply-adds are used; the tolerance is that bound for sampled elements, with the host's sum in double.
#include "arguments.h"
#include "cuda_check.h"
#include "report.h"

#include <cmath>
#include <cstdint>
#include <cstdio>

struct Shape {
    int m, n, k; // A is m x k, B is k x n, C is m x n; rows lie one after another
};

constexpr int tile = 32;

__global__ void multiply_tiled(Shape s, const float* __restrict__ a, const float* __restrict__ b, float* __restrict__ c) {
    __shared__ float a_tile[tile][tile], b_tile[tile][tile];
    const int tx = threadIdx.x, ty = threadIdx.y;
    const int row = blockIdx.y * tile + ty, column = blockIdx.x * tile + tx;
    float sum = 0;
    for (int start = 0; start < s.k; start += tile) {
        a_tile[ty][tx] = row < s.m && start + tx < s.k ? a[size_t(row) * s.k + start + tx] : 0.0f;
        b_tile[ty][tx] = column < s.n && start + ty < s.k ? b[size_t(start + ty) * s.n + column] : 0.0f;
        __syncthreads();
#pragma unroll
        for (int i = 0; i < tile; ++i) sum += a_tile[ty][i] * b_tile[i][tx];
        __syncthreads();
    }
    if (row < s.m && column < s.n) c[size_t(row) * s.n + column] = sum;
}

constexpr int block_size = 64; // of C, a side
constexpr int depth = 16;      // of a step along k
constexpr int part = 4;        // a thread's share, a side
constexpr int side = block_size / part;

__global__ void __launch_bounds__(side* side)
    multiply_blocked(Shape s, const float* __restrict__ a, const float* __restrict__ b, float* __restrict__ c) {
    __shared__ float a_tile[depth][block_size], b_tile[depth][block_size]; // A transposed: a thread reads four rows at once
    const int tx = threadIdx.x, ty = threadIdx.y, thread = ty * side + tx;
    const int row0 = blockIdx.y * block_size, column0 = blockIdx.x * block_size;
    float sum[part][part] = {};
    for (int start = 0; start < s.k; start += depth) {
#pragma unroll
        for (int i = thread; i < depth * block_size; i += side * side) {
            const int ar = i / depth, ak = i % depth, bk = i / block_size, bc = i % block_size;
            a_tile[ak][ar] = row0 + ar < s.m && start + ak < s.k ? a[size_t(row0 + ar) * s.k + start + ak] : 0.0f;
            b_tile[bk][bc] = column0 + bc < s.n && start + bk < s.k ? b[size_t(start + bk) * s.n + column0 + bc] : 0.0f;
        }
        __syncthreads();
#pragma unroll
        for (int k = 0; k < depth; ++k) {
            float left[part], right[part];
#pragma unroll
            for (int i = 0; i < part; ++i) {
                left[i] = a_tile[k][ty * part + i];
                right[i] = b_tile[k][tx + i * side]; // strided by a block's side: neighbours read neighbours
            }
#pragma unroll
            for (int i = 0; i < part; ++i)
#pragma unroll
                for (int j = 0; j < part; ++j) sum[i][j] += left[i] * right[j];
        }
        __syncthreads();
    }
#pragma unroll
    for (int i = 0; i < part; ++i)
#pragma unroll
        for (int j = 0; j < part; ++j) {
            const int row = row0 + ty * part + i, column = column0 + tx + j * side;
            if (row < s.m && column < s.n) c[size_t(row) * s.n + column] = sum[i][j];
        }
}

static std::vector<float> random_matrix(size_t count, std::uint32_t seed) {
    std::vector<float> values(count);
    for (float& value : values) {
        seed = seed * 1664525u + 1013904223u;
        value = float(seed >> 8) * (2.0f / 16777216.0f) - 1.0f;
    }
    return values;
}

static bool check(const char* name, Shape s, const std::vector<float>& a, const std::vector<float>& b,
                  const std::vector<float>& c) {
    Comparison right(name, 0, 1.0);
    const size_t count = c.size(), step = count > 4096 ? count / 4096 : 1; // all elements of a small product
    for (size_t sample = 0; sample < count; sample += step) {
        // A step that is a multiple of n would see one column only.
        const size_t at = step == 1 ? sample : (sample + sample / step * 7919) % count;
        const size_t row = at / s.n, column = at % s.n;
        double sum = 0, size = 0;
        for (int k = 0; k < s.k; ++k) {
            const double term = double(a[row * s.k + k]) * b[size_t(k) * s.n + column];
            sum += term;
            size += std::fabs(term);
        }
        const double bound = s.k * std::ldexp(1.0, -24) * size;
        right.add(bound > 0 ? (c[at] - sum) / bound : c[at], 0);
    }
    return right.report();
}

int main(int argc, char** argv) {
    Arguments arguments(argc, argv, "Multiplies two matrices");
    const int size = int(arguments.integer("size", 1024, "rows and columns, where nothing else is said"));
    Shape s{};
    s.m = int(arguments.integer("m", size, "rows of A and C"));
    s.n = int(arguments.integer("n", size, "columns of B and C"));
    s.k = int(arguments.integer("k", size, "columns of A, rows of B"));
    const int repeats = int(arguments.integer("repeats", 3, "timed runs of each kernel; the best counts"));
    const CommonOptions common = common_options(arguments, "");
    arguments.finish();
    if (s.m < 1 || s.n < 1 || s.k < 1 || repeats < 1) {
        std::fprintf(stderr, "sizes must be at least 1\n");
        return 1;
    }

    if (!common.quiet) print_device();
    const std::vector<float> a = random_matrix(size_t(s.m) * s.k, 1), b = random_matrix(size_t(s.k) * s.n, 2);
    const DeviceArray<float> device_a(a), device_b(b);
    DeviceArray<float> device_c(size_t(s.m) * s.n);
    bool passed = true;
    for (const bool blocked : {false, true}) {
        const char* name = blocked ? "64 x 64 tiles, 4 x 4 in registers" : "32 x 32 tiles";
        const int edge = blocked ? block_size : tile, threads = blocked ? side : tile;
        const dim3 grid((s.n + edge - 1) / edge, (s.m + edge - 1) / edge), block(threads, threads);
        double best = 0;
        CHECK(cudaMemset(device_c.data(), 0xff, device_c.size() * sizeof(float))); // NaN: every element has to be written
        for (int run = 0; run <= repeats; ++run) {                                 // the first one warms up
            DeviceTimer timer;
            timer.start();
            if (blocked)
                multiply_blocked<<<grid, block>>>(s, device_a.data(), device_b.data(), device_c.data());
            else
                multiply_tiled<<<grid, block>>>(s, device_a.data(), device_b.data(), device_c.data());
            CHECK_LAUNCH();
            const double seconds = timer.stop();
            if (run == 1 || (run > 1 && seconds < best)) best = seconds;
        }
        if (!common.quiet)
            std::printf("%s: %d x %d x %d in %.4f s: %.1f GFLOP/s\n", name, s.m, s.n, s.k, best, 2e-9 * s.m * s.n * s.k / best);
        if (common.check) passed = check(name, s, a, b, device_c.download()) && passed;
    }
    return verdict("matmul", common.check, passed);
}
