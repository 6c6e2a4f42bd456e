// What is kept beside a stream; see stream_attributes.cc.
#pragma once

#include "driver/api.h"

namespace anywarp::driver {

void forget_stream_attributes(uint64_t stream); // machine::Stream::id()

} // namespace anywarp::driver
