// Programs include this name of the CUDA toolkit; everything it declares comes with cuda_runtime.h.
#ifndef ANYWARP_texture_indirect_functions_H
#define ANYWARP_texture_indirect_functions_H
#include "cuda_runtime.h"
#endif
