// Charge of particles onto a mesh, bilinear. OpenCL has no float addition among its atomics: a compare-and-swap loop, as usual.
#define MESH 256

static void add(volatile __global float* cell, float value) {
    volatile __global uint* word = (volatile __global uint*)cell;
    uint seen = *word, expected;
    do {
        expected = seen;
        seen = atomic_cmpxchg(word, expected, as_uint(as_float(expected) + value));
    } while (seen != expected);
}

__kernel __attribute__((reqd_work_group_size(256, 1, 1))) void clear(__global float* cells) { cells[get_global_id(0)] = 0; }

__kernel __attribute__((reqd_work_group_size(256, 1, 1))) void deposit(__global const float2* position, __global float* cells) {
    float2 p = position[get_global_id(0)];
    int x = (int)p.x, y = (int)p.y;
    float fx = p.x - x, fy = p.y - y;
    __global float* cell = &cells[y * MESH + x];
    add(cell, (1 - fx) * (1 - fy));
    add(cell + 1, fx * (1 - fy));
    add(cell + MESH, (1 - fx) * fy);
    add(cell + MESH + 1, fx * fy);
}
