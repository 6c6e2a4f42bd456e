// One .ptx file with a header that says how to run it, and running it on the oracle or as compiled code.
//
// Header lines, as comments at the start of the file:
//   // RUN: grid 2 block 64 shared 0 [entry NAME]      dimensions as 2 or 2,3,1
//   // BUFFER name type fill count                     a kernel parameter: a pointer to `count` elements
//   // SCALAR type value                               a kernel parameter passed by value
//   // TEXTURE, TEXTURES, SURFACE, SURFACES, SAMPLER name ...   see textures.h
//   // EXPECT name[3] == 5        EXPECT name[0..7] == 5        EXPECT name[0..2] == 1 2 3
//   // BOUND name ulp 2           compiled results may differ from the oracle's by so many units in the last place
//   // BOUND name abs 1e-6
//   // UNORDERED name             compare as a set (results that depend on the order of the threads)
//   // IGNORE name                don't compare with compiled code
//   // FAULT trap|assert|illegal_address|misaligned_address
//   // OUTPUT text                a line that printf must have written
//   // WIDTHS 32 1                widths to compile for; without it 4 8 16 32, or 32 where warp-level instructions are used
//   // ORACLE ONLY reason         not compiled
// Fills: zero, ones (all bits), index, random, small (0..31), edge, edge2, edge3 (32 interesting values of the type, varying
// fastest, second and third: buffers of 1024 elements filled with edge and edge2 hold every pair), value:V.
#pragma once

#include "ptx/ast.h"
#include "textures.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace anywarp::ptx_run {

struct BufferSpec {
    std::string name, type, fill;
    uint64_t count = 0;
    std::string bound_kind; // "", "ulp", "abs"
    double bound = 0;
    bool unordered = false, ignored = false;
    unsigned element_size() const;
};
struct Parameter {
    bool is_buffer = false;
    size_t buffer = 0;
    std::string type;
    uint64_t bits = 0;
    int texture = -1; // index into Case::textures
};
struct Expectation {
    std::string buffer, line;
    uint64_t first = 0, last = 0;
    std::vector<std::string> values;
};

struct Case {
    std::string path, text, entry;
    uint32_t grid[3] = {1, 1, 1}, block[3] = {1, 1, 1};
    uint32_t shared = 0;
    std::vector<BufferSpec> buffers;
    std::vector<TextureSpec> textures;
    std::vector<Parameter> parameters;
    std::vector<Expectation> expectations;
    std::vector<std::string> output;
    std::vector<unsigned> widths;
    std::string fault, oracle_only;
    std::vector<std::string> problems; // of the header
};

Case read_case(const std::string& path);
Case parse_case(const std::string& path, const std::string& text);

/// The buffers after a run, on 256-byte boundaries.
struct Memory {
    std::vector<std::unique_ptr<uint8_t[]>> storage;
    std::vector<uint8_t*> buffers;
    std::vector<uint64_t> sizes;
    std::vector<uint8_t> params_storage;
    uint8_t* params = nullptr;
    Textures textures;
    std::unique_ptr<uint8_t[]> image_storage;
    uint8_t* image = nullptr;
};
/// Fills the buffers, packs the parameters, initialises the image.
Result<Memory> make_memory(const Case& test, const ptx::Module& module, uint32_t function);
uint64_t bits_from_text(const std::string& type, const std::string& value);

struct RunResult {
    Result<void> result;
    std::string output;
    Memory memory;
};
RunResult run_on_oracle(const Case& test, const ptx::Module& module, uint32_t function);

/// Compiled code: width 0 lets the JIT choose. `is_available` is false where the compiler isn't part of the build.
bool compiled_path_is_available();
bool host_runs_selected_isa(); // ANYWARP_ISA
RunResult run_compiled(const Case& test, const ptx::Module& module, uint32_t function, unsigned width, bool optimize);

/// Differences between the two runs' buffers, empty when they agree.
std::string compare(const Case& test, const RunResult& oracle, const RunResult& compiled);
/// Violated EXPECT lines.
std::string check_expectations(const Case& test, const RunResult& run);

} // namespace anywarp::ptx_run
