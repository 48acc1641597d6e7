#include <fmt/format.h>
#include <libfyaml.h>

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <new>
#include <string>
#include <utility>
#include <weir/base/text.hpp>
#include <weir/document/codes.hpp>
#include <weir/document/detail/tree.hpp>
#include <weir/document/yaml.hpp>

namespace weir::document {
namespace {

using detail::Tree;
using detail::TreeNode;

/// An error that ends the parsing of a file; thrown and caught in this file only.
struct Refused {
    std::string_view code;
    std::string message;
    Range range;
    std::string help = {};
};

/// Refuses what libfyaml cannot be asked to refuse, or refuses without saying so well.
/// @return The end of the last line that is not empty.
Position check_characters(std::string_view text, Syntax syntax, std::uint32_t first_line) {
    Position at{first_line, 1};
    Position end = at;
    for (std::size_t i = 0; i < text.size();) {
        const auto lead = static_cast<unsigned char>(text[i]);
        std::size_t size = 1;
        if (lead >= 0x80U) {
            while (size < 4 && i + size < text.size() &&
                   (static_cast<unsigned char>(text[i + size]) & 0xC0U) == 0x80U) {
                ++size;
            }
        }
        const auto character = text.substr(i, size);
        const Range here{at, {at.line, at.column + 1}};
        if (!is_utf8(character)) {
            throw Refused{
                code::kEncoding, "this is not UTF-8 text", here, "save the file as UTF-8"
            };
        }
        if (lead == '\t' && syntax == Syntax::yaml) {
            throw Refused{
                code::kTab, "tab character", here, "use spaces; inside double quotes write \\t"
            };
        }
        if ((lead < 0x20U && lead != '\n' && lead != '\r' && lead != '\t') || lead == 0x7FU) {
            throw Refused{
                code::kEncoding,
                fmt::format("control character 0x{:02X}", lead),
                here,
                "remove it; inside double quotes it can be written as an escape"
            };
        }
        i += size;
        at = lead == '\n' ? Position{at.line + 1, 1} : Position{at.line, at.column + 1};
        end = at.column > 1 ? at : end;
    }
    return end;
}

struct DiagDelete {
    void operator()(fy_diag* diag) const noexcept { fy_diag_destroy(diag); }
};
struct ParserDelete {
    void operator()(fy_parser* parser) const noexcept { fy_parser_destroy(parser); }
};
struct EventDelete {
    fy_parser* parser;
    void operator()(fy_event* event) const noexcept { fy_parser_event_free(parser, event); }
};
using Event = std::unique_ptr<fy_event, EventDelete>;

/// libfyaml's event stream. Its messages are collected, none reaches standard error.
class EventReader {
public:
    EventReader(std::string_view text, ParseOptions options)
        : first_line_{options.first_line},
          end_{check_characters(text, options.syntax, options.first_line)} {
        fy_diag_cfg diag_config{};
        fy_diag_cfg_default(&diag_config);
        diag_config.fp = nullptr;
        diag_config.output_fn = [](fy_diag*, void*, const char*, std::size_t) {};
        diag_.reset(fy_diag_create(&diag_config));
        fy_diag_set_collect_errors(diag_.get(), true);

        const auto flags = static_cast<unsigned>(FYPCF_QUIET) |
                           static_cast<unsigned>(FYPCF_COLLECT_DIAG) |
                           static_cast<unsigned>(FYPCF_DEFAULT_VERSION_1_2) |
                           static_cast<unsigned>(
                               options.syntax == Syntax::json ? FYPCF_JSON_FORCE : FYPCF_JSON_NONE
                           );
        fy_parse_cfg config{};
        config.flags = static_cast<fy_parse_cfg_flags>(flags);
        config.diag = diag_.get();
        parser_.reset(fy_parser_create(&config));
        if (!parser_ || fy_parser_set_string(parser_.get(), text.data(), text.size()) != 0) {
            throw std::bad_alloc{};
        }
    }

    /// Null at the end of the stream.
    [[nodiscard]] Event next() {
        Event event{fy_parser_parse(parser_.get()), EventDelete{parser_.get()}};
        if (!event && fy_parser_get_stream_error(parser_.get())) {
            throw_first_error();
        }
        return event;
    }

    /// Marks count from 0. A token that is only implied has none: it stands at `fallback`.
    [[nodiscard]] Range range(fy_token* token, Position fallback) const {
        const auto* begin = token == nullptr ? nullptr : fy_token_start_mark(token);
        const auto* end = token == nullptr ? nullptr : fy_token_end_mark(token);
        if (begin == nullptr || end == nullptr) {
            return {fallback, fallback};
        }
        return {position(begin->line, begin->column), position(end->line, end->column)};
    }

private:
    [[nodiscard]] Position position(int line, int column) const {
        return {
            first_line_ + static_cast<std::uint32_t>(line), static_cast<std::uint32_t>(column) + 1
        };
    }

