// Advice about managed memory and prefetches: cuMemAdvise, cuMemPrefetchAsync, the discards, and cuMemRangeGetAttribute, which
// tells what was said. CUDA driver API, "Unified Addressing".
//
// All memory is in place for host and devices alike, so that there is nothing to move; what programs said is kept by address
// range, and belongs to the allocation it was said about: the number of the allocation stands with it.

#include "driver/capture.h"
#include "driver/format.h"

#include <algorithm>
#include <cstring>

using namespace anywarp;
using namespace anywarp::driver;
using machine::MemoryKind;

namespace {

void* to_host(CUdeviceptr address) { return reinterpret_cast<void*>(address); }

bool operator==(const CUmemLocation& a, const CUmemLocation& b) { return a.type == b.type && a.id == b.id; }
constexpr CUmemLocation nowhere{CU_MEM_LOCATION_TYPE_INVALID, 0};

struct Advice {
    uint64_t allocation = 0; // its id; 0 for ordinary host memory
    bool read_mostly = false;
    CUmemLocation preferred = nowhere, prefetched = nowhere;
    std::set<int> accessed_by; // ordinals, CU_DEVICE_CPU
};

struct Ranges {
    std::mutex mutex;
    std::map<uint64_t, std::pair<uint64_t, Advice>> pieces; // begin -> end, advice; disjoint

