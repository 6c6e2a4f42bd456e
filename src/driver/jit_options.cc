// See jit_options.h.

#include "driver/jit_options.h"
#include "driver/format.h"

#include <algorithm>
#include <cstring>

namespace anywarp::driver {

Result<JitOptions> JitOptions::read(unsigned count, const CUjit_option* options, void** values) {
    JitOptions result;
    if (count && (!options || !values)) return user_error(ErrorCode::invalid_value, "options without arrays");
    for (unsigned i = 0; i < count; ++i) {
        // Numbers are stored in the pointer itself.
        size_t number = reinterpret_cast<size_t>(values[i]) & 0xffffffff;
        switch (options[i]) {
        case CU_JIT_ERROR_LOG_BUFFER:
            result.error_.buffer = static_cast<char*>(values[i]);
            break;
        case CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES:
            result.error_.size = number, result.error_.written = &values[i];
            break;
        case CU_JIT_INFO_LOG_BUFFER:
            result.info_.buffer = static_cast<char*>(values[i]);
            break;
        case CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES:
            result.info_.size = number, result.info_.written = &values[i];
            break;
        case CU_JIT_WALL_TIME:
            result.wall_time_ = &values[i];
            break;
        default:
            if (options[i] < 0 || options[i] >= CU_JIT_NUM_OPTIONS)
                return user_error(ErrorCode::invalid_value, format("there is no JIT option {}", static_cast<int>(options[i])));
        }
    }
    return result;
}

void JitOptions::write(const Log& log, const std::string& text) {
    size_t written = 0;
    if (log.buffer && log.size > 0) {
        written = std::min(text.size(), log.size - 1);
        std::memcpy(log.buffer, text.data(), written);
        log.buffer[written] = '\0';
        if (written) ++written; // with its NUL
    }
    if (log.written) *log.written = reinterpret_cast<void*>(written);
}

void JitOptions::set_wall_time(float milliseconds) const {
    if (wall_time_) std::memcpy(wall_time_, &milliseconds, sizeof milliseconds);
}

} // namespace anywarp::driver
