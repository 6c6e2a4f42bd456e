// The state of a running grid, and what the families of instructions need to work on it.
//
// Grid > Block > Thread > Frame, as CUDA has it. Each thread owns its registers and local memory; an instruction is executed
// for one thread by a function `Flow f(Thread&, const Instruction&)` found through one table (dispatch.cc). Faults travel as
// a C++ exception to the one catch in run_grid, since an interpreter with an error check per operand isn't obviously right.
#pragma once

#include "oracle/exact.h"
#include "oracle/oracle.h"

#include <array>
#include <cstring>
#include <deque>
#include <memory>
#include <unordered_map>

namespace anywarp::oracle {

using ptx::Body;
using ptx::Instruction;
using ptx::Modifier;
using ptx::Opcode;
using ptx::Operand;
using ptx::StateSpace;
using ptx::Type;

struct Fault {
    Error error;
};

struct Grid;
struct Block;

/// Zeroed memory on a 128-byte boundary.
class Buffer {
public:
    void allocate(uint64_t size);
    uint8_t* data() const { return data_; }
    uint64_t size() const { return size_; }
    bool holds(const uint8_t* p, uint64_t bytes) const {
        return data_ && p >= data_ && bytes <= size_ && uint64_t(p - data_) <= size_ - bytes;
    }

private:
    std::unique_ptr<uint8_t[]> storage_;
    uint8_t* data_ = nullptr;
    uint64_t size_ = 0;
};

struct Thread;

enum class Flow {
    next,   // go on with the following instruction
    jumped, // the pc has been set
    wait,   // not done: execute it again when released
    ended   // the thread has exited
};

using Handler = Flow (*)(Thread&, const Instruction&);
Handler find_handler(Opcode opcode);

/// A function's body and what is looked up in it once per run.
struct Code {
    const Body* body = nullptr;
    std::vector<Handler> handlers; // one per instruction; null where the oracle has none
    std::vector<uint32_t> slots;   // where each register's first element lies in Frame::registers; then their number
};

/// One activation of a function. Variables and parameters lie in `memory`.
struct Frame {
    uint32_t function = 0;
    const Code* code = nullptr;
    const Body* body = nullptr;
    uint32_t pc = 0;
    std::vector<u128> registers; // see Code::slots; vector registers have up to four elements
    Buffer memory;
    std::vector<uint8_t*> variables, parameters, returns; // host addresses; null for shared variables
    std::deque<Buffer> allocas;
};

/// Why a thread doesn't run, and what it hands to the others.
struct Wait {
    enum Kind { none, barrier, warp } kind = none;
    bool released = false; // the others came: the instruction may finish
    // barrier
    uint32_t barrier_id = 0;
    uint32_t result = 0;
    // warp: what this lane brings, and what all lanes brought (set at release)
    const Instruction* instruction = nullptr;
    bool converged = false; // instruction without member mask: waits for whoever can come
    uint32_t mask = 0;
    uint64_t value = 0;
    uint32_t arrived = 0;
    std::array<uint64_t, 32> values{};
    std::shared_ptr<std::vector<std::vector<uint64_t>>> fragments; // of matrix instructions, per lane
};

struct Thread {
    Block* block = nullptr;
    uint32_t linear = 0;
    uint32_t tid[3] = {0, 0, 0};
    std::vector<std::unique_ptr<Frame>> frames;
    Wait wait;
    bool exited = false;
    bool carry = false;
    bool gives_way = false; // nanosleep, or a turn used up

