// Definitions of the float overloads that clang's device headers only declare (fma, fmin, rint ...): with NVIDIA's toolkit they
// would come from its math headers. Without them such a call becomes one to a function that nobody defines.
#ifndef ANYWARP_DEVICE_FLOAT_OVERLOADS_H
#define ANYWARP_DEVICE_FLOAT_OVERLOADS_H

#define ANYWARP_DEVICE static __inline__ __attribute__((always_inline)) __attribute__((device))
#define ANYWARP_ONE(NAME) ANYWARP_DEVICE float NAME(float x) { return ::NAME##f(x); }
#define ANYWARP_TWO(NAME) ANYWARP_DEVICE float NAME(float x, float y) { return ::NAME##f(x, y); }
ANYWARP_ONE(acosh)
ANYWARP_ONE(asinh)
ANYWARP_ONE(atanh)
ANYWARP_ONE(cbrt)
ANYWARP_ONE(erf)
ANYWARP_ONE(erfc)
ANYWARP_ONE(exp2)
ANYWARP_ONE(expm1)
ANYWARP_ONE(lgamma)
ANYWARP_ONE(log1p)
ANYWARP_ONE(log2)
ANYWARP_ONE(logb)
ANYWARP_ONE(nearbyint)
ANYWARP_ONE(rint)
ANYWARP_ONE(round)
ANYWARP_ONE(tgamma)
ANYWARP_ONE(trunc)
ANYWARP_TWO(copysign)
ANYWARP_TWO(fdim)
ANYWARP_TWO(fmax)
ANYWARP_TWO(fmin)
ANYWARP_TWO(hypot)
ANYWARP_TWO(nextafter)
ANYWARP_TWO(remainder)
ANYWARP_DEVICE float fma(float x, float y, float z) { return ::fmaf(x, y, z); }
ANYWARP_DEVICE float remquo(float x, float y, int* quotient) { return ::remquof(x, y, quotient); }
ANYWARP_DEVICE float scalbn(float x, int n) { return ::scalbnf(x, n); }
ANYWARP_DEVICE float scalbln(float x, long n) { return ::scalblnf(x, n); }
ANYWARP_DEVICE int ilogb(float x) { return ::ilogbf(x); }
ANYWARP_DEVICE long lrint(float x) { return ::lrintf(x); }
ANYWARP_DEVICE long lround(float x) { return ::lroundf(x); }
ANYWARP_DEVICE long long llrint(float x) { return ::llrintf(x); }
ANYWARP_DEVICE long long llround(float x) { return ::llroundf(x); }
#undef ANYWARP_ONE
#undef ANYWARP_TWO
#undef ANYWARP_DEVICE

#endif
