// Reading and writing operands: registers, immediates, addresses of variables, special registers.
//
// PTX ISA 9.0, 6.4 (operands), 9.4.1 (operand size exceeding instruction-type size), 10 (special registers).
#include "oracle/interpreter.h"

#include <bit>
#include <chrono>

namespace anywarp::oracle {

namespace {

u128 mask_wide(u128 value, unsigned bits) { return bits >= 128 ? value : value & ((u128(1) << bits) - 1); }

u128& slot(Thread& thread, const Operand& operand) {
    Frame& frame = thread.frame();
    uint32_t component = operand.component > 0 ? uint32_t(operand.component) : 0;
    if (operand.reg >= frame.body->registers.size() || component >= frame.body->registers[operand.reg].vector)
        throw Fault{{ErrorKind::internal, ErrorCode::unknown, "operand names no register"}};
    return frame.registers[frame.code->slots[operand.reg] + component];
}

uint64_t immediate_float(double value, Type type) {
    if (ptx::bits(type) == 64) return std::bit_cast<uint64_t>(value);
    if (ptx::bits(type) == 32) return std::bit_cast<uint32_t>(float(value));
    return from_double(value, type == Type::bf16 ? format_bf16 : format_f16);
}

} // namespace

u128 read_wide(Thread& thread, const Operand& operand, Type type) {
    unsigned bits = type == Type::none ? 64 : ptx::bits(type);
    switch (operand.kind) {
    case Operand::Kind::reg: {
        u128 value = slot(thread, operand);
        if (operand.negated) value = !value;
        if (operand.minus) value = -value;
        return mask_wide(value, bits);
    }
    case Operand::Kind::immediate:
        return mask_wide(u128(s128(int64_t(operand.bits))), bits);
    case Operand::Kind::immediate_float:
        return mask_wide(immediate_float(std::bit_cast<double>(operand.bits), type), bits);
    case Operand::Kind::symbol:
        return mask_wide(symbol_address(thread, operand.symbol) + operand.offset, bits);
    case Operand::Kind::special:
        return mask_wide(special_register(thread, operand), bits);
    case Operand::Kind::vector: { // packed: element 0 in the low bits
        u128 value = 0;
        size_t n = operand.elements.size();
        unsigned part = bits / unsigned(n ? n : 1);
        for (size_t k = n; k-- > 0;) value = (value << part) | mask_wide(read_wide(thread, operand.elements[k], type), part);
        return value;
    }
    case Operand::Kind::pair:
        return read_wide(thread, operand.elements.at(0), type);
    default:
        throw Fault{{ErrorKind::internal, ErrorCode::unknown, "operand can't be read"}};
    }
}

uint64_t read(Thread& thread, const Operand& operand, Type type) {
    // Nearly all operands: the same as below, without 128 bits.
    if (operand.kind == Operand::Kind::reg && !operand.negated && !operand.minus && type != Type::none)
        return low_bits(uint64_t(slot(thread, operand)), ptx::bits(type));
    return uint64_t(read_wide(thread, operand, type));
}

bool read_predicate(Thread& thread, const Operand& operand) {
    if (operand.kind == Operand::Kind::reg) return (slot(thread, operand) != 0) != operand.negated;
    if (operand.kind == Operand::Kind::special) return special_register(thread, operand) != 0;
    return (operand.bits != 0) != operand.negated;
}

void write_wide(Thread& thread, const Operand& operand, u128 value) {
    switch (operand.kind) {
    case Operand::Kind::sink:
    case Operand::Kind::none:
        return;
    case Operand::Kind::reg: {
        unsigned bits = ptx::bits(thread.frame().body->registers[operand.reg].type);
        slot(thread, operand) = mask_wide(value, bits);
        return;
    }
    case Operand::Kind::pair:
        return write_wide(thread, operand.elements.at(0), value);
    default:
        throw Fault{{ErrorKind::internal, ErrorCode::unknown, "operand can't be written"}};
    }
}

void write(Thread& thread, const Operand& operand, Type type, uint64_t value) {
    unsigned bits = ptx::bits(type);
    if (operand.kind == Operand::Kind::reg) { // nearly all: the same as below, without 128 bits
        unsigned to = ptx::bits(thread.frame().body->registers[operand.reg].type);
        if (to <= 64) {
            slot(thread, operand) = low_bits(ptx::is_signed(type) ? uint64_t(sign_extend(value, bits)) : low_bits(value, bits), to);
            return;
        }
    }
    if (ptx::is_signed(type))
        write_wide(thread, operand, u128(s128(sign_extend(value, bits))));
    else
        write_wide(thread, operand, low_bits(value, bits));
}

void write_predicate(Thread& thread, const Operand& operand, bool value) { write_wide(thread, operand, value); }

const Operand& first_of(const Operand& operand) { return operand.kind == Operand::Kind::pair ? operand.elements.at(0) : operand; }
const Operand* second_of(const Operand& operand) {
    return operand.kind == Operand::Kind::pair && operand.elements.size() > 1 ? &operand.elements[1] : nullptr;
}

uint64_t symbol_address(Thread& thread, const ptx::Symbol& symbol, StateSpace* space) {
    Grid& grid = thread.grid();
    Frame& frame = thread.frame();
    StateSpace found = StateSpace::generic;
    uint64_t address = 0;
    switch (symbol.kind) {
    case ptx::Symbol::Kind::module_variable: {
        const ptx::Variable& variable = grid.module.variables.at(symbol.index);
        found = variable.space;
        if (found == StateSpace::shared) {
            auto place = grid.shared_layout.module_variables.find(symbol.index);
            address = place == grid.shared_layout.module_variables.end() ? grid.shared_layout.dynamic_offset : place->second;
        } else {
            uint64_t offset = grid.image_layout.offsets.at(symbol.index);
            if (offset == ~0ull || !grid.launch.image)
                fault(thread, ErrorCode::symbol_not_found, "variable '" + variable.name + "' has no place in memory");
            address = uint64_t(grid.launch.image) + offset;
        }
        break;
    }
    case ptx::Symbol::Kind::local_variable: {
        found = frame.body->variables.at(symbol.index).space;
        if (found == StateSpace::shared) {
            auto place = grid.shared_layout.local_variables.find(uint64_t(frame.function) << 32 | symbol.index);
            address = place == grid.shared_layout.local_variables.end() ? grid.shared_layout.dynamic_offset : place->second;
        } else {
            address = uint64_t(frame.variables.at(symbol.index));
        }
        break;
    }
    case ptx::Symbol::Kind::parameter:
        found = StateSpace::param;
        address = uint64_t(frame.parameters.at(symbol.index));
        break;
    case ptx::Symbol::Kind::return_parameter:
        found = StateSpace::param;
        address = uint64_t(frame.returns.at(symbol.index));
        break;
    case ptx::Symbol::Kind::function:
        address = ptx::function_token(ptx::resolve_alias(thread.grid().module, symbol.index));
        break;
    default:
        throw Fault{{ErrorKind::internal, ErrorCode::unknown, "unresolved symbol"}};
    }
    if (space) *space = found;
    return address;
}

uint64_t special_register(Thread& thread, const Operand& operand) {
    using S = ptx::SpecialRegister;
    const Block& block = *thread.block;
    const Launch& launch = block.grid->launch;
    unsigned c = operand.component < 0 ? 0 : unsigned(operand.component);
    auto element = [&](const uint32_t* v) -> uint64_t { return c < 3 ? v[c] : 0; };
    auto nanoseconds = [] {
        return uint64_t(
            std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count());
    };
    uint32_t lane = thread.lane();
    switch (operand.special) {
    case S::tid:
        return element(thread.tid);
    case S::ntid:
        return element(launch.block);
    case S::ctaid:
    case S::clusterid:
        return element(block.ctaid);
    case S::nctaid:
    case S::nclusterid:
        return element(launch.grid);
    case S::laneid:
        return lane;
    case S::warpid:
        return thread.warp();
    case S::nwarpid:
        return (block.threads.size() + 31) / 32;
    case S::smid:
        return 0;
    case S::nsmid:
        return 1;
    case S::gridid:
        return 1;
    case S::is_explicit_cluster:
        return 0;
    case S::cluster_ctaid:
    case S::cluster_ctarank:
        return 0;
    case S::cluster_nctaid:
        return c < 3 ? 1 : 0;
    case S::cluster_nctarank:
        return 1;
    case S::lanemask_eq:
        return 1u << lane;
    case S::lanemask_lt:
        return (1u << lane) - 1;
    case S::lanemask_le:
        return (2ull << lane) - 1;
    case S::lanemask_gt:
        return uint32_t(~((2ull << lane) - 1));
    case S::lanemask_ge:
        return uint32_t(~((1ull << lane) - 1));
    case S::clock:
        return uint32_t(block.grid->outcome.instructions);
    case S::clock_hi:
        return block.grid->outcome.instructions >> 32;
    case S::clock64:
        return block.grid->outcome.instructions;
    case S::globaltimer:
        return nanoseconds();
    case S::globaltimer_lo:
        return uint32_t(nanoseconds());
    case S::globaltimer_hi:
        return nanoseconds() >> 32;
    case S::total_smem_size:
    case S::aggr_smem_size:
        return block.grid->shared_size;
    case S::dynamic_smem_size:
        return launch.dynamic_shared;
    default:
        return 0; // %pm, %envreg, %reserved_smem_*, %current_graph_exec: nothing counts, nothing is reserved
    }
}

} // namespace anywarp::oracle
