// See memory.h. One reserved arena per device; free address ranges are kept in order and merged.
#include "machine/memory.h"

#include "machine/properties.h"
#include "machine/virtual_memory.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

namespace anywarp::machine {
namespace {

constexpr uint64_t page = 4096; // granule of our bookkeeping; a multiple of it where pages are larger
constexpr uint64_t guard_bytes = 64 << 10;
constexpr uint64_t margin_bytes = 64 << 10;
constexpr uint64_t huge_page = 2 << 20;
constexpr unsigned class_count = 8; // 512 B .. 64 KiB

uint64_t round_up(uint64_t value, uint64_t step) { return (value + step - 1) / step * step; }
uint64_t granule() {
    static const uint64_t g = std::max<uint64_t>(page, static_cast<uint64_t>(sysconf(_SC_PAGESIZE)));
    return g;
}

std::atomic<uint64_t> next_id{1};

std::atomic<const Memory*> all_memories[max_devices];

} // namespace

struct Memory::Arena {
    struct Block : Allocation {
        uint64_t front = 0;    // address space taken before the base
        uint64_t reserved = 0; // address space taken in all, margins and guard included; 0: a slab's slot or registered memory
        int size_class = -1;
        int file = -1; // shared
    };
    struct Slab {
        uint64_t bytes = 0;
        int file = -1;
    };

    int device;
    uint64_t total;
    mutable std::shared_mutex mutex;
    uint8_t* base = nullptr;
    uint64_t reserved = 0;
    uint64_t used = 0;
    std::atomic<uint64_t>* reported = nullptr;
    std::map<uint8_t*, Block> blocks;
    std::map<uint8_t*, uint64_t> free_ranges; // address -> bytes
    std::vector<uint8_t*> slots[class_count];
    std::map<uint8_t*, Slab> slabs;

    Arena(int ordinal, uint64_t bytes) : device(ordinal), total(bytes) {
        // Room for fragmentation, guards and pinned memory; less of it for large devices, of which a rack has 72.
        uint64_t wanted = total > uint64_t(64) << 30 ? total * 2 : std::max<uint64_t>(total * 8, uint64_t(1) << 40);
        for (uint64_t size = wanted; size >= uint64_t(1) << 30; size /= 2) {
            void* memory = mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
            if (memory == MAP_FAILED) continue;
            uint64_t skip = round_up(reinterpret_cast<uint64_t>(memory), huge_page) - reinterpret_cast<uint64_t>(memory);
            base = static_cast<uint8_t*>(memory);
            reserved = size;
            free_ranges[base + skip] = size - skip;
            break;
        }
    }
    ~Arena() {
        if (base) munmap(base, reserved);
    }

    static int class_of(uint64_t bytes) {
        int index = 0;
        while ((alignment << index) < bytes) index++;
        return index;
    }

    // First fit; `bytes` and `align` are multiples of the granule.
    uint8_t* take_range(uint64_t bytes, uint64_t align) {
        for (auto it = free_ranges.begin(); it != free_ranges.end(); ++it) {
            auto begin = reinterpret_cast<uint64_t>(it->first), end = begin + it->second;
            uint64_t at = round_up(begin, align);
            if (at + bytes > end) continue;
            free_ranges.erase(it);
            if (at > begin) free_ranges[reinterpret_cast<uint8_t*>(begin)] = at - begin;
            if (at + bytes < end) free_ranges[reinterpret_cast<uint8_t*>(at + bytes)] = end - at - bytes;
            return reinterpret_cast<uint8_t*>(at);
        }
        return nullptr;
    }

