#!/usr/bin/env python3
"""Runs every benchmark's versions in turn, checks that they agree, and prints one table of ratios.

usage: run.py BUILD_DIR [--jobs a,b] [--rounds N]

A round runs all versions of a job, one after the other, so that a noisy machine hurts them all; a ratio is the median over the rounds
of the other version's time over Anywarp's in the same round: above 1, the CUDA program on Anywarp is faster. The first run of a CUDA
program fills the cache of compiled kernels and isn't counted. Checksums must agree to 1e-3. The table also goes to
BUILD_DIR/bench/results.tsv and, as a chart, results.svg. A version that can't run here is named with the reason and counted.
"""
import argparse
import glob
import math
import os
import statistics
import subprocess
import sys
import sysconfig

VERSIONS = ("anywarp", "openmp", "pocl", "intel")
OTHERS = VERSIONS[1:]
HERE = os.path.dirname(os.path.abspath(__file__))


class Skipped(Exception):
    pass


def intel_runtime(build):
    """libintelocl.so of the package intel-opencl-rt: in the build folder or where pip puts it."""
    for root in (os.path.join(build, "bench", "intel"), sys.prefix, "/usr/local", sysconfig.get_config_var("userbase") or ""):
        for place in ("lib", "local/lib"):
            found = sorted(glob.glob(os.path.join(root, place, "libintelocl.so")))
            if found:
                return found[0]
    return None


def pocl_runtime():
    return os.path.exists("/etc/OpenCL/vendors/pocl.icd")


def environments(build):
    """The environment of each version; a text instead says why there is none."""
    result = {
        "anywarp": dict(os.environ, LD_LIBRARY_PATH=os.path.join(build, "lib")),
        "openmp": dict(os.environ, OMP_PROC_BIND="true"),
    }
    if pocl_runtime():
        result["pocl"] = dict(os.environ, BENCH_OPENCL_PLATFORM="Portable", OCL_ICD_VENDORS="/etc/OpenCL/vendors")
    else:
        result["pocl"] = "PoCL isn't installed (package pocl-opencl-icd)"
    library = intel_runtime(build)
    if library:
        vendors = os.path.join(build, "bench", "intel-vendors")
        os.makedirs(vendors, exist_ok=True)
        with open(os.path.join(vendors, "intel.icd"), "w") as file:
            file.write(library + "\n")
        result["intel"] = dict(os.environ, BENCH_OPENCL_PLATFORM="Intel", OCL_ICD_VENDORS=vendors,
                               LD_LIBRARY_PATH=os.path.dirname(library))
    else:
        result["intel"] = "Intel's OpenCL runtime isn't there (make bench INTEL_OPENCL=1 installs intel-opencl-rt from PyPI)"
    return result


def run(program, environment):
    if isinstance(environment, str):
        raise Skipped(environment)
    if not os.path.exists(program):
        raise Skipped(f"{os.path.basename(program)} isn't built")
    try:
        done = subprocess.run([program], env=environment, capture_output=True, text=True, timeout=120)
    except subprocess.TimeoutExpired:
        raise Skipped(f"{os.path.basename(program)} took more than 120 s")
    line = next((line for line in done.stdout.splitlines() if line.startswith("RESULT")), None)
    if done.returncode == 77:
        raise Skipped(done.stderr.strip())
    if done.returncode != 0 or line is None:
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        raise Skipped(f"{os.path.basename(program)} failed with status {done.returncode}: {last}")
    fields = line.split()
    return float(fields[1]), float(fields[3])


def category(name):
    with open(os.path.join(HERE, name, "cuda.cu")) as file:
        line = file.readline()
    return line[line.index("[") + 1:line.index("]")] if "[" in line else "-"


def measure(name, folder, env, rounds, problems):
    """Seconds of each version, one per round."""
    times = {version: [] for version in VERSIONS}
    sums = {}
    program = {version: os.path.join(folder, name + {"anywarp": "_cuda", "openmp": "_openmp"}.get(version, "_opencl"))
               for version in VERSIONS}
    usable = list(VERSIONS)
    try:
        run(program["anywarp"], env["anywarp"])
    except Skipped:
        pass  # the first round says it
    for _ in range(rounds):
        for version in list(usable):
            try:
                seconds, sums[version] = run(program[version], env[version])
                times[version].append(seconds)
            except Skipped as reason:
                problems.setdefault(str(reason), []).append(f"{name} ({version})")
                usable.remove(version)
    reference = sums.get("openmp", sums.get("anywarp"))
    wrong = []
    for version, value in sums.items():
        if not abs(value - reference) <= 1e-3 * abs(reference):
            wrong.append(f"{name}: checksum {value} of {version}, {reference} of openmp")
            if version != "openmp":
                times[version] = []  # the time of a wrong answer is none
    return times, wrong


def mean(values):
    return math.exp(statistics.fmean(map(math.log, values))) if values else float("nan")


def ratio_of(times, version):
    pairs = [other / own for own, other in zip(times["anywarp"], times[version])]
    return statistics.median(pairs) if pairs else None


def show(value, width, digits=2):
    return f"{value:>{width}.{digits}f}" if value is not None and value == value else f"{'-':>{width}}"


