// [integer] MurmurHash3 (32 bits) of a 64-byte message mixed with a nonce, for 2^21 nonces: host side of kernel.cl.
#include "../opencl.h"

constexpr unsigned nonces = 1 << 21, words = 16, threads = 256;

int main() {
    bench::OpenCl cl;
    std::vector<unsigned> key(words), hashes(nonces);
    for (unsigned i = 0; i < words; ++i) key[i] = i * 2654435761u + 12345;
    cl_mem message = cl.buffer(key), device = cl.buffer(hashes);
    cl_kernel search = cl.kernel("search");
    double seconds = bench::median_seconds([&] {
        cl.launch(search, {nonces / threads}, {threads}, message, device);
        cl.finish();
    });
    cl.read(device, hashes);
    double checksum = 0;
    for (unsigned i = 0; i < nonces; ++i) checksum += double(hashes[i] >> 8) * (i % 1009);
    bench::report(seconds, double(nonces) * (words + 1), checksum);
}
