// Published classes: what a maker's filing, the Federal Register or the press said of a part on a date, each row with its source.
#include "catalogue/export_rules.h"

#include <gtest/gtest.h>

using namespace anywarp;
using namespace anywarp::catalogue;

namespace {

struct Row {
    const char *device, *date, *label, *licence, *source;
};

#define TOMS "https://www.tomshardware.com/"
#define FILING_2023                                                                                                              \
    "https://videocardz.com/newz/u-s-to-restrict-shipment-of-nvidia-h800-and-rtx-4090-gpus-to-china" // quotes NVIDIA's 8-K
#define CHINA_PARTS                                                                                                              \
    TOMS                                                                                                                         \
        "pc-components/gpus/new-nvidia-ai-gpus-designed-to-get-around-us-export-bans-come-to-china-h20-l20-and-l2-to-fill-void-" \
        "left-by-restricted-models"
#define CLARIFIED                                                                                                                \
    TOMS "pc-components/gpus/"                                                                                                   \
         "us-wields-the-banhammer-against-sanctions-compliant-nvidia-rtx-4090d-dragon-updated-law-prohibits-70-"                 \
         "teraflops-or-greater-gpus-from-export-to-china"
#define LETTERS_2022 TOMS "news/us-gpu-export-restrictions-hit-amd-chinas-tech-giants"
#define A800                                                                                                                     \
    "https://tweakers.net/nieuws/203182/nvidia-introduceert-a800-gpu-voor-china-die-niet-onder-exportrestricties-vs-valt.html"
#define H20_FILING                                                                                                               \
    TOMS "tech-industry/artificial-intelligence/"                                                                                \
         "nvidia-writes-off-usd5-5-billion-in-gpus-as-us-govt-chokes-off-supply-of-h20s-to-china"
#define RTX_5090_D "https://trends.glance.com/newz/shp/Business/US/en/slashgear/s-8fa3fccdda-e4bb3129-be0d-56f6-af51-fd1b7436f46d"
#define RTX_5090_DD                                                                                                              \
    TOMS "pc-components/gpus/"                                                                                                   \
         "nvidia-reportedly-plans-new-rtx-5090-dd-variant-for-china-24gb-card-with-25-percent-lower-bandwidth-"                  \
         "latest-attempt-to-dodge-export-restrictions"
#define RTX_5090_D_V2                                                                                                            \
    TOMS "pc-components/gpus/nvidia-rtx-5090d-v2-limits-ai-performance-even-more-with-25-percent-less-vram-and-bandwidth-"       \
         "downgraded-gaming-flagship-keeps-same-usd2299-msrp-in-china"
#define CASE_BY_CASE "https://www.govinfo.gov/content/pkg/FR-2026-01-15/html/2026-00789.htm"
#define FENWICK "https://whatstrending.fenwick.com/post/bis-opens-door-increasing-ai-chip-exports-china"
#define GP10 "https://alstontrade.com/commerce-rescinds-ai-diffusion-rule-releases-other-guidance-involving-overseas-ai-chips"

constexpr Row rows[] = {
    // Before the letters of 26 August 2022 nothing asked for a licence; then A100, H100 and MI250 were named.
    {"a100", "2022-08-25", "none", "not needed", LETTERS_2022},
    {"a100", "2022-08-26", "letter", "needed", LETTERS_2022},
    {"h100", "2022-09-01", "letter", "needed", LETTERS_2022},
    {"mi250x", "2022-09-01", "letter", "needed", LETTERS_2022},
    {"a30", "2022-09-01", "none", "not needed", LETTERS_2022}, // orders were to go to the A30
    // The rule of October 2022, and the parts that were cut to stay below its 600 GB/s.
    {"a100", "2022-11-08", "3A090", "presumption of denial", A800},
    {"h100", "2022-11-08", "3A090", "presumption of denial", A800},
    {"a800", "2022-11-08", "none", "not needed", A800},
    {"a800-pcie-80gb", "2022-11-08", "none", "not needed", A800},
    {"h800", "2023-06-01", "none", "not needed", FILING_2023},
    {"rtx-4090", "2023-06-01", "none", "not needed", FILING_2023},
    {"l40s", "2023-09-01", "none", "not needed", FILING_2023},
    // The rule of October 2023: NVIDIA's filing names A100, A800, H100, H800, L40, L40S and RTX 4090. The letter of 23 October
    // brought it forward for the data center parts.
    {"a800", "2023-10-24", "letter", "needed", FILING_2023},
    {"h800", "2023-10-24", "letter", "needed", FILING_2023},
    {"l40s", "2023-10-24", "letter", "needed", FILING_2023},
    {"rtx-4090", "2023-10-24", "none", "not needed", FILING_2023},
    {"a100", "2023-11-17", "3A090.a", "presumption of denial", FILING_2023},
    {"a800", "2023-11-17", "3A090.a", "presumption of denial", FILING_2023},
    {"h100", "2023-11-17", "3A090.a", "presumption of denial", FILING_2023},
    {"h800", "2023-11-17", "3A090.a", "presumption of denial", FILING_2023},
    {"l40s", "2023-11-17", "3A090.a", "presumption of denial", FILING_2023},
    {"l40", "2023-11-17", "3A090.b", "notification", FILING_2023},
    {"rtx-4090", "2023-11-17", "3A090.a", "notification", TOMS "news/no-nvidia-isnt-breaking-gpu-sanctions-analyst"},
    // The parts made for China after it.
    {"rtx-4090-d", "2023-12-29", "none", "not needed",
     "https://winbuzzer.com/2023/12/29/"
     "nvidia-releases-downgraded-rtx-4090d-gpu-for-compliance-with-us-china-export-controls-xcxwbn/"},
    {"rtx-4090-d", "2024-04-04", "none", "not needed", CLARIFIED},
    {"h20", "2024-02-01", "none", "not needed", CHINA_PARTS},
    {"l20", "2024-02-01", "none", "not needed", CHINA_PARTS},
    {"l2", "2024-02-01", "none", "not needed", CHINA_PARTS},
    {"h20", "2024-04-04", "none", "not needed", CLARIFIED},
    // The letters of April 2025.
    {"h20", "2025-04-08", "none", "not needed", H20_FILING},
    {"h20", "2025-04-09", "letter", "needed", H20_FILING},
    {"mi308x", "2025-04-16", "letter", "needed", H20_FILING},
    {"l20", "2025-05-28", "none", "not needed",
     "https://www.theregister.com/2025/05/28/nvidia_us_chipmakers_ai_requirements_china/"},
    // A consumer part cut to a TPP of 4750; stopped by the letters for its 1792 GB/s; sold again with 1344.
    {"rtx-5090", "2025-02-01", "3A090.a", "notification", RTX_5090_D},
    {"rtx-5090-d", "2025-02-01", "none", "not needed", RTX_5090_D},
    {"rtx-5090-d", "2025-06-18", "letter", "needed", RTX_5090_DD},
    {"rtx-5090-d-v2", "2025-08-12", "none", "not needed", RTX_5090_D_V2},
    // Chinese parts that meet 3A090.
    {"ascend-910b", "2025-05-13", "3A090.a", "not applicable", GP10},
    {"ascend-910c", "2025-05-13", "3A090.a", "not applicable", GP10},
    // January 2026: case by case below 21000 and 6500 GB/s.
    {"h200", "2026-01-14", "3A090.a", "presumption of denial", FENWICK},
    {"h200", "2026-01-15", "3A090.a", "case by case", CASE_BY_CASE},
    {"mi325x", "2026-01-15", "3A090.a", "case by case", FENWICK},
    {"h100", "2026-01-15", "3A090.a", "case by case", CASE_BY_CASE},
    {"b200", "2026-01-14", "3A090.a", "presumption of denial", CASE_BY_CASE},
    {"b200", "2026-01-15", "3A090.a", "presumption of denial", CASE_BY_CASE},
};

TEST(ExportClass, AsPublished) {
    static_assert(std::size(rows) >= 20);
    for (const Row& row : rows) {
        const Result<ExportClass> exports = classify(find_device(row.device).value(), row.date);
        ASSERT_TRUE(exports.has_value()) << exports.error().message;
        std::string why;
        for (const Verdict& v : exports->verdicts) why += v.rule + " " + v.label + " (" + v.why + "); ";
        EXPECT_EQ(exports->label, row.label) << row.device << " " << row.date << ": " << why << row.source;
        // A letter may stand beside a class, and case by case is about the class: the licence is the strictest but for that
        // review.
        if (std::string_view(row.licence) != "case by case")
            EXPECT_EQ(exports->licence, row.licence) << row.device << " " << row.date << ": " << why << row.source;
        else
            EXPECT_TRUE(exports->licence == "case by case") << row.device << ": " << exports->licence << ": " << why;
    }
}

// Figures that sources state: https://winbuzzer.com (RTX 4090: 5285), https://www.tweaktown.com/news/95224 (H20 2.9, H100 19.4).
TEST(ExportClass, Arithmetic) {
    const auto figures = [](const char* name) { return export_figures(find_device(name).value()); };
    EXPECT_NEAR(*figures("rtx-4090").tpp, 5285, 1);
    EXPECT_NEAR(*figures("h20").tpp, 2368, 1);
    EXPECT_NEAR(*figures("h20").pd, 2.9, 0.05);
    EXPECT_NEAR(*figures("h100").pd, 19.4, 0.1);
    EXPECT_NEAR(*figures("a100").tpp, 4992, 1);
    EXPECT_LT(*figures("mi325x").tpp, 21000);
    EXPECT_EQ(*figures("a800").io_gbs, 464);
    EXPECT_FALSE(figures("mi308x").tpp.has_value());
    EXPECT_FALSE(figures("mi300x").pd.has_value());
    EXPECT_EQ(figures("b200").confidence, Confidence::reported); // its die area is
}

TEST(ExportClass, WhatIsUnknownIsNotGuessed) {
    const ExportClass mi308 = classify(find_device("mi308x").value(), "2024-12-01").value();
    EXPECT_EQ(mi308.label, "unknown");
    EXPECT_EQ(mi308.licence, "unknown");
    // Above 4800 the density doesn't matter, so an unknown area leaves no doubt.
    EXPECT_EQ(classify(find_device("mi300x").value(), "2024-12-01")->label, "3A090.a");
    EXPECT_EQ(classify(find_device("mlu370-x8").value(), "2024-12-01")->label, "unknown");
}

TEST(ExportClass, DatesAndSystems) {
    EXPECT_FALSE(classify(find_device("h20").value(), "2025-4-9").has_value());
    EXPECT_FALSE(classify(find_device("h20").value(), "2025-13-09").has_value());
    EXPECT_FALSE(classify(find_device("gb200-nvl72").value(), "2025-04-09").has_value());
    EXPECT_NE(classify(find_device("h20").value(), "2030-01-01")->caveat.find("ends on"), std::string::npos);
    EXPECT_NE(classify(find_device("b200").value(), "2022-11-01")->caveat.find("released later"), std::string::npos);
    EXPECT_NE(export_notice().find("not legal advice"), std::string::npos);
}

TEST(ExportClass, EveryRuleIsCitedAndInOrder) {
    std::string last;
    for (const RuleRow& rule : export_rules()) {
        EXPECT_TRUE(rule.url.starts_with("https://")) << rule.id;
        EXPECT_FALSE(rule.citation.empty()) << rule.id;
        EXPECT_NE(rule.confidence, Confidence::unknown) << rule.id;
        EXPECT_LE(last, rule.from) << rule.id;
        if (!rule.until.empty()) EXPECT_LT(rule.from, rule.until) << rule.id;
        last = rule.from;
    }
}

} // namespace
