// [integer] MurmurHash3 (32 bits) of a 64-byte message mixed with a nonce, for 2^21 nonces: four vectors of nonces at a time through
// the rounds, to hide the multiplier's latency.
#include "../bench.h"

constexpr unsigned nonces = 1 << 21, words = 16, together = 64;

static inline unsigned mix(unsigned hash, unsigned key) {
    key *= 0xcc9e2d51u;
    key = key << 15 | key >> 17;
    key *= 0x1b873593u;
    hash ^= key;
    hash = hash << 13 | hash >> 19;
    return hash * 5 + 0xe6546b64u;
}

static inline unsigned finish(unsigned hash, unsigned length) {
    hash ^= length;
    hash ^= hash >> 16, hash *= 0x85ebca6bu;
    hash ^= hash >> 13, hash *= 0xc2b2ae35u;
    return hash ^ hash >> 16;
}

int main() {
    std::vector<unsigned> key(words), hashes(nonces);
    for (unsigned i = 0; i < words; ++i) key[i] = i * 2654435761u + 12345;
    double seconds = bench::median_seconds([&] {
        const unsigned* __restrict message = key.data();
        unsigned* __restrict out = hashes.data();
#pragma omp parallel for
        for (unsigned first = 0; first < nonces; first += together) {
            unsigned hash[together];
#pragma omp simd
            for (unsigned l = 0; l < together; ++l) {
                unsigned nonce = first + l, value = nonce;
                for (unsigned i = 0; i < words; ++i) value = mix(value, message[i] + nonce * (2 * i + 1));
                hash[l] = finish(mix(value, nonce), 4 * words + 4);
            }
#pragma omp simd
            for (unsigned l = 0; l < together; ++l) out[first + l] = hash[l];
        }
    });
    double checksum = 0;
    for (unsigned i = 0; i < nonces; ++i) checksum += double(hashes[i] >> 8) * (i % 1009);
    bench::report(seconds, double(nonces) * (words + 1), checksum);
}
