// Host object files and archives as inputs of a link: nvcc puts a source file's fat binaries into its object file, in sections of
// their own (`.nv_fatbin`; `__nv_relfatbin` for code compiled with -rdc=true), and archives hold such object files. Layouts: ELF-64
// of the System V ABI; the ar format of System V and GNU.
#pragma once

#include "driver/fatbin.h"

namespace anywarp::driver {

/// Is it an ELF file for a host processor, or an archive?
bool is_host_object(const void* data, size_t size);

/// The PTX units in it, one per fat binary. Units without PTX that fits the device are left out as long as others fit
/// (libcudadevrt.a holds machine code only; the device runtime's functions need no unit). Errors: invalid_image,
/// no_binary_for_gpu.
Result<Image> read_host_object(const void* data, size_t size, unsigned device_architecture);

} // namespace anywarp::driver
