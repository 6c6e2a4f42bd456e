// The functions of functions.def that Anywarp doesn't implement: each answers CUDA_ERROR_NOT_SUPPORTED and says its name on
// stderr the first time. They exist so that programs link and cuGetProcAddress finds every name.
//
// None looks at its arguments, so that one form serves all (a C caller removes its own arguments). This file must not see
// cuda.h, whose declarations differ.

#include "ptx/error.h"

namespace anywarp::driver {
int answer_not_supported(const char* function);
}

#define ANYWARP_STUB_implemented(name)
#define ANYWARP_STUB_not_supported(name)                                                                                         \
    extern "C" __attribute__((visibility("default"))) int name() { return anywarp::driver::answer_not_supported(#name); }
#define ANYWARP_DRIVER_FUNCTION(name, since, status) ANYWARP_STUB_##status(name)
#include "driver/functions.def"
