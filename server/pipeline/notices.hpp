/// What rules write for people.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <weir/base/bytes.hpp>
#include <weir/base/clock.hpp>
#include <weir/base/log.hpp>
#include <weir/pipeline/gates.hpp>

namespace weir::pipeline {

/// Longest text of a log line or an alert, in bytes; cut between characters.
inline constexpr std::size_t kNoticeBytesMax = 2'048;

/// Text that may be shown: UTF-8, at most kNoticeBytesMax, "..." where it was cut. Bytes that are no
/// text are told by their number.
[[nodiscard]] std::string notice_text(ByteView text);

/// Where an alert comes from.
struct AlertFacts {
    std::string_view rule;
    std::string_view key;
    std::string_view topic;
    std::string_view device;
    WallTime time;
    std::uint64_t held_back = 0;
    std::string_view report = {};  ///< JSON, of an alert that is an error action; else empty.
};

/// What a sink gets: {"text","rule","key","topic","device","time","held_back"}, and "report" if there is one. Chats that take
/// `text` by a webhook show it; with held back ones it says how many.
[[nodiscard]] std::string alert_json(std::string_view text, const AlertFacts& facts);

/// A line for the log that waits until its message has its effects.
struct LogNotice {
    log::Level level;
    std::string rule;
    std::string topic;
    std::string device;
    std::string text;
    std::uint64_t held_back = 0;

    void write() const;
};

}  // namespace weir::pipeline
