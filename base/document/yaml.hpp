/// Parsed YAML and JSON files in which every node knows its place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include <weir/document/diagnostic.hpp>

namespace weir::document {

namespace detail {
struct Tree;
}

enum class Kind : std::uint8_t { null, scalar, sequence, mapping };

struct Entry;

/// A handle to a part of a Document; cheap to copy, valid as long as the Document (or what it was
/// moved to) lives.
class Node {
public:
    Node(const detail::Tree& tree, std::uint32_t index) noexcept : tree_{&tree}, index_{index} {}

    [[nodiscard]] Kind kind() const noexcept;
    [[nodiscard]] bool is_null() const noexcept { return kind() == Kind::null; }
    [[nodiscard]] bool is_scalar() const noexcept { return kind() == Kind::scalar; }
    [[nodiscard]] bool is_sequence() const noexcept { return kind() == Kind::sequence; }
    [[nodiscard]] bool is_mapping() const noexcept { return kind() == Kind::mapping; }

    /// Without the quotes of a quoted scalar. A null that is only implied stands where its value
    /// would have begun.
    [[nodiscard]] Range range() const noexcept;
    /// The name given to Document::parse.
    [[nodiscard]] std::string_view file() const noexcept;

    /// Of a scalar, escapes resolved; of a null as written. Empty for collections.
    [[nodiscard]] std::string_view text() const noexcept;
    /// True if the scalar is text by its form: in quotes or as a block (`|`, `>`).
    [[nodiscard]] bool quoted() const noexcept;

    /// Number of items or entries; 0 for others.
    [[nodiscard]] std::size_t size() const noexcept;
    /// Items of a sequence; empty for others.
    [[nodiscard]] std::vector<Node> items() const;
    /// Entries of a mapping in the order of the file; empty for others.
    [[nodiscard]] std::vector<Entry> entries() const;
    /// The value of a key of a mapping. @cost Linear in the entries.
    [[nodiscard]] std::optional<Node> get(std::string_view key) const noexcept;

private:
    const detail::Tree* tree_;
    std::uint32_t index_;
};

/// Of a mapping. The key is a scalar, always, and unique.
struct Entry {
    Node key;
    Node value;
};

enum class Syntax : std::uint8_t {
    yaml,  ///< YAML 1.2 without duplicate keys, anchors, aliases, tags, directives, tabs, second
           ///< documents.
    json,  ///< RFC 8259 without duplicate keys.
};

struct ParseOptions {
    Syntax syntax = Syntax::yaml;
    /// Line number of the first line of the text, where the text is a part of a file.
    std::uint32_t first_line = 1;
};

/// The owner of the nodes of one file. Immutable; may be read by any thread.
class Document {
public:
    static constexpr std::size_t kBytesMax = 1024 * 1024;
    static constexpr std::size_t kDepthMax = 32;

    /// @param file  How the file is called in diagnostics; its text is added to them as source.
    /// @return Nothing if there was an error, which is then in `diagnostics`. An empty text is a
    /// null node.
    [[nodiscard]] static std::optional<Document> parse(
        std::string_view text,
        std::string_view file,
        Diagnostics& diagnostics,
        ParseOptions options = {}
    );

    /// A document of one unquoted scalar, which claims to stand where `place` stands: for values
    /// that come from elsewhere, such as the environment, and are then read like others.
    [[nodiscard]] static Document scalar(std::string_view text, const Node& place);

    Document(Document&&) noexcept;
    Document& operator=(Document&&) noexcept;
    ~Document();

    [[nodiscard]] Node root() const noexcept;

private:
    explicit Document(std::unique_ptr<const detail::Tree> tree) noexcept;

    std::unique_ptr<const detail::Tree> tree_;
};

}  // namespace weir::document
