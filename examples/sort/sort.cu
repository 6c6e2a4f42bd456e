// Radix sort of 32-bit keys with 32-bit values, and the exclusive scan under it, at sizes that don't come out even.
//
// Sort, least significant digit first, 8 bits at a time, three kernels a pass:
//   count     each block counts the digits of its tile in shared memory: counts[digit][block]
//   scan      an exclusive scan of that table tells where the block's keys of each digit go
//   scatter   each warp ranks its keys in order: the lanes with the same digit find each other (match), a lane's rank is the number
//             of such lanes before it; ranks add up over the rounds of a warp and over the warps of a block
// Equal keys keep their order within a lane's warp, its block and the grid, so the sort is stable.
//
// Scan, two versions: three phases (sums of the tiles, scan of the sums, each tile from its sum; the tile scan is made of shuffles),
// and one pass with decoupled look-back, where a tile asks the tiles before it for what they already know. (D. Merrill, M. Garland:
// Single-pass Parallel Prefix Scan with Decoupled Look-back, 2016. Tiles are numbered by an atomic counter in the order in which they
// start, so a tile only ever waits for one that runs.)
#include "arguments.h"
#include "cuda_check.h"
#include "report.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <numeric>
#include <random>
#include <string>
#include <vector>

using std::uint32_t;
using std::uint64_t;

constexpr unsigned kFullMask = 0xffffffffu;
constexpr int kThreads = 256;
constexpr int kWarps = kThreads / 32;
constexpr int kItems = 8; // per thread, for both
constexpr int kTile = kThreads * kItems;
constexpr int kDigitBits = 8;
constexpr int kDigits = 1 << kDigitBits;
static_assert(kDigits == kThreads, "one thread looks after one digit");

// ---------------------------------------------------------------------------------------------------------------- exclusive scan

__device__ uint32_t warp_inclusive_scan(uint32_t value) {
    const int lane = threadIdx.x % 32;
    for (int step = 1; step < 32; step *= 2) {
        const uint32_t other = __shfl_up_sync(kFullMask, value, step);
        if (lane >= step) value += other;
    }
    return value;
}

// Exclusive scan over the block's threads; `total` is the same for all. The block may call it again: it ends with a barrier.
__device__ uint32_t block_exclusive_scan(uint32_t value, uint32_t& total) {
    __shared__ uint32_t warp_sums[kWarps];
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    const uint32_t inclusive = warp_inclusive_scan(value);
    if (lane == 31) warp_sums[warp] = inclusive;
    __syncthreads();
    if (warp == 0) {
        const uint32_t sum = lane < kWarps ? warp_sums[lane] : 0;
        const uint32_t scanned = warp_inclusive_scan(sum);
        if (lane < kWarps) warp_sums[lane] = scanned;
    }
    __syncthreads();
    const uint32_t before = warp ? warp_sums[warp - 1] : 0;
    total = warp_sums[kWarps - 1];
    __syncthreads();
    return before + inclusive - value;
}

// A thread's kItems values are neighbours, as the scan wants them.
__device__ void load_tile(const uint32_t* in, uint32_t count, uint32_t tile, uint32_t (&values)[kItems]) {
    const uint32_t first = tile * kTile + threadIdx.x * kItems;
    for (int item = 0; item < kItems; ++item) values[item] = first + item < count ? in[first + item] : 0;
}

__device__ void store_scanned_tile(uint32_t* out, uint32_t count, uint32_t tile, const uint32_t (&values)[kItems], uint32_t running) {
    const uint32_t first = tile * kTile + threadIdx.x * kItems;
    for (int item = 0; item < kItems; ++item) {
        if (first + item < count) out[first + item] = running;
        running += values[item];
    }
}

__device__ uint32_t sum_of(const uint32_t (&values)[kItems]) {
    uint32_t sum = 0;
    for (int item = 0; item < kItems; ++item) sum += values[item];
    return sum;
}

__global__ void sum_tiles(const uint32_t* in, uint32_t count, uint32_t* tile_sums) {
    uint32_t values[kItems], total;
    load_tile(in, count, blockIdx.x, values);
    block_exclusive_scan(sum_of(values), total);
    if (threadIdx.x == 0) tile_sums[blockIdx.x] = total;
}