    void give_range(uint8_t* at, uint64_t bytes) {
        // A fresh mapping drops the pages and the access rights in one call.
        mmap(at, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
        auto [it, inserted] = free_ranges.emplace(at, bytes);
        auto next = std::next(it);
        if (next != free_ranges.end() && it->first + it->second == next->first) {
            it->second += next->second;
            free_ranges.erase(next);
        }
        if (it != free_ranges.begin()) {
            auto before = std::prev(it);
            if (before->first + before->second == it->first) {
                before->second += it->second;
                free_ranges.erase(it);
            }
        }
    }

    uint8_t* commit(uint64_t bytes, uint64_t& front, uint64_t& taken) {
        uint64_t size = round_up(bytes, granule()), margin = round_up(margin_bytes, granule());
        front = size >= huge_page ? huge_page : margin;
        taken = front + size + margin + round_up(guard_bytes, granule());
        uint8_t* at = take_range(taken, size >= huge_page ? huge_page : granule());
        if (!at) return nullptr;
        uint8_t* base = at + front;
        if (mprotect(base - margin, margin + size + margin, PROT_READ | PROT_WRITE) != 0) {
            give_range(at, taken);
            return nullptr;
        }
        if (size >= huge_page) madvise(base, size, MADV_HUGEPAGE);
        return base;
    }

    uint8_t* take_slot(int size_class) {
        auto& free_slots = slots[size_class];
        if (free_slots.empty()) {
            uint64_t slot = alignment << size_class, bytes = std::max<uint64_t>(256 << 10, slot * 16), front = 0, taken = 0;
            uint8_t* slab = commit(bytes, front, taken);
            if (!slab) return nullptr;
            slabs[slab] = {.bytes = bytes};
            // The last slot is handed out first, and the others towards the front.
            for (uint64_t at = 0; at + slot <= bytes; at += slot) free_slots.push_back(slab + at);
        }
        uint8_t* at = free_slots.back();
        free_slots.pop_back();
        return at;
    }

    static bool counts(MemoryKind kind) { return kind != MemoryKind::pinned && kind != MemoryKind::registered; }

    void set_used(uint64_t bytes) {
        used = bytes;
        if (reported) reported->store(bytes, std::memory_order_relaxed);
    }

    void drop(std::map<uint8_t*, Block>::iterator it) {
        Block& block = it->second;
        if (counts(block.kind)) set_used(used - round_up(block.size, alignment));
        if (block.size_class >= 0)
            slots[block.size_class].push_back(block.base);
        else if (block.reserved)
            give_range(block.base - block.front, block.reserved);
        if (block.file >= 0) close(block.file);
        blocks.erase(it);
    }

    /// The pages of [at, at + bytes) into a file; -1 when that fails. Pages of zeros stay holes.
    int move_to_file(uint8_t* at, uint64_t bytes) const {
        int file = make_shared_file(bytes, device);
        if (file < 0) return -1;
        static const uint8_t zeros[page] = {};
        bool good = true;
        for (uint64_t done = 0; done < bytes && good; done += page)
            if (std::memcmp(at + done, zeros, page) != 0)
                good = pwrite(file, at + done, page, static_cast<off_t>(done)) == static_cast<ssize_t>(page);
        if (!good || mmap(at, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0) == MAP_FAILED) {
            close(file);
            return -1;
        }
        return file;
    }

    const Block* holding(const void* address) const {
        auto* at = static_cast<uint8_t*>(const_cast<void*>(address));
        auto it = blocks.upper_bound(at);
        if (it == blocks.begin()) return nullptr;
        --it;
        return at < it->second.base + std::max<uint64_t>(it->second.size, 1) ? &it->second : nullptr;
    }
};

Memory::Memory(int device, uint64_t total_bytes) : arena_(std::make_unique<Arena>(device, total_bytes)) {
    for (auto& slot : all_memories) {
        const Memory* expected = nullptr;
        if (slot.compare_exchange_strong(expected, this)) break;
    }
}

Memory::~Memory() {
    for (auto& slot : all_memories) {
        const Memory* expected = this;
        if (slot.compare_exchange_strong(expected, nullptr)) break;
    }
}

Result<uint8_t*> Memory::allocate(uint64_t bytes, MemoryKind kind, uint32_t flags) {
    if (bytes == 0) return user_error(ErrorCode::invalid_value, "allocation of 0 bytes");
    Arena& arena = *arena_;
    std::unique_lock lock(arena.mutex);
    uint64_t rounded = bytes > arena.reserved ? bytes : round_up(bytes, alignment);
    if (bytes > arena.reserved || (Arena::counts(kind) && rounded > arena.total - std::min(arena.used, arena.total)))
        return user_error(ErrorCode::out_of_memory, "allocation of " + std::to_string(bytes) + " bytes with " +
                                                        std::to_string(arena.total - std::min(arena.used, arena.total)) + " of " +
                                                        std::to_string(arena.total) + " available");
    Arena::Block block;
    if (bytes < large_allocation) {
        block.size_class = Arena::class_of(bytes);
        block.base = arena.take_slot(block.size_class);
    } else {
        block.base = arena.commit(bytes, block.front, block.reserved);
    }
    if (!block.base) return user_error(ErrorCode::out_of_memory, "no address space left for " + std::to_string(bytes) + " bytes");
    block.size = bytes;
    block.kind = kind;
    block.device = arena.device;
    block.flags = flags;
    block.id = next_id.fetch_add(1);
    if (Arena::counts(kind)) arena.set_used(arena.used + rounded);
    arena.blocks.emplace(block.base, block);
    return block.base;
}

Result<void> Memory::free(void* base) {
    Arena& arena = *arena_;
    std::unique_lock lock(arena.mutex);
    auto it = arena.blocks.find(static_cast<uint8_t*>(base));
    if (it == arena.blocks.end() || it->second.kind == MemoryKind::registered)
        return user_error(ErrorCode::invalid_value, "free of an address that is not the start of an allocation");
    arena.drop(it);
    return {};
}

std::optional<Allocation> Memory::find(const void* address) const {
    std::shared_lock lock(arena_->mutex);
    const Arena::Block* block = arena_->holding(address);
    if (!block) return std::nullopt;
    return static_cast<const Allocation&>(*block);
}

Result<void> Memory::register_host(void* base, uint64_t bytes, uint32_t flags) {
    if (!base || bytes == 0) return user_error(ErrorCode::invalid_value, "registration of an empty range");
    Arena& arena = *arena_;
    std::unique_lock lock(arena.mutex);
    auto* begin = static_cast<uint8_t*>(base);
    auto next = arena.blocks.lower_bound(begin);
    if (arena.holding(base) || (next != arena.blocks.end() && next->first < begin + bytes))
        return user_error(ErrorCode::invalid_value, "registration of memory that is already known");
    Arena::Block block;
    block.base = begin;
    block.size = bytes;
    block.kind = MemoryKind::registered;
    block.device = arena.device;
    block.flags = flags;
    block.id = next_id.fetch_add(1);
    arena.blocks.emplace(begin, block);
    return {};
}

Result<void> Memory::unregister_host(void* base) {
    Arena& arena = *arena_;
    std::unique_lock lock(arena.mutex);
    auto it = arena.blocks.find(static_cast<uint8_t*>(base));
    if (it == arena.blocks.end() || it->second.kind != MemoryKind::registered)
        return user_error(ErrorCode::invalid_value, "unregistration of memory that was not registered");
    arena.blocks.erase(it);
    return {};
}

void Memory::report_to(std::atomic<uint64_t>& counter) {
    std::unique_lock lock(arena_->mutex);
    arena_->reported = &counter;
}

Result<void> Memory::charge(uint64_t bytes) {
    Arena& arena = *arena_;
    std::unique_lock lock(arena.mutex);
    if (bytes > arena.total - std::min(arena.used, arena.total))
        return user_error(ErrorCode::out_of_memory, "physical memory of " + std::to_string(bytes) + " bytes");
    arena.set_used(arena.used + bytes);
    return {};
}

void Memory::discharge(uint64_t bytes) {
    std::unique_lock lock(arena_->mutex);
    arena_->set_used(arena_->used - bytes);
}

Result<Memory::SharedPages> Memory::share(void* base) {
    Arena& arena = *arena_;
    std::unique_lock lock(arena.mutex);
    auto it = arena.blocks.find(static_cast<uint8_t*>(base));
    if (it == arena.blocks.end() || it->second.kind != MemoryKind::device)
        return user_error(ErrorCode::invalid_value, "not the start of device memory");
    Arena::Block& block = it->second;
    uint8_t* begin = block.base;
    int* file = &block.file;
    uint64_t bytes = round_up(block.size, granule());
    if (block.size_class >= 0) {
        auto slab = std::prev(arena.slabs.upper_bound(begin));
        begin = slab->first;
        bytes = round_up(slab->second.bytes, granule());
        file = &slab->second.file;
    }
    if (*file < 0) *file = arena.move_to_file(begin, bytes);
    if (*file < 0) return user_error(ErrorCode::out_of_memory, "the memory can't be moved to a shared file");
    return SharedPages{*file, static_cast<uint64_t>(block.base - begin), block.size};
}

uint64_t Memory::total() const { return arena_->total; }
uint64_t Memory::used() const {
    std::shared_lock lock(arena_->mutex);
    return arena_->used;
}
uint64_t Memory::available() const { return total() - std::min(used(), total()); }

std::vector<Allocation> Memory::allocations() const {
    std::shared_lock lock(arena_->mutex);
    std::vector<Allocation> all;
    for (auto& [base, block] : arena_->blocks) all.push_back(block);
    return all;
}

void Memory::release_all(bool keep_host) {
    Arena& arena = *arena_;
    std::unique_lock lock(arena.mutex);
    for (auto it = arena.blocks.begin(); it != arena.blocks.end();) {
        auto at = it++;
        if (!keep_host || Arena::counts(at->second.kind)) arena.drop(at);
    }
}

std::optional<Allocation> find_allocation(const void* address) {
    for (auto& slot : all_memories) {
        const Memory* memory = slot.load(std::memory_order_acquire);
        if (!memory) continue;
        if (auto found = memory->find(address)) return found;
    }
    return find_mapped(address);
}

} // namespace anywarp::machine