def write_svg(path, rows, means):
    """Horizontal bars on a logarithmic axis: one per job and other version; the line is 1."""
    bar, left, width = 9, 170, 560
    colours = {"openmp": "#3b6ea5", "pocl": "#c06a2b", "intel": "#6a9a3a"}
    low, high = math.log10(0.1), math.log10(100)
    at = lambda value: left + (min(max(math.log10(value), low), high) - low) / (high - low) * width
    entries = rows + [("geometric mean", "", means)]
    height = 60 + len(entries) * (3 * bar + 8)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 60}" height="{height}" font-family="sans-serif" font-size="11">',
           f'<rect width="100%" height="100%" fill="white"/>',
           f'<text x="{left}" y="16" font-size="13">time of the other version / time of CUDA on Anywarp (above 1: Anywarp is faster)</text>']
    for i, version in enumerate(OTHERS):
        out.append(f'<rect x="{left + 130 * i}" y="24" width="10" height="10" fill="{colours[version]}"/>'
                   f'<text x="{left + 130 * i + 14}" y="33">{version}</text>')
    for tick in (0.1, 0.3, 1, 3, 10, 30, 100):
        x = at(tick)
        out.append(f'<line x1="{x:.1f}" y1="52" x2="{x:.1f}" y2="{height}" stroke="{"#444" if tick == 1 else "#ddd"}"/>'
                   f'<text x="{x:.1f}" y="48" text-anchor="middle" fill="#555">{tick}</text>')
    for i, (name, kind, ratios) in enumerate(entries):
        y = 58 + i * (3 * bar + 8)
        out.append(f'<text x="{left - 8}" y="{y + 2 * bar}" text-anchor="end">{name}{" [" + kind + "]" if kind else ""}</text>')
        for k, version in enumerate(OTHERS):
            value = ratios.get(version)
            if value is None or value != value:
                continue
            x0, x1 = sorted((at(1), at(value)))
            out.append(f'<rect x="{x0:.1f}" y="{y + k * bar}" width="{x1 - x0:.1f}" height="{bar - 1}" fill="{colours[version]}"/>'
                       f'<text x="{max(x1, at(1)) + 3:.1f}" y="{y + k * bar + bar - 1}" font-size="9">{value:.2f}</text>')
    with open(path, "w") as file:
        file.write("\n".join(out + ["</svg>"]) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("build")
    parser.add_argument("--jobs", help="names, with commas; otherwise all")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    build = os.path.abspath(options.build)
    folder = os.path.join(build, "bin", "bench")
    known = sorted(os.path.basename(os.path.dirname(path)) for path in glob.glob(os.path.join(HERE, "*", "cuda.cu")))
    names = options.jobs.split(",") if options.jobs else known
    if unknown := [name for name in names if name not in known]:
        sys.exit(f"no such job: {', '.join(unknown)}")
    env, problems, wrong, rows = environments(build), {}, [], []
    os.makedirs(os.path.join(build, "bench"), exist_ok=True)
    print(f"{'job':<16}{'category':<11}" + "".join(f"{v + ' ms':>12}" for v in VERSIONS) + "".join(f"{'/' + v:>9}" for v in OTHERS))
    with open(os.path.join(build, "bench", "results.tsv"), "w") as tsv:
        tsv.write("\t".join(["job", "category"] + [f"{v}_ms" for v in VERSIONS] + [f"ratio_{v}" for v in OTHERS]) + "\n")
        for name in names:
            times, errors = measure(name, folder, env, options.rounds, problems)
            wrong += errors
            medians = [statistics.median(times[v]) * 1e3 if times[v] else None for v in VERSIONS]
            ratios = {version: ratio_of(times, version) for version in OTHERS}
            kind = category(name)
            rows.append((name, kind, ratios))
            print(f"{name:<16}{kind:<11}" + "".join(show(m, 12) for m in medians) + "".join(show(ratios[v], 9) for v in OTHERS), flush=True)
            cells = [f"{value:.4f}" if value is not None else "" for value in medians + list(ratios.values())]
            tsv.write("\t".join([name, kind] + cells) + "\n")
        means = {v: mean([ratios[v] for _, _, ratios in rows if ratios[v] is not None]) for v in OTHERS}
        tsv.write("\t".join(["geometric_mean", ""] + [""] * len(VERSIONS) + [f"{means[v]:.4f}" for v in OTHERS]) + "\n")
    print(f"{'geometric mean':<75}" + "".join(show(means[v], 9) for v in OTHERS))
    write_svg(os.path.join(build, "bench", "results.svg"), rows, means)
    print(f"written: {build}/bench/results.tsv, results.svg")
    skipped = sum(map(len, problems.values()))
    if skipped:
        print(f"{skipped} skipped:")
        for reason, who in problems.items():
            print(f"  {reason}: {len(who)} ({', '.join(who[:4])}{', ...' if len(who) > 4 else ''})")
    for line in wrong:
        print("WRONG", line)
    failed = any("_cuda" in reason or "_openmp" in reason for reason in problems)
    return 1 if wrong or failed else 0


if __name__ == "__main__":
    sys.exit(main())
