// See shared_records.h.
#include "machine/shared_records.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <new>
#include <sys/mman.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace anywarp::machine {

struct SharedRecords::Page {
    static constexpr uint64_t expected_magic = 0x746e657677726177;
    uint64_t magic = expected_magic;
    std::atomic<uint64_t> latest{0};
    std::atomic<uint64_t> reached[256]{}; // the newest completed ticket of each residue
};

Result<std::shared_ptr<SharedRecords>> SharedRecords::map(int file) {
    void* page = mmap(nullptr, sizeof(Page), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (page == MAP_FAILED) {
        ::close(file);
        return user_error(ErrorCode::out_of_memory, "the records of a shared event can't be mapped");
    }
    return std::shared_ptr<SharedRecords>(new SharedRecords(file, static_cast<Page*>(page)));
}

Result<std::shared_ptr<SharedRecords>> SharedRecords::create() {
    int file = memfd_create("anywarp-event", MFD_CLOEXEC);
    if (file < 0 || ftruncate(file, sizeof(Page)) != 0) {
        if (file >= 0) ::close(file);
        return user_error(ErrorCode::out_of_memory, "no file for a shared event");
    }
    auto records = map(file);
    if (records) new ((*records)->page_) Page;
    return records;
}

Result<std::shared_ptr<SharedRecords>> SharedRecords::open(int file) {
    struct stat status {};
    if (fstat(file, &status) != 0 || status.st_size != sizeof(Page)) {
        ::close(file);
        return user_error(ErrorCode::invalid_handle, "not the records of an event");
    }
    auto records = map(file);
    if (records && (*records)->page_->magic != Page::expected_magic)
        return user_error(ErrorCode::invalid_handle, "not the records of an event");
    return records;
}

SharedRecords::~SharedRecords() {
    munmap(page_, sizeof(Page));
    ::close(file_);
}

uint64_t SharedRecords::begin() { return page_->latest.fetch_add(1) + 1; }
uint64_t SharedRecords::latest() const { return page_->latest.load(); }

void SharedRecords::complete(uint64_t ticket) {
    std::atomic<uint64_t>& mark = page_->reached[ticket % std::size(page_->reached)];
    uint64_t before = mark.load();
    while (before < ticket && !mark.compare_exchange_weak(before, ticket)) {}
}

bool SharedRecords::done(uint64_t ticket) const {
    return ticket == 0 || page_->reached[ticket % std::size(page_->reached)].load() >= ticket;
}

void SharedRecords::wait(uint64_t ticket) const {
    auto pause = std::chrono::microseconds(1);
    for (int tries = 0; !done(ticket); ++tries) {
        if (tries < 200) {
            std::this_thread::yield();
            continue;
        }
        std::this_thread::sleep_for(pause);
        pause = std::min(pause * 2, std::chrono::microseconds(200));
    }
}

} // namespace anywarp::machine
