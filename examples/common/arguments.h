// The command line of an example: --name value, --name=value, and switches --name and --no-name. Each option is declared where
// it is read, with its default and one line of help, so that --help needs no second list:
//
//     Arguments arguments(argc, argv, "Collides two galaxies");
//     const int bodies = arguments.integer("bodies", 8192, "how many bodies");
//     const CommonOptions common = common_options(arguments);
//     arguments.finish();
//
// finish() answers --help and refuses what nobody asked for.
#pragma once

#include <string>
#include <vector>

class Arguments {
public:
    Arguments(int argc, char** argv, std::string about);

    long long integer(const std::string& name, long long fallback, const std::string& help);
    double number(const std::string& name, double fallback, const std::string& help);
    std::string text(const std::string& name, const std::string& fallback, const std::string& help);
    bool flag(const std::string& name, bool fallback, const std::string& help);
    /// A word without dashes, in order of calling. To be asked for after all options: only then is it known which words are values.
    std::string positional(const std::string& name, const std::string& fallback, const std::string& help);
    /// Ends the program with status 0 after --help, with status 1 after an unknown option.
    void finish();

private:
    struct Word {
        std::string text;
        bool used = false;
    };
    bool take(const std::string& name, std::string& value);
    void describe(const std::string& usage, const std::string& fallback, const std::string& help);

    std::string program_, about_;
    std::vector<Word> words_;
    std::vector<std::string> help_;
    bool wants_help_ = false;
};

/// What every example accepts.
struct CommonOptions {
    bool check;         // --no-check: leave out the comparison with the host
    bool quiet;         // --quiet: only the result
    std::string output; // --output FOLDER, made if it isn't there; empty: no files

    bool writes_files() const { return !output.empty(); }
    std::string path(const std::string& file) const { return output + "/" + file; }
};
CommonOptions common_options(Arguments& arguments, const std::string& output = ".");
