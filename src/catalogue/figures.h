// The list of figures (figures.def) as a table.
#pragma once

#include <span>
#include <string_view>

namespace anywarp::catalogue {

struct FigureRow {
    std::string_view key, unit;
    double low, high;
    std::string_view what;
};

std::span<const FigureRow> figure_rows();
/// nullptr when there is no such figure.
const FigureRow* find_figure(std::string_view key);

/// The precisions of peak.* and ops.*, widest first, with the length of an operand in bits.
struct Precision {
    std::string_view name; // "fp16"
    int bits;
    bool matrix; // runs at clock.tensor_mhz
};
std::span<const Precision> precisions();

} // namespace anywarp::catalogue
