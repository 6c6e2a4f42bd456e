// Names and texts of CUresult values.
#pragma once

namespace anywarp::driver {

/// "CUDA_ERROR_INVALID_VALUE"; "unknown result" for a number that is none.
const char* error_name(int code);
/// Null for a number that is no CUresult.
const char* error_text(int code);

} // namespace anywarp::driver
