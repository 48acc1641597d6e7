/// MD2, which OpenSSL 3 no longer has and old rules may still name. Not for anything that must be
/// secure.
#pragma once

#include <array>

#include <weir/base/bytes.hpp>

namespace weir::rules {

/// RFC 1319, with the corrections of its erratum.
[[nodiscard]] std::array<Byte, 16> md2(ByteView data) noexcept;

}  // namespace weir::rules
