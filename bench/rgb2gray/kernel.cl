// Grey values of pixels with 3 bytes each: a work-item per pixel.
__kernel __attribute__((reqd_work_group_size(256, 1, 1))) void gray(__global const uchar* in, __global uchar* out) {
    int i = get_global_id(0);
    out[i] = (77 * in[3 * i] + 150 * in[3 * i + 1] + 29 * in[3 * i + 2] + 128) >> 8;
}
