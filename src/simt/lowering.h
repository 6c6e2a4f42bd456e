// Inside the lowering: the state of one kernel being lowered (Program) and of one PTX function (Emitter).
//
// An Emitter walks a function's instructions in order and appends LLVM instructions to the current block. Registers are
// allocas, so no instruction needs to know what another one did; mem2reg makes SSA of them afterwards. Each instruction
// family has its own file with member functions of the form `void add(const Instruction&)`; dispatch.cc maps opcodes to them.
//
// Inside this floor errors travel as the exception Failure, thrown by fail_*() and caught in lower_kernel: an instruction may
// find out deep inside an operand that it can't go on. No LLVM frame is ever between the throw and the catch.
#pragma once

#include "simt/kernel_abi.h"
#include "simt/simt.h"

#include <llvm/IR/IRBuilder.h>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace anywarp::ptx {
struct MatrixOperation;
struct TextureOperands;
}

namespace anywarp::simt {

using llvm::Value;
using ptx::Instruction;
using ptx::Modifier;
using ptx::Opcode;
using ptx::Operand;
using ptx::StateSpace;
using ptx::Type;

struct Failure {
    Error error;
};

/// What spins.cc finds out about one body.
struct SpinReport {
    std::unordered_set<uint32_t> back_edges; // instruction indices of branches that close a waiting loop
    bool needs_lane_scheduling = false;
};
SpinReport find_spins(const ptx::Body& body);

/// One kernel being lowered: the LLVM module, the layouts, and the functions made so far.
class Program {
public:
    Program(llvm::LLVMContext& context, llvm::Module& module, const ptx::Module& ptx, const LowerOptions& options,
            LoweredKernel& result)
        : context(context), module(module), ptx(ptx), options(options), result(result) {}

    llvm::LLVMContext& context;
    llvm::Module& module;
    const ptx::Module& ptx;
    const LowerOptions& options;
    LoweredKernel& result;
    ptx::ImageLayout image;
    ptx::SharedLayout shared;
    std::vector<uint32_t> reachable;
    std::vector<uint32_t> address_taken;
    std::unordered_set<uint32_t> recursive;
    bool address_taken_known = false;
    std::unordered_map<uint32_t, llvm::Function*> functions;
    std::vector<uint32_t> pending; // declared by a call, body still to be emitted

    void prepare(uint32_t entry);
    /// The LLVM function of a PTX function; declared on first use.
    llvm::Function* function(uint32_t index);
    const ptx::Body& body(uint32_t index);

    enum Purity { pure_lane, pure_convergent, suspends, service };
    /// An anywarp.* intrinsic or anywarp_* service with the attributes that fit its kind.
    llvm::Function* intrinsic(llvm::StringRef name, llvm::Type* result, llvm::ArrayRef<llvm::Type*> parameters, Purity purity);
    /// A function of src/simt/builtins, linked in at the end.
    llvm::FunctionCallee builtin(llvm::StringRef name, llvm::Type* result, llvm::ArrayRef<llvm::Type*> parameters);
    /// A builtin `void anywarp_b_NAME(parameters, u32 results[4])` that isn't inlined but stays a function of a warp.
    llvm::FunctionCallee vector_function(const std::string& name, llvm::ArrayRef<llvm::Type*> parameters);
    void link_builtins();
    void simplify(); // simplify.cc
    bool uses_builtins = false;

    bool known_block() const { return options.block_dim[0] && options.block_dim[1] && options.block_dim[2]; }
};

/// How a device function's parameter or return value travels.
bool passed_as_scalar(const ptx::Variable& variable);
llvm::Type* scalar_type(llvm::LLVMContext& context, const ptx::Variable& variable);
/// LLVM type of a register of this PTX type; f16 and bf16 are i16, packed forms the integer of their size.
llvm::Type* value_type(llvm::LLVMContext& context, Type type);

class Emitter {
public:
    Emitter(Program& program, uint32_t function_index, llvm::Function* function);
    void run();

