/// A parsed JSON text: an index of its values, none of them read yet.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include <weir/base/bytes.hpp>

namespace weir::rules {
class Value;
}

namespace weir::rules::detail {

/// One pass over the text proves that all of it is JSON, and leaves its values where they stand: numbers are converted
/// when somebody asks. Reused from message to message: no allocation once it has grown to the size of the messages.
/// One thread.
class Json {
public:
    static constexpr std::size_t kDepthMax = 64;
    /// Memory above this is given back by `release_excess`.
    static constexpr std::size_t kKeptBytesMax = 1024 * 1024;

    enum class Kind : std::uint8_t { null, boolean, integer, decimal, string, array, object };

    Json();
    ~Json();
    Json(const Json&) = delete;
    Json& operator=(const Json&) = delete;

    /// @param text  Followed by model::Message::kSpareBytes zero bytes, at the first of which the pass ends; must stay
    ///              where it is while values of it are used.
    /// @return false: not JSON, or nested deeper than kDepthMax. There are no values then.
    [[nodiscard]] bool parse(ByteView text) noexcept;
    /// After a message that was much larger than usual.
    void release_excess() noexcept;

    static constexpr std::uint32_t kRoot = 0;

    [[nodiscard]] Value at(std::uint32_t node) const noexcept;
    [[nodiscard]] Kind kind(std::uint32_t node) const noexcept { return nodes_[node].kind; }
    /// How many values and names there are in a container, at any depth, and itself.
    [[nodiscard]] std::size_t count(std::uint32_t node) const noexcept { return nodes_[node].count; }
    /// A number or a container as it stands in the text.
    [[nodiscard]] std::string_view raw(std::uint32_t node) const noexcept {
        const Node& it = nodes_[node];
        return {text_ + it.offset, it.size};
    }
    /// Of an object: the value of its last member of that name; Undefined if there is none. @cost Linear in the members.
    [[nodiscard]] Value member(std::uint32_t object, std::string_view key) const noexcept;

    /// Undefined beyond the end. @cost Linear in the index.
    [[nodiscard]] Value element(std::uint32_t array, std::size_t index) const noexcept;

    /// The key is empty for elements of an array.
    /// @param found  bool(std::string_view key, std::uint32_t node); true ends the walk.
    /// @return       True if `found` was, once.
    template <class Predicate>
    bool any_child(std::uint32_t container, Predicate&& found) const {
        const std::uint32_t end = container + nodes_[container].count;
        const bool object = nodes_[container].kind == Kind::object;
        for (std::uint32_t child = container + 1; child < end;) {
            const std::uint32_t value = object ? child + 1 : child;
            if (found(object ? string(nodes_[child]) : std::string_view{}, value)) {
                return true;
            }
            child = value + nodes_[value].count;
        }
        return false;
    }

private:
    /// Children follow their container; an object's are key, value, key, value ...
    struct Node {
        std::uint32_t offset;  ///< Where it begins; a string's characters, not their quotation mark.
        std::uint32_t size;
        std::uint32_t count;   ///< Nodes that it is, with all that is in it.
        Kind kind;
        bool is_unescaped;     ///< A string that had escapes: it stands in unescaped_.
    };
    struct Unescaper;
    class Scan;

    [[nodiscard]] std::string_view string(const Node& node) const noexcept {
        return {(node.is_unescaped ? unescaped_.data() : text_) + node.offset, node.size};
    }

    void grow();
    /// @return false: one of the escapes is wrong.
    [[nodiscard]] bool unescape(Node& node);

    std::unique_ptr<Node[]> nodes_;
    std::uint32_t nodes_max_ = 0;
    std::unique_ptr<Unescaper> unescaper_;  ///< From the first escape on.
    std::vector<char> unescaped_;           ///< Strings with escapes, read.
    std::size_t unescaped_used_ = 0;
    const char* text_ = nullptr;
    std::size_t text_bytes_ = 0;
};

}  // namespace weir::rules::detail
