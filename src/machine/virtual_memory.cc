// See virtual_memory.h. All addresses of the process are in one table, as devices share the address space.
#include "machine/virtual_memory.h"

#include <algorithm>
#include <atomic>
#include <fcntl.h>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace anywarp::machine {
namespace {

struct Trailer {
    uint64_t magic = 0x3170726177796e61; // "anywarp1"
    uint64_t size = 0;
    int64_t device = 0;
};
constexpr uint64_t trailer_bytes = 4096;

struct Table {
    std::shared_mutex mutex;
    std::map<uint8_t*, uint64_t> reservations; // address -> bytes
    std::map<uint8_t*, Mapping> mappings;
    std::atomic<bool> any{false}; // spares find_mapped the lock in programs that map nothing
};
Table& table() {
    static Table& all = *new Table;
    return all;
}

std::unexpected<Error> wrong(std::string message) { return user_error(ErrorCode::invalid_value, std::move(message)); }

template <class Map> auto entry_holding(Map& map, const void* address) {
    auto* at = static_cast<uint8_t*>(const_cast<void*>(address));
    auto found = map.upper_bound(at);
    return found == map.begin() ? map.end() : std::prev(found);
}

bool holds(const Mapping& mapping, const void* address) {
    auto* at = static_cast<const uint8_t*>(address);
    return at >= mapping.base && at < mapping.base + mapping.size;
}

Access best(const Mapping& mapping) {
    Access most = Access::none;
    for (auto [device, access] : mapping.access) most = std::max(most, access);
    return most;
}

/// The mappings that make up exactly [at, at + bytes), in order; empty when they don't.
std::vector<Mapping*> exactly(Table& all, void* begin, uint64_t bytes) {
    auto* at = static_cast<uint8_t*>(begin);
    uint8_t* end = at + bytes;
    std::vector<Mapping*> found;
    for (auto it = all.mappings.find(at); at < end; ++it) {
        if (it == all.mappings.end() || it->first != at || at + it->second.size > end) return {};
        found.push_back(&it->second);
        at += it->second.size;
    }
    return found;
}

uint64_t next_mapping_id() {
    static std::atomic<uint64_t> next{uint64_t{1} << 48}; // apart from those of Memory's allocations
    return next++;
}

} // namespace

int make_shared_file(uint64_t bytes, int device) {
    int file = memfd_create("anywarp-memory", MFD_CLOEXEC);
    if (file < 0) return -1;
    Trailer trailer{.size = bytes, .device = device};
    if (ftruncate(file, static_cast<off_t>(bytes + trailer_bytes)) != 0 ||
        pwrite(file, &trailer, sizeof trailer, static_cast<off_t>(bytes)) != static_cast<ssize_t>(sizeof trailer)) {
        close(file);
        return -1;
    }
    return file;
}

Result<std::shared_ptr<PhysicalMemory>> PhysicalMemory::create(Memory& memory, int device, uint64_t bytes) {
    if (auto charged = memory.charge(bytes); !charged) return std::unexpected(charged.error());
    int file = make_shared_file(bytes, device);
    if (file < 0) {
        memory.discharge(bytes);
        return user_error(ErrorCode::out_of_memory, "no anonymous file of " + std::to_string(bytes) + " bytes");
    }
    std::shared_ptr<PhysicalMemory> made(new PhysicalMemory);
    made->charged_ = &memory;
    made->file_ = file;
    made->device_ = device;
    made->size_ = bytes;
    return made;
}

Result<std::shared_ptr<PhysicalMemory>> PhysicalMemory::open(int file) {
    struct stat status {};
    Trailer trailer, read;
    read.magic = 0;
    if (fstat(file, &status) != 0 || status.st_size <= static_cast<off_t>(trailer_bytes) ||
        pread(file, &read, sizeof read, status.st_size - static_cast<off_t>(trailer_bytes)) !=
            static_cast<ssize_t>(sizeof read) ||
        read.magic != trailer.magic || read.size + trailer_bytes != static_cast<uint64_t>(status.st_size)) {
        if (file >= 0) close(file);
        return wrong("not a file of device memory");
    }
    std::shared_ptr<PhysicalMemory> made(new PhysicalMemory);
    made->file_ = file;
    made->device_ = static_cast<int>(read.device);
    made->size_ = read.size;
    return made;
}

Result<std::shared_ptr<PhysicalMemory>> PhysicalMemory::of_file(int file, int device, uint64_t bytes) {
    std::shared_ptr<PhysicalMemory> made(new PhysicalMemory);
    made->file_ = file;
    made->device_ = device;
    made->size_ = bytes;
    return made;
}

PhysicalMemory::~PhysicalMemory() {
    if (file_ >= 0) close(file_);
    if (charged_) charged_->discharge(size_);
}

Result<uint8_t*> reserve_addresses(uint64_t bytes, uint64_t alignment, void* wanted) {
    constexpr int kind = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    alignment = std::max(alignment, PhysicalMemory::granularity);
    void* base = MAP_FAILED;
    if (wanted && reinterpret_cast<uintptr_t>(wanted) % alignment == 0)
        base = mmap(wanted, bytes, PROT_NONE, kind | MAP_FIXED_NOREPLACE, -1, 0);
    if (base == MAP_FAILED) {
        if (bytes + alignment < bytes) return user_error(ErrorCode::out_of_memory, "more addresses than there are");
        void* wide = mmap(nullptr, bytes + alignment, PROT_NONE, kind, -1, 0);
        if (wide == MAP_FAILED)
            return user_error(ErrorCode::out_of_memory, "no room for " + std::to_string(bytes) + " bytes of addresses");
        auto start = reinterpret_cast<uintptr_t>(wide), aligned = (start + alignment - 1) / alignment * alignment;
        if (aligned > start) munmap(wide, aligned - start);
        if (uintptr_t rest = start + alignment - aligned) munmap(reinterpret_cast<void*>(aligned + bytes), rest);
        base = reinterpret_cast<void*>(aligned);
    }
    std::unique_lock lock(table().mutex);
    table().reservations[static_cast<uint8_t*>(base)] = bytes;
    return static_cast<uint8_t*>(base);
}

