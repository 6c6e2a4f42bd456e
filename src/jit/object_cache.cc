// The disk cache. See object_cache.h.
//
// A file is a header and a zstd-compressed object. Writers write to a temporary file in the same directory and rename it, so a
// reader sees a whole file or none; two processes that write the same key write the same bytes. Everything a reader takes from
// a file is checked against the header and a checksum first. All accesses go through one open directory descriptor whose owner
// and mode were checked, so that nobody can exchange the directory in between.
#include "jit/object_cache.h"

#include <llvm/ADT/ArrayRef.h>
#include <llvm/Support/xxhash.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

namespace anywarp::jit {
namespace {

constexpr uint32_t format_version = 1;
constexpr uint64_t largest_object = 1ull << 30;
constexpr const char* lock_name = "lock";
constexpr const char* suffix = ".obj";
constexpr const char* temporary_prefix = "tmp-";

struct Header {
    char magic[8] = {'A', 'N', 'Y', 'W', 'A', 'R', 'P', 'O'};
    uint32_t version = format_version;
    uint32_t reserved = 0;
    CacheKey key{};
    uint64_t payload_size = 0; // bytes that follow
    uint64_t object_size = 0;  // bytes when unpacked
    uint64_t checksum = 0;     // of the payload, xxh3
};
static_assert(sizeof(Header) == 72);

uint64_t checksum(std::span<const uint8_t> bytes) {
    return llvm::xxh3_64bits(llvm::ArrayRef<uint8_t>(bytes.data(), bytes.size()));
}

class File {
public:
    explicit File(int descriptor) : descriptor_(descriptor) {}
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    ~File() {
        if (descriptor_ >= 0) close(descriptor_);
    }
    explicit operator bool() const { return descriptor_ >= 0; }
    int operator*() const { return descriptor_; }

    bool read_all(void* to, size_t bytes) const {
        for (auto* p = static_cast<uint8_t*>(to); bytes;) {
            ssize_t n = read(descriptor_, p, bytes);
            if (n < 0 && errno == EINTR) continue;
            if (n <= 0) return false;
            p += n, bytes -= static_cast<size_t>(n);
        }
        return true;
    }
    bool write_all(const void* from, size_t bytes) const {
        for (auto* p = static_cast<const uint8_t*>(from); bytes;) {
            ssize_t n = write(descriptor_, p, bytes);
            if (n < 0 && errno == EINTR) continue;
            if (n <= 0) return false;
            p += n, bytes -= static_cast<size_t>(n);
        }
        return true;
    }

private:
    int descriptor_;
};

bool starts_with(const char* text, const char* prefix) { return std::strncmp(text, prefix, std::strlen(prefix)) == 0; }
bool ends_with(const char* text, const char* end) {
    size_t a = std::strlen(text), b = std::strlen(end);
    return a >= b && std::strcmp(text + a - b, end) == 0;
}

std::filesystem::path default_directory() {
    auto variable = [](const char* name) -> const char* {
        const char* value = std::getenv(name);
        return value && *value ? value : nullptr;
    };
    if (const char* own = variable("ANYWARP_CACHE_DIR")) return own;
    if (const char* xdg = variable("XDG_CACHE_HOME"); xdg && *xdg == '/') return std::filesystem::path(xdg) / "anywarp";
    if (const char* home = variable("HOME")) return std::filesystem::path(home) / ".cache" / "anywarp";
    if (const passwd* user = getpwuid(geteuid()); user && user->pw_dir)
        return std::filesystem::path(user->pw_dir) / ".cache" / "anywarp";
    return {};
}

uint64_t size_from_environment() {
    constexpr uint64_t mib = 1 << 20;
    const char* text = std::getenv("ANYWARP_CACHE_SIZE");
    if (!text || !*text) return 512 * mib;
    char* end = nullptr;
    unsigned long long value = std::strtoull(text, &end, 10);
    return *end || value > (1ull << 40) ? 512 * mib : value * mib;
}

/// mkdir -p with private modes, without std::filesystem's exceptions.
void make_directories(const std::filesystem::path& directory) {
    std::filesystem::path part;
    for (const auto& name : directory) {
        part /= name;
        mkdir(part.c_str(), 0700);
    }
}

} // namespace

ObjectCache ObjectCache::from_environment() {
    const char* wish = std::getenv("ANYWARP_CACHE");
    std::filesystem::path directory = default_directory();
    uint64_t size = size_from_environment();
    if ((wish && std::strcmp(wish, "0") == 0) || directory.empty() || !size) {
        ObjectCache off;
        off.problem_ = "switched off";
        return off;
    }
    return ObjectCache(directory, size);
}

ObjectCache::ObjectCache(const std::filesystem::path& directory, uint64_t max_bytes) : max_bytes_(max_bytes) {
    auto open_directory = [&] { return open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); };
    int descriptor = open_directory();
    if (descriptor < 0 && errno == ENOENT) {
        make_directories(directory);
        descriptor = open_directory();
    }
    struct stat status{};
    if (descriptor < 0 || fstat(descriptor, &status) != 0) {
        problem_ = directory.string() + ": " + std::strerror(errno);
    } else if (status.st_uid != geteuid()) {
        problem_ = directory.string() + ": belongs to user " + std::to_string(status.st_uid);
    } else if (status.st_mode & 022) {
        problem_ = directory.string() + ": others may write to it";
    } else {
        if (status.st_mode & 055) fchmod(descriptor, 0700);
        directory_ = descriptor;
        return;
    }
    if (descriptor >= 0) close(descriptor);
}

