// The lint is green on every file of ours, and every rule is red on a planted error.
#include "catalogue/lint.h"

#include <functional>
#include <gtest/gtest.h>
#include <set>

using namespace anywarp;
using namespace anywarp::catalogue;

namespace {

struct Planted {
    const char *rule, *device, *what;
    std::function<void(DeviceModel&)> plant;
};

const Planted planted[] = {
    {"text", "h100", "a date of another form", [](DeviceModel& m) { m.released = "March 2022"; }},
    {"text", "h100", "a compute capability that isn't one", [](DeviceModel& m) { m.compute_capability = "9"; }},
    {"text", "h100", "a country by name", [](DeviceModel& m) { m.supplier_country = "USA"; }},
    {"source", "h100", "no source", [](DeviceModel& m) { m.figures["units"].source.clear(); }},
    {"source", "h100", "a source that isn't cited", [](DeviceModel& m) { m.figures["units"].source = "hearsay"; }},
    {"source", "h100", "a source without a URL", [](DeviceModel& m) { m.sources["h100wp"].url.clear(); }},
    {"unknown", "l2", "an unknown figure with a number", [](DeviceModel& m) { m.figures["units"].value = 60; }},
    {"unknown", "h100", "a published figure without one", [](DeviceModel& m) { m.figures["units"].value.reset(); }},
    {"unknown", "h100", "a derived figure that doesn't say how", [](DeviceModel& m) { m.figures["pcie.gbs"].note.clear(); }},
    {"range", "h100", "an area of ten times the size", [](DeviceModel& m) { m.figures["chip.die_mm2"].value = 8140; }},
    {"range", "h100", "power in kilowatts", [](DeviceModel& m) { m.figures["power.tdp_w"].value = 0.7; }},
    {"range", "h100", "zero for unknown", [](DeviceModel& m) { m.figures["cache.l2_mb"].value = 0; }},
    {"peak", "h100", "a wrong number of units", [](DeviceModel& m) { m.figures["units"].value = 144; }},
    {"peak", "h100", "the sparse peak", [](DeviceModel& m) { m.figures["peak.fp16"].value = 1978.9; }},
    {"dense", "h100", "sparse peaks with operations to match",
     [](DeviceModel& m) {
         m.figures["peak.fp16"].value = 1978.9;
         m.figures["ops.fp16"].value = 8192;
     }},
    {"ratio", "ascend-910b", "fp8 that isn't twice fp16",
     [](DeviceModel& m) {
         m.figures["peak.fp8"] = m.figures["peak.fp16"];
         m.figures["peak.fp8"].value = 1200;
     }},
    {"bandwidth", "h100", "another bus", [](DeviceModel& m) { m.figures["memory.bus_bits"].value = 4096; }},
    {"bandwidth", "h100", "a clock that programs see wrongly",
     [](DeviceModel& m) { m.figures["cuda.memory_clock_khz"].value = 1313000; }},
    {"bandwidth", "h100", "memory of another part", [](DeviceModel& m) { m.figures["cuda.total_memory"].value = 42e9; }},
    {"link", "h800", "the H100's links", [](DeviceModel& m) { m.figures["link.count"].value = 18; }},
    {"die", "h100", "a die above the reticle", [](DeviceModel& m) { m.figures["chip.die_mm2"].value = 900; }},
    {"die", "h100", "transistors in millions", [](DeviceModel& m) { m.figures["chip.transistors_b"].value = 700; }},
    {"measured", "h100", "measured above the peak", [](DeviceModel& m) { m.figures["measured.bf16"].value = 1100; }},
    {"system", "gb200-nvl72", "the sparse total", [](DeviceModel& m) { m.figures["peak.bf16"].value = 360000; }},
    {"system", "gb200-nvl72", "a part that doesn't exist", [](DeviceModel& m) { m.parts[0].device = "gb2000"; }},
    {"deviates", "h100", "an excuse without need", [](DeviceModel& m) { m.figures["peak.fp16"].deviates = "because"; }},
};

std::string describe(const std::vector<Finding>& findings) {
    std::string text;
    for (const Finding& finding : findings) text += finding.rule + ": " + finding.message + "\n";
    return text;
}

TEST(Lint, OursAreClean) {
    for (const DeviceModel& model : all_devices().value()) EXPECT_EQ(describe(lint(model)), "") << model.id;
}

TEST(Lint, EveryPlantedErrorIsFound) {
    for (const Planted& row : planted) {
        DeviceModel model = find_device(row.device).value();
        ASSERT_EQ(describe(lint(model)), "") << row.device;
        row.plant(model);
        bool found = false;
        for (const Finding& finding : lint(model)) found = found || finding.rule == row.rule;
        EXPECT_TRUE(found) << row.rule << ": " << row.what << " on " << row.device << "; findings: " << describe(lint(model));
    }
}

TEST(Lint, EveryRuleHasAPlantedError) {
    std::set<std::string_view> tested;
    for (const Planted& row : planted) tested.insert(row.rule);
    for (const LintRule& rule : lint_rules()) EXPECT_TRUE(tested.contains(rule.name)) << rule.name;
    EXPECT_EQ(tested.size(), lint_rules().size());
}

TEST(Lint, AnExcuseHoldsForItsFigureOnly) {
    DeviceModel model = find_device("h100").value();
    model.figures["peak.fp16"].value = 900;
    model.figures["peak.fp16"].deviates = "a test";
    for (const Finding& finding : lint(model))
        EXPECT_EQ(finding.message.find("peak.fp16 is"), std::string::npos) << finding.message;
    model.figures["peak.bf16"].value = 900;
    EXPECT_NE(describe(lint(model)).find("peak.bf16 is 900"), std::string::npos);
}

} // namespace
