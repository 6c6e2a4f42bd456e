// Matrix instructions against plain loops: where each element lies in the registers of the lanes is written here as the tables of
// the PTX ISA have it (9.7.14.5 mma, 9.7.14.6 mma.sp, 9.7.14.5.14 ff. ldmatrix, stmatrix, movmatrix), shape by shape, not as the
// one formula that src/simt/matrix_layout.cc and src/oracle/matrix.cc use, so that a mistake in it shows.
//
// Each test fills A, B and C with small integers, puts them into fragments by the tables, runs one instruction on the oracle and
// as compiled code, takes D apart by the tables and compares with a triple loop in 64-bit integers. All sums are exact in every
// type used. The lanes that hold the metadata of mma.sp follow the order of the metadata matrix that CUTLASS and PyTorch give to
// their kernels: rows interleaved by 4 (16-bit words) or 2 (32-bit words), then each 2x2 block transposed.
#include "run_case.h"

#include <cstring>
#include <functional>
#include <gtest/gtest.h>
#include <random>

namespace anywarp::ptx_run {
namespace {

using Place = std::pair<unsigned, unsigned>; // row, column
using Layout = Place (*)(unsigned lane, unsigned i);
using Matrix = std::vector<std::vector<int64_t>>;

unsigned g(unsigned lane) { return lane >> 2; } // groupID
unsigned t(unsigned lane) { return lane % 4; }  // threadID_in_group
bool low_group(unsigned lane) { return lane < 16; }

// --- elements -----------------------------------------------------------------------------------------------------------------

unsigned bits_of(const std::string& type) {
    if (type == "tf32") return 32;
    if (type == "bf16") return 16;
    if (type == "e4m3" || type == "e5m2") return 8;
    return unsigned(std::stoul(type.substr(1)));
}
bool is_float(const std::string& type) { return type[0] == 'f' || type == "bf16" || type == "tf32" || type[0] == 'e'; }
std::pair<int, int> exponent_and_mantissa(const std::string& type) {
    if (type == "f16") return {5, 10};
    if (type == "bf16") return {8, 7};
    if (type == "e4m3") return {4, 3};
    if (type == "e5m2") return {5, 2};
    if (type == "f64") return {11, 52};
    return {8, 23};
}

uint64_t encode(const std::string& type, int64_t value) {
    unsigned bits = bits_of(type);
    uint64_t mask = bits == 64 ? ~0ull : (1ull << bits) - 1;
    if (!is_float(type)) return uint64_t(value) & mask;
    if (value == 0) return 0;
    auto [exponent_bits, mantissa_bits] = exponent_and_mantissa(type);
    uint64_t magnitude = uint64_t(std::abs(value));
    int exponent = 63 - std::countl_zero(magnitude);
    uint64_t fraction = magnitude ^ 1ull << exponent;
    fraction = exponent > mantissa_bits ? fraction >> (exponent - mantissa_bits) : fraction << (mantissa_bits - exponent);
    uint64_t biased = uint64_t(exponent + (1 << (exponent_bits - 1)) - 1);
    return uint64_t(value < 0) << (bits - 1) | biased << mantissa_bits | fraction;
}

// --- registers ----------------------------------------------------------------------------------------------------------------

/// The registers of 32 lanes, each as 32-bit words, lane by lane.
struct Fragments {
    unsigned registers = 0;
    bool wide = false; // f64
    std::vector<uint32_t> words;
    unsigned words_per_lane() const { return registers * (wide ? 2 : 1); }
};

void put(std::vector<uint32_t>& words, size_t bit, unsigned bits, uint64_t value) {
    for (unsigned b = 0; b < bits; ++b) words[(bit + b) / 32] |= uint32_t(value >> b & 1) << (bit + b) % 32;
}
uint64_t take(const std::vector<uint32_t>& words, size_t bit, unsigned bits) {
    uint64_t value = 0;
    for (unsigned b = 0; b < bits; ++b) value |= uint64_t(words[(bit + b) / 32] >> (bit + b) % 32 & 1) << b;
    return value;
}

Fragments pack(const Matrix& m, const std::string& type, unsigned elements, const std::function<Place(unsigned, unsigned)>& place) {
    Fragments f;
    unsigned bits = bits_of(type);
    f.wide = bits == 64;
    f.registers = f.wide ? elements : std::max(1u, elements * bits / 32);
    f.words.resize(size_t(32) * f.words_per_lane());
    for (unsigned lane = 0; lane < 32; ++lane)
        for (unsigned i = 0; i < elements; ++i) {
            auto [row, column] = place(lane, i);
            put(f.words, size_t(lane) * f.words_per_lane() * 32 + size_t(i) * bits, bits, encode(type, m.at(row).at(column)));
        }
    return f;
}

Matrix random_matrix(std::mt19937& random, unsigned rows, unsigned columns, int low, int high) {
    Matrix m(rows, std::vector<int64_t>(columns));
    for (auto& row : m)
        for (int64_t& v : row) v = low + int(random() % unsigned(high - low + 1));
    return m;
}
/// Values that every type holds exactly, and whose sums stay exact in f16.
std::pair<int, int> range_of(const std::string& type) {
    if (type == "b1") return {0, 1};
    if (type == "s4") return {-8, 7};
    if (type == "u4") return {0, 15};
    if (type == "s8") return {-128, 127};
    if (type == "u8") return {0, 255};
    if (type == "s32") return {-100000, 100000};
    return {-4, 4};
}

// --- programs -----------------------------------------------------------------------------------------------------------------

/// A kernel of one warp with `input` in its own memory and `output` words to write. `body` has %d1: input, %d2: output, %r0: lane.
std::string program(const std::vector<uint32_t>& input, unsigned output, const std::string& body) {
    std::string text = "// RUN: grid 1 block 32\n// BUFFER d u32 zero " + std::to_string(output) +
                       "\n.version 8.7\n.target sm_90a\n.address_size 64\n.global .align 16 .b32 input[" +
                       std::to_string(input.size()) + "] = {";
    for (size_t i = 0; i < input.size(); ++i) text += (i ? ", " : "") + std::to_string(input[i]);
    return text + "};\n.visible .entry k(.param .u64 p)\n{\n.reg .b32 %r<300>; .reg .f32 %f<300>; .reg .b64 %d<40>; .reg .f64 "
                  "%g<300>;\n.shared .align 16 .b8 area[4096];\nmov.u32 %r0, %laneid; ld.param.u64 %d2, [p]; mov.u64 %d1, "
                  "input; cvta.global.u64 %d1, %d1;\n" +
           body + "ret;\n}\n";
}

/// Runs it on the oracle and as compiled code; calls `check` with the words that each has written.
void run(const std::string& name, const std::string& text, const std::function<void(const std::vector<uint32_t>&)>& check) {
    Case test = parse_case(name, text);
    ASSERT_TRUE(test.problems.empty()) << test.problems[0];
    auto module = ptx::parse_module(text, name);
    ASSERT_TRUE(module) << module.error().message << "\n" << text;
    for (bool compiled : {false, true}) {
        if (compiled && !compiled_path_is_available()) continue;
        SCOPED_TRACE(name + (compiled ? ", compiled" : ", oracle"));
        RunResult result = compiled ? run_compiled(test, **module, 0, 0, true) : run_on_oracle(test, **module, 0);
        ASSERT_TRUE(result.result) << result.result.error().message;
        std::vector<uint32_t> words(result.memory.sizes.at(0) / 4);
        std::memcpy(words.data(), result.memory.buffers.at(0), words.size() * 4);
        check(words);
        if (testing::Test::HasFailure()) return;
    }
}

/// Registers of a fragment: how they are called, and code that moves them from or to memory at `base` + lane * its size.
struct Registers {
    std::string list, code;
};
Registers move(const Fragments& f, bool store, const std::string& type, unsigned first, const std::string& base, size_t offset) {
    Registers r;
    std::string kind = type == "f64" ? "f64" : type == "f32" ? "f32" : "b32", letter = kind == "f64" ? "%g" : kind == "f32" ? "%f" : "%r";
    r.code = "mad.wide.u32 %d9, %r0, " + std::to_string(f.words_per_lane() * 4) + ", " + base + ";\n";
    for (unsigned i = 0; i < f.registers; ++i) {
        std::string name = letter + std::to_string(first + i);
        std::string address = "[%d9+" + std::to_string(offset + size_t(i) * (f.wide ? 8 : 4)) + "]";
        r.list += (i ? ", " : "") + name;
        r.code += store ? "st.global." + kind + " " + address + ", " + name + ";\n"
                        : "ld.global." + kind + " " + name + ", " + address + ";\n";
    }
    r.list = "{" + r.list + "}";
    return r;
}

struct Product { // one mma or mma.sp on fragments
    std::string instruction, d_type, a_type, b_type, c_type, suffix;
    Fragments a, b, c;
    std::vector<uint32_t> metadata; // one word per lane, or empty
};

void check_product(const Product& p, const Matrix& expected, unsigned elements, const std::function<Place(unsigned, unsigned)>& place) {
    std::vector<uint32_t> input;
    std::string body;
    auto load = [&](const Fragments& f, const std::string& type, unsigned first) {
        while (input.size() % 4) input.push_back(0);
        Registers r = move(f, false, type, first, "%d1", input.size() * 4);
        input.insert(input.end(), f.words.begin(), f.words.end());
        body += r.code;
        return r.list;
    };
    std::string a = load(p.a, p.a_type, 10), b = load(p.b, p.b_type, 50), c = load(p.c, p.c_type, 90);
    Fragments d;
    unsigned bits = bits_of(p.d_type);
    d.wide = bits == 64;
    d.registers = d.wide ? elements : elements * bits / 32;
    Registers out = move(d, true, p.d_type, 130, "%d2", 0);
    std::string metadata;
    if (!p.metadata.empty()) {
        Fragments e{1, false, p.metadata};
        std::string list = load(e, "b32", 200);
        metadata = ", " + list.substr(1, list.size() - 2);
    }
    body += p.instruction + " " + out.list + ", " + a + ", " + b + ", " + c + metadata + p.suffix + ";\n" + out.code;
    run(p.instruction + p.suffix, program(input, 32 * d.words_per_lane(), body), [&](const std::vector<uint32_t>& words) {
        for (unsigned lane = 0; lane < 32; ++lane)
            for (unsigned i = 0; i < elements; ++i) {
                auto [row, column] = place(lane, i);
                ASSERT_EQ(take(words, size_t(lane) * d.words_per_lane() * 32 + size_t(i) * bits, bits),
                          encode(p.d_type, expected.at(row).at(column)))
                    << "lane " << lane << " element " << i << ": row " << row << " column " << column << " is not "
                    << expected.at(row).at(column);
            }
    });
}

Matrix product(const Matrix& a, const Matrix& b, Matrix c) {
    for (size_t i = 0; i < c.size(); ++i)
        for (size_t j = 0; j < c[i].size(); ++j)
            for (size_t k = 0; k < b.size(); ++k) c[i][j] += a[i][k] * b[k][j];
    return c;
}

// --- the tables of mma --------------------------------------------------------------------------------------------------------

struct Shape {
    const char* name;
    unsigned m, n, k;
    std::vector<std::vector<const char*>> types; // d a b c
    unsigned a_elements, b_elements, c_elements;
    Layout a, b, c;
};

Place c_of_8_rows(unsigned l, unsigned i) { return {g(l), t(l) * 2 + i}; }
Place c_of_16_rows(unsigned l, unsigned i) { return {i < 2 ? g(l) : g(l) + 8, t(l) * 2 + (i & 1)}; }

using Types = std::vector<std::vector<const char*>>;
const Types bytes = {{"s32", "s8", "s8", "s32"}, {"s32", "u8", "s8", "s32"}, {"s32", "s8", "u8", "s32"}, {"s32", "u8", "u8", "s32"}};
const Types nibbles = {{"s32", "s4", "s4", "s32"}, {"s32", "u4", "s4", "s32"}, {"s32", "s4", "u4", "s32"}, {"s32", "u4", "u4", "s32"}};
const Types halves = {{"f32", "f16", "f16", "f32"}, {"f16", "f16", "f16", "f16"}, {"f32", "bf16", "bf16", "f32"}};
const Types singles = {{"f32", "tf32", "tf32", "f32"}};
const Types doubles = {{"f64", "f64", "f64", "f64"}};
const Types bit = {{"s32", "b1", "b1", "s32"}};
const Types eights = {{"f32", "e4m3", "e4m3", "f32"}, {"f32", "e5m2", "e4m3", "f32"}, {"f16", "e4m3", "e5m2", "f16"}};

const Shape shapes[] = {
    {"m8n8k4", 8, 8, 4, doubles, 1, 1, 2, [](unsigned l, unsigned) -> Place { return {g(l), t(l)}; },
     [](unsigned l, unsigned) -> Place { return {t(l), g(l)}; }, c_of_8_rows},
    {"m8n8k16", 8, 8, 16, bytes, 4, 4, 2, [](unsigned l, unsigned i) -> Place { return {g(l), t(l) * 4 + i}; },
     [](unsigned l, unsigned i) -> Place { return {t(l) * 4 + i, g(l)}; }, c_of_8_rows},
    {"m8n8k32", 8, 8, 32, nibbles, 8, 8, 2, [](unsigned l, unsigned i) -> Place { return {g(l), t(l) * 8 + i}; },
     [](unsigned l, unsigned i) -> Place { return {t(l) * 8 + i, g(l)}; }, c_of_8_rows},
    {"m8n8k128", 8, 8, 128, bit, 32, 32, 2, [](unsigned l, unsigned i) -> Place { return {g(l), t(l) * 32 + i}; },
     [](unsigned l, unsigned i) -> Place { return {t(l) * 32 + i, g(l)}; }, c_of_8_rows},
    {"m16n8k4", 16, 8, 4, {singles[0], doubles[0]}, 2, 1, 4,
     [](unsigned l, unsigned i) -> Place { return {i == 0 ? g(l) : g(l) + 8, t(l)}; },
     [](unsigned l, unsigned) -> Place { return {t(l), g(l)}; }, c_of_16_rows},
    {"m16n8k8", 16, 8, 8, halves, 4, 2, 4,
     [](unsigned l, unsigned i) -> Place { return {i == 0 || i == 1 ? g(l) : g(l) + 8, t(l) * 2 + (i & 1)}; },
     [](unsigned l, unsigned i) -> Place { return {t(l) * 2 + i, g(l)}; }, c_of_16_rows},
    {"m16n8k8", 16, 8, 8, {singles[0], doubles[0]}, 4, 2, 4,
     [](unsigned l, unsigned i) -> Place { return {i == 0 || i == 2 ? g(l) : g(l) + 8, i == 0 || i == 1 ? t(l) : t(l) + 4}; },
     [](unsigned l, unsigned i) -> Place { return {i == 0 ? t(l) : t(l) + 4, g(l)}; }, c_of_16_rows},
    {"m16n8k16", 16, 8, 16, halves, 8, 4, 4,
     [](unsigned l, unsigned i) -> Place {
         return {i < 2 || (4 <= i && i < 6) ? g(l) : g(l) + 8, t(l) * 2 + (i & 1) + (i < 4 ? 0 : 8)};
     },
     [](unsigned l, unsigned i) -> Place { return {t(l) * 2 + (i & 1) + (i < 2 ? 0 : 8), g(l)}; }, c_of_16_rows},
    {"m16n8k16", 16, 8, 16, doubles, 8, 4, 4,
     [](unsigned l, unsigned i) -> Place { return i % 2 == 0 ? Place{g(l), i * 2 + t(l)} : Place{g(l) + 8, i * 2 - 2 + t(l)}; },
     [](unsigned l, unsigned i) -> Place { return {t(l) + i * 4, g(l)}; }, c_of_16_rows},
    {"m16n8k16", 16, 8, 16, {bytes[0], bytes[1], eights[0], eights[2]}, 8, 4, 4,
     [](unsigned l, unsigned i) -> Place { return {i < 4 ? g(l) : g(l) + 8, t(l) * 4 + (i & 3)}; },
     [](unsigned l, unsigned i) -> Place { return {t(l) * 4 + i, g(l)}; }, c_of_16_rows},
    {"m16n8k32", 16, 8, 32, nibbles, 16, 8, 4,
     [](unsigned l, unsigned i) -> Place { return {i < 8 ? g(l) : g(l) + 8, t(l) * 8 + (i & 7)}; },
     [](unsigned l, unsigned i) -> Place { return {t(l) * 8 + i, g(l)}; }, c_of_16_rows},
    {"m16n8k32", 16, 8, 32, {bytes[0], bytes[2], bytes[3], eights[0], eights[1], eights[2]}, 16, 8, 4,
     [](unsigned l, unsigned i) -> Place {
         return {i < 4 || (8 <= i && i < 12) ? g(l) : g(l) + 8, t(l) * 4 + (i & 3) + (i < 8 ? 0 : 16)};
     },
     [](unsigned l, unsigned i) -> Place { return {t(l) * 4 + (i & 3) + (i < 4 ? 0 : 16), g(l)}; }, c_of_16_rows},
    {"m16n8k64", 16, 8, 64, nibbles, 32, 16, 4,
     [](unsigned l, unsigned i) -> Place {
         return {i < 8 || (16 <= i && i < 24) ? g(l) : g(l) + 8, t(l) * 8 + (i & 7) + (i < 16 ? 0 : 32)};
     },
     [](unsigned l, unsigned i) -> Place { return {t(l) * 8 + (i & 7) + (i < 8 ? 0 : 32), g(l)}; }, c_of_16_rows},
    {"m16n8k128", 16, 8, 128, bit, 64, 32, 4,
     [](unsigned l, unsigned i) -> Place { return {i < 32 ? g(l) : g(l) + 8, t(l) * 32 + (i & 31)}; },
     [](unsigned l, unsigned i) -> Place { return {t(l) * 32 + i, g(l)}; }, c_of_16_rows},
    {"m16n8k256", 16, 8, 256, bit, 128, 64, 4,
     [](unsigned l, unsigned i) -> Place {
         return {i < 32 || (64 <= i && i < 96) ? g(l) : g(l) + 8, t(l) * 32 + (i & 31) + (i < 64 ? 0 : 128)};
     },
     [](unsigned l, unsigned i) -> Place { return {t(l) * 32 + (i & 31) + (i < 32 ? 0 : 128), g(l)}; }, c_of_16_rows},
};

TEST(matrix_layout, mma) {
    std::mt19937 random(1);
    for (const Shape& s : shapes)
        for (const auto& types : s.types) {
            std::string d = types[0], a_type = types[1], b_type = types[2], c_type = types[3];
            auto [a_low, a_high] = range_of(a_type);
            auto [b_low, b_high] = range_of(b_type);
            auto [c_low, c_high] = range_of(c_type);
            Matrix a = random_matrix(random, s.m, s.k, a_low, a_high), b = random_matrix(random, s.k, s.n, b_low, b_high);
            Matrix c = random_matrix(random, s.m, s.n, c_low, c_high);
            Product p{"mma.sync.aligned." + std::string(s.name) + ".row.col." + d + "." + a_type + "." + b_type + "." + c_type,
                      d, a_type, b_type, c_type, "", pack(a, a_type, s.a_elements, s.a), pack(b, b_type, s.b_elements, s.b),
                      pack(c, c_type, s.c_elements, s.c), {}};
            if (a_type == "b1") p.instruction += ".and.popc"; // a and b is the product of two bits
            check_product(p, product(a, b, c), s.c_elements, s.c);
            if (HasFailure()) return;
        }
}

TEST(matrix_layout, xor_of_bits) {
    std::mt19937 random(2);
    const Shape& s = shapes[3];
    Matrix a = random_matrix(random, 8, 128, 0, 1), b = random_matrix(random, 128, 8, 0, 1), c = random_matrix(random, 8, 8, -9, 9);
    Matrix expected = c;
    for (unsigned i = 0; i < 8; ++i)
        for (unsigned j = 0; j < 8; ++j)
            for (unsigned k = 0; k < 128; ++k) expected[i][j] += a[i][k] != b[k][j];
    Product p{"mma.sync.aligned.m8n8k128.row.col.s32.b1.b1.s32.xor.popc", "s32", "b1", "b1", "s32", "",
              pack(a, "b1", 32, s.a), pack(b, "b1", 32, s.b), pack(c, "s32", 2, s.c), {}};
    check_product(p, expected, 2, s.c);
}

/// mma.m8n8k4 of halves: four products, of the lanes 4q to 4q + 3 and 4q + 16 to 4q + 19 each.
TEST(matrix_layout, four_products_of_8_lanes) {
    std::mt19937 random(3);
    struct Quad {
        Matrix a, b, c, d;
    };
    for (bool a_row : {true, false})
        for (bool b_row : {true, false})
            for (std::string c_type : {"f16", "f32"})
                for (std::string d_type : {"f16", "f32"}) {
                    if (c_type == "f32" && d_type == "f16") continue; // doesn't exist
                    std::vector<Quad> quads(4);
                    // All four below each other, rows 8q to 8q + 7; B beside each other.
                    Matrix a, b(4), c, d;
                    for (Quad& q : quads) {
                        q.a = random_matrix(random, 8, 4, -4, 4), q.b = random_matrix(random, 4, 8, -4, 4);
                        q.c = random_matrix(random, 8, 8, -4, 4), q.d = product(q.a, q.b, q.c);
                        a.insert(a.end(), q.a.begin(), q.a.end());
                        c.insert(c.end(), q.c.begin(), q.c.end());
                        d.insert(d.end(), q.d.begin(), q.d.end());
                        for (unsigned k = 0; k < 4; ++k) b[k].insert(b[k].end(), q.b[k].begin(), q.b[k].end());
                    }
                    auto quad = [](unsigned l) { return l % 16 / 4; };
                    auto place_a = [&](unsigned l, unsigned i) -> Place {
                        if (a_row) return {8 * quad(l) + (low_group(l) ? l % 4 : l % 4 + 4), i};
                        return {8 * quad(l) + (low_group(l) ? i % 4 : i % 4 + 4), l % 4};
                    };
                    auto place_b = [&](unsigned l, unsigned i) -> Place {
                        if (b_row) return {l % 4, 8 * quad(l) + (low_group(l) ? i : i + 4)};
                        return {i, 8 * quad(l) + (low_group(l) ? l % 4 : l % 4 + 4)};
                    };
                    auto place_f16 = [&](unsigned l, unsigned i) -> Place {
                        return {8 * quad(l) + (low_group(l) ? l % 4 : l % 4 + 4), i};
                    };
                    auto place_f32 = [&](unsigned l, unsigned i) -> Place {
                        unsigned x = (l & 1) + (i & 2);
                        return {8 * quad(l) + (low_group(l) ? x : x + 4), (i & 4) + (l & 2) + (i & 1)};
                    };
                    auto place = [&](const std::string& type) -> std::function<Place(unsigned, unsigned)> {
                        if (type == "f16") return place_f16;
                        return place_f32;
                    };
                    std::string layouts = std::string(a_row ? ".row" : ".col") + (b_row ? ".row." : ".col.");
                    Product p{"mma.sync.aligned.m8n8k4" + layouts + d_type + ".f16.f16." + c_type, d_type, "f16", "f16", c_type, "",
                              pack(a, "f16", 4, place_a), pack(b, "f16", 4, place_b), pack(c, c_type, 8, place(c_type)), {}};
                    check_product(p, d, 8, place(d_type));
                    if (HasFailure()) return;
                }
}

// --- mma.sp -------------------------------------------------------------------------------------------------------------------

/// A is described by where the first of the elements lies that share a place: the table's firstcol, and how many elements of the
/// compressed row there are for each such stretch of columns.
struct SparseShape {
    const char* name;
    unsigned k;
    Types types;
    unsigned chunk;           // columns of A of which half are kept
    unsigned selectors;       // 0 .. selectors - 1
    unsigned a_elements, b_elements, stretch; // stretch: elements per register
    Place (*a)(unsigned lane, unsigned i); // row, firstcol
    Layout b;
};

const SparseShape sparse_shapes[] = {
    {"m16n8k16", 16, halves, 4, 4, 4, 4, 2,
     [](unsigned l, unsigned i) -> Place { return {i < 2 ? g(l) : g(l) + 8, t(l) * 4}; },
     [](unsigned l, unsigned i) -> Place { return {t(l) * 2 + (i & 1) + (i < 2 ? 0 : 8), g(l)}; }},
    {"m16n8k32", 32, halves, 4, 2, 8, 8, 2,
     [](unsigned l, unsigned i) -> Place { return {i < 2 || (4 <= i && i < 6) ? g(l) : g(l) + 8, t(l) * 4 + (i < 4 ? 0 : 16)}; },
     [](unsigned l, unsigned i) -> Place { return {t(l) * 2 + (i & 1) + i / 2 * 8, g(l)}; }},
    {"m16n8k8", 8, singles, 2, 4, 2, 2, 1,
     [](unsigned l, unsigned i) -> Place { return {i == 0 ? g(l) : g(l) + 8, t(l) * 2}; },
     [](unsigned l, unsigned i) -> Place { return {t(l) + i * 4, g(l)}; }},
    {"m16n8k16", 16, singles, 2, 2, 4, 4, 1,
     [](unsigned l, unsigned i) -> Place { return {i == 0 || i == 2 ? g(l) : g(l) + 8, t(l) * 2 + (i < 2 ? 0 : 8)}; },
     [](unsigned l, unsigned i) -> Place { return {t(l) + i * 4, g(l)}; }},
    {"m16n8k32", 32, bytes, 4, 2, 8, 8, 4,
     [](unsigned l, unsigned i) -> Place { return {i < 4 ? g(l) : g(l) + 8, t(l) * 8}; },
     [](unsigned l, unsigned i) -> Place { return {t(l) * 4 + (i & 3) + (i < 4 ? 0 : 16), g(l)}; }},
    {"m16n8k64", 64, {bytes[0], bytes[1], eights[0], eights[1]}, 4, 1, 16, 16, 4,
     [](unsigned l, unsigned i) -> Place { return {i < 4 || (8 <= i && i < 12) ? g(l) : g(l) + 8, t(l) * 8 + (i < 8 ? 0 : 32)}; },
     [](unsigned l, unsigned i) -> Place { return {t(l) * 4 + (i & 3) + i / 4 * 16, g(l)}; }},
    {"m16n8k64", 64, nibbles, 8, 2, 16, 16, 8,
     [](unsigned l, unsigned i) -> Place { return {i < 8 ? g(l) : g(l) + 8, t(l) * 16}; },
     [](unsigned l, unsigned i) -> Place { return {t(l) * 8 + (i & 7) + (i < 8 ? 0 : 32), g(l)}; }},
    {"m16n8k128", 128, nibbles, 8, 1, 32, 32, 8,
     [](unsigned l, unsigned i) -> Place { return {i < 8 || (16 <= i && i < 24) ? g(l) : g(l) + 8, t(l) * 16 + (i < 16 ? 0 : 64)}; },
     [](unsigned l, unsigned i) -> Place { return {t(l) * 8 + (i & 7) + i / 8 * 32, g(l)}; }},
};

/// Lane and first bit of a metadata word (of 16 or 32 bits) at a row and column of the metadata matrix of two tiles of 16 rows (16
/// bits) or of one (32 bits): rows are interleaved, then 2x2 blocks transposed.
std::pair<unsigned, unsigned> metadata_place(unsigned word_bits, unsigned row, unsigned column) {
    unsigned rows = word_bits == 16 ? 32 : 16, interleaved = row % 8 * (rows / 8) + row % rows / 8;
    if (interleaved % 2 == 0 && column % 2 == 1) ++interleaved, --column;
    else if (interleaved % 2 == 1 && column % 2 == 0) --interleaved, ++column;
    unsigned bit = (interleaved * 2 + column) * word_bits;
    return {bit / 32, bit % 32};
}

TEST(matrix_layout, sparse) {
    std::mt19937 random(4);
    for (const SparseShape& s : sparse_shapes)
        for (const auto& types : s.types)
            for (unsigned selector = 0; selector < s.selectors; ++selector) {
                std::string d = types[0], a_type = types[1], b_type = types[2], c_type = types[3];
                auto [a_low, a_high] = range_of(a_type);
                auto [b_low, b_high] = range_of(b_type);
                auto [c_low, c_high] = range_of(c_type);
                Matrix full(16, std::vector<int64_t>(s.k)), kept = random_matrix(random, 16, s.k / 2, a_low, a_high);
                Matrix b = random_matrix(random, s.k, 8, b_low, b_high), c = random_matrix(random, 16, 8, c_low, c_high);
                // Which elements are kept: 4 bits of metadata for each chunk.
                std::vector<std::vector<unsigned>> nibbles_of_row(16);
                for (unsigned row = 0; row < 16; ++row)
                    for (unsigned n = 0; n < s.k / s.chunk; ++n) {
                        unsigned nibble, first = s.chunk * n;
                        int64_t* source = &kept[row][first / 2];
                        if (s.chunk == 2) { // one of two
                            unsigned which = random() % 2;
                            nibble = which ? 0b1110 : 0b0100;
                            full[row][first + which] = source[0];
                        } else { // two of four; of 4-bit elements two pairs of four pairs
                            unsigned x = random() % 3, y = x + 1 + random() % (3 - x);
                            nibble = x | y << 2;
                            for (unsigned e = 0; e < s.chunk / 4; ++e) {
                                full[row][first + x * (s.chunk / 4) + e] = source[e];
                                full[row][first + y * (s.chunk / 4) + e] = source[s.chunk / 4 + e];
                            }
                        }
                        nibbles_of_row[row].push_back(nibble);
                    }
                // Lanes that the selector doesn't name hold other valid metadata.
                std::vector<uint32_t> metadata(32, 0x4e4e4e4e);
                unsigned word_bits = bits_of(a_type) >= 16 ? 16 : 32, per_word = word_bits / 4;
                unsigned columns = unsigned(nibbles_of_row[0].size()) / per_word; // 1 or 2
                for (unsigned row = 0; row < 16; ++row)
                    for (unsigned n = 0; n < nibbles_of_row[row].size(); ++n) {
                        unsigned column = n / per_word, tile = 0;
                        if (columns == 1) column = selector % 2, tile = selector / 2;
                        else tile = selector;
                        auto [lane, bit] = metadata_place(word_bits, row + 16 * tile, column);
                        bit += n % per_word * 4;
                        metadata[lane] = (metadata[lane] & ~(15u << bit)) | nibbles_of_row[row][n] << bit;
                    }
                auto place_a = [&](unsigned l, unsigned i) -> Place {
                    auto [row, first] = s.a(l, i);
                    return {row, first / 2 + i % s.stretch};
                };
                for (std::string variant : {"sp", "sp::ordered_metadata"}) {
                    Product p{"mma." + variant + ".sync.aligned." + s.name + ".row.col." + d + "." + a_type + "." + b_type + "." + c_type,
                              d, a_type, b_type, c_type, ", " + std::to_string(selector),
                              pack(kept, a_type, s.a_elements, place_a), pack(b, b_type, s.b_elements, s.b),
                              pack(c, c_type, 4, c_of_16_rows), metadata};
                    check_product(p, product(full, b, c), 4, c_of_16_rows);
                    if (HasFailure()) return;
                    if (d != "f32") break; // both spellings once per shape are enough
                }
            }
}

// --- rows and transposition ---------------------------------------------------------------------------------------------------

/// Row r of matrix j is at the address that lane 8j + r gives; lane l receives the elements 2 (l % 4) and the next of row l / 4,
/// or, transposed, of column l / 4.
TEST(matrix_layout, ldmatrix_and_stmatrix) {
    std::vector<uint32_t> input; // 4 matrices of 8 rows of 8 halves, each half its own number
    for (unsigned i = 0; i < 128; ++i) input.push_back((2 * i + 1) << 16 | 2 * i);
    for (unsigned count : {1u, 2u, 4u})
        for (bool transposed : {false, true})
            for (bool stores : {false, true}) {
                std::string shape = ".sync.aligned.m8n8.x" + std::to_string(count) + (transposed ? ".trans" : "") + ".shared.b16 ";
                std::string list;
                for (unsigned j = 0; j < count; ++j) list += (j ? ", %r" : "%r") + std::to_string(10 + j);
                // Row r of matrix j lies at place 8j + (r ^ 3), so that the addresses count.
                std::string body = "mul.wide.u32 %d3, %r0, 16; add.s64 %d4, %d1, %d3; ld.global.v4.b32 {%r1, %r2, %r3, %r4}, [%d4];\n"
                                   "mov.u64 %d5, area; add.s64 %d6, %d5, %d3; xor.b32 %r5, %r0, 3; mul.wide.u32 %d7, %r5, 16; "
                                   "add.s64 %d7, %d7, %d5;\n";
                if (stores) { // register j holds words 32j + lane
                    body += "mul.wide.u32 %d8, %r0, 4; add.s64 %d8, %d8, %d1;\n";
                    for (unsigned j = 0; j < count; ++j)
                        body += "ld.global.b32 %r" + std::to_string(10 + j) + ", [%d8+" + std::to_string(128 * j) + "];\n";
                    body += "stmatrix" + shape + "[%d7], {" + list + "};\nbar.warp.sync 0xffffffff;\n"
                            "ld.shared.v4.b32 {%r1, %r2, %r3, %r4}, [%d6]; add.s64 %d4, %d2, %d3; st.global.v4.b32 [%d4], {%r1, %r2, "
                            "%r3, %r4};\n";
                } else {
                    body += "st.shared.v4.b32 [%d6], {%r1, %r2, %r3, %r4}; bar.warp.sync 0xffffffff;\nldmatrix" + shape + "{" + list +
                            "}, [%d7];\nmul.wide.u32 %d8, %r0, 4; add.s64 %d8, %d8, %d2;\n";
                    for (unsigned j = 0; j < count; ++j)
                        body += "st.global.b32 [%d8+" + std::to_string(128 * j) + "], %r" + std::to_string(10 + j) + ";\n";
                }
                run((stores ? "stmatrix" : "ldmatrix") + shape, program(input, 128, body), [&](const std::vector<uint32_t>& words) {
                    for (unsigned j = 0; j < count; ++j)
                        for (unsigned lane = 0; lane < 32; ++lane)
                            for (unsigned e = 0; e < 2; ++e) {
                                unsigned row = lane / 4, column = 2 * (lane % 4) + e;
                                if (transposed) std::swap(row, column);
                                unsigned in_memory = 64 * j + 8 * (row ^ 3) + column, in_registers = 64 * j + 2 * lane + e;
                                unsigned value = stores ? in_registers : in_memory, at = stores ? in_memory : in_registers;
                                ASSERT_EQ(words[at / 2] >> (16 * (at % 2)) & 0xffff, value) << "matrix " << j << " lane " << lane;
                            }
                });
                if (HasFailure()) return;
            }
}

TEST(matrix_layout, movmatrix) {
    std::vector<uint32_t> input;
    for (unsigned i = 0; i < 32; ++i) input.push_back((2 * i + 1) << 16 | 2 * i);
    std::string body = "mul.wide.u32 %d3, %r0, 4; add.s64 %d4, %d1, %d3; ld.global.b32 %r1, [%d4];\n"
                       "movmatrix.sync.aligned.m8n8.trans.b16 %r2, %r1;\nadd.s64 %d4, %d2, %d3; st.global.b32 [%d4], %r2;\n";
    run("movmatrix", program(input, 32, body), [&](const std::vector<uint32_t>& words) {
        for (unsigned row = 0; row < 8; ++row)
            for (unsigned column = 0; column < 8; ++column)
                ASSERT_EQ(words[row * 4 + column / 2] >> (16 * (column % 2)) & 0xffff, column * 8 + row) << row << " " << column;
    });
}

// --- wmma ---------------------------------------------------------------------------------------------------------------------

/// wmma.load, wmma.mma, wmma.store through memory; the layout of the fragments is the implementation's own.
TEST(matrix_layout, wmma) {
    std::mt19937 random(5);
    struct WmmaShape {
        std::string name;
        unsigned m, n, k;
        Types types;
        std::vector<unsigned> registers; // a b c, by the tables of 9.7.14.4
    };
    Types of_halves = {{"f32", "f16", "f16", "f32"}, {"f16", "f16", "f16", "f16"}};
    const WmmaShape wmma_shapes[] = {
        {"m16n16k16", 16, 16, 16, of_halves, {8, 8, 8}},
        {"m32n8k16", 32, 8, 16, of_halves, {8, 8, 8}},
        {"m8n32k16", 8, 32, 16, of_halves, {8, 8, 8}},
        {"m16n16k16", 16, 16, 16, {{"f32", "bf16", "bf16", "f32"}}, {4, 4, 8}},
        {"m32n8k16", 32, 8, 16, {{"f32", "bf16", "bf16", "f32"}}, {8, 2, 8}},
        {"m8n32k16", 8, 32, 16, {{"f32", "bf16", "bf16", "f32"}}, {2, 8, 8}},
        {"m16n16k8", 16, 16, 8, singles, {4, 4, 8}},
        {"m8n8k4", 8, 8, 4, doubles, {1, 1, 2}},
        {"m16n16k16", 16, 16, 16, {{"s32", "s8", "s8", "s32"}, {"s32", "u8", "u8", "s32"}}, {2, 2, 8}},
        {"m32n8k16", 32, 8, 16, {{"s32", "s8", "s8", "s32"}}, {4, 1, 8}},
        {"m8n32k16", 8, 32, 16, {{"s32", "u8", "u8", "s32"}}, {1, 4, 8}},
        {"m8n8k32", 8, 8, 32, {{"s32", "s4", "s4", "s32"}, {"s32", "u4", "u4", "s32"}}, {1, 1, 2}},
        {"m8n8k128", 8, 8, 128, bit, {1, 1, 2}},
    };
    for (const WmmaShape& s : wmma_shapes)
        for (const auto& types : s.types)
            for (unsigned layouts = 0; layouts < 4; ++layouts) {
                std::string d = types[0], a_type = types[1], b_type = types[2], c_type = types[3];
                bool a_row = layouts & 1, b_row = layouts & 2, small = bits_of(a_type) < 8;
                if (small && !(a_row && !b_row)) continue; // these exist in one layout only
                auto [a_low, a_high] = range_of(a_type);
                auto [b_low, b_high] = range_of(b_type);
                auto [c_low, c_high] = range_of(c_type);
                Matrix a = random_matrix(random, s.m, s.k, a_low, a_high), b = random_matrix(random, s.k, s.n, b_low, b_high);
                Matrix c = random_matrix(random, s.m, s.n, c_low, c_high), expected = product(a, b, c);
                if (a_type == "b1")
                    for (unsigned i = 0; i < 8; ++i)
                        for (unsigned j = 0; j < 8; ++j) {
                            expected[i][j] = c[i][j];
                            for (unsigned k = 0; k < 128; ++k) expected[i][j] += a[i][k] != b[k][j];
                        }
                std::vector<uint32_t> input;
                std::string body;
                auto in_memory = [](const Matrix& m, const std::string& type, bool rows, unsigned extra) {
                    unsigned bits = bits_of(type), height = unsigned(m.size()), width = unsigned(m[0].size());
                    unsigned stride = (rows ? width : height) + extra;
                    std::vector<uint32_t> words(size_t(stride) * (rows ? height : width) * bits / 32);
                    for (unsigned i = 0; i < height; ++i)
                        for (unsigned j = 0; j < width; ++j)
                            put(words, size_t(rows ? i * stride + j : j * stride + i) * bits, bits, encode(type, m[i][j]));
                    return std::pair(words, stride);
                };
                auto load = [&](char part, const Matrix& m, const std::string& type, bool rows, unsigned count, unsigned first) {
                    while (input.size() % 8) input.push_back(0);
                    auto [words, stride] = in_memory(m, type, rows, 256 / bits_of(type)); // 32 bytes more than a row
                    std::string kind = type == "f64" ? "%g" : type == "f32" ? "%f" : "%r", list;
                    for (unsigned i = 0; i < count; ++i) list += (i ? ", " : "") + kind + std::to_string(first + i);
                    body += "wmma.load." + std::string(1, part) + ".sync.aligned." + (rows ? "row." : "col.") + s.name + ".global." + type +
                            " {" + list + "}, [%d1+" + std::to_string(input.size() * 4) + "], " + std::to_string(stride) + ";\n";
                    input.insert(input.end(), words.begin(), words.end());
                    return "{" + list + "}";
                };
                unsigned c_registers = c_type == "f16" ? 4 : s.registers[2];
                std::string x = load('a', a, a_type, a_row, s.registers[0], 10), y = load('b', b, b_type, b_row, s.registers[1], 50);
                std::string z = load('c', c, c_type, !a_row, c_registers, 90);
                std::string between = a_type == "f16" ? d + "." + c_type : d + "." + a_type + "." + b_type + "." + c_type;
                body += std::string("wmma.mma") + (a_type == "b1" ? ".xor.popc" : "") + ".sync.aligned" + (a_row ? ".row" : ".col") +
                        (b_row ? ".row." : ".col.") + s.name + "." + between + " " + z + ", " + x + ", " + y + ", " + z + ";\n";
                body += "wmma.store.d.sync.aligned." + std::string(b_row ? "row." : "col.") + s.name + ".global." + d + " [%d2], " + z +
                        ", " + std::to_string(b_row ? s.n : s.m) + ";\n";
                auto [wanted, stride] = in_memory(expected, d, b_row, 0);
                std::string name = "wmma." + s.name + "." + between + (a_row ? ".row" : ".col") + (b_row ? ".row" : ".col");
                run(name, program(input, unsigned(wanted.size()), body),
                    [&](const std::vector<uint32_t>& words) { ASSERT_EQ(words, wanted); });
                if (HasFailure()) return;
            }
}

} // namespace
} // namespace anywarp::ptx_run
