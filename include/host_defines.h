/* The words CUDA adds to C++: __global__, __device__, __shared__ and their like. They are attributes that clang's CUDA mode
 * understands; a plain C or C++ compiler that sees a CUDA header must not choke on them, so there they mean nothing.
 * CUDA C++ Programming Guide, section "C++ Language Extensions". */
#ifndef __HOST_DEFINES_H__
#define __HOST_DEFINES_H__

#ifndef CUDARTAPI
#    define CUDARTAPI
#endif
#ifndef CUDARTAPI_CDECL
#    define CUDARTAPI_CDECL
#endif
#ifndef CUDART_CB
#    define CUDART_CB
#endif

#ifndef __no_return__
#    define __no_return__ __attribute__((noreturn))
#endif
#ifndef __noinline__
#    if !defined(__cplusplus) || defined(__CUDACC__) || defined(__CUDA__)
#        define __noinline__ __attribute__((noinline))
#    endif
#endif
#ifndef __forceinline__
#    define __forceinline__ __inline__ __attribute__((always_inline))
#endif
#ifndef __align__
#    define __align__(n) __attribute__((aligned(n)))
#endif
#ifndef __builtin_align__
#    define __builtin_align__(n) __align__(n)
#endif
#ifndef __thread__
#    define __thread__ __thread
#endif
#define __inline_hint__
#define __import__
#define __export__
#ifndef __cdecl
#    define __cdecl
#endif
#define __annotate__(a) __attribute__((a))
#define __location__(a) __annotate__(a)
#ifndef __specialization_static
#    define __specialization_static
#endif
#define __device_builtin__
#define __device_builtin_texture_type__
#define __device_builtin_surface_type__
#define __cudart_builtin__

#if defined(__CUDACC__) || defined(__CUDA__)
#    ifndef __host__
#        define __host__ __attribute__((host))
#    endif
#    ifndef __device__
#        define __device__ __attribute__((device))
#    endif
#    ifndef __global__
#        define __global__ __attribute__((global))
#    endif
#    ifndef __shared__
#        define __shared__ __attribute__((shared))
#    endif
#    ifndef __constant__
#        define __constant__ __attribute__((constant))
#    endif
#    ifndef __managed__
#        define __managed__ __attribute__((managed))
#    endif
#    ifndef __grid_constant__
#        define __grid_constant__ __attribute__((grid_constant))
#    endif
#    ifndef __launch_bounds__
#        define __launch_bounds__(...) __attribute__((launch_bounds(__VA_ARGS__)))
#    endif
#    ifndef __maxnreg__
#        define __maxnreg__(n)
#    endif
#    ifndef __nv_pure__
#        define __nv_pure__ __attribute__((pure))
#    endif
#else
#    define __host__
#    define __device__
#    define __global__
#    define __shared__
#    define __constant__
#    define __managed__
#    define __grid_constant__
#    define __launch_bounds__(...)
#    define __maxnreg__(n)
#    define __nv_pure__
#endif
#ifndef __cluster_dims__
#    define __cluster_dims__(...)
#endif
#ifndef __block_size__
#    define __block_size__(...)
#endif

#define __CUDA_ARCH_HAS_FEATURE__(feature) __CUDA_ARCH_FEAT_##feature

#endif
