// Ray tracing of 48 spheres, up to 5 reflections: a work-item per pixel.
#define WIDTH 1024
#define HEIGHT 768
#define COUNT 48
#define BOUNCES 5

typedef struct {
    float x, y, z, radius, red, green, blue, mirror;
} Sphere;

static int nearest(__constant Sphere* spheres, float3 origin, float3 direction, float* distance) {
    int found = -1;
    for (int i = 0; i < COUNT; ++i) {
        float3 to = (float3)(spheres[i].x, spheres[i].y, spheres[i].z) - origin;
        float b = dot(to, direction), discriminant = b * b - dot(to, to) + spheres[i].radius * spheres[i].radius;
        if (discriminant > 0) {
            float t = b - sqrt(discriminant);
            if (t > 1e-3f && t < *distance) *distance = t, found = i;
        }
    }
    return found;
}

__kernel __attribute__((reqd_work_group_size(16, 16, 1))) void trace(__constant Sphere* spheres, __global float* image) {
    int px = get_global_id(0), py = get_global_id(1);
    float3 origin = (float3)(0, 0, -6), colour = (float3)(0, 0, 0), light = (float3)(0.57735f, -0.57735f, -0.57735f);
    float3 direction = normalize((float3)((px - WIDTH / 2) / (float)HEIGHT, (py - HEIGHT / 2) / (float)HEIGHT, 1));
    float strength = 1;
    for (int bounce = 0; bounce < BOUNCES; ++bounce) {
        float distance = 1e30f;
        int hit = nearest(spheres, origin, direction, &distance);
        if (hit < 0) {
            colour += strength * (0.5f - 0.5f * direction.y) * (float3)(0.5f, 0.7f, 1);
            break;
        }
        Sphere s = spheres[hit];
        origin += distance * direction;
        float3 normal = (origin - (float3)(s.x, s.y, s.z)) / s.radius;
        colour += strength * (1 - s.mirror) * (0.1f + fmax(dot(normal, light), 0.0f)) * (float3)(s.red, s.green, s.blue);
        strength *= s.mirror;
        if (strength < 0.02f) break;
        direction -= 2 * dot(direction, normal) * normal;
    }
    vstore3(colour, py * WIDTH + px, image);
}
