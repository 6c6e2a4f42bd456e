// libanywarp-dlopen.so, which `anywarp run` preloads: a program that opens one of NVIDIA's libraries by its full name gets ours of
// that name. LD_LIBRARY_PATH can't do that, and Python's packages do it (they look for libnvrtc.so.12 in the folder of a wheel).
// Every other request goes on unchanged: as a jump, since the C library tells by the return address whose RUNPATH counts.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef void* (*Open)(const char*, int);

static Open next(void) {
    static Open found;
    Open open = __atomic_load_n(&found, __ATOMIC_RELAXED);
    if (!open) {
        open = (Open)dlsym(RTLD_NEXT, "dlopen");
        __atomic_store_n(&found, open, __ATOMIC_RELAXED);
    }
    return open;
}

/// Is there one of ours for the file? Its path goes to `ours`.
static int replaced(const char* file, char* ours, size_t size) {
    static const char* const names[] = {"libcuda.so", "libcudart.so", "libnvrtc.so", "libnvJitLink.so", "libnvidia-ml.so"};
    const char* slash = file ? strrchr(file, '/') : NULL;
    Dl_info self;
    if (!slash || !dladdr((void*)&replaced, &self) || !self.dli_fname) return 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
        if (strncmp(slash + 1, names[i], strlen(names[i])) != 0) continue;
        const char* end = strrchr(self.dli_fname, '/');
        int length = end ? (int)(end - self.dli_fname) : 0;
        return snprintf(ours, size, "%.*s%s", length, self.dli_fname, slash) < (int)size && access(ours, R_OK) == 0;
    }
    return 0;
}

__attribute__((visibility("default"))) void* dlopen(const char* file, int mode) {
    char ours[4096];
    if (replaced(file, ours, sizeof ours)) return next()(ours, mode);
    __attribute__((musttail)) return next()(file, mode);
}
