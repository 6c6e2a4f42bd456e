#!/usr/bin/env python3
"""Measures the platform itself and prints a second table: launches, copies (micro/launch.cu), JIT time of the benchmarks' kernels against
ptxas -O3 on the same PTX, start and memory of a small program, one worker against all.

usage: micro.py BUILD_DIR [--quick]      (--quick leaves out the JIT times and the workers)

The table also goes to BUILD_DIR/bench/micro.tsv. What can't be measured here (no ptxas) is named.
"""
import argparse
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
COMPUTE_BOUND = ("blackscholes", "collatz", "dgemm", "mandelbrot", "matmul", "montecarlo", "nbody", "raytrace")


def command(words, env):
    done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise RuntimeError(f"{os.path.basename(words[0])} failed with status {done.returncode}: {done.stderr.strip()[-200:]}")
    return done.stdout


def process(program, env):
    """Milliseconds and MiB (peak, resident) of a whole process."""
    begin = time.monotonic()
    child = subprocess.Popen([program], env=env)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise RuntimeError(f"{os.path.basename(program)} failed with status {child.returncode}")
    return (time.monotonic() - begin) * 1e3, usage.ru_maxrss / 1024


def mean(values):
    return math.exp(statistics.fmean(map(math.log, values)))


def start(small, env):
    """Cold: an empty cache of compiled kernels. Warm: a filled one."""
    cold, warm, memory = [], [], []
    for _ in range(7):
        with tempfile.TemporaryDirectory() as cache:
            own = dict(env, ANYWARP_CACHE_DIR=cache)
            ms, mib = process(small, own)
            cold.append(ms), memory.append(mib)
            warm.append(process(small, own))
    yield "small program, cold start, whole process", statistics.median(cold), "ms"
    yield "small program, warm start, whole process", statistics.median(ms for ms, _ in warm), "ms"
    yield "small program, peak memory, cold", statistics.median(memory), "MiB"
    yield "small program, peak memory, warm", statistics.median(mib for _, mib in warm), "MiB"


def jit(build, names, env):
    """PTX text to running code without a cache, per kernel, against ptxas -O3 (a whole process, which is how ptxas runs)."""
    ptxas = shutil.which("ptxas") or "/usr/local/cuda/bin/ptxas"
    ptxas = ptxas if os.path.exists(ptxas) else None
    own_times, ratios, left_out = [], [], []
    off = dict(env, ANYWARP_CACHE="0")
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            ptx = os.path.join(folder, name + ".ptx")
            command([os.path.join(build, "bin", "anywarp-cc"), "-O3", "-ptx", os.path.join(HERE, name, "cuda.cu"), "-o", ptx], env)
            rounds, total = [], None
            for _ in range(3):
                lines = [line.split() for line in command([os.path.join(build, "bin", "bench", "micro_jit"), ptx], off).splitlines()]
                good = [float(first) - float(second) for _, _, first, second, result in lines if result == "0"]
                if not good or len(good) != len(lines):
                    left_out.append(name)
                    break
                reference = None
                if ptxas:
                    begin = time.monotonic()
                    done = subprocess.run([ptxas, "-O3", "-arch=sm_80", ptx, "-o", os.devnull], capture_output=True)
                    if done.returncode == 0:
                        reference = (time.monotonic() - begin) * 1e3
                rounds.append((sum(good), reference, len(good)))
            else:
                total = statistics.median(own for own, _, _ in rounds)
                own_times.append(total / rounds[0][2])
                if all(reference for _, reference, _ in rounds):
                    ratios.append(statistics.median(own / reference for own, reference, _ in rounds))
    yield f"JIT, PTX to running code, per kernel, geometric mean ({len(own_times)} programs)", mean(own_times), "ms"
    yield "JIT, slowest program, per kernel", max(own_times), "ms"
    if ratios:
        yield f"JIT over ptxas -O3, geometric mean ({len(ratios)} programs)", mean(ratios), "x"
    else:
        yield "JIT over ptxas -O3: skipped, no ptxas", float("nan"), ""
    if left_out:
        yield f"JIT: left out, a kernel faults without its data: {', '.join(left_out)}", len(left_out), "programs"


def workers(build, env):
    """One worker's time over all workers', paired."""
    result = []
    for name in COMPUTE_BOUND:
        program = os.path.join(build, "bin", "bench", name + "_cuda")
        seconds = lambda e: float(next(l for l in command([program], e).splitlines() if l.startswith("RESULT")).split()[1])
        pairs = [seconds(dict(env, ANYWARP_WORKERS="1")) / seconds(env) for _ in range(3)]
        result.append(statistics.median(pairs))
        yield f"all workers over one, {name}", result[-1], "x"
    yield f"all workers over one, geometric mean ({os.cpu_count()} cores)", mean(result), "x"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("build")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    build = os.path.abspath(options.build)
    bench = os.path.join(build, "bin", "bench")
    env = dict(os.environ, LD_LIBRARY_PATH=os.path.join(build, "lib"))
    names = sorted(name for name in os.listdir(HERE) if os.path.exists(os.path.join(HERE, name, "cuda.cu")))

    def measured():
        for line in command([os.path.join(bench, "micro_launch")], env).splitlines():
            _, name, value, unit = line.split("\t")
            yield name, float(value), unit
        yield from start(os.path.join(bench, "micro_small"), env)
        if not options.quick:
            yield from jit(build, names, env)
            yield from workers(build, env)

    os.makedirs(os.path.join(build, "bench"), exist_ok=True)
    with open(os.path.join(build, "bench", "micro.tsv"), "w") as tsv:
        tsv.write("what\tvalue\tunit\n")
        for name, value, unit in measured():
            print(f"{name:<76}{value:>10.4g} {unit}", flush=True)
            tsv.write(f"{name}\t{value:.6g}\t{unit}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
