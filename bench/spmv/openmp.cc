// [irregular] Sparse matrix times vector, CSR, 2^17 rows of 4 to 260 entries by a power law: threads over equal numbers of entries
// (not rows), the sum of a row vectorised with gathers of x.
#include "../bench.h"
#include "matrix.h"

#include <omp.h>

constexpr int rows = Matrix::rows;

int main() {
    Matrix m;
    std::vector<float> result(rows);
    double seconds = bench::median_seconds([&] {
        for (int again = 0; again < 4; ++again) {
#pragma omp parallel
            {
                long entries = m.offset[rows], part = omp_get_thread_num(), parts = omp_get_num_threads();
                auto first = [&](long p) {
                    return int(std::lower_bound(m.offset.begin(), m.offset.end(), int(entries * p / parts)) - m.offset.begin());
                };
                const int *__restrict offset = m.offset.data(), *__restrict column = m.column.data();
                const float *__restrict value = m.value.data(), *__restrict x = m.x.data();
                int end = part + 1 == parts ? rows : first(part + 1);
                for (int row = first(part); row < end; ++row) {
                    float sum = 0;
                    int stop = offset[row + 1];
                    if (stop - offset[row] >= 32) {
#pragma omp simd reduction(+ : sum)
                        for (int e = offset[row]; e < stop; ++e) sum += value[e] * x[column[e]];
                    } else { // a vector's start and end cost more than a short row
#pragma clang loop vectorize(disable)
                        for (int e = offset[row]; e < stop; ++e) sum += value[e] * x[column[e]];
                    }
                    result[row] = sum;
                }
            }
        }
    });
    double checksum = 0;
    for (int i = 0; i < rows; ++i) checksum += double(result[i]) * (i % 1009);
    bench::report(seconds, 8.0 * m.value.size(), checksum);
}
