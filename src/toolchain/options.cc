// The option table and its reader. One row per option: its spellings, how it takes a value, and what it does. A value may be
// attached with '=', follow as the next word, or, for one-letter options, be glued on (-Idir). Long options with one dash are
// taken too, since nvcc takes them. Lists split at commas except inside quotes, which is what nvcc documents for -Xcompiler.
#include "toolchain/options.h"

#include <algorithm>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>

namespace anywarp::toolchain {
namespace {

enum class Takes { nothing, value, list };

struct Row {
    std::vector<std::string> names; // without dashes
    Takes takes = Takes::nothing;
    std::function<Result<void>(Options&, const std::string&)> apply;
};

struct CodeRequest { // -gencode arch=..,code=[..], or -arch with -code
    std::string arch;
    std::vector<std::string> codes;
};

std::vector<std::string> split(const std::string& text, char separator) {
    std::vector<std::string> parts;
    std::string part;
    char quote = 0;
    for (size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '\\' && i + 1 < text.size() && text[i + 1] == separator)
            part += text[++i];
        else if (quote ? c == quote : (c == '"' || c == '\''))
            quote = quote ? 0 : c;
        else if (c == separator && !quote)
            parts.push_back(std::exchange(part, {}));
        else
            part += c;
    }
    parts.push_back(part);
    std::erase(parts, "");
    return parts;
}

void add_architecture(Options& options, const std::string& name) {
    std::vector<std::string> wanted;
    if (name == "native")
        wanted = {"75"};
    else if (name == "all" || name == "all-major")
        wanted = {"75", "80", "90"};
    else
        wanted = {architecture_number(name)};
    for (const std::string& number : wanted)
        if (std::ranges::find(options.architectures, number) == options.architectures.end())
            options.architectures.push_back(number);
}

bool known_architecture(const std::string& name) {
    return name == "native" || name == "all" || name == "all-major" || !architecture_number(name).empty();
}

/// arch=compute_80,code=[sm_80,compute_80] with or without brackets and quotes.
Result<CodeRequest> parse_gencode(const std::string& text) {
    CodeRequest request;
    const size_t arch = text.find("arch=");
    const size_t code = text.find("code=");
    if (arch == std::string::npos)
        return user_error(ErrorCode::invalid_value, "-gencode '" + text + "' names no arch=");
    request.arch = text.substr(arch + 5, text.find(',', arch) - arch - 5);
    if (code != std::string::npos) {
        std::string codes = text.substr(code + 5);
        std::erase_if(codes, [](char c) { return c == '[' || c == ']' || c == '"' || c == '\''; });
        request.codes = split(codes, ',');
    }
    return request;
}

class Reader {
public:
    Reader();
    Result<Options> read(const std::vector<std::string>& words);

private:
    Result<void> read_words(const std::vector<std::string>& words, int depth);
    Result<void> read_option(const std::vector<std::string>& words, size_t& i);
    Result<void> settle_architectures();
    void flag(std::vector<std::string> names, std::function<void(Options&)> action);
    void value(std::vector<std::string> names, std::function<Result<void>(Options&, const std::string&)> action);
    void list(std::vector<std::string> names, std::function<void(Options&, const std::string&)> action);
    void ignored_flag(std::vector<std::string> names);
    void ignored_value(std::vector<std::string> names);

