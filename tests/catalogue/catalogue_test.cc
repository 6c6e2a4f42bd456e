// Reading and finding device files, and what they make a CUDA program see.
#include "catalogue/catalogue.h"
#include "catalogue/export_rules.h"
#include "catalogue/figures.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <set>

using namespace anywarp;
using namespace anywarp::catalogue;

namespace {

DeviceModel get(std::string_view name) {
    Result<DeviceModel> model = find_device(name);
    EXPECT_TRUE(model.has_value()) << (model ? "" : model.error().message);
    return model ? std::move(*model) : DeviceModel{};
}

constexpr const char* small = R"({"name": "Test", "vendor": "Nobody", "country": "US", "architecture": "None",
    "figures": {"units": {"value": 4, "confidence": "published", "source": "s"}},
    "sources": {"s": {"title": "T", "url": "https://example.org"}}})";

std::string problem(std::string_view json) {
    Result<DeviceModel> model = read_device(json, "test", "test.json");
    return model ? "" : model.error().message;
}

/// All tests see our files only, whatever the one who runs them keeps at home.
struct OursOnly : testing::Environment {
    void SetUp() override {
        unsetenv("ANYWARP_DEVICE_PATH");
        setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
    }
};
const testing::Environment* const ours_only = testing::AddGlobalTestEnvironment(new OursOnly);

TEST(Catalogue, EveryBuiltInFileIsRead) {
    Result<std::vector<DeviceModel>> all = all_devices();
    ASSERT_TRUE(all.has_value()) << all.error().message;
    EXPECT_GE(all->size(), 70u);
    std::set<std::string> vendors;
    for (const DeviceModel& model : *all) vendors.insert(model.vendor);
    for (const char* vendor : {"NVIDIA", "AMD", "Google", "AWS", "Intel", "Huawei", "Cambricon", "Biren", "Kunlunxin", "Enflame"})
        EXPECT_TRUE(vendors.contains(vendor)) << vendor;
}

TEST(Catalogue, NamesAreUnique) {
    std::map<std::string, std::string> seen;
    const std::vector<DeviceModel> all = all_devices().value();
    for (const DeviceModel& model : all) {
        std::vector<std::string> names = model.aliases;
        names.push_back(model.id);
        for (const std::string& name : names) {
            EXPECT_TRUE(seen.emplace(name, model.id).second) << name << " is " << seen[name] << " and " << model.id;
            EXPECT_EQ(get(name).id, model.id) << name;
        }
    }
}

TEST(Catalogue, ANameIsFoundHoweverItIsWritten) {
    for (const char* name : {"h100", "H100", "h100-sxm5", "H100 SXM5", "NVIDIA-H100", "h100_sxm"})
        EXPECT_EQ(get(name).id, "h100-sxm5");
    EXPECT_EQ(get("RTX4090D").id, "rtx-4090-d");
    EXPECT_EQ(get("vera-rubin-nvl144").id, "vera-rubin-nvl72");
    const Result<DeviceModel> none = find_device("h2o");
    ASSERT_FALSE(none.has_value());
    EXPECT_NE(none.error().message.find("h20"), std::string::npos) << none.error().message;
}

TEST(Catalogue, TheReaderIsStrict) {
    EXPECT_EQ(problem(small), "");
    const auto with = [](std::string_view what, std::string_view by) {
        std::string json = small;
        return json.replace(json.find(what), what.size(), by);
    };
    EXPECT_NE(problem(with("\"units\"", "\"unites\"")).find("no figure is called \"unites\""), std::string::npos);
    EXPECT_NE(problem(with("\"country\"", "\"contry\"")).find("\"contry\""), std::string::npos);
    EXPECT_NE(problem(with("published", "certain")).find("not one of published, derived, reported, unknown"), std::string::npos);
    EXPECT_NE(problem(with("\"value\": 4", "\"value\": \"4\"")).find("not a number"), std::string::npos);
    EXPECT_NE(problem(with("\"confidence\": \"published\", ", "")).find("has no confidence"), std::string::npos);
    EXPECT_NE(problem(with("\"name\": \"Test\",", "")).find("\"name\" is missing"), std::string::npos);
    EXPECT_NE(problem("{\"name\": ").find("test.json: "), std::string::npos);
}

TEST(Catalogue, AUsersFileWins) {
    const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "anywarp-devices";
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "h20.json") << small;
    std::ofstream(folder / "mine.json") << small;
    setenv("ANYWARP_DEVICE_PATH", folder.c_str(), 1);
    EXPECT_EQ(get("h20").vendor, "Nobody");
    EXPECT_EQ(get("mine").origin, (folder / "mine.json").string());
    EXPECT_EQ(get((folder / "mine.json").string()).id, "mine");
    unsetenv("ANYWARP_DEVICE_PATH");
    EXPECT_EQ(get("h20").vendor, "NVIDIA");
    std::filesystem::remove_all(folder);
}

