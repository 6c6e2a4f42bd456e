// [integer] MurmurHash3 (32 bits) of a 64-byte message mixed with a nonce, for 2^21 nonces.
#include "../bench.h"

constexpr unsigned nonces = 1 << 21, words = 16, threads = 256;

__constant__ unsigned message[words];

__device__ unsigned mix(unsigned hash, unsigned key) {
    key *= 0xcc9e2d51u;
    key = key << 15 | key >> 17;
    key *= 0x1b873593u;
    hash ^= key;
    hash = hash << 13 | hash >> 19;
    return hash * 5 + 0xe6546b64u;
}

__device__ unsigned finish(unsigned hash, unsigned length) {
    hash ^= length;
    hash ^= hash >> 16, hash *= 0x85ebca6bu;
    hash ^= hash >> 13, hash *= 0xc2b2ae35u;
    return hash ^ hash >> 16;
}

__global__ void search(unsigned* hashes) {
    unsigned nonce = blockIdx.x * blockDim.x + threadIdx.x, hash = nonce;
    for (unsigned i = 0; i < words; ++i) hash = mix(hash, message[i] + nonce * (2 * i + 1));
    hashes[nonce] = finish(mix(hash, nonce), 4 * words + 4);
}

int main() {
    std::vector<unsigned> key(words), hashes(nonces);
    for (unsigned i = 0; i < words; ++i) key[i] = i * 2654435761u + 12345;
    cudaMemcpyToSymbol(message, key.data(), words * sizeof(unsigned));
    unsigned* device;
    cudaMalloc(&device, nonces * sizeof(unsigned));
    double seconds = bench::median_seconds([&] {
        search<<<nonces / threads, threads>>>(device);
        if (cudaDeviceSynchronize() != cudaSuccess) std::exit(1);
    });
    cudaMemcpy(hashes.data(), device, nonces * sizeof(unsigned), cudaMemcpyDeviceToHost);
    double checksum = 0;
    for (unsigned i = 0; i < nonces; ++i) checksum += double(hashes[i] >> 8) * (i % 1009);
    bench::report(seconds, double(nonces) * (words + 1), checksum);
}
