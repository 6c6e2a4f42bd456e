// One level of a breadth-first search: a work-item per vertex of the frontier.
__kernel __attribute__((reqd_work_group_size(256, 1, 1))) void expand(__global const int* offset, __global const int* edge,
                                                                      volatile __global int* level, __global const int* frontier, int size,
                                                                      __global int* next, volatile __global int* next_size, int depth) {
    int i = get_global_id(0);
    if (i >= size) return;
    int vertex = frontier[i];
    for (int e = offset[vertex]; e < offset[vertex + 1]; ++e)
        if (level[edge[e]] < 0 && atomic_cmpxchg(&level[edge[e]], -1, depth) == -1) next[atomic_inc(next_size)] = edge[e];
}
