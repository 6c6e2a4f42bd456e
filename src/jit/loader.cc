// Linking compiled kernels into the process, with LLVM's JITLink and nothing above it.
//
// ORC's sessions, dylibs and task queues serve programs whose parts refer to each other. A kernel's object refers to nothing but
// a few services and library calls, so JITLink alone does: one object, one allocation, freed with the kernel, and no lock
// shared between threads that load. That keeps a hit in the object cache well under a millisecond.
//
// ANYWARP_JIT_DEBUG=1 writes /tmp/perf-PID.map, which `perf report` reads to name the functions.
#include "jit/loader.h"

#include "jit/compiler.h"
#include "jit/libcalls.h"

#include <llvm/ExecutionEngine/JITLink/JITLink.h>
#include <llvm/Support/MemoryBuffer.h>

#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <mutex>
#include <shared_mutex>
#include <unistd.h>
#include <unordered_map>

namespace anywarp::jit {
namespace {

namespace jl = llvm::jitlink;
using llvm::orc::ExecutorAddr;
using llvm::orc::ExecutorSymbolDef;

constexpr const char* info_symbol = "anywarp_kernel_info";

struct Services {
    std::shared_mutex mutex;
    std::unordered_map<std::string, void*> addresses;
};
Services& services() {
    static Services* value = new Services; // never destroyed: kernels may be loaded while the process exits
    return *value;
}

jl::JITLinkMemoryManager& memory_manager() {
    static auto* value = new jl::InProcessMemoryManager(static_cast<uint64_t>(sysconf(_SC_PAGESIZE)));
    return *value;
}

class LinkedCode final : public LoadedCode {
public:
    ~LinkedCode() override {
        if (!allocation) return;
        if (llvm::Error error = memory_manager().deallocate(std::move(allocation))) llvm::consumeError(std::move(error));
    }
    jl::JITLinkMemoryManager::FinalizedAlloc allocation;
};

/// What the link leaves behind. The context belongs to JITLink and is gone when link() returns.
struct Outcome {
    std::string error;
    ExecutorAddr info;
    jl::JITLinkMemoryManager::FinalizedAlloc allocation;
};

void write_perf_map(jl::LinkGraph& graph, const std::string& kernel) {
    static std::mutex mutex;
    std::lock_guard lock(mutex);
    std::string path = "/tmp/perf-" + std::to_string(getpid()) + ".map";
    std::FILE* file = std::fopen(path.c_str(), "a");
    if (!file) return;
    for (jl::Symbol* symbol : graph.defined_symbols())
        if (symbol->isCallable() && symbol->hasName())
            std::fprintf(file, "%llx %llx %s:%s\n", static_cast<unsigned long long>(symbol->getAddress().getValue()),
                         static_cast<unsigned long long>(symbol->getSize()), kernel.c_str(), symbol->getName().str().c_str());
    std::fclose(file);
}

class LinkContext final : public jl::JITLinkContext {
public:
    LinkContext(Outcome& outcome, const std::string& kernel) : JITLinkContext(nullptr), outcome_(outcome), kernel_(kernel) {}

    jl::JITLinkMemoryManager& getMemoryManager() override { return memory_manager(); }
    void notifyFailed(llvm::Error error) override { outcome_.error = llvm::toString(std::move(error)); }
    void notifyFinalized(jl::JITLinkMemoryManager::FinalizedAlloc allocation) override {
        outcome_.allocation = std::move(allocation);
    }
    void lookup(const LookupMap& symbols, std::unique_ptr<jl::JITLinkAsyncLookupContinuation> next) override {
        jl::AsyncLookupResult found;
        for (const auto& [name, flags] : symbols) {
            void* address = find_symbol(name.str());
            if (!address && flags == jl::SymbolLookupFlags::RequiredSymbol) {
                next->run(llvm::make_error<llvm::StringError>("kernel " + kernel_ + " needs " + name + ", which nobody provides",
                                                              llvm::inconvertibleErrorCode()));
                return;
            }
            found[name] = ExecutorSymbolDef(ExecutorAddr::fromPtr(address), llvm::JITSymbolFlags::Exported);
        }
        next->run(std::move(found));
    }
    llvm::Error notifyResolved(jl::LinkGraph& graph) override {
        for (jl::Symbol* symbol : graph.defined_symbols())
            if (symbol->hasName() && symbol->getName() == info_symbol) outcome_.info = symbol->getAddress();
        static const bool debug = std::getenv("ANYWARP_JIT_DEBUG") != nullptr;
        if (debug) write_perf_map(graph, kernel_);
        return llvm::Error::success();
    }

private:
    Outcome& outcome_;
    const std::string& kernel_;
};

} // namespace

void set_service(const char* name, void* address) {
    Services& all = services();
    std::unique_lock lock(all.mutex);
    all.addresses[name] = address;
}

void* find_symbol(const std::string& name) {
    Services& all = services();
    {
        std::shared_lock lock(all.mutex);
        if (auto found = all.addresses.find(name); found != all.addresses.end()) return found->second;
    }
    if (name.starts_with("anywarp_")) return nullptr;
    if (void* address = find_libcall(name)) return address;
    return dlsym(RTLD_DEFAULT, name.c_str());
}

Result<std::unique_ptr<LoadedCode>> load_object(std::span<const uint8_t> object, const std::string& name) {
    llvm::MemoryBufferRef buffer(llvm::StringRef(reinterpret_cast<const char*>(object.data()), object.size()), name);
    llvm::Expected<std::unique_ptr<jl::LinkGraph>> graph = jl::createLinkGraphFromObject(buffer);
    if (!graph) return internal_error("kernel " + name + ": unreadable object: " + llvm::toString(graph.takeError()));
    Outcome outcome;
    jl::link(std::move(*graph),
             std::make_unique<LinkContext>(outcome, name)); // returns when done: all calls above are synchronous
    auto code = std::make_unique<LinkedCode>();
    code->allocation = std::move(outcome.allocation);
    if (!outcome.error.empty()) return internal_error("loading kernel " + name + ": " + outcome.error);
    if (!outcome.info) return internal_error("kernel " + name + ": its object has no " + info_symbol);
    code->info = *outcome.info.toPtr<const KernelInfo*>();
    if (code->info.abi_version != kernel_abi_version)
        return internal_error("kernel " + name + ": object of ABI version " + std::to_string(code->info.abi_version) +
                              ", expected " + std::to_string(kernel_abi_version));
    return code;
}

} // namespace anywarp::jit
