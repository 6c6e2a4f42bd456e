// The layout of textures, surfaces and samplers lies with the other layouts in src/ptx, because the parser and the oracle need it too.
#pragma once
#include "ptx/texture_descriptor.h"
