// The devices that the environment asks for: names, mixtures, identities, links, what PTX they take.
#include "machine/properties.h"

#include "in_child.h"
#include "machine/ptx_target.h"

#include <set>

using namespace anywarp::machine;

TEST(Devices, TheCpuIsTheDefault) {
    in_child({}, [] {
        const auto& devices = installed_devices();
        ASSERT_TRUE(devices);
        ASSERT_EQ(devices->size(), 1u);
        const Properties& p = devices->front();
        EXPECT_TRUE(p.is_cpu);
        EXPECT_EQ(p.name, "Anywarp CPU");
        EXPECT_EQ(p.sm(), 80);
        EXPECT_EQ(p.multiprocessors, static_cast<int>(machine_workers()));
        EXPECT_EQ(p.total_memory, machine_memory());
    });
}

TEST(Devices, EightOfAKind) {
    in_child({{"ANYWARP_DEVICE", "h20"}, {"ANYWARP_DEVICES", "8"}}, [] {
        ASSERT_TRUE(installed_devices());
        const auto& devices = *installed_devices();
        ASSERT_EQ(devices.size(), 8u);
        std::set<std::string> uuids, places;
        for (const Properties& p : devices) {
            EXPECT_EQ(p.name, "NVIDIA H20");
            EXPECT_EQ(p.sm(), 90);
            EXPECT_EQ(p.multiprocessors, 78);
            uuids.insert(p.uuid_text());
            places.insert(p.pci_text());
        }
        EXPECT_EQ(uuids.size(), 8u);
        EXPECT_EQ(places.size(), 8u);
        EXPECT_EQ(devices[0].pci_text(), "00000000:18:00.0");
        for (const Properties& a : devices)
            for (const Properties& b : devices) {
                Link link = link_between(a, b);
                if (a.slot == b.slot) {
                    EXPECT_EQ(link.kind, Link::Kind::self);
                    EXPECT_FALSE(link.access);
                    continue;
                }
                EXPECT_EQ(link.kind, Link::Kind::nvlink);
                EXPECT_EQ(link.nvlinks, 18) << "through the switches by all links";
                EXPECT_TRUE(link.access && link.atomics);
            }
    });
}

TEST(Devices, UuidsAreTheSameInEveryRun) {
    in_child({{"ANYWARP_DEVICE", "h20"}, {"ANYWARP_DEVICES", "2"}}, [] {
        ASSERT_TRUE(installed_devices());
        EXPECT_EQ(installed_devices()->at(0).uuid_text(), "GPU-a8936b41-a0c9-8022-adb4-cf362e11a6a9");
        EXPECT_EQ(installed_devices()->at(1).uuid_text(), "GPU-6e767eab-692f-8338-af2e-2e90c7ea8441");
    });
}

TEST(Devices, Mixtures) {
    in_child({{"ANYWARP_DEVICE", "h20, h20,h100,cpu"}}, [] {
        ASSERT_TRUE(installed_devices()) << installed_devices().error().message;
        const auto& devices = *installed_devices();
        ASSERT_EQ(devices.size(), 4u);
        EXPECT_EQ(devices[1].name, "NVIDIA H20");
        EXPECT_EQ(devices[2].name, "NVIDIA H100 80GB HBM3");
        EXPECT_TRUE(devices[3].is_cpu);
        EXPECT_EQ(link_between(devices[0], devices[1]).kind, Link::Kind::nvlink);
        EXPECT_EQ(link_between(devices[1], devices[2]).kind, Link::Kind::pcie) << "no board holds both";
        EXPECT_FALSE(link_between(devices[2], devices[3]).access);
    });
}

TEST(Devices, WrongNamesSayWhichAreRight) {
    in_child({{"ANYWARP_DEVICE", "hh20"}}, [] {
        ASSERT_FALSE(installed_devices());
        EXPECT_NE(installed_devices().error().message.find("h20"), std::string::npos);
        EXPECT_TRUE(visible_devices().empty());
    });
    in_child({{"ANYWARP_DEVICE", "mi300x"}}, [] {
        ASSERT_FALSE(installed_devices());
        std::string message = installed_devices().error().message;
        EXPECT_NE(message.find("programs can't run on"), std::string::npos) << message;
        EXPECT_NE(message.find("h100"), std::string::npos) << message;
    });
    in_child({{"ANYWARP_DEVICE", "h20,h100"}, {"ANYWARP_DEVICES", "3"}}, [] { EXPECT_FALSE(installed_devices()); });
}

TEST(Devices, VisibleDevices) {
    auto visible = [](const char* list, std::vector<int> expected) {
        in_child({{"ANYWARP_DEVICE", "h20"}, {"ANYWARP_DEVICES", "4"}, {"CUDA_VISIBLE_DEVICES", list}},
                 [&] { EXPECT_EQ(visible_devices(), expected) << list; });
    };
    visible("2,0", {2, 0});
    visible("1,7,2", {1}); // ends at the first that isn't there
    visible("0,-1,2", {0});
    visible("", {});
    visible("1,1", {}); // named twice
    visible("GPU-6e767eab", {1});
    visible("GPU-6e767eab-692f-8338-af2e-2e90c7ea8441,3", {1, 3});
}

TEST(Devices, MemoryCanBeReplaced) {
    in_child({{"ANYWARP_DEVICE", "h200"}, {"ANYWARP_MEMORY", "2G"}}, [] {
        ASSERT_TRUE(installed_devices());
        EXPECT_EQ(installed_devices()->at(0).total_memory, 2ull << 30);
    });
}

TEST(PtxTarget, ArchitectureAndFamilySpecific) {
    EXPECT_TRUE(target_fits("sm_80", 90));
    EXPECT_TRUE(target_fits("sm_90", 90));
    EXPECT_FALSE(target_fits("sm_90", 89));
    EXPECT_TRUE(target_fits("sm_90", 103));
    EXPECT_TRUE(target_fits("sm_90a", 90));
    EXPECT_FALSE(target_fits("sm_90a", 100)) << "features of one architecture only";
    EXPECT_TRUE(target_fits("sm_100f", 100));
    EXPECT_TRUE(target_fits("sm_100f", 103)) << "a later member of the family";
    EXPECT_FALSE(target_fits("sm_103f", 100));
    EXPECT_FALSE(target_fits("sm_100f", 120)) << "another family";
    EXPECT_FALSE(target_fits("sm_103a", 100));
}
