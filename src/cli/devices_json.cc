// The catalogue for programs (--json) and as a page of the documentation (docs/devices.md).
#include "catalogue/figures.h"
#include "cli/devices.h"
#include "cli/text.h"

#include <cmath>
#include <nlohmann/json.hpp>

namespace anywarp::cli {

using namespace catalogue;
using Json = nlohmann::ordered_json;

namespace {

Json number_or_null(const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); }

Json exports_json(const DeviceModel& model, const std::string& date) {
    const ExportFigures figures = export_figures(model);
    Json json = {{"tpp", number_or_null(figures.tpp)},
                 {"tpp_from", figures.tpp_from},
                 {"performance_density", number_or_null(figures.pd)},
                 {"memory_bandwidth_gbs", number_or_null(figures.dram_gbs)},
                 {"io_gbs", number_or_null(figures.io_gbs)},
                 {"confidence", name_of(figures.confidence)}};
    if (Result<ExportClass> exports = classify(model, date)) {
        json["date"] = date;
        json["class"] = exports->label;
        json["licence_china"] = exports->licence;
        json["caveat"] = exports->caveat;
        json["events"] = exports->events;
        for (const Verdict& v : exports->verdicts)
            json["rules"].push_back({{"id", v.rule},
                                     {"class", v.label},
                                     {"licence", v.licence},
                                     {"why", v.why},
                                     {"title", v.title},
                                     {"citation", v.citation},
                                     {"url", v.url}});
    }
    json["notice"] = export_notice();
    return json;
}

/// The sources of the page, numbered in the order in which they are met.
struct Citations {
    std::map<std::string, size_t> numbers; // by URL
    std::vector<Source> sources;

    size_t number(const Source& source) {
        const auto [entry, fresh] = numbers.emplace(source.url, sources.size() + 1);
        if (fresh) sources.push_back(source);
        return entry->second;
    }
};

/// "989.4", with the confidence's mark, linked to its source.
std::string page_cell(const DeviceModel& model, const char* key, Citations& citations) {
    const Figure* figure = model.figure(key);
    if (!figure) return "";
    if (!figure->value) return "?";
    const std::string mark = figure->confidence == Confidence::derived    ? "~"
                             : figure->confidence == Confidence::reported ? "\\*"
                                                                          : "";
    const auto source = model.sources.find(figure->source);
    const std::string value = figure_text(*figure->value) + mark;
    return source == model.sources.end() ? value : text("[%s][%zu]", value.c_str(), citations.number(source->second));
}

} // namespace

std::string json_text(const Models& models, const std::string& date) {
    Json list = Json::array();
    for (const DeviceModel& model : models) {
        constexpr const char* kinds[] = {"gpu", "accelerator", "system"};
        constexpr const char* markets[] = {"data center", "workstation", "consumer"};
        Json json = {{"id", model.id},
                     {"aliases", model.aliases},
                     {"name", model.name},
                     {"vendor", model.vendor},
                     {"country", model.supplier_country},
                     {"architecture", model.architecture},
                     {"kind", kinds[static_cast<int>(model.kind)]},
                     {"market", markets[static_cast<int>(model.market)]},
                     {"chip", model.chip},
                     {"form", model.form},
                     {"node", model.node},
                     {"memory_type", model.memory_type},
                     {"link_name", model.link_name},
                     {"released", model.released},
                     {"compute_capability", model.compute_capability},
                     {"origin", model.origin}};
        for (const FigureRow& row : figure_rows())
            if (const Figure* figure = model.figure(row.key))
                json["figures"][std::string(row.key)] = {{"value", number_or_null(figure->value)},
                                                         {"unit", row.unit},
                                                         {"confidence", name_of(figure->confidence)},
                                                         {"source", figure->source},
                                                         {"note", figure->note}};
        for (const auto& [key, source] : model.sources) json["sources"][key] = {{"title", source.title}, {"url", source.url}};
        for (const Part& part : model.parts) json["parts"].push_back({{"device", part.device}, {"count", part.count}});
        json["notes"] = model.notes;
        if (model.kind != Kind::system) json["export"] = exports_json(model, date);
        if (Result<CudaModel> cuda = model.cuda()) json["assumed_for_programs"] = cuda->assumed;
        list.push_back(std::move(json));
    }
    return list.dump(2) + "\n";
}

