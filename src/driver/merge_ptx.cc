// See merge_ptx.h. PTX has an object format's notions in its text (.extern, .visible, .weak), so that linking is editing:
// the first unit's header stays; of the others .version, .target and .address_size go; a declaration goes where another unit
// holds the definition, and of several .weak definitions the first stays. The highest .version and .target are kept. Names that
// are a unit's own (static in C++) get its number behind them where another unit has the same.

#include "driver/merge_ptx.h"
#include "driver/format.h"

#include "ptx/ast.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <memory>
#include <set>

namespace anywarp::driver {
namespace {

/// One statement at module scope: from its first character to the one behind its end (';', '}' or the end of a line directive).
struct Statement {
    size_t begin = 0, end = 0;
    std::string text;
};

/// Cut a unit into its statements; comments before a statement belong to it. Braces nest; strings are skipped.
std::vector<Statement> split(const std::string& text) {
    std::vector<Statement> statements;
    size_t begin = 0, depth = 0;
    bool assigned = false;
    auto finish = [&](size_t end) {
        statements.push_back({begin, end, text.substr(begin, end - begin)});
        begin = end;
        assigned = false;
    };
    auto line_directive = [&](size_t at) {
        for (const char* name : {".version", ".target", ".address_size", ".file", ".loc"})
            if (text.compare(at, std::char_traits<char>::length(name), name) == 0) return true;
        return false;
    };
    for (size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '/' && i + 1 < text.size() && text[i + 1] == '/') {
            i = std::min(text.find('\n', i), text.size());
        } else if (c == '/' && i + 1 < text.size() && text[i + 1] == '*') {
            size_t end = text.find("*/", i + 2);
            i = end == std::string::npos ? text.size() : end + 1;
        } else if (c == '"') {
            for (++i; i < text.size() && text[i] != '"'; ++i)
                if (text[i] == '\\') ++i;
        } else if (c == '.' && depth == 0 && line_directive(i)) {
            size_t end = std::min(text.find('\n', i), text.size());
            i = end;
            finish(end);
        } else if (c == '=' && depth == 0) {
            assigned = true; // a brace now opens an initialiser, which a ';' ends
        } else if (c == '{') {
            ++depth;
        } else if (c == '}') {
            if (depth > 0) --depth;
            if (depth == 0 && !assigned) finish(i + 1);
        } else if (c == ';' && depth == 0) {
            finish(i + 1);
        }
    }
    return statements;
}

/// `text` with other names in it, whole ones only; strings and comments don't matter.
std::string rename(const std::string& text, const std::map<std::string, std::string>& names) {
    auto part_of_name = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '$' || c == '%' || c == '.'; };
    std::string result;
    for (size_t at = 0; at < text.size();) {
        size_t end = at;
        while (end < text.size() && part_of_name(text[end])) ++end;
        auto found = end > at ? names.find(text.substr(at, end - at)) : names.end();
        end = std::max(end, at + 1);
        if (found != names.end())
            result += found->second;
        else
            result.append(text, at, end - at);
        at = end;
    }
    return result;
}

/// The units, in which a name at module scope that one of them keeps for itself means nothing in another. The first to have it keeps
/// it where it can, as the host may ask for it.
Result<std::vector<std::string>> with_names_apart(const std::vector<std::string>& units) {
    std::vector<std::set<std::string>> own(units.size());
    std::set<std::string> taken; // at first: by names that units share
    for (size_t i = 0; i < units.size(); ++i) {
        auto module = ptx::parse_module(units[i], format("<unit {}>", i));
        if (!module) return std::unexpected(module.error());
        auto note = [&](const std::string& name, ptx::Linkage linkage, bool declaration) {
            if (linkage == ptx::Linkage::internal && !declaration)
                own[i].insert(name);
            else
                taken.insert(name);
        };
        for (const ptx::Function& f : (*module)->functions) note(f.name, f.is_entry ? ptx::Linkage::visible : f.linkage, f.is_declaration);
        for (const ptx::Variable& v : (*module)->variables) note(v.name, v.linkage, false);
    }
    std::vector<std::string> result;
    for (size_t i = 0; i < units.size(); ++i) {
        std::map<std::string, std::string> renamed;
        for (const std::string& name : own[i])
            if (!taken.insert(name).second) renamed[name] = format("{}$unit{}", name, i);
        result.push_back(renamed.empty() ? units[i] : rename(units[i], renamed));
    }
    return result;
}

} // namespace

