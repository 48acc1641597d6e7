/// The values of a rule's slots as one record.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <weir/base/bytes.hpp>
#include <weir/rules/detail/context.hpp>
#include <weir/rules/value.hpp>

namespace weir::rules::detail {

/// One slot: the id of its expression, and its value: a letter for the type, then its text.
struct StateSlot {
    std::uint64_t id;
    std::string_view value;
};

/// Takes one slot off the front of a record; nothing at its end, or where it is damaged.
[[nodiscard]] std::optional<StateSlot> take_slot(ByteView& record) noexcept;
[[nodiscard]] std::optional<std::string_view> find_slot(ByteView record, std::uint64_t id) noexcept;
void append_slot(std::string& record, const StateSlot& slot);

/// @return False: nothing that can be remembered, or too large; `out` is as it was.
[[nodiscard]] bool write_value(std::string& out, const Value& value, Context& context);
/// Undefined if it cannot be read.
[[nodiscard]] Value read_value(std::string_view value, Context& context);

}  // namespace weir::rules::detail
