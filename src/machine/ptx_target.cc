// See ptx_target.h.
#include "machine/ptx_target.h"

namespace anywarp::machine {

bool target_fits(std::string_view target, int device) {
    size_t at = target.find('_');
    if (at == std::string_view::npos) return true; // no target named: the parser has its own say
    int number = 0;
    for (at++; at < target.size() && target[at] >= '0' && target[at] <= '9' && number < 10000; at++)
        number = number * 10 + (target[at] - '0');
    char suffix = at < target.size() ? target[at] : '\0';
    if (suffix == 'a') return device == number;
    if (suffix == 'f') return device >= number && device / 10 == number / 10;
    return device >= number;
}

} // namespace anywarp::machine
