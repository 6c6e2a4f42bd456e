// See matrix_product.h.
#include "simd/matrix_product.h"

#include <llvm/IR/Intrinsics.h>

#include <limits>

namespace anywarp::simd {

using namespace llvm;
using ptx::Fragment;
using PtxType = ptx::Type;

static bool is_integer_product(const ptx::MatrixOperation& o) { return o.d == PtxType::s32; }

Type* MatrixProduct::lanes(Type* type) const { return width_ == 1 ? type : FixedVectorType::get(type, width_); }
Value* MatrixProduct::number(uint32_t value) { return ConstantInt::get(lanes(b_.getInt32Ty()), value); }

// --- elements of a register -------------------------------------------------------------------------------------------------------

Value* MatrixProduct::unpack_one(Value* word, PtxType type, unsigned i) {
    Type *f32 = lanes(b_.getFloatTy()), *f16 = lanes(b_.getHalfTy()), *i16 = lanes(b_.getInt16Ty());
    auto narrow = [&](unsigned bits, bool sign) -> Value* { // to f32, exactly
        Value* left = b_.CreateShl(word, number(32 - bits * (i + 1)));
        Value* v = sign ? b_.CreateAShr(left, number(32 - bits)) : b_.CreateLShr(left, number(32 - bits));
        return b_.CreateSIToFP(v, f32);
    };
    auto half = [&](Value* bits) { return b_.CreateFPExt(b_.CreateBitCast(b_.CreateTrunc(bits, i16), f16), f32); };
    switch (type) {
    case PtxType::f16: return half(b_.CreateLShr(word, number(16 * i)));
    case PtxType::bf16: return b_.CreateBitCast(i ? b_.CreateAnd(word, number(0xffff0000)) : b_.CreateShl(word, number(16)), f32);
    case PtxType::tf32: return b_.CreateBitCast(b_.CreateAnd(word, number(0xffffe000)), f32);
    case PtxType::f32: return b_.CreateBitCast(word, f32);
    case PtxType::f64: return b_.CreateBitCast(word, lanes(b_.getDoubleTy()));
    case PtxType::s8: return narrow(8, true);
    case PtxType::u8: return narrow(8, false);
    case PtxType::s4: return narrow(4, true);
    case PtxType::u4: return narrow(4, false);
    case PtxType::e5m2: return half(b_.CreateShl(b_.CreateAnd(b_.CreateLShr(word, number(8 * i)), number(0xff)), number(8)));
    case PtxType::e4m3: { // as a half of 2^-8 times the value; all ones are NaN
        Value* bits = b_.CreateAnd(b_.CreateLShr(word, number(8 * i)), number(0xff));
        Value* magnitude = b_.CreateAnd(bits, number(0x7f));
        Value* as_half = b_.CreateOr(b_.CreateShl(b_.CreateAnd(bits, number(0x80)), number(8)), b_.CreateShl(magnitude, number(7)));
        Value* v = b_.CreateFMul(half(as_half), ConstantFP::get(f32, 256.0));
        return b_.CreateSelect(b_.CreateICmpEQ(magnitude, number(0x7f)), ConstantFP::getNaN(f32), v);
    }
    default: return word; // s32, b1: words
    }
}

std::vector<Value*> MatrixProduct::unpack(ArrayRef<Value*> registers, PtxType type) {
    std::vector<Value*> elements;
    for (Value* word : registers)
        for (unsigned i = 0; i < simt::elements_in_register(type); ++i) elements.push_back(unpack_one(word, type, i));
    return elements;
}

// Halves are rounded here, once. NaN is PTX's, whatever the host made.
std::vector<Value*> MatrixProduct::pack(std::vector<Value*> results) {
    Type *i16 = lanes(b_.getInt16Ty()), *i32 = lanes(b_.getInt32Ty());
    std::vector<Value*> registers;
    if (is_integer_product(o_)) return results;
    for (size_t i = 0; i < results.size(); ++i) {
        Value *v = results[i], *nan = b_.CreateFCmpUNO(v, v);
        if (o_.d == PtxType::f64) {
            Type* i64 = lanes(b_.getInt64Ty());
            registers.push_back(b_.CreateSelect(nan, ConstantInt::get(i64, 0x7ff8000000000000ull), b_.CreateBitCast(v, i64)));
        } else if (o_.d == PtxType::f32) {
            registers.push_back(b_.CreateSelect(nan, number(0x7fffffff), b_.CreateBitCast(v, i32)));
        } else {
            Value* half = b_.CreateBitCast(b_.CreateFPTrunc(v, lanes(b_.getHalfTy())), i16);
            Value* word = b_.CreateZExt(b_.CreateSelect(nan, ConstantInt::get(i16, 0x7fff), half), i32);
            if (i % 2) registers.back() = b_.CreateOr(registers.back(), b_.CreateShl(word, number(16)));
            else registers.push_back(word);
        }
    }
    return registers;
}

// --- which lane's which element ---------------------------------------------------------------------------------------------------

MatrixProduct::Source MatrixProduct::find(Fragment f, unsigned row, unsigned column) const {
    return places_[unsigned(f)].at({row, column});
}

MatrixProduct::Sources MatrixProduct::row_sources(unsigned element, unsigned k) const {
    Sources s;
    for (unsigned lane = 0; lane < 32; ++lane) s[lane] = find(Fragment::a, simt::matrix_place(o_, Fragment::d, lane, element).row, k);
    return s;
}

MatrixProduct::Sources MatrixProduct::column_sources(unsigned element, unsigned k) const {
    Sources s;
    for (unsigned lane = 0; lane < 32; ++lane) s[lane] = find(Fragment::b, k, simt::matrix_place(o_, Fragment::d, lane, element).column);
    return s;
}

// One permutation for each element number that occurs; in the ISA's layouts that is one.
Value* MatrixProduct::gather(const std::vector<Value*>& elements, const Sources& sources, std::map<Sources, Value*>& known) {
    Value*& result = known[sources];
    if (result) return result;
    std::map<unsigned, Lanes> by_element;
    bool in_place = true;
    for (unsigned lane = 0; lane < 32; ++lane) {
        auto [it, fresh] = by_element.try_emplace(sources[lane].element);
        if (fresh) it->second.fill(sources[lane].lane);
        in_place &= sources[lane].lane == lane;
    }
    for (unsigned lane = 0; lane < 32; ++lane) by_element[sources[lane].element][lane] = sources[lane].lane;
    if (in_place && by_element.size() == 1) return result = elements[sources[0].element];
    for (auto& [element, from] : by_element) {
        Value* picked = pick_(elements[element], from);
        if (!result) {
            result = picked;
            continue;
        }
        std::array<uint32_t, 32> chosen;
        for (unsigned lane = 0; lane < 32; ++lane) chosen[lane] = sources[lane].element == element;
        result = b_.CreateSelect(b_.CreateICmpNE(constants_(chosen), number(0)), picked, result);
    }
    return result;
}

// --- the product ------------------------------------------------------------------------------------------------------------------

Value* MatrixProduct::multiply_add(Value* x, Value* y, Value* sum) {
    if (o_.a == PtxType::b1) {
        Value* bits = o_.and_popc ? b_.CreateAnd(x, y) : b_.CreateXor(x, y);
        return b_.CreateAdd(sum, b_.CreateUnaryIntrinsic(Intrinsic::ctpop, bits));
    }
    // Where the product is exact in f32 an fma and a multiplication with an addition are the same: whichever is faster.
    bool exact = is_integer_product(o_) || o_.a == PtxType::f16 || o_.a == PtxType::e4m3 || o_.a == PtxType::e5m2;
    return b_.CreateIntrinsic(sum->getType(), exact ? Intrinsic::fmuladd : Intrinsic::fma, {x, y, sum});
}

Value* MatrixProduct::dense(unsigned element, Value* sum) {
    unsigned steps = o_.a == PtxType::b1 ? o_.k / 32 : o_.k;
    for (unsigned k = 0; k < steps; ++k) {
        Value* x = gather(a_, row_sources(element, k), known_a_);
        Value* y = gather(factors_, column_sources(element, k), known_b_);
        sum = multiply_add(x, y, sum);
    }
    return sum;
}

// A holds, of each chunk of 4 elements, the 2 that aren't zero, and the metadata their numbers: B's elements are chosen by those.
// Chunks of s4 hold pairs instead of elements, those of tf32 one element of 2, numbered as halves of it.
Value* MatrixProduct::sparse(unsigned element, Value* sum) {
    unsigned width = ptx::bits(o_.a), group = width == 4 ? 2 : 1; // elements per number
    bool single = width == 32;
    unsigned chunk = single ? 2 : 4 * group, kept = chunk / 2;
    unsigned chunks_per_word = width == 16 || single ? 4 : 8;
    unsigned words_per_row = o_.k / chunk / chunks_per_word; // of which 16-bit ones share a register with row + 8
    for (unsigned c = 0; c < o_.k / chunk; ++c) {
        Sources sources;
        std::array<uint32_t, 32> shift;
        for (unsigned lane = 0; lane < 32; ++lane) {
            unsigned row = simt::matrix_place(o_, Fragment::d, lane, element).row, word = c / chunks_per_word;
            unsigned in_quad, bit = c % chunks_per_word * 4;
            if (chunks_per_word == 4) {
                in_quad = selector_ * words_per_row + word;
                bit += row / 8 * 16;
            } else {
                in_quad = selector_ * 2 * words_per_row + word * 2 + row / 8;
            }
            sources[lane] = {uint8_t(row % 8 * 4 + in_quad), 0};
            shift[lane] = bit;
        }
        Value* nibble = b_.CreateLShr(gather({metadata_}, sources, known_metadata_), constants_(shift));
        for (unsigned i = 0; i < kept; ++i) {
            Value* which = b_.CreateAnd(b_.CreateLShr(nibble, number(i / group * 2)), number(3));
            if (single) which = b_.CreateLShr(which, number(1));
            Value* y = nullptr;
            for (unsigned q = 0; q < chunk / group; ++q) {
                Value* candidate = gather(factors_, column_sources(element, c * chunk + q * group + i % group), known_b_);
                y = y ? b_.CreateSelect(b_.CreateICmpEQ(which, number(q)), candidate, y) : candidate;
            }
            sum = multiply_add(gather(a_, row_sources(element, c * kept + i), known_a_), y, sum);
        }
    }
    return sum;
}

std::vector<Value*> MatrixProduct::emit(const std::vector<Value*>& registers) {
    ArrayRef<Value*> rest(registers);
    auto take = [&](Fragment f) {
        unsigned count = ptx::fragment_registers(o_, f);
        ArrayRef<Value*> taken = rest.take_front(count);
        rest = rest.drop_front(count);
        for (unsigned lane = 0; lane < 32; ++lane)
            for (unsigned e = 0; e < simt::matrix_elements(o_, f); ++e) {
                simt::MatrixPlace place = simt::matrix_place(o_, f, lane, e);
                places_[unsigned(f)].try_emplace({place.row, place.column}, Source{uint8_t(lane), uint8_t(e)});
            }
        return unpack(taken, o_.element(f));
    };
    a_ = take(Fragment::a);
    factors_ = take(Fragment::b);
    accumulators_ = take(Fragment::c);
    if (o_.sparse) metadata_ = rest.front();
    std::vector<Value*> results;
    for (unsigned e = 0; e < simt::matrix_elements(o_, Fragment::d); ++e) {
        Sources sources;
        for (unsigned lane = 0; lane < 32; ++lane) {
            simt::MatrixPlace place = simt::matrix_place(o_, Fragment::d, lane, e);
            sources[lane] = find(Fragment::c, place.row, place.column);
        }
        Value* sum = gather(accumulators_, sources, known_c_);
        bool through_float = is_integer_product(o_) && o_.a != PtxType::b1;
        Value* start = through_float ? Constant::getNullValue(lanes(b_.getFloatTy())) : sum;
        Value* v = o_.sparse ? sparse(e, start) : dense(e, start);
        if (through_float) {
            v = b_.CreateFPToSI(v, lanes(b_.getInt32Ty()));
            v = o_.satfinite ? b_.CreateBinaryIntrinsic(Intrinsic::sadd_sat, sum, v) : b_.CreateAdd(sum, v);
        } else if (o_.satfinite && v->getType()->isFPOrFPVectorTy()) { // NaN becomes 0, infinities the largest number
            Value* most = ConstantFP::get(v->getType(), o_.d == PtxType::f16 ? 65504.0 : double(std::numeric_limits<float>::max()));
            Value* none = ConstantFP::get(v->getType(), 0.0);
            Value* finite = b_.CreateMaxNum(b_.CreateMinNum(v, most), b_.CreateFNeg(most));
            v = b_.CreateSelect(b_.CreateFCmpUNO(v, v), none, finite);
        }
        results.push_back(v);
    }
    return pack(std::move(results));
}

} // namespace anywarp::simd
