/// From nodes to typed values. Every reader reports what is wrong at the node's place and then
/// returns nothing, so that callers go on and find all errors of a file in one run.
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <weir/document/codes.hpp>
#include <weir/document/yaml.hpp>

namespace weir::document {

/// Both ends are allowed.
template <class T>
struct Bounds {
    T min = std::numeric_limits<T>::min();
    T max = std::numeric_limits<T>::max();
};

using DurationBounds = Bounds<std::chrono::milliseconds>;
template <>
struct Bounds<std::chrono::milliseconds> {
    std::chrono::milliseconds min{0};
    std::chrono::milliseconds max = std::chrono::milliseconds::max();
};

/// "20/s", "64KiB/s", "100/m": so much per so long.
struct Rate {
    std::uint64_t amount = 0;
    std::chrono::milliseconds per{1'000};

    [[nodiscard]] double per_second() const noexcept {
        return static_cast<double>(amount) * 1'000.0 / static_cast<double>(per.count());
    }
    bool operator==(const Rate&) const = default;
};

/// The rate that allows less; nothing: not limited.
[[nodiscard]] std::optional<Rate> slower(
    const std::optional<Rate>& a, const std::optional<Rate>& b
) noexcept;

/// Adds an error at a place.
void report(
    Diagnostics& diagnostics,
    const Place& place,
    std::string_view code,
    std::string message,
    std::string help = {},
    std::string label = {}
);
/// The same about `node`. The shortest way for modules to report their own codes.
void report(
    Diagnostics& diagnostics,
    const Node& node,
    std::string_view code,
    std::string message,
    std::string help = {},
    std::string label = {}
);

// Scalars.

/// `true` or `false`, unquoted.
[[nodiscard]] std::optional<bool> as_bool(const Node& node, Diagnostics& diagnostics);
/// A whole decimal number, unquoted.
[[nodiscard]] std::optional<std::int64_t> as_int(
    const Node& node, Diagnostics& diagnostics, Bounds<std::int64_t> bounds = {}
);
/// `128KiB`, `4 MiB`, `512`: bytes.
[[nodiscard]] std::optional<std::uint64_t> as_size(
    const Node& node, Diagnostics& diagnostics, Bounds<std::uint64_t> bounds = {}
);
/// `30s`, `1m30s`, `2ms`, `7d`.
[[nodiscard]] std::optional<std::chrono::milliseconds> as_duration(
    const Node& node, Diagnostics& diagnostics, DurationBounds bounds = {}
);
/// `20/s`, `64KiB/s`, `100/m`, `5/10s`.
[[nodiscard]] std::optional<Rate> as_rate(const Node& node, Diagnostics& diagnostics);
/// Any scalar, so `name: 42` is the text "42". Size in bytes.
[[nodiscard]] std::optional<std::string> as_string(
    const Node& node, Diagnostics& diagnostics, Bounds<std::size_t> bytes = {.min = 1, .max = 4096}
);
/// The index in `words` of the word that the scalar is.
[[nodiscard]] std::optional<std::size_t> as_choice(
    const Node& node, Diagnostics& diagnostics, std::span<const std::string_view> words
);

template <class E>
struct Word {
    std::string_view text;
    E value;
};

/// The value of the word that the scalar is.
template <class E>
[[nodiscard]] std::optional<E> as_enum(
    const Node& node, Diagnostics& diagnostics, std::span<const Word<E>> words
) {
    std::vector<std::string_view> texts;
    for (const auto& word : words) {
        texts.push_back(word.text);
    }
    const auto index = as_choice(node, diagnostics, texts);
    return index ? std::optional{words[*index].value} : std::nullopt;
}

/// The unquoted word `unlimited`, which limits accept beside their numbers.
[[nodiscard]] bool is_unlimited(const Node& node) noexcept;

/// What YAML 1.2 core says an unquoted scalar is.
enum class ScalarType : std::uint8_t { null, boolean, integer, real, text };
[[nodiscard]] ScalarType scalar_type(const Node& node) noexcept;

// Collections.

/// True if it is one; else reports "expected a mapping, `what`".
[[nodiscard]] bool expect_mapping(
    const Node& node, Diagnostics& diagnostics, std::string_view what
);
[[nodiscard]] bool expect_sequence(
    const Node& node, Diagnostics& diagnostics, std::string_view what
);

/// Reports every key of the mapping that is not `known`, with the nearest known one.
/// @param what  Completes "not ...": "a listener setting".
/// @return      True if all keys are known.
bool check_keys(
    const Node& mapping,
    Diagnostics& diagnostics,
    std::span<const std::string_view> known,
    std::string_view what
);
bool check_keys(
    const Node& mapping,
    Diagnostics& diagnostics,
    std::initializer_list<std::string_view> known,
    std::string_view what
);

/// The value of a key that must be there and not null.
[[nodiscard]] std::optional<Node> require_key(
    const Node& mapping, Diagnostics& diagnostics, std::string_view key
);

/// The items of a sequence, or the node itself: for keys that take one value or a list of them.
[[nodiscard]] std::vector<Node> one_or_more(const Node& node);

}  // namespace weir::document
