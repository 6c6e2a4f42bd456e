// Every instruction up to sm_80, and every form of it in forms.def, has a program in tests/ptx-run that uses it; and a form's
// every modifier and type too. A row without a test fails the build's tests with its name: no instruction is called supported
// because nobody looked.
#include "ptx/forms.h"
#include "ptx/verify_matrix.h"
#include "ptx/tables.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <set>
#include <sstream>

using namespace anywarp::ptx;

namespace {

constexpr unsigned proven_up_to = 80; // sm_80; later instructions aren't claimed yet

struct Use {
    std::set<Opcode> opcodes;
    std::set<const Form*> forms;
    std::map<const Form*, std::set<std::pair<size_t, size_t>>> alternatives; // group, alternative
    std::set<SpecialRegister> special;
    unsigned files = 0;
};

bool names(const Instruction& in, const std::vector<FormWord>& words) {
    for (const FormWord& word : words) {
        bool found = false;
        switch (word.kind) {
        case FormWord::Kind::type: found = std::count(in.types.begin(), in.types.end(), Type(word.value)) != 0; break;
        case FormWord::Kind::space: found = in.has_space && (in.space == StateSpace(word.value) || in.second_space == StateSpace(word.value)); break;
        case FormWord::Kind::vector: found = in.vector == word.value; break;
        case FormWord::Kind::modifier: found = in.has(Modifier(word.value)); break;
        }
        if (!found) return false;
    }
    return true;
}

/// Types stand in their order: a group of types is used by the type in its own place.
bool uses(const Instruction& in, const Form& form, size_t group, size_t alternative) {
    const auto& words = form.groups[group].alternatives[alternative];
    if (words.size() != 1 || words[0].kind != FormWord::Kind::type) return names(in, words);
    size_t place = 0;
    for (size_t g = 0; g < group; g++)
        place += !form.groups[g].optional && form.groups[g].alternatives[0][0].kind == FormWord::Kind::type;
    return in.type(place) == Type(words[0].value);
}

void look(const Operand& operand, Use& use) {
    if (operand.kind == Operand::Kind::special) use.special.insert(operand.special);
    for (const Operand& element : operand.elements) look(element, use);
}

const Use& collect() {
    static const Use use = [] {
        Use use;
        std::filesystem::path folder = std::filesystem::path(__FILE__).parent_path().parent_path() / "ptx-run";
        for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
            if (entry.path().extension() != ".ptx") continue;
            std::ifstream file(entry.path());
            std::stringstream text;
            text << file.rdbuf();
            auto module = parse_module(text.str(), entry.path().filename().string());
            if (!module) continue; // the program's own test says so
            use.files++;
            for (uint32_t f = 0; f < (*module)->functions.size(); f++) {
                if ((*module)->functions[f].is_declaration) continue;
                auto body = (*module)->body(f);
                if (!body) continue;
                for (const Instruction& in : (*body)->instructions) {
                    use.opcodes.insert(in.opcode);
                    for (const Operand& operand : in.operands) look(operand, use);
                    for (const Form& form : forms(in.opcode)) {
                        if (!matches(form, in)) continue;
                        use.forms.insert(&form);
                        for (size_t g = 0; g < form.groups.size(); g++)
                            for (size_t a = 0; a < form.groups[g].alternatives.size(); a++)
                                if (uses(in, form, g, a)) use.alternatives[&form].insert({g, a});
                    }
                }
            }
        }
        return use;
    }();
    return use;
}

std::string name_of(const Form& form) { return std::string(spelling(form.opcode)) + " " + std::string(form.pattern); }

} // namespace

TEST(Forms, PatternsHoldKnownWords) {
    ASSERT_GT(forms().size(), 200u);
    for (const Form& form : forms()) EXPECT_TRUE(form.error.empty()) << name_of(form) << ": " << form.error;
}

TEST(Forms, EveryInstructionHasATest) {
    const Use& use = collect();
    ASSERT_GT(use.files, 100u);
    for (size_t o = 1; o < size_t(Opcode::count); o++) {
        const InstructionInfo& row = info(Opcode(o));
        if (row.sm_version > proven_up_to) continue;
        EXPECT_TRUE(use.opcodes.contains(Opcode(o))) << "no program in tests/ptx-run uses '" << row.name << "'";
    }
}

TEST(Forms, EveryFormHasATest) {
    const Use& use = collect();
    for (const Form& form : forms())
        if (form.sm_version <= proven_up_to) EXPECT_TRUE(use.forms.contains(&form)) << "no program in tests/ptx-run uses " << name_of(form);
}

TEST(Forms, EveryModifierAndTypeHasATest) {
    const Use& use = collect();
    unsigned missing = 0;
    for (const Form& form : forms()) {
        if (form.sm_version > proven_up_to || !use.forms.contains(&form)) continue;
        if (is_matrix_instruction(form.opcode)) continue; // every shape and type is a form; spaces and flags come with some of them
        auto found = use.alternatives.find(&form);
        auto used = found == use.alternatives.end() ? std::set<std::pair<size_t, size_t>>{} : found->second;
        for (size_t g = 0; g < form.groups.size(); g++)
            for (size_t a = 0; a < form.groups[g].alternatives.size(); a++) {
                const auto& words = form.groups[g].alternatives[a];
                if (words[0] == FormWord{FormWord::Kind::modifier, uint16_t(Modifier::cluster)} || // sm_90, as on every form
                    used.contains({g, a}))
                    continue;
                std::string text;
                for (const FormWord& word : words) text += spelling(word);
                ADD_FAILURE() << "no program in tests/ptx-run uses " << text << " of " << name_of(form);
                missing++;
            }
    }
    EXPECT_EQ(missing, 0u);
}

TEST(Forms, EverySpecialRegisterHasATest) {
    const Use& use = collect();
    for (size_t r = 1; r < size_t(SpecialRegister::count); r++)
        EXPECT_TRUE(use.special.contains(SpecialRegister(r))) << "no program in tests/ptx-run reads " << spelling(SpecialRegister(r));
}
