// The container: a 16-byte header, then each entry as a 64-byte header and its payload, padded to 8 bytes. The payload is
// NUL-terminated, as loaders treat it as a C string.
#include "toolchain/fatbin_writer.h"

#include <cstdint>
#include <cstdio>
#include <cstring>

namespace anywarp::toolchain {
namespace {

struct ContainerHeader {
    uint32_t magic = 0xba55ed50;
    uint16_t version = 1;
    uint16_t header_size = 16;
    uint64_t size = 0; // of all entries
};
static_assert(sizeof(ContainerHeader) == 16);

struct EntryHeader {
    uint16_t kind = 1; // PTX
    uint16_t version = 0x0101;
    uint32_t header_size = 64;
    uint64_t payload_size = 0;
    uint32_t compressed_size = 0; // 0: stored as it is
    uint32_t options_offset = 0;
    uint16_t minor = 0; // the PTX version
    uint16_t major = 8;
    uint32_t architecture = 0;
    uint32_t name_offset = 0;
    uint32_t name_size = 0;
    uint64_t flags = 0x11; // 64-bit, Linux
    uint64_t reserved = 0;
    uint64_t unpacked_size = 0;
};
static_assert(sizeof(EntryHeader) == 64);

} // namespace

std::string write_fatbin(const std::vector<PtxEntry>& entries) {
    std::string body;
    for (const PtxEntry& entry : entries) {
        std::string payload = entry.text;
        payload.push_back('\0');
        payload.resize((payload.size() + 7) / 8 * 8, '\0');
        EntryHeader header;
        header.payload_size = payload.size();
        header.architecture = entry.architecture;
        unsigned major = 8, minor = 0;
        if (const size_t at = entry.text.find(".version "); at != std::string::npos)
            std::sscanf(entry.text.c_str() + at + 9, "%u.%u", &major, &minor);
        header.major = (uint16_t)major;
        header.minor = (uint16_t)minor;
        body.append(reinterpret_cast<const char*>(&header), sizeof header);
        body += payload;
    }
    ContainerHeader header;
    header.size = body.size();
    return std::string(reinterpret_cast<const char*>(&header), sizeof header) + body;
}

} // namespace anywarp::toolchain
