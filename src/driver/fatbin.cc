// Reading fat binaries; see fatbin.h. Fields are fetched with memcpy, as an image may lie at any address.

#include "driver/fatbin.h"
#include "driver/format.h"
#include "machine/ptx_target.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <lz4.h>
#include <optional>
#include <zstd.h>

namespace anywarp::driver {
namespace {

constexpr uint64_t flag_lz4 = 0x2000;
constexpr uint64_t flag_zstd = 0x8000;
constexpr uint64_t flag_old_compression = 0x1000;
constexpr uint64_t largest_unpacked = uint64_t{1} << 32; // no compiler writes that much PTX; a broken header may claim it

template <class T> T fetch(const uint8_t* data, size_t offset) {
    T value;
    std::memcpy(&value, data + offset, sizeof value);
    return value;
}

std::unexpected<Error> broken(std::string message) {
    return user_error(ErrorCode::invalid_image, "fat binary: " + std::move(message));
}

/// Byte by byte, so that a short text isn't read past its end.
bool starts_with(const uint8_t* data, size_t size, uint32_t magic) {
    for (size_t i = 0; i < 4; ++i)
        if (i >= size || data[i] != static_cast<uint8_t>(magic >> (8 * i))) return false;
    return true;
}

constexpr uint32_t elf_magic = 0x464c457f;

/// sm number of a cubin. The place moved with ABI version 8 (CUDA 13): from the lowest byte of e_flags to the second.
unsigned cubin_architecture(const uint8_t* data, size_t size) {
    constexpr size_t abi_version_offset = 8, machine_offset = 18, flags_offset = 48;
    constexpr uint16_t machine_cuda = 190;
    if (size < 52 || fetch<uint16_t>(data, machine_offset) != machine_cuda) return 0;
    uint32_t flags = fetch<uint32_t>(data, flags_offset);
    return data[abi_version_offset] >= 8 ? (flags >> 8) & 0xff : flags & 0xff;
}

/// PTX text ends at its first NUL; what follows is padding.
std::string text_of(const char* data, size_t size) { return std::string(data, strnlen(data, size)); }

/// Does it read like PTX? Comments and blanks may come first, then ".version".
bool looks_like_ptx(const char* text, size_t size) {
    size_t i = 0;
    auto at = [&](size_t k) { return k < size ? text[k] : '\0'; };
    while (at(i)) {
        if (std::strchr(" \t\r\n\v\f", text[i])) {
            ++i;
        } else if (text[i] == '/' && at(i + 1) == '/') {
            while (at(i) && text[i] != '\n') ++i;
        } else if (text[i] == '/' && at(i + 1) == '*') {
            for (i += 2; at(i) && !(text[i] == '*' && at(i + 1) == '/');) ++i;
            if (at(i)) i += 2;
        } else {
            return text[i] == '.';
        }
    }
    return false;
}

/// The word after ".target", up to a comma or blank: "sm_90a".
std::string_view target_of(std::string_view text) {
    size_t at = text.find(".target");
    if (at == std::string_view::npos) return {};
    at = text.find_first_not_of(" \t\r\n", at + 7);
    if (at == std::string_view::npos) return {};
    return text.substr(at, text.find_first_of(", \t\r\n", at) - at);
}

/// What is the best PTX for the device? The entry's number alone doesn't tell sm_90a from sm_90, its text does.
struct Choice {
    std::optional<std::string> text;
    unsigned lowest_ptx = 0; // lowest architecture of the PTX that doesn't run on the device
};

Result<Choice> choose(const std::vector<FatbinEntry>& entries, unsigned device_architecture) {
    Choice choice;
    std::vector<const FatbinEntry*> candidates;
    auto unfit = [&](const FatbinEntry& entry) {
        if (!choice.lowest_ptx || entry.architecture < choice.lowest_ptx) choice.lowest_ptx = entry.architecture;
    };
    for (const FatbinEntry& entry : entries) {
        if (entry.kind != FatbinEntry::Kind::ptx) continue;
        if (entry.architecture > device_architecture)
            unfit(entry);
        else
            candidates.push_back(&entry);
    }
    std::ranges::stable_sort(candidates, std::greater{}, &FatbinEntry::architecture);
    for (const FatbinEntry* entry : candidates) {
        auto text = unpack(*entry);
        if (!text) return std::unexpected(text.error());
        std::string ptx = text_of(text->data(), text->size());
        if (machine::target_fits(target_of(ptx), static_cast<int>(device_architecture))) {
            choice.text = std::move(ptx);
            break;
        }
        unfit(*entry);
    }
    return choice;
}

std::unexpected<Error> no_ptx(const std::vector<unsigned>& architectures) {
    return user_error(ErrorCode::no_binary_for_gpu,
                      format("holds machine code for {} only and no PTX; build it with nvcc -gencode "
                             "arch=compute_80,code=compute_80",
                             architectures.empty() ? "an unknown GPU" : architecture_list(architectures)));
}

/// Adds the PTX of one container to `image`.
Result<void> add_container(Image& image, const uint8_t* data, size_t size, unsigned device_architecture) {
    auto entries = read_fatbin(data, size);
    if (!entries) return std::unexpected(entries.error());
    std::vector<unsigned> cubins;
    for (const FatbinEntry& entry : *entries)
        if (entry.kind == FatbinEntry::Kind::cubin) cubins.push_back(entry.architecture);
    image.architectures.insert(image.architectures.end(), cubins.begin(), cubins.end());
    auto choice = choose(*entries, device_architecture);
    if (!choice) return std::unexpected(choice.error());
    if (!choice->text && choice->lowest_ptx)
        return user_error(ErrorCode::no_binary_for_gpu, format("holds PTX for compute_{} at the lowest, but the device is sm_{}; "
                                                               "choose a newer device or build for an older one",
                                                               choice->lowest_ptx, device_architecture));
    if (!choice->text) return no_ptx(cubins);
    image.ptx.push_back(std::move(*choice->text));
    return {};
}

} // namespace

std::string architecture_list(const std::vector<unsigned>& architectures) {
    std::vector<unsigned> sorted = architectures;
    std::ranges::sort(sorted);
    sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
    std::string text;
    for (unsigned architecture : sorted) text += format("{}sm_{}", text.empty() ? "" : ", ", architecture);
    return text;
}

Result<std::vector<FatbinEntry>> read_fatbin(const uint8_t* data, size_t size) {
    if (size < fatbin_container_header_size) return broken(format("{} bytes are too few for a header", size));
    uint32_t magic = fetch<uint32_t>(data, 0);
    uint16_t version = fetch<uint16_t>(data, 4), header_size = fetch<uint16_t>(data, 6);
    uint64_t contents = fetch<uint64_t>(data, 8);
    if (magic != fatbin_container_magic) return broken(format("magic number {:#x}", magic));
    if (version != 1) return broken(format("version {}", version));
    if (header_size < fatbin_container_header_size || header_size > size)
        return broken(format("header of {} bytes", header_size));
    if (size != unknown_size && contents > size - header_size)
        return broken(format("{} bytes announced, {} there", contents, size - header_size));

    std::vector<FatbinEntry> entries;
    const uint8_t* at = data + header_size;
    for (uint64_t left = contents; left >= fatbin_entry_header_size;) {
        FatbinEntry entry;
        entry.raw_kind = fetch<uint16_t>(at, 0);
        uint32_t entry_header = fetch<uint32_t>(at, 4);
        uint64_t stored = fetch<uint64_t>(at, 8); // padded to 8
        uint32_t packed = fetch<uint32_t>(at, 16);
        entry.architecture = fetch<uint32_t>(at, 28);
        entry.flags = fetch<uint64_t>(at, 40);
        entry.unpacked_size = fetch<uint64_t>(at, 56);
        if (entry_header < fatbin_entry_header_size || entry_header > left)
            return broken(format("entry {} has a header of {} bytes, {} are left", entries.size(), entry_header, left));
        if (stored > left - entry_header)
            return broken(format("entry {} has {} bytes, {} are left", entries.size(), stored, left - entry_header));
        entry.kind = entry.raw_kind == 1   ? FatbinEntry::Kind::ptx
                     : entry.raw_kind == 2 ? FatbinEntry::Kind::cubin
                                           : FatbinEntry::Kind::other;
        entry.compression = entry.flags & flag_zstd              ? FatbinCompression::zstd
                            : entry.flags & flag_lz4             ? FatbinCompression::lz4
                            : entry.flags & flag_old_compression ? FatbinCompression::unknown
                                                                 : FatbinCompression::none;
        size_t payload = stored;
        if (entry.compression != FatbinCompression::none && packed) {
            if (packed > stored) return broken(format("entry {} has {} packed bytes in {}", entries.size(), packed, stored));
            payload = packed;
        }
        entry.payload = {at + entry_header, payload};
        entries.push_back(entry);
        at += entry_header + stored;
        left -= entry_header + stored;
    }
    return entries;
}

Result<std::string> unpack(const FatbinEntry& entry) {
    const char* packed = reinterpret_cast<const char*>(entry.payload.data());
    if (entry.compression == FatbinCompression::none) return std::string(packed, entry.payload.size());
    if (entry.compression == FatbinCompression::unknown)
        return unsupported(format("fat binary compressed by an old toolkit (flags {:#x})", entry.flags),
                           ErrorCode::invalid_image);
    // A byte of LZ4 unpacks to 255 at the most; zstd can do better, so that its bound is only a sanity check.
    uint64_t bound = entry.compression == FatbinCompression::lz4 ? uint64_t{256} * entry.payload.size() + 64 : largest_unpacked;
    if (entry.unpacked_size == 0 || entry.unpacked_size > bound)
        return broken(format("{} packed bytes claim to be {}", entry.payload.size(), entry.unpacked_size));
    if (entry.compression == FatbinCompression::lz4) {
        std::string text(entry.unpacked_size, '\0');
        int size =
            LZ4_decompress_safe(packed, text.data(), static_cast<int>(entry.payload.size()), static_cast<int>(text.size()));
        if (size < 0) return broken(format("LZ4 data is damaged at byte {}", -size - 1));
        text.resize(static_cast<size_t>(size));
        return text;
    }
    unsigned long long announced = ZSTD_getFrameContentSize(packed, entry.payload.size());
    if (announced == ZSTD_CONTENTSIZE_ERROR || (announced != ZSTD_CONTENTSIZE_UNKNOWN && announced > entry.unpacked_size))
        return broken("zstd data has a damaged frame");
    // A damaged header may claim gigabytes: room is made for no more than zstd can shrink, 128 KiB to a block of 4 bytes.
    uint64_t room = std::min<uint64_t>(announced != ZSTD_CONTENTSIZE_UNKNOWN ? announced : entry.unpacked_size,
                             (uint64_t{1} << 15) * entry.payload.size() + (uint64_t{1} << 17));
    std::string text(room, '\0');
    size_t size = ZSTD_decompress(text.data(), text.size(), packed, entry.payload.size());
    if (ZSTD_isError(size)) return broken(format("zstd data is damaged: {}", ZSTD_getErrorName(size)));
    text.resize(size);
    return text;
}

Result<Image> read_image(const void* pointer, size_t size, unsigned device_architecture) {
    const uint8_t* data = static_cast<const uint8_t*>(pointer);
    Image image;
    if (starts_with(data, size, fatbin_container_magic)) {
        if (auto added = add_container(image, data, size, device_architecture); !added) return std::unexpected(added.error());
        return image;
    }
    if (starts_with(data, size, elf_magic)) {
        if (unsigned architecture = cubin_architecture(data, size)) image.architectures.push_back(architecture);
        return no_ptx(image.architectures);
    }
    if (starts_with(data, size, fatbin_wrapper_magic) && size >= 24) {
        uint32_t version = fetch<uint32_t>(data, 4);
        auto* container = fetch<const uint8_t*>(data, 8);
        auto* linked = fetch<const uint8_t* const*>(data, 16);
        if (version != 1 && version != 2) return broken(format("wrapper of version {}", version));
        // Version 2: separately compiled units, which nvlink listed (ended by a null pointer) beside the linked machine code.
        // A unit without fitting PTX does no harm while nothing refers to it: nvcc adds NVIDIA's device runtime, which holds
        // machine code and PTX for the newest GPU alone, to every program built with -rdc. Where something does refer to it,
        // linking names the symbol.
        if (version == 2 && linked) {
            std::optional<Error> unfit;
            for (; *linked; ++linked) {
                auto added = add_container(image, *linked, unknown_size, device_architecture);
                if (added) continue;
                if (added.error().code != ErrorCode::no_binary_for_gpu) return std::unexpected(added.error());
                if (!unfit) unfit = added.error();
            }
            if (!image.ptx.empty()) return image;
            if (unfit) return std::unexpected(*unfit);
        }
        if (!container) return broken("wrapper without a container");
        return read_image(container, unknown_size, device_architecture);
    }
    if (looks_like_ptx(reinterpret_cast<const char*>(data), size)) {
        image.ptx.push_back(text_of(reinterpret_cast<const char*>(data), size));
        return image;
    }
    return user_error(ErrorCode::invalid_image, "neither PTX, a fat binary nor a cubin");
}

} // namespace anywarp::driver
