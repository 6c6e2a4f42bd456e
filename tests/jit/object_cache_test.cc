// The disk cache under damage, truncation, hostile directories, eviction, and two processes at once.
#include "jit/object_cache.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <random>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace anywarp::jit {
namespace {

namespace fs = std::filesystem;

std::vector<uint8_t> random_bytes(size_t size, uint32_t seed) {
    std::mt19937 random(seed);
    std::vector<uint8_t> bytes(size);
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
    return bytes;
}

CacheKey key_of(uint32_t number) {
    CacheKey key{};
    for (int i = 0; i < 4; ++i) key[i] = static_cast<uint8_t>(number >> 8 * i);
    return key;
}

class ObjectCacheTest : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (fs::temp_directory_path() / "anywarp-cache-XXXXXX").string();
        ASSERT_TRUE(mkdtemp(pattern.data()));
        root = pattern;
        directory = root / "a" / "b";
    }
    void TearDown() override {
        for (const char* name : {"ANYWARP_CACHE", "ANYWARP_CACHE_DIR", "ANYWARP_CACHE_SIZE", "XDG_CACHE_HOME"}) unsetenv(name);
        fs::remove_all(root);
    }
    fs::path file(const CacheKey& key) const { return directory / ObjectCache::file_name(key); }
    size_t count_files() const {
        size_t n = 0;
        for (const auto& entry : fs::directory_iterator(directory)) n += entry.path().extension() == ".obj";
        return n;
    }

    fs::path root, directory;
    static constexpr uint64_t big = 1 << 30;
};

