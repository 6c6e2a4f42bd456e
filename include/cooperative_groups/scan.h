// Inclusive and exclusive scans over tiles and coalesced groups (CUDA C++ Programming Guide, "Inclusive and Exclusive Scan"):
// Hillis and Steele's doubling steps.
#ifndef _CG_SCAN_H
#define _CG_SCAN_H

#include "../cooperative_groups.h"

#if defined(__cplusplus) && defined(__clang__) && defined(__CUDA__)

namespace cooperative_groups {

template <class Group, class T, class F> static __device__ __inline__ T inclusive_scan(const Group& group, T value, F&& combine) {
    const unsigned rank = group.thread_rank(), size = group.size();
    for (unsigned step = 1; step < size; step *= 2) {
        const T other = group.shfl_up(value, step);
        if (rank >= step)
            value = combine(other, value);
    }
    return value;
}
template <class Group, class T> static __device__ __inline__ T inclusive_scan(const Group& group, T value) {
    return inclusive_scan(group, value, plus<T>());
}
// Rank 0 gets T(), as CUDA's does for sums.
template <class Group, class T, class F> static __device__ __inline__ T exclusive_scan(const Group& group, T value, F&& combine) {
    const T whole = inclusive_scan(group, value, combine);
    const T before = group.shfl_up(whole, 1);
    return group.thread_rank() == 0 ? T() : before;
}
template <class Group, class T> static __device__ __inline__ T exclusive_scan(const Group& group, T value) {
    return exclusive_scan(group, value, plus<T>());
}

} // namespace cooperative_groups

#endif
#endif
