// What the export rules of the United States make of a device on a date, for China (with Hong Kong and Macau): the published
// arithmetic on published figures. Not legal advice.
//
// Total processing performance (TPP) is 2 x MacTOPS x bit length, dense, the largest over the precisions: a vendor's TOPS count a
// multiply-add as two, so it is TOPS x bit length. Performance density (PD) is TPP over the applicable die area: that of the
// logic dies of the package made with non-planar transistors. (15 CFR part 774, Supplement 1, ECCN 3A090, technical notes.) The
// rules are data: devices/tables/export_rules.json, each with its dates, thresholds and citation.
#pragma once

#include "catalogue/catalogue.h"

namespace anywarp::catalogue {

struct ExportFigures {
    std::optional<double> tpp;
    std::string tpp_from; // "fp8: 1978.9 x 8"
    std::optional<double> pd;
    std::optional<double> dram_gbs;
    std::optional<double> io_gbs;                // links and host interface, both directions
    Confidence confidence = Confidence::unknown; // the weakest among the figures used for TPP and PD
};
ExportFigures export_figures(const DeviceModel& model);

struct Verdict {
    std::string rule, title, citation, url, kind; // of the table
    Confidence confidence = Confidence::unknown;  // of the rule's source
    std::string label;   // "3A090.a", "letter", "GP10"; "none"; "unknown" when a figure that decides is unknown
    std::string licence; // "not needed", "needed", "notification", "presumption of denial", "case by case", "unknown"
    std::string why;     // the figures that decide
};

struct ExportClass {
    std::string date;
    std::string label; // "none", "3A090", "3A090.a", "3A090.b", "letter" (not 3A090, but a letter asks for a licence), "unknown"
    std::string licence;             // the strictest; "not applicable" for a device that is made in China
    std::vector<Verdict> verdicts;   // of every rule in force, oldest first
    std::vector<std::string> events; // what else holds on that date
    std::string caveat;              // the date lies after the table's end, the device didn't exist yet, ...
};
/// Error: the date isn't YYYY-MM-DD, the device is a system.
Result<ExportClass> classify(const DeviceModel& model, std::string_view date);

struct RuleRow {
    std::string id, from, until, title, citation, url, kind;
    Confidence confidence = Confidence::unknown;
};
std::vector<RuleRow> export_rules();
std::string export_notice(); // "not legal advice: ..."

} // namespace anywarp::catalogue
