// Which PTX a device's driver takes. A target sm_90 runs on 9.0 and everything later; sm_90a, with architecture-specific features,
// on 9.0 alone; sm_100f, with family-specific ones, on its family: the later devices of the same major number.
//
// PTX ISA, ".target", "Architecture-specific and family-specific features"; driver API: a newer target than the device is
// CUDA_ERROR_INVALID_PTX, a newer .version than the driver CUDA_ERROR_UNSUPPORTED_PTX_VERSION.
#pragma once

#include <string_view>

namespace anywarp::machine {

/// `target` as written ("sm_90a"); `device` is 10 * major + minor.
bool target_fits(std::string_view target, int device);

/// Of CUDA 13.0's driver, as 10 * major + minor.
constexpr unsigned newest_ptx_version = 90;

} // namespace anywarp::machine
