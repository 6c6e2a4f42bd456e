// Reading a case's header, filling its buffers, running it on the oracle, comparing; see run_case.h.
#include "run_case.h"

#include "oracle/exact.h"
#include "oracle/oracle.h"
#include "ptx/layout.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <fstream>
#include <sstream>

namespace anywarp::ptx_run {

namespace {

bool is_float(const std::string& type) { return type[0] == 'f' || type.starts_with("bf"); }
unsigned width_of(const std::string& type) {
    if (type.starts_with("bf")) return 16;
    return unsigned(std::stoul(type.substr(1)));
}
oracle::Format format_of(const std::string& type) {
    if (type == "f16") return oracle::format_f16;
    if (type == "bf16") return oracle::format_bf16;
    return type == "f64" ? oracle::format_f64 : oracle::format_f32;
}

/// A fixed sequence, the same on every machine.
uint64_t scramble(uint64_t x) {
    x += 0x9e3779b97f4a7c15ull;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
    return x ^ (x >> 31);
}

uint64_t from_double(double v, const std::string& type) {
    return oracle::encode(oracle::decode(std::bit_cast<uint64_t>(v), oracle::format_f64), format_of(type),
                          oracle::Rounding::nearest_even);
}
double to_double(uint64_t bits, const std::string& type) {
    return std::bit_cast<double>(
        oracle::encode(oracle::decode(bits, format_of(type)), oracle::format_f64, oracle::Rounding::nearest_even));
}

/// 32 values of the type where things go wrong.
uint64_t edge_value(const std::string& type, unsigned i) {
    unsigned width = width_of(type);
    uint64_t mask = width == 64 ? ~0ull : (1ull << width) - 1, sign = 1ull << (width - 1);
    if (is_float(type)) {
        oracle::Format f = format_of(type);
        uint64_t infinity = oracle::infinity(f, false), one = from_double(1.0, type);
        const uint64_t special[] = {0,
                                    sign,
                                    one,
                                    one | sign,
                                    infinity,
                                    infinity | sign,
                                    infinity + 1,
                                    infinity | (infinity >> 1) | 3,
                                    1,
                                    sign | 1,
                                    infinity - 1,
                                    (infinity - 1) | sign,
                                    1ull << f.mantissa_bits,
                                    sign | (1ull << f.mantissa_bits),
                                    (1ull << f.mantissa_bits) - 1,
                                    one + 1,
                                    one - 1};
        if (i < 17) return special[i] & mask;
        const double numbers[] = {0.5, -0.5, 1.5, 2.5, -2.5, 3.1415926535, 1e4, -12345.678, 2147483648.0};
        if (i < 26) return from_double(numbers[i - 17], type);
        if (i < 29) return from_double((double(int64_t(scramble(i))) / 9.2e18) * 100, type);
        return scramble(i * 77) & mask & ~(i == 31 ? 0 : (1ull << (width - 2)));
    }
    const uint64_t special[] = {0,        1,
                                2,        3,
                                ~0ull,    ~1ull,
                                sign,     sign - 1,
                                sign + 1, sign | 0x55,
                                7,        8,
                                15,       16,
                                31,       32,
                                33,       63,
                                64,       0x55555555aaaaaaaaull,
                                0xff,     0x80,
                                0x7fff,   0x8000,
                                1000,     uint64_t(-1000)};
    if (i < 26) return special[i] & mask;
    return scramble(i + 1000 * width) & mask;
}

uint64_t fill_value(const BufferSpec& b, uint64_t i) {
    const std::string& type = b.type;
    unsigned width = width_of(type);
    uint64_t mask = width == 64 ? ~0ull : (1ull << width) - 1;
    auto number = [&](uint64_t v) { return is_float(type) ? from_double(double(v), type) : v & mask; };
    if (b.fill == "zero") return 0;
    if (b.fill == "ones") return mask;
    if (b.fill == "index") return number(i);
    if (b.fill == "small") return number(scramble(i + b.name.size() * 131) % 32);
    if (b.fill == "random") {
        uint64_t v = scramble(i * 2 + std::hash<char>()(b.name[0]));
        return is_float(type) ? from_double(double(int64_t(v)) / 9.2e18 * 10, type) : v & mask;
    }
    if (b.fill == "edge") return edge_value(type, i % 32);
    if (b.fill == "edge2") return edge_value(type, i / 32 % 32);
    if (b.fill == "edge3") return edge_value(type, (i * 7 + i / 32 * 3) % 32);
    if (b.fill.starts_with("value:")) return bits_from_text(type, b.fill.substr(6));
    return 0;
}

void parse_dimensions(const std::string& text, uint32_t* out) {
    std::stringstream s(text);
    std::string part;
    for (int i = 0; i < 3 && std::getline(s, part, ','); ++i) out[i] = uint32_t(std::stoul(part));
}

void parse_expectation(Case& test, const std::string& rest) {
    Expectation e;
    e.line = rest;
    size_t open = rest.find('['), close = rest.find(']'), equals = rest.find("==");
    if (open == std::string::npos || close == std::string::npos || equals == std::string::npos) {
        test.problems.push_back("EXPECT " + rest);
        return;
    }
    e.buffer = rest.substr(0, open);
    std::string range = rest.substr(open + 1, close - open - 1);
    size_t dots = range.find("..");
    e.first = e.last = std::stoull(range);
    if (dots != std::string::npos) e.last = std::stoull(range.substr(dots + 2));
    std::stringstream values(rest.substr(equals + 2));
    for (std::string v; values >> v;) e.values.push_back(v);
    test.expectations.push_back(e);
}

} // namespace

unsigned BufferSpec::element_size() const { return width_of(type) / 8; }

uint64_t bits_from_text(const std::string& type, const std::string& value) {
    unsigned width = width_of(type);
    uint64_t mask = width == 64 ? ~0ull : (1ull << width) - 1;
    if (value.starts_with("0x")) return std::stoull(value, nullptr, 16) & mask;
    if (is_float(type)) return from_double(std::stod(value), type);
    if (value[0] == '-') return uint64_t(std::stoll(value)) & mask;
    return std::stoull(value) & mask;
}

Case parse_case(const std::string& path, const std::string& text) {
    Case test;
    test.path = path;
    test.text = text;
    std::stringstream lines(text);
    auto buffer = [&](const std::string& name) -> BufferSpec* {
        for (BufferSpec& b : test.buffers)
            if (b.name == name) return &b;
        test.problems.push_back("no buffer " + name);
        return nullptr;
    };
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with("// ")) continue;
        std::stringstream words(line.substr(3));
        std::string keyword;
        words >> keyword;
        auto rest = [&] {
            std::string r;
            std::getline(words >> std::ws, r);
            return r;
        };
        if (keyword == "RUN:") {
            for (std::string key, value; words >> key >> value;) {
                if (key == "grid")
                    parse_dimensions(value, test.grid);
                else if (key == "block")
                    parse_dimensions(value, test.block);
                else if (key == "shared")
                    test.shared = uint32_t(std::stoul(value));
                else if (key == "entry")
                    test.entry = value;
                else
                    test.problems.push_back("RUN: " + key);
            }
        } else if (keyword == "BUFFER") {
            BufferSpec b;
            words >> b.name >> b.type >> b.fill >> b.count;
            if (!words) test.problems.push_back(line);
            Parameter p;
            p.is_buffer = true;
            p.buffer = test.buffers.size();
            test.buffers.push_back(b);
            test.parameters.push_back(p);
        } else if (keyword == "SCALAR") {
            Parameter p;
            std::string value;
            words >> p.type >> value;
            p.bits = bits_from_text(p.type, value);
            test.parameters.push_back(p);
        } else if (keyword == "TEXTURE" || keyword == "TEXTURES" || keyword == "SURFACE" || keyword == "SURFACES" || keyword == "SAMPLER") {
            TextureSpec spec;
            if (!parse_texture(keyword, rest(), spec)) test.problems.push_back(line);
            Parameter p;
            p.type = "u64";
            p.texture = int(test.textures.size());
            if (spec.variable.empty()) test.parameters.push_back(p);
            test.textures.push_back(std::move(spec));
        } else if (keyword == "EXPECT") {
            parse_expectation(test, rest());
        } else if (keyword == "BOUND") {
            std::string name, kind;
            double bound = 0;
            words >> name >> kind >> bound;
            if (BufferSpec* b = buffer(name)) b->bound_kind = kind, b->bound = bound;
        } else if (keyword == "UNORDERED") {
            if (BufferSpec* b = buffer(rest())) b->unordered = true;
        } else if (keyword == "IGNORE") {
            if (BufferSpec* b = buffer(rest())) b->ignored = true;
        } else if (keyword == "FAULT") {
            words >> test.fault;
        } else if (keyword == "OUTPUT") {
            test.output.push_back(rest());
        } else if (keyword == "WIDTHS") {
            for (unsigned w; words >> w;) test.widths.push_back(w);
        } else if (keyword == "ORACLE") {
            test.oracle_only = rest();
        }
    }
    if (test.widths.empty()) {
        bool warp_level = false;
        for (const char* word :
             {"shfl", "vote", "match", "activemask", "redux", "elect", "bar.warp", "%laneid", "%warpid", "%lanemask", "%nwarpid"})
            warp_level |= text.find(word) != std::string::npos;
        test.widths = warp_level ? std::vector<unsigned>{0, 32} : std::vector<unsigned>{0, 4, 8, 16, 32};
    }
    return test;
}

