// See export_rules.h. A condition is true, false or unknown, since figures are; a class holds when one of its lines holds, and is
// unknown when none holds but one might.
#include "catalogue/export_rules.h"
#include "catalogue/figures.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace anywarp::catalogue {
namespace {

using Json = nlohmann::json;

const Json& table() {
    static const Json json = Json::parse(embedded_table("export_rules"));
    return json;
}

enum class Truth : uint8_t { no, unknown, yes };

std::string number_text(double value) {
    char text[32];
    std::snprintf(text, sizeof text, value >= 100 ? "%.0f" : "%.2f", value);
    return text;
}

struct Judge {
    const DeviceModel& model;
    const ExportFigures& figures;
    std::string used; // figures that were looked at

    std::optional<double> metric(const std::string& name) const {
        if (name == "tpp") return figures.tpp;
        if (name == "pd") return figures.pd;
        if (name == "dram_gbs") return figures.dram_gbs;
        if (name == "io_gbs") return figures.io_gbs;
        if (figures.dram_gbs && figures.io_gbs) return *figures.dram_gbs + *figures.io_gbs; // sum_gbs
        return std::nullopt;
    }

    Truth condition(const Json& test) {
        const auto truth = [](bool value) { return value ? Truth::yes : Truth::no; };
        if (test.contains("devices")) {
            for (const Json& id : test["devices"])
                if (id.get<std::string>() == model.id) return used = "named", Truth::yes;
            return Truth::no;
        }
        if (test.contains("vendor")) return truth(test["vendor"].get<std::string>() == model.vendor);
        if (test.contains("country")) return truth(test["country"].get<std::string>() == model.supplier_country);
        if (test.contains("market")) return truth((test["market"] == "data center") == (model.market == Market::data_center));
        const std::string name = test["metric"];
        const auto value = metric(name);
        const std::string note = name + " " + (value ? number_text(*value) : "unknown");
        if (used.find(note) == std::string::npos) used += (used.empty() ? "" : ", ") + note;
        if (!value) return Truth::unknown;
        return truth((!test.contains("at_least") || *value >= test["at_least"].get<double>()) &&
                     (!test.contains("below") || *value < test["below"].get<double>()));
    }

