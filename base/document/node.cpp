// Looking at what a Document owns.
#include <utility>

#include <weir/document/detail/tree.hpp>
#include <weir/document/yaml.hpp>

namespace weir::document {

Kind Node::kind() const noexcept {
    return tree_->nodes[index_].kind;
}

Range Node::range() const noexcept {
    return tree_->nodes[index_].range;
}

std::string_view Node::file() const noexcept {
    return tree_->file;
}

std::string_view Node::text() const noexcept {
    return tree_->nodes[index_].text;
}

bool Node::quoted() const noexcept {
    return tree_->nodes[index_].quoted;
}

std::size_t Node::size() const noexcept {
    const auto& node = tree_->nodes[index_];
    return node.kind == Kind::mapping ? node.children.size() / 2 : node.children.size();
}

std::vector<Node> Node::items() const {
    std::vector<Node> result;
    if (is_sequence()) {
        result.reserve(size());
        for (const auto child : tree_->nodes[index_].children) {
            result.emplace_back(*tree_, child);
        }
    }
    return result;
}

std::vector<Entry> Node::entries() const {
    std::vector<Entry> result;
    if (is_mapping()) {
        result.reserve(size());
        const auto& children = tree_->nodes[index_].children;
        for (std::size_t i = 0; i + 1 < children.size(); i += 2) {
            result.push_back({Node{*tree_, children[i]}, Node{*tree_, children[i + 1]}});
        }
    }
    return result;
}

std::optional<Node> Node::get(std::string_view key) const noexcept {
    if (is_mapping()) {
        const auto& children = tree_->nodes[index_].children;
        for (std::size_t i = 0; i + 1 < children.size(); i += 2) {
            if (tree_->nodes[children[i]].text == key) {
                return Node{*tree_, children[i + 1]};
            }
        }
    }
    return std::nullopt;
}

Document::Document(std::unique_ptr<const detail::Tree> tree) noexcept : tree_{std::move(tree)} {}
Document::Document(Document&&) noexcept = default;
Document& Document::operator=(Document&&) noexcept = default;
Document::~Document() = default;

Node Document::root() const noexcept {
    return Node{*tree_, 0};
}

}  // namespace weir::document
