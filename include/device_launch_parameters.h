// Programs include this name of the CUDA toolkit; everything it declares comes with cuda_runtime.h.
#ifndef ANYWARP_device_launch_parameters_H
#define ANYWARP_device_launch_parameters_H
#include "cuda_runtime.h"
#endif
