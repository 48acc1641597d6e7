/// The flat form of a Batch. In memory only: never stored, so no versions and native byte order.
#pragma once

#include <cstring>
#include <string_view>

#include <weir/base/bytes.hpp>
#include <weir/storage/batch.hpp>

namespace weir::storage {

enum class OpKind : std::uint8_t {
    append_stream,
    enqueue_outbox,
    settle_outbox,
    dead_letter,
    purge_dead_letters,
    add_usage,
    close_usage,
    put,
    erase,
    erase_range,
    keep,          // from: message; value: its record
    enqueue,       // from: session, to: sequence (as in all below); value: entry
    mark_queued,
    mark_sent,     // value: packet id
    mark_released, // value: packet id
    settle,
    drop_session,
};

/// Fixed part of an operation; the name (or key) and the value follow it.
struct Batch::Op {
    OpKind kind;
    Family family = Family::meta;
    std::uint16_t spare = 0;
    std::uint32_t name_size = 0;
    std::uint32_t value_size = 0;
    std::uint32_t spare_too = 0;
    std::uint64_t from = 0;
    std::uint64_t to = 0;
};

/// Walks a batch's operations.
class BatchReader {
public:
    struct Item {
        OpKind kind;
        Family family;
        std::string_view name;
        std::string_view value;
        std::uint64_t from;
        std::uint64_t to;
    };

    explicit BatchReader(const Batch& batch) noexcept : rest_{batch.ops_} {}

    [[nodiscard]] bool next(Item& item) noexcept {
        if (rest_.empty()) {
            return false;
        }
        Batch::Op op{};
        std::memcpy(&op, rest_.data(), sizeof op);
        const std::string_view text = as_text(rest_.subspan(sizeof op));
        item = {
            op.kind,
            op.family,
            text.substr(0, op.name_size),
            text.substr(op.name_size, op.value_size),
            op.from,
            op.to
        };
        rest_ = rest_.subspan(sizeof op + op.name_size + op.value_size);
        return true;
    }

private:
    ByteView rest_;
};

}  // namespace weir::storage
