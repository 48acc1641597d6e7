/// Keys of sessions, queues and retained messages. Byte order is the order wanted by readers.
///
///   sessions  s SESSION           session         queues    m MESSAGE           message
///             f SESSION filter    subscription              q SESSION sequence  entry
///             w SESSION           will            retained  len TENANT topic    retained message
///             b SESSION packet id inbound id
#pragma once

#include <array>
#include <string>
#include <string_view>

#include <weir/base/bytes.hpp>
#include <weir/storage/session_records.hpp>

namespace weir::storage::detail {

/// What an entry of a queue counts beside its message: key and bookkeeping.
inline constexpr std::int64_t kQueueEntryOverhead = 32;

inline constexpr char kSessionKind = 's';
inline constexpr char kFilterKind = 'f';
inline constexpr char kWillKind = 'w';
inline constexpr char kInboundKind = 'b';
inline constexpr char kMessageKind = 'm';
inline constexpr char kEntryKind = 'q';

/// A kind and one or two numbers, on the stack.
class NumberKey {
public:
    explicit NumberKey(char kind, std::uint64_t first) noexcept : size_{kOne} {
        bytes_[0] = static_cast<Byte>(kind);
        store_be(bytes_.data() + 1, first);
    }
    NumberKey(char kind, std::uint64_t first, std::uint64_t second) noexcept
        : NumberKey{kind, first} {
        store_be(bytes_.data() + kOne, second);
        size_ = bytes_.size();
    }
    [[nodiscard]] std::string_view view() const noexcept { return as_text({bytes_.data(), size_}); }

private:
    static constexpr std::size_t kOne = 1 + sizeof(std::uint64_t);

    std::array<Byte, kOne + sizeof(std::uint64_t)> bytes_{};
    std::size_t size_;
};

[[nodiscard]] inline NumberKey session_key(char kind, SessionId session) noexcept {
    return NumberKey{kind, static_cast<std::uint64_t>(session)};
}
[[nodiscard]] inline NumberKey message_key(MessageId message) noexcept {
    return NumberKey{kMessageKind, static_cast<std::uint64_t>(message)};
}
[[nodiscard]] inline NumberKey entry_key(SessionId session, std::uint64_t sequence) noexcept {
    return {kEntryKind, static_cast<std::uint64_t>(session), sequence};
}

[[nodiscard]] inline std::string filter_key(SessionId session, std::string_view filter) {
    std::string key{session_key(kFilterKind, session).view()};
    key += filter;
    return key;
}

[[nodiscard]] inline std::string inbound_key(SessionId session, std::uint16_t packet_id) {
    std::string key{session_key(kInboundKind, session).view()};
    key += static_cast<char>(packet_id >> 8U);
    key += static_cast<char>(packet_id & 0xFFU);
    return key;
}

[[nodiscard]] inline std::string retained_key(std::string_view tenant, std::string_view topic) {
    std::string key{static_cast<char>(tenant.size())};
    key += tenant;
    key += topic;
    return key;
}

/// The first number of a key; 0 if the key is too short.
[[nodiscard]] inline std::uint64_t first_number(std::string_view key) noexcept {
    return key.size() < 1 + sizeof(std::uint64_t)
               ? 0
               : load_be<std::uint64_t>(as_bytes(key).data() + 1);
}
/// What follows the first number.
[[nodiscard]] inline std::string_view after_number(std::string_view key) noexcept {
    return key.size() < 1 + sizeof(std::uint64_t) ? std::string_view{}
                                                  : key.substr(1 + sizeof(std::uint64_t));
}

/// The first key after all keys with this prefix; empty if there is none.
[[nodiscard]] inline std::string end_of_prefix(std::string_view prefix) {
    std::string end{prefix};
    while (!end.empty() && static_cast<unsigned char>(end.back()) == 0xFFU) {
        end.pop_back();
    }
    if (!end.empty()) {
        end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1U);
    }
    return end;
}

}  // namespace weir::storage::detail
