// Cooperative groups: names for sets of threads that synchronise and exchange values together (CUDA C++ Programming Guide,
// "Cooperative Groups"). Inside a warp a group is a mask of lanes and everything is a *_sync instruction over it; a block is
// barrier 0; a grid meets at the counter that a cooperative launch provides through %envreg1 and %envreg2.
#ifndef _COOPERATIVE_GROUPS_H_
#define _COOPERATIVE_GROUPS_H_

#include "cuda_runtime.h"

#if defined(__cplusplus) && defined(__clang__) && defined(__CUDA__)

#define ANYWARP_CG static __device__ __inline__ __attribute__((always_inline))
#define ANYWARP_CG_MEMBER __device__ __inline__ __attribute__((always_inline))

namespace cooperative_groups {

namespace anywarp {

ANYWARP_CG unsigned lane() {
    unsigned l;
    asm("mov.u32 %0, %%laneid;" : "=r"(l));
    return l;
}
ANYWARP_CG unsigned lanes_below() {
    unsigned m;
    asm("mov.u32 %0, %%lanemask_lt;" : "=r"(m));
    return m;
}
ANYWARP_CG unsigned rank_in_block() {
    return (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
}
ANYWARP_CG unsigned block_size() {
    return blockDim.x * blockDim.y * blockDim.z;
}

// What a cooperative launch leaves for its grid: the size of the space and the barrier's counter.
struct GridWorkspace {
    unsigned size;
    unsigned barrier;
};
ANYWARP_CG GridWorkspace* grid_workspace() {
    unsigned high, low;
    asm("mov.u32 %0, %%envreg1;" : "=r"(high));
    asm("mov.u32 %0, %%envreg2;" : "=r"(low));
    return reinterpret_cast<GridWorkspace*>((unsigned long long)high << 32 | low);
}
// Every block adds one and the first block adds what makes the sum 2^31, so the top bit flips when all have arrived; the
// lower bits are zero again for the next round.
ANYWARP_CG unsigned grid_arrive() {
    unsigned before = 0;
    __syncthreads();
    if (rank_in_block() == 0) {
        const unsigned blocks = gridDim.x * gridDim.y * gridDim.z;
        const bool first = blockIdx.x == 0 && blockIdx.y == 0 && blockIdx.z == 0;
        const unsigned step = first ? 0x80000000u - (blocks - 1) : 1u;
        __threadfence();
        asm volatile("atom.add.release.gpu.u32 %0, [%1], %2;" : "=r"(before) : "l"(&grid_workspace()->barrier), "r"(step) : "memory");
    }
    return before;
}
ANYWARP_CG void grid_wait(unsigned before) {
    if (rank_in_block() == 0) {
        unsigned now;
        do
            asm volatile("ld.acquire.gpu.u32 %0, [%1];" : "=r"(now) : "l"(&grid_workspace()->barrier) : "memory");
        while (!((now ^ before) & 0x80000000u));
    }
    __syncthreads();
}

// Values of any size travel through shuffles as 32-bit words.
template <class T, class Move> ANYWARP_CG T by_words(const T& value, Move move) {
    if constexpr (sizeof(T) == 4) {
        return __builtin_bit_cast(T, move(__builtin_bit_cast(unsigned, value)));
    } else {
        constexpr int count = (sizeof(T) + 3) / 4;
        unsigned words[count] = {};
        T result = value;
        __builtin_memcpy(words, &value, sizeof(T));
#pragma unroll
        for (int i = 0; i < count; ++i)
            words[i] = move(words[i]);
        __builtin_memcpy(&result, words, sizeof(T));
        return result;
    }
}

} // namespace anywarp

enum class thread_scope { thread, block, cluster, device, system };

// A group whose kind is known at run time only.
class thread_group {
public:
    enum Kind { block_kind, lanes_kind, grid_kind, tile_kind };
    ANYWARP_CG_MEMBER thread_group(Kind k, unsigned m, unsigned n) : kind(k), mask(m), count(n) {}
    ANYWARP_CG_MEMBER void sync() const;
    ANYWARP_CG_MEMBER unsigned long long size() const;
    ANYWARP_CG_MEMBER unsigned long long num_threads() const { return size(); }
    ANYWARP_CG_MEMBER unsigned long long thread_rank() const;
    ANYWARP_CG_MEMBER Kind get_type() const { return kind; }
    Kind kind;
    unsigned mask;  // of lanes, for lanes and tiles
    unsigned count; // of threads
};

class thread_block : public thread_group {
public:
    ANYWARP_CG_MEMBER thread_block() : thread_group(block_kind, 0, anywarp::block_size()) {}
    struct arrival_token {};
    static ANYWARP_CG_MEMBER void sync() { __syncthreads(); }
    ANYWARP_CG_MEMBER arrival_token barrier_arrive() const {
        __syncthreads();
        return {};
    }
    ANYWARP_CG_MEMBER void barrier_wait(arrival_token&&) const { __syncthreads(); }
    static ANYWARP_CG_MEMBER unsigned thread_rank() { return anywarp::rank_in_block(); }
    static ANYWARP_CG_MEMBER unsigned size() { return anywarp::block_size(); }
    static ANYWARP_CG_MEMBER unsigned num_threads() { return anywarp::block_size(); }
    static ANYWARP_CG_MEMBER dim3 group_index() { return dim3(blockIdx.x, blockIdx.y, blockIdx.z); }
    static ANYWARP_CG_MEMBER dim3 thread_index() { return dim3(threadIdx.x, threadIdx.y, threadIdx.z); }
    static ANYWARP_CG_MEMBER dim3 group_dim() { return dim3(blockDim.x, blockDim.y, blockDim.z); }
    static ANYWARP_CG_MEMBER dim3 dim_threads() { return group_dim(); }
};
ANYWARP_CG thread_block this_thread_block() {
    return thread_block();
}

class grid_group : public thread_group {
public:
    ANYWARP_CG_MEMBER grid_group() : thread_group(grid_kind, 0, 0) {}
    using arrival_token = unsigned;
    // False where the kernel wasn't launched cooperatively: there is no barrier then.
    ANYWARP_CG_MEMBER bool is_valid() const { return anywarp::grid_workspace() != nullptr; }
    ANYWARP_CG_MEMBER void sync() const {
        if (!is_valid())
            __trap();
        anywarp::grid_wait(anywarp::grid_arrive());
    }
    ANYWARP_CG_MEMBER arrival_token barrier_arrive() const { return anywarp::grid_arrive(); }
    ANYWARP_CG_MEMBER void barrier_wait(arrival_token&& token) const { anywarp::grid_wait(token); }
    static ANYWARP_CG_MEMBER unsigned long long num_blocks() { return (unsigned long long)gridDim.x * gridDim.y * gridDim.z; }
    static ANYWARP_CG_MEMBER unsigned long long block_rank() {
        return ((unsigned long long)blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
    }
    static ANYWARP_CG_MEMBER dim3 block_index() { return dim3(blockIdx.x, blockIdx.y, blockIdx.z); }
    static ANYWARP_CG_MEMBER dim3 dim_blocks() { return dim3(gridDim.x, gridDim.y, gridDim.z); }
    static ANYWARP_CG_MEMBER dim3 group_dim() { return dim_blocks(); }
    static ANYWARP_CG_MEMBER unsigned long long num_threads() { return num_blocks() * anywarp::block_size(); }
    static ANYWARP_CG_MEMBER unsigned long long size() { return num_threads(); }
    static ANYWARP_CG_MEMBER unsigned long long thread_rank() { return block_rank() * anywarp::block_size() + anywarp::rank_in_block(); }
};
ANYWARP_CG grid_group this_grid() {
    return grid_group();
}

// Lanes of one warp, any of them: what coalesced_threads() and the partitions give.
class coalesced_group : public thread_group {
public:
    ANYWARP_CG_MEMBER explicit coalesced_group(unsigned m) : thread_group(lanes_kind, m, __popc(m)) {}
    ANYWARP_CG_MEMBER unsigned size() const { return __popc(mask); }
    ANYWARP_CG_MEMBER unsigned num_threads() const { return size(); }
    ANYWARP_CG_MEMBER unsigned thread_rank() const { return __popc(mask & anywarp::lanes_below()); }
    ANYWARP_CG_MEMBER void sync() const { __syncwarp(mask); }
    ANYWARP_CG_MEMBER unsigned get_mask() const { return mask; }
    ANYWARP_CG_MEMBER unsigned meta_group_size() const { return 1; }
    ANYWARP_CG_MEMBER unsigned meta_group_rank() const { return 0; }
    // The lane that holds a rank: the n-th set bit of the mask.
    ANYWARP_CG_MEMBER unsigned lane_of(unsigned rank) const { return mask == 0xffffffffu ? rank : __fns(mask, 0, (int)rank + 1); }
    template <class T> ANYWARP_CG_MEMBER T shfl(T value, unsigned rank) const {
        const unsigned from = rank < size() ? lane_of(rank) : anywarp::lane(), m = mask;
        return anywarp::by_words(value, [=](unsigned w) { return __shfl_sync(m, w, (int)from, 32); });
    }
    template <class T> ANYWARP_CG_MEMBER T shfl_up(T value, unsigned delta) const {
        const unsigned rank = thread_rank();
        return shfl(value, rank >= delta ? rank - delta : rank);
    }
    template <class T> ANYWARP_CG_MEMBER T shfl_down(T value, unsigned delta) const {
        const unsigned rank = thread_rank();
        return shfl(value, rank + delta < size() ? rank + delta : rank);
    }
    template <class T> ANYWARP_CG_MEMBER T shfl_xor(T value, unsigned bits) const {
        const unsigned other = thread_rank() ^ bits;
        return shfl(value, other < size() ? other : thread_rank());
    }
    ANYWARP_CG_MEMBER int any(int p) const { return __any_sync(mask, p); }
    ANYWARP_CG_MEMBER int all(int p) const { return __all_sync(mask, p); }
    ANYWARP_CG_MEMBER unsigned ballot(int p) const { return packed(__ballot_sync(mask, p)); }
    template <class T> ANYWARP_CG_MEMBER unsigned match_any(T value) const { return packed(__match_any_sync(mask, value)); }
    template <class T> ANYWARP_CG_MEMBER unsigned match_all(T value, int& p) const { return packed(__match_all_sync(mask, value, &p)); }

private:
    // Bits of lanes to bits of ranks.
    ANYWARP_CG_MEMBER unsigned packed(unsigned lanes) const {
        if (mask == 0xffffffffu)
            return lanes;
        unsigned result = 0, rest = mask;
        for (unsigned rank = 0; rest != 0; ++rank, rest &= rest - 1)
            if (lanes & rest & (0u - rest))
                result |= 1u << rank;
        return result;
    }
};
ANYWARP_CG coalesced_group coalesced_threads() {
    return coalesced_group(__activemask());
}

// N consecutive threads of a block, N a power of two up to a warp.
template <unsigned N, class Parent = void> class thread_block_tile : public thread_group {
    static_assert(N >= 1 && N <= 32 && (N & (N - 1)) == 0, "a tile within a warp has 1, 2, 4, 8, 16 or 32 threads");

public:
    ANYWARP_CG_MEMBER thread_block_tile() : thread_group(tile_kind, lanes(), N) {}
    static ANYWARP_CG_MEMBER unsigned lanes() { return N == 32 ? 0xffffffffu : ((1u << (N & 31)) - 1) << (anywarp::lane() & ~(N - 1)); }
    ANYWARP_CG_MEMBER void sync() const { __syncwarp(lanes()); }
    static ANYWARP_CG_MEMBER unsigned thread_rank() { return anywarp::rank_in_block() & (N - 1); }
    static constexpr __device__ unsigned size() { return N; }
    static constexpr __device__ unsigned num_threads() { return N; }
    static ANYWARP_CG_MEMBER unsigned meta_group_rank() { return anywarp::rank_in_block() / N; }
    static ANYWARP_CG_MEMBER unsigned meta_group_size() { return (anywarp::block_size() + N - 1) / N; }
    template <class T> ANYWARP_CG_MEMBER T shfl(T value, int rank) const {
        const unsigned m = lanes();
        return anywarp::by_words(value, [=](unsigned w) { return __shfl_sync(m, w, rank, N); });
    }
    template <class T> ANYWARP_CG_MEMBER T shfl_up(T value, unsigned delta) const {
        const unsigned m = lanes();
        return anywarp::by_words(value, [=](unsigned w) { return __shfl_up_sync(m, w, delta, N); });
    }
    template <class T> ANYWARP_CG_MEMBER T shfl_down(T value, unsigned delta) const {
        const unsigned m = lanes();
        return anywarp::by_words(value, [=](unsigned w) { return __shfl_down_sync(m, w, delta, N); });
    }
    template <class T> ANYWARP_CG_MEMBER T shfl_xor(T value, unsigned bits) const {
        const unsigned m = lanes();
        return anywarp::by_words(value, [=](unsigned w) { return __shfl_xor_sync(m, w, (int)bits, N); });
    }
    ANYWARP_CG_MEMBER int any(int p) const { return __any_sync(lanes(), p); }
    ANYWARP_CG_MEMBER int all(int p) const { return __all_sync(lanes(), p); }
    ANYWARP_CG_MEMBER unsigned ballot(int p) const { return within(__ballot_sync(lanes(), p)); }
    template <class T> ANYWARP_CG_MEMBER unsigned match_any(T value) const { return within(__match_any_sync(lanes(), value)); }
    template <class T> ANYWARP_CG_MEMBER unsigned match_all(T value, int& p) const { return within(__match_all_sync(lanes(), value, &p)); }
    ANYWARP_CG_MEMBER operator thread_block_tile<N, void>() const { return thread_block_tile<N, void>(); }

private:
    static ANYWARP_CG_MEMBER unsigned within(unsigned m) { return (m & lanes()) >> (anywarp::lane() & ~(N - 1)); }
};

template <unsigned N, class Parent> ANYWARP_CG thread_block_tile<N, Parent> tiled_partition(const Parent&) {
    return thread_block_tile<N, Parent>();
}
ANYWARP_CG coalesced_group tiled_partition(const coalesced_group& group, unsigned n) {
    const unsigned first = group.thread_rank() / n * n;
    unsigned rest = group.get_mask(), mask = 0;
    for (unsigned rank = 0; rest != 0; ++rank, rest &= rest - 1)
        if (rank >= first && rank < first + n)
            mask |= rest & (0u - rest);
    return coalesced_group(mask);
}
ANYWARP_CG thread_group tiled_partition(const thread_group& group, unsigned n) {
    const unsigned lane = anywarp::lane();
    const unsigned mask = n >= 32 ? 0xffffffffu : ((1u << n) - 1) << (lane / n * n);
    (void)group;
    return thread_group(thread_group::tile_kind, mask, n);
}
template <class Group, class Label> ANYWARP_CG coalesced_group labeled_partition(const Group& group, Label label) {
    (void)group;
    return coalesced_group(__match_any_sync(group.mask, label));
}
template <class Group> ANYWARP_CG coalesced_group binary_partition(const Group& group, bool side) {
    const unsigned yes = __ballot_sync(group.mask, side);
    return coalesced_group(side ? yes : group.mask & ~yes);
}

ANYWARP_CG_MEMBER void thread_group::sync() const {
    if (kind == block_kind)
        __syncthreads();
    else if (kind == grid_kind)
        grid_group().sync();
    else
        __syncwarp(mask);
}
ANYWARP_CG_MEMBER unsigned long long thread_group::size() const {
    return kind == grid_kind ? grid_group::size() : count;
}
ANYWARP_CG_MEMBER unsigned long long thread_group::thread_rank() const {
    return kind == block_kind ? anywarp::rank_in_block()
           : kind == grid_kind ? grid_group::thread_rank()
                               : __popc(mask & anywarp::lanes_below());
}

template <class Group> ANYWARP_CG void sync(const Group& group) {
    group.sync();
}
template <class Group> ANYWARP_CG auto thread_rank(const Group& group) {
    return group.thread_rank();
}
template <class Group> ANYWARP_CG auto group_size(const Group& group) {
    return group.size();
}
template <class Group, class F, class... Args> ANYWARP_CG void invoke_one(const Group& group, F&& f, Args&&... args) {
    if (group.thread_rank() == 0)
        f(static_cast<Args&&>(args)...);
}

// The operators that reduce and the scans take.
#define ANYWARP_CG_OPERATOR(NAME, EXPRESSION)                                                                                    \
    template <class T = void> struct NAME {                                                                                      \
        __device__ T operator()(T a, T b) const { return EXPRESSION; }                                                           \
    };                                                                                                                           \
    template <> struct NAME<void> {                                                                                              \
        template <class T> __device__ T operator()(T a, T b) const { return EXPRESSION; }                                        \
    };
ANYWARP_CG_OPERATOR(plus, a + b)
ANYWARP_CG_OPERATOR(less, b < a ? b : a)
ANYWARP_CG_OPERATOR(greater, a < b ? b : a)
ANYWARP_CG_OPERATOR(bit_and, a & b)
ANYWARP_CG_OPERATOR(bit_or, a | b)
ANYWARP_CG_OPERATOR(bit_xor, a ^ b)
#undef ANYWARP_CG_OPERATOR

// Asynchronous copies. The copy is done by the group's threads before the call returns, which the model allows; wait is then
// the group's barrier, which makes the data visible to all of it.
template <class Group, class T, class Size> ANYWARP_CG void memcpy_async(const Group& group, T* to, const T* from, Size bytes) {
    const unsigned threads = (unsigned)group.size(), rank = (unsigned)group.thread_rank();
    const size_t count = (size_t)bytes;
    char* const target = reinterpret_cast<char*>(to);
    const char* const source = reinterpret_cast<const char*>(from);
    if ((((size_t)target | (size_t)source | count) & 3) == 0) {
        for (size_t i = rank; i < count / 4; i += threads)
            reinterpret_cast<unsigned*>(target)[i] = reinterpret_cast<const unsigned*>(source)[i];
    } else {
        for (size_t i = rank; i < count; i += threads)
            target[i] = source[i];
    }
}
template <class Group> ANYWARP_CG void wait(const Group& group) {
    group.sync();
}
template <unsigned Stage, class Group> ANYWARP_CG void wait_prior(const Group& group) {
    group.sync();
}

} // namespace cooperative_groups

#undef ANYWARP_CG
#undef ANYWARP_CG_MEMBER

#endif
#endif
