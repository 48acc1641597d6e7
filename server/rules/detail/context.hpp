/// What one evaluation works with: the message, scratch memory, and the budget.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <weir/rules/detail/json.hpp>
#include <weir/rules/input.hpp>
#include <weir/rules/profile.hpp>
#include <weir/rules/value.hpp>

namespace weir::rules::detail {

/// Steps of one evaluation: one per operation, and one for so many bytes touched; a long payload, which took as long to parse,
/// may be touched once beyond that. FOREACH has some more operations for each of a bounded number of elements, but no more bytes. When none is left, every further operation gives Undefined and the
/// evaluation fails; that bounds its time to a few milliseconds.
class Budget {
public:
    static constexpr std::uint32_t kStepsMax = 10'000;
    static constexpr std::uint32_t kStepsPerElement = 30;
    static constexpr std::size_t kBytesPerStep = 256;
    static constexpr std::size_t kRegexBytesPerStep = 32;

    /// @param payload_bytes  Less than 4 GiB.
    void reset(std::size_t payload_bytes) noexcept {
        all_ = kStepsMax + static_cast<std::uint32_t>(payload_bytes / kBytesPerStep);
        left_ = all_;
        work_left_ = all_;
        exceeded_ = false;
    }
    /// More of them, unless they were exceeded before.
    void grant(std::uint32_t steps) noexcept {
        left_ += exceeded_ ? 0 : steps;
        all_ += exceeded_ ? 0 : steps;
    }
    /// @return false: exceeded, now or before.
    [[nodiscard]] bool spend(std::size_t steps) noexcept {
        if (steps > left_) {
            left_ = 0;
            exceeded_ = true;
            return false;
        }
        left_ -= static_cast<std::uint32_t>(steps);
        return !exceeded_;
    }
    /// Steps that stand for bytes: each takes longer than an operation.
    [[nodiscard]] bool spend_work(std::size_t steps) noexcept {
        if (steps > work_left_) {
            left_ = 0;
            exceeded_ = true;
            return false;
        }
        work_left_ -= static_cast<std::uint32_t>(steps);
        return spend(steps);
    }
    [[nodiscard]] bool spend_bytes(std::size_t bytes) noexcept {
        return spend_work(bytes / kBytesPerStep);
    }
    [[nodiscard]] bool exceeded() const noexcept { return exceeded_; }
    [[nodiscard]] std::uint32_t spent() const noexcept { return all_ - left_; }

private:
    std::uint32_t left_ = kStepsMax;
    std::uint32_t all_ = kStepsMax;
    std::uint32_t work_left_ = kStepsMax;
    bool exceeded_ = false;
};

/// One thread; reused for every evaluation of an evaluator, so that a message allocates nothing
/// once it has grown.
class Context {
public:
    Context();
    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;

    /// Forgets what was learnt about the last message. The payload is parsed when somebody asks.
    void begin_message(const Input& input) noexcept;
    /// What the rule remembers of the message's key, as detail/state_record.hpp has it, until the next message
    /// or call; nothing: it has no memory.
    void set_record(std::optional<ByteView> record) noexcept { record_ = record; }
    [[nodiscard]] bool remembers() const noexcept { return record_.has_value(); }
    /// The value under a slot's id; Undefined if there is none.
    [[nodiscard]] Value remembered(std::uint64_t slot);
    /// Gives back scratch memory and steps; the parsed payload stays.
    void begin_evaluation(Profile profile) noexcept;

    [[nodiscard]] const Input& input() const noexcept { return *input_; }
    [[nodiscard]] Profile profile() const noexcept { return profile_; }
    [[nodiscard]] Budget& budget() noexcept { return budget_; }

    /// The whole payload: a JSON value; binary if it is none, but an empty one is an empty object in AWS profiles.
    [[nodiscard]] Value payload() noexcept;
    /// Parses a text that was computed. Undefined if it is not JSON, or the budget does not allow
    /// it.
    [[nodiscard]] Value parse_json(std::string_view text);

    /// Scratch memory that lives until the next begin_evaluation.
    [[nodiscard]] std::string_view store(std::string_view text);
    [[nodiscard]] std::span<Value> values(std::size_t count);
    [[nodiscard]] std::span<Member> members(std::size_t count);
    /// An empty buffer to build a text in; `store` it before somebody else asks for the buffer.
    [[nodiscard]] std::string& buffer() noexcept {
        buffer_.clear();
        return buffer_;
    }

    /// The number itself, or the one that a whole string spells. Reading many digits is paid for.
    [[nodiscard]] std::optional<Decimal> to_number(const Value& value) noexcept {
        const Json* json = value.document();
        const std::size_t digits = value.is(Type::string) ? value.text().size()
                                   : json != nullptr && value.is_number()
                                       ? json->raw(value.node()).size()
                                       : 0;
        return digits < Budget::kBytesPerStep || budget_.spend_bytes(digits)
                   ? rules::to_number(value)
                   : std::nullopt;
    }
    /// a % b. Exponents far apart are paid for: they are brought together step by step.
    [[nodiscard]] std::optional<Decimal> remainder(const Decimal& a, const Decimal& b) noexcept;
    /// A computed number as the profile has it: a whole Decimal is an Int, but in aws_2015.
    /// Nothing: Undefined.
    [[nodiscard]] Value number(const std::optional<Decimal>& value, Type type) const noexcept;
    /// A value that was found in a document, as the profile has it: aws_2016 turns whole Decimals
    /// into Ints.
    [[nodiscard]] Value found(const Value& value) noexcept;
    /// Look-ups that the budget pays for.
    [[nodiscard]] Value member(const Value& object, std::string_view key) noexcept;
    [[nodiscard]] Value element(const Value& array, const std::optional<Decimal>& index) noexcept;
    /// A computed text, kept in scratch memory.
    [[nodiscard]] Value text(std::string_view text) { return Value::string(store(text)); }
    /// The text form. Nothing for Null, Undefined and binary.
    [[nodiscard]] std::optional<std::string_view> to_text(const Value& value);
    /// Equality of the operator `=`; types never convert, but for Int and Decimal.
    [[nodiscard]] bool equal(const Value& a, const Value& b) noexcept;

private:
    static constexpr std::size_t kArenaBytes = 16 * 1024;
    /// Texts that parse_json has room for from message to message.
    static constexpr std::size_t kParsedKept = 4;
    /// Elements or members that one step walks over.
    static constexpr std::size_t kChildrenPerStep = 64;

    /// @return false: it has none, or the budget does not allow to look through them.
    [[nodiscard]] bool spend_on_members(const Value& object) noexcept;
    [[nodiscard]] bool same_size(const Value& a, const Value& b) noexcept;

    enum class PayloadState : std::uint8_t { unread, json, binary };

    const Input* input_ = nullptr;
    Profile profile_ = Profile::native;
    PayloadState payload_state_ = PayloadState::unread;
    Budget budget_;
    std::optional<ByteView> record_;
    Json payload_;
    std::vector<std::unique_ptr<Json>>
        parsed_;  ///< For parse_json; the first parsed_used_ are in use.
    std::size_t parsed_used_ = 0;
    std::string buffer_;
    std::unique_ptr<std::byte[]> first_block_ = std::make_unique<std::byte[]>(kArenaBytes);
    std::pmr::monotonic_buffer_resource arena_{first_block_.get(), kArenaBytes};
};

}  // namespace weir::rules::detail
