// Programs include this name of the CUDA toolkit; what it declares is in the header below.
#ifndef ANYWARP_CRT_math_functions_H
#define ANYWARP_CRT_math_functions_H
#include "../cuda_runtime.h"
#endif
