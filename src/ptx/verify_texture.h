// The verifier's part for textures and surfaces; called by verify() for each such instruction.
#pragma once

#include "ptx/ast.h"

#include <functional>

namespace anywarp::ptx {

using Report = std::function<void(SourceLocation, std::string)>;
void verify_texture(const Module& module, const Function& function, const Body& body, const Instruction& instruction,
                    const Report& report);

} // namespace anywarp::ptx
