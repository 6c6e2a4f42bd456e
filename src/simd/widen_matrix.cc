// Matrix instructions of a warp: products, and rows of 8x8 matrices to and from fragments.
//
// A product is some hundred vector instructions and a kernel holds dozens of them, so each kind becomes one function of the module,
// which finds its registers in a buffer of the caller's. At width 1 every lane is a warp of its own: values are exchanged by
// suspending, as for shuffles, and the code stands where it is used.
//
// Source: PTX ISA 9.0, 9.7.14.
#include "simd/matrix_product.h"
#include "simd/widener.h"

namespace anywarp::simd {

using namespace llvm;

namespace {

constexpr unsigned buffer_bytes = 64 * 128; // A, B, C and D of the largest product: f64 m16n8k16 has 20 registers of 256 bytes

Function* product_function(Module& module, StringRef name, const ptx::MatrixOperation& operation, unsigned selector,
                           ArrayRef<Type*> parameters, Type* result) {
    std::string own = ("matrix." + name.drop_front(strlen("anywarp."))).str();
    if (Function* existing = module.getFunction(own)) return existing;
    LLVMContext& context = module.getContext();
    auto* type = FunctionType::get(Type::getVoidTy(context), {PointerType::get(context, 0)}, false);
    auto* function = Function::Create(type, GlobalValue::InternalLinkage, own, module);
    function->addFnAttr(Attribute::NoInline);
    function->setDoesNotThrow();
    IRBuilder<> b(BasicBlock::Create(context, "", function));
    unsigned offset = 0;
    std::vector<Value*> registers;
    auto place = [&](Type* lane_type) {
        Value* p = b.CreateConstGEP1_32(b.getInt8Ty(), function->getArg(0), offset);
        offset += 4 * lane_type->getIntegerBitWidth();
        return p;
    };
    for (Type* t : parameters) registers.push_back(b.CreateAlignedLoad(FixedVectorType::get(t, 32), place(t), Align(64)));
    auto pick = [&](Value* v, const MatrixProduct::Lanes& source) -> Value* {
        // The pattern of the first lanes repeats in most layouts of B: a short shuffle and its repetition are cheaper.
        unsigned period = 4;
        for (unsigned i = period; i < 32; ++i)
            if (source[i] != source[i % period]) period = 32;
        std::vector<int> lanes(source.begin(), source.begin() + period);
        Value* first = b.CreateShuffleVector(v, lanes);
        if (period == 32) return first;
        std::vector<int> repeated;
        for (int i = 0; i < 32; ++i) repeated.push_back(i % int(period));
        return b.CreateShuffleVector(first, repeated);
    };
    auto constants = [&](const std::array<uint32_t, 32>& values) -> Value* { return ConstantDataVector::get(context, values); };
    MatrixProduct product(b, 32, operation, selector, pick, constants);
    Type* out = cast<StructType>(result)->getElementType(0);
    for (Value* v : product.emit(registers)) b.CreateAlignedStore(v, place(out), Align(64));
    b.CreateRetVoid();
    return function;
}

} // namespace

// Width 1: the value of another lane of the warp, through the letterbox.
Value* Widener::exchange_lane(Value* value, Value* source) {
    Type* type = value->getType();
    Value* bits = type->isFloatTy() ? b_.CreateBitCast(value, b_.getInt32Ty()) : type->isDoubleTy() ? b_.CreateBitCast(value, b_.getInt64Ty()) : value;
    auto one = [&](Value* word) -> Value* {
        store_state(offsetof(WarpState, suspension), b_.getInt32(uint32_t(Suspension::warp_sync)));
        store_state(offsetof(WarpState, op), b_.getInt32(uint32_t(WarpOp::shfl_idx)));
        store_state(offsetof(WarpState, mask), b_.getInt32(~0u));
        store_state(offsetof(WarpState, value), word);
        store_state(offsetof(WarpState, value_high), b_.getInt32(0));
        store_state(offsetof(WarpState, operand_b), source);
        store_state(offsetof(WarpState, operand_c), b_.getInt32(31));
        suspend();
        return b_.CreateLoad(b_.getInt32Ty(), b_.CreateConstGEP1_32(b_.getInt8Ty(), target_.getArg(2), offsetof(WarpState, result)));
    };
    if (bits->getType()->isIntegerTy(32)) return b_.CreateBitCast(one(bits), type);
    Value *low = one(b_.CreateTrunc(bits, b_.getInt32Ty())), *high = one(b_.CreateTrunc(b_.CreateLShr(bits, 32), b_.getInt32Ty()));
    return b_.CreateBitCast(b_.CreateOr(b_.CreateZExt(low, b_.getInt64Ty()), b_.CreateShl(b_.CreateZExt(high, b_.getInt64Ty()), 32)), type);
}

/// Width 1: one of 32 constants, by the lane's number in its warp.
Value* Widener::constant_of_lane(ArrayRef<uint32_t> constants) {
    Value* lane = b_.CreateAnd(target_.getArg(1), b_.getInt32(31));
    return b_.CreateExtractElement(ConstantDataVector::get(context_, constants), lane);
}

void Widener::define_members(CallInst& call, ArrayRef<Value*> members) {
    if (width_ != 1) { // a vector per member; widen_values.cc takes them where they are extracted
        aggregates_[&call].assign(members.begin(), members.end());
        return;
    }
    Value* all = UndefValue::get(call.getType());
    for (unsigned i = 0; i < members.size(); ++i) all = b_.CreateInsertValue(all, members[i], i);
    cache_[&call] = {all, nullptr, nullptr};
}

void Widener::emit_matrix_product(CallInst& call) {
    StringRef name = call.getCalledFunction()->getName();
    unsigned selector = 0;
    std::optional<ptx::MatrixOperation> operation = simt::matrix_of_intrinsic(std::string_view(name.data(), name.size()), selector);
    if (!operation) {
        error_ = "unreadable matrix product " + name.str();
        return;
    }
    std::vector<Value*> registers;
    if (width_ == 1) {
        for (Value* argument : call.args()) registers.push_back(scalar(argument));
        auto pick = [&](Value* v, const MatrixProduct::Lanes& source) {
            return exchange_lane(v, constant_of_lane(std::vector<uint32_t>(source.begin(), source.end())));
        };
        auto constants = [&](const std::array<uint32_t, 32>& values) { return constant_of_lane(values); };
        return define_members(call, MatrixProduct(b_, 1, *operation, selector, pick, constants).emit(registers));
    }
    if (!matrix_buffer_) {
        matrix_buffer_ = make_scratch(ArrayType::get(b_.getInt8Ty(), buffer_bytes), "matrix");
        matrix_buffer_->setAlignment(Align(64));
    }
    std::vector<Type*> parameters;
    unsigned offset = 0;
    auto place = [&](Type* lane_type) {
        Value* p = b_.CreateConstGEP1_32(b_.getInt8Ty(), matrix_buffer_, offset);
        offset += 4 * lane_type->getIntegerBitWidth();
        return p;
    };
    for (Value* argument : call.args()) {
        parameters.push_back(argument->getType());
        b_.CreateAlignedStore(vector(argument), place(argument->getType()), Align(64));
    }
    Function* product = product_function(*target_.getParent(), name, *operation, selector, parameters, call.getType());
    b_.CreateCall(product, {matrix_buffer_});
    auto* result = cast<StructType>(call.getType());
    std::vector<Value*> members;
    for (Type* t : result->elements()) members.push_back(b_.CreateAlignedLoad(widened(t), place(t), Align(64)));
    define_members(call, members);
}

// --- rows of 8x8 matrices ---------------------------------------------------------------------------------------------------------

// Lane 8 j + r holds the address of row r of matrix j. Row by row: 16 bytes are the words of lanes 4r .. 4r+3.
void Widener::emit_matrix_rows(CallInst& call) {
    StringRef name = call.getCalledFunction()->getName();
    bool transposed = name.contains(".trans."), stores = name.starts_with("anywarp.stmatrix");
    unsigned count = unsigned(name.back() - '0');
    if (width_ == 1) return emit_single_lane_rows(call, transposed, stores, count);
    Type *word = b_.getInt32Ty(), *row_type = FixedVectorType::get(word, 4), *halves = FixedVectorType::get(b_.getInt16Ty(), 64);
    Value* addresses = vector(call.getArgOperand(0));
    auto row_pointer = [&](unsigned lane) {
        return b_.CreateIntToPtr(b_.CreateExtractElement(addresses, uint64_t(lane)), b_.getPtrTy());
    };
    std::vector<int> transposition; // of 8x8 halves
    for (int i = 0; i < 64; ++i) transposition.push_back(i % 8 * 8 + i / 8);
    auto transpose = [&](Value* v) {
        return b_.CreateBitCast(b_.CreateShuffleVector(b_.CreateBitCast(v, halves), transposition), FixedVectorType::get(word, 32));
    };
    std::vector<Value*> members;
    for (unsigned j = 0; j < count; ++j) {
        if (stores) {
            Value* v = vector(call.getArgOperand(1 + j));
            if (transposed) v = transpose(v);
            for (int r = 0; r < 8; ++r)
                b_.CreateAlignedStore(b_.CreateShuffleVector(v, {4 * r, 4 * r + 1, 4 * r + 2, 4 * r + 3}), row_pointer(8 * j + unsigned(r)), Align(16));
            continue;
        }
        std::vector<Value*> rows;
        for (unsigned r = 0; r < 8; ++r) rows.push_back(b_.CreateAlignedLoad(row_type, row_pointer(8 * j + r), Align(16)));
        for (int size = 4; rows.size() > 1; size *= 2) { // put them together, two at a time
            std::vector<int> both;
            for (int i = 0; i < 2 * size; ++i) both.push_back(i);
            std::vector<Value*> longer;
            for (size_t r = 0; r < rows.size(); r += 2) longer.push_back(b_.CreateShuffleVector(rows[r], rows[r + 1], both));
            rows = longer;
        }
        members.push_back(transposed ? transpose(rows[0]) : rows[0]);
    }
    if (!stores) define_members(call, members);
}

// Width 1: each lane asks the lanes that hold its rows' addresses. A store goes by halves to the row of each.
void Widener::emit_single_lane_rows(CallInst& call, bool transposed, bool stores, unsigned count) {
    Value* address = scalar(call.getArgOperand(0));
    std::vector<Value*> members;
    for (unsigned j = 0; j < count; ++j) {
        Value* whole = stores ? scalar(call.getArgOperand(1 + j)) : b_.getInt32(0);
        for (unsigned e = 0; e < 2; ++e) {
            std::vector<uint32_t> lanes, offsets;
            for (unsigned lane = 0; lane < 32; ++lane) {
                unsigned g = lane / 4, t = lane % 4;
                lanes.push_back(8 * j + (transposed ? 2 * t + e : g));
                offsets.push_back(2 * (transposed ? g : 2 * t + e));
            }
            Value* row = b_.CreateIntToPtr(exchange_lane(address, constant_of_lane(lanes)), b_.getPtrTy());
            Value* place = b_.CreateGEP(b_.getInt8Ty(), row, constant_of_lane(offsets));
            if (stores) {
                b_.CreateAlignedStore(b_.CreateTrunc(b_.CreateLShr(whole, 16 * e), b_.getInt16Ty()), place, Align(2));
            } else {
                Value* half = b_.CreateZExt(b_.CreateAlignedLoad(b_.getInt16Ty(), place, Align(2)), b_.getInt32Ty());
                whole = b_.CreateOr(whole, b_.CreateShl(half, 16 * e));
            }
        }
        members.push_back(whole);
    }
    if (!stores) define_members(call, members);
}

} // namespace anywarp::simd
