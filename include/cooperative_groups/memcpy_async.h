// cooperative_groups::memcpy_async and wait live in cooperative_groups.h; programs include them by this name.
#ifndef _CG_MEMCPY_ASYNC_H
#define _CG_MEMCPY_ASYNC_H
#include "../cooperative_groups.h"
#endif
