// A small writer of SVG: lines, polylines, circles and text, as much as a chart needs.
#pragma once

#include "cli/text.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace anywarp::cli {

class Svg {
public:
    Svg(int width, int height) : width_(width), height_(height) {}

    void line(double x1, double y1, double x2, double y2, std::string_view style) {
        body_ += cli::text("<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" style=\"%s\"/>\n", x1, y1, x2, y2,
                           std::string(style).c_str());
    }
    void polyline(const std::vector<std::pair<double, double>>& points, std::string_view style) {
        body_ += "<polyline points=\"";
        for (const auto& [x, y] : points) body_ += cli::text("%.1f,%.1f ", x, y);
        body_ += cli::text("\" style=\"fill:none;%s\"/>\n", std::string(style).c_str());
    }
    void circle(double x, double y, double radius, std::string_view style) {
        body_ +=
            cli::text("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" style=\"%s\"/>\n", x, y, radius, std::string(style).c_str());
    }
    /// anchor: "start", "middle" or "end".
    void text(double x, double y, std::string_view words, std::string_view anchor = "start", std::string_view style = "",
              double rotate = 0) {
        body_ += cli::text("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" style=\"%s\"", x, y, std::string(anchor).c_str(),
                           std::string(style).c_str());
        if (rotate != 0) body_ += cli::text(" transform=\"rotate(%g %.1f %.1f)\"", rotate, x, y);
        body_ += ">" + escape(words) + "</text>\n";
    }

    std::string finish() const {
        return cli::text("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" "
                         "font-family=\"sans-serif\" font-size=\"13\">\n<rect width=\"%d\" height=\"%d\" fill=\"white\"/>\n",
                         width_, height_, width_, height_, width_, height_) +
               body_ + "</svg>\n";
    }

private:
    static std::string escape(std::string_view words) {
        std::string result;
        for (const char c : words)
            result += c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '"' ? "&quot;" : std::string(1, c);
        return result;
    }
    int width_, height_;
    std::string body_;
};

} // namespace anywarp::cli
