// What the oracle's texture and surface instructions share.
#pragma once

#include "oracle/interpreter.h"
#include "ptx/texture_descriptor.h"
#include "ptx/texture_operands.h"

namespace anywarp::oracle {

/// The handle that an operand names: a register's value, a kernel parameter's, or what a reference variable is bound to.
uint64_t texture_handle(Thread& thread, const Operand& operand);
/// The structure that a handle leads to; an illegal_address fault when its magic word is another.
AnywarpTexture read_texture(Thread& thread, uint64_t handle, uint32_t magic);
AnywarpSampler read_sampler(Thread& thread, uint64_t handle);
/// Element `i` of a coordinate vector, gradient or offset.
uint64_t read_element(Thread& thread, const Operand& operand, unsigned i, Type type);

} // namespace anywarp::oracle