// tile_sums, scanned by now, holds what comes before each tile; null where there is one tile.
__global__ void scan_tiles(const uint32_t* in, uint32_t* out, uint32_t count, const uint32_t* tile_sums) {
    uint32_t values[kItems], total;
    load_tile(in, count, blockIdx.x, values);
    const uint32_t before = block_exclusive_scan(sum_of(values), total) + (tile_sums ? tile_sums[blockIdx.x] : 0);
    store_scanned_tile(out, count, blockIdx.x, values, before);
}

static uint32_t tiles_for(uint32_t count) { return (count + kTile - 1) / kTile; }

// Room for the sums of the tiles, of their tiles, and so on.
static std::size_t scan_workspace(uint32_t count) {
    std::size_t words = 1;
    for (uint32_t tiles = tiles_for(count); tiles > 1; tiles = tiles_for(tiles)) words += tiles;
    return words;
}

// In place works: a tile is read before it is written, and by its own block.
static void exclusive_scan(const uint32_t* in, uint32_t* out, uint32_t count, uint32_t* workspace) {
    const uint32_t tiles = tiles_for(count);
    if (tiles == 0) return;
    if (tiles > 1) {
        sum_tiles<<<tiles, kThreads>>>(in, count, workspace);
        exclusive_scan(workspace, workspace, tiles, workspace + tiles);
    }
    scan_tiles<<<tiles, kThreads>>>(in, out, count, tiles > 1 ? workspace : nullptr);
}

// What a tile has published: nothing yet, its own sum, or the sum of everything up to its end. State and sum share one 64-bit word,
// so that they are seen together.
constexpr uint64_t kOwnSum = uint64_t(1) << 32;
constexpr uint64_t kPrefix = uint64_t(2) << 32;

__global__ void scan_with_look_back(const uint32_t* in, uint32_t* out, uint32_t count, unsigned long long* published, uint32_t* next_tile) {
    __shared__ uint32_t shared_tile, shared_before;
    if (threadIdx.x == 0) shared_tile = atomicAdd(next_tile, 1u);
    __syncthreads();
    const uint32_t tile = shared_tile;

    uint32_t values[kItems], total;
    load_tile(in, count, tile, values);
    const uint32_t inside = block_exclusive_scan(sum_of(values), total);

    if (threadIdx.x < 32) {
        const int lane = threadIdx.x;
        if (lane == 0) atomicExch(&published[tile], (unsigned long long)((tile ? kOwnSum : kPrefix) | total));
        uint32_t before = 0;
        // A window of 32 tiles, the nearest in lane 0; it moves back until one of its tiles knows its prefix.
        for (int64_t window = int64_t(tile) - 1; window >= 0; window -= 32) {
            uint64_t word = kPrefix; // tiles before the first are known and nothing
            if (window - lane >= 0) {
                volatile unsigned long long* place = &published[window - lane];
                do word = *place;
                while (word < kOwnSum);
            }
            const unsigned known = __ballot_sync(kFullMask, word >= kPrefix);
            const int nearest = known ? __ffs(known) - 1 : 31;
            uint32_t part = lane <= nearest ? uint32_t(word) : 0;
            for (int step = 16; step > 0; step /= 2) part += __shfl_xor_sync(kFullMask, part, step);
            before += part;
            if (known) break;
        }
        if (lane == 0) {
            if (tile) atomicExch(&published[tile], (unsigned long long)(kPrefix | uint32_t(before + total)));
            shared_before = before;
        }
    }
    __syncthreads();
    store_scanned_tile(out, count, tile, values, shared_before + inside);
}

// `published` has a word per tile and one more for the counter.
static void exclusive_scan_one_pass(const uint32_t* in, uint32_t* out, uint32_t count, DeviceArray<unsigned long long>& published) {
    const uint32_t tiles = tiles_for(count);
    if (tiles == 0) return;
    published.zero();
    scan_with_look_back<<<tiles, kThreads>>>(in, out, count, published.data(), reinterpret_cast<uint32_t*>(published.data() + tiles));
}

// -------------------------------------------------------------------------------------------------------------------- radix sort

__global__ void count_digits(const uint32_t* keys, uint32_t count, int shift, uint32_t* counts) {
    __shared__ uint32_t block_counts[kDigits];
    block_counts[threadIdx.x] = 0;
    __syncthreads();
    for (int item = 0; item < kItems; ++item) {
        const uint32_t i = blockIdx.x * kTile + item * kThreads + threadIdx.x;
        if (i < count) atomicAdd(&block_counts[(keys[i] >> shift) % kDigits], 1u);
    }
    __syncthreads();
    counts[threadIdx.x * gridDim.x + blockIdx.x] = block_counts[threadIdx.x];
}