    // --- instruction families; one line per opcode in dispatch.cc -------------------------------------------------------
    using Handler = void (Emitter::*)(const Instruction&);
    // integer.cc, integer_bits.cc
    void add(const Instruction&), sub(const Instruction&), mul(const Instruction&), mad(const Instruction&);
    void mul24(const Instruction&), mad24(const Instruction&), sad(const Instruction&), div(const Instruction&);
    void rem(const Instruction&), abs(const Instruction&), neg(const Instruction&), min_max(const Instruction&);
    void carry(const Instruction&), mad_carry(const Instruction&);
    void popc(const Instruction&), clz(const Instruction&), bfind(const Instruction&), brev(const Instruction&);
    void bfe(const Instruction&), bfi(const Instruction&), fns(const Instruction&), bmsk(const Instruction&);
    void szext(const Instruction&), dp4a(const Instruction&), dp2a(const Instruction&), prmt(const Instruction&);
    void logic(const Instruction&), lop3(const Instruction&), shf(const Instruction&), shift(const Instruction&);
    void video(const Instruction&);
    // float.cc, half.cc
    void fma(const Instruction&), rcp(const Instruction&), sqrt(const Instruction&), rsqrt(const Instruction&);
    void transcendental(const Instruction&), copysign(const Instruction&), testp(const Instruction&);
    void float_binary(const Instruction&), float_min_max(const Instruction&), float_sign(const Instruction&);
    void half_binary(const Instruction&), half_fma(const Instruction&), half_min_max(const Instruction&);
    void half_sign(const Instruction&);
    // compare.cc
    void setp(const Instruction&), set_(const Instruction&), selp(const Instruction&), slct(const Instruction&);
    // convert.cc
    void cvt(const Instruction&), cvt_pack(const Instruction&);
    // memory.cc
    void mov(const Instruction&), ld(const Instruction&), st(const Instruction&), cvta(const Instruction&);
    void isspacep(const Instruction&), nop(const Instruction&), fence(const Instruction&), cp_async(const Instruction&);
    void createpolicy(const Instruction&), mapa(const Instruction&), alloca_(const Instruction&);
    void stacksave(const Instruction&), stackrestore(const Instruction&);
    // atomics.cc
    void atom(const Instruction&);
    // texture.cc
    void tex(const Instruction&), tld4(const Instruction&), txq(const Instruction&), istypep(const Instruction&);
    void suld(const Instruction&), sust(const Instruction&), sured(const Instruction&);
    // control.cc, calls.cc
    void bra(const Instruction&), brx(const Instruction&), call(const Instruction&), ret(const Instruction&);
    void exit(const Instruction&), trap(const Instruction&), nanosleep(const Instruction&);
    // warp.cc
    void shfl(const Instruction&), vote(const Instruction&), activemask(const Instruction&), match(const Instruction&);
    void redux(const Instruction&), elect(const Instruction&);
    // matrix.cc
    void matrix_product(const Instruction&), matrix_fragment(const Instruction&), matrix_rows(const Instruction&);
    void movmatrix(const Instruction&);
    // barrier.cc
    void bar(const Instruction&);
    void mbarrier(const Instruction&);

private:
    // --- errors -----------------------------------------------------------------------------------------------------------
    [[noreturn]] void fail_unsupported(const Instruction& i, const std::string& detail = {});
    [[noreturn]] void fail_invalid(const Instruction& i, const std::string& message);
    std::string text_of(const Instruction& i);

    // --- types and values (emitter.cc) ------------------------------------------------------------------------------------
    llvm::Type* ty(Type type) { return value_type(context, type); }
    llvm::Value* i32(uint32_t v) { return b.getInt32(v); }
    llvm::Value* i64(uint64_t v) { return b.getInt64(v); }
    llvm::Value* constant(Type type, uint64_t bits);
    /// An operand's value as the LLVM type of `type`: registers are bit-cast, truncated or extended as PTX allows.
    Value* get(const Operand& operand, Type type);
    Value* get_predicate(const Operand& operand);
    /// Write a destination; values narrower than the register are extended by the signedness of `type`.
    void set(const Operand& operand, Value* value, Type type);
    void set_register(ptx::RegisterId reg, int component, Value* value, Type type);
    Value* register_slot(ptx::RegisterId reg, int component);
    Value* as_type(Value* value, llvm::Type* type, bool sign); // bit cast, truncate or extend
    Value* symbol_address(const ptx::Symbol& symbol, int64_t offset, const Instruction* where = nullptr);
    Value* special(const Operand& operand, Type type);

    // --- context ----------------------------------------------------------------------------------------------------------
    Value* context_field(unsigned offset, llvm::Type* type);
    Value* lane();
    Value* linear_thread();
    Value* thread_index(int dimension);
    Value* block_dim(int dimension);
    Value* lane_in_warp(); // %laneid

    // --- memory -----------------------------------------------------------------------------------------------------------
    struct Address {
        Value* pointer = nullptr;
        Value* number = nullptr; // i64, for the alignment check (the offset in the shared space)
        uint64_t known_align = 1;
        StateSpace space = StateSpace::generic;
    };
    Address address(const Operand& operand, StateSpace space, const Instruction& i);
    void check_aligned(const Address& address, uint64_t bytes);
    Value* byte_offset(Value* pointer, int64_t offset);
    Value* symbol_pointer(const ptx::Symbol& symbol, int64_t offset, uint64_t& known_align, StateSpace& space);
    bool is_shared_symbol(const ptx::Symbol& symbol, uint64_t& offset);