    Frame& frame() { return *frames.back(); }
    Grid& grid() const;
    uint32_t lane() const { return linear % 32; }
    uint32_t warp() const { return linear / 32; }
};

struct Barrier {
    uint32_t expected = 0; // threads; 0: all of the block
    std::vector<uint8_t> arrived, predicate;
};

struct Block {
    Grid* grid = nullptr;
    uint32_t ctaid[3] = {0, 0, 0};
    Buffer shared;
    std::vector<Thread> threads;
    std::array<Barrier, 16> barriers;
    uint32_t live = 0;
};

struct Grid {
    const ptx::Module& module;
    const Launch& launch;
    Outcome& outcome;
    uint32_t entry = 0;
    ptx::ImageLayout image_layout;
    ptx::SharedLayout shared_layout;
    ptx::ParameterLayout parameter_layout;
    uint64_t shared_size = 0;
    std::unordered_map<uint32_t, Code> code_of_functions;
    std::unordered_map<uint8_t*, std::unique_ptr<Buffer>> heap; // device-side malloc

    const Code& code(uint32_t function);
};
inline Grid& Thread::grid() const { return *block->grid; }

// Faults and refusals (interpreter.cc).
[[noreturn]] void fault(Thread& thread, ErrorCode code, const std::string& what);
[[noreturn]] void refuse(Thread& thread, const Instruction& instruction); // unsupported, names the instruction
std::string describe(Thread& thread, const Instruction& instruction);

// Registers and operands (operands.cc). Values are the type's bits, zero-extended.
uint64_t read(Thread& thread, const Operand& operand, Type type);
u128 read_wide(Thread& thread, const Operand& operand, Type type);
bool read_predicate(Thread& thread, const Operand& operand);
/// Extends by the type's signedness to the register's width, or truncates to it.
void write(Thread& thread, const Operand& operand, Type type, uint64_t value);
void write_wide(Thread& thread, const Operand& operand, u128 value);
void write_predicate(Thread& thread, const Operand& operand, bool value);
/// The two halves of p|q; the operand itself and null where there is no |.
const Operand& first_of(const Operand& operand);
const Operand* second_of(const Operand& operand);
uint64_t special_register(Thread& thread, const Operand& operand);
uint64_t symbol_address(Thread& thread, const ptx::Symbol& symbol, StateSpace* space = nullptr);

inline uint64_t low_bits(uint64_t value, unsigned bits) { return bits >= 64 ? value : value & ((1ull << bits) - 1); }
inline int64_t sign_extend(uint64_t value, unsigned bits) {
    return bits >= 64 ? int64_t(value) : int64_t(value << (64 - bits)) >> (64 - bits);
}
/// An integer operand as a mathematical integer, by its type's signedness.
inline s128 integer(uint64_t value, Type type) {
    return ptx::is_signed(type) ? s128(sign_extend(value, ptx::bits(type))) : s128(low_bits(value, ptx::bits(type)));
}

// Memory (memory.cc).
uint64_t effective_address(Thread& thread, const Operand& operand, StateSpace* space);
/// Host address of `size` bytes at an address of a space; faults when misaligned or outside of what may be touched.
uint8_t* locate(Thread& thread, StateSpace space, uint64_t address, uint64_t size, uint64_t align);
inline uint64_t load_bytes(const uint8_t* p, unsigned size) {
    uint64_t v = 0;
    std::memcpy(&v, p, size);
    return v;
}

// Floats (float.cc), shared with conversions and atomics.
struct FloatType {
    Format format;
    unsigned lanes; // 2 for packed types
};
FloatType float_type(Type type);
uint64_t flush(uint64_t bits, Format format); // subnormal -> zero of the same sign
enum class FloatOperation { add, subtract, multiply, divide };
uint64_t float_binary(FloatOperation operation, uint64_t a, uint64_t b, Format format, Rounding rounding);
uint64_t float_fma(uint64_t a, uint64_t b, uint64_t c, Format format, Rounding rounding);
uint64_t float_min_max(uint64_t a, uint64_t b, Format format, bool maximum, bool nan_wins);
Rounding rounding_of(const Instruction& instruction);
bool compare_values(Thread& thread, const Instruction& instruction, Type type, uint64_t a, uint64_t b);
double to_double(uint64_t bits, Format format);
uint64_t from_double(double value, Format format);

// Control (control.cc, scheduler.cc).
std::unique_ptr<Frame> make_frame(Thread& thread, uint32_t function);
void end_thread(Thread& thread);
/// Builtin functions that a module only declares: vprintf, malloc, free, __assertfail. False when unknown.
bool call_builtin(Thread& thread, const std::string& name, const std::vector<uint8_t*>& arguments,
                  const std::vector<uint8_t*>& returns);
void complete_barriers(Block& block);
/// The registers that a lane brings to a matrix instruction.
std::vector<uint64_t> matrix_registers(Thread& thread, const Instruction& instruction);
void complete_warp_operations(Block& block, uint32_t warp, bool idle);
bool needs_others(const Thread& thread);

// The families. Each function executes one instruction for one thread.
#define ANYWARP_ORACLE_FAMILY(name) Flow name(Thread& thread, const Instruction& instruction)
ANYWARP_ORACLE_FAMILY(execute_add);      // integer.cc: add sub addc subc
ANYWARP_ORACLE_FAMILY(execute_multiply); // mul mad madc mul24 mad24
ANYWARP_ORACLE_FAMILY(execute_integer);  // div rem abs neg min max sad dp4a dp2a
ANYWARP_ORACLE_FAMILY(execute_bits);     // bits.cc: popc clz bfind brev bfe bfi fns szext bmsk prmt lop3 shf ...
ANYWARP_ORACLE_FAMILY(execute_logic);    // and or xor not cnot shl shr
ANYWARP_ORACLE_FAMILY(execute_compare);  // compare.cc: set setp selp slct testp copysign
ANYWARP_ORACLE_FAMILY(execute_float);    // float.cc
ANYWARP_ORACLE_FAMILY(execute_function); // approximate.cc: sin cos lg2 ex2 tanh rsqrt rcp sqrt
ANYWARP_ORACLE_FAMILY(execute_convert);  // convert.cc
ANYWARP_ORACLE_FAMILY(execute_cvt_pack);
ANYWARP_ORACLE_FAMILY(execute_move); // memory.cc: mov cvta isspacep
ANYWARP_ORACLE_FAMILY(execute_load);
ANYWARP_ORACLE_FAMILY(execute_store);
ANYWARP_ORACLE_FAMILY(execute_copy);     // cp.async
ANYWARP_ORACLE_FAMILY(execute_atomic);   // atomic.cc: atom red
ANYWARP_ORACLE_FAMILY(execute_mbarrier); // mbarrier.cc
ANYWARP_ORACLE_FAMILY(execute_branch);   // control.cc: bra brx.idx
ANYWARP_ORACLE_FAMILY(execute_call);
ANYWARP_ORACLE_FAMILY(execute_return); // ret exit
ANYWARP_ORACLE_FAMILY(execute_trap);
ANYWARP_ORACLE_FAMILY(execute_stack);   // alloca stacksave stackrestore
ANYWARP_ORACLE_FAMILY(execute_nothing); // fences, prefetches, hints
ANYWARP_ORACLE_FAMILY(execute_sleep);
ANYWARP_ORACLE_FAMILY(execute_barrier); // barrier.cc
ANYWARP_ORACLE_FAMILY(execute_warp);    // warp.cc: shfl vote match redux activemask elect bar.warp.sync
ANYWARP_ORACLE_FAMILY(execute_matrix);   // matrix.cc: wmma.mma mma ldmatrix stmatrix movmatrix
ANYWARP_ORACLE_FAMILY(execute_fragment); // wmma.load wmma.store
ANYWARP_ORACLE_FAMILY(execute_video);   // video.cc
ANYWARP_ORACLE_FAMILY(execute_texture); // texture.cc: tex tld4
ANYWARP_ORACLE_FAMILY(execute_texture_query); // txq suq
ANYWARP_ORACLE_FAMILY(execute_istypep);
ANYWARP_ORACLE_FAMILY(execute_surface); // surface.cc: suld sust sured
#undef ANYWARP_ORACLE_FAMILY

} // namespace anywarp::oracle
