// The log of failed calls that programs can read; see logs.cc.
#pragma once

#include <string>

namespace anywarp::driver {

/// Keeps a line about a call that failed and hands it to the callbacks.
void log_error(const char* call, const char* error, const std::string& message);

} // namespace anywarp::driver
