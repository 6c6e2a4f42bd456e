// The entrance: object cache, pipeline, loader.
#include "jit/compiler.h"

#include "jit/cache_key.h"
#include "jit/loader.h"
#include "jit/object_cache.h"
#include "jit/pipeline.h"

namespace anywarp::jit {
namespace {

class Kernel final : public CompiledKernel {
public:
    explicit Kernel(std::unique_ptr<LoadedCode> code) : code_(std::move(code)) { info = code_->info; }

private:
    std::unique_ptr<LoadedCode> code_;
};

class Work final : public Compilation {
public:
    explicit Work(std::string name) : name_(std::move(name)), timer_(name_) {}

    Result<void> begin(const ptx::Module& module, uint32_t function, const CompileOptions& options) {
        Result<Target> target = select_target();
        if (!target) return std::unexpected(target.error());
        if (options.use_cache) {
            cache_.emplace(ObjectCache::from_environment());
            if (cache_->usable()) {
                Result<CacheKey> made = cache_key(module, function, options, *target);
                if (!made) return std::unexpected(made.error());
                key_ = *made;
                timer_.mark("key");
                if (load_cached()) return {};
            }
        }
        Result<std::unique_ptr<WarpCode>> warp = make_warp_code(module, function, options, *target, timer_);
        if (!warp) return std::unexpected(warp.error());
        warp_ = std::move(*warp);
        warp_local_bytes = uint64_t(warp_->local_bytes) * warp_->width;
        return {};
    }

    Result<std::unique_ptr<CompiledKernel>> finish() override {
        if (!code_) {
            timer_.mark("waiting");
            Result<KernelObject> object = make_object(*warp_, timer_);
            if (!object) return std::unexpected(object.error());
            warp_.reset();
            if (cache_) {
                cache_->store(key_, object->bytes);
                timer_.mark("store");
            }
            Result<std::unique_ptr<LoadedCode>> code = load_object(object->bytes, name_);
            if (!code) return std::unexpected(code.error());
            code_ = std::move(*code);
            timer_.mark("load");
        }
        auto kernel = std::make_unique<Kernel>(std::move(code_));
        kernel->from_cache = quick;
        kernel->compile_seconds = timer_.seconds();
        return kernel;
    }

private:
    bool load_cached() {
        std::optional<std::vector<uint8_t>> object = cache_->find(key_);
        if (!object) return false;
        timer_.mark("read");
        Result<std::unique_ptr<LoadedCode>> code = load_object(*object, name_);
        timer_.mark("load");
        if (!code) {
            cache_->remove(key_);
            return false;
        }
        code_ = std::move(*code);
        warp_local_bytes = uint64_t(code_->info.local_bytes) * code_->info.width;
        return quick = true;
    }

    const std::string name_;
    StageTimer timer_;
    std::optional<ObjectCache> cache_;
    CacheKey key_{};
    std::unique_ptr<WarpCode> warp_;
    std::unique_ptr<LoadedCode> code_;
};

Result<void> check_function(const ptx::Module& module, uint32_t function) {
    if (function >= module.functions.size() || !module.functions[function].is_entry)
        return user_error(ErrorCode::not_found, "function " + std::to_string(function) + " of " + module.name + " is no kernel");
    return {};
}

} // namespace

Result<std::unique_ptr<Compilation>> begin_compile(const ptx::Module& module, uint32_t function, const CompileOptions& options) {
    if (Result<void> fine = check_function(module, function); !fine) return std::unexpected(fine.error());
    auto work = std::make_unique<Work>(module.functions[function].name);
    if (Result<void> begun = work->begin(module, function, options); !begun) return std::unexpected(begun.error());
    return work;
}

Result<std::unique_ptr<CompiledKernel>> compile(const ptx::Module& module, uint32_t function, const CompileOptions& options) {
    Result<std::unique_ptr<Compilation>> begun = begin_compile(module, function, options);
    if (!begun) return std::unexpected(begun.error());
    return (*begun)->finish();
}

Result<Stages> show_stages(const ptx::Module& module, uint32_t function, const CompileOptions& options) {
    if (Result<void> fine = check_function(module, function); !fine) return std::unexpected(fine.error());
    StageTimer timer(module.functions[function].name);
    Result<Target> target = select_target(false);
    if (!target) return std::unexpected(target.error());
    Stages stages;
    Result<KernelObject> object = run_pipeline(module, function, options, *target, timer, &stages, Stage::assembly);
    if (!object) return std::unexpected(object.error());
    return stages;
}

} // namespace anywarp::jit
