// cooperative_groups::reduce over tiles and coalesced groups (CUDA C++ Programming Guide, "Reduce"). A tile halves the
// distance of a butterfly; a group with holes folds towards rank 0 and hands the result out.
#ifndef _CG_REDUCE_H
#define _CG_REDUCE_H

#include "../cooperative_groups.h"

#if defined(__cplusplus) && defined(__clang__) && defined(__CUDA__)

namespace cooperative_groups {

template <unsigned N, class Parent, class T, class F>
static __device__ __inline__ T reduce(const thread_block_tile<N, Parent>& group, T value, F&& combine) {
#pragma unroll
    for (unsigned step = N / 2; step > 0; step /= 2)
        value = combine(value, group.shfl_xor(value, step));
    return value;
}
template <class T, class F> static __device__ __inline__ T reduce(const coalesced_group& group, T value, F&& combine) {
    const unsigned rank = group.thread_rank(), size = group.size();
    for (unsigned step = 1; step < size; step *= 2) {
        const T other = group.shfl_down(value, step);
        if (rank % (2 * step) == 0 && rank + step < size)
            value = combine(value, other);
    }
    return group.shfl(value, 0);
}

} // namespace cooperative_groups

#endif
#endif
