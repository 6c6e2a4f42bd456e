// The three kinds of error, and how functions report them.
//
// Anywarp never mixes them: the user's error (bad PTX, a wrong argument, a kernel that faults), the unsupported feature
// (which always names the feature), and our own bug (which says what is needed to reproduce it). Inside the project they
// travel as Result<T>; they become a CUresult only at the edge of the ABI libraries. Messages are lower case, hold the
// values in question, and end without a full stop.
#pragma once

#include <expected>
#include <string>
#include <utility>

namespace anywarp {

enum class ErrorKind { user, unsupported, internal };

// Numeric values are CUresult's, so that the ABI floor translates by a cast (CUDA driver API, "CUresult").
enum class ErrorCode : int {
    success = 0,
    invalid_value = 1,
    out_of_memory = 2,
    not_initialized = 3,
    deinitialized = 4,
    no_device = 100,
    invalid_device = 101,
    invalid_image = 200,
    invalid_context = 201,
    no_binary_for_gpu = 209,
    invalid_ptx = 218,
    unsupported_ptx_version = 222,
    invalid_source = 300,
    file_not_found = 301,
    symbol_not_found = 302,
    invalid_handle = 400,
    illegal_state = 401,
    not_found = 500,
    not_ready = 600,
    illegal_address = 700,
    launch_out_of_resources = 701,
    launch_timeout = 702,
    context_already_in_use = 708,
    context_is_destroyed = 709,
    assert_failed = 710,
    hardware_stack_error = 714,
    illegal_instruction = 715,
    misaligned_address = 716,
    invalid_address_space = 717,
    invalid_pc = 718,
    launch_failed = 719,
    cooperative_launch_too_large = 720,
    not_permitted = 800,
    not_supported = 801,
    unknown = 999,
};

struct Error {
    ErrorKind kind = ErrorKind::internal;
    ErrorCode code = ErrorCode::unknown;
    std::string message;
};

template <class T> using Result = std::expected<T, Error>;

inline std::unexpected<Error> user_error(ErrorCode code, std::string message) {
    return std::unexpected(Error{ErrorKind::user, code, std::move(message)});
}
inline std::unexpected<Error> unsupported(std::string feature, ErrorCode code = ErrorCode::not_supported) {
    return std::unexpected(Error{ErrorKind::unsupported, code, std::move(feature)});
}
inline std::unexpected<Error> internal_error(std::string message) {
    return std::unexpected(Error{ErrorKind::internal, ErrorCode::unknown, std::move(message)});
}

} // namespace anywarp
