// Programs include this name of the CUDA toolkit; everything it declares comes with cuda_runtime.h.
#ifndef ANYWARP_sm_35_intrinsics_H
#define ANYWARP_sm_35_intrinsics_H
#include "cuda_runtime.h"
#endif
