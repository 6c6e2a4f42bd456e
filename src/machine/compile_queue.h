// Compilations that go on while the program does.
//
// A launch of a kernel that has no code yet starts its compilation (jit::begin_compile: whatever can be wrong with the kernel
// comes out there, as the launch's own error) and leaves the rest, optimising and code generation, to the threads of this queue.
// The command waits for its code when its turn in the stream comes. So a program that launches several kernels has them compiled
// in parallel, and its own thread goes on. Threads start when they are needed, at most one per worker; who has to wait for code
// that nobody has begun to make makes it himself; code that nobody waits for any more isn't made.
//
// When the process exits, compilations under way are waited for, since they use LLVM's global objects, and no more begin.
#pragma once

#include "jit/compiler.h"
#include "machine/kernel_state.h"

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>

namespace anywarp::machine {

class CompileQueue {
public:
    static CompileQueue& instance();

    /// Finishes the compilation, now where that is quick or the machine has one worker only, and hands the outcome to `code`.
    void add(std::unique_ptr<jit::Compilation> compilation, std::shared_ptr<KernelCode> code, std::string kernel);

    /// Finishes this compilation on the calling thread if nobody has begun: whoever waits for the code does so sooner than a
    /// thread that has to wake up first.
    void help(const KernelCode& code);

private:
    struct Entry {
        std::unique_ptr<jit::Compilation> compilation;
        std::shared_ptr<KernelCode> code;
        std::string kernel;
    };
    CompileQueue() = default;
    static void finish(Entry entry);
    void run(std::deque<Entry>::iterator entry, std::unique_lock<std::mutex>& lock);
    static void* thread_main(void* self);
    void work();
    void close();

    std::mutex mutex_;
    std::condition_variable wake_, left_;
    std::deque<Entry> entries_;
    unsigned threads_ = 0, idle_ = 0, busy_ = 0;
    bool closed_ = false;
};

} // namespace anywarp::machine