std::string page_text(const Models& models) {
    Citations citations;
    std::string page =
        "# Devices\n\nGenerated by the target coverage_devices from devices/; don't edit. Peaks are dense, in TFLOP/s (int8: "
        "TOP/s). Each\n"
        "figure links to its source (listed at the end); its confidence: no mark, published by the maker; ~ derived from "
        "published figures; \\* reported by a\n"
        "third party; ? nobody publishes it. An empty cell: the part has no such thing, or the file doesn't say. `anywarp "
        "devices NAME`\n"
        "shows everything a file holds. [The schema](devices-schema.md), [how to add one](howto/add-a-device.md).\n";
    const auto tables = [&](Kind kind, const char* title) {
        std::string vendor;
        for (const DeviceModel& model : models) {
            if ((model.kind == Kind::system) != (kind == Kind::system)) continue;
            if (vendor.empty() && kind == Kind::system) page += std::string("\n## ") + title + "\n";
            if (vendor != model.vendor && kind != Kind::system) page += "\n## " + model.vendor + "\n";
            if (vendor.empty() || (vendor != model.vendor && kind != Kind::system))
                page += kind == Kind::system ? "\n| id | name | devices | fp16 | fp8 | fp4 | memory GB | GB/s | links GB/s | kW "
                                               "|\n|---|---|---|---|---|---|---|---|---|---|\n"
                                             : "\n| id | name | units | fp64 | fp32 | fp16 | bf16 | fp8 | fp4 | int8 | memory GB "
                                               "| GB/s | links GB/s | die mm2 | W | TPP | PD |\n"
                                               "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n";
            vendor = model.vendor;
            const auto row = [&](std::initializer_list<const char*> keys) {
                for (const char* key : keys) page += " " + page_cell(model, key, citations) + " |";
            };
            page += "| " + model.id + " | " + model.name + " |";
            if (kind == Kind::system) {
                page += " ";
                for (const Part& part : model.parts)
                    page += (&part == &model.parts.front() ? "" : " + ") + text("%d %s", part.count, part.device.c_str());
                page += " |";
                row({model.number("peak.bf16") ? "peak.bf16" : "peak.fp16", "peak.fp8", "peak.fp4", "memory.capacity_gb",
                     "memory.bandwidth_gbs", "link.total_gbs", "system.power_kw"});
            } else {
                row({"units", "peak.fp64", "peak.fp32", "peak.fp16", "peak.bf16", "peak.fp8", "peak.fp4", "peak.int8",
                     "memory.capacity_gb", "memory.bandwidth_gbs", "link.total_gbs", "chip.die_mm2", "power.tdp_w"});
                const ExportFigures f = export_figures(model);
                page += " " + (f.tpp ? figure_text(std::round(*f.tpp)) : "?") + " | " + (f.pd ? text("%.2f", *f.pd) : "?") + " |";
            }
            page += "\n";
        }
    };
    tables(Kind::gpu, "");
    tables(Kind::system, "Systems");
    page += "\n## Export classes\n\nFor China with Hong Kong and Macau, by the rules as they stood on each date; " +
            export_notice() +
            ".\nTPP: total processing performance, TOPS x bits. PD: performance density, TPP over die area in mm2.\n\n";
    constexpr const char* dates[] = {"2022-08-01", "2022-09-15", "2022-10-21", "2023-10-24",
                                     "2023-11-17", "2025-04-08", "2025-04-09", "2026-01-15"};
    page += "| id |";
    for (const char* date : dates) page += std::string(" ") + date + " |";
    page += "\n|---|";
    for (size_t i = 0; i < std::size(dates); ++i) page += "---|";
    page += "\n";
    for (const DeviceModel& model : models) {
        if (model.kind == Kind::system) continue;
        page += "| " + model.id + " |";
        for (const char* date : dates) {
            const Result<ExportClass> exports = classify(model, date);
            page += " " + (exports ? class_text(*exports) : std::string()) + " |";
        }
        page += "\n";
    }
    page += "\n| rule | from | until | what | citation |\n|---|---|---|---|---|\n";
    for (const RuleRow& rule : export_rules())
        page += "| " + rule.id + " | " + rule.from + " | " + rule.until + " | " + rule.title + " | [" + rule.citation + "](" +
                rule.url + ") |\n";
    page += "\n## Notes\n\n";
    for (const DeviceModel& model : models)
        for (const std::string& note : model.notes) page += "- " + model.id + ": " + note + "\n";
    for (const DeviceModel& model : models)
        for (const auto& [key, figure] : model.figures)
            if (!figure.deviates.empty()) page += "- " + model.id + ", " + key + ": " + figure.deviates + "\n";
    page += "\n## Sources\n\n";
    for (size_t i = 0; i < citations.sources.size(); ++i)
        page += text("%zu. [%s][%zu]\n", i + 1, citations.sources[i].title.c_str(), i + 1);
    page += "\n";
    for (size_t i = 0; i < citations.sources.size(); ++i) page += text("[%zu]: %s\n", i + 1, citations.sources[i].url.c_str());
    return page;
}

} // namespace anywarp::cli