    [[noreturn]] void throw_first_error() const {
        void* previous = nullptr;
        const auto* error = fy_diag_errors_iterate(diag_.get(), &previous);
        if (error == nullptr || error->line < 1 || error->column < 1) {
            throw Refused{
                code::kSyntax,
                error == nullptr ? "cannot be parsed" : error->msg,
                {{first_line_, 1}, {first_line_, 1}}
            };
        }
        // "Not closed" is found behind the last line; it is shown where something is missing.
        const auto at = std::min(position(error->line - 1, error->column - 1), end_);
        throw Refused{code::kSyntax, error->msg, {at, {at.line, at.column + 1}}};
    }

    std::uint32_t first_line_;
    Position end_;
    std::unique_ptr<fy_diag, DiagDelete> diag_;
    std::unique_ptr<fy_parser, ParserDelete> parser_;
};

bool is_null_text(std::string_view text) {
    return text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL";
}

/// Builds the tree from events, and refuses what our subset leaves out.
class TreeBuilder {
public:
    TreeBuilder(
        std::string_view text, std::string_view file, Diagnostics& diagnostics, ParseOptions options
    )
        : events_{text, options},
          diagnostics_{diagnostics},
          tree_{std::make_unique<Tree>(Tree{std::string{file}, {}})},
          last_{options.first_line, 1} {}

    std::unique_ptr<Tree> build() {
        while (const auto event = events_.next()) {
            take(*event);
        }
        if (tree_->nodes.empty()) {
            tree_->nodes.push_back(TreeNode{.range = {last_, last_}});
        }
        return std::move(tree_);
    }

    [[nodiscard]] bool duplicates_found() const noexcept { return duplicates_found_; }

private:
    struct Open {
        std::uint32_t node;
        bool flow;
        boost::unordered_flat_map<std::string, std::uint32_t> keys = {
        };  ///< To the line of the first one.
    };

    void take(fy_event& event) {
        switch (event.type) {
            case FYET_DOCUMENT_START:
                start_document(event.document_start);
                break;
            case FYET_ALIAS:
                throw Refused{
                    code::kAlias,
                    "aliases are not allowed",
                    events_.range(event.alias.anchor, last_),
                    "write the value out, or put a text that begins with '*' in quotes"
                };
            case FYET_SCALAR:
                check_anchor_and_tag(event.scalar.anchor, event.scalar.tag);
                add_scalar(event.scalar.value);
                break;
            case FYET_SEQUENCE_START:
                check_anchor_and_tag(event.sequence_start.anchor, event.sequence_start.tag);
                open(Kind::sequence, event.sequence_start.sequence_start);
                break;
            case FYET_MAPPING_START:
                check_anchor_and_tag(event.mapping_start.anchor, event.mapping_start.tag);
                open(Kind::mapping, event.mapping_start.mapping_start);
                break;
            case FYET_SEQUENCE_END:
                close(event.sequence_end.sequence_end);
                break;
            case FYET_MAPPING_END:
                close(event.mapping_end.mapping_end);
                break;
            default:
                break;
        }
    }

    void start_document(const fy_event_document_start_data& start) {
        const auto range = events_.range(start.document_start, last_);
        if (std::exchange(document_seen_, true)) {
            throw Refused{
                code::kSecondDocument,
                "a second document begins here",
                range,
                "put it into a file of its own"
            };
        }
        if (fy_document_state_version_explicit(start.document_state) ||
            fy_document_state_tags_explicit(start.document_state)) {
            throw Refused{
                code::kTag,
                "directives are not allowed",
                range,
                "remove the lines that begin with '%'"
            };
        }
    }

    void check_anchor_and_tag(fy_token* anchor, fy_token* tag) const {
        if (anchor != nullptr) {
            throw Refused{
                code::kAlias,
                "anchors are not allowed",
                events_.range(anchor, last_),
                "remove it, or put a text that begins with '&' in quotes"
            };
        }
        if (tag != nullptr) {
            throw Refused{
                code::kTag,
                "tags are not allowed",
                events_.range(tag, last_),
                "remove it, or put a text that begins with '!' in quotes"
            };
        }
    }

