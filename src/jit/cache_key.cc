// The object cache's key. See cache_key.h.
//
// Function bodies enter as source text, their surroundings (signatures, variables, layouts) as the parsed facts that the lowering
// uses. A variable's initial value isn't part of it, except the functions whose address it holds: code reaches variables through
// the module image, whose contents don't change the code.
#include "jit/cache_key.h"

#include "ptx/layout.h"

#include <llvm/ADT/StringRef.h>
#include <llvm/Config/llvm-config.h>
#include <llvm/Support/BLAKE3.h>

#include <cstdlib>
#include <cstring>
#include <elf.h>
#include <link.h>
#include <sys/stat.h>

namespace anywarp::jit {
namespace {

/// Each item carries its length, so that two different lists never give the same bytes.
class Hash {
public:
    Hash& add(std::string_view text) {
        add_number(text.size());
        blake_.update(llvm::StringRef(text.data(), text.size()));
        return *this;
    }
    template <class... T> Hash& add_numbers(T... values) {
        (add_number(static_cast<uint64_t>(values)), ...);
        return *this;
    }
    CacheKey result() {
        CacheKey key;
        auto bytes = blake_.final<32>();
        std::memcpy(key.data(), bytes.data(), key.size());
        return key;
    }

private:
    void add_number(uint64_t value) {
        blake_.update(llvm::ArrayRef<uint8_t>(reinterpret_cast<const uint8_t*>(&value), sizeof value));
    }
    llvm::BLAKE3 blake_;
};

void add_variable(Hash& hash, const ptx::Variable& variable) {
    hash.add(variable.name)
        .add_numbers(variable.space, variable.type, variable.vector, variable.elements, variable.is_array, variable.align,
                     variable.size, variable.linkage, variable.managed, variable.pointer);
    if (!variable.initializer) return;
    for (const auto& address : variable.initializer->addresses)
        if (address.symbol.kind == ptx::Symbol::Kind::function) hash.add_numbers(address.symbol.index);
}

void add_function(Hash& hash, const ptx::Module& module, uint32_t index) {
    const ptx::Function& function = module.functions[index];
    hash.add(function.name).add(function.alias_of);
    hash.add_numbers(index, function.is_entry, function.is_declaration, function.noreturn, function.linkage,
                     function.max_threads[0], function.max_threads[1], function.max_threads[2], function.required_threads[0],
                     function.required_threads[1], function.required_threads[2]);
    hash.add_numbers(function.parameters.size(), function.returns.size());
    for (const ptx::Variable& variable : function.parameters) add_variable(hash, variable);
    for (const ptx::Variable& variable : function.returns) add_variable(hash, variable);
    hash.add(std::string_view(module.text).substr(function.body_begin, function.body_end - function.body_begin));
}

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

struct Search {
    uintptr_t address;
    std::string path, build_id;
};

int look_at_object(dl_phdr_info* info, size_t, void* data) {
    auto& search = *static_cast<Search*>(data);
    bool ours = false;
    for (int i = 0; i < info->dlpi_phnum; ++i) {
        const ElfW(Phdr)& segment = info->dlpi_phdr[i];
        uintptr_t begin = info->dlpi_addr + segment.p_vaddr;
        if (segment.p_type == PT_LOAD && search.address >= begin && search.address < begin + segment.p_memsz) ours = true;
    }
    if (!ours) return 0;
    search.path = info->dlpi_name && *info->dlpi_name ? info->dlpi_name : "/proc/self/exe";
    for (int i = 0; i < info->dlpi_phnum; ++i) {
        const ElfW(Phdr)& segment = info->dlpi_phdr[i];
        if (segment.p_type != PT_NOTE) continue;
        const auto* at = reinterpret_cast<const uint8_t*>(info->dlpi_addr + segment.p_vaddr);
        const uint8_t* end = at + segment.p_memsz;
        while (at + sizeof(ElfW(Nhdr)) <= end) {
            const auto* note = reinterpret_cast<const ElfW(Nhdr)*>(at);
            const uint8_t* name = at + sizeof *note;
            const uint8_t* value = name + (note->n_namesz + 3) / 4 * 4;
            if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 && std::memcmp(name, "GNU", 4) == 0)
                search.build_id.assign(reinterpret_cast<const char*>(value), note->n_descsz);
            at = value + (note->n_descsz + 3) / 4 * 4;
        }
    }
    return 1;
}

} // namespace

const std::string& build_identity() {
    static const std::string identity = [] {
        Search search{reinterpret_cast<uintptr_t>(&look_at_object), {}, {}};
        dl_iterate_phdr(look_at_object, &search);
        if (!search.build_id.empty()) return search.build_id;
        struct stat status{};
        stat(search.path.c_str(), &status);
        return search.path + "|" + std::to_string(status.st_size) + "|" + std::to_string(status.st_mtim.tv_sec) + "." +
               std::to_string(status.st_mtim.tv_nsec);
    }();
    return identity;
}

Result<CacheKey> cache_key(const ptx::Module& module, uint32_t function, const CompileOptions& options, const Target& target) {
    Hash hash;
    hash.add("anywarp object").add(build_identity()).add(LLVM_VERSION_STRING).add(target.key());
    hash.add_numbers(kernel_abi_version, options.block_dim[0], options.block_dim[1], options.block_dim[2], options.width,
                     options.statistics, options.optimize);
    hash.add(environment("ANYWARP_WIDTH"));

    hash.add_numbers(module.version_major, module.version_minor, module.target_sm, module.address_size);
    hash.add(module.target);
    ptx::ImageLayout image = ptx::image_layout(module);
    hash.add_numbers(module.variables.size());
    for (size_t i = 0; i < module.variables.size(); ++i) {
        add_variable(hash, module.variables[i]);
        hash.add_numbers(i < image.offsets.size() ? image.offsets[i] : ~0ull);
    }
    Result<std::vector<uint32_t>> functions = ptx::reachable_functions(module, function);
    if (!functions) return std::unexpected(functions.error());
    for (uint32_t index : *functions) add_function(hash, module, index);
    return hash.result();
}

} // namespace anywarp::jit