Case read_case(const std::string& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return parse_case(path, text.str());
}

Result<Memory> make_memory(const Case& test, const ptx::Module& module, uint32_t function) {
    Memory m;
    auto aligned = [](std::unique_ptr<uint8_t[]>& storage, uint64_t size) {
        storage = std::make_unique<uint8_t[]>(size + 512);
        return reinterpret_cast<uint8_t*>((reinterpret_cast<uintptr_t>(storage.get()) + 255) & ~uintptr_t(255));
    };
    for (const BufferSpec& b : test.buffers) {
        uint64_t size = b.count * b.element_size();
        m.storage.emplace_back();
        uint8_t* p = aligned(m.storage.back(), size);
        for (uint64_t i = 0; i < b.count; ++i) {
            uint64_t v = fill_value(b, i);
            std::memcpy(p + i * b.element_size(), &v, b.element_size());
        }
        m.buffers.push_back(p);
        m.sizes.push_back(size);
    }
    ptx::ParameterLayout layout = ptx::parameter_layout(module.functions[function]);
    if (layout.offsets.size() != test.parameters.size())
        return user_error(ErrorCode::invalid_value, "the kernel has " + std::to_string(layout.offsets.size()) +
                                                        " parameters, the header " + std::to_string(test.parameters.size()));
    if (auto made = make_textures(test.textures, m.textures); !made) return std::unexpected(made.error());
    m.storage.emplace_back();
    m.params = aligned(m.storage.back(), layout.size + 16);
    for (size_t i = 0; i < test.parameters.size(); ++i) {
        const Parameter& p = test.parameters[i];
        uint64_t value = p.is_buffer ? uint64_t(m.buffers[p.buffer]) : p.bits;
        if (p.texture >= 0) value = test.textures[p.texture].array ? m.textures.arrays[p.texture] : m.textures.handles[p.texture][0];
        std::memcpy(m.params + layout.offsets[i], &value, p.is_buffer ? 8 : width_of(p.type) / 8);
    }
    m.image = aligned(m.image_storage, ptx::image_layout(module).size);
    if (auto r = oracle::initialize_image(module, m.image); !r) return std::unexpected(r.error());
    for (size_t i = 0; i < test.textures.size(); ++i) { // bound as the driver does it
        if (test.textures[i].variable.empty()) continue;
        auto found = module.symbols.find(test.textures[i].variable);
        if (found == module.symbols.end()) return user_error(ErrorCode::not_found, "no variable " + test.textures[i].variable);
        std::memcpy(m.image + ptx::image_layout(module).offsets[found->second.index] + ANYWARP_REFERENCE_HANDLE_OFFSET,
                    &m.textures.handles[i][0], 8);
    }
    return m;
}

