// The container's layout, byte by byte, as NVIDIA's tools write it.
#include "toolchain/fatbin_writer.h"

#include <cstdint>
#include <cstring>
#include <gtest/gtest.h>

namespace {

template <class T> T at(const std::string& bytes, size_t offset) {
    T value;
    std::memcpy(&value, bytes.data() + offset, sizeof value);
    return value;
}

TEST(FatbinWriter, TwoEntries) {
    const std::string text = ".version 8.3\n.target sm_80\n";
    const std::string image = anywarp::toolchain::write_fatbin({{80, text}, {90, text}});
    EXPECT_EQ(at<uint32_t>(image, 0), 0xba55ed50u);
    EXPECT_EQ(at<uint16_t>(image, 6), 16);
    EXPECT_EQ(at<uint64_t>(image, 8), image.size() - 16);
    EXPECT_EQ(at<uint16_t>(image, 16), 1);
    EXPECT_EQ(at<uint32_t>(image, 20), 64u);
    const uint64_t payload = at<uint64_t>(image, 24);
    EXPECT_EQ(payload % 8, 0u);
    EXPECT_EQ(at<uint16_t>(image, 16 + 24), 3); // PTX 8.3
    EXPECT_EQ(at<uint16_t>(image, 16 + 26), 8);
    EXPECT_EQ(at<uint32_t>(image, 16 + 28), 80u);
    EXPECT_STREQ(image.c_str() + 16 + 64, text.c_str());
    EXPECT_EQ(at<uint32_t>(image, 16 + 64 + payload + 28), 90u);
}

} // namespace
