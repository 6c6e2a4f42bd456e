// Device printf: the argument buffer of vprintf and its conversions.
#include "machine/device_print.h"

#include <cstring>
#include <gtest/gtest.h>

using namespace anywarp::machine;

TEST(DevicePrint, Conversions) {
    struct {
        int32_t i = -5;
        uint32_t u = 4000000000u;
        int64_t l = -1234567890123;
        double d = 1.5;
        const char* s = "text";
        int32_t c = 'Q';
        int32_t width = 6;
        double e = 12345.678;
    } arguments;
    int32_t count = 0;
    EXPECT_EQ(format_device_print("%d|%u|%ld|%5.2f|%-6s|%c|%*.1e|100%%\n", reinterpret_cast<const uint8_t*>(&arguments), count),
              "-5|4000000000|-1234567890123| 1.50|text  |Q|1.2e+04|100%\n");
    EXPECT_EQ(count, 8);
    EXPECT_EQ(format_device_print("no arguments", nullptr, count), "no arguments");
    EXPECT_EQ(count, 0);
    uint64_t wide[2] = {0xdeadbeefcafe, 0x10};
    EXPECT_EQ(format_device_print("%llx %p", reinterpret_cast<const uint8_t*>(wide), count), "deadbeefcafe 0x10");
    EXPECT_EQ(format_device_print("%y %", nullptr, count), "%y %");
}
