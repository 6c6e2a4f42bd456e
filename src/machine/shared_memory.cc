// See shared_memory.h.
#include "machine/shared_memory.h"

#include <algorithm>
#include <sys/mman.h>

namespace anywarp::machine {
namespace {
constexpr size_t guard = 64 << 10;
constexpr size_t whole_space = size_t(4) << 30;
constexpr size_t usual_capacity = 256 << 10;
} // namespace

SharedMemory::~SharedMemory() {
    for (Slot& slot : slots_)
        if (slot.mapping) munmap(slot.mapping, slot.mapped);
}

uint8_t* SharedMemory::get(size_t index, size_t bytes) {
    if (index >= slots_.size()) slots_.resize(index + 1);
    Slot& slot = slots_[index];
    size_t step = bytes >= 4096 ? 1024 : 128;
    size_t size = std::max<size_t>((bytes + step - 1) / step * step, step);
    if (size > slot.capacity) {
        if (slot.mapping) munmap(slot.mapping, slot.mapped);
        slot = {};
        size_t capacity = std::max((size + 4095) / 4096 * 4096, index == 0 ? usual_capacity : size_t(4096));
        for (size_t behind : {index == 0 ? whole_space : guard, guard}) {
            size_t mapped = guard + capacity + behind;
            void* memory = mmap(nullptr, mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
            if (memory == MAP_FAILED) continue;
            auto* base = static_cast<uint8_t*>(memory);
            if (mprotect(base + guard, capacity, PROT_READ | PROT_WRITE) != 0) {
                munmap(memory, mapped);
                continue;
            }
            slot = {base, mapped, base + guard + capacity, capacity};
            break;
        }
        if (!slot.mapping) return nullptr;
    }
    return slot.end - size;
}

} // namespace anywarp::machine
