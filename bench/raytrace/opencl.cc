// [divergent] Ray tracing of 48 spheres at 1024 x 768, up to 5 reflections: host side of kernel.cl.
#include "../opencl.h"

constexpr int width = 1024, height = 768, count = 48;

struct Sphere {
    float x, y, z, radius, red, green, blue, mirror;
};

int main() {
    bench::OpenCl cl;
    std::vector<Sphere> scene(count);
    for (int i = 0; i < count; ++i)
        scene[i] = {(i * 37 % 48) / 8.0f - 3, (i * 29 % 48) / 12.0f - 2, (i * 17 % 48) / 8.0f, 0.25f + (i % 5) * 0.08f,
                    (i % 3) * 0.5f,           (i % 4) / 3.0f,            (i % 7) / 6.0f,       (i % 4) * 0.3f};
    std::vector<float> image(3 * width * height);
    cl_mem spheres = cl.buffer(scene), device = cl.buffer(image);
    cl_kernel trace = cl.kernel("trace");
    double seconds = bench::median_seconds([&] {
        cl.launch(trace, {width / 16, height / 16}, {16, 16}, spheres, device);
        cl.finish();
    });
    cl.read(device, image);
    double checksum = 0;
    for (int i = 0; i < width * height; ++i) checksum += (image[3 * i] + 2.0 * image[3 * i + 1] + 3.0 * image[3 * i + 2]) * (i % 1009);
    bench::report(seconds, double(width) * height * count, checksum);
}
