// What device code may call without including anything: printf, malloc, free, assert and the conversions of the built-in
// variables to dim3. printf becomes vprintf in clang; vprintf, malloc, free and __assertfail are the system calls of "PTX
// Writer's Guide to Interoperability", which the machine provides.
#ifndef ANYWARP_DEVICE_RUNTIME_H
#define ANYWARP_DEVICE_RUNTIME_H

extern "C" {
__device__ int vprintf(const char*, const char*);
__device__ void free(void*) __attribute__((nothrow));
__device__ void* malloc(size_t) __attribute__((nothrow)) __attribute__((malloc));
// Not noreturn: the debugger may continue, and the code after it must stay well-formed.
__device__ void __assertfail(const char* message, const char* file, unsigned line, const char* function, size_t char_size);
__device__ static __inline__ void __assert_fail(const char* message, const char* file, unsigned line, const char* function) {
    __assertfail(message, file, line, function, sizeof(char));
}
__device__ int printf(const char*, ...);
}

namespace std {
__device__ static __inline__ void free(void* address) {
    ::free(address);
}
__device__ static __inline__ void* malloc(size_t size) {
    return ::malloc(size);
}
} // namespace std

__device__ inline __cuda_builtin_threadIdx_t::operator dim3() const {
    return dim3(x, y, z);
}
__device__ inline __cuda_builtin_threadIdx_t::operator uint3() const {
    return uint3{x, y, z};
}
__device__ inline __cuda_builtin_blockIdx_t::operator dim3() const {
    return dim3(x, y, z);
}
__device__ inline __cuda_builtin_blockIdx_t::operator uint3() const {
    return uint3{x, y, z};
}
__device__ inline __cuda_builtin_blockDim_t::operator dim3() const {
    return dim3(x, y, z);
}
__device__ inline __cuda_builtin_blockDim_t::operator uint3() const {
    return uint3{x, y, z};
}
__device__ inline __cuda_builtin_gridDim_t::operator dim3() const {
    return dim3(x, y, z);
}
__device__ inline __cuda_builtin_gridDim_t::operator uint3() const {
    return uint3{x, y, z};
}

#endif
