// What every benchmark program shares: it times its job several times and prints one line
//
//     RESULT <median seconds> <work per run, in the unit of the job> <checksum>
//
// The checksum lets run.py see that all versions of a job computed the same thing.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace bench {

/// Runs `job` once to warm up, then `repetitions` times, but no more than 3 once half a second is over; median wall-clock seconds.
template <class Job> double median_seconds(Job job, int repetitions = 7) {
    job();
    std::vector<double> times;
    double total = 0;
    for (int i = 0; i < repetitions && (i < 3 || total < 0.5); ++i) {
        auto begin = std::chrono::steady_clock::now();
        job();
        times.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
        total += times.back();
    }
    std::sort(times.begin(), times.end());
    return times[times.size() / 2];
}

inline void report(double seconds, double work, double checksum) { std::printf("RESULT %.9f %.6g %.9g\n", seconds, work, checksum); }

} // namespace bench
