// See host_object.h. Nothing here trusts its input: every offset is checked against the bytes that are there.

#include "driver/host_object.h"
#include "driver/format.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <elf.h>
#include <optional>
#include <string_view>

namespace anywarp::driver {
namespace {

constexpr std::string_view archive_magic = "!<arch>\n";
constexpr uint16_t machine_cuda = 190;

std::unexpected<Error> broken(std::string message) {
    return user_error(ErrorCode::invalid_image, "object file: " + std::move(message));
}

struct Reader {
    Image image;
    unsigned architecture = 0;
    std::optional<Error> unfit; // the first unit that the device can't run

    /// Fat binaries lie one behind the other, each at a multiple of 8 bytes.
    Result<void> section(std::span<const uint8_t> bytes) {
        for (size_t at = 0; bytes.size() - at >= fatbin_container_header_size;) {
            uint32_t magic = 0;
            uint64_t contents = 0;
            std::memcpy(&magic, &bytes[at], sizeof magic);
            std::memcpy(&contents, &bytes[at + 8], sizeof contents);
            if (magic != fatbin_container_magic) {
                at += 8;
                if (at > bytes.size()) break;
                continue;
            }
            auto part = read_image(&bytes[at], bytes.size() - at, architecture);
            if (part) {
                std::ranges::move(part->ptx, std::back_inserter(image.ptx));
            } else if (part.error().code == ErrorCode::no_binary_for_gpu) {
                if (!unfit) unfit = part.error();
            } else {
                return std::unexpected(part.error());
            }
            at += (fatbin_container_header_size + contents + 7) / 8 * 8; // read_image has checked that so many are there
            if (at > bytes.size()) break;
        }
        return {};
    }

    Result<void> elf(std::span<const uint8_t> file) {
        Elf64_Ehdr header;
        if (file.size() < sizeof header) return broken(format("{} bytes are too few", file.size()));
        std::memcpy(&header, file.data(), sizeof header);
        if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB || header.e_machine == machine_cuda)
            return broken("not a 64-bit one of a host processor");
        if (header.e_shentsize != sizeof(Elf64_Shdr) || header.e_shoff > file.size() ||
            header.e_shnum > (file.size() - header.e_shoff) / sizeof(Elf64_Shdr) || header.e_shstrndx >= header.e_shnum)
            return broken("a damaged list of sections");
        auto section_at = [&](size_t i) {
            Elf64_Shdr section;
            std::memcpy(&section, &file[header.e_shoff + i * sizeof section], sizeof section);
            return section;
        };
        auto inside = [&](const Elf64_Shdr& s) { return s.sh_offset <= file.size() && s.sh_size <= file.size() - s.sh_offset; };
        Elf64_Shdr names = section_at(header.e_shstrndx);
        if (!inside(names)) return broken("damaged section names");
        for (size_t i = 0; i < header.e_shnum; ++i) {
            Elf64_Shdr s = section_at(i);
            if (s.sh_name >= names.sh_size) return broken(format("section {} has no name", i));
            const char* text = reinterpret_cast<const char*>(&file[names.sh_offset + s.sh_name]);
            std::string_view name(text, strnlen(text, names.sh_size - s.sh_name));
            if (s.sh_type == SHT_NOBITS || (name != ".nv_fatbin" && name != "__nv_relfatbin")) continue;
            if (!inside(s)) return broken(format("section {} ends behind the file", name));
            if (auto read = section(file.subspan(s.sh_offset, s.sh_size)); !read) return read;
        }
        return {};
    }

    Result<void> archive(std::span<const uint8_t> file) {
        constexpr size_t header_size = 60, size_at = 48, size_digits = 10;
        for (size_t at = archive_magic.size(); file.size() - at >= header_size;) {
            std::string digits(reinterpret_cast<const char*>(&file[at + size_at]), size_digits);
            size_t size = std::strtoull(digits.c_str(), nullptr, 10);
            at += header_size;
            if (size > file.size() - at) return broken(format("a member of {} bytes ends behind the archive", size));
            auto member = file.subspan(at, size);
            if (size > SELFMAG && std::memcmp(member.data(), ELFMAG, SELFMAG) == 0)
                if (auto read = elf(member); !read) return read;
            at += size + size % 2;
            if (at > file.size()) break;
        }
        return {};
    }
};

} // namespace

bool is_host_object(const void* data, size_t size) {
    if (size >= archive_magic.size() && std::memcmp(data, archive_magic.data(), archive_magic.size()) == 0) return true;
    uint16_t machine = 0;
    if (size < sizeof(Elf64_Ehdr) || std::memcmp(data, ELFMAG, SELFMAG) != 0) return false;
    std::memcpy(&machine, static_cast<const uint8_t*>(data) + offsetof(Elf64_Ehdr, e_machine), sizeof machine);
    return machine != machine_cuda;
}

Result<Image> read_host_object(const void* data, size_t size, unsigned device_architecture) {
    std::span file(static_cast<const uint8_t*>(data), size);
    Reader reader;
    reader.architecture = device_architecture;
    bool archive = size >= archive_magic.size() && std::memcmp(data, archive_magic.data(), archive_magic.size()) == 0;
    auto read = archive ? reader.archive(file) : reader.elf(file);
    if (!read) return std::unexpected(read.error());
    if (reader.image.ptx.empty() && reader.unfit && !archive) return std::unexpected(*reader.unfit);
    return std::move(reader.image);
}

} // namespace anywarp::driver
