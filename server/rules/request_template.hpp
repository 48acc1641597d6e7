/// What a sink's file says of its requests with ${expression} in it: path, headers, order.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <weir/rules/evaluator.hpp>
#include <weir/rules/template.hpp>

namespace weir::rules {

/// A text and where it stands.
struct PlacedText {
    std::string_view text = {};
    SourcePlace place = {};
};

/// What a sink's file says.
struct RequestTexts {
    PlacedText url = {};  ///< Its scheme, host and port are fixed: no ${...} in them.
    std::vector<std::pair<std::string_view, PlacedText>> headers = {};  ///< By name.
    PlacedText order_by = {};                                           ///< Empty: the device.
};

/// The parts of a request that one message decides.
struct RequestParts {
    /// Path and query, percent-encoded; empty if the URL is the same for every message.
    std::string target = {};
    /// Those that are not the same for every message.
    std::vector<std::pair<std::string, std::string>> headers = {};
    std::string order_key = {};  ///< Empty: by device.
};

/// Immutable; shared by every shard. A value can change neither the server that a URL names, nor
/// its path beyond the place where the value stands, nor add a header.
class RequestTemplate {
public:
    /// Of a rendered path with its query, and of each value of a header.
    static constexpr std::size_t kTextBytesMax = 8 * 1024;

    /// @return Nothing after an error; all of them are in `diagnostics`.
    [[nodiscard]] static std::optional<RequestTemplate> compile(
        const RequestTexts& texts, document::Diagnostics& diagnostics
    );

    /// True if no message changes anything, so that there is nothing to render.
    [[nodiscard]] bool constant() const noexcept {
        return !target_ && headers_.empty() && !order_by_;
    }

    /// For the message whose callback is running in `evaluator`. Values in the URL are
    /// percent-encoded, slashes too; control characters in headers likewise.
    /// @errors template_undefined, template_empty, budget_exceeded;
    ///         template_refused: a segment of the path came out as "." or "..", or a text is too
    ///         long.
    /// @param failed  Gets the part that failed, for people: "header X-Site ${site}". May be null.
    [[nodiscard]] Result<RequestParts> render(
        Evaluator& evaluator, std::string* failed = nullptr
    ) const;
    /// The same outside of a callback.
    [[nodiscard]] Result<RequestParts> render(
        Evaluator& evaluator, const Input& input, std::string* failed = nullptr
    ) const;

private:
    std::optional<Template> target_;
    std::vector<std::pair<std::string, Template>> headers_;
    std::optional<Template> order_by_;
};

}  // namespace weir::rules
