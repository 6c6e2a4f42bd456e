// The options of cuModuleLoadDataEx, cuLibraryLoadData and cuLinkCreate: two parallel arrays, of which only the log buffers
// matter here (code is always optimised for this machine). CUDA driver API, CUjit_option.
#pragma once

#include "driver/abi.h"
#include "ptx/error.h"

#include <string>

namespace anywarp::driver {

class JitOptions {
public:
    /// Errors: invalid_value for a null array or an option that doesn't exist.
    static Result<JitOptions> read(unsigned count, const CUjit_option* options, void** values);

    /// Fill the caller's buffers and write the number of bytes back into the size options.
    void write_error_log(const std::string& text) const { write(error_, text); }
    void write_info_log(const std::string& text) const { write(info_, text); }
    void set_wall_time(float milliseconds) const;

private:
    struct Log {
        char* buffer = nullptr;
        size_t size = 0;
        void** written = nullptr; // the size option's value
    };
    static void write(const Log& log, const std::string& text);
    Log error_, info_;
    void** wall_time_ = nullptr;
};

} // namespace anywarp::driver
