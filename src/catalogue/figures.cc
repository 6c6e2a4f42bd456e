// See figures.h. An operand of tf32 has 19 significant bits and lies in 32; the export rules say neither, and 19 is used. It
// matters for AWS's Trainium parts alone, whose tf32 runs at the rate of bf16: elsewhere another precision gives as much.
#include "catalogue/figures.h"

namespace anywarp::catalogue {
namespace {

constexpr FigureRow rows[] = {
#define FIGURE(key, unit, low, high, what) {key, unit, low, high, what},
#include "catalogue/figures.def"
};

constexpr Precision precision_rows[] = {
    {"fp64", 64, false}, {"fp64_tensor", 64, false}, {"fp32", 32, false}, {"tf32", 19, true},
    {"fp16", 16, true},  {"bf16", 16, true},         {"fp8", 8, true},    {"fp6", 6, true},
    {"fp4", 4, true},    {"int8", 8, true},          {"int4", 4, true},
};

} // namespace

std::span<const FigureRow> figure_rows() { return rows; }

const FigureRow* find_figure(std::string_view key) {
    for (const FigureRow& row : rows)
        if (row.key == key) return &row;
    return nullptr;
}

std::span<const Precision> precisions() { return precision_rows; }

} // namespace anywarp::catalogue
