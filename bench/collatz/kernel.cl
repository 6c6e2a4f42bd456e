// Steps of the Collatz sequence of odd starting values above 2^40.
__kernel __attribute__((reqd_work_group_size(256, 1, 1))) void collatz(__global int* steps) {
    int i = get_global_id(0), taken = 0;
    for (ulong value = (1UL << 40) + 1 + 2 * i; value != 1; ++taken) value = value % 2 ? 3 * value + 1 : value / 2;
    steps[i] = taken;
}
