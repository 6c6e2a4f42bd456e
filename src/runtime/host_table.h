// A hash table from host addresses to what is registered under them, read without a lock: every launch looks up its kernel here.
//
// Open addressing over atomic slots. Additions (under the registry's lock) fill empty slots in place; growth and removal build a
// new array, publish it, and keep the old ones, so that a reader that still holds one reads valid memory. Registrations are few
// and removals rarer, so what is kept stays small.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

namespace anywarp::runtime {

template <class T> class HostTable {
public:
    T* find(const void* host) const {
        const Slots* slots = current_.load(std::memory_order_acquire);
        if (!slots || !host) return nullptr;
        for (size_t i = start(host, *slots);; i = (i + 1) & slots->mask) {
            const void* key = slots->slots[i].key.load(std::memory_order_acquire);
            if (key == host) return slots->slots[i].value;
            if (!key) return nullptr;
        }
    }

    /// The first registration of an address counts.
    void add(const void* host, T* value) {
        if (!host || find(host)) return;
        Slots* slots = current_.load(std::memory_order_relaxed);
        if (!slots || (slots->used + 1) * 2 > slots->mask + 1) {
            auto larger = std::make_unique<Slots>(slots ? (slots->mask + 1) * 2 : 64);
            for (size_t i = 0; slots && i <= slots->mask; i++)
                if (const void* key = slots->slots[i].key.load(std::memory_order_relaxed))
                    insert(*larger, key, slots->slots[i].value);
            slots = publish(std::move(larger));
        }
        insert(*slots, host, value);
    }

    void clear() {
        const Slots* slots = current_.load(std::memory_order_relaxed);
        if (slots) publish(std::make_unique<Slots>(slots->mask + 1));
    }

private:
    struct Slot {
        std::atomic<const void*> key{nullptr};
        T* value = nullptr; // written before the key is
    };
    struct Slots {
        explicit Slots(size_t count) : slots(new Slot[count]), mask(count - 1) {}
        std::unique_ptr<Slot[]> slots;
        size_t mask, used = 0;
    };

    static size_t start(const void* host, const Slots& slots) {
        return (reinterpret_cast<uintptr_t>(host) * 0x9e3779b97f4a7c15ull >> 20) & slots.mask;
    }
    static void insert(Slots& slots, const void* host, T* value) {
        size_t i = start(host, slots);
        while (slots.slots[i].key.load(std::memory_order_relaxed)) i = (i + 1) & slots.mask;
        slots.slots[i].value = value;
        slots.slots[i].key.store(host, std::memory_order_release);
        slots.used++;
    }
    Slots* publish(std::unique_ptr<Slots> slots) {
        Slots* published = kept_.emplace_back(std::move(slots)).get();
        current_.store(published, std::memory_order_release);
        return published;
    }

    std::atomic<Slots*> current_{nullptr};
    std::vector<std::unique_ptr<Slots>> kept_;
};

} // namespace anywarp::runtime
