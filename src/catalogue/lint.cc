// See lint.h. A rule holds only where every figure it needs is known. A figure may say in "deviates" why the arithmetic doesn't
// hold for it (a firmware cap, contradicting statements); one that says so without need is a finding too, so that excuses don't
// outlive their reason.
#include "catalogue/lint.h"
#include "catalogue/figures.h"

#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <set>

namespace anywarp::catalogue {
namespace {

constexpr LintRule rules[] = {
    {"text", "names, dates and codes have their form"},
    {"source", "a figure with a value names a source that the file cites, by title and URL"},
    {"unknown", "an unknown figure has no value, a known one has one; a derived one says how"},
    {"range", "a figure lies in the range of figures.def"},
    {"peak", "peak = units x clock x operations per clock, within 2 %"},
    {"dense", "a matrix peak isn't above what the compute capability's units do without sparsity"},
    {"ratio", "neighbouring matrix peaks stand as 1, 2 or 4 to 1"},
    {"bandwidth", "bandwidth = bus x rate, within 3 %; what CUDA programs are told agrees within 5 %"},
    {"link", "total of the links = count x one link, within 2 %"},
    {"die",
     "area, transistors and power of the dies are possible: below the reticle, 10 to 400 million per mm2, 0.05 to 3 W per mm2"},
    {"measured", "what was measured isn't above the peak"},
    {"system", "a system's figures are the sum of its parts', within 2 %"},
    {"deviates", "a figure that says it deviates does"},
};

class Linter {
public:
    explicit Linter(const DeviceModel& model) : m(model) {}
    std::vector<Finding> run();

private:
    const DeviceModel& m;
    std::vector<Finding> findings;
    std::set<std::string> excused;

    [[gnu::format(printf, 3, 4)]] void add(const char* rule, const char* format, ...) {
        char text[512];
        va_list arguments;
        va_start(arguments, format);
        std::vsnprintf(text, sizeof text, format, arguments);
        va_end(arguments);
        findings.push_back({rule, text});
    }
    bool near(double a, double b, double tolerance) const {
        return std::abs(a - b) <= tolerance * std::max(std::abs(a), std::abs(b));
    }
    /// True when `key` may break the rule.
    bool excuse(const std::string& key) {
        const Figure* figure = m.figure(key);
        if (!figure || figure->deviates.empty()) return false;
        excused.insert(key);
        return true;
    }
    std::optional<double> clock_of(const Precision& precision) const {
        if (precision.matrix)
            if (auto clock = m.number("clock.tensor_mhz")) return clock;
        return m.number("clock.boost_mhz");
    }

