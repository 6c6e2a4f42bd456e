// `anywarp cache`: the folder of compiled kernels (and of the programs of `anywarp run FILE.cu`), its size, and emptying it.
#pragma once

#include "cli/installation.h"

namespace anywarp::cli {

int show_cache(bool clear);

} // namespace anywarp::cli
