// z = a x + y over half-precision numbers, two per work-item, computed as floats: half arithmetic is an extension that CPUs lack.
__kernel __attribute__((reqd_work_group_size(256, 1, 1))) void haxpy(float a, __global const half* x, __global const half* y, __global half* z, int pairs) {
    int i = get_global_id(0);
    if (i < pairs) vstore_half2(fma((float2)(a), vload_half2(i, x), vload_half2(i, y)), i, z);
}
