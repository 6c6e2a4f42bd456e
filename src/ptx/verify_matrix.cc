// See verify_matrix.h. Shapes, types and layouts have been checked against forms.def when this runs.
#include "ptx/verify_matrix.h"

#include "ptx/matrix.h"

namespace anywarp::ptx {
namespace {

std::string name(const Instruction& in) { return "'" + std::string(spelling(in.opcode)) + "'"; }
std::string name(Type type) { return "." + std::string(spelling(type)); }

class MatrixVerifier {
public:
    MatrixVerifier(const Body& body, const Instruction& in, const Report& report) : body_(body), in_(in), report_(report) {}

    void check_vector(const Operand& o, unsigned registers, Type type, const std::string& what) {
        bool single = o.kind == Operand::Kind::reg && registers == 1 && in_.opcode == Opcode::movmatrix;
        unsigned given = o.kind == Operand::Kind::vector ? unsigned(o.elements.size()) : 0;
        if (!single && given != registers)
            return report_(o.where, what + " of " + name(in_) + " is a vector of " + std::to_string(registers) +
                                        (registers == 1 ? " register" : " registers") + (given ? ", not " + std::to_string(given) : ""));
        if (single) return check_register(o, type);
        for (const Operand& element : o.elements) check_register(element, type);
    }

    void check_register(const Operand& o, Type type) {
        if (o.kind != Operand::Kind::reg) return;
        const Register& r = body_.registers[o.reg];
        bool rows = in_.opcode == Opcode::ldmatrix || in_.opcode == Opcode::stmatrix || in_.opcode == Opcode::movmatrix;
        if (rows && r.type == Type::f32) return; // ptxas takes these here, unlike in a product
        bool whole = is_bits(type) ? !is_float(r.type) || bits(r.type) == 32 : is_bits(r.type) || r.type == type;
        if (is_bits(type) && r.type == Type::f32) whole = false;
        if (r.type == Type::pred || bits(r.type) != bits(type) || !whole)
            report_(o.where, "'" + r.name + "' is " + name(r.type) + ", " + name(in_) + " needs " + name(type));
    }

    void check_address(const Operand& o) {
        if (o.kind != Operand::Kind::address) return report_(o.where, name(in_) + " needs an address in brackets");
        if (!o.address_has_register) return;
        const Register& r = body_.registers[o.reg];
        if ((bits(r.type) != 32 && bits(r.type) != 64) || is_float(r.type))
            report_(o.where, "'" + r.name + "' is " + name(r.type) + ", an address needs a 32-bit or 64-bit integer");
    }

    void check_stride(size_t index) {
        if (index < in_.operands.size() && in_.operands[index].kind == Operand::Kind::reg) check_register(in_.operands[index], Type::b32);
    }

    void check_product() {
        std::optional<MatrixOperation> o = matrix_operation(in_);
        if (!o) return report_(in_.where, name(in_) + " needs a shape and its types");
        // The forms name modifiers without their order: which of two layouts is A's is known only here.
        bool only_row_col = o->wmma ? bits(o->a) < 8 : !o->quad_pairs();
        if (only_row_col && (!o->a_row || o->b_row)) report_(in_.where, name(in_) + " of this shape needs A by rows and B by columns");
        const char* what[] = {"D", "A", "B", "C"};
        Fragment order[] = {Fragment::d, Fragment::a, Fragment::b, Fragment::c};
        for (unsigned i = 0; i < 4; ++i)
            check_vector(in_.operands[i], fragment_registers(*o, order[i]), fragment_register_type(o->element(order[i])), what[i]);
        if (!o->sparse) return;
        check_register(in_.operands[4], Type::b32);
        const Operand& selector = in_.operands[5];
        if (selector.kind != Operand::Kind::immediate) return report_(selector.where, "the sparsity selector must be a constant");
        // A nibble per chunk of 4 elements (pairs of s4, halves of tf32); groups of lanes of a quad can bring what a product needs.
        unsigned nibbles = o->k * bits(o->a) / (bits(o->a) == 4 ? 32 : bits(o->a) == 8 ? 32 : 64);
        unsigned groups = 16 / nibbles;
        if (selector.bits >= groups)
            report_(selector.where, "the sparsity selector is " + std::to_string(int64_t(selector.bits)) + ", " + name(in_) +
                                        " of this shape allows 0 to " + std::to_string(groups - 1));
    }

    void check() {
        switch (in_.opcode) {
        case Opcode::wmma_mma:
        case Opcode::mma:
        case Opcode::mma_sp:
        case Opcode::mma_sp_ordered_metadata: return check_product();
        case Opcode::wmma_load:
        case Opcode::wmma_store: {
            Fragment f = Fragment::d;
            std::optional<MatrixOperation> o = fragment_operation(in_, f);
            if (!o) return report_(in_.where, name(in_) + " needs a shape and a type");
            bool stores = in_.opcode == Opcode::wmma_store;
            check_vector(in_.operands[stores ? 1 : 0], fragment_registers(*o, f), fragment_register_type(o->element(f)), "the fragment");
            check_address(in_.operands[stores ? 0 : 1]);
            return check_stride(2);
        }
        case Opcode::ldmatrix:
        case Opcode::stmatrix: {
            if (in_.type() != Type::b16 || !in_.has(Modifier::m8n8)) return; // forms of sm_100, reported by the lowering
            unsigned count = in_.has(Modifier::x4) ? 4 : in_.has(Modifier::x2) ? 2 : 1;
            bool stores = in_.opcode == Opcode::stmatrix;
            check_vector(in_.operands[stores ? 1 : 0], count, Type::b32, stores ? "the source" : "the destination");
            return check_address(in_.operands[stores ? 0 : 1]);
        }
        default:
            check_vector(in_.operands[0], 1, Type::b32, "the destination");
            check_vector(in_.operands[1], 1, Type::b32, "the source");
        }
    }

private:
    const Body& body_;
    const Instruction& in_;
    const Report& report_;
};

} // namespace

bool is_matrix_instruction(Opcode opcode) {
    switch (opcode) {
    case Opcode::wmma_load:
    case Opcode::wmma_store:
    case Opcode::wmma_mma:
    case Opcode::mma:
    case Opcode::mma_sp:
    case Opcode::mma_sp_ordered_metadata:
    case Opcode::ldmatrix:
    case Opcode::stmatrix:
    case Opcode::movmatrix: return true;
    default: return false;
    }
}

void verify_matrix(const Body& body, const Instruction& instruction, const Report& report) {
    MatrixVerifier(body, instruction, report).check();
}

} // namespace anywarp::ptx
