// Programs include this name of the CUDA toolkit; what it declares is in the header below.
#ifndef ANYWARP_CRT_host_config_H
#define ANYWARP_CRT_host_config_H
#include "../host_defines.h"
#endif
