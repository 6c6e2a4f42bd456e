// Writes fat binaries for tests, independently of the reader.
#pragma once

#include <cstdint>
#include <cstring>
#include <lz4.h>
#include <string>
#include <vector>
#include <zstd.h>

struct WrittenEntry {
    uint16_t kind = 1; // 1 PTX, 2 cubin
    uint32_t architecture = 75;
    std::string contents;
    enum Compression { none, lz4, zstd } compression = none;
};

inline std::vector<uint8_t> write_fatbin(const std::vector<WrittenEntry>& entries) {
    std::vector<uint8_t> file;
    auto put = [&](auto value) {
        const auto* bytes = reinterpret_cast<const uint8_t*>(&value);
        file.insert(file.end(), bytes, bytes + sizeof value);
    };
    put(uint32_t{0xba55ed50});
    put(uint16_t{1});
    put(uint16_t{16});
    put(uint64_t{0}); // size, below
    for (const WrittenEntry& entry : entries) {
        std::string payload = entry.contents;
        uint64_t flags = 0x11;
        uint32_t packed = 0;
        if (entry.compression == WrittenEntry::lz4) {
            payload.resize(static_cast<size_t>(LZ4_compressBound(static_cast<int>(entry.contents.size()))));
            packed = static_cast<uint32_t>(LZ4_compress_default(entry.contents.data(), payload.data(),
                                                                static_cast<int>(entry.contents.size()),
                                                                static_cast<int>(payload.size())));
            flags |= 0x2000;
        } else if (entry.compression == WrittenEntry::zstd) {
            payload.resize(ZSTD_compressBound(entry.contents.size()));
            packed = static_cast<uint32_t>(
                ZSTD_compress(payload.data(), payload.size(), entry.contents.data(), entry.contents.size(), 3));
            flags |= 0x8000;
        }
        if (packed) payload.resize(packed);
        payload.resize((payload.size() + 7) & ~size_t{7});
        put(entry.kind);
        put(uint16_t{0x101});
        put(uint32_t{64});
        put(uint64_t{payload.size()});
        put(packed);
        put(uint32_t{0});
        put(uint32_t{0});
        put(entry.architecture);
        put(uint64_t{0});
        put(flags);
        put(uint64_t{0});
        put(uint64_t{packed ? entry.contents.size() : 0});
        file.insert(file.end(), payload.begin(), payload.end());
    }
    uint64_t size = file.size() - 16;
    std::memcpy(file.data() + 8, &size, sizeof size);
    return file;
}