    void split(uint64_t at) {
        auto piece = pieces.upper_bound(at);
        if (piece == pieces.begin()) return;
        --piece;
        if (piece->first == at || piece->second.first <= at) return;
        pieces.emplace(at, piece->second);
        piece->second.first = at;
    }
    /// Calls change(advice) for every piece of the range; what had no advice gets some.
    template <class Change> void change(uint64_t begin, uint64_t end, uint64_t allocation, Change change) {
        std::lock_guard lock(mutex);
        split(begin);
        split(end);
        for (uint64_t at = begin; at < end;) {
            auto piece = pieces.lower_bound(at);
            if (piece == pieces.end() || piece->first != at) {
                uint64_t next = piece == pieces.end() ? end : std::min(end, piece->first);
                piece = pieces.emplace(at, std::pair{next, Advice{.allocation = allocation}}).first;
            }
            if (piece->second.second.allocation != allocation) piece->second.second = {.allocation = allocation};
            change(piece->second.second);
            at = piece->second.first;
        }
    }
    /// The advice of every part of the range, parts without any included.
    std::vector<Advice> look(uint64_t begin, uint64_t end, uint64_t allocation) {
        std::lock_guard lock(mutex);
        std::vector<Advice> all;
        uint64_t at = begin;
        auto piece = pieces.upper_bound(begin);
        if (piece != pieces.begin()) --piece;
        for (; piece != pieces.end() && piece->first < end; ++piece) {
            if (piece->second.first <= at) continue;
            if (piece->first > at) all.push_back({});
            all.push_back(piece->second.second.allocation == allocation ? piece->second.second : Advice{});
            at = piece->second.first;
        }
        if (at < end) all.push_back({});
        return all;
    }
};
Ranges& ranges() {
    static Ranges& all = *new Ranges;
    return all;
}

/// The number of the managed allocation that holds the range; 0 for ordinary host memory.
Result<uint64_t> managed_range(CUdeviceptr pointer, size_t bytes) {
    if (!pointer) return invalid_value("the pointer is null");
    if (bytes == 0) return invalid_value("a range of 0 bytes");
    auto found = machine::find_allocation(to_host(pointer));
    if (!found) return uint64_t{0};
    bool managed = found->kind == MemoryKind::managed || (found->kind == MemoryKind::image && found->flags);
    if (!managed && found->kind != MemoryKind::registered) return invalid_value(format("{:#x} isn't managed memory", pointer));
    if (bytes > found->size - (pointer - reinterpret_cast<CUdeviceptr>(found->base)))
        return invalid_value("the range ends behind its allocation");
    return found->kind == MemoryKind::registered ? 0 : found->id;
}

CUmemLocation location_of(CUdevice device) {
    if (device == CU_DEVICE_CPU) return {CU_MEM_LOCATION_TYPE_HOST, 0};
    return {CU_MEM_LOCATION_TYPE_DEVICE, device};
}

Result<void> check_location(const CUmemLocation& location) {
    switch (location.type) {
    case CU_MEM_LOCATION_TYPE_DEVICE:
        ANYWARP_TRY(device_of(location.id));
        return {};
    case CU_MEM_LOCATION_TYPE_HOST:
    case CU_MEM_LOCATION_TYPE_HOST_NUMA:
    case CU_MEM_LOCATION_TYPE_HOST_NUMA_CURRENT:
        return {};
    default:
        return invalid_value(format("location type {}", static_cast<int>(location.type)));
    }
}

/// The older attributes name places by ordinal.
int ordinal_of(const CUmemLocation& location) {
    if (location.type == CU_MEM_LOCATION_TYPE_DEVICE) return location.id;
    return location.type == CU_MEM_LOCATION_TYPE_INVALID ? CU_DEVICE_INVALID : CU_DEVICE_CPU;
}

Result<void> advise(CUdeviceptr pointer, size_t bytes, CUmem_advise advice, CUmemLocation location) {
    if (advice < CU_MEM_ADVISE_SET_READ_MOSTLY || advice > CU_MEM_ADVISE_UNSET_ACCESSED_BY)
        return invalid_value(format("there is no advice {}", static_cast<int>(advice)));
    ANYWARP_TRY_AS(allocation, managed_range(pointer, bytes));
    bool placed = advice == CU_MEM_ADVISE_SET_PREFERRED_LOCATION || advice == CU_MEM_ADVISE_SET_ACCESSED_BY ||
                  advice == CU_MEM_ADVISE_UNSET_ACCESSED_BY;
    if (placed) ANYWARP_TRY(check_location(location));
    ranges().change(pointer, pointer + bytes, allocation, [&](Advice& kept) {
        switch (advice) {
        case CU_MEM_ADVISE_SET_READ_MOSTLY:
        case CU_MEM_ADVISE_UNSET_READ_MOSTLY:
            kept.read_mostly = advice == CU_MEM_ADVISE_SET_READ_MOSTLY;
            break;
        case CU_MEM_ADVISE_SET_PREFERRED_LOCATION:
            kept.preferred = location;
            break;
        case CU_MEM_ADVISE_UNSET_PREFERRED_LOCATION:
            kept.preferred = nowhere;
            break;
        case CU_MEM_ADVISE_SET_ACCESSED_BY:
            kept.accessed_by.insert(ordinal_of(location));
            break;
        case CU_MEM_ADVISE_UNSET_ACCESSED_BY:
            kept.accessed_by.erase(ordinal_of(location));
        }
    });
    return {};
}

Result<void> prefetch(CUctx_st& context, CUdeviceptr pointer, size_t bytes, CUmemLocation location, CUstream stream) {
    ANYWARP_TRY(stream_of(stream, context));
    ANYWARP_TRY(check_location(location));
    ANYWARP_TRY_AS(allocation, managed_range(pointer, bytes));
    ranges().change(pointer, pointer + bytes, allocation, [&](Advice& kept) { kept.prefetched = location; });
    return {};
}

Result<void> range_attribute(void* data, size_t size, CUmem_range_attribute which, const std::vector<Advice>& parts) {
    ANYWARP_REQUIRE(data);
    if (which < CU_MEM_RANGE_ATTRIBUTE_READ_MOSTLY || which > CU_MEM_RANGE_ATTRIBUTE_LAST_PREFETCH_LOCATION_ID)
        return invalid_value(format("there is no range attribute {}", static_cast<int>(which)));
    if (which == CU_MEM_RANGE_ATTRIBUTE_ACCESSED_BY) {
        if (size == 0 || size % 4) return invalid_value(format("{} bytes for a list of devices", size));
        std::set<int> devices = parts.front().accessed_by; // those that every part names
        for (const Advice& part : parts) std::erase_if(devices, [&](int device) { return !part.accessed_by.contains(device); });
        std::vector<int> list(devices.begin(), devices.end());
        list.resize(size / 4, CU_DEVICE_INVALID);
        std::memcpy(data, list.data(), size);
        return {};
    }
    if (size != 4) return invalid_value(format("{} bytes for an attribute of 4", size));
    // The answer is "nowhere" where the parts differ.
    auto common = [&](CUmemLocation Advice::*member) {
        bool same = std::ranges::all_of(parts, [&](const Advice& part) { return part.*member == parts.front().*member; });
        return same ? parts.front().*member : nowhere;
    };
    CUmemLocation preferred = common(&Advice::preferred), prefetched = common(&Advice::prefetched);
    int answer = 0;
    switch (which) {
    case CU_MEM_RANGE_ATTRIBUTE_READ_MOSTLY:
        answer = std::ranges::all_of(parts, &Advice::read_mostly);
        break;
    case CU_MEM_RANGE_ATTRIBUTE_PREFERRED_LOCATION:
        answer = ordinal_of(preferred);
        break;
    case CU_MEM_RANGE_ATTRIBUTE_LAST_PREFETCH_LOCATION:
        answer = ordinal_of(prefetched);
        break;
    case CU_MEM_RANGE_ATTRIBUTE_PREFERRED_LOCATION_TYPE:
        answer = preferred.type;
        break;
    case CU_MEM_RANGE_ATTRIBUTE_PREFERRED_LOCATION_ID:
        answer = preferred.id;
        break;
    case CU_MEM_RANGE_ATTRIBUTE_LAST_PREFETCH_LOCATION_TYPE:
        answer = prefetched.type;
        break;
    default:
        answer = prefetched.id;
    }
    std::memcpy(data, &answer, 4);
    return {};
}

/// The ranges of a batch: each checked before anything happens.
Result<void> batch(CUctx_st& context, const CUdeviceptr* pointers, const size_t* sizes, size_t count, unsigned long long flags,
                   CUstream stream_handle) {
    ANYWARP_REQUIRE(pointers);
    ANYWARP_REQUIRE(sizes);
    if (count == 0) return invalid_value("a batch of 0 ranges");
    if (flags != 0) return invalid_value("flags must be 0");
    ANYWARP_TRY_AS(stream, stream_of(stream_handle, context));
    if (stream->kind() == machine::Stream::Kind::legacy) return invalid_value("the legacy default stream takes no batches");
    if (stream->sink()) return user_error(static_cast<ErrorCode>(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED), "a batch in a capture");
    for (size_t i = 0; i < count; ++i) {
        auto found = machine::find_allocation(to_host(pointers[i]));
        if (!found || found->kind != MemoryKind::managed) return invalid_value(format("range {} isn't managed memory", i));
        ANYWARP_TRY(managed_range(pointers[i], sizes[i]));
    }
    return {};
}

Result<void> prefetch_batch(CUctx_st& context, const CUdeviceptr* pointers, const size_t* sizes, size_t count,
                            const CUmemLocation* locations, const size_t* indices, size_t location_count,
                            unsigned long long flags, CUstream stream) {
    ANYWARP_TRY(batch(context, pointers, sizes, count, flags, stream));
    ANYWARP_REQUIRE(locations);
    ANYWARP_REQUIRE(indices);
    if (location_count == 0 || location_count > count || indices[0] != 0)
        return invalid_value(format("{} locations for {} ranges", location_count, count));
    for (size_t i = 0; i < location_count; ++i) {
        ANYWARP_TRY(check_location(locations[i]));
        if (i && (indices[i] <= indices[i - 1] || indices[i] >= count)) return invalid_value("indices must rise");
    }
    for (size_t i = 0, at = 0; i < count; ++i) {
        if (at + 1 < location_count && indices[at + 1] == i) ++at;
        ANYWARP_TRY(prefetch(context, pointers[i], sizes[i], locations[at], stream));
    }
    return {};
}

} // namespace