    Truth holds(const Json& lines) {
        Truth any = Truth::no;
        for (const Json& line : lines) {
            Truth all = Truth::yes;
            for (const Json& test : line) {
                all = std::min(all, condition(test));
                if (all == Truth::no) break; // later figures don't matter, and needn't be told
            }
            any = std::max(any, all);
        }
        return any;
    }
};

Confidence confidence_of(const Json& row) {
    const std::string name = row.value("confidence", "unknown");
    for (Confidence c : {Confidence::published, Confidence::derived, Confidence::reported})
        if (name == name_of(c)) return c;
    return Confidence::unknown;
}

bool in_force(const Json& row, std::string_view date) {
    return row["from"].get<std::string>() <= date && (!row.contains("until") || date < row["until"].get<std::string>());
}

bool is_date(std::string_view text) {
    if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
    for (size_t i = 0; i < 10; ++i)
        if (i != 4 && i != 7 && !std::isdigit(static_cast<unsigned char>(text[i]))) return false;
    const int month = (text[5] - '0') * 10 + text[6] - '0', day = (text[8] - '0') * 10 + text[9] - '0';
    return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

int strictness(const std::string& licence) {
    constexpr std::string_view order[] = {"",       "not needed",           "notification", "unknown", "case by case",
                                          "needed", "presumption of denial"};
    return static_cast<int>(std::find(std::begin(order), std::end(order), licence) - std::begin(order));
}

} // namespace

ExportFigures export_figures(const DeviceModel& model) {
    ExportFigures figures;
    Confidence weakest = Confidence::published;
    for (const Precision& precision : precisions()) {
        const Figure* peak = model.figure("peak." + std::string(precision.name));
        if (!peak || !peak->value) continue;
        const double tpp = *peak->value * precision.bits;
        if (figures.tpp && tpp <= *figures.tpp * 1.0000001) continue;
        figures.tpp = tpp;
        char text[64];
        std::snprintf(text, sizeof text, "%s: %g x %d", precision.name.data(), *peak->value, precision.bits);
        figures.tpp_from = text;
        weakest = peak->confidence;
    }
    if (figures.tpp) figures.confidence = weakest;
    if (const Figure* die = model.figure("chip.die_mm2"); die && die->value && figures.tpp) {
        figures.pd = *figures.tpp / *die->value;
        figures.confidence = std::max(weakest, die->confidence);
    }
    figures.dram_gbs = model.number("memory.bandwidth_gbs");
    const auto links = model.number("link.total_gbs"), host = model.number("pcie.gbs");
    if (links || model.link_name.empty()) figures.io_gbs = links.value_or(0) + host.value_or(0);
    if (!links && model.link_name.empty() && !host) figures.io_gbs.reset();
    return figures;
}

Result<ExportClass> classify(const DeviceModel& model, std::string_view date) {
    if (!is_date(date)) return user_error(ErrorCode::invalid_value, "the date \"" + std::string(date) + "\" is not YYYY-MM-DD");
    if (model.kind == Kind::system)
        return user_error(ErrorCode::invalid_value, model.id + " is a system: its devices are classed (ECCN 4A090 follows them)");
    const ExportFigures figures = export_figures(model);
    ExportClass result;
    result.date = date;
    result.label = "none";
    result.licence = "not needed";
    for (const Json& rule : table()["rules"]) {
        const bool now = in_force(rule, date);
        if (rule.contains("events"))
            for (const Json& event : rule["events"])
                if (in_force(event, date) && (now || rule["from"].get<std::string>() > date))
                    result.events.push_back(event["from"].get<std::string>() + ": " + event["what"].get<std::string>() + " (" +
                                            event["citation"].get<std::string>() + ", " + event["confidence"].get<std::string>() +
                                            ")");
        if (!now) continue;
        const std::string kind = rule["kind"];
        Judge judge{model, figures, {}};
        Verdict verdict{rule["id"],          rule["title"], rule["citation"], rule["url"], kind,
                        confidence_of(rule), "none",        "not needed",     {}};
        for (const Json& row : rule["classes"]) {
            const Truth truth = judge.holds(row["when"]);
            if (truth == Truth::no) continue;
            const bool sure = truth == Truth::yes;
            verdict.label = sure ? row["class"].get<std::string>() : "unknown";
            verdict.licence = sure ? row["licence"].get<std::string>() : "unknown";
            verdict.why = sure ? row.value("note", "") : "might be " + row["class"].get<std::string>();
            break;
        }
        verdict.why = judge.used + (verdict.why.empty() || judge.used.empty() ? "" : "; ") + verdict.why;
        if (kind == "review") {
            // It changes how licences for 3A090.a are reviewed, not who needs one.
            if (result.label != "3A090.a" || result.licence != "presumption of denial") continue;
            if (verdict.licence == "case by case") result.licence = verdict.licence;
            verdict.label = result.label;
            if (verdict.licence == "not needed") verdict.licence = result.licence;
        } else if (kind == "guidance") {
            if (verdict.label == "none") continue;
        } else {
            if (strictness(verdict.licence) > strictness(result.licence)) result.licence = verdict.licence;
            if (kind == "control" && verdict.label != "none") result.label = verdict.label;
            if (kind == "letter" && verdict.label == "letter" && (result.label == "none" || result.label == "unknown"))
                result.label = "letter";
        }
        result.verdicts.push_back(std::move(verdict));
    }
    const std::string end = table()["ends"];
    if (date > end) result.caveat = "the table of rules ends on " + end + "; what came later isn't in it";
    if (!model.released.empty() && model.released > date.substr(0, model.released.size()))
        result.caveat += (result.caveat.empty() ? "" : "; ") + std::string("the device was released later, ") + model.released;
    if (model.supplier_country == "CN") {
        result.licence = "not applicable";
        result.caveat += (result.caveat.empty() ? "" : "; ") +
                         std::string("made in China: the class is by arithmetic, it needn't be exported to China");
    }
    return result;
}

std::vector<RuleRow> export_rules() {
    std::vector<RuleRow> rows;
    for (const Json& rule : table()["rules"])
        rows.push_back({rule["id"], rule["from"], rule.value("until", ""), rule["title"], rule["citation"], rule["url"],
                        rule["kind"], confidence_of(rule)});
    return rows;
}

std::string export_notice() { return table()["notice"]; }

} // namespace anywarp::catalogue
