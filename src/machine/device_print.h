// Formats a device printf: vprintf's argument buffer as the CUDA ABI lays it out (each argument at its natural alignment, float
// promoted to double, small integers to int). CUDA C++ Programming Guide, "Formatted Output".
#pragma once

#include <cstdint>
#include <string>

namespace anywarp::machine {

/// `count` becomes the number of arguments used (device printf's result).
std::string format_device_print(const char* format, const uint8_t* arguments, int32_t& count);

} // namespace anywarp::machine
