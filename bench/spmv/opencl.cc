// [irregular] Sparse matrix times vector, CSR: host side of kernel.cl.
#include "../opencl.h"

constexpr int rows = 1 << 18, threads = 256;

int main() {
    bench::OpenCl cl;
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
    cl_mem doffset = cl.buffer(offset), dcolumn = cl.buffer(column), dvalue = cl.buffer(value), dx = cl.buffer(x), dy = cl.buffer(y);
    cl_kernel multiply = cl.kernel("multiply");
    double seconds = bench::median_seconds([&] {
        cl.launch(multiply, {rows / threads}, {threads}, doffset, dcolumn, dvalue, dx, dy, rows);
        cl.finish();
    });
    cl.read(dy, y);
    double checksum = 0;
    for (int r = 0; r < rows; ++r) checksum += double(y[r]) * (r % 1009);
    bench::report(seconds, 2.0 * double(column.size()), checksum);
}
