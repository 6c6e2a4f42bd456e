// See experiment.h.
#include "experiment.h"

#include "oracle/oracle.h"
#include "ptx/layout.h"

#ifdef ANYWARP_PTX_RUN_COMPILED
#    include "machine/device_services.h"
#    include "machine/run_grid.h"
#endif

#include <algorithm>
#include <chrono>
#include <cstring>

namespace anywarp::fuzz {

using ptx_run::BufferSpec;
using ptx_run::Case;

namespace {

constexpr uint64_t gap = 256; // between buffers: a write that misses its buffer is seen
constexpr uint8_t gap_byte = 0xa5;
constexpr uint64_t instruction_limit = 3'000'000; // per oracle run: generated programs need some ten thousand

struct Random {
    uint64_t state;
    uint64_t next() {
        uint64_t x = state += 0x9e3779b97f4a7c15ull;
        x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
        x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
        return x ^ (x >> 31);
    }
};

/// Where integers and floats of any width go wrong, as 64 bits; cut to the element's size.
uint64_t edge(uint64_t r) {
    static const uint64_t values[] = {0,
                                      1,
                                      2,
                                      31,
                                      32,
                                      255,
                                      256,
                                      0x7fff,
                                      0x8000,
                                      0xffff,
                                      0x7fffffff,
                                      0x80000000,
                                      0x80000001,
                                      ~0ull,
                                      ~1ull,
                                      0x7f800000,           // f32: infinity
                                      0xff800000,
                                      0x7fc00000,           // NaN
                                      0x7f800001,           // signalling NaN
                                      1,                    // least subnormal
                                      0x007fffff,
                                      0x00800000,           // least normal
                                      0x7f7fffff,
                                      0x3f800000,           // 1
                                      0xbf800000,
                                      0x3f000000,
                                      0x4f000000,           // 2^31
                                      0x7c007bff,           // f16: infinity, greatest
                                      0x3c00bc00,
                                      0x00018001,           // f16 subnormals
                                      0x7e0003ff,
                                      0x7ff0000000000000ull, // f64
                                      0x3ff0000000000000ull,
                                      0x7ff8000000000000ull,
                                      0x8000000000000001ull,
                                      0x8000000000000000ull,
                                      0x41dfffffffc00000ull};
    return values[r % std::size(values)];
}

double since(std::chrono::steady_clock::time_point begin) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

} // namespace

std::string Configuration::describe() const {
    return "width " + std::to_string(width) + (optimize ? ", optimised" : ", not optimised") + (any_block ? ", any block" : "");
}

std::vector<Configuration> all_configurations(const Case& test) {
    std::vector<Configuration> all;
    for (unsigned width : test.widths)
        for (bool optimize : {true, false})
            if (width || optimize) all.push_back({width, optimize, false});
    all.push_back({0, true, true});
    all.push_back({1, true, false});
    return all;
}

std::vector<Configuration> some_configurations(const Case& test, uint64_t seed) {
    Random random{seed};
    std::vector<Configuration> some;
    std::vector<unsigned> widths;
    for (unsigned w : test.widths)
        if (w) widths.push_back(w);
    auto width = [&] { return widths[random.next() % widths.size()]; };
    auto add = [&](Configuration c) {
        for (const Configuration& have : some)
            if (have.width == c.width && have.optimize == c.optimize && have.any_block == c.any_block) return;
        some.push_back(c);
    };
    // The oracle takes ten times as long as compiled code, so several configurations share each of its runs.
    for (int i = 0; i < 3; ++i) add({width(), true, random.next() % 6 == 0});
    for (int i = 0; i < 2; ++i) add({width(), false, random.next() % 6 == 0});
    if (random.next() % 6 == 0) add({1, true, false});
    return some;
}

Experiment::Experiment(std::string name, std::string text, uint64_t seed, const Choice& choice)
    : test_(ptx_run::parse_case(name, text)), seed_(seed) {
    auto module = ptx::parse_module(std::move(text), std::move(name));
    if (!module) {
        problem_ = "parser: " + module.error().message;
        return;
    }
    module_ = std::move(*module);
    const auto& functions = module_->functions;
    while (kernel_ < functions.size() && !functions[kernel_].is_entry) ++kernel_;
    if (kernel_ == functions.size()) {
        problem_ = "no kernel";
        return;
    }
    auto memory = ptx_run::make_memory(test_, *module_, kernel_);
    auto shared = ptx::shared_layout(*module_, kernel_);
    if (!memory || !shared) {
        problem_ = "memory: " + (memory ? shared.error().message : memory.error().message);
        return;
    }
    // Dynamic memory starts at dynamic_offset, which may lie behind the last static byte.
    static_shared_ = uint32_t(std::max(shared->static_size, shared->dynamic_offset));
    uint64_t image_size = ptx::image_layout(*module_).size;
    size_ = gap;
    auto place = [&](uint64_t bytes) {
        places_.push_back(size_);
        size_ = (size_ + bytes + 2 * gap - 1) / gap * gap;
    };
    for (uint64_t bytes : memory->sizes) place(bytes);
    place(image_size);
    storage_ = std::make_unique<uint8_t[]>(size_ + gap);
    memory_ = reinterpret_cast<uint8_t*>((reinterpret_cast<uintptr_t>(storage_.get()) + gap - 1) & ~uintptr_t(gap - 1));
    // The image may hold addresses of itself: initialise it where it will lie.
    std::memset(memory_, gap_byte, size_);
    for (size_t i = 0; i < memory->buffers.size(); ++i) std::memcpy(memory_ + places_[i], memory->buffers[i], memory->sizes[i]);
    std::memset(memory_ + places_.back(), 0, image_size);
    (void)oracle::initialize_image(*module_, memory_ + places_.back());
    fresh_.assign(memory_, memory_ + size_);
    ptx::ParameterLayout layout = ptx::parameter_layout(functions[kernel_]);
    params_.assign(memory->params, memory->params + layout.size);
    params_.resize(layout.size + 16);
    for (size_t i = 0; i < test_.parameters.size(); ++i)
        if (test_.parameters[i].is_buffer) {
            uint8_t* p = memory_ + places_[test_.parameters[i].buffer];
            std::memcpy(params_.data() + layout.offsets[i], &p, 8);
        }
#ifdef ANYWARP_PTX_RUN_COMPILED
    if (choice.kind == Choice::none) return;
    machine::register_services();
    auto begin = std::chrono::steady_clock::now();
    if (choice.kind == Choice::single)
        configurations_ = {choice.configuration};
    else
        configurations_ = choice.kind == Choice::all ? all_configurations(test_) : some_configurations(test_, seed);
    for (const Configuration& c : configurations_) {
        jit::CompileOptions options;
        if (!c.any_block) std::copy_n(test_.block, 3, options.block_dim);
        options.width = c.width;
        options.optimize = c.optimize;
        options.use_cache = false;
        auto kernel = jit::compile(*module_, kernel_, options);
        if (!kernel) {
            problem_ = c.describe() + ": " + kernel.error().message;
            return;
        }
        compiled_.push_back(std::move(*kernel));
    }
    compile_seconds = since(begin);
#else
    (void)choice;
#endif
}

/// Draws the inputs of an execution into `inputs_`, the by-value parameters and the grid.
void Experiment::fill(uint64_t input) {
    inputs_ = fresh_;
    std::copy_n(test_.grid, 3, grid_);
    if (input == 0) return;
    Random random{seed_ * 0x9e3779b97f4a7c15ull + input * 0x2545f4914f6cdd1dull};
    grid_[0] = 1 + uint32_t(random.next() % test_.grid[0]);
    unsigned style = unsigned(random.next() % 4); // mostly random bits, mostly edges, mostly small numbers, mixed
    for (size_t b = 0; b < test_.buffers.size(); ++b) {
        const BufferSpec& spec = test_.buffers[b];
        if (spec.fill == "zero") continue;
        unsigned size = spec.element_size();
        uint8_t* p = inputs_.data() + places_[b];
        for (uint64_t i = 0; i < spec.count; ++i) {
            uint64_t r = random.next(), choice = r >> 56, v;
            unsigned kind = style == 3 ? unsigned(choice % 3) : choice < 200 ? style : unsigned(choice % 3);
            v = kind == 0 ? r * 0x9e3779b97f4a7c15ull : kind == 1 ? edge(r) : uint64_t(int64_t(r % 64) - 8);
            std::memcpy(p + i * size, &v, size);
        }
    }
    ptx::ParameterLayout layout = ptx::parameter_layout(module_->functions[kernel_]);
    for (size_t i = 0; i < test_.parameters.size(); ++i) {
        const ptx_run::Parameter& p = test_.parameters[i];
        if (p.is_buffer) continue;
        uint64_t r = random.next(), v = r >> 60 < 8 ? r % 16 : r >> 60 < 12 ? edge(r) : r;
        std::memcpy(params_.data() + layout.offsets[i], &v, std::min<size_t>(8, module_->functions[kernel_].parameters[i].size));
    }
}

bool Experiment::execute(uint64_t input) {
    fill(input);
    std::memcpy(memory_, inputs_.data(), size_);
    oracle::Launch launch;
    std::copy_n(grid_, 3, launch.grid);
    std::copy_n(test_.block, 3, launch.block);
    launch.dynamic_shared = test_.shared;
    launch.params = params_.data();
    launch.image = memory_ + places_.back();
    launch.max_instructions = instruction_limit;
    std::vector<oracle::Range> ranges;
    for (size_t b = 0; b < test_.buffers.size(); ++b)
        ranges.push_back({memory_ + places_[b], test_.buffers[b].count * test_.buffers[b].element_size()});
    launch.ranges = &ranges;
    oracle::Outcome outcome;
    auto begin = std::chrono::steady_clock::now();
    Result<void> reference = oracle::run_grid(*module_, kernel_, launch, outcome);
    oracle_seconds += since(begin);
    instructions_ += outcome.instructions;
    std::string where = "input " + std::to_string(input);
    if (!reference) {
        problem_ = "oracle, " + where + ": " + reference.error().message;
        return false;
    }
    expected_.assign(memory_, memory_ + size_);
#ifdef ANYWARP_PTX_RUN_COMPILED
    begin = std::chrono::steady_clock::now();
    for (size_t c = 0; c < compiled_.size(); ++c) {
        std::memcpy(memory_, inputs_.data(), size_);
        machine::GridArguments arguments;
        arguments.grid = {grid_[0], grid_[1], grid_[2]};
        arguments.block = {test_.block[0], test_.block[1], test_.block[2]};
        arguments.dynamic_shared = test_.shared;
        arguments.static_shared = static_shared_;
        arguments.params = params_.data();
        arguments.image = memory_ + places_.back();
        arguments.workers = 1;
        Result<void> result = machine::run_grid(compiled_[c]->info, arguments);
        ++executions_;
        if (!result) {
            problem_ = configurations_[c].describe() + ", " + where + ": " + result.error().message;
            return false;
        }
        if (std::memcmp(memory_, expected_.data(), size_)) {
            culprit_ = int(c);
            problem_ = configurations_[c].describe() + ", " + where + "\n" + difference(expected_.data(), memory_);
            return false;
        }
    }
    compiled_seconds += since(begin);
#endif
    return true;
}

std::string Experiment::difference(const uint8_t* want, const uint8_t* have) const {
    std::string report;
    unsigned shown = 0;
    for (size_t b = 0; b < places_.size(); ++b) {
        bool image = b == test_.buffers.size();
        unsigned size = image ? 1 : test_.buffers[b].element_size();
        uint64_t end = b + 1 < places_.size() ? places_[b + 1] : size_;
        for (uint64_t at = places_[b]; at + size <= end && shown < 8; at += size) {
            uint64_t x = 0, y = 0;
            std::memcpy(&x, want + at, size);
            std::memcpy(&y, have + at, size);
            if (x == y) continue;
            char line[160];
            std::snprintf(line, sizeof line, "  %s[%llu]: oracle 0x%llx, compiled 0x%llx\n",
                          image ? "image" : test_.buffers[b].name.c_str(), (unsigned long long)((at - places_[b]) / size),
                          (unsigned long long)x, (unsigned long long)y);
            report += line;
            ++shown;
        }
    }
    return report;
}

} // namespace anywarp::fuzz
