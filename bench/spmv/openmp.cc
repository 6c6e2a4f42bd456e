// [irregular] Sparse matrix times vector, CSR, 2^18 rows of 4 to 19 entries near the diagonal and far from it: threads over rows. Rows
// this short don't repay a vector's setup; two sums side by side hide the addition's latency.
#include "../bench.h"

constexpr int rows = 1 << 18;

int main() {
    std::vector<int> offset(rows + 1), column;
    std::vector<float> value, x(rows), y(rows);
    for (int r = 0; r < rows; ++r) {
        unsigned h = r * 2654435761u;
        for (int k = 0; k < 4 + int(h >> 28); ++k) {
            unsigned g = (r * 31u + k) * 2246822519u;
            column.push_back((r + (k % 4 ? int(g >> 20) - 2048 : int(g >> 14))) & (rows - 1));
            value.push_back(1 + k * 0.125f);
        }
        offset[r + 1] = int(column.size()), x[r] = (h >> 16) / 65536.0f;
    }
    double seconds = bench::median_seconds([&] {
        const int* __restrict begin = offset.data();
        const int* __restrict place = column.data();
        const float* __restrict factor = value.data();
        const float* __restrict from = x.data();
        float* __restrict to = y.data();
#pragma omp parallel for schedule(static)
        for (int r = 0; r < rows; ++r) {
            float sum = 0, other = 0;
            int e = begin[r], end = begin[r + 1];
#pragma clang loop vectorize(disable)
            for (; e + 1 < end; e += 2) sum += factor[e] * from[place[e]], other += factor[e + 1] * from[place[e + 1]];
            if (e < end) sum += factor[e] * from[place[e]];
            to[r] = sum + other;
        }
    });
    double checksum = 0;
    for (int r = 0; r < rows; ++r) checksum += double(y[r]) * (r % 1009);
    bench::report(seconds, 2.0 * double(column.size()), checksum);
}
