// See statistics.h.
#include "machine/statistics.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <vector>

namespace anywarp::machine {
namespace {

struct Row {
    uint64_t launches = 0, blocks = 0, compiles = 0, cached = 0;
    double compile_seconds = 0, run_seconds = 0;
    uint32_t width = 0;
    bool suspends = false;
    uint64_t counters[counter_count] = {};
};

struct Table {
    std::mutex mutex;
    std::map<std::string, Row> rows;
};

Table& table() {
    static Table* the_table = new Table; // outlives every static destructor
    return *the_table;
}

void print_at_exit() {
    std::string text = statistics_table();
    if (!text.empty()) std::fputs(text.c_str(), stderr);
}

Row& row(const std::string& kernel, const KernelInfo& info) {
    Row& r = table().rows[kernel];
    r.width = info.width;
    r.suspends = info.suspends;
    return r;
}

} // namespace

bool statistics_enabled() {
    static const bool enabled = [] {
        const char* text = std::getenv("ANYWARP_STATS");
        bool on = text && *text && std::string_view(text) != "0";
        if (on) std::atexit(print_at_exit);
        return on;
    }();
    return enabled;
}

void count_compile(const std::string& kernel, const KernelInfo& info, double seconds, bool from_cache) {
    std::lock_guard lock(table().mutex);
    Row& r = row(kernel, info);
    r.compiles++;
    r.cached += from_cache;
    r.compile_seconds += seconds;
}

void count_launch(const std::string& kernel, const KernelInfo& info, uint64_t blocks, double seconds, const uint64_t* counters) {
    std::lock_guard lock(table().mutex);
    Row& r = row(kernel, info);
    r.launches++;
    r.blocks += blocks;
    r.run_seconds += seconds;
    for (unsigned i = 0; i < counter_count; i++) r.counters[i] += counters[i];
}

std::string statistics_table() {
    std::lock_guard lock(table().mutex);
    if (table().rows.empty()) return {};
    std::vector<std::pair<std::string, const Row*>> sorted;
    for (auto& [name, r] : table().rows) sorted.emplace_back(name, &r);
    std::sort(sorted.begin(), sorted.end(), [](auto& a, auto& b) { return a.second->run_seconds > b.second->run_seconds; });
    std::string text = "anywarp: kernels of this process, by time\n";
    char line[512];
    std::snprintf(line, sizeof line, "%-40s %8s %10s %9s %6s %5s %10s %6s %6s %6s %6s %6s %6s\n", "kernel", "launches", "run ms",
                  "compile ms", "cached", "width", "blocks", "lanes%", "cont%", "bcast%", "stride%", "gather%", "atomic%");
    text += line;
    for (auto& [name, r] : sorted) {
        uint64_t accesses = 0;
        for (unsigned i = counter_contiguous; i <= counter_atomic; i++) accesses += r->counters[i];
        auto share = [&](unsigned i) {
            return accesses ? 100.0 * static_cast<double>(r->counters[i]) / static_cast<double>(accesses) : 0.0;
        };
        double lanes = r->counters[counter_lane_slots] ? 100.0 * static_cast<double>(r->counters[counter_active_lanes]) /
                                                             static_cast<double>(r->counters[counter_lane_slots])
                                                       : 0.0;
        std::string shown = name.size() > 40 ? name.substr(0, 37) + "..." : name;
        std::snprintf(line, sizeof line,
                      "%-40s %8llu %10.3f %10.1f %3llu/%-2llu %4u%c %10llu %6.1f %6.1f %6.1f %7.1f %7.1f %7.1f\n", shown.c_str(),
                      static_cast<unsigned long long>(r->launches), r->run_seconds * 1e3, r->compile_seconds * 1e3,
                      static_cast<unsigned long long>(r->cached), static_cast<unsigned long long>(r->compiles), r->width,
                      r->suspends ? 's' : ' ', static_cast<unsigned long long>(r->blocks), lanes, share(counter_contiguous),
                      share(counter_broadcast), share(counter_strided), share(counter_gather), share(counter_atomic));
        text += line;
    }
    return text;
}

} // namespace anywarp::machine
