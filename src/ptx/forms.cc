// See forms.h: the patterns of forms.def as data, and matching an instruction against them.
//
// Types and state spaces are taken in the order in which they are written, modifiers in any order. A group that is optional may
// be left out, so matching tries both; patterns have few optional types, so that this never becomes a search.
#include "ptx/forms.h"

#include "ptx/tables.h"

#include <algorithm>
#include <array>

namespace anywarp::ptx {
namespace {

struct Row {
    Opcode opcode;
    std::string_view pattern;
    unsigned ptx_version, sm_version;
    std::string_view accuracy;
};
constexpr Row rows[] = {
#define ANYWARP_FORM(opcode, pattern, ptx_version, sm_version, accuracy) {Opcode::opcode, pattern, ptx_version, sm_version, accuracy},
#include "ptx/forms.def"
};

FormWord word_of(std::string_view text, std::string& error) {
    using Kind = FormWord::Kind;
    if (text == "v2" || text == "v4" || text == "v8") return {Kind::vector, uint16_t(text[1] - '0')};
    if (Type type = find_type(text); type != Type::none) return {Kind::type, uint16_t(type)};
    if (StateSpace space = find_space(text); space != StateSpace::generic && find_modifier(text) == Modifier::none)
        return {Kind::space, uint16_t(space)};
    Modifier modifier = find_modifier(text);
    if (modifier == Modifier::shared_cta || modifier == Modifier::shared_cluster) return {Kind::space, uint16_t(StateSpace::shared)};
    if (modifier == Modifier::none) error = "unknown word '" + std::string(text) + "'";
    return {Kind::modifier, uint16_t(modifier)};
}

std::vector<FormWord> alternative(std::string_view text, std::string& error) {
    std::vector<FormWord> words;
    for (size_t begin = 1; begin <= text.size();) {
        size_t end = std::min(text.find('.', begin), text.size());
        words.push_back(word_of(text.substr(begin, end - begin), error));
        begin = end + 1;
    }
    return words;
}

Form read_form(const Row& row) {
    Form form{row.opcode, row.pattern, row.accuracy, row.ptx_version, row.sm_version, {}, {}};
    std::string_view text = row.pattern;
    char close = 0;
    for (size_t at = 0; at < text.size();) {
        char c = text[at];
        if (c == ' ') {
            at++;
        } else if (c == '(' || c == '{') {
            form.groups.push_back({c == '{', {}});
            close = c == '(' ? ')' : '}';
            at++;
        } else if (c == close) {
            close = 0;
            at++;
        } else {
            size_t end = text.find_first_of(" )}", at);
            if (end == text.npos) end = text.size();
            if (!close) form.groups.push_back({});
            form.groups.back().alternatives.push_back(alternative(text.substr(at, end - at), form.error));
            at = end;
        }
    }
    return form;
}

struct Table {
    std::vector<Form> forms;
    std::array<std::pair<size_t, size_t>, size_t(Opcode::count)> of{}; // begin and end
    Table() {
        for (const Row& row : rows) forms.push_back(read_form(row));
        std::stable_sort(forms.begin(), forms.end(), [](const Form& a, const Form& b) { return a.opcode < b.opcode; });
        for (size_t i = 0; i < forms.size(); i++) {
            auto& [begin, end] = of[size_t(forms[i].opcode)];
            if (end == 0) begin = i;
            end = i + 1;
        }
    }
};
const Table& table() {
    static const Table table;
    return table;
}

bool is_refinement(Modifier m) {
    return m == Modifier::shared_cta || m == Modifier::shared_cluster || m == Modifier::param_entry || m == Modifier::param_func;
}

struct Matcher {
    const Instruction& in;
    const Form& form;

    struct State {
        size_t types = 0;    // taken
        unsigned spaces = 0; // taken
        bool vector = false;
        uint64_t modifiers = 0; // taken, by index
    };

    bool take(const FormWord& word, State& s) const {
        switch (word.kind) {
        case FormWord::Kind::type:
            if (s.types >= in.types.size() || in.types[s.types] != Type(word.value)) return false;
            s.types++;
            return true;
        case FormWord::Kind::space: {
            StateSpace next = s.spaces == 0 ? in.space : s.spaces == 1 ? in.second_space : StateSpace::generic;
            if (!in.has_space || next != StateSpace(word.value)) return false;
            s.spaces++;
            return true;
        }
        case FormWord::Kind::vector:
            if (s.vector || in.vector != word.value) return false;
            return s.vector = true;
        case FormWord::Kind::modifier:
            for (size_t i = 0; i < in.modifiers.size() && i < 64; i++)
                if (in.modifiers[i] == Modifier(word.value) && !(s.modifiers >> i & 1)) {
                    s.modifiers |= 1ull << i;
                    return true;
                }
            return false;
        }
        return false;
    }
    bool complete(const State& s) const {
        unsigned spaces = in.has_space ? in.second_space != StateSpace::generic ? 2 : 1 : 0;
        if (s.types != in.types.size() || s.spaces != spaces || s.vector != (in.vector > 1)) return false;
        for (size_t i = 0; i < in.modifiers.size(); i++)
            if (!is_refinement(in.modifiers[i]) && !(s.modifiers >> i & 1)) return false;
        return true;
    }
    bool match(size_t group, State s) const {
        if (group == form.groups.size()) return complete(s);
        for (const auto& words : form.groups[group].alternatives) {
            State next = s;
            if (std::all_of(words.begin(), words.end(), [&](const FormWord& w) { return take(w, next); }) && match(group + 1, next))
                return true;
        }
        return form.groups[group].optional && match(group + 1, s);
    }
};

} // namespace

std::span<const Form> forms() { return table().forms; }

std::span<const Form> forms(Opcode opcode) {
    auto [begin, end] = table().of[size_t(opcode)];
    return std::span(table().forms).subspan(begin, end - begin);
}

bool matches(const Form& form, const Instruction& instruction) {
    return form.opcode == instruction.opcode && Matcher{instruction, form}.match(0, {});
}

const Form* form_of(const Instruction& instruction) {
    const Form* best = nullptr;
    for (const Form& form : forms(instruction.opcode))
        if (matches(form, instruction))
            if (!best || std::pair(form.sm_version, form.ptx_version) < std::pair(best->sm_version, best->ptx_version)) best = &form;
    return best;
}

std::string spelling(const FormWord& word) {
    switch (word.kind) {
    case FormWord::Kind::type: return "." + std::string(spelling(Type(word.value)));
    case FormWord::Kind::space: return "." + std::string(spelling(StateSpace(word.value)));
    case FormWord::Kind::vector: return ".v" + std::to_string(word.value);
    case FormWord::Kind::modifier: return "." + std::string(spelling(Modifier(word.value)));
    }
    return {};
}

} // namespace anywarp::ptx
