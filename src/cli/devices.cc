// See devices.h. A figure is printed with a mark of its confidence: none when published, ~ derived, * reported, ? unknown.
#include "cli/devices.h"

#include "catalogue/figures.h"
#include "catalogue/lint.h"
#include "cli/text.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <fstream>

namespace anywarp::cli {
namespace {

using namespace catalogue;

constexpr const char* legend = "~ derived, * reported, ? unknown; without a mark: published";

std::string mark(const Figure* figure) {
    if (!figure) return "";
    return figure->confidence == Confidence::derived ? "~" : figure->confidence == Confidence::reported ? "*" : "";
}

std::string cell(const DeviceModel& model, const char* key) {
    const Figure* figure = model.figure(key);
    if (!figure) return "-";
    return figure->value ? figure_text(*figure->value) + mark(figure) : "?";
}

std::string today() {
    const std::time_t now = std::time(nullptr);
    char date[16];
    std::strftime(date, sizeof date, "%Y-%m-%d", std::gmtime(&now));
    return date;
}

/// Columns as wide as their widest cell; the first is flush left.
std::string table_text(const std::vector<std::vector<std::string>>& rows) {
    std::vector<size_t> widths;
    for (const auto& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
    }
    std::string result;
    for (const auto& row : rows) {
        std::string line;
        for (size_t i = 0; i < row.size(); ++i) line += text(i ? "  %*s" : "%-*s", static_cast<int>(widths[i]), row[i].c_str());
        result += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
    }
    return result;
}

std::string half_cell(const DeviceModel& model) {
    return cell(model, model.number("peak.bf16") || !model.figure("peak.fp16") ? "peak.bf16" : "peak.fp16");
}

std::string title_of(const std::string& label) { return label == "none" ? "not 3A090" : label == "letter" ? "by letter" : label; }

int lint_files(const DevicesSettings& settings) {
    Models models;
    int problems = 0;
    if (settings.names.empty()) {
        Result<Models> all = all_devices();
        if (!all) {
            std::fprintf(stderr, "anywarp: error: %s\n", all.error().message.c_str());
            return 1;
        }
        models = std::move(*all);
    }
    for (const std::string& name : settings.names) {
        Result<DeviceModel> model = find_device(name);
        if (model)
            models.push_back(std::move(*model));
        else
            std::printf("%s: text: %s\n", name.c_str(), model.error().message.c_str()), ++problems;
    }
    for (const DeviceModel& model : models)
        for (const Finding& finding : lint(model)) {
            std::printf("%s: %s: %s\n", model.origin == "built in" ? model.id.c_str() : model.origin.c_str(),
                        finding.rule.c_str(), finding.message.c_str());
            ++problems;
        }
    std::printf("%zu devices, %zu rules, %d findings\n", models.size(), lint_rules().size(), problems);
    return problems ? 1 : 0;
}

} // namespace

std::string figure_text(double value) {
    if (value == std::floor(value) && std::abs(value) < 1e15) return text("%.0f", value);
    return text(std::abs(value) >= 1000 ? "%.0f" : "%.4g", value);
}

std::string class_text(const ExportClass& exports) {
    const std::string label = title_of(exports.label);
    return exports.licence == "not needed" || exports.licence == "not applicable" || exports.licence == exports.label
               ? label
               : label + ", " + exports.licence;
}

std::string list_text(const Models& models, const std::string& date) {
    std::vector<std::vector<std::string>> rows = {
        {"id", "GB", "GB/s", "bf16", "fp8", "fp4", "W", "TPP", "class on " + date, "name"}};
    for (const DeviceModel& model : models) {
        const bool system = model.kind == Kind::system;
        const ExportFigures figures = export_figures(model);
        const Result<ExportClass> exports = classify(model, date);
        rows.push_back({model.id, cell(model, "memory.capacity_gb"), cell(model, "memory.bandwidth_gbs"), half_cell(model),
                        cell(model, "peak.fp8"), cell(model, "peak.fp4"),
                        system ? cell(model, "system.power_kw") + " k" : cell(model, "power.tdp_w"),
                        system        ? ""
                        : figures.tpp ? figure_text(std::round(*figures.tpp))
                                      : "?",
                        exports ? class_text(*exports) : "by its devices",
                        model.name + (model.origin == "built in" ? "" : " [" + model.origin + "]")});
    }
    // The name comes last and flush left: pad it to the longest.
    size_t longest = 0;
    for (const auto& row : rows) longest = std::max(longest, row.back().size());
    for (auto& row : rows) row.back().resize(longest, ' ');
    return table_text(rows) + "\nTFLOP/s, dense; fp16 where there is no bf16. " + legend +
           ".\nanywarp devices NAME... compares; --roofline FILE.svg draws. " + "The class is " + export_notice() + ".\n";
}

std::string compare_text(const Models& models, const std::string& date) {
    std::vector<std::vector<std::string>> rows(1, {""});
    for (const DeviceModel& model : models) rows[0].push_back(model.id);
    const auto words = [&](const char* title, auto get) {
        std::vector<std::string> row = {title};
        bool any = false;
        for (const DeviceModel& model : models) {
            row.push_back(get(model));
            any = any || !row.back().empty();
        }
        if (any) rows.push_back(std::move(row));
    };
    words("vendor", [](const DeviceModel& m) { return m.vendor; });
    words("architecture", [](const DeviceModel& m) { return m.architecture; });
    words("chip", [](const DeviceModel& m) { return m.chip; });
    words("released", [](const DeviceModel& m) { return m.released; });
    words("node", [](const DeviceModel& m) { return m.node; });
    words("compute capability", [](const DeviceModel& m) { return m.compute_capability; });
    words("memory", [](const DeviceModel& m) { return m.memory_type; });
    words("link", [](const DeviceModel& m) { return m.link_name; });
    words("devices", [](const DeviceModel& m) {
        std::string list;
        for (const Part& part : m.parts) list += (list.empty() ? "" : " + ") + text("%d %s", part.count, part.device.c_str());
        return list;
    });
    // Of each figure: the value, and its ratio to the first device's.
    const auto numbers = [&](const std::string& title, auto get) {
        std::vector<std::string> row = {title};
        std::optional<double> first;
        bool any = false;
        for (size_t i = 0; i < models.size(); ++i) {
            const auto [value, suffix] = get(models[i]);
            any = any || value || !suffix.empty();
            if (!value) {
                row.push_back(suffix.empty() ? "-" : suffix);
                continue;
            }
            if (!i) first = value;
            std::string words = figure_text(*value) + suffix;
            if (i && first && *first > 0) words += text(" (%.3gx)", *value / *first);
            row.push_back(std::move(words));
        }
        if (any) rows.push_back(std::move(row));
    };
    for (const FigureRow& figure : figure_rows()) {
        if (figure.key.starts_with("ops.") || figure.key.starts_with("cuda.")) continue;
        numbers(
            std::string(figure.key) + (figure.unit.empty() ? "" : " " + std::string(figure.unit)), [&](const DeviceModel& model) {
                const Figure* found = model.figure(figure.key);
                return std::pair(found ? found->value : std::nullopt, found && !found->value ? std::string("?") : mark(found));
            });
    }
    const auto of_exports = [&](const char* title, auto get) {
        numbers(title, [&](const DeviceModel& model) {
            if (model.kind == Kind::system) return std::pair(std::optional<double>(), std::string());
            const std::optional<double> value = get(export_figures(model));
            return std::pair(value, std::string(value ? "" : "?"));
        });
    };
    rows.push_back({"", ""});
    const auto rounded = [](std::optional<double> v, double step) { return v ? std::optional(std::round(*v / step) * step) : v; };
    of_exports("total processing performance", [&](const ExportFigures& f) { return rounded(f.tpp, 1); });
    of_exports("performance density", [&](const ExportFigures& f) { return rounded(f.pd, 0.01); });
    of_exports("memory bandwidth GB/s", [&](const ExportFigures& f) { return f.dram_gbs; });
    of_exports("input and output GB/s", [&](const ExportFigures& f) { return f.io_gbs; });
    words(("class on " + date).c_str(), [&](const DeviceModel& model) {
        const Result<ExportClass> exports = classify(model, date);
        return exports ? title_of(exports->label) : std::string("by its devices");
    });
    words("licence for China", [&](const DeviceModel& model) {
        const Result<ExportClass> exports = classify(model, date);
        return exports ? exports->licence : std::string();
    });
    std::string details;
    for (const DeviceModel& model : models) {
        const Result<ExportClass> exports = classify(model, date);
        if (!exports) continue; // a system
        details += "\n" + model.id + " on " + date + ":\n";
        if (const ExportFigures f = export_figures(model); f.tpp)
            details +=
                text("  total processing performance from %s; figures %s\n", f.tpp_from.c_str(), name_of(f.confidence).data());
        for (const Verdict& v : exports->verdicts)
            details += "  " + title_of(v.label) + (v.licence.empty() ? "" : ", licence " + v.licence) +
                       (v.why.empty() ? "" : " (" + v.why + ")") + "\n    " + v.title + "; " + v.citation + "\n";
        if (exports->verdicts.empty()) details += "  no rule in force\n";
        for (const std::string& event : exports->events) details += "  also, " + event + "\n";
        if (!exports->caveat.empty()) details += "  note: " + exports->caveat + "\n";
    }
    std::string notes;
    for (const DeviceModel& model : models)
        for (const std::string& note : model.notes) notes += "  " + model.id + ": " + note + "\n";
    std::string assumed;
    for (const DeviceModel& model : models)
        if (Result<CudaModel> cuda = model.cuda(); cuda && !cuda->assumed.empty()) {
            assumed += "  " + model.id + ":";
            for (const std::string& field : cuda->assumed) assumed += " " + field + (&field == &cuda->assumed.back() ? "" : ",");
            assumed += "\n";
        }
    return table_text(rows) + "\n" + legend + "; (2x): twice the first device's.\n" + details + "\n" +
           (notes.empty() ? "" : "Notes\n" + notes + "\n") +
           (assumed.empty() ? "" : "Assumed when a program asks, since no source gives it\n" + assumed + "\n") +
           "Export classes are " + export_notice() + ".\n";
}

int show_catalogue(DevicesSettings settings) {
    if (settings.date.empty()) settings.date = today();
    if (settings.lint) return lint_files(settings);
    const auto fail = [](const Error& error) {
        std::fprintf(stderr, "anywarp: error: %s\n", error.message.c_str());
        return 2;
    };
    Models models;
    if (settings.names.empty()) {
        Result<Models> all = all_devices();
        if (!all) return fail(all.error());
        models = std::move(*all);
    }
    for (const std::string& name : settings.names) {
        Result<DeviceModel> model = find_device(name);
        if (!model) return fail(model.error());
        models.push_back(std::move(*model));
    }
    for (const DeviceModel& model : models)
        if (model.kind != Kind::system) {
            if (Result<ExportClass> exports = classify(model, settings.date); !exports) return fail(exports.error());
            break;
        }
    for (const std::string& name : settings.precisions)
        if (std::ranges::none_of(precisions(), [&](const Precision& p) { return p.name == name; }))
            return fail(
                {ErrorKind::user, ErrorCode::invalid_value,
                 "the precision \"" + name + "\" is not one of fp64 fp64_tensor fp32 tf32 fp16 bf16 fp8 fp6 fp4 int8 int4"});
    if (!settings.roofline.empty()) {
        Models drawn;
        for (const DeviceModel& model : models)
            if (!settings.names.empty() || model.kind != Kind::system) drawn.push_back(model);
        Result<std::string> svg = roofline_svg(drawn, settings.precisions);
        if (!svg) return fail(svg.error());
        std::ofstream file(settings.roofline, std::ios::binary);
        if (!(file << *svg) || !file.flush())
            return fail({ErrorKind::user, ErrorCode::invalid_value, "can't write " + settings.roofline});
    }
    const std::string words = settings.page            ? page_text(models)
                              : settings.json          ? json_text(models, settings.date)
                              : settings.names.empty() ? list_text(models, settings.date)
                                                       : compare_text(models, settings.date);
    std::fputs(words.c_str(), stdout);
    return std::fflush(stdout) ? 1 : 0;
}

} // namespace anywarp::cli
