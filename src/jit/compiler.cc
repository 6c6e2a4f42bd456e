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

std::unique_ptr<CompiledKernel> finish(std::unique_ptr<LoadedCode> code, bool from_cache, const StageTimer& timer) {
    auto kernel = std::make_unique<Kernel>(std::move(code));
    kernel->from_cache = from_cache;
    kernel->compile_seconds = timer.seconds();
    return kernel;
}

Result<void> check_function(const ptx::Module& module, uint32_t function) {
    if (function >= module.functions.size() || !module.functions[function].is_entry)
        return user_error(ErrorCode::not_found, "function " + std::to_string(function) + " of " + module.name + " is no kernel");
    return {};
}

} // namespace

Result<std::unique_ptr<CompiledKernel>> compile(const ptx::Module& module, uint32_t function, const CompileOptions& options) {
    if (Result<void> fine = check_function(module, function); !fine) return std::unexpected(fine.error());
    const std::string& name = module.functions[function].name;
    StageTimer timer(name);
    Result<Target> target = select_target();
    if (!target) return std::unexpected(target.error());

    std::optional<ObjectCache> cache;
    CacheKey key{};
    if (options.use_cache) {
        cache.emplace(ObjectCache::from_environment());
        if (cache->usable()) {
            Result<CacheKey> made = cache_key(module, function, options, *target);
            if (!made) return std::unexpected(made.error());
            key = *made;
            timer.mark("key");
            if (std::optional<std::vector<uint8_t>> object = cache->find(key)) {
                timer.mark("read");
                Result<std::unique_ptr<LoadedCode>> code = load_object(*object, name);
                timer.mark("load");
                if (code) return finish(std::move(*code), true, timer);
                cache->remove(key);
            }
        }
    }

    Result<KernelObject> object = run_pipeline(module, function, options, *target, timer);
    if (!object) return std::unexpected(object.error());
    if (cache) {
        cache->store(key, object->bytes);
        timer.mark("store");
    }
    Result<std::unique_ptr<LoadedCode>> code = load_object(object->bytes, name);
    if (!code) return std::unexpected(code.error());
    timer.mark("load");
    return finish(std::move(*code), false, timer);
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
