// [byte] Grey values of an image of 4096 x 4096 pixels with 3 bytes each: 64 pixels at a time; vpermi2b takes a colour's bytes apart
// (through shuffles of three vectors), 16-bit multiply-adds.
#include "../bench.h"

#include <cstring>

constexpr int n = 4096 * 4096, together = 64;
typedef unsigned char Bytes __attribute__((vector_size(together)));
typedef unsigned short Words __attribute__((vector_size(2 * together)));

template <int... I> struct Indices {};
template <int Colour> static inline Bytes colour(Bytes a, Bytes b, Bytes c) {
    // Bytes 3 i + Colour of the 192: first those in a and b, then those in c put behind them.
    return [&]<int... I>(Indices<I...>) {
        Bytes low = __builtin_shufflevector(a, b, (3 * I + Colour < 128 ? 3 * I + Colour : -1)...);
        return __builtin_shufflevector(low, c, (3 * I + Colour < 128 ? I : 3 * I + Colour - 64)...);
    }(Indices<0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33,
              34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63>{});
}

int main() {
    std::vector<unsigned char> in(3 * n), out(n);
    for (int i = 0; i < 3 * n; ++i) in[i] = i * 2654435761u >> 24;
    double seconds = bench::median_seconds([&] {
#pragma omp parallel for
        for (int i = 0; i < n; i += together) {
            Bytes v[3];
            std::memcpy(v, &in[3 * i], sizeof v);
            Words red = __builtin_convertvector(colour<0>(v[0], v[1], v[2]), Words);
            Words green = __builtin_convertvector(colour<1>(v[0], v[1], v[2]), Words);
            Words blue = __builtin_convertvector(colour<2>(v[0], v[1], v[2]), Words);
            Bytes gray = __builtin_convertvector((77 * red + 150 * green + 29 * blue + 128) >> 8, Bytes);
            std::memcpy(&out[i], &gray, together);
        }
    });
    double checksum = 0;
    for (int i = 0; i < n; ++i) checksum += double(out[i]) * (i % 1009);
    bench::report(seconds, 4.0 * n, checksum);
}
