// Reads a 64-bit ELF file's program headers and dynamic section. Sections aren't looked at: stripped programs have none.
#include "cli/elf_file.h"

#include <cstdlib>
#include <cstring>
#include <deque>
#include <elf.h>
#include <fstream>

namespace anywarp::cli {
namespace fs = std::filesystem;
namespace {

class Reader {
public:
    explicit Reader(const fs::path& path) : stream_(path, std::ios::binary) {}
    bool read(uint64_t offset, void* target, size_t bytes) {
        stream_.clear();
        stream_.seekg(static_cast<std::streamoff>(offset));
        stream_.read(static_cast<char*>(target), static_cast<std::streamsize>(bytes));
        return static_cast<size_t>(stream_.gcount()) == bytes;
    }
    uint64_t size() {
        stream_.clear();
        stream_.seekg(0, std::ios::end);
        return static_cast<uint64_t>(std::max<std::streamoff>(stream_.tellg(), 0));
    }
    std::string text(uint64_t offset) {
        stream_.clear();
        stream_.seekg(static_cast<std::streamoff>(offset));
        std::string word;
        std::getline(stream_, word, '\0');
        return word;
    }

private:
    std::ifstream stream_;
};

constexpr uint16_t native_machine =
#if defined(__x86_64__)
    EM_X86_64;
#elif defined(__aarch64__)
    EM_AARCH64;
#else
    EM_NONE;
#endif

std::vector<std::string> folders(std::string list, const fs::path& file) {
    const std::string origin = fs::absolute(file).parent_path().string();
    for (const char* name : {"${ORIGIN}", "$ORIGIN"})
        for (size_t at; (at = list.find(name)) != std::string::npos;) list.replace(at, std::strlen(name), origin);
    std::vector<std::string> all;
    for (size_t at = 0; at <= list.size();) {
        size_t end = std::min(list.find(':', at), list.size());
        if (end > at) all.push_back(list.substr(at, end - at));
        at = end + 1;
    }
    return all;
}

} // namespace

Result<std::optional<ElfFile>> read_elf(const fs::path& path) {
    Reader reader(path);
    Elf64_Ehdr header;
    unsigned char ident[EI_NIDENT];
    if (!reader.read(0, ident, sizeof ident) || std::memcmp(ident, ELFMAG, SELFMAG) != 0) return std::nullopt;
    ElfFile elf;
    if (ident[EI_CLASS] != ELFCLASS64 || ident[EI_DATA] != ELFDATA2LSB) {
        elf.is_64_bit = elf.is_native = false;
        elf.kind = ElfFile::Kind::program;
        return elf;
    }
    const auto damaged = [&] { return user_error(ErrorCode::invalid_image, path.string() + " is a damaged ELF file"); };
    if (!reader.read(0, &header, sizeof header)) return damaged();
    elf.is_native = header.e_machine == native_machine;
    if (header.e_type == ET_REL || header.e_phentsize != sizeof(Elf64_Phdr)) return elf;

    std::vector<Elf64_Phdr> segments(header.e_phnum);
    if (!reader.read(header.e_phoff, segments.data(), segments.size() * sizeof(Elf64_Phdr))) return damaged();
    bool has_interpreter = false;
    const Elf64_Phdr* dynamic = nullptr;
    for (const Elf64_Phdr& segment : segments) {
        has_interpreter |= segment.p_type == PT_INTERP;
        if (segment.p_type == PT_DYNAMIC) dynamic = &segment;
    }
    elf.dynamic = has_interpreter;
    elf.kind = header.e_type == ET_EXEC || has_interpreter ? ElfFile::Kind::program : ElfFile::Kind::library;
    if (!dynamic) return elf;

    if (dynamic->p_filesz > reader.size()) return damaged(); // before room is made for it
    std::vector<Elf64_Dyn> entries(dynamic->p_filesz / sizeof(Elf64_Dyn));
    if (!reader.read(dynamic->p_offset, entries.data(), entries.size() * sizeof(Elf64_Dyn))) return damaged();
    uint64_t strings = 0;
    for (const Elf64_Dyn& entry : entries) {
        if (entry.d_tag == DT_FLAGS_1 && (entry.d_un.d_val & DF_1_PIE)) elf.kind = ElfFile::Kind::program; // a static PIE
        if (entry.d_tag == DT_STRTAB)
            for (const Elf64_Phdr& segment : segments) // an address: find the file's offset
                if (segment.p_type == PT_LOAD && entry.d_un.d_ptr - segment.p_vaddr < segment.p_filesz)
                    strings = entry.d_un.d_ptr - segment.p_vaddr + segment.p_offset;
    }
    if (!strings) return elf;
    for (const Elf64_Dyn& entry : entries) {
        if (entry.d_tag == DT_NULL) break;
        if (entry.d_tag == DT_NEEDED) elf.needed.push_back(reader.text(strings + entry.d_un.d_val));
        if (entry.d_tag == DT_RPATH) elf.rpath = folders(reader.text(strings + entry.d_un.d_val), path);
        if (entry.d_tag == DT_RUNPATH) elf.runpath = folders(reader.text(strings + entry.d_un.d_val), path);
    }
    if (!elf.runpath.empty()) elf.rpath.clear(); // ld.so ignores DT_RPATH then
    return elf;
}

LibraryNeeds library_needs(const fs::path& program, const ElfFile& elf, const fs::path& front) {
    // An object's DT_RPATH also serves the libraries that it needs; whoever is reached through it has it in `inherited`.
    struct Object {
        ElfFile elf;
        std::vector<std::string> inherited;
    };
    std::vector<std::string> path = {front.string()};
    if (const char* more = std::getenv("LD_LIBRARY_PATH"))
        for (const std::string& folder : folders(more, program)) path.push_back(folder);
    LibraryNeeds needs;
    std::deque<Object> queue = {{elf, {}}};
    for (size_t count = 0; !queue.empty() && count < 2000; ++count) { // a bound, in case of a strange tree
        const Object object = std::move(queue.front());
        queue.pop_front();
        std::vector<std::string> rpath = object.elf.rpath;
        rpath.insert(rpath.end(), object.inherited.begin(), object.inherited.end());
        if (!object.elf.runpath.empty()) rpath.clear();
        needs.rpath_folders.insert(rpath.begin(), rpath.end());
        std::vector<std::string> search = rpath;
        search.insert(search.end(), path.begin(), path.end());
        search.insert(search.end(), object.elf.runpath.begin(), object.elf.runpath.end());
        for (const std::string& name : object.elf.needed) {
            if (!needs.needed.insert(name).second) continue;
            for (const std::string& folder : search) { // libraries of the system are left out: they don't use CUDA
                const fs::path file = name.contains('/') ? fs::path(name) : fs::path(folder) / name;
                std::error_code error;
                if (!fs::is_regular_file(file, error)) continue;
                if (Result<std::optional<ElfFile>> found = read_elf(file); found && *found && (*found)->is_native)
                    queue.push_back({std::move(**found), rpath});
                break;
            }
        }
    }
    return needs;
}

} // namespace anywarp::cli
