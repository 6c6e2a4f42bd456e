// Loaded modules and their kernels.
//
// A module is parsed when loaded; its variables get their place in device memory (the image), with initialisers applied and
// addresses resolved. Bodies are parsed and verified at load too, unless the module is large: then when a kernel is looked up,
// so that loading a library with thousands of kernels stays quick. Machine code is made at the first launch of each block
// shape: as far as it can fail in the launch call, so that what the compiler has to say is the launch's own error, and the rest
// while the program goes on (compile_queue.h); after `max_shapes` shapes a kernel uses one general version.
//
// CUDA driver API, "Module Management" and "Execution Control".
#pragma once

#include "machine/architecture.h"
#include "machine/command.h"
#include "ptx/layout.h"

#include <unordered_map>

namespace anywarp::machine {

class Device;
class Stream;

struct LaunchConfig {
    Dim3 grid, block;
    uint32_t dynamic_shared = 0;
    bool cooperative = false;
    std::vector<uint8_t> params; // Kernel::parameters().size bytes; kernel.pack() makes it from pointers
};

struct KernelAttributes {
    uint32_t max_threads = 1024; // per block
    uint32_t required_threads[3] = {0, 0, 0};
    uint32_t static_shared = 0;
    uint32_t const_bytes = 0;
    uint32_t local_bytes = 0;     // per thread
    uint32_t registers = 0;       // an estimate from the PTX (registers.h)
    uint32_t least_registers = 0; // a lower bound: launches that it doesn't fit are refused
    uint32_t ptx_version = 0;     // target as 10 * major + minor: 80
    uint32_t binary_version = 0;
    uint32_t max_dynamic_shared = 0;
    int32_t shared_carveout = -1; // percent; changes only what the occupancy functions answer
    KernelResources resources() const;
};

class LoadedModule;

class Kernel : public std::enable_shared_from_this<Kernel> {
public:
    static constexpr size_t max_shapes = 8;
    ~Kernel();

    const std::string& name() const;
    LoadedModule& module() const;
    uint32_t function() const; // index into ptx::Module::functions
    const ptx::ParameterLayout& parameters() const;
    size_t parameter_count() const { return parameters().offsets.size(); }
    uint32_t parameter_size(size_t index) const; // bytes

    /// May parse the body; cached.
    Result<KernelAttributes> attributes() const;
    Result<void> set_max_dynamic_shared(uint32_t bytes);
    void set_shared_carveout(int32_t percent);

    /// The parameter buffer from cuLaunchKernel's array of pointers to the parameters' values.
    std::vector<uint8_t> pack(void* const* pointers) const;
    /// Checks and compiles: what launch does before queueing. For graphs.
    Result<KernelCommand> prepare(const LaunchConfig& config) const;
    Result<void> launch(Stream& stream, const LaunchConfig& config) const;

    /// cuOccupancyMaxActiveBlocksPerMultiprocessor.
    Result<uint32_t> max_active_blocks(uint32_t threads, uint64_t dynamic_shared) const;

    struct State;
    State& state() const { return *state_; }

private:
    friend class LoadedModule;
    Kernel(std::shared_ptr<LoadedModule> module, uint32_t function);
    std::unique_ptr<State> state_;
};

class LoadedModule : public std::enable_shared_from_this<LoadedModule> {
public:
    /// Modules with more text than this are verified kernel by kernel.
    static constexpr size_t lazy_text_bytes = 256 << 10;

    /// Errors: invalid_ptx with the diagnostics ("line:column: message" lines), out_of_memory, unsupported.
    static Result<std::shared_ptr<LoadedModule>> load(Device& device, std::string ptx_text, std::string name);
    ~LoadedModule();

    struct Global {
        uint8_t* address = nullptr;
        uint64_t size = 0;
        bool managed = false;
    };
    /// not_found when the name isn't there. Kernels are made once and kept.
    Result<std::shared_ptr<Kernel>> find_kernel(const std::string& name);
    Result<Global> find_global(const std::string& name) const;
    std::vector<std::string> kernel_names() const;
    std::vector<std::string> global_names() const;

    const ptx::Module& ptx() const { return *ptx_; }
    Device& device() const { return device_; }
    uint8_t* image() const { return image_; }
    uint64_t image_size() const { return layout_.size; }

private:
    LoadedModule(Device& device, std::unique_ptr<ptx::Module> module);
    Result<void> make_image();
    Device& device_;
    std::unique_ptr<ptx::Module> ptx_;
    ptx::ImageLayout layout_;
    uint8_t* image_ = nullptr;
    uint64_t image_id_ = 0; // of its allocation
    std::mutex mutex_;
    // Weak: a kernel keeps its module alive, not the other way round. The driver keeps the kernels it has handed out.
    std::unordered_map<std::string, std::weak_ptr<Kernel>> kernels_;
};

} // namespace anywarp::machine
