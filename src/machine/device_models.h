// A device of the catalogue as CUDA sees it. What the catalogue's file gives is taken as it is; what the compute capability fixes
// comes from its row (architecture.h); what nobody publishes stays 0.
#pragma once

#include "machine/properties.h"

namespace anywarp::machine {

/// The device with this name or alias. Error: there is none, or it doesn't run PTX; the message lists those that do.
Result<Properties> model_properties(const std::string& name);

/// Sets everything that the compute capability fixes.
void apply_architecture(Properties& properties, int compute_major, int compute_minor);

} // namespace anywarp::machine
