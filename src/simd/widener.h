// Builds the widened function, block by block.
//
// Every value that is used outside its block lives in a slot (an alloca) and is promoted to SSA form at the end by mem2reg:
// that way blocks can be strung together in the order Regions found without repairing dominance by hand. A value has up to
// four forms: `scalar` (its value if uniform, lane 0's value if strided), `vector` (one element per lane), for strided values
// that may wrap between lanes `guard` (true: base + lane * stride really holds), and for clamped ones `holds` (the lanes for
// which it does).
//
// Masks: each block knows which lanes are active in it. null stands for "all lanes". The mask of a block is its leader's
// (Regions), or what the edges into it have collected in its mask slot.
//
// Split by subject: widener.cc (blocks, edges, masks, forms), widen_values.cc (arithmetic), widen_memory.cc (loads, stores,
// atomics, lane loops), widen_groups.cc (neighbouring members of structures), widen_warp.cc (warp operations, barriers, services),
// widen_matrix.cc (matrix products and their loads).
#pragma once

#include "ptx/error.h"
#include "simd/regions.h"
#include "simd/shapes.h"
#include "simd/simd.h"

#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Instructions.h>

namespace anywarp::simd {

struct Lanes {
    llvm::Value* scalar = nullptr;
    llvm::Value* vector = nullptr;
    llvm::Value* guard = nullptr;
    llvm::Value* holds = nullptr;
};

/// A call of a vector function: its form for one thread, and the one for the warp that is still to be made.
struct VectorCall {
    llvm::Function *lanes = nullptr, *vector = nullptr;
};

class Widener {
public:
    /// `target` is an empty function (ptr ctx, i32 warp_base, ptr state); state is null for straight kernels.
    Widener(llvm::Function& source, llvm::Function& target, const WidenOptions& options, const Shapes& shapes,
            const Regions& regions, llvm::LoopInfo& loops, const llvm::TargetTransformInfo& costs);
    Result<void> run();

    /// Set when the kernel contains suspension points: calls of placeholders, at which pieces.cc cuts it.
    bool suspends = false;
    uint32_t contiguous = 0, broadcast = 0, strided = 0, gather = 0, atomics = 0;
    std::vector<VectorCall> vector_calls;

private:
    struct Slots { llvm::AllocaInst *scalar = nullptr, *vector = nullptr, *guard = nullptr, *holds = nullptr; };

    // widener.cc
    void make_blocks();
    void emit_block(llvm::BasicBlock& block);
    void emit_terminator(llvm::BasicBlock& block);
    void reset_slots(llvm::BasicBlock& block);
    struct PhiStore { llvm::AllocaInst* slot; llvm::Value* value; llvm::Value* mask; };
    void collect_edge(llvm::BasicBlock& from, llvm::BasicBlock& to, llvm::Value* mask, bool blend, std::vector<PhiStore>& stores);
    void apply_edge(const std::vector<PhiStore>& stores);
    llvm::AllocaInst* make_slot(llvm::Type* type, const llvm::Twine& name);
    llvm::AllocaInst* make_scratch(llvm::Type* type, const llvm::Twine& name);
    llvm::Value* load_slot(llvm::AllocaInst* slot);
    llvm::Type* widened(llvm::Type* type) const;
    bool used_outside(llvm::Instruction& instruction) const;
    void define(llvm::Instruction& instruction, Lanes lanes);
    Lanes& forms(llvm::Value* value);
    llvm::Value* scalar(llvm::Value* value);
    llvm::Value* vector(llvm::Value* value);
    llvm::Value* guard(llvm::Value* value);
    llvm::Value* holds(llvm::Value* value);
    llvm::Value* holds_everywhere(llvm::Value* value); // guard, and holds for all active lanes
    Shape shape(llvm::Value* value) const;
    llvm::Value* splat(llvm::Value* value);
    llvm::Value* lane_numbers(llvm::Type* integer, int64_t scale = 1);
    llvm::Value* stride_vector(llvm::Value* base, int64_t stride);

