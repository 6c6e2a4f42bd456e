// [divergent] Ray tracing of 48 spheres at 1024 x 768, up to 5 reflections: rays leave the scene after different numbers of bounces.
#include "../bench.h"

constexpr int width = 1024, height = 768, count = 48, bounces = 5;

struct Sphere {
    float x, y, z, radius, red, green, blue, mirror;
};

__constant__ Sphere spheres[count];

__device__ float dot(float3 a, float3 b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
__device__ float3 along(float3 a, float s, float3 b) { return make_float3(a.x + s * b.x, a.y + s * b.y, a.z + s * b.z); }
__device__ float3 normalise(float3 a) {
    float scale = 1.0f / sqrtf(dot(a, a));
    return make_float3(a.x * scale, a.y * scale, a.z * scale);
}

__device__ int nearest(float3 origin, float3 direction, float& distance) {
    int found = -1;
    for (int i = 0; i < count; ++i) {
        float3 to = make_float3(spheres[i].x - origin.x, spheres[i].y - origin.y, spheres[i].z - origin.z);
        float b = dot(to, direction), discriminant = b * b - dot(to, to) + spheres[i].radius * spheres[i].radius;
        if (discriminant > 0) {
            float t = b - sqrtf(discriminant);
            if (t > 1e-3f && t < distance) distance = t, found = i;
        }
    }
    return found;
}

__global__ void trace(float3* image) {
    int px = blockIdx.x * blockDim.x + threadIdx.x, py = blockIdx.y * blockDim.y + threadIdx.y;
    float3 origin = make_float3(0, 0, -6), colour = make_float3(0, 0, 0);
    float3 direction = normalise(make_float3((px - width / 2) / float(height), (py - height / 2) / float(height), 1));
    const float3 light = make_float3(0.57735f, -0.57735f, -0.57735f);
    float strength = 1;
    for (int bounce = 0; bounce < bounces; ++bounce) {
        float distance = 1e30f;
        int hit = nearest(origin, direction, distance);
        if (hit < 0) {
            float sky = strength * (0.5f - 0.5f * direction.y);
            colour = make_float3(colour.x + 0.5f * sky, colour.y + 0.7f * sky, colour.z + sky);
            break;
        }
        Sphere s = spheres[hit];
        origin = along(origin, distance, direction);
        float3 normal = make_float3((origin.x - s.x) / s.radius, (origin.y - s.y) / s.radius, (origin.z - s.z) / s.radius);
        float diffuse = strength * (1 - s.mirror) * (0.1f + fmaxf(dot(normal, light), 0.0f));
        colour = make_float3(colour.x + diffuse * s.red, colour.y + diffuse * s.green, colour.z + diffuse * s.blue);
        strength *= s.mirror;
        if (strength < 0.02f) break;
        direction = along(direction, -2 * dot(direction, normal), normal);
    }
    image[py * width + px] = colour;
}

int main() {
    std::vector<Sphere> scene(count);
    for (int i = 0; i < count; ++i)
        scene[i] = {(i * 37 % 48) / 8.0f - 3, (i * 29 % 48) / 12.0f - 2, (i * 17 % 48) / 8.0f, 0.25f + (i % 5) * 0.08f,
                    (i % 3) * 0.5f,           (i % 4) / 3.0f,            (i % 7) / 6.0f,       (i % 4) * 0.3f};
    cudaMemcpyToSymbol(spheres, scene.data(), count * sizeof(Sphere));
    std::vector<float3> image(width * height);
    float3* device;
    cudaMalloc(&device, image.size() * sizeof(float3));
    double seconds = bench::median_seconds([&] {
        trace<<<dim3(width / 16, height / 16), dim3(16, 16)>>>(device);
        if (cudaDeviceSynchronize() != cudaSuccess) std::exit(1);
    });
    cudaMemcpy(image.data(), device, image.size() * sizeof(float3), cudaMemcpyDeviceToHost);
    double checksum = 0;
    for (int i = 0; i < width * height; ++i) checksum += (image[i].x + 2.0 * image[i].y + 3.0 * image[i].z) * (i % 1009);
    bench::report(seconds, double(width) * height * count, checksum);
}