ObjectCache::ObjectCache(ObjectCache&& other) noexcept
    : directory_(std::exchange(other.directory_, -1)), max_bytes_(other.max_bytes_), problem_(std::move(other.problem_)) {}

ObjectCache::~ObjectCache() {
    if (directory_ >= 0) close(directory_);
}

std::string ObjectCache::file_name(const CacheKey& key) {
    static const char digits[] = "0123456789abcdef";
    std::string name;
    for (uint8_t byte : key) name += {digits[byte >> 4], digits[byte & 15]};
    return name + suffix;
}

std::optional<std::vector<uint8_t>> ObjectCache::find(const CacheKey& key) const {
    if (!usable()) return std::nullopt;
    std::string name = file_name(key);
    File file(openat(directory_, name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!file) return std::nullopt;
    auto damaged = [&]() -> std::optional<std::vector<uint8_t>> {
        unlinkat(directory_, name.c_str(), 0);
        return std::nullopt;
    };
    struct stat status{};
    if (fstat(*file, &status) != 0 || !S_ISREG(status.st_mode) || status.st_uid != geteuid()) return std::nullopt;
    Header header, expected;
    if (!file.read_all(&header, sizeof header)) return damaged();
    if (std::memcmp(header.magic, expected.magic, sizeof header.magic) != 0 || header.version != format_version ||
        header.key != key || header.object_size > largest_object ||
        header.payload_size != static_cast<uint64_t>(status.st_size) - sizeof header)
        return damaged();
    std::vector<uint8_t> payload(header.payload_size), object(header.object_size);
    if (!file.read_all(payload.data(), payload.size()) || checksum(payload) != header.checksum) return damaged();
    size_t unpacked = ZSTD_decompress(object.data(), object.size(), payload.data(), payload.size());
    if (ZSTD_isError(unpacked) || unpacked != object.size()) return damaged();
    const timespec now[2] = {{.tv_sec = 0, .tv_nsec = UTIME_OMIT}, {.tv_sec = 0, .tv_nsec = UTIME_NOW}};
    futimens(*file, now); // the order of eviction
    return object;
}

void ObjectCache::store(const CacheKey& key, std::span<const uint8_t> object) const {
    if (!usable() || object.size() > max_bytes_ || object.size() > largest_object) return;
    std::vector<uint8_t> payload(ZSTD_compressBound(object.size()));
    size_t packed = ZSTD_compress(payload.data(), payload.size(), object.data(), object.size(), 1);
    if (ZSTD_isError(packed)) return;
    payload.resize(packed);
    Header header;
    header.key = key;
    header.payload_size = packed;
    header.object_size = object.size();
    header.checksum = checksum(payload);

    static std::atomic<uint64_t> counter{0};
    std::string temporary = temporary_prefix + std::to_string(getpid()) + "-" + std::to_string(counter++);
    {
        File file(openat(directory_, temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
        if (!file && errno == EEXIST) { // left behind by a dead process of the same number
            unlinkat(directory_, temporary.c_str(), 0);
            return;
        }
        if (!file) return;
        if (!file.write_all(&header, sizeof header) || !file.write_all(payload.data(), payload.size())) {
            unlinkat(directory_, temporary.c_str(), 0);
            return;
        }
    }
    if (renameat(directory_, temporary.c_str(), directory_, file_name(key).c_str()) != 0) {
        unlinkat(directory_, temporary.c_str(), 0);
        return;
    }
    // Look through the directory at the first store of a process and each time it has added a sixteenth of the bound.
    static std::atomic<uint64_t> since_look{~0ull >> 1};
    uint64_t added = since_look.fetch_add(sizeof header + packed);
    if (added >= max_bytes_ / 16) {
        since_look = 0;
        evict();
    }
}

void ObjectCache::remove(const CacheKey& key) const {
    if (usable()) unlinkat(directory_, file_name(key).c_str(), 0);
}

void ObjectCache::evict() const {
    if (!usable()) return;
    File lock(openat(directory_, lock_name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!lock || flock(*lock, LOCK_EX | LOCK_NB) != 0) return; // somebody else is at it
    int copy = openat(directory_, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (copy < 0) return;
    DIR* list = fdopendir(copy);
    if (!list) {
        close(copy);
        return;
    }
    struct Entry {
        timespec used;
        uint64_t size;
        std::string name;
    };
    std::vector<Entry> entries;
    uint64_t total = 0;
    const time_t now = time(nullptr);
    while (const dirent* item = readdir(list)) {
        struct stat status{};
        if (fstatat(directory_, item->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(status.st_mode)) continue;
        if (starts_with(item->d_name, temporary_prefix) && now - status.st_mtime > 3600) {
            unlinkat(directory_, item->d_name, 0);
        } else if (ends_with(item->d_name, suffix)) {
            entries.push_back({status.st_mtim, static_cast<uint64_t>(status.st_size), item->d_name});
            total += static_cast<uint64_t>(status.st_size);
        }
    }
    closedir(list);
    if (total <= max_bytes_) return;
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
        return std::pair(a.used.tv_sec, a.used.tv_nsec) < std::pair(b.used.tv_sec, b.used.tv_nsec);
    });
    for (const Entry& entry : entries) {
        if (total <= max_bytes_ / 10 * 9) break;
        if (unlinkat(directory_, entry.name.c_str(), 0) == 0) total -= entry.size;
    }
}

} // namespace anywarp::jit