    void add_scalar(fy_token* token) {
        TreeNode node{.range = events_.range(token, last_)};
        std::size_t size = 0;
        if (const char* text = fy_token_get_text(token, &size); text != nullptr) {
            node.text.assign(text, size);
        }
        const auto style = fy_scalar_token_get_style(token);  // FYSS_ANY if the token is implied.
        node.quoted = style != FYSS_PLAIN && style != FYSS_ANY;
        node.kind = !node.quoted && is_null_text(node.text) ? Kind::null : Kind::scalar;
        const bool key = expects_key();
        if (key) {
            // `null: 1` is a key called "null"; an absent key is none.
            if (!node.quoted && node.text.empty()) {
                throw Refused{code::kSyntax, "a key is missing before ':'", node.range};
            }
            if (node.range.begin.line != node.range.end.line) {
                throw Refused{code::kSyntax, "a key must stand on one line", node.range};
            }
            node.kind = Kind::scalar;
            check_duplicate(node);
        }
        last_ = node.range.end;
        if (key) {
            last_.column += 1;  // An implied null stands behind the colon.
        }
        add(std::move(node));
    }

    void open(Kind kind, fy_token* token) {
        const auto range = events_.range(token, last_);
        if (expects_key()) {
            throw Refused{code::kSyntax, "a key must be a plain text", range};
        }
        if (open_.size() == Document::kDepthMax) {
            throw Refused{
                code::kTooDeep,
                fmt::format("nested more than {} levels deep", Document::kDepthMax),
                range
            };
        }
        last_ = range.end;
        const auto index = add(TreeNode{.kind = kind, .range = range});
        // The opening token of a block collection is empty; that of a flow collection is its
        // bracket.
        open_.push_back(Open{.node = index, .flow = range.begin != range.end});
    }

    void close(fy_token* token) {
        auto& node = tree_->nodes[open_.back().node];
        if (open_.back().flow) {
            last_ = events_.range(token, last_).end;
            node.range.end = last_;
        } else if (!node.children.empty()) {
            node.range.end = tree_->nodes[node.children.back()].range.end;
        }
        open_.pop_back();
    }

    [[nodiscard]] bool expects_key() const {
        return !open_.empty() && tree_->nodes[open_.back().node].kind == Kind::mapping &&
               tree_->nodes[open_.back().node].children.size() % 2 == 0;
    }

    void check_duplicate(const TreeNode& key) {
        const auto [first, added] = open_.back().keys.emplace(key.text, key.range.begin.line);
        if (!added) {
            duplicates_found_ = true;
            diagnostics_.add({
                .code = std::string{code::kDuplicateKey},
                .message = fmt::format("the key '{}' appears twice", key.text),
                .file = tree_->file,
                .range = key.range,
                .label = fmt::format("first set in line {}", first->second),
                .help = "remove one of them",
            });
        }
    }

    std::uint32_t add(TreeNode node) {
        const auto index = static_cast<std::uint32_t>(tree_->nodes.size());
        tree_->nodes.push_back(std::move(node));
        if (!open_.empty()) {
            tree_->nodes[open_.back().node].children.push_back(index);
        }
        return index;
    }

    EventReader events_;
    Diagnostics& diagnostics_;
    std::unique_ptr<Tree> tree_;
    std::vector<Open> open_;
    Position last_;  ///< End of the last token: where an implied one stands.
    bool document_seen_ = false;
    bool duplicates_found_ = false;
};

}  // namespace

std::optional<Document> Document::parse(
    std::string_view text, std::string_view file, Diagnostics& diagnostics, ParseOptions options
) {
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    if (text.starts_with(kByteOrderMark)) {
        text.remove_prefix(kByteOrderMark.size());
    }
    try {
        if (text.size() > kBytesMax) {
            throw Refused{
                code::kTooLarge,
                fmt::format(
                    "the file has {}, at most {} are read",
                    format_size(text.size()),
                    format_size(kBytesMax)
                ),
                {{options.first_line, 1}, {options.first_line, 1}}
            };
        }
        diagnostics.add_source(file, text);
        TreeBuilder builder{text, file, diagnostics, options};
        auto tree = builder.build();
        if (builder.duplicates_found()) {
            return std::nullopt;
        }
        return Document{std::move(tree)};
    } catch (Refused& refused) {
        diagnostics.add({
            .code = std::string{refused.code},
            .message = std::move(refused.message),
            .file = std::string{file},
            .range = refused.range,
            .help = std::move(refused.help),
        });
        return std::nullopt;
    }
}

Document Document::scalar(std::string_view text, const Node& place) {
    auto tree = std::make_unique<Tree>(Tree{std::string{place.file()}, {}});
    tree->nodes.push_back(TreeNode{
        .kind = is_null_text(text) ? Kind::null : Kind::scalar,
        .range = place.range(),
        .text = std::string{text},
    });
    return Document{std::move(tree)};
}

}  // namespace weir::document