Result<std::string> merge_ptx(const std::vector<std::string>& given) {
    auto apart = with_names_apart(given);
    if (!apart) return std::unexpected(apart.error());
    const std::vector<std::string>& units = *apart;
    // The parser tells which module-scope names each unit defines, and where.
    struct Name {
        size_t unit;
        bool weak;
    };
    std::map<std::string, Name> defined; // the definition that stays
    std::vector<std::unique_ptr<ptx::Module>> modules;
    unsigned major = 0, minor = 0, sm = 0;
    std::string target;
    for (size_t i = 0; i < units.size(); ++i) {
        auto module = ptx::parse_module(units[i], format("<unit {}>", i));
        if (!module) return std::unexpected(module.error());
        auto& m = **module;
        if (std::pair(m.version_major, m.version_minor) > std::pair(major, minor))
            major = m.version_major, minor = m.version_minor;
        if (m.target_sm > sm) sm = m.target_sm, target = m.target;
        auto note = [&](const std::string& name, ptx::Linkage linkage, bool declaration) {
            if (declaration || linkage == ptx::Linkage::internal || linkage == ptx::Linkage::extern_) return;
            bool weak = linkage == ptx::Linkage::weak || linkage == ptx::Linkage::common;
            auto [at, added] = defined.try_emplace(name, Name{i, weak});
            if (!added && at->second.weak && !weak) at->second = {i, false};
        };
        for (const ptx::Function& f : m.functions) note(f.name, f.linkage, f.is_declaration);
        for (const ptx::Variable& v : m.variables) note(v.name, v.linkage, false);
        modules.push_back(std::move(*module));
    }

    std::string text = format(".version {}.{}\n.target {}\n.address_size 64\n", major, minor, target);
    std::set<std::string> declared; // declarations without a definition (vprintf, malloc): once is enough
    for (size_t i = 0; i < units.size(); ++i) {
        const ptx::Module& module = *modules[i];
        std::vector<size_t> lines{0}; // offset of each line
        for (size_t at = 0; (at = units[i].find('\n', at)) != std::string::npos;) lines.push_back(++at);
        auto offset = [&](ptx::SourceLocation where) {
            return where.line == 0 || where.line > lines.size() ? std::string::npos : lines[where.line - 1] + where.column - 1;
        };
        std::vector<Statement> statements = split(units[i]);
        std::set<size_t> dropped;
        auto statement_at = [&](size_t position) {
            for (size_t s = 0; s < statements.size(); ++s)
                if (position >= statements[s].begin && position < statements[s].end) return s;
            return statements.size();
        };
        auto decide = [&](const std::string& name, ptx::Linkage linkage, bool declaration, ptx::SourceLocation where) {
            auto found = defined.find(name);
            bool definition = !declaration && linkage != ptx::Linkage::extern_;
            bool drop = false;
            if (linkage == ptx::Linkage::internal && definition) return;
            if (definition)
                drop = found != defined.end() && found->second.unit != i &&
                       (linkage == ptx::Linkage::weak || linkage == ptx::Linkage::common || !found->second.weak);
            else
                drop = found == defined.end() ? !declared.insert(name).second : found->second.unit != i;
            if (drop && definition && linkage == ptx::Linkage::visible) return; // two strong definitions: let the parser object
            if (drop) dropped.insert(statement_at(offset(where)));
        };
        for (const ptx::Function& f : module.functions) decide(f.name, f.linkage, f.is_declaration, f.where);
        for (const ptx::Variable& v : module.variables) decide(v.name, v.linkage, false, v.where);
        for (size_t s = 0; s < statements.size(); ++s) {
            if (dropped.contains(s)) continue;
            const std::string& statement = statements[s].text;
            if (statement.find(".address_size") != std::string::npos || statement.find(".version") != std::string::npos ||
                statement.find(".target") != std::string::npos)
                if (s < 8) continue; // the header
            text += statement;
            text += '\n';
        }
    }
    return text;
}

} // namespace anywarp::driver
