// Tensor maps: what a tensor copy needs to know of a tensor in global memory, checked and put into 128 bytes (ptx/tensor_map.h).
// CUDA driver API, "Tensor Map Object Management"; the limits are those of its text.

#include "driver/api.h"
#include "driver/format.h"
#include "ptx/tensor_map.h"

#include <cstring>

using namespace anywarp;
using namespace anywarp::driver;
using ptx::TensorMap;

namespace {

/// What all three kinds have in common.
struct Tensor {
    CUtensorMapDataType type;
    cuuint32_t rank;
    void* address;
    const cuuint64_t* dimensions;
    const cuuint64_t* strides;
    const cuuint32_t* element_strides;
    CUtensorMapInterleave interleave;
    CUtensorMapSwizzle swizzle;
    CUtensorMapL2promotion promotion;
    CUtensorMapFloatOOBfill fill;
};

/// Bytes of an element; the packed kinds count 16 elements as one of 8, 16 or 12 bytes, and aren't asked for here.
unsigned bytes_of(CUtensorMapDataType type) {
    switch (type) {
    case CU_TENSOR_MAP_DATA_TYPE_UINT8:
        return 1;
    case CU_TENSOR_MAP_DATA_TYPE_UINT16:
    case CU_TENSOR_MAP_DATA_TYPE_FLOAT16:
    case CU_TENSOR_MAP_DATA_TYPE_BFLOAT16:
        return 2;
    case CU_TENSOR_MAP_DATA_TYPE_UINT64:
    case CU_TENSOR_MAP_DATA_TYPE_INT64:
    case CU_TENSOR_MAP_DATA_TYPE_FLOAT64:
        return 8;
    default:
        return 4;
    }
}
bool is_packed(CUtensorMapDataType type) { return type >= CU_TENSOR_MAP_DATA_TYPE_16U4_ALIGN8B; }
bool is_float(CUtensorMapDataType type) {
    return type >= CU_TENSOR_MAP_DATA_TYPE_FLOAT16 && type <= CU_TENSOR_MAP_DATA_TYPE_TFLOAT32_FTZ;
}

Result<TensorMap> start(TensorMap::Kind kind, const Tensor& t) {
    if (t.type < 0 || t.type > CU_TENSOR_MAP_DATA_TYPE_16U6_ALIGN16B)
        return invalid_value(format("there is no type {} of tensors", static_cast<int>(t.type)));
    if (t.interleave < 0 || t.interleave > CU_TENSOR_MAP_INTERLEAVE_32B || t.swizzle < 0 ||
        t.swizzle > CU_TENSOR_MAP_SWIZZLE_128B_ATOM_64B || t.promotion < 0 || t.promotion > CU_TENSOR_MAP_L2_PROMOTION_L2_256B ||
        t.fill < 0 || t.fill > CU_TENSOR_MAP_FLOAT_OOB_FILL_NAN_REQUEST_ZERO_FMA)
        return invalid_value("interleave, swizzle, promotion or fill is no such value");
    ANYWARP_REQUIRE(t.dimensions);
    ANYWARP_REQUIRE(t.element_strides);
    bool interleaved = t.interleave != CU_TENSOR_MAP_INTERLEAVE_NONE;
    cuuint32_t least = kind != TensorMap::Kind::tiled || interleaved ? 3 : 1;
    if (t.rank < least || t.rank > 5) return invalid_value(format("a rank of {}", t.rank));
    if (t.rank > 1) ANYWARP_REQUIRE(t.strides);
    uint64_t alignment = t.interleave == CU_TENSOR_MAP_INTERLEAVE_32B || t.type == CU_TENSOR_MAP_DATA_TYPE_16U4_ALIGN16B ||
                                 t.type == CU_TENSOR_MAP_DATA_TYPE_16U6_ALIGN16B
                             ? 32
                             : 16;
    auto address = reinterpret_cast<uint64_t>(t.address);
    if (!address || address % alignment) return invalid_value(format("the address {:#x} isn't aligned to {}", address, alignment));
    if (t.interleave == CU_TENSOR_MAP_INTERLEAVE_32B && t.swizzle != CU_TENSOR_MAP_SWIZZLE_32B)
        return invalid_value("an interleave of 32 bytes goes with a swizzle of 32 bytes");
    if (t.fill == CU_TENSOR_MAP_FLOAT_OOB_FILL_NAN_REQUEST_ZERO_FMA && !is_float(t.type))
        return invalid_value("NaN as fill for a type that isn't a floating-point type");
    TensorMap map;
    map.kind = kind;
    map.address = address;
    map.type = static_cast<uint8_t>(t.type);
    map.rank = static_cast<uint8_t>(t.rank);
    map.interleave = static_cast<uint8_t>(t.interleave);
    map.swizzle = static_cast<uint8_t>(t.swizzle);
    map.promotion = static_cast<uint8_t>(t.promotion);
    map.fill = static_cast<uint8_t>(t.fill);
    for (cuuint32_t i = 0; i < t.rank; i++) {
        if (t.dimensions[i] == 0 || t.dimensions[i] > uint64_t{1} << 32)
            return invalid_value(format("dimension {} has {} elements", i, t.dimensions[i]));
        if (t.element_strides[i] == 0 || t.element_strides[i] > 8)
            return invalid_value(format("a stride of {} elements", t.element_strides[i]));
        map.last[i] = static_cast<uint32_t>(t.dimensions[i] - 1);
        map.element_strides[i] = static_cast<uint8_t>(t.element_strides[i]);
    }
    for (cuuint32_t i = 0; i + 1 < t.rank; i++) {
        if (t.strides[i] % alignment || t.strides[i] >= uint64_t{1} << 40)
            return invalid_value(format("a stride of {} bytes", t.strides[i]));
        map.strides[i] = t.strides[i];
    }
    return map;
}

/// The innermost part of a box must fit the swizzle, and be copied in pieces of 16 bytes.
Result<void> check_inner(const Tensor& t, uint64_t elements) {
    if (t.interleave != CU_TENSOR_MAP_INTERLEAVE_NONE || is_packed(t.type)) return {};
    uint64_t bytes = elements * bytes_of(t.type);
    if (bytes % 16) return invalid_value(format("an innermost box of {} bytes", bytes));
    uint64_t most = t.swizzle == CU_TENSOR_MAP_SWIZZLE_NONE  ? ~uint64_t{0}
                    : t.swizzle == CU_TENSOR_MAP_SWIZZLE_32B ? 32
                    : t.swizzle == CU_TENSOR_MAP_SWIZZLE_64B ? 64
                                                             : 128;
    if (bytes > most) return invalid_value(format("an innermost box of {} bytes; the swizzle takes {}", bytes, most));
    return {};
}

Result<void> set_columns(TensorMap& map, const Tensor& t, cuuint32_t channels, cuuint32_t pixels) {
    if (channels == 0 || channels > 256) return invalid_value(format("{} channels per pixel", channels));
    if (pixels == 0 || pixels > 1024) return invalid_value(format("{} pixels per column", pixels));
    ANYWARP_TRY(check_inner(t, channels));
    map.channels = static_cast<uint16_t>(channels);
    map.pixels = static_cast<uint16_t>(pixels);
    return {};
}

Result<int16_t> corner(int value, unsigned rank) {
    int limit = rank == 3 ? 1 << 15 : rank == 4 ? 1 << 7 : 1 << 4;
    if (value < -limit || value >= limit) return invalid_value(format("a corner at {}", value));
    return static_cast<int16_t>(value);
}

} // namespace