// Public outputs of deviceQuery; the files cite them.
TEST(Catalogue, WhatProgramsSeeIsWhatDeviceQueryPrinted) {
    struct Row {
        const char *device, *name;
        int major, minor, multiprocessors, cores;
        uint64_t memory;
        int clock_mhz, memory_mhz, bus;
        uint64_t l2;
        int threads, shared_per_multiprocessor, copy_engines;
        bool ecc;
    };
    const Row rows[] = {
        // github.com/thamada/nvidia-smi: nvsim/H100SXMx8_deviceQuery.py, nvsim/A100SXMx4_deviceQuery.py,
        // gls/RTX4090_deviceQuery.py
        {"h100", "NVIDIA H100 80GB HBM3", 9, 0, 132, 128, 85045477376, 1980, 2619, 5120, 52428800, 2048, 233472, 3, true},
        {"a100", "NVIDIA A100-SXM4-80GB", 8, 0, 108, 64, 85100068864, 1410, 1593, 5120, 41943040, 2048, 167936, 3, true},
        {"rtx-4090", "NVIDIA GeForce RTX 4090", 8, 9, 128, 128, 25386352640, 2520, 10501, 384, 75497472, 1536, 102400, 2, false},
        // PyTorch's properties and nvidia-smi of an H200: 143156 MB, 132 multiprocessors, 60 MB, 1980 and 3201 MHz
        {"h200", "NVIDIA H200", 9, 0, 132, 128, 150110011392, 1980, 3201, 6144, 62914560, 2048, 233472, 3, true},
    };
    for (const Row& row : rows) {
        const Result<CudaModel> m = get(row.device).cuda();
        ASSERT_TRUE(m.has_value()) << m.error().message;
        EXPECT_EQ(m->name, row.name);
        EXPECT_EQ(m->compute_major, row.major);
        EXPECT_EQ(m->compute_minor, row.minor);
        EXPECT_EQ(m->multiprocessors, row.multiprocessors);
        EXPECT_EQ(m->cores_per_multiprocessor, row.cores);
        EXPECT_EQ(m->total_memory, row.memory);
        EXPECT_EQ(m->clock_khz, row.clock_mhz * 1000);
        EXPECT_EQ(m->memory_clock_khz, row.memory_mhz * 1000);
        EXPECT_EQ(m->memory_bus_bits, row.bus);
        EXPECT_EQ(m->l2_bytes, row.l2);
        EXPECT_EQ(m->max_threads_per_multiprocessor, row.threads);
        EXPECT_EQ(m->shared_per_multiprocessor, row.shared_per_multiprocessor);
        EXPECT_EQ(m->copy_engines, row.copy_engines);
        EXPECT_EQ(m->ecc, row.ecc);
    }
}

TEST(Catalogue, WhatIsAssumedIsNamed) {
    const CudaModel rubin = get("rubin").cuda().value();
    EXPECT_EQ(rubin.compute_major, 10);
    EXPECT_EQ(rubin.compute_minor, 7);
    for (const char* field : {"total_memory", "l2_bytes", "limits of compute capability 10.7"})
        EXPECT_NE(std::ranges::find(rubin.assumed, field), rubin.assumed.end()) << field;
    EXPECT_GT(rubin.total_memory, 280'000'000'000u);
    const CudaModel h100 = get("h100").cuda().value();
    EXPECT_EQ(std::ranges::find(h100.assumed, "total_memory"), h100.assumed.end());
}

TEST(Catalogue, EveryCudaDeviceIsComplete) {
    for (const DeviceModel& model : all_devices().value()) {
        if (model.compute_capability.empty()) continue;
        const Result<CudaModel> m = model.cuda();
        ASSERT_TRUE(m.has_value()) << model.id << ": " << m.error().message;
        for (const auto& [what, value] :
             std::initializer_list<std::pair<const char*, double>>{{"multiprocessors", m->multiprocessors},
                                                                   {"cores", m->cores_per_multiprocessor},
                                                                   {"memory", double(m->total_memory)},
                                                                   {"clock", m->clock_khz},
                                                                   {"memory clock", m->memory_clock_khz},
                                                                   {"bus", m->memory_bus_bits},
                                                                   {"l2", double(m->l2_bytes)},
                                                                   {"shared", m->shared_per_multiprocessor},
                                                                   {"optin", m->shared_per_block_optin},
                                                                   {"ratio", m->single_to_double_ratio}})
            EXPECT_GT(value, 0) << model.id << " " << what;
        EXPECT_LT(m->total_memory, m->nvml_memory) << model.id;
    }
}

TEST(Catalogue, NotEveryDeviceRunsPrograms) {
    EXPECT_NE(get("tpu-v5p").cuda().error().message.find("runs no CUDA programs"), std::string::npos);
    EXPECT_NE(get("rubin-cpx").cuda().error().message.find("nobody publishes the compute capability"), std::string::npos);
    EXPECT_NE(get("gb200-nvl72").cuda().error().message.find("name one of its devices, gb200"), std::string::npos);
}

TEST(Catalogue, Links) {
    const CudaModel h800 = get("h800").cuda().value(), h20 = get("h20").cuda().value(), l40s = get("l40s").cuda().value();
    EXPECT_EQ(h800.nvlink_count * h800.nvlink_link_gbs, 400);
    EXPECT_EQ(h20.nvlink_count * h20.nvlink_link_gbs, 900);
    EXPECT_TRUE(h20.nvlink_switch);
    EXPECT_EQ(l40s.nvlink_version, 0);
    EXPECT_FALSE(get("rtx-4090").cuda()->peer_access);
}

} // namespace
