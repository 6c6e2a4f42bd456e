// What the dynamic section of a program says: the libraries it needs and the folders it looks for them in (ELF gABI, "Dynamic
// Linking"; ld.so(8)). `anywarp run` uses it to tell programs that LD_LIBRARY_PATH reaches from those that it doesn't: folders
// of DT_RPATH are searched before LD_LIBRARY_PATH, those of DT_RUNPATH after it.
#pragma once

#include "ptx/error.h"

#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace anywarp::cli {

struct ElfFile {
    enum class Kind { program, library, object };
    Kind kind = Kind::object;
    bool dynamic = false; // false: statically linked
    bool is_64_bit = true, is_native = true;
    std::vector<std::string> needed;
    std::vector<std::string> rpath, runpath; // $ORIGIN filled in
};

/// Nothing when the file isn't ELF; an error when it is damaged.
Result<std::optional<ElfFile>> read_elf(const std::filesystem::path& path);

struct LibraryNeeds {
    std::set<std::string> needed;                  // sonames, of the program and of all libraries that could be found
    std::set<std::filesystem::path> rpath_folders; // searched before LD_LIBRARY_PATH
};

/// Walks a program's libraries as ld.so would, with `front` as the first folder of LD_LIBRARY_PATH.
LibraryNeeds library_needs(const std::filesystem::path& program, const ElfFile& elf, const std::filesystem::path& front);

} // namespace anywarp::cli
