// See warp_exchange.h. Reading a lane that doesn't take part is undefined in PTX; here it gives the reader's own value.
#include "machine/warp_exchange.h"

#include <bit>

namespace anywarp::machine {
namespace {

template <class Visit> void each_lane(uint32_t mask, Visit visit) {
    for (; mask; mask &= mask - 1) visit(static_cast<uint32_t>(std::countr_zero(mask)));
}

// PTX ISA 9.7.9.6: c holds the clamp value in bits 0-4 and the segment mask in bits 8-12.
void shuffle(WarpOp op, uint32_t participants, WarpState* const lanes[32]) {
    uint32_t values[32];
    each_lane(participants, [&](uint32_t i) { values[i] = lanes[i]->value; });
    each_lane(participants, [&](uint32_t i) {
        WarpState& lane = *lanes[i];
        int segment_mask = static_cast<int>(lane.operand_c >> 8 & 31), clamp = static_cast<int>(lane.operand_c & 31);
        int b = static_cast<int>(lane.operand_b & 31), self = static_cast<int>(i);
        int max_lane = (self & segment_mask) | (clamp & ~segment_mask), min_lane = self & segment_mask;
        int source = self;
        bool in_range = false;
        switch (op) {
        case WarpOp::shfl_up:
            source = self - b;
            in_range = source >= max_lane;
            break;
        case WarpOp::shfl_down:
            source = self + b;
            in_range = source <= max_lane;
            break;
        case WarpOp::shfl_bfly:
            source = self ^ b;
            in_range = source <= max_lane;
            break;
        default:
            source = min_lane | (b & ~segment_mask);
            in_range = source <= max_lane;
            break;
        }
        if (!in_range) source = self;
        lane.result = participants >> source & 1 ? values[source] : values[self];
        lane.result_predicate = in_range;
    });
}

uint64_t wide_value(const WarpState& lane) { return lane.value | static_cast<uint64_t>(lane.value_high) << 32; }

void match(WarpOp op, uint32_t participants, WarpState* const lanes[32]) {
    bool all_same = true;
    uint64_t first = wide_value(*lanes[std::countr_zero(participants)]);
    each_lane(participants, [&](uint32_t i) { all_same &= wide_value(*lanes[i]) == first; });
    each_lane(participants, [&](uint32_t i) {
        uint32_t same = 0;
        if (op == WarpOp::match_any)
            each_lane(participants, [&](uint32_t j) {
                if (wide_value(*lanes[j]) == wide_value(*lanes[i])) same |= 1u << j;
            });
        else
            same = all_same ? participants : 0;
        lanes[i]->result = same;
        lanes[i]->result_high = 0;
        lanes[i]->result_predicate = op == WarpOp::match_any ? 1 : all_same;
    });
}

uint32_t combine(WarpOp op, uint32_t a, uint32_t b) {
    auto sa = static_cast<int32_t>(a), sb = static_cast<int32_t>(b);
    switch (op) {
    case WarpOp::redux_add:
        return a + b;
    case WarpOp::redux_min_s:
        return sa < sb ? a : b;
    case WarpOp::redux_max_s:
        return sa > sb ? a : b;
    case WarpOp::redux_min_u:
        return a < b ? a : b;
    case WarpOp::redux_max_u:
        return a > b ? a : b;
    case WarpOp::redux_and:
        return a & b;
    case WarpOp::redux_or:
        return a | b;
    default:
        return a ^ b;
    }
}

} // namespace

void exchange(WarpOp op, uint32_t participants, WarpState* const lanes[32]) {
    if (!participants) return;
    auto give_all = [&](uint32_t result, uint32_t predicate) {
        each_lane(participants, [&](uint32_t i) {
            lanes[i]->result = result;
            lanes[i]->result_predicate = predicate;
        });
    };
    uint32_t ballot = 0;
    each_lane(participants, [&](uint32_t i) { ballot |= lanes[i]->value ? 1u << i : 0; });
    switch (op) {
    case WarpOp::sync:
        return give_all(0, 0);
    case WarpOp::shfl_up:
    case WarpOp::shfl_down:
    case WarpOp::shfl_bfly:
    case WarpOp::shfl_idx:
        return shuffle(op, participants, lanes);
    case WarpOp::vote_all:
        return give_all(ballot == participants, ballot == participants);
    case WarpOp::vote_any:
        return give_all(ballot != 0, ballot != 0);
    case WarpOp::vote_uni: {
        bool uniform = ballot == 0 || ballot == participants;
        return give_all(uniform, uniform);
    }
    case WarpOp::vote_ballot:
        return give_all(ballot, ballot != 0);
    case WarpOp::match_any:
    case WarpOp::match_all:
        return match(op, participants, lanes);
    case WarpOp::elect: {
        auto leader = static_cast<uint32_t>(std::countr_zero(participants));
        give_all(leader, 0);
        lanes[leader]->result_predicate = 1;
        return;
    }
    default: {
        uint32_t rest = participants & (participants - 1);
        uint32_t total = lanes[std::countr_zero(participants)]->value;
        each_lane(rest, [&](uint32_t i) { total = combine(op, total, lanes[i]->value); });
        return give_all(total, 0);
    }
    }
}

} // namespace anywarp::machine
