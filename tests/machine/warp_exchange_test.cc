// shfl, vote, match, redux, elect between lanes, against the rules of the PTX ISA.
#include "machine/warp_exchange.h"

#include <gtest/gtest.h>

using namespace anywarp;
using namespace anywarp::machine;

namespace {
struct Warp {
    WarpState states[32]{};
    WarpState* lanes[32];
    Warp() {
        for (int i = 0; i < 32; i++) {
            lanes[i] = &states[i];
            states[i].value = 100 + static_cast<uint32_t>(i);
        }
    }
    void operands(uint32_t b, uint32_t c) {
        for (auto& s : states) s.operand_b = b, s.operand_c = c;
    }
};
} // namespace

TEST(WarpExchange, ShuffleUp) {
    Warp w;
    w.operands(1, 0); // clamp 0: whole warp
    exchange(WarpOp::shfl_up, ~0u, w.lanes);
    EXPECT_EQ(w.states[0].result, 100u);
    EXPECT_EQ(w.states[0].result_predicate, 0u);
    for (uint32_t i = 1; i < 32; i++) EXPECT_EQ(w.states[i].result, 99 + i);
    w.operands(3, 0x1800); // segments of 8: segment mask 0x18
    exchange(WarpOp::shfl_up, ~0u, w.lanes);
    EXPECT_EQ(w.states[9].result, 109u);
    EXPECT_EQ(w.states[9].result_predicate, 0u);
    EXPECT_EQ(w.states[11].result, 108u);
    EXPECT_EQ(w.states[11].result_predicate, 1u);
}

TEST(WarpExchange, ShuffleDownBflyIdx) {
    Warp w;
    w.operands(2, 0x181f); // segments of 8
    exchange(WarpOp::shfl_down, ~0u, w.lanes);
    EXPECT_EQ(w.states[5].result, 107u);
    EXPECT_EQ(w.states[6].result, 106u);
    EXPECT_EQ(w.states[6].result_predicate, 0u);
    w.operands(16, 31);
    exchange(WarpOp::shfl_bfly, ~0u, w.lanes);
    EXPECT_EQ(w.states[3].result, 119u);
    w.operands(2, 0x181f);
    exchange(WarpOp::shfl_idx, ~0u, w.lanes);
    EXPECT_EQ(w.states[29].result, 126u);
    EXPECT_EQ(w.states[29].result_predicate, 1u);
    // A source that doesn't take part: the lane's own value.
    w.operands(0, 31);
    exchange(WarpOp::shfl_idx, 0xfffe, w.lanes);
    EXPECT_EQ(w.states[4].result, 104u);
}

TEST(WarpExchange, Votes) {
    Warp w;
    for (int i = 0; i < 32; i++) w.states[i].value = i < 4;
    exchange(WarpOp::vote_ballot, 0xff, w.lanes);
    EXPECT_EQ(w.states[7].result, 0xfu);
    exchange(WarpOp::vote_all, 0xf, w.lanes);
    EXPECT_EQ(w.states[0].result, 1u);
    exchange(WarpOp::vote_all, 0x1f, w.lanes);
    EXPECT_EQ(w.states[0].result, 0u);
    exchange(WarpOp::vote_any, 0x18, w.lanes);
    EXPECT_EQ(w.states[3].result, 1u);
    exchange(WarpOp::vote_uni, 0xf0, w.lanes);
    EXPECT_EQ(w.states[4].result, 1u);
    exchange(WarpOp::vote_uni, 0xff, w.lanes);
    EXPECT_EQ(w.states[4].result, 0u);
}

TEST(WarpExchange, MatchReduxElect) {
    Warp w;
    for (uint32_t i = 0; i < 32; i++) {
        w.states[i].value = i % 3;
        w.states[i].value_high = i == 6;
    }
    exchange(WarpOp::match_any, 0xff, w.lanes);
    EXPECT_EQ(w.states[0].result, 0x9u); // 0, 3; 6 differs in its high half
    EXPECT_EQ(w.states[6].result, 0x40u);
    exchange(WarpOp::match_all, 0x9, w.lanes);
    EXPECT_EQ(w.states[3].result, 0x9u);
    EXPECT_EQ(w.states[3].result_predicate, 1u);
    exchange(WarpOp::match_all, 0xb, w.lanes);
    EXPECT_EQ(w.states[3].result, 0u);
    EXPECT_EQ(w.states[3].result_predicate, 0u);
    for (uint32_t i = 0; i < 32; i++) w.states[i].value = i - 2;
    exchange(WarpOp::redux_min_s, 0xff, w.lanes);
    EXPECT_EQ(w.states[0].result, ~1u);
    exchange(WarpOp::redux_min_u, 0xff, w.lanes);
    EXPECT_EQ(w.states[0].result, 0u);
    exchange(WarpOp::redux_max_u, 0xff, w.lanes);
    EXPECT_EQ(w.states[0].result, ~0u);
    exchange(WarpOp::redux_xor, 0xf0, w.lanes);
    EXPECT_EQ(w.states[4].result, 2u ^ 3u ^ 4u ^ 5u);
    exchange(WarpOp::elect, 0xf0, w.lanes);
    EXPECT_EQ(w.states[7].result, 4u);
    EXPECT_EQ(w.states[7].result_predicate, 0u);
    EXPECT_EQ(w.states[4].result_predicate, 1u);
}