RunResult run_on_oracle(const Case& test, const ptx::Module& module, uint32_t function) {
    RunResult run;
    auto memory = make_memory(test, module, function);
    if (!memory) {
        run.result = std::unexpected(memory.error());
        return run;
    }
    run.memory = std::move(*memory);
    oracle::Launch launch;
    std::copy_n(test.grid, 3, launch.grid);
    std::copy_n(test.block, 3, launch.block);
    launch.dynamic_shared = test.shared;
    launch.params = run.memory.params;
    launch.image = run.memory.image;
    std::vector<oracle::Range> ranges;
    for (size_t i = 0; i < run.memory.buffers.size(); ++i) ranges.push_back({run.memory.buffers[i], run.memory.sizes[i]});
    for (auto [begin, size] : run.memory.textures.ranges) ranges.push_back({begin, size});
    launch.ranges = &ranges;
    oracle::Outcome outcome;
    run.result = oracle::run_grid(module, function, launch, outcome);
    run.output = outcome.output;
    return run;
}

namespace {

uint64_t element(const Memory& m, size_t buffer, unsigned size, uint64_t i) {
    uint64_t v = 0;
    std::memcpy(&v, m.buffers[buffer] + i * size, size);
    return v;
}

std::string show(const std::string& type, uint64_t bits) {
    char text[80];
    if (is_float(type))
        std::snprintf(text, sizeof text, "0x%llx (%.9g)", (unsigned long long)bits, to_double(bits, type));
    else
        std::snprintf(text, sizeof text, "0x%llx", (unsigned long long)bits);
    return text;
}

bool agree(const BufferSpec& b, uint64_t x, uint64_t y) {
    if (x == y) return true;
    if (!is_float(b.type)) return false;
    oracle::Format f = format_of(b.type);
    bool x_nan = oracle::is_nan(x, f), y_nan = oracle::is_nan(y, f);
    if (x_nan || y_nan) return x_nan && y_nan;
    if (b.bound_kind == "abs") return std::fabs(to_double(x, b.type) - to_double(y, b.type)) <= b.bound;
    if (b.bound_kind == "ulp") {
        uint64_t sign = 1ull << (width_of(b.type) - 1);
        auto ordered = [&](uint64_t v) { return v & sign ? -int64_t(v & ~sign) : int64_t(v); };
        return std::fabs(double(ordered(x)) - double(ordered(y))) <= b.bound;
    }
    return false;
}

} // namespace

