// Surface functions on the device (CUDA C++ Programming Guide, "Surface Functions", "Surface Object API"). device_textures.h
// includes this.
//
// Each function is one PTX instruction (PTX ISA, "suld", "sust"): the bytes of a value, without conversion, at an x that counts
// bytes. What happens outside of the surface is part of the instruction, so that a mode known at compile time costs nothing.
#ifndef ANYWARP_DEVICE_SURFACES_H
#define ANYWARP_DEVICE_SURFACES_H

#include "surface_types.h"

namespace anywarp_surface {

/// Up to four components in registers of their own, which are wider than a byte.
template <class Register, int count> struct Bits { Register c[count]; };
template <int size> struct RegisterOf;
template <> struct RegisterOf<1> { typedef unsigned short type; };
template <> struct RegisterOf<2> { typedef unsigned short type; };
template <> struct RegisterOf<4> { typedef unsigned int type; };
template <> struct RegisterOf<8> { typedef unsigned long long type; };

template <int component_size, int components> struct Layout {
    enum { size = component_size, count = components };
    typedef typename RegisterOf<component_size>::type Register;
    typedef Bits<Register, components> Value;
};
template <class T> struct LayoutOf;
#define ANYWARP_LAYOUT(type, scalar, components)                                                                                 \
    template <> struct LayoutOf<type> : Layout<sizeof(scalar), components> {};
#define ANYWARP_LAYOUTS(scalar, vector)                                                                                          \
    ANYWARP_LAYOUT(scalar, scalar, 1)                                                                                            \
    ANYWARP_LAYOUT(vector##1, scalar, 1)                                                                                         \
    ANYWARP_LAYOUT(vector##2, scalar, 2)                                                                                         \
    ANYWARP_LAYOUT(vector##4, scalar, 4)
ANYWARP_LAYOUT(char, char, 1)
ANYWARP_LAYOUTS(signed char, char)
ANYWARP_LAYOUTS(unsigned char, uchar)
ANYWARP_LAYOUTS(short, short)
ANYWARP_LAYOUTS(unsigned short, ushort)
ANYWARP_LAYOUTS(int, int)
ANYWARP_LAYOUTS(unsigned int, uint)
ANYWARP_LAYOUTS(float, float)
ANYWARP_LAYOUT(long long, long long, 1)
ANYWARP_LAYOUT(longlong1, long long, 1)
ANYWARP_LAYOUT(longlong2, long long, 2)
ANYWARP_LAYOUT(unsigned long long, long long, 1)
ANYWARP_LAYOUT(ulonglong1, long long, 1)
ANYWARP_LAYOUT(ulonglong2, long long, 2)
#undef ANYWARP_LAYOUTS
#undef ANYWARP_LAYOUT

template <class T> ANYWARP_DEVICE T unpack(typename LayoutOf<T>::Value bits) {
    enum { size = LayoutOf<T>::size };
    T value;
    for (int i = 0; i < LayoutOf<T>::count; i++) __builtin_memcpy(reinterpret_cast<char*>(&value) + i * size, &bits.c[i], size);
    return value;
}
template <class T> ANYWARP_DEVICE typename LayoutOf<T>::Value pack(T value) {
    enum { size = LayoutOf<T>::size };
    typename LayoutOf<T>::Value bits;
    for (int i = 0; i < LayoutOf<T>::count; i++) {
        bits.c[i] = 0;
        __builtin_memcpy(&bits.c[i], reinterpret_cast<const char*>(&value) + i * size, size);
    }
    return bits;
}

} // namespace anywarp_surface

/// The instructions for values of one, two and four components.
#define ANYWARP_LOAD_1(geometry, type, constraint, mode, operands, inputs)                                                       \
    asm volatile("suld.b." geometry "." type mode " {%0}, " operands ";"                                                         \
                 : constraint(bits.c[0])                                                                                         \
                 : [s] "l"(surface), ANYWARP_UNPACK inputs                                                                       \
                 : "memory");
#define ANYWARP_LOAD_2(geometry, type, constraint, mode, operands, inputs)                                                       \
    asm volatile("suld.b." geometry ".v2." type mode " {%0, %1}, " operands ";"                                                  \
                 : constraint(bits.c[0]), constraint(bits.c[1])                                                                  \
                 : [s] "l"(surface), ANYWARP_UNPACK inputs                                                                       \
                 : "memory");
#define ANYWARP_LOAD_4(geometry, type, constraint, mode, operands, inputs)                                                       \
    asm volatile("suld.b." geometry ".v4." type mode " {%0, %1, %2, %3}, " operands ";"                                          \
                 : constraint(bits.c[0]), constraint(bits.c[1]), constraint(bits.c[2]), constraint(bits.c[3])                    \
                 : [s] "l"(surface), ANYWARP_UNPACK inputs                                                                       \
                 : "memory");
#define ANYWARP_STORE_1(geometry, type, constraint, mode, operands, inputs)                                                      \
    asm volatile("sust.b." geometry "." type mode " " operands ", {%[a]};" ::[s] "l"(surface),                                   \
                 ANYWARP_UNPACK inputs, [a] constraint(bits.c[0])                                                                \
                 : "memory");
#define ANYWARP_STORE_2(geometry, type, constraint, mode, operands, inputs)                                                      \
    asm volatile("sust.b." geometry ".v2." type mode " " operands ", {%[a], %[b]};" ::[s] "l"(surface),                          \
                 ANYWARP_UNPACK inputs, [a] constraint(bits.c[0]), [b] constraint(bits.c[1])                                     \
                 : "memory");
#define ANYWARP_STORE_4(geometry, type, constraint, mode, operands, inputs)                                                      \
    asm volatile("sust.b." geometry ".v4." type mode " " operands ", {%[a], %[b], %[c], %[d]};" ::[s] "l"(surface),              \
                 ANYWARP_UNPACK inputs, [a] constraint(bits.c[0]), [b] constraint(bits.c[1]), [c] constraint(bits.c[2]),         \
                 [d] constraint(bits.c[3])                                                                                       \
                 : "memory");

/// The accesses of one geometry to values of one layout.
#define ANYWARP_ACCESS(name, geometry, bytes, components, type, letter, parameters, operands, inputs)                            \
    ANYWARP_DEVICE Layout<bytes, components>::Value load_##name(Layout<bytes, components>, cudaSurfaceObject_t surface,          \
                                                                ANYWARP_UNPACK parameters, cudaSurfaceBoundaryMode mode) {       \
        Layout<bytes, components>::Value bits;                                                                                   \
        switch (mode) {                                                                                                          \
        case cudaBoundaryModeZero:                                                                                               \
            ANYWARP_LOAD_##components(geometry, type, "=" letter, ".zero", operands, inputs) break;                              \
        case cudaBoundaryModeClamp:                                                                                              \
            ANYWARP_LOAD_##components(geometry, type, "=" letter, ".clamp", operands, inputs) break;                             \
        default:                                                                                                                 \
            ANYWARP_LOAD_##components(geometry, type, "=" letter, ".trap", operands, inputs) break;                              \
        }                                                                                                                        \
        return bits;                                                                                                             \
    }                                                                                                                            \
    ANYWARP_DEVICE void store_##name(Layout<bytes, components>, cudaSurfaceObject_t surface, ANYWARP_UNPACK parameters,          \
                                     Layout<bytes, components>::Value bits, cudaSurfaceBoundaryMode mode) {                      \
        switch (mode) {                                                                                                          \
        case cudaBoundaryModeZero:                                                                                               \
            ANYWARP_STORE_##components(geometry, type, letter, ".zero", operands, inputs) break;                                 \
        case cudaBoundaryModeClamp:                                                                                              \
            ANYWARP_STORE_##components(geometry, type, letter, ".clamp", operands, inputs) break;                                \
        default:                                                                                                                 \
            ANYWARP_STORE_##components(geometry, type, letter, ".trap", operands, inputs) break;                                 \
        }                                                                                                                        \
    }
#define ANYWARP_ACCESSES(name, geometry, parameters, operands, inputs)                                                           \
    namespace anywarp_surface {                                                                                                  \
    ANYWARP_ACCESS(name, geometry, 1, 1, "b8", "h", parameters, operands, inputs)                                                \
    ANYWARP_ACCESS(name, geometry, 1, 2, "b8", "h", parameters, operands, inputs)                                                \
    ANYWARP_ACCESS(name, geometry, 1, 4, "b8", "h", parameters, operands, inputs)                                                \
    ANYWARP_ACCESS(name, geometry, 2, 1, "b16", "h", parameters, operands, inputs)                                               \
    ANYWARP_ACCESS(name, geometry, 2, 2, "b16", "h", parameters, operands, inputs)                                               \
    ANYWARP_ACCESS(name, geometry, 2, 4, "b16", "h", parameters, operands, inputs)                                               \
    ANYWARP_ACCESS(name, geometry, 4, 1, "b32", "r", parameters, operands, inputs)                                               \
    ANYWARP_ACCESS(name, geometry, 4, 2, "b32", "r", parameters, operands, inputs)                                               \
    ANYWARP_ACCESS(name, geometry, 4, 4, "b32", "r", parameters, operands, inputs)                                               \
    ANYWARP_ACCESS(name, geometry, 8, 1, "b64", "l", parameters, operands, inputs)                                               \
    ANYWARP_ACCESS(name, geometry, 8, 2, "b64", "l", parameters, operands, inputs)                                               \
    }
ANYWARP_ACCESSES(1d, "1d", (int x), "[%[s], {%[x]}]", ([x] "r"(x)))
ANYWARP_ACCESSES(2d, "2d", (int x, int y), "[%[s], {%[x], %[y]}]", ([x] "r"(x), [y] "r"(y)))
ANYWARP_ACCESSES(3d, "3d", (int x, int y, int z), "[%[s], {%[x], %[y], %[z], %[z]}]", ([x] "r"(x), [y] "r"(y), [z] "r"(z)))
ANYWARP_ACCESSES(a1d, "a1d", (int x, int layer), "[%[s], {%[layer], %[x]}]", ([x] "r"(x), [layer] "r"(layer)))
ANYWARP_ACCESSES(a2d, "a2d", (int x, int y, int layer), "[%[s], {%[layer], %[x], %[y], %[y]}]",
                 ([x] "r"(x), [y] "r"(y), [layer] "r"(layer)))

/// What a program calls: reads that return or store the value, and writes. A cube's face is a layer.
#define ANYWARP_SURFACE(read, write, access, parameters, arguments)                                                              \
    template <class T>                                                                                                           \
    ANYWARP_DEVICE T read(cudaSurfaceObject_t surface, ANYWARP_UNPACK parameters,                                                \
                          cudaSurfaceBoundaryMode mode = cudaBoundaryModeTrap) {                                                 \
        return anywarp_surface::unpack<T>(                                                                                       \
            anywarp_surface::load_##access(anywarp_surface::LayoutOf<T>(), surface, ANYWARP_UNPACK arguments, mode));            \
    }                                                                                                                            \
    template <class T>                                                                                                           \
    ANYWARP_DEVICE void read(T* result, cudaSurfaceObject_t surface, ANYWARP_UNPACK parameters,                                  \
                             cudaSurfaceBoundaryMode mode = cudaBoundaryModeTrap) {                                              \
        *result = read<T>(surface, ANYWARP_UNPACK arguments, mode);                                                              \
    }                                                                                                                            \
    template <class T>                                                                                                           \
    ANYWARP_DEVICE void write(T value, cudaSurfaceObject_t surface, ANYWARP_UNPACK parameters,                                   \
                              cudaSurfaceBoundaryMode mode = cudaBoundaryModeTrap) {                                             \
        anywarp_surface::store_##access(anywarp_surface::LayoutOf<T>(), surface, ANYWARP_UNPACK arguments,                       \
                                        anywarp_surface::pack(value), mode);                                                     \
    }
ANYWARP_SURFACE(surf1Dread, surf1Dwrite, 1d, (int x), (x))
ANYWARP_SURFACE(surf2Dread, surf2Dwrite, 2d, (int x, int y), (x, y))
ANYWARP_SURFACE(surf3Dread, surf3Dwrite, 3d, (int x, int y, int z), (x, y, z))
ANYWARP_SURFACE(surf1DLayeredread, surf1DLayeredwrite, a1d, (int x, int layer), (x, layer))
ANYWARP_SURFACE(surf2DLayeredread, surf2DLayeredwrite, a2d, (int x, int y, int layer), (x, y, layer))
ANYWARP_SURFACE(surfCubemapread, surfCubemapwrite, a2d, (int x, int y, int face), (x, y, face))
ANYWARP_SURFACE(surfCubemapLayeredread, surfCubemapLayeredwrite, a2d, (int x, int y, int layerFace), (x, y, layerFace))

#undef ANYWARP_SURFACE
#undef ANYWARP_ACCESSES
#undef ANYWARP_ACCESS
#undef ANYWARP_STORE_4
#undef ANYWARP_STORE_2
#undef ANYWARP_STORE_1
#undef ANYWARP_LOAD_4
#undef ANYWARP_LOAD_2
#undef ANYWARP_LOAD_1

#endif
