// See tables.h.
#include "ptx/tables.h"

#include <array>

namespace anywarp::ptx {
namespace {

constexpr InstructionInfo instruction_rows[] = {
    {"invalid", "", "", "", 0, 0, Effect::none},
#define ANYWARP_INSTRUCTION(id, name, syntax, ptx_version, sm_version, effect, section)                                          \
    {#id, name, syntax, section, ptx_version, sm_version, Effect::effect},
#include "ptx/instructions.def"
};
constexpr std::string_view modifier_rows[] = {
    "",
#define ANYWARP_MODIFIER(id, spelling) spelling,
#include "ptx/modifiers.def"
};
struct SpecialRow {
    std::string_view spelling;
    Type type;
};
constexpr SpecialRow special_rows[] = {
    {"", Type::none},
#define ANYWARP_SPECIAL_REGISTER(id, spelling, type, section) {spelling, Type::type},
#include "ptx/special_registers.def"
};
struct TypeRow {
    std::string_view spelling;
    unsigned bits;
};
constexpr TypeRow type_rows[] = {
#define ANYWARP_TYPE(name, spelling, bits) {spelling, bits},
#include "ptx/types.def"
};
constexpr std::string_view space_rows[] = {"", "reg", "sreg", "const", "global", "local", "param", "shared", "tex"};

template <class Value> using Index = std::unordered_map<std::string_view, Value>;

Index<OpcodeMatch> index_opcodes() {
    Index<OpcodeMatch> index;
    for (size_t i = 1; i < std::size(instruction_rows); i++) {
        std::string_view name = instruction_rows[i].name;
        index[name].opcode = Opcode(i);
        for (size_t dot = name.find('.'); dot != name.npos; dot = name.find('.', dot + 1)) index[name.substr(0, dot)].longer = true;
    }
    return index;
}

template <class Value, class Rows, class Spelling> Index<Value> index_rows(const Rows& rows, Spelling spelling) {
    Index<Value> index;
    for (size_t i = 1; i < std::size(rows); i++) index.emplace(spelling(rows[i]), Value(i));
    return index;
}

template <class Value> Value look_up(const Index<Value>& index, std::string_view key) {
    auto found = index.find(key);
    return found == index.end() ? Value{} : found->second;
}

} // namespace

const InstructionInfo& info(Opcode opcode) {
    return instruction_rows[size_t(opcode) < std::size(instruction_rows) ? size_t(opcode) : 0];
}
std::string_view spelling(Opcode opcode) { return info(opcode).name; }
std::string_view spelling(Modifier modifier) {
    return size_t(modifier) < std::size(modifier_rows) ? modifier_rows[size_t(modifier)] : "";
}
std::string_view spelling(SpecialRegister reg) {
    return size_t(reg) < std::size(special_rows) ? special_rows[size_t(reg)].spelling : "";
}
std::string_view spelling(Type type) { return type_rows[size_t(type)].spelling; }
std::string_view spelling(StateSpace space) { return space_rows[size_t(space)]; }
Type element_type(SpecialRegister reg) { return special_rows[size_t(reg)].type; }

unsigned bits(Type type) { return type_rows[size_t(type)].bits; }
bool is_float(Type type) {
    switch (type) {
    case Type::f16: case Type::f16x2: case Type::bf16: case Type::bf16x2: case Type::tf32: // clang-format off
    case Type::e4m3: case Type::e5m2: case Type::e4m3x2: case Type::e5m2x2: case Type::e4m3x4: case Type::e5m2x4:
    case Type::e2m1: case Type::e2m3: case Type::e3m2: case Type::e2m1x2: case Type::e2m3x2: case Type::e3m2x2:
    case Type::e2m1x4: case Type::e2m3x4: case Type::e3m2x4: case Type::ue8m0: case Type::ue4m3: case Type::ue8m0x2:
    case Type::f32: case Type::f32x2: case Type::f64: return true; // clang-format on
    default: return false;
    }
}
bool is_signed(Type type) {
    return type == Type::s2 || type == Type::s4 || type == Type::s8 || type == Type::s16 || type == Type::s32 || type == Type::s64 || type == Type::s16x2;
}
bool is_unsigned(Type type) {
    return type == Type::u2 || type == Type::u4 || type == Type::u8 || type == Type::u16 || type == Type::u32 || type == Type::u64 || type == Type::u16x2;
}
bool is_bits(Type type) {
    return type == Type::b1 || type == Type::b8 || type == Type::b16 || type == Type::b32 || type == Type::b64 || type == Type::b128;
}

OpcodeMatch find_opcode(std::string_view name) {
    static const Index<OpcodeMatch> index = index_opcodes();
    return look_up(index, name);
}
Modifier find_modifier(std::string_view spelling) {
    static const auto index = index_rows<Modifier>(modifier_rows, [](auto row) { return row; });
    return look_up(index, spelling);
}
Type find_type(std::string_view spelling) {
    static const auto index = index_rows<Type>(type_rows, [](auto row) { return row.spelling; });
    return look_up(index, spelling);
}
SpecialRegister find_special_register(std::string_view spelling) {
    static const auto index = index_rows<SpecialRegister>(special_rows, [](auto row) { return row.spelling; });
    return look_up(index, spelling);
}
StateSpace find_space(std::string_view spelling) {
    spelling = spelling.substr(0, spelling.find("::"));
    for (size_t i = 1; i < std::size(space_rows); i++)
        if (space_rows[i] == spelling) return StateSpace(i);
    return StateSpace::generic;
}

} // namespace anywarp::ptx
