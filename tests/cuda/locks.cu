// Forward progress of lanes that fight for a lock: all lanes of a warp take one mutex, in the forms that books and forums show,
// and insert into buckets with a lock each. A warp in lockstep would hang in the simplest of them; since Volta the language
// promises that it doesn't. (CUDA C++ Programming Guide, "Independent Thread Scheduling".)
#include "check.h"

__device__ int mutex;

__global__ void plain(int* count) {
    while (atomicCAS(&mutex, 0, 1) != 0);
    __threadfence();
    *(volatile int*)count = *(volatile int*)count + 1;
    __threadfence();
    atomicExch(&mutex, 0);
}

__global__ void done_flag(int* count) {
    bool done = false;
    do {
        if (atomicCAS(&mutex, 0, 1) == 0) {
            *(volatile int*)count = *(volatile int*)count + 1;
            __threadfence();
            atomicExch(&mutex, 0);
            done = true;
        }
    } while (!done);
}

__global__ void by_exchange(int* count) {
    while (atomicExch(&mutex, 1) == 1) {}
    __threadfence();
    *(volatile int*)count += 1;
    __threadfence();
    *(volatile int*)&mutex = 0;
}

struct Lock {
    int* word;
    __device__ void lock() {
        while (atomicCAS(word, 0, 1) != 0) __nanosleep(20);
        __threadfence();
    }
    __device__ void unlock() {
        __threadfence();
        atomicExch(word, 0);
    }
};

// Only some lanes, and with a barrier around it.
__global__ void guarded(int* count, int* word) {
    __shared__ int partial;
    if (threadIdx.x == 0) partial = 0;
    __syncthreads();
    if (threadIdx.x % 3 == 1) {
        Lock lock{word};
        lock.lock();
        partial++;
        *(volatile int*)count = *(volatile int*)count + 1;
        lock.unlock();
    }
    __syncthreads();
    if (threadIdx.x == 0) atomicAdd(count + 1, partial);
}

// One thread per block, as in "CUDA by Example"; the lanes of a warp don't fight here.
__global__ void one_per_block(int* count) {
    if (threadIdx.x == 0) {
        while (atomicCAS(&mutex, 0, 1) != 0);
        __threadfence();
        *(volatile int*)count = *(volatile int*)count + 1;
        __threadfence();
        atomicExch(&mutex, 0);
    }
}

// In turns: the spin waits for an exact ticket.
__global__ void tickets(unsigned* state, int* order) {
    unsigned mine = atomicAdd(&state[0], 1);
    while (*(volatile unsigned*)&state[1] != mine);
    __threadfence();
    order[mine] = mine;
    __threadfence();
    atomicAdd(&state[1], 1);
}

constexpr int buckets = 16;
struct Entry {
    int key, next;
};
__global__ void insert(Entry* entries, int* heads, int* locks, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    int bucket = i * 31 % buckets;
    entries[i].key = i;
    bool waiting = true;
    while (waiting) {
        if (atomicCAS(&locks[bucket], 0, 1) == 0) {
            entries[i].next = *(volatile int*)&heads[bucket];
            *(volatile int*)&heads[bucket] = i;
            __threadfence();
            atomicExch(&locks[bucket], 0);
            waiting = false;
        }
    }
}

// Updates by compare-and-swap: no lock, yet lanes fight.
__global__ void maximum(unsigned long long* best, const double* values, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    unsigned long long seen = *best, old;
    do {
        old = seen;
        if (__longlong_as_double(old) >= values[i]) break;
        seen = atomicCAS(best, old, __double_as_longlong(values[i]));
    } while (seen != old);
}

// Lanes of one warp wait for one another, in both directions.
__global__ void lane_waits(int* out, int setter, int waiter) {
    __shared__ volatile int flag;
    __shared__ int value;
    if (threadIdx.x == 0) flag = 0;
    __syncthreads();
    if (threadIdx.x == setter) {
        value = 99;
        __threadfence_block();
        flag = 1;
    }
    if (threadIdx.x == waiter) {
        while (flag == 0);
        __threadfence_block();
        out[0] = value;
    }
}

__global__ void lane_waits_else(volatile int* flag, int* out, int setter) {
    if (threadIdx.x == setter) {
        out[1] = 7;
        __threadfence();
        *flag = 1;
    } else {
        while (*flag == 0);
        atomicAdd(out, 1);
    }
}

__global__ void waiter_first(volatile int* flag, int* out, int waiter) {
    if (threadIdx.x == waiter) {
        while (*flag != 31);
        out[0] = 5;
    } else {
        atomicAdd((int*)flag, 1);
    }
}

int main() {
    int* count = managed<int>(2);
    auto expect = [&](int expected, int line) {
        CHECK(cudaDeviceSynchronize());
        EXPECT_EQUAL(count[0], expected, line);
        count[0] = 0;
    };
    plain<<<4, 96>>>(count);
    expect(4 * 96, __LINE__);
    done_flag<<<4, 96>>>(count);
    expect(4 * 96, __LINE__);
    by_exchange<<<4, 70>>>(count);
    expect(4 * 70, __LINE__);
    int* words = managed<int>(buckets);
    guarded<<<4, 96>>>(count, words);
    expect(4 * 32, __LINE__);
    EXPECT_EQUAL(count[1], 4 * 32, 0);
    one_per_block<<<200, 64>>>(count);
    expect(200, __LINE__);

    unsigned* state = managed<unsigned>(2);
    int* order = managed<int>(256);
    tickets<<<2, 128>>>(state, order);
    CHECK(cudaDeviceSynchronize());
    for (int i = 0; i < 256; i++) EXPECT_EQUAL(order[i], i, i);

    const int n = 3000;
    auto* entries = managed<Entry>(n);
    int* heads = managed<int>(buckets);
    for (int i = 0; i < buckets; i++) heads[i] = -1;
    insert<<<(n + 127) / 128, 128>>>(entries, heads, words, n);
    CHECK(cudaDeviceSynchronize());
    int found = 0;
    for (int b = 0; b < buckets; b++)
        for (int i = heads[b]; i >= 0 && found <= n; i = entries[i].next, found++) EXPECT_EQUAL(entries[i].key * 31 % buckets, b, i);
    EXPECT_EQUAL(found, n, 0);

    auto* best = managed<unsigned long long>(1);
    auto* values = managed<double>(n);
    for (int i = 0; i < n; i++) values[i] = i * 7919 % n + 0.5;
    maximum<<<(n + 127) / 128, 128>>>(best, values, n);
    CHECK(cudaDeviceSynchronize());
    EXPECT_EQUAL(*reinterpret_cast<double*>(best), n - 0.5, 0);

    for (int setter : {0, 1, 31}) {
        for (int waiter : {1, 0, 30, 40}) {
            if (setter == waiter) continue;
            count[0] = 0;
            lane_waits<<<1, 64>>>(count, setter, waiter);
            expect(99, setter * 100 + waiter);
        }
        words[0] = 0;
        lane_waits_else<<<1, 32>>>(words, count, setter);
        expect(31, setter);
        words[0] = 0;
        waiter_first<<<1, 32>>>(words, count, setter);
        expect(5, setter);
    }
    return summary();
}
