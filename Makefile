# A thin front over CMake's presets. `make demo` and `make test` do all their own set-up on a fresh Debian 12 (scripts/setup.sh
# installs the packages that are missing), as root or through sudo; nothing is installed or downloaded when nothing is missing.
#
#   make            builds into build/
#   make demo       builds what the demonstration needs and shows it
#   make test       builds everything and runs all tests; the last line is `anywarp: N passed, N failed, N skipped`
#   make bench      runs the programs of bench/; INTEL_OPENCL=1 also fetches Intel's OpenCL runtime (proprietary) from PyPI
#   make fuzz       random PTX programs, damaged PTX and images, a third of SECONDS=60 each (FUZZ_SEED=N: other ones)
#   make sanitize   machine, driver and runtime under ThreadSanitizer and AddressSanitizer; ROUNDS=1000 of the stress test
#   make install    into PREFIX (/usr/local), under DESTDIR
#   make clean      removes build/
PREFIX ?= /usr/local
BUILD ?= build
JOBS ?= $(shell nproc)
SECONDS ?= 60
FUZZ_SEED ?= 1
ROUNDS ?= 1000
# Passed to cmake when the build folder is made: make CMAKE_OPTIONS=-DCMAKE_BUILD_TYPE=Debug
CMAKE_OPTIONS ?=

.PHONY: all setup demo test bench fuzz sanitize install clean
.DEFAULT_GOAL := all

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD) -j$(JOBS)

setup:
	@scripts/setup.sh

# Ninja runs cmake again by itself when a CMakeLists.txt changes.
$(BUILD)/build.ninja: | setup
	cmake --preset release -B $(BUILD) -DCMAKE_INSTALL_PREFIX=$(PREFIX) $(CMAKE_OPTIONS)

# The tests need all of it; a demonstration and the benchmarks leave the tests' programs out.
demo: $(BUILD)/build.ninja
	@ninja -C $(BUILD) -j$(JOBS) demo_programs
	@scripts/demo.sh $(BUILD)

test: all
	@JOBS=$(JOBS) scripts/test.sh $(BUILD)

# cmake runs again because it may find OpenCL only now. BENCH_OPTIONS: --jobs a,b --rounds N.
bench: $(BUILD)/build.ninja
	@scripts/bench_setup.sh $(BUILD) $(if $(INTEL_OPENCL),intel)
	@cmake $(BUILD) >/dev/null
	@ninja -C $(BUILD) -j$(JOBS) bench_programs
	@python3 bench/run.py $(BUILD) $(BENCH_OPTIONS)
	@python3 bench/micro.py $(BUILD)

# Each of the three runs for a third of the time. The byte-level fuzzers with libFuzzer and sanitizers: CONTRIBUTING.md.
fuzz: $(BUILD)/build.ninja
	@ninja -C $(BUILD) -j$(JOBS) ptx_fuzz parse_fuzz fatbin_fuzz
	$(BUILD)/bin/ptx_fuzz --seed $(FUZZ_SEED) --count 1000000000 --seconds $$(( $(SECONDS) / 3 ))
	$(BUILD)/bin/parse_fuzz --seed $(FUZZ_SEED) --count 1000000000 --seconds $$(( $(SECONDS) / 3 )) tests/ptx-run tests/verify
	$(BUILD)/bin/fatbin_fuzz --seed $(FUZZ_SEED) --count 1000000000 --seconds $$(( $(SECONDS) / 3 )) fuzz/corpus

sanitize: | setup
	@JOBS=$(JOBS) scripts/sanitize.sh $(ROUNDS)

install: all
	@cmake --install $(BUILD) --prefix $(PREFIX)

clean:
	rm -rf $(BUILD)
