#!/usr/bin/env python3
"""Runs every benchmark's CUDA version (on Anywarp) and its OpenMP version in turn and prints the ratios.

usage: run.py BUILD_DIR [ROUNDS]

Rounds alternate between the two versions, so that a noisy machine hurts both; the table shows the median of each. The ratio is
OpenMP's time over Anywarp's: above 1, the CUDA program is faster. Checksums must agree to 1e-3.
"""
import math
import os
import statistics
import subprocess
import sys


def run(program, env):
    text = subprocess.run([program], env=env, capture_output=True, text=True, timeout=300, check=True).stdout
    fields = next(line for line in text.splitlines() if line.startswith("RESULT")).split()
    return float(fields[1]), float(fields[2]), float(fields[3])


def main():
    build = sys.argv[1]
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    cuda_env = dict(os.environ, LD_LIBRARY_PATH=os.path.join(build, "lib"))
    folder = os.path.join(build, "bin", "bench")
    names = sorted(name[: -len("_cuda")] for name in os.listdir(folder) if name.endswith("_cuda"))
    print(f"{'job':<14}{'anywarp ms':>12}{'openmp ms':>12}{'ratio':>8}")
    ratios, wrong = [], []
    for name in names:
        times = {"cuda": [], "openmp": []}
        for _ in range(rounds):
            sums = {}
            for version in ("cuda", "openmp"):
                seconds, _, sums[version] = run(os.path.join(folder, f"{name}_{version}"), cuda_env if version == "cuda" else None)
                times[version].append(seconds)
            if abs(sums["cuda"] - sums["openmp"]) > 1e-3 * abs(sums["openmp"]):
                wrong.append(f"{name}: checksums {sums['cuda']} and {sums['openmp']} differ")
        cuda, openmp = (statistics.median(times[version]) for version in ("cuda", "openmp"))
        ratios.append(openmp / cuda)
        print(f"{name:<14}{cuda * 1e3:>12.2f}{openmp * 1e3:>12.2f}{openmp / cuda:>8.2f}")
    print(f"{'geometric mean':<38}{math.exp(statistics.fmean(map(math.log, ratios))):>8.2f}")
    for line in dict.fromkeys(wrong):
        print(line)
    return 1 if wrong else 0


sys.exit(main())
