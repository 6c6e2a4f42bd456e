// mov, cvta, isspacep, ld, st, cp.async: addresses, alignment and what a kernel may touch.
//
// PTX ISA 9.0, 9.7.9. A generic, global, const, local or param address is a host address; a shared address is an offset from
// the block's shared memory.
#include "oracle/interpreter.h"

namespace anywarp::oracle {

namespace {

bool in_image(const Grid& grid, const uint8_t* p, uint64_t size) {
    const uint8_t* image = grid.launch.image;
    return image && p >= image && p + size <= image + grid.image_layout.size;
}

bool in_const(const Grid& grid, const uint8_t* p) {
    if (!in_image(grid, p, 1)) return false;
    uint64_t offset = uint64_t(p - grid.launch.image);
    for (size_t i = 0; i < grid.module.variables.size(); ++i) {
        const ptx::Variable& v = grid.module.variables[i];
        if (v.space == StateSpace::const_ && offset >= grid.image_layout.offsets[i] &&
            offset < grid.image_layout.offsets[i] + v.size)
            return true;
    }
    return false;
}

bool in_frames(const Thread& thread, const uint8_t* p, uint64_t size) {
    for (const auto& frame : thread.frames) {
        if (frame->memory.holds(p, size)) return true;
        for (const Buffer& b : frame->allocas)
            if (b.holds(p, size)) return true;
    }
    return false;
}

bool in_params(const Grid& grid, const uint8_t* p, uint64_t size) {
    const uint8_t* params = grid.launch.params;
    return params && p >= params && p + size <= params + grid.parameter_layout.size;
}

bool may_touch(const Thread& thread, const uint8_t* p, uint64_t size) {
    Grid& grid = thread.grid();
    if (uint64_t(p) < 4096 || uint64_t(p) + size < uint64_t(p)) return false;
    if (!grid.launch.ranges) return true;
    for (const Range& r : *grid.launch.ranges) {
        const uint8_t* begin = static_cast<const uint8_t*>(r.begin);
        if (p >= begin && size <= r.size && uint64_t(p - begin) <= r.size - size) return true;
    }
    if (in_image(grid, p, size) || thread.block->shared.holds(p, size) || in_params(grid, p, size)) return true;
    if (in_frames(thread, p, size)) return true;
    for (const auto& [address, buffer] : grid.heap)
        if (buffer->holds(p, size)) return true;
    return false;
}

} // namespace

uint64_t effective_address(Thread& thread, const Operand& operand, StateSpace* space) {
    if (operand.kind == Operand::Kind::reg || operand.kind == Operand::Kind::immediate) return read(thread, operand, Type::b64);
    if (operand.kind != Operand::Kind::address && operand.kind != Operand::Kind::symbol)
        throw Fault{{ErrorKind::internal, ErrorCode::unknown, "operand is no address"}};
    if (operand.symbol.kind != ptx::Symbol::Kind::none) {
        StateSpace found = StateSpace::generic;
        uint64_t base = symbol_address(thread, operand.symbol, &found);
        if (space && *space == StateSpace::generic) *space = found;
        return base + uint64_t(operand.offset);
    }
    if (!operand.address_has_register && operand.reg == ptx::no_index) return operand.bits + uint64_t(operand.offset);
    Frame& frame = thread.frame();
    unsigned bits = ptx::bits(frame.body->registers.at(operand.reg).type);
    uint64_t base = uint64_t(frame.registers[frame.code->slots[operand.reg] + (operand.component > 0 ? operand.component : 0)]);
    return low_bits((operand.minus ? -base : base) + uint64_t(operand.offset), bits < 32 ? 32 : bits);
}

uint8_t* locate(Thread& thread, StateSpace space, uint64_t address, uint64_t size, uint64_t align) {
    char text[64];
    if (address % align) {
        std::snprintf(text, sizeof text, "address 0x%llx isn't a multiple of %llu", (unsigned long long)address,
                      (unsigned long long)align);
        fault(thread, ErrorCode::misaligned_address, text);
    }
    if (space == StateSpace::shared) {
        if (address + size > thread.grid().shared_size || address + size < address) {
            std::snprintf(text, sizeof text, "shared address 0x%llx of %llu bytes", (unsigned long long)address,
                          (unsigned long long)thread.grid().shared_size);
            fault(thread, ErrorCode::illegal_address, text);
        }
        return thread.block->shared.data() + address;
    }
    uint8_t* p = reinterpret_cast<uint8_t*>(address);
    if (space == StateSpace::param && address >= 4096) return p;
    if (!may_touch(thread, p, size)) {
        std::snprintf(text, sizeof text, "address 0x%llx", (unsigned long long)address);
        fault(thread, ErrorCode::illegal_address, text);
    }
    return p;
}

Flow execute_load(Thread& thread, const Instruction& instruction) {
    const auto& o = instruction.operands;
    Type type = instruction.type();
    StateSpace space = instruction.space;
    uint64_t address = effective_address(thread, o.at(1), &space);
    unsigned size = ptx::bytes(type), n = instruction.vector;
    const uint8_t* p = locate(thread, space, address, uint64_t(size) * n, uint64_t(size) * n);
    // Read everything first: a destination may be the address register.
    u128 values[8] = {};
    for (unsigned i = 0; i < n; ++i) std::memcpy(&values[i], p + i * size, size);
    auto put = [&](const Operand& element, u128 value) {
        if (size == 16)
            write_wide(thread, element, value);
        else
            write(thread, element, type, uint64_t(value));
    };
    for (unsigned i = 0; i < n; ++i) {
        if (o[0].kind == Operand::Kind::vector) {
            put(o[0].elements.at(i), values[i]);
        } else if (n == 1) {
            put(o[0], values[i]);
        } else { // a vector register
            Operand element = o[0];
            element.component = int8_t(i);
            put(element, values[i]);
        }
    }
    return Flow::next;
}

Flow execute_store(Thread& thread, const Instruction& instruction) {
    const auto& o = instruction.operands;
    Type type = instruction.type();
    StateSpace space = instruction.space;
    uint64_t address = effective_address(thread, o.at(0), &space);
    unsigned size = ptx::bytes(type), n = instruction.vector;
    uint8_t* p = locate(thread, space, address, uint64_t(size) * n, uint64_t(size) * n);
    for (unsigned i = 0; i < n; ++i) {
        u128 value;
        if (n == 1)
            value = read_wide(thread, o.at(1), type);
        else if (o.at(1).kind == Operand::Kind::vector)
            value = read_wide(thread, o[1].elements.at(i), type);
        else {
            Operand element = o[1];
            element.component = int8_t(i);
            value = read_wide(thread, element, type);
        }
        std::memcpy(p + i * size, &value, size);
    }
    return Flow::next;
}

Flow execute_move(Thread& thread, const Instruction& instruction) {
    const auto& o = instruction.operands;
    Type type = instruction.type();
    uint64_t shared = uint64_t(thread.block->shared.data());
    switch (instruction.opcode) {
    case Opcode::mov: {
        if (type == Type::pred) {
            write_predicate(thread, o[0], read_predicate(thread, o.at(1)));
            return Flow::next;
        }
        if (instruction.vector > 1) {
            std::vector<u128> values; // all are read before one is written: {a, b} = {b, a}
            for (unsigned i = 0; i < instruction.vector; ++i) {
                Operand s = o[1].kind == Operand::Kind::vector ? o[1].elements.at(i) : o[1];
                if (o[1].kind != Operand::Kind::vector) s.component = int8_t(i);
                values.push_back(read_wide(thread, s, type));
            }
            for (unsigned i = 0; i < instruction.vector; ++i) {
                Operand d = o[0].kind == Operand::Kind::vector ? o[0].elements.at(i) : o[0];
                if (o[0].kind != Operand::Kind::vector) d.component = int8_t(i);
                write_wide(thread, d, values[i]);
            }
            return Flow::next;
        }
        u128 value = read_wide(thread, o.at(1), type);
        if (o[0].kind == Operand::Kind::vector) { // unpack: element 0 gets the low bits
            unsigned part = ptx::bits(type) / unsigned(o[0].elements.size());
            for (const Operand& element : o[0].elements) {
                write_wide(thread, element, value & ((u128(1) << part) - 1));
                value >>= part;
            }
            return Flow::next;
        }
        if (ptx::bits(type) == 128)
            write_wide(thread, o[0], value);
        else
            write(thread, o[0], type, uint64_t(value));
        return Flow::next;
    }
    case Opcode::cvta: {
        uint64_t a = read(thread, o.at(1), type);
        if (instruction.space == StateSpace::shared) a = instruction.has(Modifier::to) ? a - shared : a + shared;
        write(thread, o[0], type, a);
        return Flow::next;
    }
    case Opcode::isspacep: {
        const uint8_t* p = reinterpret_cast<const uint8_t*>(read(thread, o.at(1), Type::b64));
        bool is_shared = thread.block->shared.holds(p, 1), is_local = in_frames(thread, p, 1),
             is_const = in_const(thread.grid(), p), is_param = in_params(thread.grid(), p, 1), r = false;
        switch (instruction.space) {
        case StateSpace::shared:
            r = is_shared;
            break;
        case StateSpace::local:
            r = is_local;
            break;
        case StateSpace::const_:
            r = is_const;
            break;
        case StateSpace::param:
            r = is_param;
            break;
        case StateSpace::global:
            r = !is_shared && !is_local && !is_const; // a kernel's parameters are in the global window, too
            break;
        default:
            refuse(thread, instruction);
        }
        write_predicate(thread, o[0], r);
        return Flow::next;
    }
    case Opcode::mapa: // clusters of one block: every address is its own
        write(thread, o[0], type, read(thread, o.at(1), type));
        return Flow::next;
    case Opcode::createpolicy: // opaque, and nothing here depends on it
        write(thread, o[0], Type::b64, 0);
        return Flow::next;
    case Opcode::getctarank:
        write(thread, o[0], Type::u32, 0);
        return Flow::next;
    default:
        refuse(thread, instruction);
    }
}

Flow execute_copy(Thread& thread, const Instruction& instruction) {
    const auto& o = instruction.operands;
    uint64_t size = read(thread, o.at(2), Type::u32), taken = size;
    size_t count = o.size() - (instruction.has(Modifier::L2_cache_hint) ? 1 : 0);
    if (count > 3) {
        bool predicate = o[3].kind == Operand::Kind::reg && thread.frame().body->registers[o[3].reg].type == Type::pred;
        if (predicate)
            taken = read_predicate(thread, o[3]) ? 0 : size;
        else
            taken = read(thread, o[3], Type::u32);
        if (taken > size) taken = size;
    }
    StateSpace to = StateSpace::shared, from = StateSpace::global;
    uint8_t* d = locate(thread, to, effective_address(thread, o[0], &to), size, size);
    uint8_t bytes[16] = {};
    uint64_t source = effective_address(thread, o.at(1), &from);
    if (taken) std::memcpy(bytes, locate(thread, from, source, taken, size), taken);
    std::memcpy(d, bytes, size);
    return Flow::next;
}

} // namespace anywarp::oracle
