// The functions of functions.def that Anywarp doesn't implement: each records and returns cudaErrorNotSupported. They exist so
// that programs link and start; what they ask for fails where they ask for it, and ANYWARP_TRACE or the first message on stderr
// names the function.
//
// None looks at its arguments, so that one form serves all (a C caller removes its own arguments). This file must not see the
// runtime's header, whose declarations differ.

namespace anywarp::runtime {
int answer_not_supported(const char* function);
}

#define ANYWARP_STUB_implemented(name)
#define ANYWARP_STUB_awaits_driver(name)
#define ANYWARP_STUB_not_supported(name)                                                                                         \
    extern "C" __attribute__((visibility("default"))) int name() { return anywarp::runtime::answer_not_supported(#name); }

#define ANYWARP_IN_always(name, status) ANYWARP_STUB_##status(name)
#if ANYWARP_CUDART_MAJOR == 12
#    define ANYWARP_IN_only_12(name, status) ANYWARP_STUB_##status(name)
#    define ANYWARP_IN_since_13(name, status)
#else
#    define ANYWARP_IN_only_12(name, status)
#    define ANYWARP_IN_since_13(name, status) ANYWARP_STUB_##status(name)
#endif

#define ANYWARP_RUNTIME_FUNCTION(name, releases, status) ANYWARP_IN_##releases(name, status)
#include "runtime/functions.def"
