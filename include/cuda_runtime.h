// The header that every CUDA C++ source sees first: the toolchain includes it before the source, as nvcc does, and host-only
// C++ files include it for the runtime API. Compiled as CUDA by clang it also brings the device side of the language: built-in
// variables, math, intrinsics, atomics. Those come from clang's own CUDA headers where clang has them and from
// anywarp/device_*.h where it doesn't; the order below matters, since each of clang's headers expects names of the ones before.
#ifndef __CUDA_RUNTIME_H__
#define __CUDA_RUNTIME_H__

#if defined(__clang__) && defined(__CUDA__)

#include "host_defines.h"
// clang has no managed variables in CUDA and would ignore the attribute, leaving the host a copy of its own.
#undef __managed__
#define __managed__ _Pragma("GCC error \"__managed__ variables are not supported by anywarp-cc; use cudaMallocManaged\"") __device__
// clang's math overloads have to be declared before <cmath> declares the host's.
#include <__clang_cuda_math_forward_declares.h>

#include <cfloat>
#include <climits>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
// Ahead of our device malloc and free in std: its `using std::malloc` would clash with them.
#include <stdlib.h>

// clang's headers ask which toolkit they are part of; a program sees CUDA_VERSION only through cuda.h.
#pragma push_macro("CUDA_VERSION")
#undef CUDA_VERSION
#define CUDA_VERSION 13000

#include <__clang_cuda_builtin_vars.h>

#include "cuda_runtime_api.h"

#include "builtin_types.h"
#include "channel_descriptor.h"
#include "driver_types.h"
#include "vector_functions.h"
#include "vector_types.h"

#include <__clang_cuda_libdevice_declares.h>

#include <__clang_cuda_device_functions.h>
#include <__clang_cuda_math.h>

#include "anywarp/device_runtime.h"
#include "anywarp/device_address_spaces.h"
#include "anywarp/device_atomics.h"
#include "anywarp/math_overloads.h"

#include <__clang_cuda_cmath.h>
#include "anywarp/device_float_overloads.h"
typedef unsigned int cuuint32_t;
#include <__clang_cuda_intrinsics.h>
#include <__clang_cuda_complex_builtins.h>
#include "anywarp/device_intrinsics.h"
#include "anywarp/device_textures.h"

#pragma pop_macro("CUDA_VERSION")

#include <new>

// What clang emits for kernel<<<grid, block, shared, stream>>>().
extern "C" unsigned __cudaPushCallConfiguration(dim3 grid, dim3 block, size_t shared = 0, struct CUstream_st* stream = 0);

#else

#include "host_defines.h"

#include "cuda_runtime_api.h"

#include "builtin_types.h"
#include "channel_descriptor.h"
#include "driver_types.h"
#include "vector_functions.h"
#include "vector_types.h"

#if defined(__cplusplus) && defined(__CUDACC__)
#include "anywarp/math_overloads.h"
#endif

#endif

#if defined(__cplusplus)
#if defined(__has_include)
#if __has_include("anywarp/runtime_templates.h")
#include "anywarp/runtime_templates.h"
#endif
#endif
#endif

#endif
