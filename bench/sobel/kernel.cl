// Sobel edges of an 8-bit image; the border stays 0.
#define WIDTH 3840
#define HEIGHT 2160

__kernel __attribute__((reqd_work_group_size(32, 8, 1))) void sobel(__global const uchar* in, __global uchar* out) {
    int x = get_global_id(0), y = get_global_id(1);
    if (x < 1 || y < 1 || x >= WIDTH - 1 || y >= HEIGHT - 1) return;
    __global const uchar* p = in + y * WIDTH + x;
    int horizontal = p[1 - WIDTH] + 2 * p[1] + p[1 + WIDTH] - p[-1 - WIDTH] - 2 * p[-1] - p[-1 + WIDTH];
    int vertical = p[WIDTH - 1] + 2 * p[WIDTH] + p[WIDTH + 1] - p[-WIDTH - 1] - 2 * p[-WIDTH] - p[-WIDTH + 1];
    out[y * WIDTH + x] = min(abs(horizontal) + abs(vertical), 255u);
}
