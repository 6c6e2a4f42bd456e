// Host detection and target machines. See target.h.
//
// The named x86 sets are LLVM's CPU models x86-64-v2, v3 and v4 (x86-64 psABI, "micro-architecture levels"), not the host's CPU
// with features struck out: the same name must give the same code on every machine, because objects lie in a cache that
// may be shared through a home directory.
#include "jit/target.h"

#include "jit/compiler.h"

#include <llvm/ADT/StringMap.h>
#include <llvm/IR/Function.h>
#include <llvm/IR/Module.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Support/CommandLine.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/Target/TargetOptions.h>
#include <llvm/TargetParser/Host.h>
#include <llvm/TargetParser/Triple.h>

#include <cstdlib>
#include <map>
#include <mutex>
#include <vector>

namespace anywarp::jit {
namespace {

// What LLVM's code generator takes its time for without any gain that the benchmarks show. It has no other switches for these.
struct Setting {
    llvm::StringRef name, value;
};
constexpr Setting settings[] = {
    // Scheduling once more after register allocation, in time quadratic in a block's length; out-of-order cores don't need it.
    {"disable-post-ra", "true"},
    // The scheduler before it compares every pair of memory accesses up to this number in a block (1000), then fewer.
    {"dag-maps-huge-region", "200"},
    {"dag-maps-reduction-size", "50"},
};

void initialize_llvm() {
    static std::once_flag once;
    std::call_once(once, [] {
        auto& all = llvm::cl::getRegisteredOptions();
        llvm::InitializeNativeTarget();
        llvm::InitializeNativeTargetAsmPrinter();
        llvm::InitializeNativeTargetAsmParser();
        for (const Setting& setting : settings)
            if (auto found = all.find(setting.name); found != all.end())
                found->second->addOccurrence(1, setting.name, setting.value);
    });
}

struct Host {
    llvm::Triple triple{llvm::sys::getProcessTriple()};
    std::string cpu = llvm::sys::getHostCPUName().str();
    llvm::StringMap<bool> features = llvm::sys::getHostCPUFeatures();

