// Code for one matrix product of a warp, over vectors of lanes.
//
// Accumulators stay where they are: register r of the result is a vector over the lanes, and for each k a vector of A's elements
// (each lane's own row) and one of B's (each lane's own column) is multiplied and added. Those vectors are constant permutations of
// the fragments' registers, since layouts are known: in the ISA's layouts A's lie within four lanes, which is one instruction.
//
// Arithmetic, the same for every instruction set (docs/matrices.md): products are exact, sums in f32 by fma, k ascending; s8, u8,
// s4, u4 are multiplied and summed in f32 as well, where every partial sum is exact (below 2^24), and converted once; f64 by fma.
//
// Source: PTX ISA 9.0, 9.7.14.4 to 9.7.14.6.
#pragma once

#include "simt/matrix_layout.h"

#include <llvm/IR/IRBuilder.h>

#include <array>
#include <functional>
#include <map>
#include <vector>

namespace anywarp::simd {

class MatrixProduct {
public:
    using Lanes = std::array<uint8_t, 32>;
    /// A vector over `width` lanes, each taking the value of the lane named for it. `width` 1: the scheduler exchanges.
    using Pick = std::function<llvm::Value*(llvm::Value* value, const Lanes& source)>;
    /// One of the constants for this lane.
    using Constants = std::function<llvm::Value*(const std::array<uint32_t, 32>& constants)>;

    MatrixProduct(llvm::IRBuilder<>& builder, unsigned width, const ptx::MatrixOperation& operation, unsigned selector, Pick pick,
                  Constants constants)
        : b_(builder), width_(width), o_(operation), selector_(selector), pick_(std::move(pick)), constants_(std::move(constants)) {}

    /// Registers of A, B, C, metadata -> those of D.
    std::vector<llvm::Value*> emit(const std::vector<llvm::Value*>& registers);

private:
    struct Source {
        uint8_t lane, element;
        auto operator<=>(const Source&) const = default;
    };
    using Sources = std::array<Source, 32>;

    llvm::Type* lanes(llvm::Type* type) const;
    llvm::Value* number(uint32_t value);
    std::vector<llvm::Value*> unpack(llvm::ArrayRef<llvm::Value*> registers, ptx::Type type);
    llvm::Value* unpack_one(llvm::Value* word, ptx::Type type, unsigned index);
    llvm::Value* gather(const std::vector<llvm::Value*>& elements, const Sources& sources, std::map<Sources, llvm::Value*>& known);
    llvm::Value* multiply_add(llvm::Value* x, llvm::Value* y, llvm::Value* sum);
    llvm::Value* dense(unsigned element, llvm::Value* sum);
    llvm::Value* sparse(unsigned element, llvm::Value* sum);
    std::vector<llvm::Value*> pack(std::vector<llvm::Value*> results);
    Sources row_sources(unsigned element, unsigned k) const;
    Sources column_sources(unsigned element, unsigned k) const;
    Source find(ptx::Fragment fragment, unsigned row, unsigned column) const;

    llvm::IRBuilder<>& b_;
    unsigned width_;
    ptx::MatrixOperation o_;
    unsigned selector_;
    Pick pick_;
    Constants constants_;
    std::vector<llvm::Value*> a_, factors_, accumulators_;
    llvm::Value* metadata_ = nullptr;
    std::map<Sources, llvm::Value*> known_a_, known_b_, known_c_, known_metadata_;
    std::map<std::pair<unsigned, unsigned>, Source> places_[3];
};

} // namespace anywarp::simd
