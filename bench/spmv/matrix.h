// The matrix of the job spmv: 2^17 rows in CSR whose lengths follow a power law (most rows have a few entries, some have hundreds), the
// same in all versions.
#pragma once

#include <vector>

struct Matrix {
    static constexpr int rows = 1 << 17;
    std::vector<int> offset, column;
    std::vector<float> value, x;

    Matrix() : offset(rows + 1), x(rows) {
        for (int i = 0; i < rows; ++i) {
            unsigned h = (i * 2654435761u) >> 16; // 0 .. 65535, evenly
            int length = 4 + int(16.0 * 65536.0 / (h + 512.0)) / 16 * 2; // 4 .. about 260
            for (int k = 0; k < length; ++k) {
                unsigned c = (unsigned(i) * 40503u + unsigned(k) * 2246822519u) >> 5;
                // Half of the entries lie near the diagonal, the others anywhere.
                column.push_back(k % 2 ? int(c % rows) : int((unsigned(i) + c % 512u) % rows));
                value.push_back(float(c % 101) * 0.01f);
            }
            offset[i + 1] = int(column.size());
            x[i] = float(i % 89) * 0.05f;
        }
    }
};
