// See usage.h.
#include "machine/usage.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace anywarp::machine {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t page_magic = 0x3130'5355'5741; // "AWUS01"

struct UsagePage {
    std::atomic<uint64_t> magic;
    uint64_t start_time; // of the process, in the kernel's ticks: tells a pid that was given again
    uint32_t pid, count;
    DeviceUsage devices[max_devices];
};

uint64_t now_ns() {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<uint64_t>(t.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(t.tv_nsec);
}

fs::path folder() { return "/dev/shm/anywarp-" + std::to_string(getuid()); }

/// Field 22 of /proc/PID/stat; the name in field 2 may hold blanks and ends at the last ')'.
uint64_t start_time_of(int pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    std::string line;
    std::getline(file, line);
    size_t at = line.rfind(')');
    if (at == std::string::npos) return 0;
    for (int field = 2; field < 22 && at != std::string::npos; field++) at = line.find(' ', at + 1);
    return at == std::string::npos ? 0 : std::strtoull(line.c_str() + at + 1, nullptr, 10);
}

std::string my_file; // to be removed at exit
int my_pid = 0;

UsagePage* make_page() {
    std::error_code error;
    fs::create_directory(folder(), error);
    chmod(folder().c_str(), 0700);
    my_pid = getpid();
    my_file = (folder() / std::to_string(my_pid)).string();
    void* memory = MAP_FAILED;
    int file = open(my_file.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file >= 0) {
        if (ftruncate(file, sizeof(UsagePage)) == 0)
            memory = mmap(nullptr, sizeof(UsagePage), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        close(file);
        if (memory == MAP_FAILED) unlink(my_file.c_str());
    }
    if (memory == MAP_FAILED) {
        my_file.clear();
        memory = mmap(nullptr, sizeof(UsagePage), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) std::abort(); // a few pages: the process is past help
    } else {
        std::atexit([] {
            if (getpid() == my_pid) unlink(my_file.c_str());
        });
    }
    auto* page = static_cast<UsagePage*>(memory);
    page->pid = static_cast<uint32_t>(my_pid);
    page->start_time = start_time_of(my_pid);
    if (auto& devices = installed_devices()) {
        page->count = static_cast<uint32_t>(devices->size());
        for (uint32_t i = 0; i < page->count; i++) page->devices[i].uuid = (*devices)[i].uuid;
    }
    page->magic.store(page_magic, std::memory_order_release);
    return page;
}

} // namespace

DeviceUsage& usage_of(int installed) {
    static UsagePage* page = make_page();
    return page->devices[installed];
}

RunningGrid::RunningGrid(DeviceUsage& usage) : usage_(usage) {
    if (usage_.running.fetch_add(1, std::memory_order_relaxed) == 0) usage_.since_ns.store(now_ns(), std::memory_order_relaxed);
}

RunningGrid::~RunningGrid() {
    uint64_t since = usage_.since_ns.load(std::memory_order_relaxed);
    if (usage_.running.fetch_sub(1, std::memory_order_relaxed) == 1)
        usage_.busy_ns.fetch_add(now_ns() - since, std::memory_order_relaxed);
}

std::vector<ProcessUsage> processes_on(const std::array<uint8_t, 16>& uuid) {
    std::vector<ProcessUsage> found;
    std::error_code error;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder(), error)) {
        int file = open(entry.path().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (file < 0) continue;
        struct stat facts{};
        void* memory = MAP_FAILED;
        if (fstat(file, &facts) == 0 && static_cast<uint64_t>(facts.st_size) >= sizeof(UsagePage))
            memory = mmap(nullptr, sizeof(UsagePage), PROT_READ, MAP_SHARED, file, 0);
        close(file);
        if (memory == MAP_FAILED) continue;
        const auto* page = static_cast<const UsagePage*>(memory);
        if (page->magic.load(std::memory_order_acquire) == page_magic) {
            int pid = static_cast<int>(page->pid);
            if (page->start_time != start_time_of(pid)) {
                unlink(entry.path().c_str());
            } else {
                for (uint32_t i = 0; i < std::min<uint32_t>(page->count, max_devices); i++) {
                    const DeviceUsage& usage = page->devices[i];
                    // A process that only looked at the device isn't on it.
                    uint64_t busy = usage.busy_ns.load(std::memory_order_relaxed);
                    uint64_t used = usage.used_bytes.load(std::memory_order_relaxed);
                    if (usage.uuid != uuid || (!busy && !used && !usage.running)) continue;
                    if (usage.running) busy += now_ns() - usage.since_ns.load(std::memory_order_relaxed);
                    found.push_back({pid, used, busy});
                }
            }
        }
        munmap(memory, sizeof(UsagePage));
    }
    return found;
}

} // namespace anywarp::machine
