# A thin front over CMake's presets. `make demo` and `make test` do all their own set-up on a fresh Debian 12.
PREFIX ?= /usr/local
BUILD ?= build