CUresult cuTensorMapEncodeTiled(CUtensorMap* result, CUtensorMapDataType type, cuuint32_t rank, void* address,
                                const cuuint64_t* dimensions, const cuuint64_t* strides, const cuuint32_t* box,
                                const cuuint32_t* element_strides, CUtensorMapInterleave interleave, CUtensorMapSwizzle swizzle,
                                CUtensorMapL2promotion promotion, CUtensorMapFloatOOBfill fill) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(result);
        ANYWARP_REQUIRE(box);
        Tensor tensor{type, rank, address, dimensions, strides, element_strides, interleave, swizzle, promotion, fill};
        ANYWARP_TRY_AS(map, start(TensorMap::Kind::tiled, tensor));
        for (cuuint32_t i = 0; i < rank; i++) {
            if (box[i] == 0 || box[i] > 256) return invalid_value(format("a box of {} elements in dimension {}", box[i], i));
            map.box[i] = static_cast<uint16_t>(box[i]);
        }
        ANYWARP_TRY(check_inner(tensor, box[0]));
        std::memcpy(result, &map, sizeof map);
        return {};
    });
}

CUresult cuTensorMapEncodeIm2col(CUtensorMap* result, CUtensorMapDataType type, cuuint32_t rank, void* address,
                                 const cuuint64_t* dimensions, const cuuint64_t* strides, const int* lower, const int* upper,
                                 cuuint32_t channels, cuuint32_t pixels, const cuuint32_t* element_strides,
                                 CUtensorMapInterleave interleave, CUtensorMapSwizzle swizzle, CUtensorMapL2promotion promotion,
                                 CUtensorMapFloatOOBfill fill) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(result);
        ANYWARP_REQUIRE(lower);
        ANYWARP_REQUIRE(upper);
        Tensor tensor{type, rank, address, dimensions, strides, element_strides, interleave, swizzle, promotion, fill};
        ANYWARP_TRY_AS(map, start(TensorMap::Kind::im2col, tensor));
        ANYWARP_TRY(set_columns(map, tensor, channels, pixels));
        for (cuuint32_t i = 0; i + 2 < rank; i++) {
            ANYWARP_TRY_AS(low, corner(lower[i], rank));
            ANYWARP_TRY_AS(high, corner(upper[i], rank));
            map.lower[i] = low;
            map.upper[i] = high;
        }
        std::memcpy(result, &map, sizeof map);
        return {};
    });
}

