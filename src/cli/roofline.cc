// The roofline chart (Williams, Waterman, Patterson, 2009): attainable performance = min(peak, intensity x bandwidth), on two
// logarithmic axes. One line per device and precision; the dot is the ridge, where a kernel stops being bound by memory.
#include "cli/devices.h"
#include "cli/svg.h"

#include <algorithm>
#include <cmath>

namespace anywarp::cli {
namespace {

struct Line {
    std::string name, precision;
    double peak, bandwidth; // TFLOP/s, TB/s
    bool sure;              // both published
    double ridge() const { return peak / bandwidth; }
};

constexpr const char* colours[] = {"#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#7F7F7F"};
constexpr const char* dashes[] = {"", "8 4", "2 3", "10 3 2 3"};

std::optional<Line> line_of(const catalogue::DeviceModel& model, const std::string& precision) {
    const catalogue::Figure* peak = model.figure("peak." + precision);
    const catalogue::Figure* bandwidth = model.figure("memory.bandwidth_gbs");
    if (!peak || !peak->value || !bandwidth || !bandwidth->value) return std::nullopt;
    return Line{model.name, precision, *peak->value, *bandwidth->value / 1000,
                std::max(peak->confidence, bandwidth->confidence) <= catalogue::Confidence::derived};
}

std::vector<Line> lines_of(const Models& models, const std::vector<std::string>& precisions) {
    std::vector<Line> lines;
    for (const auto& model : models) {
        if (precisions.empty()) {
            for (const char* precision : {"bf16", "fp16", "fp8", "int8", "fp4", "fp32"})
                if (auto line = line_of(model, precision)) {
                    lines.push_back(*line);
                    break;
                }
            continue;
        }
        for (const std::string& precision : precisions)
            if (auto line = line_of(model, precision)) lines.push_back(*line);
    }
    return lines;
}

} // namespace

Result<std::string> roofline_svg(const Models& models, const std::vector<std::string>& precisions) {
    const std::vector<Line> lines = lines_of(models, precisions);
    if (lines.empty())
        return user_error(ErrorCode::not_found,
                          "none of the devices has both a known peak in that precision and a known bandwidth");
    double low_ridge = 1e300, high_ridge = 0, high_peak = 0, low_roof = 1e300;
    for (const Line& line : lines) {
        low_ridge = std::min(low_ridge, line.ridge());
        high_ridge = std::max(high_ridge, line.ridge());
        high_peak = std::max(high_peak, line.peak);
    }
    const double x_low = std::pow(10, std::floor(std::log10(low_ridge)) - 1),
                 x_high = std::pow(10, std::ceil(std::log10(high_ridge)) + 0.5);
    for (const Line& line : lines) low_roof = std::min(low_roof, x_low * line.bandwidth);
    const double y_low = std::pow(10, std::floor(std::log10(low_roof))),
                 y_high = std::pow(10, std::ceil(std::log10(high_peak * 1.05)));

    // Labels need room on the right: about 7 units a letter.
    size_t longest = 0;
    std::vector<std::string> labels;
    for (const Line& line : lines) {
        labels.push_back(line.name + ", " + line.precision + (line.sure ? "" : " (reported)"));
        longest = std::max(longest, labels.back().size());
    }
    constexpr double left = 80, top = 60, plot_width = 640;
    const double plot_height = std::max(460.0, 44.0 * static_cast<double>(lines.size()));
    const double right = left + plot_width, bottom = top + plot_height;
    const double leader = lines.size() > 8 ? 48 : 16; // from a line's end to its label; longer where labels are pushed far
    Svg svg(static_cast<int>(right + leader + 24 + 8 * static_cast<double>(std::max<size_t>(longest, 36))),
            static_cast<int>(bottom + 70));
    const auto x_of = [&](double v) { return left + plot_width * std::log10(v / x_low) / std::log10(x_high / x_low); };
    const auto y_of = [&](double v) { return bottom - plot_height * std::log10(v / y_low) / std::log10(y_high / y_low); };

    svg.text(left, 30, "Roofline: attainable performance by operational intensity", "start", "font-size:18px;font-weight:bold");
    svg.text(left, 48, "peaks are dense; dots are ridges", "start", "fill:#555");
    const auto grid = [&](double low, double high, auto draw) {
        for (double decade = std::pow(10, std::floor(std::log10(low) + 1e-9)); decade <= high * 1.0001; decade *= 10)
            for (int step = 1; step < 10; ++step)
                if (const double v = decade * step; v >= low * 0.9999 && v <= high * 1.0001) draw(v, step == 1);
    };
    grid(x_low, x_high, [&](double v, bool major) {
        svg.line(x_of(v), top, x_of(v), bottom, major ? "stroke:#bbb" : "stroke:#eee");
        if (major) svg.text(x_of(v), bottom + 20, figure_text(v), "middle");
    });
    grid(y_low, y_high, [&](double v, bool major) {
        svg.line(left, y_of(v), right, y_of(v), major ? "stroke:#bbb" : "stroke:#eee");
        if (major) svg.text(left - 8, y_of(v) + 4, figure_text(v), "end");
    });
    svg.line(left, bottom, right, bottom, "stroke:#000");
    svg.line(left, top, left, bottom, "stroke:#000");
    svg.text((left + right) / 2, bottom + 48, "operations per byte of memory traffic", "middle", "font-size:14px");
    svg.text(24, (top + bottom) / 2, "10^12 operations per second", "middle", "font-size:14px", -90);

    // A label stands at the end of its line, pushed down where the one above needs the room.
    std::vector<size_t> order(lines.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::ranges::sort(order, [&](size_t a, size_t b) { return lines[a].peak > lines[b].peak; });
    std::vector<double> label_y(lines.size());
    double free_from = top;
    for (size_t i : order) {
        label_y[i] = std::max(y_of(lines[i].peak), free_from);
        free_from = label_y[i] + 36;
    }
    // Those that were pushed below the plot come back up.
    double limit = bottom - 18;
    for (size_t k = order.size(); k-- > 0;) {
        label_y[order[k]] = std::min(label_y[order[k]], limit);
        limit = label_y[order[k]] - 36;
    }
    std::vector<std::string> names;
    for (size_t i = 0; i < lines.size(); ++i) {
        const Line& line = lines[i];
        auto known = std::ranges::find(names, line.name);
        if (known == names.end()) known = names.insert(names.end(), line.name);
        const auto device = static_cast<size_t>(known - names.begin());
        size_t kind = 0; // which of the device's own lines
        for (size_t j = 0; j < i; ++j) kind += lines[j].name == line.name;
        // Beyond eight devices the colours come again, dashed.
        const std::string colour = colours[device % std::size(colours)];
        const std::string dash = dashes[(kind + device / std::size(colours)) % std::size(dashes)];
        svg.polyline(
            {{x_of(x_low), y_of(x_low * line.bandwidth)}, {x_of(line.ridge()), y_of(line.peak)}, {right, y_of(line.peak)}},
            text("stroke:%s;stroke-width:2.5;stroke-dasharray:%s", colour.c_str(), dash.empty() ? "none" : dash.c_str()));
        svg.circle(x_of(line.ridge()), y_of(line.peak), 4, "fill:" + colour);
        svg.line(right, y_of(line.peak), right + leader, label_y[i], "stroke:" + colour);
        svg.text(right + leader + 4, label_y[i] + 4, labels[i], "start", "font-weight:bold;fill:" + colour);
        svg.text(right + leader + 4, label_y[i] + 19,
                 text("%s T/s, %s TB/s, ridge %s", figure_text(line.peak).c_str(), figure_text(line.bandwidth).c_str(),
                      figure_text(std::round(line.ridge())).c_str()),
                 "start", "fill:#444;font-size:12px");
    }
    return svg.finish();
}

} // namespace anywarp::cli
