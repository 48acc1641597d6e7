/// Structured logging: a stable event name and fields, one line each on standard error.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

namespace weir::log {

enum class Level : std::uint8_t { debug, info, warn, error };
enum class Format : std::uint8_t { pretty, json };

/// A field of an event. Text is escaped on output; never pass payloads, tokens or passwords.
struct Field {
    std::string_view key;
    std::string value;
    bool quoted;

    Field(std::string_view k, std::string_view v) : key{k}, value{v}, quoted{true} {}
    Field(std::string_view k, const char* v) : Field{k, std::string_view{v}} {}
    Field(std::string_view k, const std::string& v) : Field{k, std::string_view{v}} {}
    Field(std::string_view k, bool v) : key{k}, value{v ? "true" : "false"}, quoted{false} {}
    template <class T>
        requires std::is_arithmetic_v<T>
    Field(std::string_view k, T v) : key{k}, value{std::to_string(v)}, quoted{false} {}
};

using Fields = std::initializer_list<Field>;

/// Sets level and format for the whole process; call before threads start. Default: info, pretty.
void configure(Level level, Format format);
[[nodiscard]] bool enabled(Level level) noexcept;

/// Any thread. `event` is snake_case and listed in docs/operations.md.
void write(Level level, std::string_view event, Fields fields);

inline void debug(std::string_view event, Fields fields = {}) { write(Level::debug, event, fields); }
inline void info(std::string_view event, Fields fields = {}) { write(Level::info, event, fields); }
inline void warn(std::string_view event, Fields fields = {}) { write(Level::warn, event, fields); }
inline void error(std::string_view event, Fields fields = {}) { write(Level::error, event, fields); }

/// `text` with quotes, backslashes and control characters as JSON escapes them, and U+FFFD for each byte that is not
/// UTF-8: within quotes it is valid JSON, whatever `text` is. Without the outer quotes.
[[nodiscard]] std::string json_escape(std::string_view text);

}  // namespace weir::log