CUresult cuMemAdvise_v2(CUdeviceptr pointer, size_t bytes, CUmem_advise advice, CUmemLocation location) {
    return with_context(__func__, [&](CUctx_st&) { return advise(pointer, bytes, advice, location); });
}
CUresult cuMemAdvise(CUdeviceptr pointer, size_t bytes, CUmem_advise advice, CUdevice device) {
    return with_context(__func__, [&](CUctx_st&) { return advise(pointer, bytes, advice, location_of(device)); });
}
CUresult cuMemPrefetchAsync(CUdeviceptr pointer, size_t bytes, CUdevice device, CUstream stream) {
    return with_context(__func__,
                        [&](CUctx_st& context) { return prefetch(context, pointer, bytes, location_of(device), stream); });
}
CUresult cuMemPrefetchAsync_v2(CUdeviceptr pointer, size_t bytes, CUmemLocation location, unsigned flags, CUstream stream) {
    return with_context(__func__, [&](CUctx_st& context) -> Result<void> {
        if (flags != 0) return invalid_value("flags must be 0");
        return prefetch(context, pointer, bytes, location, stream);
    });
}

CUresult cuMemPrefetchBatchAsync(CUdeviceptr* pointers, size_t* sizes, size_t count, CUmemLocation* locations, size_t* indices,
                                 size_t location_count, unsigned long long flags, CUstream stream) {
    return with_context(__func__, [&](CUctx_st& context) {
        return prefetch_batch(context, pointers, sizes, count, locations, indices, location_count, flags, stream);
    });
}
// What a discarded range holds is undefined until it is written again: leaving it as it is, is one way of that.
CUresult cuMemDiscardBatchAsync(CUdeviceptr* pointers, size_t* sizes, size_t count, unsigned long long flags, CUstream stream) {
    return with_context(__func__, [&](CUctx_st& context) { return batch(context, pointers, sizes, count, flags, stream); });
}
CUresult cuMemDiscardAndPrefetchBatchAsync(CUdeviceptr* pointers, size_t* sizes, size_t count, CUmemLocation* locations,
                                           size_t* indices, size_t location_count, unsigned long long flags, CUstream stream) {
    return with_context(__func__, [&](CUctx_st& context) {
        return prefetch_batch(context, pointers, sizes, count, locations, indices, location_count, flags, stream);
    });
}

CUresult cuMemRangeGetAttribute(void* data, size_t size, CUmem_range_attribute which, CUdeviceptr pointer, size_t bytes) {
    return with_context(__func__, [&](CUctx_st&) -> Result<void> {
        ANYWARP_TRY_AS(allocation, managed_range(pointer, bytes));
        return range_attribute(data, size, which, ranges().look(pointer, pointer + bytes, allocation));
    });
}

CUresult cuMemRangeGetAttributes(void** data, size_t* sizes, CUmem_range_attribute* attributes, size_t count, CUdeviceptr pointer,
                                 size_t bytes) {
    return with_context(__func__, [&](CUctx_st&) -> Result<void> {
        ANYWARP_REQUIRE(data);
        ANYWARP_REQUIRE(sizes);
        ANYWARP_REQUIRE(attributes);
        ANYWARP_TRY_AS(allocation, managed_range(pointer, bytes));
        auto parts = ranges().look(pointer, pointer + bytes, allocation);
        for (size_t i = 0; i < count; ++i) ANYWARP_TRY(range_attribute(data[i], sizes[i], attributes[i], parts));
        return {};
    });
}
