// The builtin library in one translation unit. Rules for every function in it (texture.c has its own): no tables, no memory, no
// calls of libraries; choices as conditional expressions, which become selects, so that the code stays straight when it is
// widened. The order matters: surface.c uses what texture.c defines.
// clang-format off
#include "bits.c"
#include "half.c"
#include "rounding.c"
#include "approx.c"
#include "texture.c"
#include "surface.c"