    // Masks. null: all lanes.
    llvm::Value* mask_and(llvm::Value* mask, llvm::Value* condition);
    llvm::Value* mask_value(llvm::Value* mask); // as a vector, also when null
    llvm::Value* any(llvm::Value* mask);
    llvm::Value* all(llvm::Value* mask);
    llvm::Value* mask_bits(llvm::Value* mask, unsigned bits = 64); // lane i = bit i
    llvm::Value* active_count();
    llvm::Value* warp_threads(); // threads of this warp: width, or fewer in the last one

    // widen_values.cc
    void emit(llvm::Instruction& instruction);
    void emit_uniform(llvm::Instruction& instruction);
    void emit_strided(llvm::Instruction& instruction);
    void emit_clamped(llvm::Instruction& instruction, llvm::Value* operand);
    llvm::Value* emit_vector(llvm::Instruction& instruction);
    llvm::Value* emit_gep_vector(llvm::GetElementPtrInst& gep);
    llvm::Value* emit_gep_scalar(llvm::GetElementPtrInst& gep);
    llvm::Value* emit_intrinsic_vector(llvm::IntrinsicInst& call);
    llvm::Value* emit_saturating_conversion(llvm::IntrinsicInst& call);
    llvm::Value* emit_division(llvm::BinaryOperator& division);
    llvm::Value* per_lane(llvm::Type* result, const std::function<llvm::Value*(unsigned)>& body);

    // widen_memory.cc
    void emit_load(llvm::LoadInst& load);
    void emit_store(llvm::StoreInst& store);
    llvm::Value* load_contiguous(llvm::Type* type, llvm::Value* pointer, llvm::Align align, int64_t direction);
    void store_contiguous(llvm::Value* value, llvm::Value* pointer, llvm::Align align, int64_t direction);
    llvm::Value* load_gather(llvm::Type* type, llvm::Value* pointers, llvm::Align align);
    void store_scatter(llvm::Value* value, llvm::Value* pointers, llvm::Align align);
    void emit_atomic(llvm::Instruction& atomic);
    bool emit_reduced_atomic(llvm::AtomicRMWInst& atomic);
    llvm::Value* plain_atomic(llvm::AtomicRMWInst::BinOp operation, llvm::Value* old, llvm::Value* value);
    void emit_check_aligned(llvm::CallInst& call);
    void emit_alloca(llvm::AllocaInst& array);
    llvm::Value* to_memory_type(llvm::Value* value);
    llvm::Type* memory_type(llvm::Type* type);

    /// Emits `body` once per active lane, lowest first. Vectors that it needs go in through lane_input, results out through
    /// lane_output (made before the loop).
    void for_each_active_lane(const std::function<void(llvm::Value* lane)>& body);
    struct LaneInput { llvm::Value* uniform = nullptr; llvm::AllocaInst* array = nullptr; llvm::Type* type = nullptr; };
    LaneInput lane_input(llvm::Value* source);
    llvm::Value* lane_value(const LaneInput& input, llvm::Value* lane);
    llvm::AllocaInst* lane_output(llvm::Type* type);
    void set_lane_output(llvm::AllocaInst* array, llvm::Type* type, llvm::Value* lane, llvm::Value* value);
    llvm::Value* lane_results(llvm::AllocaInst* array, llvm::Type* type);
    void diamond(llvm::Value* condition, llvm::Type* type, const std::function<llvm::Value*()>& yes,
                 const std::function<llvm::Value*()>& no, llvm::Value** result);
    void count(Counter counter, llvm::Value* amount = nullptr);

