// The generator's state and its parts, one file each: values (gen_integer.cc, gen_float.cc), memory (gen_memory.cc), warps and
// barriers (gen_warp.cc), calls (gen_calls.cc), control flow and the program around it all (ptx_gen.cc).
//
// Programs are valid and end, and their results don't depend on the order in which threads run: barriers stand only where control
// flow is uniform in the block, warp-level instructions where it is uniform in the warp (or with a mask that a ballot made before
// the branch), loops have a bounded counter, shared memory is written by its own thread and read by others only between two
// barriers, and atomics are commutative, or work on the thread's own memory, or hand out tickets whose sum alone is kept.
// Floating-point values become bits only after every NaN was made the same one: PTX doesn't say which NaN an operation gives.
//
// Registers: %r b32, %l b64, %s b16 are values that statements read and write; %x f32, %y f64 floats, %h f16 or bf16 pairs in b32
// that are never read as bits without canonical(); %t, %d, %w, %f, %g, %c are scratch within a statement, but %t0-%t4, %t10, %t11,
// %d1-%d5, %d8, %d9 hold what the prologue put there; %p0-%p2 are conditions, the other predicates scratch; %i count loops.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace anywarp::fuzz {

class Generator {
public:
    explicit Generator(uint64_t seed) : state_(seed * 2654435761u + 88172645463325252ull) {}
    std::string program();

private:
    uint64_t state_;
    static constexpr unsigned words_ = 10, longs_ = 4, shorts_ = 4, singles_ = 5, doubles_ = 4, halves_ = 4;
    std::string text_;
    unsigned labels_ = 0, loops_ = 0;
    bool warp_level_ = false;  // with warp-level instructions
    bool whole_warps_ = false; // no partial last warp
    bool exits_ = false;       // threads may exit early
    bool recursion_ = false;   // such programs run at width 1
    bool floats_ = true;       // some programs have none, others little else
    bool mbarriers_ = false;
    unsigned block_threads_ = 0, warps_ = 0;
    enum Level { divergent, same_in_warp, same_in_block };
    struct Loop {
        std::string again, out;
    };
    std::vector<Loop> open_; // divergent loops around the current statement

    // ptx_gen.cc
    uint64_t next();
    unsigned pick(unsigned n) { return unsigned(next() % n); }
    bool chance(unsigned percent) { return pick(100) < percent; }
    template <class T, size_t n> const T& one_of(const T (&list)[n]) { return list[pick(unsigned(n))]; }
    std::string one(std::initializer_list<const char*> list) { return list.begin()[pick(unsigned(list.size()))]; }
    void line(const std::string& s) { text_ += "    " + s + "\n"; }
    /// A line that gives a register its first value: the reducer leaves it alone.
    void first(const std::string& s) { text_ += "    " + s + " // first\n"; }
    std::string number();
    std::string word() { return "%r" + std::to_string(pick(words_)); }
    std::string longword() { return "%l" + std::to_string(pick(longs_)); }
    std::string shortword() { return "%s" + std::to_string(pick(shorts_)); }
    std::string single() { return "%x" + std::to_string(pick(singles_)); }
    std::string real() { return "%y" + std::to_string(pick(doubles_)); }
    std::string half() { return "%h" + std::to_string(pick(halves_)); }
    std::string source() { return chance(80) ? word() : number(); }
    std::string long_source() { return chance(85) ? longword() : number(); }
    std::string short_source() { return chance(85) ? shortword() : std::to_string(int(pick(70)) - 5); }
    std::string predicate() { return "%p" + std::to_string(pick(3)); }
    std::string label() { return "L" + std::to_string(labels_++); }
    std::string guard();
    Level condition(Level level, std::string& p);
    void branch(int depth, Level level);
    void choice(int depth);
    void loop(int depth, Level level);
    void state_machine(int depth);
    void leave();
    void statements(int depth, Level level);
    void prologue();
    void epilogue();

    void arithmetic();
    // gen_integer.cc
    void integer();
    void integer16();
    void integer32();
    void integer64();
    void extended();
    void bit_field();
    void dot_product();
    void video();
    void predicates();
    void moves();
    void convert_integer();
    // gen_float.cc
    void floating();
    void single_precision();
    void double_precision();
    void half_precision();
    void compare_floats();
    void float_to_bits();
    void bits_to_float();
    void special_values();
    void canonical32(const std::string& to, const std::string& from);
    void canonical64(const std::string& to, const std::string& from);
    void canonical_pair(const std::string& to, const std::string& from, bool bfloat);
    // gen_memory.cc
    void access();
    void simple_access();
    void near_access();
    void vector_access();
    void constants();
    void generic_access();
    void atomic();
    void own_address(unsigned size, const char* into);
    // gen_warp.cc
    void exchange();
    void barrier_reduction();
    void shared_atomics();
    void producer_consumer();
    void mbarrier();
    void warp_operation();
    void matrix();
    void masked_warp_operation();
    // gen_calls.cc
    std::string functions();
    void call();
    void waiting_recursion();
};

} // namespace anywarp::fuzz
