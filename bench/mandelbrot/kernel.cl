// Escape times of 1024 x 768 points: a work-item per point.
#define WIDTH 1024
#define HEIGHT 768
#define LIMIT 1000

__kernel __attribute__((reqd_work_group_size(32, 8, 1))) void mandelbrot(__global int* out) {
    int px = get_global_id(0), py = get_global_id(1);
    float cx = -2.2f + 3.2f * (float)px / WIDTH, cy = -1.21f + 2.4f * (float)py / HEIGHT;
    float x = 0, y = 0;
    int i = 0;
    while (i < LIMIT && x * x + y * y <= 4.0f) {
        float next = x * x - y * y + cx;
        y = 2 * x * y + cy;
        x = next;
        ++i;
    }
    out[py * WIDTH + px] = i;
}
