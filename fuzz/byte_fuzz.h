// What the byte-level fuzzers share. A target is libFuzzer's LLVMFuzzerTestOneInput and a list of words worth inserting; it is
// linked either with libFuzzer (preset `fuzz`, which also brings ASAN and UBSAN) or with byte_fuzz_main.cc, which needs nothing and
// does the same thing for the same seed everywhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace anywarp::fuzz {

struct Random {
    uint64_t state;
    uint64_t next() {
        uint64_t x = state += 0x9e3779b97f4a7c15ull;
        x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
        x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
        return x ^ (x >> 31);
    }
    size_t below(size_t n) { return n ? size_t(next() % n) : 0; }
};

/// Defined by each target.
const std::vector<std::string>& words();

/// One small change: bytes, words, numbers, pieces and lines replaced, left out, repeated or moved.
void mutate(std::string& text, Random& random);

} // namespace anywarp::fuzz
