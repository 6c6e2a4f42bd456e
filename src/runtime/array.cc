// Channel formats, which need no device. Arrays, textures and surfaces themselves wait for the driver's.
//
// CUDA Runtime API, section "Texture Object Management".
#include "runtime/runtime.h"

extern "C" cudaChannelFormatDesc cudaCreateChannelDesc(int x, int y, int z, int w, cudaChannelFormatKind f) {
    return {x, y, z, w, f};
}