std::string compare(const Case& test, const RunResult& oracle, const RunResult& compiled) {
    std::string report;
    for (size_t i = 0; i < test.buffers.size(); ++i) {
        const BufferSpec& b = test.buffers[i];
        if (b.ignored) continue;
        std::vector<uint64_t> x(b.count), y(b.count);
        for (uint64_t k = 0; k < b.count; ++k) {
            x[k] = element(oracle.memory, i, b.element_size(), k);
            y[k] = element(compiled.memory, i, b.element_size(), k);
        }
        if (b.unordered) {
            std::sort(x.begin(), x.end());
            std::sort(y.begin(), y.end());
        }
        unsigned shown = 0;
        uint64_t wrong = 0;
        for (uint64_t k = 0; k < b.count; ++k) {
            if (agree(b, x[k], y[k])) continue;
            ++wrong;
            if (shown++ < 6)
                report += "  " + b.name + "[" + std::to_string(k) + "]: oracle " + show(b.type, x[k]) + ", compiled " +
                          show(b.type, y[k]) + "\n";
        }
        if (wrong > 6) report += "  " + b.name + ": " + std::to_string(wrong) + " differ\n";
    }
    const auto &x = oracle.memory.textures.texels, &y = compiled.memory.textures.texels;
    for (size_t i = 0; i < x.size() && i < y.size(); ++i)
        for (uint64_t k = 0; k < x[i].second; ++k)
            if (x[i].first[k] != y[i].first[k]) {
                report += "  texels " + std::to_string(i) + ", byte " + std::to_string(k) + ": oracle " + std::to_string(x[i].first[k]) +
                          ", compiled " + std::to_string(y[i].first[k]) + "\n";
                break;
            }
    return report;
}

std::string check_expectations(const Case& test, const RunResult& run) {
    std::string report;
    for (const Expectation& e : test.expectations) {
        size_t i = 0;
        while (i < test.buffers.size() && test.buffers[i].name != e.buffer) ++i;
        if (i == test.buffers.size() || e.last >= test.buffers[i].count || e.values.empty()) {
            report += "  bad EXPECT " + e.line + "\n";
            continue;
        }
        const BufferSpec& b = test.buffers[i];
        for (uint64_t k = e.first; k <= e.last; ++k) {
            const std::string& text = e.values[(k - e.first) % e.values.size()];
            uint64_t want = bits_from_text(b.type, text), have = element(run.memory, i, b.element_size(), k);
            if (!agree(b, want, have))
                report += "  " + b.name + "[" + std::to_string(k) + "]: expected " + show(b.type, want) + ", is " +
                          show(b.type, have) + "\n";
        }
    }
    return report;
}

} // namespace anywarp::ptx_run
