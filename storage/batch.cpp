#include <weir/storage/batch.hpp>

#include <cstring>

#include <weir/base/assert.hpp>
#include <weir/storage/detail/batch_reader.hpp>
#include <weir/storage/detail/keys.hpp>

namespace weir::storage {
namespace {

constexpr std::size_t kTextBytesMax = 65'535;

bool is_name(std::string_view name) {
    return !name.empty() && name.size() <= kNameBytesMax;
}
bool is_key(std::string_view key) {
    return !key.empty() && key.size() <= kKeyBytesMax;
}

bool fits(const StreamRecord& record) {
    return record.tenant.size() <= kNameBytesMax && record.topic.size() <= kTextBytesMax &&
           record.key.size() <= kTextBytesMax;
}

bool fits(const OutboxRecord& record) {
    return record.tenant.size() <= kNameBytesMax && record.rule.size() <= kNameBytesMax &&
           record.topic.size() <= kTextBytesMax && record.key.size() <= kTextBytesMax &&
           record.target.size() <= kTextBytesMax;
}

bool is_owner_keyed(Family family) {
    return family == Family::meta || family == Family::registry || family == Family::audit;
}

}  // namespace

std::size_t Batch::open_op(const Op& op, std::string_view name) {
    const std::size_t at = ops_.size();
    Op header = op;
    header.name_size = static_cast<std::uint32_t>(name.size());
    ops_.resize(at + sizeof header);
    std::memcpy(ops_.data() + at, &header, sizeof header);
    weir::append(ops_, name);
    return at;
}

void Batch::close_op(std::size_t at) {
    Op header{};
    std::memcpy(&header, ops_.data() + at, sizeof header);
    header.value_size =
        static_cast<std::uint32_t>(ops_.size() - at - sizeof header - header.name_size);
    std::memcpy(ops_.data() + at, &header, sizeof header);
}

void Batch::append(const Batch& other) {
    ops_.insert(ops_.end(), other.ops_.begin(), other.ops_.end());
    kept_ = other.kept_;
    kept_bytes_ = other.kept_bytes_;
    invalid_ = invalid_ || other.invalid_;
}

void Batch::append_stream(std::string_view stream, const StreamRecord& record) {
    if (!is_name(stream) || !fits(record)) {
        invalid_ = true;
        return;
    }
    const auto at = open_op(
        {.kind = OpKind::append_stream, .from = static_cast<std::uint64_t>(record.time_ms)}, stream
    );
    encode(ops_, record);
    close_op(at);
}

void Batch::enqueue_outbox(std::string_view sink, const OutboxRecord& record) {
    if (!is_name(sink) || !fits(record)) {
        invalid_ = true;
        return;
    }
    const auto at = open_op({.kind = OpKind::enqueue_outbox}, sink);
    encode(ops_, record);
    close_op(at);
}

void Batch::settle_outbox(std::string_view sink, std::uint64_t from, std::uint64_t to) {
    if (!is_name(sink)) {
        invalid_ = true;
        return;
    }
    open_op({.kind = OpKind::settle_outbox, .from = from, .to = to}, sink);
}

void Batch::dead_letter(std::string_view sink, std::uint64_t offset, const DeadLetterNote& note) {
    if (!is_name(sink)) {
        invalid_ = true;
        return;
    }
    const auto at = open_op({.kind = OpKind::dead_letter, .from = offset, .to = offset}, sink);
    encode(ops_, note, {});
    close_op(at);
}

void Batch::purge_dead_letters(std::string_view sink, std::uint64_t from, std::uint64_t to) {
    if (!is_name(sink)) {
        invalid_ = true;
        return;
    }
    open_op({.kind = OpKind::purge_dead_letters, .from = from, .to = to}, sink);
}

void Batch::add_usage(const UsageKey& key, const UsageDelta& delta) {
    if (!is_name(key.device) || !is_name(key.tenant)) {
        invalid_ = true;
        return;
    }
    if (delta.empty()) {
        return;
    }
    const auto at =
        open_op({.kind = OpKind::add_usage, .from = key.hour}, detail::UsageKeyBytes{key}.view());
    encode(ops_, delta);
    close_op(at);
}

void Batch::close_usage(std::uint32_t before) {
    open_op({.kind = OpKind::close_usage, .from = before}, {});
}

void Batch::put(Family family, std::string_view key, std::uint8_t version, ByteView body) {
    WEIR_ASSERT(is_owner_keyed(family));
    if (!is_key(key)) {
        invalid_ = true;
        return;
    }
    const auto at = open_op({.kind = OpKind::put, .family = family}, key);
    ops_.push_back(version);
    weir::append(ops_, body);
    close_op(at);
}

void Batch::erase(Family family, std::string_view key) {
    WEIR_ASSERT(is_owner_keyed(family));
    if (!is_key(key)) {
        invalid_ = true;
        return;
    }
    open_op({.kind = OpKind::erase, .family = family}, key);
}

void Batch::erase_range(Family family, std::string_view from, std::string_view to) {
    WEIR_ASSERT(is_owner_keyed(family));
    if (!is_key(from) || !is_key(to)) {
        invalid_ = true;
        return;
    }
    const auto at = open_op({.kind = OpKind::erase_range, .family = family}, from);
    weir::append(ops_, to);
    close_op(at);
}

std::size_t outbox_cost(const OutboxRecord& record) noexcept {
    return encoded_size(record) + detail::kOutboxEntryOverhead;
}

}  // namespace weir::storage