    bool has(const char* name) const { return features.lookup(name); }
    bool has_all(std::initializer_list<const char*> names) const {
        for (const char* name : names)
            if (!has(name)) return false;
        return true;
    }
    bool runs_sse4() const { return has_all({"sse4.2", "popcnt", "ssse3", "cx16"}); }
    bool runs_avx2() const { return runs_sse4() && has_all({"avx2", "fma", "f16c", "bmi", "bmi2", "lzcnt", "movbe"}); }
    bool runs_avx512() const { return runs_avx2() && has_all({"avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512cd"}); }
    /// Sorted, so that the text is the same in every process.
    std::string feature_text() const {
        std::vector<std::string> list;
        for (const auto& entry : features) list.push_back((entry.second ? "+" : "-") + entry.first().str());
        std::sort(list.begin(), list.end(), [](auto& a, auto& b) { return a.substr(1) < b.substr(1); });
        std::string text;
        for (const std::string& f : list) text += (text.empty() ? "" : ",") + f;
        return text;
    }
};

const Host& host() {
    static const Host value;
    return value;
}

unsigned vector_bits_of(const std::string& isa) {
    if (isa == "avx2") return 256;
    if (isa != "avx512") return 128;
    const char* wish = std::getenv("ANYWARP_VECTOR_BITS");
    return wish && std::string(wish) == "256" ? 256 : 512;
}

Target native_target() {
    const Host& h = host();
    static const std::string features = h.feature_text();
    Target target{.isa = h.cpu, .triple = h.triple.str(), .cpu = h.cpu, .features = features};
    if (h.triple.getArch() == llvm::Triple::x86_64) target.isa = h.runs_avx512() ? "avx512" : h.runs_avx2() ? "avx2" : "sse4";
    target.vector_bits = vector_bits_of(target.isa);
    return target;
}

} // namespace

Result<Target> select_target(bool must_run) {
    const char* wish = std::getenv("ANYWARP_ISA");
    std::string name = wish && *wish ? wish : "native";
    if (name == "native") return native_target();
    const Host& h = host();
    if (h.triple.getArch() != llvm::Triple::x86_64)
        return user_error(ErrorCode::invalid_value, "ANYWARP_ISA=" + name + ": this machine only knows native");
    Target target;
    target.isa = name;
    target.triple = h.triple.str();
    bool runs = false;
    if (name == "avx512")
        target.cpu = "x86-64-v4", runs = h.runs_avx512();
    else if (name == "avx2")
        target.cpu = "x86-64-v3", runs = h.runs_avx2();
    else if (name == "sse4")
        target.cpu = "x86-64-v2", runs = h.runs_sse4();
    else
        return user_error(ErrorCode::invalid_value, "ANYWARP_ISA=" + name + ": expected native, avx512, avx2 or sse4");
    if (must_run && !runs)
        return user_error(ErrorCode::invalid_value, "ANYWARP_ISA=" + name + ": this machine (" + h.cpu + ") can't run it");
    target.vector_bits = vector_bits_of(name);
    return target;
}

namespace {

// Setting one up takes longer than compiling a small kernel: the text of a host's features is long, and every combination of
// attributes that functions have makes a subtarget of its own, which the machine keeps.
struct IdleMachines {
    std::mutex mutex;
    std::multimap<std::string, std::unique_ptr<llvm::TargetMachine>> machines;
    static constexpr size_t most = 16;
};
IdleMachines& idle_machines() {
    static auto* value = new IdleMachines; // never destroyed: kernels may be compiled while the process exits
    return *value;
}

} // namespace

void GiveMachineBack::operator()(llvm::TargetMachine* machine) const {
    std::unique_ptr<llvm::TargetMachine> owned(machine);
    IdleMachines& idle = idle_machines();
    std::lock_guard lock(idle.mutex);
    if (idle.machines.size() < IdleMachines::most) idle.machines.emplace(key, std::move(owned));
}

Result<BorrowedMachine> make_target_machine(const Target& target, bool optimize) {
    std::string key = target.key() + (optimize ? "|optimized" : "");
    IdleMachines& idle = idle_machines();
    {
        std::lock_guard lock(idle.mutex);
        if (auto found = idle.machines.extract(key)) return BorrowedMachine(found.mapped().release(), GiveMachineBack{key});
    }
    initialize_llvm();
    std::string message;
    const llvm::Target* found = llvm::TargetRegistry::lookupTarget(target.triple, message);
    if (!found) return internal_error("no LLVM target for " + target.triple + ": " + message);
    llvm::TargetOptions options;
    options.AllowFPOpFusion = llvm::FPOpFusion::Standard; // only llvm.fmuladd and `contract` operations fuse
    options.ExceptionModel = llvm::ExceptionHandling::None;
    options.TrapUnreachable = false;
    llvm::TargetMachine* machine =
        found->createTargetMachine(target.triple, target.cpu, target.features, options, llvm::Reloc::PIC_, llvm::CodeModel::Small,
                                   optimize ? llvm::CodeGenOptLevel::Aggressive : llvm::CodeGenOptLevel::None, /*JIT=*/true);
    if (!machine) return internal_error("no LLVM target machine for " + target.triple + " " + target.cpu);
    return BorrowedMachine(machine, GiveMachineBack{std::move(key)});
}

void set_module_target(llvm::Module& module, const llvm::TargetMachine& machine, const Target& target) {
    module.setTargetTriple(target.triple);
    module.setDataLayout(machine.createDataLayout());
    if (target.isa != "avx512") return;
    for (llvm::Function& function : module)
        if (!function.isDeclaration()) function.addFnAttr("prefer-vector-width", std::to_string(target.vector_bits));
}

std::string isa_name() {
    Result<Target> target = select_target(false);
    return target ? target->isa : native_target().isa;
}

} // namespace anywarp::jit