CUresult cuTensorMapEncodeIm2colWide(CUtensorMap* result, CUtensorMapDataType type, cuuint32_t rank, void* address,
                                     const cuuint64_t* dimensions, const cuuint64_t* strides, int lower, int upper,
                                     cuuint32_t channels, cuuint32_t pixels, const cuuint32_t* element_strides,
                                     CUtensorMapInterleave interleave, CUtensorMapIm2ColWideMode mode, CUtensorMapSwizzle swizzle,
                                     CUtensorMapL2promotion promotion, CUtensorMapFloatOOBfill fill) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(result);
        if (mode < CU_TENSOR_MAP_IM2COL_WIDE_MODE_W || mode > CU_TENSOR_MAP_IM2COL_WIDE_MODE_W128)
            return invalid_value(format("there is no mode {}", static_cast<int>(mode)));
        if (swizzle < CU_TENSOR_MAP_SWIZZLE_64B || interleave != CU_TENSOR_MAP_INTERLEAVE_NONE)
            return invalid_value("this kind wants a swizzle of 64 bytes or more, and no interleave");
        Tensor tensor{type, rank, address, dimensions, strides, element_strides, interleave, swizzle, promotion, fill};
        ANYWARP_TRY_AS(map, start(TensorMap::Kind::im2col_wide, tensor));
        ANYWARP_TRY(set_columns(map, tensor, channels, pixels));
        ANYWARP_TRY_AS(low, corner(lower, 3));
        ANYWARP_TRY_AS(high, corner(upper, 3));
        map.lower[0] = low;
        map.upper[0] = high;
        map.mode = static_cast<uint8_t>(mode);
        std::memcpy(result, &map, sizeof map);
        return {};
    });
}

CUresult cuTensorMapReplaceAddress(CUtensorMap* result, void* address) {
    return with_driver(__func__, [&]() -> Result<void> {
        ANYWARP_REQUIRE(result);
        TensorMap map;
        std::memcpy(&map, result, sizeof map);
        if (map.magic != TensorMap{}.magic) return invalid_value("not a tensor map");
        auto wanted = reinterpret_cast<uint64_t>(address);
        if (!wanted || wanted % 16) return invalid_value(format("the address {:#x} isn't aligned", wanted));
        map.address = wanted;
        std::memcpy(result, &map, sizeof map);
        return {};
    });
}
