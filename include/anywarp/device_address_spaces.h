// Which address space a generic pointer points into, and conversions between generic and space-relative addresses (CUDA C++
// Programming Guide, "Address Space Predicate Functions" and "Address Space Conversion Functions"). A separate file, because
// clang's intrinsics header already uses two of them.
#ifndef ANYWARP_DEVICE_ADDRESS_SPACES_H
#define ANYWARP_DEVICE_ADDRESS_SPACES_H

#define ANYWARP_DEVICE static __device__ __inline__ __attribute__((always_inline))

ANYWARP_DEVICE unsigned int __isGlobal(const void* address) {
    return __nvvm_isspacep_global(address);
}
ANYWARP_DEVICE unsigned int __isShared(const void* address) {
    return __nvvm_isspacep_shared(address);
}
ANYWARP_DEVICE unsigned int __isConstant(const void* address) {
    return __nvvm_isspacep_const(address);
}
ANYWARP_DEVICE unsigned int __isLocal(const void* address) {
    return __nvvm_isspacep_local(address);
}
ANYWARP_DEVICE size_t __cvta_generic_to_global(const void* p) {
    return (size_t)(const void __attribute__((address_space(1)))*)p;
}
ANYWARP_DEVICE size_t __cvta_generic_to_shared(const void* p) {
    return (size_t)(const void __attribute__((address_space(3)))*)p;
}
ANYWARP_DEVICE size_t __cvta_generic_to_constant(const void* p) {
    return (size_t)(const void __attribute__((address_space(4)))*)p;
}
ANYWARP_DEVICE size_t __cvta_generic_to_local(const void* p) {
    return (size_t)(const void __attribute__((address_space(5)))*)p;
}
ANYWARP_DEVICE void* __cvta_global_to_generic(size_t p) {
    return (void*)(void __attribute__((address_space(1)))*)p;
}
ANYWARP_DEVICE void* __cvta_shared_to_generic(size_t p) {
    return (void*)(void __attribute__((address_space(3)))*)p;
}
ANYWARP_DEVICE void* __cvta_constant_to_generic(size_t p) {
    return (void*)(void __attribute__((address_space(4)))*)p;
}
ANYWARP_DEVICE void* __cvta_local_to_generic(size_t p) {
    return (void*)(void __attribute__((address_space(5)))*)p;
}

#undef ANYWARP_DEVICE

#endif
