// Neighbouring members of an array of structures, together.
//
// A thread that reads a float4 (or the members of a small struct) makes two to four loads whose addresses differ by the element
// size, each with a stride of the whole struct: four gathers for a warp. Together they are one contiguous stretch of memory: a wide
// load and shuffles that sort the members apart. Stores go the other way. Only the bytes that the program itself touches are
// accessed: members that nobody asked for and lanes that aren't active are masked out.
#include "simd/widener.h"

#include <llvm/IR/Operator.h>

#include <algorithm>
#include <map>

namespace anywarp::simd {

using namespace llvm;

namespace {

struct Place {
    const Value* base;
    int64_t offset;
};

// An address as something plus a constant, looking through GEPs and integer additions.
Place place_of(const Value* pointer, const DataLayout& layout) {
    int64_t offset = 0;
    for (;;) {
        APInt constant(64, 0);
        pointer = pointer->stripAndAccumulateConstantOffsets(layout, constant, /*AllowNonInbounds=*/true);
        offset += constant.getSExtValue();
        auto* conversion = dyn_cast<IntToPtrInst>(pointer);
        if (!conversion) return {pointer, offset};
        const Value* integer = conversion->getOperand(0);
        auto* sum = dyn_cast<BinaryOperator>(integer);
        while (sum && sum->getOpcode() == Instruction::Add && isa<ConstantInt>(sum->getOperand(1))) {
            offset += cast<ConstantInt>(sum->getOperand(1))->getSExtValue();
            integer = sum->getOperand(0);
            sum = dyn_cast<BinaryOperator>(integer);
        }
        return {integer, offset};
    }
}

bool transparent(const Instruction& instruction) {
    return !instruction.mayReadOrWriteMemory() || callee_name(&instruction) == "anywarp.check.aligned";
}

} // namespace

/// The loads (or stores) of the same block that belong to `first`: member number -> instruction. Empty when it stands alone.
Widener::Group Widener::find_group(Instruction& first) {
    Group group;
    const DataLayout& layout = source_.getParent()->getDataLayout();
    Value* pointer = getLoadStorePointerOperand(&first);
    Type* type = getLoadStoreType(&first);
    Shape form = shape(pointer);
    int64_t size = int64_t(layout.getTypeStoreSize(type));
    if (!form.strided() || !form.certain() || form.stride <= size || form.stride % size || form.stride / size > 4) return {};
    group.members = unsigned(form.stride / size);
    bool narrow = type->isIntegerTy(8) || type->isIntegerTy(16); // pixels; masked only where the CPU has that
    if (narrow && !costs_.isLegalMaskedLoad(FixedVectorType::get(type, width_ * group.members), Align(1))) return {};
    if (!narrow && !type->isFloatTy() && !type->isDoubleTy() && !type->isIntegerTy(32) && !type->isIntegerTy(64)) return {};
    Place start = place_of(pointer, layout);
    std::map<int64_t, Instruction*> found{{0, &first}};
    bool loads = isa<LoadInst>(first);
    auto plain = [](Instruction& access) {
        auto* load = dyn_cast<LoadInst>(&access);
        return load ? load->isSimple() : cast<StoreInst>(access).isSimple();
    };
    if (!plain(first)) return {};
    for (Instruction* next = first.getNextNode(); next; next = next->getNextNode()) {
        if (next->getOpcode() == first.getOpcode() && plain(*next) && getLoadStoreType(next) == type && shape(getLoadStorePointerOperand(next)) == form) {
            Place place = place_of(getLoadStorePointerOperand(next), layout);
            int64_t delta = place.offset - start.offset;
            if (place.base == start.base && delta % size == 0 && !found.contains(delta / size)) {
                auto low = std::min(found.begin()->first, delta / size), high = std::max(found.rbegin()->first, delta / size);
                if (high - low < group.members) {
                    found[delta / size] = next;
                    if (!loads) group.last = next;
                    continue;
                }
            }
        }
        if (loads ? next->mayWriteToMemory() && !transparent(*next) : !transparent(*next)) break;
    }
    if (found.size() < 2) return {};
    group.lowest = found.begin()->first;
    for (auto& [number, access] : found) group.accesses.push_back({unsigned(number - group.lowest), access});
    return group;
}

// One element per lane and member: whether it is accessed. null: all of them.
Value* Widener::group_mask(const Group& group) {
    if (!mask_ && group.accesses.size() == group.members) return nullptr;
    std::vector<bool> present(group.members, false);
    for (auto& [member, access] : group.accesses) present[member] = true;
    std::vector<Constant*> wanted;
    std::vector<int> lane_of;
    for (unsigned i = 0; i < width_ * group.members; ++i) {
        wanted.push_back(b_.getInt1(present[i % group.members]));
        lane_of.push_back(int(i / group.members));
    }
    Value* constant = ConstantVector::get(wanted);
    if (!mask_) return constant;
    Value* spread = b_.CreateShuffleVector(mask_, lane_of);
    return group.accesses.size() == group.members ? spread : b_.CreateAnd(spread, constant);
}

bool Widener::emit_grouped_load(LoadInst& load) {
    if (auto it = preloaded_.find(&load); it != preloaded_.end()) {
        define(load, {nullptr, it->second, nullptr});
        return true;
    }
    Group group = find_group(load);
    if (group.accesses.empty()) return false;
    Type* type = load.getType();
    auto* wide_type = FixedVectorType::get(type, width_ * group.members);
    Value* mask = group_mask(group);
    Align align = source_.getParent()->getDataLayout().getABITypeAlign(type);
    if (mask && !costs_.isLegalMaskedLoad(widened(type), align)) return false;
    int64_t size = int64_t(source_.getParent()->getDataLayout().getTypeStoreSize(type));
    Value* base = b_.CreateGEP(b_.getInt8Ty(), scalar(load.getPointerOperand()), b_.getInt64(uint64_t(group.lowest * size)));
    Value* all = mask ? static_cast<Value*>(b_.CreateMaskedLoad(wide_type, base, align, mask, UndefValue::get(wide_type)))
                      : b_.CreateAlignedLoad(wide_type, base, align);
    for (auto& [member, access] : group.accesses) {
        std::vector<int> pick;
        for (unsigned lane = 0; lane < width_; ++lane) pick.push_back(int(lane * group.members + member));
        Value* lanes = b_.CreateShuffleVector(all, pick);
        if (access == &load) define(load, {nullptr, lanes, nullptr});
        else preloaded_[access] = lanes;
        ++strided, count(counter_strided);
    }
    return true;
}

bool Widener::emit_grouped_store(StoreInst& store) {
    if (deferred_stores_.contains(&store)) { // its group is written at its last store
        Group group = deferred_stores_[&store];
        if (group.last != &store) return true;
        Type* type = store.getValueOperand()->getType();
        const DataLayout& layout = source_.getParent()->getDataLayout();
        int64_t size = int64_t(layout.getTypeStoreSize(type));
        unsigned total = width_ * group.members;
        std::vector<Value*> values(group.members, nullptr);
        for (auto& [member, access] : group.accesses) values[member] = vector(cast<StoreInst>(access)->getValueOperand());
        // Concatenate the members, then one shuffle brings each lane's together.
        Value* nothing = UndefValue::get(widened(type));
        for (Value*& value : values)
            if (!value) value = nothing;
        std::vector<int> twice, four;
        for (unsigned i = 0; i < 2 * width_; ++i) twice.push_back(int(i));
        for (unsigned i = 0; i < 4 * width_; ++i) four.push_back(int(i));
        Value* low = b_.CreateShuffleVector(values[0], values[1], twice);
        Value* joined = low;
        if (group.members > 2) {
            Value* high = b_.CreateShuffleVector(values[2], group.members > 3 ? values[3] : nothing, twice);
            joined = b_.CreateShuffleVector(low, high, four);
        }
        std::vector<int> interleave;
        for (unsigned i = 0; i < total; ++i) interleave.push_back(int((i % group.members) * width_ + i / group.members));
        Value* all = b_.CreateShuffleVector(joined, interleave);
        auto& [own_member, own_access] = *std::find_if(group.accesses.begin(), group.accesses.end(), [&](auto& entry) { return entry.second == &store; });
        Value* base = b_.CreateGEP(b_.getInt8Ty(), scalar(store.getPointerOperand()), b_.getInt64(uint64_t(-int64_t(own_member) * size)));
        Align align = layout.getABITypeAlign(type);
        if (Value* mask = group_mask(group)) b_.CreateMaskedStore(all, base, align, mask);
        else b_.CreateAlignedStore(all, base, align);
        strided += unsigned(group.accesses.size());
        for (size_t i = 0; i < group.accesses.size(); ++i) count(counter_strided);
        return true;
    }
    Group group = find_group(store);
    if (group.accesses.empty()) return false;
    Type* type = store.getValueOperand()->getType();
    Align align = source_.getParent()->getDataLayout().getABITypeAlign(type);
    bool masked = mask_ || group.accesses.size() != group.members;
    if (masked && !costs_.isLegalMaskedStore(widened(type), align)) return false;
    for (auto& [member, access] : group.accesses) deferred_stores_[access] = group;
    return true;
}

} // namespace anywarp::simd
