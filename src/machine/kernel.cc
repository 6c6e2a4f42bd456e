// Kernel: attributes, launch checks, code per block shape; see kernel.h.
#include "machine/compile_queue.h"
#include "machine/device.h"
#include "machine/kernel_state.h"
#include "machine/registers.h"
#include "machine/statistics.h"

#include <algorithm>
#include <cstring>

namespace anywarp::machine {

Kernel::Kernel(std::shared_ptr<LoadedModule> module, uint32_t function) : state_(std::make_unique<State>()) {
    state_->parameters = ptx::parameter_layout(module->ptx().functions[function]);
    state_->module = std::move(module);
    state_->function = function;
}

Kernel::~Kernel() = default;

const std::string& Kernel::name() const { return state_->module->ptx().functions[state_->function].name; }
LoadedModule& Kernel::module() const { return *state_->module; }
uint32_t Kernel::function() const { return state_->function; }
const ptx::ParameterLayout& Kernel::parameters() const { return state_->parameters; }

uint32_t Kernel::parameter_size(size_t index) const {
    const auto& parameters = state_->module->ptx().functions[state_->function].parameters;
    return index < parameters.size() ? static_cast<uint32_t>(parameters[index].size) : 0;
}

Result<KernelAttributes> Kernel::State::find_attributes() const {
    KernelAttributes a;
    const ptx::Module& ptx = module->ptx();
    const ptx::Function& entry = ptx.functions[function];
    const Properties& device = module->device().properties();
    auto max_threads = static_cast<uint32_t>(device.max_threads_per_block);
    auto volume = [](const uint32_t(&d)[3]) { return d[0] * std::max(d[1], 1u) * std::max(d[2], 1u); };
    if (entry.required_threads[0]) {
        std::copy_n(entry.required_threads, 3, a.required_threads);
        for (uint32_t& d : a.required_threads) d = std::max(d, 1u);
        max_threads = std::min(max_threads, volume(entry.required_threads));
    } else if (entry.max_threads[0]) {
        max_threads = std::min(max_threads, volume(entry.max_threads));
    }
    a.max_threads = max_threads;
    a.static_shared = static_cast<uint32_t>(shared.static_size);
    for (const auto& variable : ptx.variables)
        if (variable.space == ptx::StateSpace::const_) a.const_bytes += static_cast<uint32_t>(variable.size);
    auto reachable = ptx::reachable_functions(ptx, function);
    if (!reachable) return std::unexpected(reachable.error());
    uint64_t local = 0;
    LiveRegisters live;
    for (uint32_t f : *reachable) {
        if (ptx.functions[f].is_declaration) continue;
        auto body = ptx.body(f);
        if (!body) return std::unexpected(body.error());
        LiveRegisters here = live_registers(**body);
        live = {std::max(live.most, here.most), std::max(live.pinned, here.pinned)};
        for (const auto& v : (*body)->variables)
            if (v.space == ptx::StateSpace::local) local += v.size;
    }
    a.local_bytes = static_cast<uint32_t>(local);
    RegisterNeed need = register_need(device, entry, live, reachable->size() > 1);
    a.registers = need.estimate;
    // The CPU has no register file to run out of.
    a.least_registers = device.is_cpu ? 0 : need.at_least;
    a.ptx_version = ptx.target_sm;
    a.binary_version = static_cast<uint32_t>(device.compute_major * 10 + device.compute_minor);
    auto usual = static_cast<uint32_t>(device.shared_per_block);
    a.max_dynamic_shared = usual > a.static_shared ? usual - a.static_shared : 0;
    return a;
}

Result<const KernelAttributes*> Kernel::State::fixed_attributes() {
    if (has_attributes.load(std::memory_order_acquire)) return &attributes;
    std::lock_guard lock(mutex);
    if (has_attributes.load(std::memory_order_relaxed)) return &attributes;
    auto found = find_attributes();
    if (!found) return std::unexpected(found.error());
    attributes = *found;
    max_dynamic_shared.store(attributes.max_dynamic_shared, std::memory_order_relaxed);
    has_attributes.store(true, std::memory_order_release);
    return &attributes;
}

Result<KernelAttributes> Kernel::attributes() const {
    auto fixed = state_->fixed_attributes();
    if (!fixed) return std::unexpected(fixed.error());
    KernelAttributes a = **fixed;
    a.max_dynamic_shared = state_->max_dynamic_shared.load(std::memory_order_relaxed);
    a.shared_carveout = state_->shared_carveout.load(std::memory_order_relaxed);
    return a;
}

Result<void> Kernel::set_max_dynamic_shared(uint32_t bytes) {
    auto a = attributes();
    if (!a) return std::unexpected(a.error());
    auto limit = static_cast<uint32_t>(state_->module->device().properties().shared_per_block_optin);
    if (uint64_t(bytes) + a->static_shared > limit)
        return user_error(ErrorCode::invalid_value, std::to_string(bytes) + " bytes of dynamic shared memory with " +
                                                        std::to_string(a->static_shared) + " static ones exceed " +
                                                        std::to_string(limit));
    state_->max_dynamic_shared.store(bytes, std::memory_order_relaxed);
    return {};
}

void Kernel::set_shared_carveout(int32_t percent) { state_->shared_carveout.store(percent, std::memory_order_relaxed); }

std::vector<uint8_t> Kernel::pack(void* const* pointers) const {
    std::vector<uint8_t> buffer(state_->parameters.size);
    for (size_t i = 0; i < state_->parameters.offsets.size(); i++)
        if (uint32_t bytes = parameter_size(i)) std::memcpy(buffer.data() + state_->parameters.offsets[i], pointers[i], bytes);
    return buffer;
}

KernelResources KernelAttributes::resources() const {
    return {registers, static_shared, max_dynamic_shared, max_threads, shared_carveout};
}

Result<uint32_t> Kernel::max_active_blocks(uint32_t threads, uint64_t dynamic_shared) const {
    auto a = attributes();
    if (!a) return std::unexpected(a.error());
    return resident_blocks(state_->module->device().properties(), a->resources(), threads, dynamic_shared);
}

Result<void> KernelCode::wait() const {
    if (state_.load(std::memory_order_acquire) == pending) {
        CompileQueue::instance().help(*this);
        state_.wait(pending, std::memory_order_acquire);
    }
    if (state_.load(std::memory_order_acquire) == failed) return std::unexpected(error_);
    return {};
}

void KernelCode::set(Result<std::unique_ptr<jit::CompiledKernel>> made) {
    if (made) {
        compiled_ = std::move(*made);
        info = compiled_->info;
        from_cache = compiled_->from_cache;
        compile_seconds = compiled_->compile_seconds;
    } else {
        error_ = std::move(made.error());
    }
    state_.store(compiled_ ? ready : failed, std::memory_order_release);
    state_.notify_all();
}

Result<std::shared_ptr<const KernelCode>> Kernel::State::code_for(const Kernel& kernel, const Dim3& block) {
    if (auto* last = last_code.load(std::memory_order_acquire); last && (*last)->shape == block) return *last;
    std::lock_guard lock(mutex); // one thread compiles for one shape; other kernels don't wait
    auto find = [&](const Dim3& shape) -> const std::shared_ptr<const KernelCode>* {
        for (const auto& known : code)
            if ((*known)->shape == shape) return known.get();
        return nullptr;
    };
    Dim3 shape = block;
    auto* found = find(shape);
    if (!found && code.size() >= max_shapes) {
        shape = {0, 0, 0};
        found = find(shape);
    }
    if (!found) {
        jit::CompileOptions options;
        options.block_dim[0] = shape.x, options.block_dim[1] = shape.y, options.block_dim[2] = shape.z;
        options.statistics = statistics_enabled();
        auto begun = jit::begin_compile(module->ptx(), function, options);
        if (!begun) return std::unexpected(begun.error());
        auto made = std::make_shared<KernelCode>(shape);
        CompileQueue::instance().add(std::move(*begun), made, kernel.name());
        found = code.emplace_back(std::make_unique<std::shared_ptr<const KernelCode>>(std::move(made))).get();
    }
    last_code.store(found, std::memory_order_release);
    return *found;
}

Result<KernelCommand> Kernel::prepare(const LaunchConfig& config) const {
    auto fixed = state_->fixed_attributes();
    if (!fixed) return std::unexpected(fixed.error());
    const KernelAttributes* a = *fixed;
    uint32_t max_dynamic_shared = state_->max_dynamic_shared.load(std::memory_order_relaxed);
    Device& device = state_->module->device();
    const Properties& p = device.properties();
    auto shown = [](const Dim3& d) {
        return "(" + std::to_string(d.x) + "," + std::to_string(d.y) + "," + std::to_string(d.z) + ")";
    };
    auto bad = [&](std::string message) {
        return user_error(ErrorCode::invalid_value, "launch of " + name() + ": " + std::move(message));
    };
    const Dim3 &grid = config.grid, &block = config.block;
    if (grid.volume() == 0 || block.volume() == 0) return bad("grid " + shown(grid) + ", block " + shown(block));
    auto above = [](uint32_t value, int limit) { return value > static_cast<uint32_t>(limit); };
    if (above(grid.x, p.max_grid_dim[0]) || above(grid.y, p.max_grid_dim[1]) || above(grid.z, p.max_grid_dim[2]))
        return bad("grid " + shown(grid) + " exceeds the device's limits");
    if (above(block.x, p.max_block_dim[0]) || above(block.y, p.max_block_dim[1]) || above(block.z, p.max_block_dim[2]) ||
        block.volume() > static_cast<uint64_t>(p.max_threads_per_block))
        return bad("block " + shown(block) + " exceeds the device's limits");
    if (block.volume() > a->max_threads)
        return bad(std::to_string(block.volume()) + " threads per block; the kernel allows " + std::to_string(a->max_threads));
    if (a->required_threads[0] && Dim3{a->required_threads[0], a->required_threads[1], a->required_threads[2]} != block)
        return bad("block " + shown(block) + " is not the one that .reqntid asks for");
    if (config.dynamic_shared > max_dynamic_shared)
        return bad(std::to_string(config.dynamic_shared) + " bytes of dynamic shared memory; the kernel may have " +
                   std::to_string(max_dynamic_shared));
    if (uint64_t needed = block_registers(p, a->least_registers, static_cast<uint32_t>(block.volume()));
        needed > static_cast<uint64_t>(p.registers_per_block))
        return user_error(ErrorCode::launch_out_of_resources, "launch of " + name() + ": " + std::to_string(block.volume()) +
                                                                  " threads of " + std::to_string(a->least_registers) +
                                                                  " registers or more; a block has " +
                                                                  std::to_string(p.registers_per_block));
    if (config.params.size() < state_->parameters.size)
        return bad("parameter buffer of " + std::to_string(config.params.size()) + " bytes; the kernel takes " +
                   std::to_string(state_->parameters.size));
    if (config.cooperative) {
        auto active = max_active_blocks(static_cast<uint32_t>(block.volume()), config.dynamic_shared);
        if (!active) return std::unexpected(active.error());
        uint64_t limit = uint64_t(*active) * static_cast<uint64_t>(p.multiprocessors);
        if (grid.volume() > limit)
            return user_error(ErrorCode::cooperative_launch_too_large, "cooperative launch of " + name() + " with " +
                                                                           std::to_string(grid.volume()) + " blocks; at most " +
                                                                           std::to_string(limit));
    }
    auto code = state_->code_for(*this, block);
    if (!code) return std::unexpected(code.error());
    KernelCommand command;
    command.kernel = shared_from_this();
    command.code = std::move(*code);
    command.grid = grid;
    command.block = block;
    command.dynamic_shared = config.dynamic_shared;
    command.cooperative = config.cooperative;
    command.params = config.params;
    return command;
}

Result<void> Kernel::launch(Stream& stream, const LaunchConfig& config) const {
    if (auto status = stream.device().status(); !status) return status;
    auto command = prepare(config);
    if (!command) return std::unexpected(command.error());
    return stream.enqueue(std::move(*command));
}

} // namespace anywarp::machine
