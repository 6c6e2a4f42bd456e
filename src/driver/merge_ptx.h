// Linking by name: several PTX modules, compiled separately (nvcc -rdc=true, cuLink*), become one text.
#pragma once

#include "ptx/error.h"

#include <string>
#include <vector>

namespace anywarp::driver {

/// Errors: invalid_ptx when a unit can't be read; symbol_not_found is left to the module's own loading.
Result<std::string> merge_ptx(const std::vector<std::string>& units);

} // namespace anywarp::driver
