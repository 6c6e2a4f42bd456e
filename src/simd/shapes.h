// What each value looks like across the lanes of a warp: uniform (the same in all), strided (lane i holds base + i * stride,
// stride a known constant) or varying.
//
// Uniformity, with divergent control flow taken into account, is LLVM's UniformityAnalysis with our own notion of what depends
// on the lane. Strides refine the rest: addresses of neighbouring lanes are base + i * size, so loads become plain vector
// loads. Widening an index (sext, zext) keeps its stride only if it doesn't wrap between the lanes; where that can't be proven
// (from the base's alignment or from known bits) the value is "guarded": a scalar test at run time tells, and the
// vector form serves as fallback. An index that is clamped (select or minimum and maximum of something strided and something
// uniform, as stencils do at borders) is "clamped": each lane tells whether its value is still base + lane * stride, and where
// all lanes that take part in an access say so, it is a plain vector access.
#pragma once

#include "simd/regions.h"

#include <llvm/ADT/GenericCycleInfo.h>
#include <llvm/Analysis/CycleAnalysis.h>
#include <llvm/Analysis/TargetTransformInfo.h>
#include <llvm/Analysis/UniformityAnalysis.h>
#include <llvm/IR/Function.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace anywarp::simd {

struct Shape {
    enum class Kind : uint8_t { undefined, uniform, strided, varying };
    Kind kind = Kind::undefined;
    bool guarded = false;
    bool clamped = false;
    unsigned align = 0;  // the base (lane 0's value) is a multiple of 2^align
    int64_t stride = 0;

    bool uniform() const { return kind == Kind::uniform; }
    bool strided() const { return kind == Kind::strided; }
    bool varying() const { return kind == Kind::varying; }
    bool certain() const { return !guarded && !clamped; } // strided without a test
    bool operator==(const Shape&) const = default;
};

class Shapes {
public:
    /// `varying`: arguments that differ between lanes; all others are uniform.
    Shapes(llvm::Function& function, unsigned width, llvm::DominatorTree& dominators, const std::vector<const llvm::Argument*>& varying = {});
    ~Shapes();

    bool divergent(const llvm::Value* value) const;
    bool divergent_branch(llvm::BasicBlock& block) const;

    /// Second step, once it is known which blocks are meeting points of diverged lanes.
    void find_strides(const Regions& regions);
    Shape shape(const llvm::Value* value) const;

    /// Bytes of each element when the lanes' copies of a local array are interleaved element by element; 0: lane after lane.
    unsigned interleaved(const llvm::Value* alloca) const;

private:
    Shape transfer(llvm::Instruction& instruction, const Regions& regions) const;
    Shape extend(llvm::Instruction& cast) const;
    void find_interleaved();

    llvm::Function& function_;
    unsigned width_;
    std::unique_ptr<llvm::TargetTransformInfo> lanes_;
    std::unique_ptr<llvm::CycleInfo> cycles_;
    std::unique_ptr<llvm::UniformityInfo> uniformity_;
    llvm::DenseMap<const llvm::Value*, Shape> shapes_;
    llvm::DenseMap<const llvm::Value*, unsigned> interleaved_; // alloca or a pointer derived from it -> element bytes
};

/// A clamped value's strided operand, given the shapes of its operands; null if `instruction` doesn't clamp one. Besides select,
/// minimum and maximum that is an addition of a condition (x + (x < n), x - (x > 0)); it counts as clamped where that is false.
llvm::Value* clamped_operand(const llvm::Instruction& instruction, const std::function<Shape(const llvm::Value*)>& shape);

/// The i1 whose extension `value` is, or null.
llvm::Value* added_condition(const llvm::Value* value);

/// The name of the function that a call calls, or "".
llvm::StringRef callee_name(const llvm::Value* value);

} // namespace anywarp::simd
