// Fat binaries: what nvcc puts into a host program for each source file. A container holds the same code several times over,
// as PTX for an architecture (kind 1) and as machine code for one GPU (kind 2, an ELF file called cubin), each entry perhaps
// compressed. Anywarp runs PTX only, so reading an image means: find the container, choose the PTX of the highest
// architecture that the device can run, unpack it. An image without PTX is told apart from a broken one, and the error names
// the architectures that it does hold.
//
// Nothing here trusts its input: every size is checked against the bytes that are there. Where the caller only has a pointer
// (cuModuleLoadData), the container's own header says how far it may be read.
//
// The layout is NVIDIA's (fatbinary_section.h of the toolkit documents the wrapper); the entries' fields were read off files
// that nvcc makes.
#pragma once

#include "ptx/error.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace anywarp::driver {

constexpr uint32_t fatbin_wrapper_magic = 0x466243b1;
constexpr uint32_t fatbin_container_magic = 0xba55ed50;
constexpr size_t fatbin_container_header_size = 16;
constexpr size_t fatbin_entry_header_size = 64;
constexpr size_t unknown_size = ~size_t{0};

enum class FatbinCompression : uint8_t { none, lz4, zstd, unknown };

struct FatbinEntry {
    enum class Kind : uint8_t { ptx, cubin, other } kind = Kind::other;
    uint16_t raw_kind = 0;
    unsigned architecture = 0; // 80 for sm_80 or compute_80
    uint64_t flags = 0;
    FatbinCompression compression = FatbinCompression::none;
    std::span<const uint8_t> payload; // as stored
    uint64_t unpacked_size = 0;       // where compressed
};

/// The entries of one container of at most `size` bytes. Errors: invalid_image.
Result<std::vector<FatbinEntry>> read_fatbin(const uint8_t* data, size_t size);

/// An entry's contents, unpacked. Errors: invalid_image, unsupported (an unknown compression).
Result<std::string> unpack(const FatbinEntry& entry);

/// What an image handed to cuModuleLoadData & co. comes down to.
struct Image {
    std::vector<std::string> ptx;        // one, or several separately compiled units that are to be linked by name
    std::vector<unsigned> architectures; // of the machine code in it, for messages
};

/// PTX text, a container, a wrapper (version 1 or 2) or a cubin. `size` is unknown_size where the caller has only a pointer.
/// Errors: invalid_image; no_binary_for_gpu with a message that names the architectures and the nvcc option that helps.
Result<Image> read_image(const void* image, size_t size, unsigned device_architecture);

/// "sm_80, sm_90" for messages.
std::string architecture_list(const std::vector<unsigned>& architectures);

} // namespace anywarp::driver