    void text();
    void each_figure();
    void peak();
    void dense();
    void ratio();
    void bandwidth();
    void link();
    void die();
    void measured();
    void system();
    void deviates();
};

void Linter::text() {
    const auto digits = [](const std::string& s, size_t from, size_t count) {
        for (size_t i = from; i < from + count; ++i)
            if (i >= s.size() || !std::isdigit(static_cast<unsigned char>(s[i]))) return false;
        return true;
    };
    const std::string& date = m.released;
    const bool date_ok =
        date.empty() ||
        (digits(date, 0, 4) &&
         (date.size() == 4 || (date[4] == '-' && digits(date, 5, 2) &&
                               (date.size() == 7 || (date.size() == 10 && date[7] == '-' && digits(date, 8, 2))))));
    if (!date_ok) add("text", "released is \"%s\", not YYYY, YYYY-MM or YYYY-MM-DD", date.c_str());
    if (m.supplier_country.size() != 2) add("text", "country is \"%s\", not a code of two letters", m.supplier_country.c_str());
    if (m.kind != Kind::system && m.architecture.empty()) add("text", "architecture is missing");
    if (!m.parts.empty() && m.kind != Kind::system) add("text", "only a system has parts");
    if (m.kind == Kind::system && m.parts.empty()) add("text", "a system needs parts");
    if (!m.compute_capability.empty()) {
        int major = 0, minor = 0, read = 0;
        if (std::sscanf(m.compute_capability.c_str(), "%d.%d%n", &major, &minor, &read) != 2 ||
            static_cast<size_t>(read) != m.compute_capability.size() || minor > 9)
            add("text", "compute_capability is \"%s\", not MAJOR.MINOR", m.compute_capability.c_str());
        else if (auto cuda = m.cuda(); !cuda)
            add("text", "%s", cuda.error().message.c_str());
    }
}

void Linter::each_figure() {
    for (const auto& [key, figure] : m.figures) {
        if (figure.confidence == Confidence::unknown) {
            if (figure.value) add("unknown", "%s is unknown, but has the value %g", key.c_str(), *figure.value);
            continue;
        }
        if (!figure.value) {
            add("unknown", "%s is called %s, but has no value", key.c_str(), name_of(figure.confidence).data());
            continue;
        }
        if (figure.confidence == Confidence::derived && figure.note.empty())
            add("unknown", "%s is derived, but no note says how", key.c_str());
        if (figure.source.empty())
            add("source", "%s names no source", key.c_str());
        else if (auto source = m.sources.find(figure.source); source == m.sources.end())
            add("source", "%s names the source \"%s\", which the file doesn't cite", key.c_str(), figure.source.c_str());
        const FigureRow* row = find_figure(key);
        const double scale = m.kind == Kind::system ? 100000 : 1; // a system is many
        if (*figure.value < row->low || *figure.value > row->high * (row->key.starts_with("system.") ? 1 : scale))
            add("range", "%s is %g %s, outside %g to %g", key.c_str(), *figure.value, row->unit.data(), row->low, row->high);
    }
    for (const auto& [key, source] : m.sources)
        if (source.title.empty() || !source.url.starts_with("http"))
            add("source", "source \"%s\" needs a title and a URL", key.c_str());
}

void Linter::peak() {
    if (m.kind == Kind::system) return;
    for (const Precision& precision : precisions()) {
        const std::string name(precision.name), key = "peak." + name;
        const auto value = m.number(key), per_clock = m.number("ops." + name), units = m.number("units"),
                   clock = clock_of(precision);
        if (!value || !per_clock || !units || !clock) continue;
        const double product = *units * *clock * *per_clock / 1e6;
        if (near(*value, product, 0.02) || excuse(key)) continue;
        add("peak", "%s is %g, but %g units x %g MHz x %g operations give %.4g%s", key.c_str(), *value, *units, *clock,
            *per_clock, product, near(*value, 2 * product, 0.03) ? "; is it the sparse peak?" : "");
    }
}

void Linter::dense() {
    if (m.kind == Kind::system || m.compute_capability.empty()) return;
    const double per_clock = tensor_operations(m.compute_capability);
    const auto units = m.number("units");
    const double clock = std::max(m.number("clock.boost_mhz").value_or(0), m.number("clock.tensor_mhz").value_or(0));
    if (!per_clock || !units || !clock) return;
    for (const Precision& precision : precisions()) {
        if (!precision.matrix) continue;
        const std::string key = "peak." + std::string(precision.name);
        const auto value = m.number(key);
        if (!value) continue;
        const double most = *units * clock * per_clock * (precision.bits > 16 ? 0.5 : 16.0 / precision.bits) / 1e6;
        if (*value > most * 1.03 && !excuse(key))
            add("dense", "%s is %g, above the %.4g that compute capability %s can do without sparsity", key.c_str(), *value, most,
                m.compute_capability.c_str());
    }
}

void Linter::ratio() {
    if (m.kind == Kind::system) return; // its devices are checked
    const auto half = m.number("peak.fp16") ? "peak.fp16" : "peak.bf16";
    const std::pair<const char*, const char*> neighbours[] = {
        {"peak.tf32", half}, {half, "peak.fp8"}, {"peak.fp8", "peak.fp4"}, {"peak.bf16", "peak.fp16"}};
    for (const auto& [wide, narrow] : neighbours) {
        const auto a = m.number(wide), b = m.number(narrow);
        if (!a || !b || !std::strcmp(wide, narrow)) continue;
        const double ratio = *b / *a;
        if (near(ratio, 1, 0.03) || near(ratio, 2, 0.03) || near(ratio, 4, 0.03) || excuse(narrow)) continue;
        add("ratio", "%s is %.3g times %s; 1, 2 or 4 are usual", narrow, ratio, wide);
    }
}

void Linter::bandwidth() {
    const auto value = m.number("memory.bandwidth_gbs");
    if (!value) return;
    if (const auto bus = m.number("memory.bus_bits"), rate = m.number("memory.rate_gbps"); bus && rate)
        if (!near(*value, *bus * *rate / 8, 0.03) && !excuse("memory.bandwidth_gbs"))
            add("bandwidth", "memory.bandwidth_gbs is %g, but %g bits x %g Gbit/s give %.5g", *value, *bus, *rate,
                *bus * *rate / 8);
    if (const auto bus = m.number("cuda.memory_bus_bits"), clock = m.number("cuda.memory_clock_khz"); bus && clock)
        if (!near(*value, *bus * *clock * 2 / 8e6, 0.05) && !excuse("cuda.memory_clock_khz"))
            add("bandwidth", "memory.bandwidth_gbs is %g, but a CUDA program would compute %.5g from %g kHz and %g bits", *value,
                *bus * *clock * 2 / 8e6, *clock, *bus);
    const auto bytes = m.number("cuda.total_memory"), capacity = m.number("memory.capacity_gb");
    if (bytes && capacity && (*bytes > *capacity * 1.0738e9 || *bytes < *capacity * 0.9e9))
        add("bandwidth", "cuda.total_memory is %.0f, which isn't nearly %g GB", *bytes, *capacity);
}

void Linter::link() {
    const auto total = m.number("link.total_gbs"), count = m.number("link.count"), one = m.number("link.gbs");
    if (total && count && one && !near(*total, *count * *one, 0.02) && !excuse("link.total_gbs"))
        add("link", "link.total_gbs is %g, but %g links of %g give %g", *total, *count, *one, *count * *one);
}

void Linter::die() {
    if (m.kind == Kind::system) return;
    const auto area = m.number("chip.die_mm2");
    if (!area) return;
    constexpr double reticle = 858; // mm2, 26 x 33 mm: what a scanner exposes at once
    if (const auto dies = m.number("chip.dies"); dies && *area > *dies * reticle && !excuse("chip.die_mm2"))
        add("die", "chip.die_mm2 is %g, more than %g dies of at most %g mm2", *area, *dies, reticle);
    if (const auto transistors = m.number("chip.transistors_b"))
        if (const double density = *transistors * 1000 / *area; (density < 10 || density > 400) && !excuse("chip.transistors_b"))
            add("die", "%g billion transistors on %g mm2 are %.3g million per mm2", *transistors, *area, density);
    if (const auto power = m.number("power.tdp_w"))
        if (const double density = *power / *area; (density < 0.05 || density > 3) && !excuse("power.tdp_w"))
            add("die", "%g W on %g mm2 are %.3g W per mm2", *power, *area, density);
}

void Linter::measured() {
    const std::pair<const char*, const char*> pairs[] = {{"measured.bf16", "peak.bf16"},
                                                         {"measured.fp8", "peak.fp8"},
                                                         {"measured.fp4", "peak.fp4"},
                                                         {"measured.stream_gbs", "memory.bandwidth_gbs"}};
    for (const auto& [low, high] : pairs) {
        const auto a = m.number(low), b = m.number(high);
        if (a && b && *a > *b * 1.02 && !excuse(low)) add("measured", "%s is %g, above %s, %g", low, *a, high, *b);
    }
}

void Linter::system() {
    if (m.kind != Kind::system) return;
    constexpr const char* keys[] = {"peak.fp64",     "peak.fp32", "peak.fp16",          "peak.bf16",
                                    "peak.fp8",      "peak.fp4",  "memory.capacity_gb", "memory.bandwidth_gbs",
                                    "link.total_gbs"};
    std::vector<std::pair<int, DeviceModel>> parts;
    for (const Part& part : m.parts) {
        Result<DeviceModel> device = find_device(part.device);
        if (!device)
            add("system", "part %s: %s", part.device.c_str(), device.error().message.c_str());
        else if (part.count < 1)
            add("system", "part %s: count is %d", part.device.c_str(), part.count);
        else
            parts.emplace_back(part.count, std::move(*device));
    }
    if (parts.size() != m.parts.size()) return;
    for (const char* key : keys) {
        const auto value = m.number(key);
        double sum = 0;
        bool known = value.has_value();
        for (const auto& [count, device] : parts) {
            const auto one = device.number(key);
            if (one)
                sum += count * *one;
            else if (std::strncmp(key, "link.", 5)) // a part without links adds none
                known = false;
        }
        if (known && sum > 0 && !near(*value, sum, 0.02) && !excuse(key))
            add("system", "%s is %g, but the parts add up to %g", key, *value, sum);
    }
}

void Linter::deviates() {
    for (const auto& [key, figure] : m.figures)
        if (!figure.deviates.empty() && !excused.contains(key))
            add("deviates", "%s says that it deviates, but every rule holds for it", key.c_str());
}

std::vector<Finding> Linter::run() {
    text();
    each_figure();
    peak();
    dense();
    ratio();
    bandwidth();
    link();
    die();
    measured();
    system();
    deviates();
    return std::move(findings);
}

} // namespace

std::vector<Finding> lint(const DeviceModel& model) { return Linter(model).run(); }
std::span<const LintRule> lint_rules() { return rules; }

} // namespace anywarp::catalogue