    // --- arithmetic helpers -----------------------------------------------------------------------------------------------
    Value* call_builtin(llvm::StringRef name, llvm::Type* result, llvm::ArrayRef<Value*> arguments);
    Value* intrinsic_call(llvm::StringRef name, llvm::Type* result, llvm::ArrayRef<Value*> arguments, Program::Purity purity);
    Value* unary(unsigned id, Value* v);
    Value* binary(unsigned id, Value* a, Value* c);
    Value* flush(Value* v);                        // subnormal f32 -> signed zero
    Value* upper_word(Value* v);                   // rcp, rsqrt .approx.ftz.f64
    Value* saturate(Value* v);                     // clamp to [0, 1], NaN -> 0
    Value* finish(const Instruction& i, Value* v); // .ftz and .sat of a float result
    Value* float_input(const Instruction& i, size_t operand, Type type);
    Value* float_minmax(Value* a, Value* c, bool max, bool nan);
    const char* rounding_suffix(const Instruction& i); // "" for rn, "_rz", "_rm", "_rp"
    Value* guarded_division(Value* a, Value* c, bool sign, bool remainder);
    Value* shift_value(Value* a, Value* amount, bool left, bool sign);
    Value* lop3_value(Value* a, Value* c, Value* d, unsigned table);
    Value* compare(const Instruction& i, Value* a, Value* c, Type type, Modifier op);
    Value* combine(const Instruction& i, Value* result, const Operand& predicate);
    Value* round_to_integral(Value* v, const Instruction& i);
    Value* video_value(const Instruction& i, Value* x, Value* y); // video.cc
    Value* clamp_part(Value* v, bool sign, unsigned bits);
    void video_scalar(const Instruction& i);
    Value* half_to_float(Value* v, Type type);
    Value* float_to_half(Value* v, Type type);
    Value* convert(const Instruction& i, Value* v, Type to, Type from);
    Value* each_half(const Instruction& i, Type type, llvm::ArrayRef<Value*> operands,
                     llvm::function_ref<Value*(llvm::ArrayRef<Value*>, Type)> f);
    Type element_of(Type type);

    // --- textures and surfaces (texture.cc) -----------------------------------------------------------------------------
    Value* texture_handle(const Operand& o);
    Value* vector_element(const Operand& o, unsigned k, Type type);
    Value* vector_call(const std::string& name, llvm::ArrayRef<Value*> arguments);
    void store_texels(const Instruction& i, const ptx::TextureOperands& operands, Value* texels);
    Value* surface_address(const Instruction& i, const ptx::TextureOperands& operands, Value* handle, unsigned bytes);
    void where_inside(const Instruction& i, Value* address, llvm::function_ref<void()> access);

    // --- matrices (matrix.cc) -------------------------------------------------------------------------------------------
    Value* from_lane(Value* v, Value* source);
    void directed_product(const Instruction& i, const ptx::MatrixOperation& operation, const char* rounding);

    // --- calls ------------------------------------------------------------------------------------------------------------
    bool call_service(const Instruction& i, const ptx::Function& callee, llvm::ArrayRef<Operand> arguments,
                      llvm::ArrayRef<Operand> returns);
    void call_direct(const Instruction& i, uint32_t callee, llvm::ArrayRef<Operand> arguments, llvm::ArrayRef<Operand> returns);
    Value* argument_scalar(const Instruction& i, const Operand& o, llvm::Type* type, Type ptx_type);
    void store_return(const Operand& o, Value* v, Type type);
    Value* argument_pointer(const Instruction& i, const Operand& o);
    void emit_return();

    // --- structure --------------------------------------------------------------------------------------------------------
    void make_slots();
    void entry_code();
    void emit(const Instruction& i);
    llvm::BasicBlock* block_at(uint32_t instruction); // the block that begins at an instruction index
    llvm::BasicBlock* label_block(ptx::LabelId label);
    llvm::BasicBlock* new_block(const char* name) { return llvm::BasicBlock::Create(context, name, function); }
    void start_dead_block();
    void maybe_yield();

    Program& p;
    llvm::LLVMContext& context;
    const ptx::Function& ptx_function;
    uint32_t function_index;
    const ptx::Body& body;
    llvm::Function* function;
    llvm::IRBuilder<> b;
    llvm::BasicBlock* entry = nullptr;
    llvm::BasicBlock* return_block = nullptr;
    Value* ctx = nullptr;
    Value* warp_base = nullptr;
    Value* shared_base = nullptr;
    Value* image_base = nullptr;
    Value* params_base = nullptr;
    Value* carry_flag = nullptr;                       // CC.CF
    Value *stack_area = nullptr, *stack_top = nullptr; // of alloca: where it takes from, bytes taken
    static constexpr uint64_t alloca_bytes = 16384;    // per thread and activation; CUDA's own default stack holds 1024
    std::vector<std::vector<llvm::AllocaInst*>> slots; // per register, per component
    std::vector<Value*> variables;                     // per Body::variables: alloca of .local / .param
    std::vector<Value*> parameters, returns;           // device functions: where they lie
    ptx::ParameterLayout parameter_offsets;            // entries
    std::vector<llvm::BasicBlock*> starts;             // per instruction index; null where no block begins
    SpinReport spins;
    uint32_t current = 0;   // index of the instruction being lowered
    Value* guard = nullptr; // of a side-effect-free instruction: set() selects
};

/// The handler of an opcode, or null when it isn't supported.
Emitter::Handler handler_of(Opcode opcode);
/// Whether a guarded instruction may run unguarded with its result discarded.
bool is_speculatable(const Instruction& i);

} // namespace anywarp::simt
