/* Everything a CUDA program finds declared without asking: vector types, the runtime API's types, textures and surfaces. Other
 * headers include this one so that they need not know in which file a type lives. */
#ifndef __BUILTIN_TYPES_H__
#define __BUILTIN_TYPES_H__

#include "device_types.h"
#ifndef __CUDACC_RTC__
#    include "driver_types.h"
#endif
#include "surface_types.h"
#include "texture_types.h"
#include "vector_types.h"

#endif
