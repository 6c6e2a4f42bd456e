// The records of an event that processes share (CU_EVENT_INTERPROCESS), in an anonymous file that each of them maps.
//
// A record takes a ticket when it is queued and marks it when the stream gets there; whoever waits, in any process, waits for
// the ticket that was latest then. The marks are a ring, since records in different streams may be reached in any order.
// No process can be woken by another's stream, so waiting looks again and again, seldom after a while.
#pragma once

#include "ptx/error.h"

#include <cstdint>
#include <memory>

namespace anywarp::machine {

class SharedRecords {
public:
    static Result<std::shared_ptr<SharedRecords>> create();
    /// Of another process, from a descriptor that is taken over.
    static Result<std::shared_ptr<SharedRecords>> open(int file);
    ~SharedRecords();
    SharedRecords(const SharedRecords&) = delete;
    SharedRecords& operator=(const SharedRecords&) = delete;

    uint64_t begin();        // a new ticket
    uint64_t latest() const; // 0: never recorded
    void complete(uint64_t ticket);
    bool done(uint64_t ticket) const;
    void wait(uint64_t ticket) const;
    int file() const { return file_; }

private:
    struct Page;
    SharedRecords(int file, Page* page) : file_(file), page_(page) {}
    static Result<std::shared_ptr<SharedRecords>> map(int file);
    int file_;
    Page* page_;
};

} // namespace anywarp::machine
