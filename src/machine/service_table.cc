// Registration of the services with the JIT (device_services.h). In a file of its own, so that programs that don't compile
// kernels don't need the JIT.
#include "jit/compiler.h"
#include "machine/device_services.h"
#include "machine/fiber.h"

#include <mutex>

namespace anywarp::machine {

void register_services() {
    static std::once_flag once;
    std::call_once(once, [] {
        jit::set_service("anywarp_trap", reinterpret_cast<void*>(&anywarp_trap));
        jit::set_service("anywarp_vprintf", reinterpret_cast<void*>(&anywarp_vprintf));
        jit::set_service("anywarp_malloc", reinterpret_cast<void*>(&anywarp_malloc));
        jit::set_service("anywarp_free", reinterpret_cast<void*>(&anywarp_free));
        jit::set_service("anywarp_assertfail", reinterpret_cast<void*>(&anywarp_assertfail));
        jit::set_service("anywarp_fiber_start", reinterpret_cast<void*>(&anywarp_fiber_start));
        jit::set_service("anywarp_fiber_resume", reinterpret_cast<void*>(&anywarp_fiber_resume));
        jit::set_service("anywarp_fiber_suspend", reinterpret_cast<void*>(&anywarp_fiber_suspend));
        jit::set_service("anywarp_fiber_state", reinterpret_cast<void*>(&anywarp_fiber_state));
        jit::set_service("anywarp_globaltimer", reinterpret_cast<void*>(&anywarp_globaltimer));
        jit::set_service("anywarp_nanosleep", reinterpret_cast<void*>(&anywarp_nanosleep));
        jit::set_service("anywarp_device_runtime", reinterpret_cast<void*>(&anywarp_device_runtime));
    });
}

} // namespace anywarp::machine