TEST_F(ObjectCacheTest, gives_back_what_was_stored) {
    ObjectCache cache(directory, big);
    ASSERT_TRUE(cache.usable()) << cache.problem();
    struct stat status {};
    ASSERT_EQ(stat(directory.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0700u);
    EXPECT_FALSE(cache.find(key_of(1)));
    for (size_t size : {size_t(0), size_t(1), size_t(4096), size_t(300001)}) {
        std::vector<uint8_t> bytes = random_bytes(size, 5);
        cache.store(key_of(1), bytes);
        auto found = cache.find(key_of(1));
        ASSERT_TRUE(found) << size;
        EXPECT_EQ(*found, bytes);
    }
    EXPECT_FALSE(cache.find(key_of(2)));
    ObjectCache again(directory, big);
    EXPECT_TRUE(again.find(key_of(1)));
    cache.remove(key_of(1));
    EXPECT_FALSE(cache.find(key_of(1)));
}

TEST_F(ObjectCacheTest, damaged_files_are_deleted) {
    ObjectCache cache(directory, big);
    std::vector<uint8_t> bytes = random_bytes(500, 1);
    cache.store(key_of(1), bytes);
    const auto size = fs::file_size(file(key_of(1)));
    for (uint64_t at = 0; at < size; ++at) {
        if (at >= 12 && at < 16) continue; // a reserved field
        cache.store(key_of(1), bytes);
        {
            std::fstream stream(file(key_of(1)), std::ios::in | std::ios::out | std::ios::binary);
            stream.seekg(static_cast<std::streamoff>(at));
            char old = static_cast<char>(stream.get());
            stream.seekp(static_cast<std::streamoff>(at));
            stream.put(static_cast<char>(old ^ 0x10));
        }
        ASSERT_FALSE(cache.find(key_of(1))) << "byte " << at;
        ASSERT_FALSE(fs::exists(file(key_of(1)))) << "byte " << at;
    }
}

TEST_F(ObjectCacheTest, truncated_and_longer_files_are_deleted) {
    ObjectCache cache(directory, big);
    std::vector<uint8_t> bytes = random_bytes(500, 1);
    cache.store(key_of(1), bytes);
    const auto size = fs::file_size(file(key_of(1)));
    for (uint64_t cut = 0; cut <= size + 1; ++cut) {
        if (cut == size) continue;
        cache.store(key_of(1), bytes);
        fs::resize_file(file(key_of(1)), cut);
        ASSERT_FALSE(cache.find(key_of(1))) << cut;
        ASSERT_FALSE(fs::exists(file(key_of(1)))) << cut;
    }
}

TEST_F(ObjectCacheTest, alien_files_are_not_believed) {
    ObjectCache cache(directory, big);
    cache.store(key_of(1), random_bytes(500, 1));
    fs::copy_file(file(key_of(1)), file(key_of(2))); // a sound file under another key
    EXPECT_FALSE(cache.find(key_of(2)));
    EXPECT_TRUE(cache.find(key_of(1)));
    fs::create_symlink(file(key_of(1)), file(key_of(3)));
    EXPECT_FALSE(cache.find(key_of(3)));
    ASSERT_EQ(mkfifo(file(key_of(4)).c_str(), 0600), 0);
    EXPECT_FALSE(cache.find(key_of(4))); // and doesn't hang
    fs::create_directory(file(key_of(5)));
    EXPECT_FALSE(cache.find(key_of(5)));
}

TEST_F(ObjectCacheTest, directories_that_others_may_write_are_refused) {
    fs::create_directories(directory);
    for (mode_t mode : {0777, 0770, 0702}) {
        ASSERT_EQ(chmod(directory.c_str(), mode), 0);
        ObjectCache cache(directory, big);
        EXPECT_FALSE(cache.usable()) << std::oct << mode;
        EXPECT_NE(cache.problem().find("others may write"), std::string::npos);
        cache.store(key_of(1), random_bytes(10, 1)); // nothing happens
        EXPECT_FALSE(cache.find(key_of(1)));
        EXPECT_EQ(count_files(), 0u);
    }
    ASSERT_EQ(chmod(directory.c_str(), 0755), 0); // only readable: made private
    EXPECT_TRUE(ObjectCache(directory, big).usable());
    struct stat status {};
    stat(directory.c_str(), &status);
    EXPECT_EQ(status.st_mode & 0777, 0700u);
}

TEST_F(ObjectCacheTest, directories_of_another_user_are_refused) {
    fs::path foreign = "/usr/lib"; // root's
    if (geteuid() == 0) {
        foreign = directory;
        fs::create_directories(directory);
        ASSERT_EQ(chown(directory.c_str(), 12345, 12345), 0);
    }
    ObjectCache cache(foreign, big);
    EXPECT_FALSE(cache.usable());
    EXPECT_NE(cache.problem().find("belongs to user"), std::string::npos) << cache.problem();
}

TEST_F(ObjectCacheTest, files_of_another_user_are_not_read) {
    if (geteuid() != 0) GTEST_SKIP() << "needs root to make such a file";
    ObjectCache cache(directory, big);
    cache.store(key_of(1), random_bytes(10, 1));
    ASSERT_EQ(chown(file(key_of(1)).c_str(), 12345, 12345), 0);
    EXPECT_FALSE(cache.find(key_of(1)));
}

TEST_F(ObjectCacheTest, an_impossible_directory_is_no_disaster) {
    std::ofstream(root / "file") << "x";
    ObjectCache cache(root / "file" / "cache", big);
    EXPECT_FALSE(cache.usable());
    EXPECT_FALSE(cache.problem().empty());
}

TEST_F(ObjectCacheTest, evicts_the_least_recently_used) {
    constexpr uint64_t bound = 100'000;
    ObjectCache cache(directory, bound);
    for (uint32_t i = 0; i < 9; ++i) {
        cache.store(key_of(i), random_bytes(10'000, i));
        usleep(15'000);
    }
    EXPECT_TRUE(cache.find(key_of(0))); // used: younger than all others now
    usleep(15'000);
    for (uint32_t i = 9; i < 12; ++i) {
        cache.store(key_of(i), random_bytes(10'000, i));
        usleep(15'000);
    }
    cache.evict();
    uint64_t total = 0;
    for (const auto& entry : fs::directory_iterator(directory)) total += entry.file_size();
    EXPECT_LE(total, bound);
    EXPECT_TRUE(cache.find(key_of(0)));
    EXPECT_TRUE(cache.find(key_of(11)));
    EXPECT_FALSE(cache.find(key_of(1)));
    EXPECT_FALSE(cache.find(key_of(2)));
}

TEST_F(ObjectCacheTest, stays_bounded_on_its_own) {
    constexpr uint64_t bound = 200'000;
    ObjectCache cache(directory, bound);
    for (uint32_t i = 0; i < 100; ++i) cache.store(key_of(i), random_bytes(10'000, i));
    uint64_t total = 0;
    for (const auto& entry : fs::directory_iterator(directory)) total += entry.file_size();
    EXPECT_LE(total, bound + bound / 8);
    cache.store(key_of(1000), random_bytes(bound + 1, 1)); // larger than everything together: not kept
    EXPECT_FALSE(cache.find(key_of(1000)));
}

TEST_F(ObjectCacheTest, clears_what_dead_writers_left) {
    ObjectCache cache(directory, big);
    fs::path old = directory / "tmp-1-1", young = directory / "tmp-1-2";
    std::ofstream(old) << "x";
    std::ofstream(young) << "x";
    fs::last_write_time(old, fs::file_time_type::clock::now() - std::chrono::hours(3));
    cache.evict();
    EXPECT_FALSE(fs::exists(old));
    EXPECT_TRUE(fs::exists(young));
}

TEST_F(ObjectCacheTest, serves_several_processes_at_once) {
    constexpr uint32_t keys = 40;
    constexpr int processes = 4;
    std::vector<pid_t> children;
    for (int p = 0; p < processes; ++p) {
        pid_t child = fork();
        ASSERT_GE(child, 0);
        if (child == 0) {
            // A small bound, so that eviction runs in between. Whatever is found must be whole.
            ObjectCache cache(directory, 200'000);
            std::mt19937 random(static_cast<uint32_t>(p));
            for (int round = 0; round < 500; ++round) {
                uint32_t number = random() % keys;
                std::vector<uint8_t> bytes = random_bytes(5'000 + number * 100, number);
                if (auto found = cache.find(key_of(number)); !found) cache.store(key_of(number), bytes);
                else if (*found != bytes) _exit(1);
                if (round % 100 == 99) cache.evict();
            }
            _exit(0);
        }
        children.push_back(child);
    }
    for (pid_t child : children) {
        int status = 0;
        ASSERT_EQ(waitpid(child, &status, 0), child);
        EXPECT_TRUE(WIFEXITED(status));
        EXPECT_EQ(WEXITSTATUS(status), 0);
    }
    for (const auto& entry : fs::directory_iterator(directory))
        EXPECT_FALSE(entry.path().filename().string().starts_with("tmp-")) << entry.path();
}

TEST_F(ObjectCacheTest, obeys_the_environment) {
    setenv("ANYWARP_CACHE_DIR", directory.c_str(), 1);
    EXPECT_TRUE(ObjectCache::from_environment().usable());
    EXPECT_TRUE(fs::exists(directory));
    setenv("ANYWARP_CACHE", "0", 1);
    EXPECT_FALSE(ObjectCache::from_environment().usable());
    unsetenv("ANYWARP_CACHE");
    setenv("ANYWARP_CACHE_SIZE", "0", 1);
    EXPECT_FALSE(ObjectCache::from_environment().usable());
    unsetenv("ANYWARP_CACHE_SIZE");
    unsetenv("ANYWARP_CACHE_DIR");
    setenv("XDG_CACHE_HOME", (root / "xdg").c_str(), 1);
    EXPECT_TRUE(ObjectCache::from_environment().usable());
    EXPECT_TRUE(fs::exists(root / "xdg" / "anywarp"));
}

} // namespace
} // namespace anywarp::jit