    std::vector<Row> rows;
    std::map<std::string, size_t> by_name;
    Options options;
    std::string arch;
    std::vector<std::string> codes;
    std::vector<CodeRequest> gencodes;
    bool forward_unknown = false;
};

void Reader::flag(std::vector<std::string> names, std::function<void(Options&)> action) {
    rows.push_back({std::move(names), Takes::nothing, [action](Options& o, const std::string&) -> Result<void> {
                        action(o);
                        return {};
                    }});
}
void Reader::value(std::vector<std::string> names, std::function<Result<void>(Options&, const std::string&)> action) {
    rows.push_back({std::move(names), Takes::value, std::move(action)});
}
void Reader::list(std::vector<std::string> names, std::function<void(Options&, const std::string&)> action) {
    rows.push_back({std::move(names), Takes::list, [action](Options& o, const std::string& text) -> Result<void> {
                        for (const std::string& part : split(text, ','))
                            action(o, part);
                        return {};
                    }});
}
void Reader::ignored_flag(std::vector<std::string> names) {
    flag(std::move(names), [](Options&) {});
}
void Reader::ignored_value(std::vector<std::string> names) {
    value(std::move(names), [](Options&, const std::string&) -> Result<void> { return {}; });
}

Result<bool> truth(const std::string& option, const std::string& text) {
    if (text == "true" || text == "1")
        return true;
    if (text == "false" || text == "0")
        return false;
    return user_error(ErrorCode::invalid_value, "value '" + text + "' is not defined for option '" + option + "' (true or false)");
}

Reader::Reader() {
    using Text = const std::string&;
    const auto phase = [this](std::vector<std::string> names, Phase p) {
        flag(std::move(names), [p](Options& o) { o.phase = p; });
    };
    phase({"c", "compile"}, Phase::object);
    phase({"ptx"}, Phase::ptx);
    phase({"cubin"}, Phase::cubin);
    phase({"fatbin"}, Phase::fatbin);
    phase({"E", "preprocess"}, Phase::preprocess);
    phase({"link", "cuda"}, Phase::executable);
    phase({"shared"}, Phase::shared);
    phase({"lib"}, Phase::archive);
    phase({"dlink", "device-link"}, Phase::device_link);
    flag({"dc", "device-c"}, [](Options& o) {
        o.phase = Phase::device_object;
        o.relocatable = true;
    });
    flag({"dw", "device-w"}, [](Options& o) { o.phase = Phase::object; });
    for (const char* name : {"M", "MM"})
        flag({name}, [name](Options& o) {
            o.phase = Phase::dependencies;
            o.dependencies.push_back(std::string("-") + name);
        });
    flag({"generate-dependencies"}, [](Options& o) {
        o.phase = Phase::dependencies;
        o.dependencies.push_back("-M");
    });
    flag({"generate-nonsystem-dependencies"}, [](Options& o) {
        o.phase = Phase::dependencies;
        o.dependencies.push_back("-MM");
    });
    flag({"MD", "generate-dependencies-with-compile"}, [](Options& o) { o.dependencies.push_back("-MD"); });
    flag({"MMD", "generate-nonsystem-dependencies-with-compile"}, [](Options& o) { o.dependencies.push_back("-MMD"); });
    flag({"MP", "generate-dependency-targets"}, [](Options& o) { o.dependencies.push_back("-MP"); });
    value({"MF", "dependency-output"}, [](Options& o, Text v) -> Result<void> {
        o.dependencies.insert(o.dependencies.end(), {"-MF", v});
        return {};
    });
    value({"MT", "dependency-target-name"}, [](Options& o, Text v) -> Result<void> {
        o.dependencies.insert(o.dependencies.end(), {"-MT", v});
        return {};
    });
    value({"MQ"}, [](Options& o, Text v) -> Result<void> {
        o.dependencies.insert(o.dependencies.end(), {"-MQ", v});
        return {};
    });

    value({"o", "output-file"}, [](Options& o, Text v) -> Result<void> {
        o.output = v;
        return {};
    });
    value({"odir", "output-directory"}, [](Options& o, Text v) -> Result<void> {
        o.output_directory = v;
        return {};
    });
    value({"x", "x-language"}, [](Options& o, Text v) -> Result<void> {
        if (v != "cu" && v != "c" && v != "c++")
            return user_error(ErrorCode::invalid_value, "value '" + v + "' is not defined for option 'x' (c, c++ or cu)");
        o.input_language = v;
        return {};
    });
    value({"std"}, [](Options& o, Text v) -> Result<void> {
        o.standard = v;
        return {};
    });
    value({"O", "optimize"}, [](Options& o, Text v) -> Result<void> {
        o.optimisation = v;
        return {};
    });
    flag({"g", "debug"}, [](Options& o) { o.host_debug = true; });
    flag({"G", "device-debug"}, [](Options& o) { o.device_debug = true; });
    flag({"lineinfo", "generate-line-info"}, [](Options& o) { o.line_info = true; });
    list({"I", "include-path"}, [](Options& o, Text v) { o.preprocessor.push_back("-I" + v); });
    list({"isystem", "system-include"}, [](Options& o, Text v) { o.preprocessor.insert(o.preprocessor.end(), {"-isystem", v}); });
    list({"include", "pre-include"}, [](Options& o, Text v) { o.preprocessor.insert(o.preprocessor.end(), {"-include", v}); });
    value({"D", "define-macro"}, [](Options& o, Text v) -> Result<void> {
        o.preprocessor.push_back("-D" + v);
        return {};
    });
    list({"U", "undefine-macro"}, [](Options& o, Text v) { o.preprocessor.push_back("-U" + v); });
    list({"L", "library-path"}, [](Options& o, Text v) { o.link_flags.push_back("-L" + v); });
    list({"l", "library"}, [](Options& o, Text v) { o.link_flags.push_back("-l" + v); });
    list({"Xcompiler", "compiler-options"}, [](Options& o, Text v) { o.host_flags.push_back(v); });
    list({"Xlinker", "linker-options"}, [](Options& o, Text v) { o.link_flags.insert(o.link_flags.end(), {"-Xlinker", v}); });
    list({"run-args"}, [](Options&, Text) {});

    value({"arch", "gpu-architecture"}, [this](Options&, Text v) -> Result<void> {
        arch = v;
        return {};
    });
    list({"code", "gpu-code"}, [this](Options&, Text v) {
        std::string code = v;
        std::erase_if(code, [](char c) { return c == '[' || c == ']'; });
        codes.push_back(code);
    });
    value({"gencode", "generate-code"}, [this](Options&, Text v) -> Result<void> {
        Result<CodeRequest> request = parse_gencode(v);
        if (!request)
            return std::unexpected(request.error());
        gencodes.push_back(*request);
        return {};
    });
    value({"rdc", "relocatable-device-code"}, [](Options& o, Text v) -> Result<void> {
        Result<bool> on = truth("rdc", v);
        if (!on)
            return std::unexpected(on.error());
        o.relocatable = *on;
        return {};
    });
    value({"cudart"}, [](Options& o, Text v) -> Result<void> {
        if (v != "shared" && v != "static" && v != "none" && v != "hybrid")
            return user_error(ErrorCode::invalid_value, "value '" + v + "' is not defined for option 'cudart' (none, shared or static)");
        o.cudart = v;
        return {};
    });
    value({"ccbin", "compiler-bindir"}, [](Options& o, Text v) -> Result<void> {
        o.host_compiler = v;
        return {};
    });

    flag({"use_fast_math"}, [](Options& o) {
        o.flush_denormals = o.approximate_math = true;
        o.precise_division = o.precise_sqrt = false;
        o.fuse_multiply_add = true;
    });
    const auto boolean = [this](std::vector<std::string> names, bool Options::*field) {
        const std::string first = names.front();
        value(std::move(names), [first, field](Options& o, Text v) -> Result<void> {
            Result<bool> on = truth(first, v);
            if (!on)
                return std::unexpected(on.error());
            o.*field = *on;
            return {};
        });
    };
    boolean({"ftz"}, &Options::flush_denormals);
    boolean({"prec-div"}, &Options::precise_division);
    boolean({"prec-sqrt"}, &Options::precise_sqrt);
    boolean({"fmad"}, &Options::fuse_multiply_add);

    flag({"w", "disable-warnings"}, [](Options& o) { o.no_warnings = true; });
    value({"Werror"}, [](Options& o, Text v) -> Result<void> {
        for (const std::string& kind : split(v, ','))
            if (kind == "all-warnings")
                o.warnings_are_errors = true;
        return {};
    });
    flag({"v", "verbose"}, [](Options& o) { o.verbose = true; });
    flag({"dryrun"}, [](Options& o) { o.dry_run = true; });
    flag({"keep", "save-temps"}, [](Options& o) { o.keep = true; });
    value({"keep-dir"}, [](Options& o, Text v) -> Result<void> {
        o.keep_directory = v;
        return {};
    });
    flag({"V", "version"}, [](Options& o) { o.show_version = true; });
    flag({"h", "help"}, [](Options& o) { o.show_help = true; });
    flag({"list-gpu-arch"}, [](Options& o) { o.show_architectures = true; });
    flag({"list-gpu-code"}, [](Options& o) { o.show_codes = true; });
    flag({"forward-unknown-to-host-compiler"}, [this](Options&) { forward_unknown = true; });
    flag({"forward-unknown-to-host-linker"}, [this](Options&) { forward_unknown = true; });
    for (const char* name : {"pthread", "fopenmp", "fPIC", "fpic", "fPIE", "fpie", "pg"})
        flag({name}, [name](Options& o) { o.host_flags.push_back(std::string("-") + name); });

    ignored_flag({"m64"});
    ignored_flag({"expt-relaxed-constexpr"}); // clang always lets device code call constexpr functions
    ignored_flag({"expt-extended-lambda", "extended-lambda"});
    ignored_flag({"restrict"});
    ignored_flag({"extra-device-vectorization"});
    ignored_flag({"Wno-deprecated-gpu-targets", "Wno-deprecated-declarations", "Wreorder", "Wdefault-stream-launch",
                  "Wmissing-launch-bounds", "Wext-lambda-captures-this"});
    ignored_flag({"res-usage", "resource-usage", "time-trace", "objdir-as-tempdir", "no-align-double", "noeh", "no-exceptions", "clean",
                  "clean-targets", "no-host-device-initializer-list", "no-host-device-move-forward", "dlto", "disable-optimizer-constants",
                  "device-entity-has-hidden-visibility", "source-in-ptx", "src-in-ptx", "qpp-config", "no-compress", "compress-all",
                  "allow-unsupported-compiler", "display-error-number", "no-display-error-number", "dont-use-profile", "static-global-template-stub",
                  "use-local-env", "fdevice-syntax-only", "fdevice-time-trace", "minimal", "Werror-all"});
    ignored_value({"Xptxas", "ptxas-options"});
    ignored_value({"Xnvlink", "nvlink-options"});
    ignored_value({"Xarchive", "archive-options"});
    ignored_value({"Xcudafe", "cudafe-options"});
    ignored_value({"Xfatbin"});
    ignored_value({"diag-suppress", "diag-error", "diag-warn"});
    ignored_value({"maxrregcount"});
    ignored_value({"threads", "t"});
    ignored_value({"split-compile", "split-compile-extended"});
    ignored_value({"default-stream"});
    ignored_value({"machine", "m"});
    ignored_value({"relocatable-ptx", "extensible-whole-program", "ewp"});
    ignored_value({"target-directory", "target-dir"});
    ignored_value({"cudadevrt"});
    ignored_value({"compress-mode"});
    ignored_value({"libdevice-directory", "ldir", "nvlink-dir"});
    ignored_value({"jump-table-density", "entries", "gen-opt-lto", "opt-info", "dopt", "ofast-compile", "Ofc", "brief-diagnostics"});

    for (size_t i = 0; i < rows.size(); ++i)
        for (const std::string& name : rows[i].names)
            by_name[name] = i;
}

/// Finds the row for one word and takes its value. Glued values only belong to the one-letter options that take them.
Result<void> Reader::read_option(const std::vector<std::string>& words, size_t& i) {
    const std::string& word = words[i];
    const std::string body = word.substr(word.starts_with("--") ? 2 : 1);
    const size_t equals = body.find('=');
    std::string name = body.substr(0, equals);
    std::string text = equals == std::string::npos ? std::string() : body.substr(equals + 1);
    bool has_value = equals != std::string::npos;

    auto found = by_name.find(body);
    if (found == by_name.end() || (has_value && rows[found->second].takes == Takes::nothing))
        found = by_name.find(name);
    else
        has_value = false;
    static const std::string glued_letters = "IDULlOxo";
    if (found == by_name.end() && !word.starts_with("--") && glued_letters.contains(body[0])) {
        found = by_name.find(body.substr(0, 1));
        text = body.substr(1);
        has_value = true;
    }
    if (found != by_name.end() && name.size() == 1 && has_value && glued_letters.contains(name[0]) && name != "O" && name != "x" &&
        name != "o" && body.size() > 1 && body[1] != '=') {
        text = body.substr(1);
    }
    if (found == by_name.end()) {
        if (forward_unknown || word.starts_with("-W") || word.starts_with("-f")) {
            options.host_flags.push_back(word);
            return {};
        }
        return user_error(ErrorCode::invalid_value, "unknown option '" + word + "'");
    }
    const Row& row = rows[found->second];
    if (row.takes == Takes::nothing) {
        if (has_value)
            return user_error(ErrorCode::invalid_value, "option '" + word + "' takes no value");
        return row.apply(options, {});
    }
    if (!has_value) {
        if (row.names.front() == "O" || row.names.front() == "dopt") { // a bare -O
            return row.apply(options, "2");
        }
        if (i + 1 >= words.size())
            return user_error(ErrorCode::invalid_value, "argument expected after '" + word + "'");
        text = words[++i];
    }
    return row.apply(options, text);
}

Result<void> Reader::read_words(const std::vector<std::string>& words, int depth) {
    for (size_t i = 0; i < words.size(); ++i) {
        const std::string& word = words[i];
        std::string response;
        if (word.size() > 1 && word[0] == '@')
            response = word.substr(1);
        else if (word == "-optf" || word == "--options-file") {
            if (i + 1 >= words.size())
                return user_error(ErrorCode::invalid_value, "argument expected after '" + word + "'");
            response = words[++i];
        }
        if (!response.empty()) {
            std::ifstream file(response);
            if (!file || depth > 10)
                return user_error(ErrorCode::file_not_found, "response file '" + response + "' cannot be read");
            std::stringstream text;
            text << file.rdbuf();
            std::string all = text.str();
            std::ranges::replace_if(all, [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
            if (Result<void> done = read_words(split(all, ' '), depth + 1); !done)
                return done;
        } else if (word.size() > 1 && word[0] == '-') {
            if (Result<void> done = read_option(words, i); !done)
                return done;
        } else if (!word.empty()) {
            options.inputs.push_back(word);
        }
    }
    return {};
}

/// One PTX per virtual architecture that any request names. A real architecture asks for the PTX behind it: Anywarp has no
/// machine code of its own to put there, and the PTX runs everywhere.
Result<void> Reader::settle_architectures() {
    if (!arch.empty() || !codes.empty())
        gencodes.insert(gencodes.begin(), {arch.empty() ? codes.front() : arch, codes});
    for (const CodeRequest& request : gencodes) {
        if (!known_architecture(request.arch))
            return user_error(ErrorCode::invalid_value, "unsupported gpu architecture '" + request.arch + "'");
        for (const std::string& code : request.codes)
            if (!known_architecture(code) && !code.starts_with("lto_"))
                return user_error(ErrorCode::invalid_value, "unsupported gpu code '" + code + "'");
        add_architecture(options, request.arch);
    }
    if (options.architectures.empty())
        add_architecture(options, "sm_75");
    return {};
}

Result<Options> Reader::read(const std::vector<std::string>& words) {
    // nvcc reads these before the command line and after it.
    std::vector<std::string> all;
    if (const char* prepend = std::getenv("NVCC_PREPEND_FLAGS"))
        all = split(prepend, ' ');
    all.insert(all.end(), words.begin(), words.end());
    if (const char* append = std::getenv("NVCC_APPEND_FLAGS"))
        for (const std::string& word : split(append, ' '))
            all.push_back(word);
    // Order doesn't matter for this one: what it forwards may stand before it.
    forward_unknown = std::ranges::any_of(all, [](const std::string& w) { return w.ends_with("-forward-unknown-to-host-compiler"); });
    if (Result<void> done = read_words(all, 0); !done)
        return std::unexpected(done.error());
    if (Result<void> done = settle_architectures(); !done)
        return std::unexpected(done.error());
    return std::move(options);
}

} // namespace

std::string architecture_number(const std::string& name) {
    for (const char* prefix : {"sm_", "compute_", "lto_"})
        if (name.starts_with(prefix)) {
            const std::string number = name.substr(std::string(prefix).size());
            const size_t digits = number.find_first_not_of("0123456789");
            const std::string suffix = digits == std::string::npos ? "" : number.substr(digits);
            const size_t count = digits == std::string::npos ? number.size() : digits;
            if (count >= 2 && count <= 3 && (suffix.empty() || suffix == "a" || suffix == "f"))
                return number;
        }
    return {};
}

Result<Options> parse_options(const std::vector<std::string>& words) {
    return Reader().read(words);
}

} // namespace anywarp::toolchain
