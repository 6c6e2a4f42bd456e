// Prints driver_abi.def as seen through whichever <cuda.h> the include path holds; two such programs are compared.

#include <cuda.h>

#include <cstddef>
#include <cstdio>
#include <typeinfo>

int main() {
#define ABI_VALUE(x) std::printf("%s = %lld\n", #x, static_cast<long long>(x));
#define ABI_SIZE(type) std::printf("sizeof(%s) = %zu, alignof %zu\n", #type, sizeof(type), alignof(type));
#define ABI_OFFSET(type, member) std::printf("%s.%s at %zu\n", #type, #member, offsetof(type, member));
#define ABI_FUNCTION(x) std::printf("%s : %s\n", #x, typeid(&x).name());
#include "driver_abi.def"
}
