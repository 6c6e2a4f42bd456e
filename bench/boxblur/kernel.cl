// Mean of 3 x 3 pixels of an 8-bit image, edges repeated: a work-item per pixel.
#define WIDTH 3840
#define HEIGHT 2160

__kernel __attribute__((reqd_work_group_size(32, 8, 1))) void blur(__global const uchar* in, __global uchar* out) {
    int x = get_global_id(0), y = get_global_id(1), sum = 0;
    for (int dy = -1; dy <= 1; ++dy)
        for (int dx = -1; dx <= 1; ++dx) sum += in[clamp(y + dy, 0, HEIGHT - 1) * WIDTH + clamp(x + dx, 0, WIDTH - 1)];
    out[y * WIDTH + x] = sum / 9;
}
