// Texture and surface functions on the device (CUDA C++ Programming Guide, "Texture Functions" and "Surface Functions").
#ifndef ANYWARP_DEVICE_TEXTURES_H
#define ANYWARP_DEVICE_TEXTURES_H
#endif