__global__ void scatter_by_digit(const uint32_t* keys, const uint32_t* values, uint32_t* sorted_keys, uint32_t* sorted_values, uint32_t count,
                                 int shift, const uint32_t* places) {
    // First how many keys of each digit a warp has; then where its next key of that digit goes.
    __shared__ uint32_t warp_digits[kWarps][kDigits];
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    for (int w = 0; w < kWarps; ++w) warp_digits[w][threadIdx.x] = 0;
    __syncthreads();

    // A warp's keys are neighbours, 32 to a round: the order within the tile is warp, round, lane.
    const uint32_t first = blockIdx.x * kTile + warp * (32 * kItems) + lane;
    uint32_t mine[kItems], rank[kItems];
    for (int item = 0; item < kItems; ++item) {
        const uint32_t i = first + item * 32;
        const bool inside = i < count;
        mine[item] = inside ? keys[i] : 0;
        const uint32_t digit = (mine[item] >> shift) % kDigits;
        // Lanes past the end have a digit of their own, so that the whole warp matches.
        const unsigned peers = __match_any_sync(kFullMask, inside ? digit : uint32_t(kDigits));
        const unsigned before = peers & ((1u << lane) - 1);
        rank[item] = inside ? warp_digits[warp][digit] + __popc(before) : 0;
        __syncwarp();
        if (inside && before == 0) warp_digits[warp][digit] += __popc(peers);
        __syncwarp();
    }
    __syncthreads();

    uint32_t place = places[threadIdx.x * gridDim.x + blockIdx.x];
    for (int w = 0; w < kWarps; ++w) {
        const uint32_t held = warp_digits[w][threadIdx.x];
        warp_digits[w][threadIdx.x] = place;
        place += held;
    }
    __syncthreads();

    for (int item = 0; item < kItems; ++item) {
        const uint32_t i = first + item * 32;
        if (i >= count) continue;
        const uint32_t target = warp_digits[warp][(mine[item] >> shift) % kDigits] + rank[item];
        sorted_keys[target] = mine[item];
        sorted_values[target] = values[i];
    }
}

// Sorts in place; the second pair of arrays is workspace of the same size.
static void radix_sort(DeviceArray<uint32_t>& keys, DeviceArray<uint32_t>& values, DeviceArray<uint32_t>& other_keys,
                       DeviceArray<uint32_t>& other_values, DeviceArray<uint32_t>& counts, DeviceArray<uint32_t>& workspace) {
    const uint32_t count = uint32_t(keys.size()), tiles = tiles_for(count);
    for (int shift = 0; tiles && shift < 32; shift += kDigitBits) {
        count_digits<<<tiles, kThreads>>>(keys.data(), count, shift, counts.data());
        exclusive_scan(counts.data(), counts.data(), tiles * kDigits, workspace.data());
        scatter_by_digit<<<tiles, kThreads>>>(keys.data(), values.data(), other_keys.data(), other_values.data(), count, shift, counts.data());
        CHECK_LAUNCH();
        keys.swap(other_keys);
        values.swap(other_values);
    }
}

// -------------------------------------------------------------------------------------------------------------------------- main

static bool try_scan(uint32_t count, bool check, bool quiet) {
    std::mt19937 random(count + 1);
    std::vector<uint32_t> host(count);
    for (uint32_t& value : host) value = random() % 1000;
    const DeviceArray<uint32_t> in(host);
    DeviceArray<uint32_t> workspace(scan_workspace(count));
    DeviceArray<unsigned long long> published(tiles_for(count) + 1);
    std::vector<uint32_t> expected(count);
    if (check) std::exclusive_scan(host.begin(), host.end(), expected.begin(), 0u);

    bool passed = true;
    for (const bool one_pass : {false, true}) {
        const char* name = one_pass ? "look-back" : "three phases";
        // Not zeroed memory: what isn't written must be seen.
        DeviceArray<uint32_t> out(std::vector<uint32_t>(count, 0xdeadbeefu));
        double seconds = 0;
        for (int run = 0; run < 2; ++run) { // the first compiles and warms up
            DeviceTimer timer;
            timer.start();
            if (one_pass) {
                exclusive_scan_one_pass(in.data(), out.data(), count, published);
            } else {
                exclusive_scan(in.data(), out.data(), count, workspace.data());
            }
            CHECK_LAUNCH();
            seconds = timer.stop();
        }
        if (!quiet && count) {
            std::printf("scan, %-12s %9u values %9.3f ms %8.1f million values/s\n", name, count, seconds * 1e3, count / seconds * 1e-6);
        }
        if (check && out.download() != expected) passed = expect(false, std::string("scan, ") + name + ", " + std::to_string(count) + " values");
    }
    return passed;
}

