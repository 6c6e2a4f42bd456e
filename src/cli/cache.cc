// Counts and removes only files of the forms that Anywarp writes (src/jit/object_cache.cc, src/cli/cuda_source.cc): the folder is
// the user's choice and may hold other things. Removing a kernel's object while a program runs is harmless: it is compiled again.
#include "cli/cache.h"

#include <cstdio>

namespace anywarp::cli {

int show_cache(bool clear) {
    const fs::path folder = cache_folder();
    if (folder.empty()) {
        std::fprintf(stderr, "anywarp: error: no cache folder: neither ANYWARP_CACHE_DIR, XDG_CACHE_HOME nor HOME is set\n");
        return 1;
    }
    uintmax_t kernels = 0, kernel_bytes = 0, programs = 0, program_bytes = 0;
    std::error_code error;
    std::vector<fs::path> gone;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
        std::error_code ignored;
        const fs::path path = entry.path();
        if (path.extension() != ".obj" || !entry.is_regular_file(ignored)) continue;
        ++kernels, kernel_bytes += entry.file_size(ignored);
        gone.push_back(path);
    }
    for (const fs::directory_entry& program : fs::directory_iterator(folder / "run", error)) {
        std::error_code ignored;
        if (!fs::exists(program.path() / "inputs", ignored)) continue;
        ++programs;
        for (const fs::directory_entry& entry : fs::directory_iterator(program.path(), ignored))
            if (entry.is_regular_file(ignored)) program_bytes += entry.file_size(ignored);
        gone.push_back(program.path());
    }
    constexpr double mib = 1 << 20;
    std::printf("folder:   %s\nkernels:  %ju, %.1f MiB\nprograms: %ju, %.1f MiB (of anywarp run FILE.cu)\n", folder.c_str(),
                kernels, static_cast<double>(kernel_bytes) / mib, programs, static_cast<double>(program_bytes) / mib);
    if (!clear) return 0;
    int status = 0;
    for (const fs::path& path : gone) {
        fs::remove_all(path, error);
        if (error) {
            std::fprintf(stderr, "anywarp: error: can't remove %s: %s\n", path.c_str(), error.message().c_str());
            status = 1;
        }
    }
    std::printf("cleared\n");
    return status;
}

} // namespace anywarp::cli
