// Writes a fat binary: the container nvcc embeds in a host program, here with one PTX entry per architecture. The layout is
// NVIDIA's, so that their tools list ours and our driver reads theirs through one reader (src/driver/fatbin.h). Entries are
// stored as they are: the text is mapped with the program and read in place, and unpacking would cost at every start.
#pragma once

#include <string>
#include <vector>

namespace anywarp::toolchain {

struct PtxEntry {
    unsigned architecture = 75;
    std::string text;
};

std::string write_fatbin(const std::vector<PtxEntry>& entries);

} // namespace anywarp::toolchain
