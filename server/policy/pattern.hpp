/// What a policy line is compared with: an MQTT filter or a plain text, with variables that stand
/// for the device's own values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <weir/model/principal.hpp>

namespace weir::policy {

/// Whose request is judged. Views: both must outlive the call.
struct Subject {
    const model::Principal& principal;
    std::string_view client_id;  ///< What the peer sent or was assigned; empty over HTTP.
};

enum class Variable : std::uint8_t { thing, client_id, thing_type, group, attribute, tenant };

/// How a pattern stands to a topic, filter or client id.
enum class Fit : std::uint8_t {
    no,
    yes,
    /// It would depend on a variable that has no usable value. An allow then does not match, a deny
    /// does.
    unresolved,
};

/// Literal text, a variable, or (in a TextPattern) any run of characters.
struct Piece {
    enum class Kind : std::uint8_t { literal, variable, any_run };
    Kind kind = Kind::literal;
    Variable variable = {};
    std::string text = {};  ///< The literal, or the attribute's name.
};

/// Longest value that is substituted for a variable, in bytes.
inline constexpr std::size_t kVariableBytesMax = 1'024;

/// The value of a variable for `subject`, as literal text. Nothing if the subject has none, or if
/// it is empty, too long or contains one of `/ + # * ? $` or a control character: text that could
/// be read as more than one name is never substituted.
/// @param group  Which of the principal's groups `{group}` stands for.
[[nodiscard]] std::optional<std::string_view> value_of(
    const Piece& variable, const Subject& subject, std::size_t group
) noexcept;

/// "thing", "attr.site": as written between the braces.
[[nodiscard]] std::string variable_name(const Piece& variable);

/// An MQTT topic filter with variables: "data/{thing}/+/#". `+` and `#` never cover a first level
/// that begins with `$`. A pattern with `{group}` stands for one pattern per group of the thing.
/// All questions: @threads Reentrant. @cost No allocation; one pass over the levels, per group if
/// `{group}` is used.
class TopicPattern {
public:
    struct Level {
        enum class Kind : std::uint8_t { text, any_level, any_rest };
        Kind kind = Kind::text;
        std::vector<Piece> pieces;  ///< For text: literals and variables, one after the other.
    };

    TopicPattern() = default;
    explicit TopicPattern(std::vector<Level> levels);

    /// Does the pattern match the topic name? `a/#` also matches `a`.
    [[nodiscard]] Fit matches(std::string_view topic, const Subject& subject) const noexcept;
    /// Is every topic that `filter` matches also matched by this pattern?
    [[nodiscard]] Fit covers(std::string_view filter, const Subject& subject) const noexcept;
    /// Is there a topic that both match?
    [[nodiscard]] Fit overlaps(std::string_view filter, const Subject& subject) const noexcept;
    /// How many leading levels agree with `topic_or_filter`: tells the nearest miss.
    [[nodiscard]] std::size_t common_levels(
        std::string_view topic_or_filter, const Subject& subject
    ) const noexcept;

    [[nodiscard]] bool uses(Variable variable) const noexcept;
    [[nodiscard]] bool has_wildcard() const noexcept;
    /// With the subject's values in place of the variables, those without a usable value as
    /// written.
    [[nodiscard]] std::string expand(const Subject& subject) const;

private:
    std::vector<Level> levels_;
    bool uses_group_ = false;
};

/// A text compared as a whole, where `*` stands for any run of characters: the form of client ids.
/// @threads Reentrant. @cost No allocation; at most text x pieces comparisons.
class TextPattern {
public:
    TextPattern() = default;
    explicit TextPattern(std::vector<Piece> pieces);

    [[nodiscard]] Fit matches(std::string_view text, const Subject& subject) const noexcept;
    [[nodiscard]] bool uses(Variable variable) const noexcept;
    [[nodiscard]] bool has_wildcard() const noexcept;
    [[nodiscard]] std::string expand(const Subject& subject) const;

private:
    std::vector<Piece> pieces_;
    bool uses_group_ = false;
};

/// A rule's resource: topics and filters as MQTT understands them, client ids as text.
using Pattern = std::variant<TopicPattern, TextPattern>;

/// Why a pattern's text is refused, and which part of it.
struct PatternError {
    std::string message;
    std::string help;
    std::size_t offset = 0;
    std::size_t size = 0;
};

inline constexpr std::size_t kPatternBytesMax = 1'024;
inline constexpr std::size_t kPatternLevelsMax = 32;

/// Reads "data/{thing}/#". `{{` and `}}` stand for braces.
[[nodiscard]] std::variant<TopicPattern, PatternError> parse_topic_pattern(std::string_view text);
/// Reads "{thing}-*". Braces as above.
[[nodiscard]] std::variant<TextPattern, PatternError> parse_text_pattern(std::string_view text);

}  // namespace weir::policy
