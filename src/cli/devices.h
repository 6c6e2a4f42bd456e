// `anywarp devices`: lists the catalogue, compares devices, draws their rooflines, checks device files.
#pragma once

#include "catalogue/catalogue.h"
#include "catalogue/export_rules.h"

namespace anywarp::cli {

struct DevicesSettings {
    std::vector<std::string> names;      // ids, aliases, files; none: all
    std::vector<std::string> precisions; // of the roofline; none: bf16, or what a device has nearest to it
    std::string date;                    // YYYY-MM-DD; empty: today
    std::string roofline;                // file to write
    bool json = false;
    bool lint = false;
    bool page = false; // docs/devices.md
};

/// What the command is: the exit status.
int show_catalogue(DevicesSettings settings);

// The parts of it.
using Models = std::vector<catalogue::DeviceModel>;
std::string list_text(const Models& models, const std::string& date);
std::string compare_text(const Models& models, const std::string& date);
std::string json_text(const Models& models, const std::string& date);
std::string page_text(const Models& models);
/// Error: no device has the precision.
Result<std::string> roofline_svg(const Models& models, const std::vector<std::string>& precisions);

/// "989.4", "15832", "0.254": four digits or all of an integer.
std::string figure_text(double value);
/// "not 3A090", "3A090.a, case by case" ...
std::string class_text(const catalogue::ExportClass& exports);

} // namespace anywarp::cli
