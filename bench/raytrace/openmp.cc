// [divergent] Ray tracing of 48 spheres at 1024 x 768, up to 5 reflections: packets of 16 rays in structures of arrays; a packet goes
// on while one of its rays lives; the loop over spheres keeps the packet in registers.
#include "../bench.h"

#include <cmath>

constexpr int width = 1024, height = 768, count = 48, bounces = 5, lanes = 16;

struct Sphere {
    float x, y, z, radius, red, green, blue, mirror;
};

typedef float Floats __attribute__((vector_size(4 * lanes)));
typedef int Ints __attribute__((vector_size(4 * lanes)));

static inline Floats root(Floats v) {
    Floats result;
    for (int l = 0; l < lanes; ++l) result[l] = std::sqrt(v[l]);
    return result;
}

static inline bool any(Ints mask) {
    int all = 0;
    for (int l = 0; l < lanes; ++l) all |= mask[l];
    return all != 0;
}

static void trace(const Sphere* spheres, int px, int py, float* image) {
    Floats column, zero = {};
    for (int l = 0; l < lanes; ++l) column[l] = float(px + l - width / 2) / height;
    float line = float(py - height / 2) / height;
    Floats scale = 1.0f / root(column * column + line * line + 1.0f);
    Floats dx = column * scale, dy = line * scale, dz = scale, ox = zero, oy = zero, oz = zero - 6.0f;
    Floats red = zero, green = zero, blue = zero, strength = zero + 1.0f;
    Ints alive = Ints{} - 1;
    for (int bounce = 0; bounce < bounces && any(alive); ++bounce) {
        Floats distance = zero + 1e30f;
        Ints hit = Ints{} - 1;
        for (int i = 0; i < count; ++i) {
            Floats x = spheres[i].x - ox, y = spheres[i].y - oy, z = spheres[i].z - oz;
            Floats b = x * dx + y * dy + z * dz;
            Floats discriminant = b * b - (x * x + y * y + z * z) + spheres[i].radius * spheres[i].radius;
            Ints inside = discriminant > 0.0f;
            if (!any(inside & alive)) continue;
            Floats t = b - root(inside ? discriminant : zero);
            Ints closer = inside & (t > 1e-3f) & (t < distance);
            distance = closer ? t : distance;
            hit = closer ? Ints{} + i : hit;
        }
        Ints missed = alive & (hit < 0);
        Floats sky = missed ? strength * (0.5f - 0.5f * dy) : zero;
        red += 0.5f * sky, green += 0.7f * sky, blue += sky;
        alive &= hit >= 0;
        Floats sx, sy, sz, radius, sr, sg, sb, mirror;
        for (int l = 0; l < lanes; ++l) {
            const Sphere& s = spheres[hit[l] < 0 ? 0 : hit[l]];
            sx[l] = s.x, sy[l] = s.y, sz[l] = s.z, radius[l] = s.radius, sr[l] = s.red, sg[l] = s.green, sb[l] = s.blue,
            mirror[l] = s.mirror;
        }
        distance = alive ? distance : zero;
        ox += distance * dx, oy += distance * dy, oz += distance * dz;
        Floats inverse = 1.0f / radius, nx = (ox - sx) * inverse, ny = (oy - sy) * inverse, nz = (oz - sz) * inverse;
        Floats lit = 0.57735f * nx - 0.57735f * ny - 0.57735f * nz;
        Floats diffuse = alive ? strength * (1.0f - mirror) * (0.1f + (lit > 0.0f ? lit : zero)) : zero;
        red += diffuse * sr, green += diffuse * sg, blue += diffuse * sb;
        strength *= mirror;
        alive &= strength >= 0.02f;
        Floats bend = -2.0f * (dx * nx + dy * ny + dz * nz);
        dx += bend * nx, dy += bend * ny, dz += bend * nz;
    }
    for (int l = 0; l < lanes; ++l) {
        float* pixel = image + 3 * (py * width + px + l);
        pixel[0] = red[l], pixel[1] = green[l], pixel[2] = blue[l];
    }
}

int main() {
    std::vector<Sphere> scene(count);
    for (int i = 0; i < count; ++i)
        scene[i] = {(i * 37 % 48) / 8.0f - 3, (i * 29 % 48) / 12.0f - 2, (i * 17 % 48) / 8.0f, 0.25f + (i % 5) * 0.08f,
                    (i % 3) * 0.5f,           (i % 4) / 3.0f,            (i % 7) / 6.0f,       (i % 4) * 0.3f};
    std::vector<float> image(3 * width * height);
    double seconds = bench::median_seconds([&] {
#pragma omp parallel for schedule(dynamic, 8)
        for (int py = 0; py < height; ++py)
            for (int px = 0; px < width; px += lanes) trace(scene.data(), px, py, image.data());
    });
    double checksum = 0;
    for (int i = 0; i < width * height; ++i) checksum += (image[3 * i] + 2.0 * image[3 * i + 1] + 3.0 * image[3 * i + 2]) * (i % 1009);
    bench::report(seconds, double(width) * height * count, checksum);
}
