// [irregular] Sparse matrix times vector, CSR: host side of kernel.cl.
#include "../opencl.h"
#include "matrix.h"

constexpr int rows = Matrix::rows, team = 8;

int main() {
    bench::OpenCl cl;
    Matrix m;
    std::vector<float> result(rows);
    cl_mem offset = cl.buffer(m.offset), column = cl.buffer(m.column), value = cl.buffer(m.value), x = cl.buffer(m.x);
    cl_mem y = cl.buffer(result);
    cl_kernel multiply = cl.kernel("multiply");
    double seconds = bench::median_seconds([&] {
        for (int i = 0; i < 4; ++i) cl.launch(multiply, {rows * team / 256}, {256}, offset, column, value, x, y);
        cl.finish();
    });
    cl.read(y, result);
    double checksum = 0;
    for (int i = 0; i < rows; ++i) checksum += double(result[i]) * (i % 1009);
    bench::report(seconds, 8.0 * m.value.size(), checksum);
}
