// The handshake with NVIDIA's runtime library, see export_table.cc.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace anywarp::driver {

/// The MD2 message digest (RFC 1319).
std::array<uint8_t, 16> md2(std::span<const uint8_t> message);
/// HMAC (RFC 2104) with MD2 (RFC 1319) for a key of one block, 16 bytes.
std::array<uint8_t, 16> hmac_md2(std::span<const uint8_t, 16> key, std::span<const uint8_t> message);

} // namespace anywarp::driver