enum class Keys { kRandom, kFew, kDescending, kHighBits };

static const char* name_of(Keys keys) {
    switch (keys) {
    case Keys::kRandom: return "random";
    case Keys::kFew: return "few distinct";
    case Keys::kDescending: return "descending";
    case Keys::kHighBits: return "high bits";
    }
    return "?";
}

static bool try_sort(uint32_t count, Keys kind, bool check, bool quiet) {
    std::mt19937 random(count + 7);
    std::vector<uint32_t> host_keys(count), host_values(count);
    for (uint32_t i = 0; i < count; ++i) {
        host_values[i] = i; // tells whether the sort was stable
        switch (kind) {
        case Keys::kRandom: host_keys[i] = random(); break;
        case Keys::kFew: host_keys[i] = random() % 5 * 0x01010101u; break;
        case Keys::kDescending: host_keys[i] = 0xffffffffu - i; break;
        case Keys::kHighBits: host_keys[i] = random() << 20; break;
        }
    }
    DeviceArray<uint32_t> keys(host_keys), values(host_values), other_keys(count), other_values(count);
    DeviceArray<uint32_t> counts(std::size_t(tiles_for(count)) * kDigits), workspace(scan_workspace(tiles_for(count) * kDigits));
    double seconds = 0;
    for (int run = 0; run < 2; ++run) { // the first compiles and warms up
        keys.upload(host_keys);
        values.upload(host_values);
        DeviceTimer timer;
        timer.start();
        radix_sort(keys, values, other_keys, other_values, counts, workspace);
        seconds = timer.stop();
    }
    if (!quiet && count) {
        std::printf("sort, %-12s %9u pairs  %9.3f ms %8.1f million pairs/s\n", name_of(kind), count, seconds * 1e3, count / seconds * 1e-6);
    }
    if (!check) return true;

    std::vector<uint32_t> expected(host_values);
    std::stable_sort(expected.begin(), expected.end(), [&](uint32_t a, uint32_t b) { return host_keys[a] < host_keys[b]; });
    const std::vector<uint32_t> sorted_keys = keys.download(), sorted_values = values.download();
    for (uint32_t i = 0; i < count; ++i) {
        if (sorted_values[i] == expected[i] && sorted_keys[i] == host_keys[expected[i]]) continue;
        std::printf("sort, %s: place %u holds key %08x value %u, expected key %08x value %u\n", name_of(kind), i, sorted_keys[i],
                    sorted_values[i], host_keys[expected[i]], expected[i]);
        return false;
    }
    return true;
}

int main(int argc, char** argv) {
    Arguments arguments(argc, argv, "Radix sort of keys with values, and exclusive scan");
    const long long count = arguments.integer("count", 4000037, "how many keys");
    const CommonOptions common = common_options(arguments, "");
    arguments.finish();
    if (count < 0 || count > (1ll << 28)) {
        std::fprintf(stderr, "sort: count %lld is not between 0 and 2^28\n", count);
        return 1;
    }
    if (!common.quiet) print_device();

    bool passed = true;
    // Around one item, one warp, one block, one tile, and a scan of two levels.
    for (const uint32_t size : {0u, 1u, 31u, 33u, 255u, 257u, 2047u, 2048u, 2049u, 65537u, 100003u}) {
        passed = try_scan(size, common.check, true) && passed;
        passed = try_sort(size, Keys::kRandom, common.check, true) && passed;
    }
    passed = try_scan(uint32_t(count), common.check, common.quiet) && passed;
    for (const Keys kind : {Keys::kRandom, Keys::kFew, Keys::kDescending, Keys::kHighBits}) {
        passed = try_sort(uint32_t(count), kind, common.check, common.quiet) && passed;
    }
    return verdict("sort", common.check, passed);
}
