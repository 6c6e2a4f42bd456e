// Where the variables of a module and the parameters and shared variables of a kernel lie in memory.
//
// Every .global and .const variable of a module gets a fixed offset in one block of device memory, the module image; code
// reaches a variable as "image base + offset", so compiled code holds no absolute address and can be cached on disk.
// Shared variables get offsets from the base of a block's shared memory; a PTX shared address IS that offset.
// The layout is deterministic: the same text gives the same offsets.
#pragma once

#include "ptx/ast.h"

namespace anywarp::ptx {

struct ImageLayout {
    std::vector<uint64_t> offsets; // per Module::variables; ~0 for those that have no place (shared, extern, tex)
    uint64_t size = 0;             // bytes
    uint64_t constants = 0;        // .const variables lie in the first so many bytes
    uint64_t align = 256;
};
ImageLayout image_layout(const Module& module);

/// The token that stands for "the address of function i" in registers and memory. It is not a code pointer: an indirect call is
/// a switch over the tokens of the functions whose address the module takes.
constexpr uint64_t function_token(uint32_t function_index) { return 0x1000 + 16ull * (function_index + 1); }

struct ParameterLayout {
    std::vector<uint32_t> offsets; // per Function::parameters, bytes from the start of the parameter buffer
    uint32_t size = 0;
};
ParameterLayout parameter_layout(const Function& function);

struct SharedLayout {
    std::unordered_map<uint32_t, uint64_t> module_variables;                    // Module::variables index -> offset
    std::unordered_map<uint64_t, uint64_t> local_variables;                     // (function index << 32 | Body::variables index)
    uint64_t static_size = 0;    // bytes of statically declared shared memory
    uint64_t dynamic_offset = 0; // where .extern .shared begins (all such variables share this address)
    uint32_t align = 16;
};
/// Shared memory of a kernel and of every function it can reach by calls. Parses the bodies it needs.
Result<SharedLayout> shared_layout(const Module& module, uint32_t entry_function);

/// The function that really stands behind index `function`: follows .alias.
uint32_t resolve_alias(const Module& module, uint32_t function);

/// Functions reachable from `function` by direct calls, and, when an indirect call is reachable, every function whose address
/// the module takes (in code or initialisers); `function` itself comes first.
Result<std::vector<uint32_t>> reachable_functions(const Module& module, uint32_t function);
/// Every function whose address is taken in the module's initialisers or in the given bodies.
Result<std::vector<uint32_t>> address_taken_functions(const Module& module, const std::vector<uint32_t>& functions);

} // namespace anywarp::ptx