Result<void> free_addresses(void* base, uint64_t bytes) {
    Table& all = table();
    std::unique_lock lock(all.mutex);
    auto found = all.reservations.find(static_cast<uint8_t*>(base));
    if (found == all.reservations.end() || found->second != bytes) return wrong("not a whole reservation");
    auto mapped = all.mappings.lower_bound(found->first);
    if (mapped != all.mappings.end() && mapped->first < found->first + bytes) return wrong("memory is mapped in the reservation");
    munmap(base, bytes);
    all.reservations.erase(found);
    return {};
}

Result<void> map_memory(void* at, uint64_t bytes, std::shared_ptr<PhysicalMemory> memory) {
    Table& all = table();
    auto* begin = static_cast<uint8_t*>(at);
    if (bytes == 0 || bytes > memory->size()) return wrong("a mapping of " + std::to_string(bytes) + " bytes");
    std::unique_lock lock(all.mutex);
    auto reservation = entry_holding(all.reservations, at);
    if (reservation == all.reservations.end() || bytes > reservation->second ||
        begin + bytes > reservation->first + reservation->second)
        return wrong("the range isn't reserved");
    auto before = entry_holding(all.mappings, at);
    auto next = all.mappings.lower_bound(begin);
    if ((before != all.mappings.end() && holds(before->second, at)) ||
        (next != all.mappings.end() && next->first < begin + bytes))
        return wrong("something is mapped there");
    if (mmap(at, bytes, PROT_NONE, MAP_SHARED | MAP_FIXED, memory->file(), 0) == MAP_FAILED)
        return user_error(ErrorCode::out_of_memory, "the memory can't be mapped");
    all.mappings[begin] = {.base = begin, .size = bytes, .memory = std::move(memory), .access = {}, .id = next_mapping_id()};
    all.any = true;
    return {};
}

Result<void> unmap_memory(void* at, uint64_t bytes) {
    Table& all = table();
    std::unique_lock lock(all.mutex);
    auto parts = exactly(all, at, bytes);
    if (parts.empty()) return wrong("the range isn't made of whole mappings");
    mmap(at, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    for (Mapping* part : parts) all.mappings.erase(part->base);
    return {};
}

Result<void> set_access(void* at, uint64_t bytes, int device, Access access) {
    Table& all = table();
    std::unique_lock lock(all.mutex);
    auto parts = exactly(all, at, bytes);
    if (parts.empty()) return wrong("the range isn't made of whole mappings");
    for (Mapping* part : parts) {
        part->access[device] = access;
        Access most = best(*part); // devices share the address space: what one may do, all can
        int protection = most == Access::none ? PROT_NONE : most == Access::read ? PROT_READ : PROT_READ | PROT_WRITE;
        if (mprotect(part->base, part->size, protection) != 0)
            return user_error(ErrorCode::out_of_memory, "the access can't be set");
    }
    return {};
}

std::optional<Mapping> find_mapping(const void* address) {
    Table& all = table();
    std::shared_lock lock(all.mutex);
    auto found = entry_holding(all.mappings, address);
    if (found == all.mappings.end() || !holds(found->second, address)) return std::nullopt;
    return found->second;
}

Result<Access> access_of(const void* at, int device) {
    auto mapping = find_mapping(at);
    if (!mapping) return wrong("nothing is mapped there");
    auto found = mapping->access.find(device);
    return found == mapping->access.end() ? Access::none : found->second;
}

std::optional<Allocation> find_mapped(const void* address) {
    Table& all = table();
    if (!all.any) return std::nullopt;
    std::shared_lock lock(all.mutex);
    auto found = entry_holding(all.mappings, address);
    if (found == all.mappings.end() || !holds(found->second, address) || best(found->second) == Access::none)
        return std::nullopt;
    auto reservation = entry_holding(all.reservations, address);
    auto first = found, last = found;
    while (first != all.mappings.begin()) {
        auto before = std::prev(first);
        if (before->first < reservation->first || before->first + before->second.size != first->first ||
            best(before->second) == Access::none)
            break;
        first = before;
    }
    for (auto next = std::next(last); next != all.mappings.end(); ++next) {
        if (last->first + last->second.size != next->first || next->first >= reservation->first + reservation->second ||
            best(next->second) == Access::none)
            break;
        last = next;
    }
    Allocation range;
    range.base = first->first;
    range.size = static_cast<uint64_t>(last->first + last->second.size - first->first);
    range.kind = MemoryKind::mapped;
    range.device = found->second.memory->device();
    range.id = found->second.id;
    return range;
}

Result<uint8_t*> map_shared(std::shared_ptr<PhysicalMemory> memory) {
    uint64_t bytes = memory->size();
    int device = memory->device();
    auto base = reserve_addresses(bytes, 1, nullptr);
    if (!base) return base;
    auto mapped = map_memory(*base, bytes, std::move(memory));
    if (mapped) mapped = set_access(*base, bytes, device, Access::read_write);
    if (!mapped) return std::unexpected(mapped.error());
    return base;
}

Result<void> unmap_shared(void* base) {
    auto mapping = find_mapping(base);
    if (!mapping || mapping->base != base) return wrong("not the start of shared memory");
    if (auto unmapped = unmap_memory(base, mapping->size); !unmapped) return unmapped;
    return free_addresses(base, mapping->size);
}

} // namespace anywarp::machine
