// 16 half-precision numbers from and to memory as floats, for the C++ sides of the half-precision jobs: the conversions of F16C or
// AVX-512, for which compilers' vectorisers find no way of their own.
#pragma once

#include <immintrin.h>

namespace bench {

typedef float Floats16 __attribute__((vector_size(64)));

inline Floats16 load_half(const _Float16* from) {
#ifdef __AVX512F__
    return (Floats16)_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
#else
    union { __m256 part[2]; Floats16 all; } result;
    for (int i = 0; i < 2; ++i) result.part[i] = _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from) + i));
    return result.all;
#endif
}

inline void store_half(_Float16* to, Floats16 value) {
#ifdef __AVX512F__
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm512_cvtps_ph((__m512)value, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
#else
    union { __m256 part[2]; Floats16 all; } source;
    source.all = value;
    for (int i = 0; i < 2; ++i)
        _mm_storeu_si128(reinterpret_cast<__m128i*>(to) + i, _mm256_cvtps_ph(source.part[i], _MM_FROUND_TO_NEAREST_INT));
#endif
}

} // namespace bench
