// Prints every fact of runtime_abi.def. Built against our headers and, where they are installed, against NVIDIA's; the test
// abi.runtime_abi fails where the two differ.
#include <cstddef>
#include <cstdio>
#include <cuda_runtime_api.h>

int main() {
#define ANYWARP_VALUE(name) printf("%s = %lld\n", #name, (long long)(name));
#define ANYWARP_TYPE(name) printf("%s: %zu bytes, aligned to %zu\n", #name, sizeof(name), alignof(name));
#define ANYWARP_FIELD(type, field) printf("%s.%s at %zu\n", #type, #field, offsetof(type, field));
#include "runtime_abi.def"
}