    // widen_groups.cc
    struct Group {
        unsigned members = 0;                                        // elements per lane
        int64_t lowest = 0;                                          // the lowest member's distance from the first access, in elements
        std::vector<std::pair<unsigned, llvm::Instruction*>> accesses; // member number, load or store
        llvm::Instruction* last = nullptr;                           // stores: where the group is written
    };
    Group find_group(llvm::Instruction& first);
    llvm::Value* group_mask(const Group& group);
    bool emit_grouped_load(llvm::LoadInst& load);
    bool emit_grouped_store(llvm::StoreInst& store);

    // widen_calls.cc
    void emit_vector_call(llvm::CallInst& call);
    llvm::Value* any_active(llvm::Value* vector); // the value of an active lane

    // widen_warp.cc
    bool emit_call(llvm::CallInst& call); // false: not one of ours
    void emit_shuffle(llvm::CallInst& call);
    void emit_vote(llvm::CallInst& call);
    void emit_match(llvm::CallInst& call);
    void emit_redux(llvm::CallInst& call);
    void emit_barrier(llvm::CallInst& call);
    void emit_lone_barrier(llvm::CallInst& call);
    llvm::Value* barrier_trues(llvm::CallInst& call, llvm::Value* threads);
    bool only_warp() const;
    bool is_whole_block(llvm::Value* threads) const;
    void emit_service(llvm::CallInst& call);
    void emit_single_lane_operation(llvm::CallInst& call); // width 1: the scheduler exchanges the values
    llvm::Value* permute(llvm::Value* vector, llvm::Value* lanes);
    void define_pair(llvm::CallInst& call, llvm::Value* first, llvm::Value* second);
    // widen_matrix.cc
    void emit_matrix_product(llvm::CallInst& call);
    void emit_matrix_rows(llvm::CallInst& call);
    void emit_single_lane_rows(llvm::CallInst& call, bool transposed, bool stores, unsigned count);
    void define_members(llvm::CallInst& call, llvm::ArrayRef<llvm::Value*> members);
    llvm::Value* exchange_lane(llvm::Value* value, llvm::Value* source);
    llvm::Value* constant_of_lane(llvm::ArrayRef<uint32_t> constants);
    void store_state(unsigned offset, llvm::Value* value);
    void suspend(bool for_block = false);
    void trap_if(llvm::Value* condition, unsigned code);

    llvm::Function& source_;
    llvm::Function& target_;
    const WidenOptions& options_;
    const Shapes& shapes_;
    const Regions& regions_;
    llvm::LoopInfo& loops_;
    const llvm::TargetTransformInfo& costs_;
    llvm::LLVMContext& context_;
    llvm::IRBuilder<> b_;
    const unsigned width_;

    llvm::BasicBlock* entry_ = nullptr;      // of the target: slots, then a jump to the first block
    llvm::Instruction* slots_end_ = nullptr; // allocas go before it
    llvm::DenseMap<const llvm::BasicBlock*, llvm::BasicBlock*> starts_; // guard or body
    llvm::DenseMap<const llvm::BasicBlock*, llvm::AllocaInst*> mask_slots_;   // collected by edges
    llvm::DenseMap<const llvm::BasicBlock*, llvm::AllocaInst*> leader_slots_; // a leader's mask, for its followers
    llvm::DenseMap<const llvm::Value*, Slots> phi_slots_, value_slots_;
    llvm::DenseMap<const llvm::Value*, Lanes> cache_; // forms known in the current block
    llvm::DenseSet<const llvm::BasicBlock*> full_;    // blocks whose mask is known to be all lanes
    llvm::DenseMap<const llvm::Value*, llvm::Value*> preloaded_;   // members that an earlier load of the block brought along
    llvm::DenseMap<const llvm::Value*, Group> deferred_stores_;
    llvm::DenseMap<const llvm::Value*, std::vector<llvm::Value*>> aggregates_; // results of vector functions, member by member
    llvm::AllocaInst* matrix_buffer_ = nullptr;       // registers of a product, there and back
    llvm::Value* mask_ = nullptr;                     // of the current block
    llvm::BasicBlock* block_ = nullptr;               // the current source block
    std::string error_;
};

} // namespace anywarp::simd
