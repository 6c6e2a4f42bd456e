// `anywarp smi`: the devices in a table like nvidia-smi's.
#pragma once

#include "cli/installation.h"

namespace anywarp::cli {

int show_devices(const Installation& installation);

} // namespace anywarp::cli
