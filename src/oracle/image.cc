// The initial contents of a module's variables: bytes, and the addresses that initialisers hold.
//
// PTX ISA 9.0, 5.4.4. The address of a function is its token (ptx::function_token).
#include "oracle/oracle.h"

#include <cstring>

namespace anywarp::oracle {

Result<void> initialize_image(const ptx::Module& module, uint8_t* image) {
    ptx::ImageLayout layout = ptx::image_layout(module);
    std::memset(image, 0, layout.size);
    for (size_t i = 0; i < module.variables.size(); ++i) {
        const ptx::Variable& variable = module.variables[i];
        if (layout.offsets[i] == ~0ull || !variable.initializer) continue;
        uint8_t* place = image + layout.offsets[i];
        const ptx::Initializer& initial = *variable.initializer;
        if (initial.bytes.size() > variable.size)
            return user_error(ErrorCode::invalid_ptx, "initialiser of '" + variable.name + "' is larger than the variable");
        std::memcpy(place, initial.bytes.data(), initial.bytes.size());
        for (const auto& address : initial.addresses) {
            uint64_t value = 0;
            if (address.symbol.kind == ptx::Symbol::Kind::function) {
                value = ptx::function_token(ptx::resolve_alias(module, address.symbol.index));
            } else if (address.symbol.kind == ptx::Symbol::Kind::module_variable &&
                       layout.offsets.at(address.symbol.index) != ~0ull) {
                value = uint64_t(image) + layout.offsets[address.symbol.index];
            } else {
                return unsupported("initialiser of '" + variable.name + "' with the address of a shared or external variable");
            }
            value = (value + uint64_t(address.addend)) >> address.shift;
            if (address.offset + address.size > variable.size)
                return user_error(ErrorCode::invalid_ptx, "initialiser of '" + variable.name + "' is larger than the variable");
            std::memcpy(place + address.offset, &value, address.size);
        }
    }
    return {};
}

} // namespace anywarp::oracle
