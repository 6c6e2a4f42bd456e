// What surrounds every API call: is the driver initialised, has the process forked or begun to exit, is there a current
// context; trace; translation of an Error into a CUresult; and no exception leaves through a C interface.
//
//     CUresult cuMemAlloc_v2(CUdeviceptr* pointer, size_t bytes) {
//         return with_context(__func__, [&](CUctx_st& context) -> Result<void> { ... });
//     }
//
// ANYWARP_TRACE=1 prints every call with its result. Errors that a CUresult can't explain (an unsupported feature, a bug of
// ours, a binary without PTX) are printed to stderr once each, as the caller has no other way to learn of them.
#pragma once

#include "driver/objects.h"

#include <concepts>
#include <new>
#include <optional>
#include <stdexcept>

namespace anywarp::driver {

/// success, or why no call can be served: not initialised (a forked child, too), or deinitialised (the process is exiting).
ErrorCode process_state();
void initialize_process();

bool tracing();
CUresult finish(const char* call, const Result<void>& result); // trace, print, translate
CUresult finish_exception(const char* call);                   // inside a catch block

/// The calling thread's stack of contexts.
Result<CUctx_st*> current_context(); // invalid_context, context_is_destroyed
CUcontext top_of_stack();
void push_context(CUcontext context);
CUcontext pop_context();
void set_top(CUcontext context);

/// While one lives, stream 0 means the calling thread's own default stream (the _ptsz and _ptds forms).
class PerThreadDefaultStream {
public:
    PerThreadDefaultStream() : before_(active_) { active_ = true; }
    ~PerThreadDefaultStream() { active_ = before_; }
    static bool active() { return active_; }

private:
    bool before_;
    static thread_local bool active_;
};

template <class Body> CUresult without_init(const char* call, Body body) {
    try {
        return finish(call, body());
    } catch (...) {
        return finish_exception(call);
    }
}

template <class Body> CUresult with_driver(const char* call, Body body) {
    return without_init(call, [&]() -> Result<void> {
        if (ErrorCode state = process_state(); state != ErrorCode::success)
            return user_error(state, state == ErrorCode::deinitialized ? "the process is exiting" : "cuInit hasn't been called");
        return body();
    });
}

template <class Body> CUresult with_context(const char* call, Body body) {
    return with_driver(call, [&]() -> Result<void> {
        auto context = current_context();
        if (!context) return std::unexpected(context.error());
        return body(**context);
    });
}

inline std::unexpected<Error> invalid_value(std::string message) {
    return user_error(ErrorCode::invalid_value, std::move(message));
}
inline std::unexpected<Error> invalid_handle(std::string message) {
    return user_error(ErrorCode::invalid_handle, std::move(message));
}

/// Return the error of an expression of type Result<...>.
#define ANYWARP_TRY(expression)                                                                                                  \
    if (auto&& attempt_ = (expression); !attempt_) return std::unexpected(attempt_.error())
/// auto name = value of an expression of type Result<...>, or return its error.
#define ANYWARP_TRY_AS(name, expression)                                                                                         \
    auto name##_result_ = (expression);                                                                                          \
    if (!name##_result_) return std::unexpected(name##_result_.error());                                                         \
    auto name = std::move(*name##_result_)
/// invalid_value unless the pointer is set; the message names it.
#define ANYWARP_REQUIRE(pointer)                                                                                                 \
    if (!(pointer)) return invalid_value(#pointer " is null")

} // namespace anywarp::driver
