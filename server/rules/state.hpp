/// What rules remember of earlier messages: for last(), changed() and `deduplicate`.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <weir/base/bytes.hpp>
#include <weir/rules/program.hpp>

namespace weir::rules {

inline constexpr std::size_t kStateKeyBytesMax = 256;
/// A larger value is not remembered: last() of it is Undefined.
inline constexpr std::size_t kStateValueBytesMax = 4096;

/// How much of it is kept. Beyond `keys` or `bytes`, what was not written for the longest time goes.
struct StateLimits {
    std::uint64_t keys = 0;
    std::uint64_t bytes = 0;
    std::chrono::milliseconds age{0};  ///< Since it was written.
};

/// `state:` of a rule's head.
struct StateSettings {
    ProgramPtr key = {};  ///< An expression; null: the topic.
    StateLimits limits = {
        .keys = 10'000, .bytes = 4 * 1024 * 1024, .age = std::chrono::hours{24 * 7}
    };
};

/// `deduplicate:` of a rule's head: of the messages with one value of `by`, the first one within
/// `limits.age` has an output.
struct Deduplicate {
    ProgramPtr by;
    StateLimits limits = {.keys = 100'000, .bytes = 16 * 1024 * 1024};
};

enum class StateKind : std::uint8_t {
    values,  ///< Of the expressions in last() and changed(); the record is the evaluator's.
    seen,    ///< Of `deduplicate`; the record is empty.
};
inline constexpr std::size_t kStateKinds = 2;

/// Whose memory: a rule's, and in it a key's.
struct StateKey {
    std::string_view rule;
    StateKind kind;
    std::string_view key;
};

/// The key of what `deduplicate` saw within the messages of one key of the rule.
[[nodiscard]] inline std::string seen_key(std::string_view key, std::string_view by) {
    std::string out{static_cast<char>(key.size() >> 8U), static_cast<char>(key.size() & 0xFFU)};
    return out.append(key).append(by);
}
/// The part by which a rule's memory is spread over shards: all of one message goes to one of them.
[[nodiscard]] inline std::string_view spread_key(const StateKey& key) noexcept {
    if (key.kind == StateKind::values || key.key.size() < 2) {
        return key.key;
    }
    const auto size = std::size_t{static_cast<unsigned char>(key.key[0])} << 8U |
                      static_cast<unsigned char>(key.key[1]);
    const auto rest = key.key.substr(2);
    return size == 0 ? rest : rest.substr(0, size);
}

/// What the evaluation may know of earlier messages. It changes nothing: what is to be remembered is handed
/// to write(), and the owner makes it so once the message has its effects.
class StateView {
public:
    virtual ~StateView() = default;
    /// @return False: the memory of this key is kept elsewhere, and the rule is not evaluated here.
    [[nodiscard]] virtual bool is_here(std::string_view rule, std::string_view key) = 0;
    /// @param since_ms  What was written before is too old.
    /// @return Nothing: never written, too old, or gone. Valid until the next call.
    [[nodiscard]] virtual std::optional<ByteView> find(
        const StateKey& key, std::int64_t since_ms
    ) = 0;
    virtual void write(const StateKey& key, ByteView record, std::int64_t time_ms) = 0;
};

}  // namespace weir::rules
