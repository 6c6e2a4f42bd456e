// [barrier] 4096 transforms of 1024 complex points: as 32 x 32. Transforms down the columns, twiddles, transposition, transforms down
// the columns again: all arithmetic is on whole rows of 32, and one transform stays in L1. Real and imaginary parts apart.
#include "../bench.h"

#include <cmath>
#include <cstring>

constexpr int points = 1024, batch = 4096, side = 32;

struct Complex {
    float x, y;
};
typedef float Row __attribute__((vector_size(4 * side)));
struct Square {
    Row re[side], im[side];
};

static Square twiddle; // exp(-2 pi i row column / 1024)
static float cosine[side], sine[side];

// One radix-4 step of 32-point transforms in all 32 columns: Stockham, `span` points of the sub-transforms are done.
template <int span> static inline void step4(const Square& from, Square& to) {
    for (int t = 0; t < side / 4; ++t) {
        int k = t % span, at = (t - k) * 4 + k;
        Row re[4], im[4];
        for (int r = 0; r < 4; ++r) {
            Row x = from.re[t + r * (side / 4)], y = from.im[t + r * (side / 4)];
            float c = cosine[r * k * (side / 4 / span)], s = sine[r * k * (side / 4 / span)];
            re[r] = x * c - y * s, im[r] = x * s + y * c;
        }
        Row ar = re[0] + re[2], ai = im[0] + im[2], br = re[0] - re[2], bi = im[0] - im[2];
        Row cr = re[1] + re[3], ci = im[1] + im[3], dr = im[1] - im[3], di = re[3] - re[1];
        to.re[at] = ar + cr, to.im[at] = ai + ci;
        to.re[at + span] = br + dr, to.im[at + span] = bi + di;
        to.re[at + 2 * span] = ar - cr, to.im[at + 2 * span] = ai - ci;
        to.re[at + 3 * span] = br - dr, to.im[at + 3 * span] = bi - di;
    }
}

static inline void step2(const Square& from, Square& to) { // the last step, span 16
    for (int k = 0; k < side / 2; ++k) {
        Row x = from.re[k + side / 2], y = from.im[k + side / 2];
        Row re = x * cosine[k] - y * sine[k], im = x * sine[k] + y * cosine[k];
        to.re[k] = from.re[k] + re, to.im[k] = from.im[k] + im;
        to.re[k + side / 2] = from.re[k] - re, to.im[k + side / 2] = from.im[k] - im;
    }
}

static inline void columns(Square& data, Square& other) { // result in other
    step4<1>(data, other);
    step4<4>(other, data);
    step2(data, other);
}

static inline Row low(Row a, Row b) { // a0 b0 a1 b1 ...
    return __builtin_shufflevector(a, b, 0, 32, 1, 33, 2, 34, 3, 35, 4, 36, 5, 37, 6, 38, 7, 39, 8, 40, 9, 41, 10, 42, 11, 43,
        12, 44, 13, 45, 14, 46, 15, 47);
}
static inline Row high(Row a, Row b) {
    return __builtin_shufflevector(a, b, 16, 48, 17, 49, 18, 50, 19, 51, 20, 52, 21, 53, 22, 54, 23, 55, 24, 56, 25, 57, 26,
        58, 27, 59, 28, 60, 29, 61, 30, 62, 31, 63);
}
static inline Row even(Row a, Row b) {
    return __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32, 34, 36, 38, 40, 42,
        44, 46, 48, 50, 52, 54, 56, 58, 60, 62);
}
static inline Row odd(Row a, Row b) {
    return __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31, 33, 35, 37, 39, 41, 43,
        45, 47, 49, 51, 53, 55, 57, 59, 61, 63);
}

static inline void shuffle(const Row* from, Row* to) {
    for (int i = 0; i < side / 2; ++i) to[2 * i] = low(from[i], from[i + side / 2]), to[2 * i + 1] = high(from[i], from[i + side / 2]);
}

static inline void transpose(Row* rows, Row* other) { // five perfect shuffles of all 1024 numbers; result in other
    shuffle(rows, other), shuffle(other, rows), shuffle(rows, other), shuffle(other, rows), shuffle(rows, other);
}

int main() {
    std::vector<Complex> in(points * batch), out(points * batch);
    for (int i = 0; i < points * batch; ++i) in[i] = {(i * 2654435761u >> 16) / 65536.0f, (i * 2246822519u >> 16) / 65536.0f - 0.5f};
    for (int i = 0; i < side; ++i) {
        cosine[i] = float(std::cos(-2 * M_PI * i / side)), sine[i] = float(std::sin(-2 * M_PI * i / side));
        for (int j = 0; j < side; ++j)
            twiddle.re[i][j] = float(std::cos(-2 * M_PI * i * j / points)), twiddle.im[i][j] = float(std::sin(-2 * M_PI * i * j / points));
    }
    double seconds = bench::median_seconds([&] {
#pragma omp parallel for
        for (int b = 0; b < batch; ++b) {
            Square first, second;
            const float* from = &in[size_t(b) * points].x;
            float* to = &out[size_t(b) * points].x;
            for (int i = 0; i < side; ++i) {
                Row pair[2];
                std::memcpy(pair, from + 2 * i * side, sizeof pair);
                first.re[i] = even(pair[0], pair[1]), first.im[i] = odd(pair[0], pair[1]);
            }
            columns(first, second);
            for (int i = 0; i < side; ++i) {
                Row re = second.re[i] * twiddle.re[i] - second.im[i] * twiddle.im[i];
                Row im = second.re[i] * twiddle.im[i] + second.im[i] * twiddle.re[i];
                second.re[i] = re, second.im[i] = im;
            }
            transpose(second.re, first.re), transpose(second.im, first.im);
            columns(first, second);
            for (int i = 0; i < side; ++i) {
                Row pair[2] = {low(second.re[i], second.im[i]), high(second.re[i], second.im[i])};
                std::memcpy(to + 2 * i * side, pair, sizeof pair);
            }
        }
    });
    double checksum = 0; // magnitudes, weighted by place
    for (int i = 0; i < points * batch; ++i) checksum += (std::fabs(out[i].x) + 2.0 * std::fabs(out[i].y)) * (i % 1009);
    bench::report(seconds, 5.0 * points * 10 * batch, checksum);
}
