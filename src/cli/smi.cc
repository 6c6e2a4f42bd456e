// The figures come through libcuda.so.1, opened by its path, as any program would get them. What a CPU can't answer (power,
// temperature, fan) is N/A. Used memory is the machine's: other processes count, as they do on a GPU that is shared.
#include "cli/smi.h"
#include "cli/text.h"

#include "cuda.h"

#include <cstdio>
#include <ctime>
#include <dlfcn.h>

#define ANYWARP_NAME_(name) #name
#define ANYWARP_NAME(name) ANYWARP_NAME_(name) // cuda.h maps a name to its newest version: cuDeviceTotalMem_v2

namespace anywarp::cli {
namespace {

class Driver {
public:
    explicit Driver(const fs::path& library) : handle_(dlopen(library.c_str(), RTLD_NOW)) {
        if (!handle_) problem = dlerror();
    }
    std::string problem;

    template <class Function, class... Arguments> bool call(Function*, const char* name, Arguments... arguments) {
        if (!problem.empty()) return false;
        auto* function = reinterpret_cast<Function*>(dlsym(handle_, name));
        if (!function) return problem = text("libcuda.so.1 has no %s", name), false;
        if (CUresult result = function(arguments...); result != CUDA_SUCCESS)
            return problem = text("%s answers %d", name, static_cast<int>(result)), false;
        return true;
    }

private:
    void* handle_;
};

#define ANYWARP_CALL(driver, name, ...) driver.call(static_cast<decltype(&name)>(nullptr), ANYWARP_NAME(name), __VA_ARGS__)

} // namespace

int show_devices(const Installation& installation) {
    Driver driver(installation.lib / "libcuda.so.1");
    int version = 0, count = 0;
    ANYWARP_CALL(driver, cuInit, 0u);
    ANYWARP_CALL(driver, cuDriverGetVersion, &version);
    ANYWARP_CALL(driver, cuDeviceGetCount, &count);

    const std::string line = "+" + std::string(77, '-') + "+\n";
    const std::string rule = "|" + std::string(39, '-') + "+" + std::string(37, '-') + "|\n";
    const auto wide = [](const std::string& words) { return text("| %-75s |\n", words.c_str()); };
    const auto halves = [](const std::string& left, const std::string& right) {
        return text("| %-37s | %-35s |\n", left.c_str(), right.c_str());
    };
    std::string table = line + wide(text("ANYWARP %s          CUDA Version: %d.%d          runs on the CPU", ANYWARP_VERSION,
                                         version / 1000, version % 1000 / 10));
    table += rule + halves("GPU  Name                  Capability", "Memory-Usage        Multiprocessors");
    table += halves("Fan  Temp  Perf         Pwr:Usage/Cap", "GPU-Util                 Compute M.") + rule;
    for (int ordinal = 0; ordinal < count && driver.problem.empty(); ++ordinal) {
        CUdevice device = 0;
        CUcontext context = nullptr;
        char name[64] = {};
        size_t free = 0, total = 0;
        int major = 0, minor = 0, multiprocessors = 0;
        ANYWARP_CALL(driver, cuDeviceGet, &device, ordinal);
        ANYWARP_CALL(driver, cuDeviceGetName, name, static_cast<int>(sizeof name), device);
        ANYWARP_CALL(driver, cuDeviceGetAttribute, &major, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, device);
        ANYWARP_CALL(driver, cuDeviceGetAttribute, &minor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, device);
        ANYWARP_CALL(driver, cuDeviceGetAttribute, &multiprocessors, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, device);
        ANYWARP_CALL(driver, cuDevicePrimaryCtxRetain, &context, device);
        ANYWARP_CALL(driver, cuCtxSetCurrent, context);
        ANYWARP_CALL(driver, cuMemGetInfo, &free, &total);
        ANYWARP_CALL(driver, cuDevicePrimaryCtxRelease, device);
        const std::string memory = text("%zuMiB / %zuMiB", (total - free) >> 20, total >> 20);
        table += halves(text("%3d  %-25.25s %2d.%d", ordinal, name, major, minor),
                        text("%-20s %14d", memory.c_str(), multiprocessors));
        table += halves("N/A  N/A   N/A              N/A / N/A", text("%-20s %14s", "N/A", "Default"));
        table += ordinal + 1 < count ? rule : line;
    }
    if (!driver.problem.empty()) {
        std::fprintf(stderr, "anywarp: error: %s\n", driver.problem.c_str());
        return 1;
    }
    if (!count) table += wide("No devices (ANYWARP_DEVICES=0)") + line;
    table += wide("Processes:") + wide("  No running processes found") + line;
    const std::time_t now = std::time(nullptr);
    char date[64];
    std::strftime(date, sizeof date, "%a %b %e %H:%M:%S %Y", std::localtime(&now));
    std::printf("%s\n%s", date, table.c_str());
    return 0;
}

} // namespace anywarp::cli
