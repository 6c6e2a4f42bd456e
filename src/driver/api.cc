// State of the process and of the calling thread; see api.h.

#include "driver/api.h"
#include "driver/errors.h"
#include "driver/format.h"
#include "driver/logs.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <pthread.h>
#include <unistd.h>

namespace anywarp::driver {
namespace {

enum class State : int { fresh, ready, forked, exiting };
std::atomic<State> state{State::fresh};
thread_local std::vector<CUcontext> context_stack;

void print_line(const std::string& line) {
    std::string text = "anywarp: " + line + "\n";
    [[maybe_unused]] auto written = write(STDERR_FILENO, text.data(), text.size());
}

/// Each message once: a program may meet the same gap a million times.
void print_once(const std::string& line) {
    static std::mutex& mutex = *new std::mutex;
    static auto& printed = *new std::set<std::string>;
    std::lock_guard lock(mutex);
    if (printed.size() < 1000 && printed.insert(line).second) print_line(line);
}

} // namespace

thread_local bool PerThreadDefaultStream::active_ = false;

Objects& objects() {
    static Objects& all = *new Objects;
    return all;
}

ErrorCode process_state() {
    switch (state.load(std::memory_order_relaxed)) {
    case State::ready:
        return ErrorCode::success;
    case State::exiting:
        return ErrorCode::deinitialized;
    default:
        return ErrorCode::not_initialized;
    }
}

void initialize_process() {
    State expected = State::fresh;
    if (!state.compare_exchange_strong(expected, State::ready)) return;
    // The child of a fork has our memory but none of our threads: it can do nothing with the driver (as with NVIDIA's).
    pthread_atfork(nullptr, nullptr, [] {
        if (state.load() == State::ready) state = State::forked;
    });
    std::atexit([] {
        if (state.load() == State::ready) state = State::exiting;
    });
}

bool tracing() {
    static const bool on = [] {
        const char* value = std::getenv("ANYWARP_TRACE");
        return value && *value && std::string(value) != "0";
    }();
    return on;
}

CUresult finish(const char* call, const Result<void>& result) {
    CUresult code = result ? CUDA_SUCCESS : static_cast<CUresult>(result.error().code);
    if (code != CUDA_SUCCESS && code != CUDA_ERROR_NOT_READY) log_error(call, error_name(code), result.error().message);
    if (tracing()) {
        std::string line = format("{} = {}", call, error_name(code));
        if (!result && !result.error().message.empty()) line += " (" + result.error().message + ")";
        print_line(line);
    } else if (!result) {
        const Error& error = result.error();
        if (error.kind == ErrorKind::unsupported)
            print_once(format("{}: not supported: {}", call, error.message));
        else if (error.kind == ErrorKind::internal)
            print_once(format("{}: internal error: {}", call, error.message));
    }
    return code;
}

CUresult finish_exception(const char* call) {
    try {
        throw;
    } catch (const std::bad_alloc&) {
        return finish(call, user_error(ErrorCode::out_of_memory, "the host has no memory left"));
    } catch (const std::exception& exception) {
        return finish(call, internal_error(exception.what()));
    } catch (...) {
        return finish(call, internal_error("an exception of unknown type"));
    }
}

CUcontext top_of_stack() { return context_stack.empty() ? nullptr : context_stack.back(); }
void push_context(CUcontext context) { context_stack.push_back(context); }
CUcontext pop_context() {
    CUcontext top = top_of_stack();
    if (!context_stack.empty()) context_stack.pop_back();
    return top;
}
void set_top(CUcontext context) {
    if (!context_stack.empty()) context_stack.pop_back();
    if (context) context_stack.push_back(context);
}

Result<CUctx_st*> current_context() {
    CUcontext context = top_of_stack();
    if (!context) return user_error(ErrorCode::invalid_context, "the calling thread has no current context");
    // Contexts are kept for good (a few hundred bytes each), so that this pointer can be trusted without a lock.
    if (!context->alive) return user_error(ErrorCode::context_is_destroyed, "the current context has been destroyed");
    return context;
}

Result<machine::Device*> device_of(CUdevice device) {
    if (device < 0 || device >= machine::Device::count())
        return user_error(ErrorCode::invalid_device, format("device {}; there are {}", device, machine::Device::count()));
    return machine::Device::get(device);
}

} // namespace anywarp::driver

namespace anywarp::driver {

/// The answer of every function in stubs.cc.
int answer_not_supported(const char* function) { return finish(function, unsupported("this function isn't implemented")); }

} // namespace anywarp::driver
