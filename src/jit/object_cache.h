// Compiled kernels on disk, shared between processes and runs.
//
// One file per object in $ANYWARP_CACHE_DIR, $XDG_CACHE_HOME/anywarp or ~/.cache/anywarp. ANYWARP_CACHE=0 switches the cache off,
// ANYWARP_CACHE_SIZE bounds it (MiB, default 512). The cache may be deleted at any time, by anybody who may.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace anywarp::jit {

using CacheKey = std::array<uint8_t, 32>;

class ObjectCache {
public:
    /// The cache that the environment asks for; not usable() if it is off or its directory is unfit.
    static ObjectCache from_environment();

    /// Opens a directory, making it (mode 0700) where it is missing. A directory of another user, or one that others may write
    /// to, is refused: the cache holds code that runs with our rights.
    ObjectCache(const std::filesystem::path& directory, uint64_t max_bytes);
    ObjectCache(ObjectCache&& other) noexcept;
    ObjectCache& operator=(ObjectCache&&) = delete;
    ~ObjectCache();

    bool usable() const { return directory_ >= 0; }
    /// Why not usable.
    const std::string& problem() const { return problem_; }

    /// The object stored under a key, and a note that it was of use. A damaged file is deleted and counts as missing.
    std::optional<std::vector<uint8_t>> find(const CacheKey& key) const;
    /// Failures are silent: a full disk makes programs slower, not wrong.
    void store(const CacheKey& key, std::span<const uint8_t> object) const;
    void remove(const CacheKey& key) const;

    /// Deletes the least recently used files until at most 9/10 of the bound is in use. Runs on its own now and then.
    void evict() const;

    static std::string file_name(const CacheKey& key);

private:
    ObjectCache() = default;
    int directory_ = -1;
    uint64_t max_bytes_ = 0;
    std::string problem_;
};

} // namespace anywarp::jit
