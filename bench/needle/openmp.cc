// [barrier] Needleman-Wunsch alignment of two sequences of 2048: row by row inside tiles of 128 x 256. What comes from above is plain
// vector work; the chain along the row, max(v, left - penalty), is a prefix maximum of 16 numbers in a register. Threads share the
// tiles of a diagonal.
#include "../bench.h"

#include <cstring>

constexpr int n = 2048, stride = n + 1, penalty = 3, rows = 128, columns = 256, lanes = 16;
typedef int Vector __attribute__((vector_size(4 * lanes)));

static inline Vector larger(Vector a, Vector b) { return a > b ? a : b; }

// v[j] = max over i <= j of v[i] - (j - i) penalty
static inline Vector prefix(Vector v) {
    constexpr int none = -(1 << 29);
    Vector low = Vector{} + none;
    v = larger(v, __builtin_shufflevector(low, v, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30) - penalty);
    v = larger(v, __builtin_shufflevector(low, v, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29) - 2 * penalty);
    v = larger(v, __builtin_shufflevector(low, v, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27) - 4 * penalty);
    return larger(v, __builtin_shufflevector(low, v, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23) - 8 * penalty);
}

static void align(const int* a, const int* b, int* score, int y0, int x0) {
    const Vector ramp = Vector{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16} * penalty;
    for (int y = y0; y < y0 + rows; ++y) {
        const int* above = score + y * stride;
        int* here = score + (y + 1) * stride;
        Vector carry = here[x0] - Vector{};
        for (int x = x0; x < x0 + columns; x += lanes) {
            Vector corner, top, other;
            std::memcpy(&corner, above + x, sizeof corner), std::memcpy(&top, above + x + 1, sizeof top);
            std::memcpy(&other, b + x, sizeof other);
            Vector match = corner + (other == a[y] ? Vector{} + 5 : Vector{} - 4);
            Vector v = prefix(larger(match, top - penalty));
            v = larger(v, carry - ramp);
            std::memcpy(here + x + 1, &v, sizeof v);
            carry = __builtin_shufflevector(v, v, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15);
        }
    }
}

int main() {
    std::vector<int> a(n), b(n);
    for (int i = 0; i < n; ++i) a[i] = (i * 2654435761u >> 13) % 4, b[i] = i % 5 ? a[i] : (i * 2246822519u >> 13) % 4;
    std::vector<int> score(stride * stride);
    for (int i = 0; i < stride; ++i) score[i] = score[i * stride] = -penalty * i;
    constexpr int down = n / rows, across = n / columns;
    double seconds = bench::median_seconds([&] {
#pragma omp parallel
        for (int diagonal = 0; diagonal < down + across - 1; ++diagonal) {
            int first = std::max(0, diagonal - down + 1), last = std::min(diagonal, across - 1);
#pragma omp for schedule(dynamic, 1)
            for (int tx = first; tx <= last; ++tx) align(a.data(), b.data(), score.data(), (diagonal - tx) * rows, tx * columns);
        }
    });
    double checksum = 0;
    for (int i = 0; i < stride * stride; ++i) checksum += double(score[i]) * (i % 1009);
    bench::report(seconds, double(n) * n, checksum);
}
