// The functions of functions.def that aren't implemented. They exist so that tools that look names up find them; none looks at
// its arguments, so that one form serves all (a C caller removes its own). This file must not see nvml.h, whose declarations
// differ.

namespace anywarp::nvml {
bool initialised();
}

#define ANYWARP_STUB_implemented(name)
#define ANYWARP_STUB_not_supported(name)                                                                                         \
    extern "C" __attribute__((visibility("default"))) int name() {                                                               \
        return anywarp::nvml::initialised() ? 3 /* NVML_ERROR_NOT_SUPPORTED */ : 1 /* NVML_ERROR_UNINITIALIZED */;               \
    }
#define ANYWARP_NVML_FUNCTION(name, status) ANYWARP_STUB_##status(name)
#include "nvml/functions.def"
