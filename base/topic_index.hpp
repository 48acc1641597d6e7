/// Topic filters -> values: the one matcher behind sessions, rules and the interest of other
/// shards.
#pragma once

#include <algorithm>
#include <array>
#include <boost/container_hash/hash.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <weir/base/hash.hpp>
#include <weir/base/topic.hpp>

namespace weir {

/// A multimap from topic filters to values, asked which values' filters match a topic name.
///
/// A trie of levels: texts of levels are interned to numbers, and one flat hash holds all literal
/// edges (node, text) -> node; `+` and `#` are edges that a node holds itself. Empty branches are
/// pruned at once.
///
/// T is small, copyable, equality comparable and hashable by boost::hash. Reading is safe from
/// several threads while nobody writes.
template <class T>
class TopicIndex {
public:
    TopicIndex() { nodes_.emplace_back(); }

    /// Adds `value` under a valid `filter`.
    /// @return false, with nothing changed: the pair is there already under either profile, or the
    /// filter has more
    ///         than kTopicLevelsMax levels.
    /// @cost   One hash look-up per level; allocates.
    bool insert(std::string_view filter, T value, TopicProfile profile = TopicProfile::mqtt);

    /// Removes the pair. @return false: it was not there.
    bool erase(std::string_view filter, T value);

    /// Calls `visit(const T&)` once for every pair whose filter matches `topic`, in no particular
    /// order. `visit` must not change the index.
    /// @return How many nodes were looked at: the work done. No node is looked at twice, so it is
    /// at most
    ///         levels x filters, and at most 2^level at a level.
    /// @cost   No allocation. At most one look-up per level for its text, one per node looked at.
    template <class Visitor>
    std::size_t match(std::string_view topic, Visitor&& visit) const;

    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    /// Pairs of filter and value.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    /// Bytes held in memory, apart from allocator overhead.
    [[nodiscard]] std::size_t footprint() const noexcept;

private:
    using NodeId = std::uint32_t;
    using SegmentId = std::uint32_t;
    static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();
    static constexpr SegmentId kUnread = kNone - 1;
    static constexpr NodeId kRoot = 0;
    /// Longer lists of values are found through positions_ instead of being searched.
    static constexpr std::size_t kScanMax = 32;

    /// One level of some filter. What hangs under `#` is a leaf of its own, one per profile.
    struct Node {
        NodeId parent = kNone;
        NodeId plus = kNone;
        std::array<NodeId, 2> rest = {kNone, kNone};  ///< The `#` leaves, by TopicProfile.
        std::uint32_t literals = 0;                   ///< Edges in edges_ that start here.
        SegmentId segment = kNone;  ///< Text of the edge that leads here, if it is literal.
        std::vector<T> values;
    };

    struct Segment {
        SegmentId id;
        std::uint32_t references;
    };

    struct Place {
        NodeId node;
        T value;
        friend bool operator==(const Place&, const Place&) = default;
        friend std::size_t hash_value(const Place& place) {
            std::size_t seed = boost::hash<T>{}(place.value);
            boost::hash_combine(seed, place.node);
            return seed;
        }
    };

    [[nodiscard]] static constexpr std::uint64_t edge_key(NodeId node, SegmentId segment) noexcept {
        return (std::uint64_t{node} << 32U) | segment;
    }

    [[nodiscard]] SegmentId find_segment(std::string_view text) const {
        const auto found = segments_.find(text);
        return found == segments_.end() ? kNone : found->second.id;
    }

    [[nodiscard]] NodeId find_edge(NodeId node, SegmentId segment) const {
        if (segment == kNone || nodes_[node].literals == 0) {
            return kNone;
        }
        const auto found = edges_.find(edge_key(node, segment));
        return found == edges_.end() ? kNone : found->second;
    }

    /// The node of a filter, or kNone.
    [[nodiscard]] NodeId find_node(std::string_view filter, TopicProfile profile) const;
    [[nodiscard]] NodeId make_node(std::string_view filter, TopicProfile profile);
    [[nodiscard]] NodeId make_child(NodeId parent);
    [[nodiscard]] NodeId make_literal_child(NodeId parent, std::string_view text);

    [[nodiscard]] std::size_t find_value(NodeId node, const T& value) const;
    bool erase_from(NodeId node, std::string_view filter, const T& value);
    void prune(NodeId node, std::string_view filter);

    template <class Visitor>
    void visit_values(NodeId node, Visitor& visit) const {
        if (node != kNone) {
            for (const T& value : nodes_[node].values) {
                visit(value);
            }
        }
    }

    std::vector<Node> nodes_;
    std::vector<NodeId> free_nodes_;
    boost::unordered_flat_map<std::uint64_t, NodeId> edges_;
    boost::unordered_flat_map<std::string, Segment, TextHash, std::equal_to<>> segments_;
    std::vector<SegmentId> free_segments_;
    SegmentId next_segment_ = 0;
    boost::unordered_flat_map<Place, std::uint32_t, boost::hash<Place>> positions_;
    std::size_t size_ = 0;
};

template <class T>
template <class Visitor>
std::size_t TopicIndex<T>::match(std::string_view topic, Visitor&& visit) const {
    if (size_ == 0) {
        return 0;
    }
    struct Level {
        const char* text;
        std::size_t size;
        SegmentId segment;  ///< Of the text, from when it is first asked for.
    };
    // Levels beyond kTopicLevelsMax can only be matched by `#`, so that their texts do not matter.
    std::array<Level, kTopicLevelsMax> split;
    std::size_t levels = 0;
    for (TopicLevels rest{topic}; !rest.done() && levels <= kTopicLevelsMax; ++levels) {
        const auto text = rest.next();
        if (levels < kTopicLevelsMax) {
            split[levels] = {text.data(), text.size(), kUnread};
        }
    }
    const auto segment_at = [&](std::size_t depth) {
        Level& level = split[depth];
        if (level.segment == kUnread) {
            level.segment = find_segment({level.text, level.size});
        }
        return level.segment;
    };
    const bool reserved = starts_reserved(topic);

    struct Step {
        NodeId node;
        std::uint32_t depth;
    };
    // A step adds at most two deeper ones in its place, so that a path's depth bounds the stack.
    std::array<Step, kTopicLevelsMax + 2> stack;
    std::size_t waiting = 0;
    stack[waiting++] = {kRoot, 0};
    std::size_t looked_at = 0;
    while (waiting != 0) {
        const auto [id, depth] = stack[--waiting];
        ++looked_at;
        const Node& node = nodes_[id];
        const bool wildcards = depth != 0 || !reserved;
        if (wildcards) {
            visit_values(node.rest[static_cast<std::size_t>(TopicProfile::mqtt)], visit);
            if (depth < levels) {
                visit_values(node.rest[static_cast<std::size_t>(TopicProfile::aws)], visit);
            }
        }
        if (depth == levels) {
            visit_values(id, visit);
            continue;
        }
        if (depth == kTopicLevelsMax) {
            continue;
        }
        if (wildcards && node.plus != kNone) {
            stack[waiting++] = {node.plus, depth + 1};
        }
        const NodeId child = node.literals == 0 ? kNone : find_edge(id, segment_at(depth));
        if (child != kNone) {
            stack[waiting++] = {child, depth + 1};
        }
    }
    return looked_at;
}

template <class T>
bool TopicIndex<T>::insert(std::string_view filter, T value, TopicProfile profile) {
    if (static_cast<std::size_t>(std::ranges::count(filter, '/')) >= kTopicLevelsMax) {
        return false;
    }
    for (const auto other : {TopicProfile::mqtt, TopicProfile::aws}) {
        const NodeId there = find_node(filter, other);
        if (there != kNone && find_value(there, value) != kNone) {
            return false;
        }
    }
    const NodeId id = make_node(filter, profile);
    auto& values = nodes_[id].values;
    values.push_back(value);
    if (values.size() == kScanMax + 1) {
        for (std::size_t i = 0; i < values.size(); ++i) {
            positions_.emplace(Place{id, values[i]}, static_cast<std::uint32_t>(i));
        }
    } else if (values.size() > kScanMax) {
        positions_.emplace(Place{id, value}, static_cast<std::uint32_t>(values.size() - 1));
    }
    ++size_;
    return true;
}

template <class T>
bool TopicIndex<T>::erase(std::string_view filter, T value) {
    for (const auto profile : {TopicProfile::mqtt, TopicProfile::aws}) {
        const NodeId id = find_node(filter, profile);
        if (id != kNone && erase_from(id, filter, value)) {
            return true;
        }
    }
    return false;
}

template <class T>
std::size_t TopicIndex<T>::footprint() const noexcept {
    std::size_t bytes = nodes_.capacity() * sizeof(Node) + free_nodes_.capacity() * sizeof(NodeId) +
                        edges_.bucket_count() * (sizeof(std::uint64_t) + sizeof(NodeId) + 1) +
                        segments_.bucket_count() * (sizeof(std::string) + sizeof(Segment) + 1) +
                        free_segments_.capacity() * sizeof(SegmentId) +
                        positions_.bucket_count() * (sizeof(Place) + sizeof(std::uint32_t) + 1);
    for (const Node& node : nodes_) {
        bytes += node.values.capacity() * sizeof(T);
    }
    for (const auto& [text, segment] : segments_) {
        bytes += text.capacity() > std::string{}.capacity() ? text.capacity() : 0;
    }
    return bytes;
}

template <class T>
auto TopicIndex<T>::find_node(std::string_view filter, TopicProfile profile) const -> NodeId {
    NodeId id = kRoot;
    for (TopicLevels levels{filter}; !levels.done() && id != kNone;) {
        const auto text = levels.next();
        if (text == "+") {
            id = nodes_[id].plus;
        } else if (text == "#" && levels.done()) {
            id = nodes_[id].rest[static_cast<std::size_t>(profile)];
        } else {
            id = find_edge(id, find_segment(text));
        }
    }
    return id;
}

template <class T>
auto TopicIndex<T>::make_node(std::string_view filter, TopicProfile profile) -> NodeId {
    NodeId id = kRoot;
    for (TopicLevels levels{filter}; !levels.done();) {
        const auto text = levels.next();
        NodeId child = kNone;
        if (text == "+") {
            child = nodes_[id].plus;
            if (child == kNone) {
                child = make_child(id);
                nodes_[id].plus = child;
            }
        } else if (text == "#" && levels.done()) {
            const auto slot = static_cast<std::size_t>(profile);
            child = nodes_[id].rest[slot];
            if (child == kNone) {
                child = make_child(id);
                nodes_[id].rest[slot] = child;
            }
        } else {
            child = find_edge(id, find_segment(text));
            if (child == kNone) {
                child = make_literal_child(id, text);
            }
        }
        id = child;
    }
    return id;
}

template <class T>
auto TopicIndex<T>::make_child(NodeId parent) -> NodeId {
    NodeId id = 0;
    if (free_nodes_.empty()) {
        id = static_cast<NodeId>(nodes_.size());
        nodes_.emplace_back();
    } else {
        id = free_nodes_.back();
        free_nodes_.pop_back();
    }
    nodes_[id].parent = parent;
    return id;
}

template <class T>
auto TopicIndex<T>::make_literal_child(NodeId parent, std::string_view text) -> NodeId {
    auto found = segments_.find(text);
    if (found == segments_.end()) {
        SegmentId id = 0;
        if (free_segments_.empty()) {
            id = next_segment_++;
        } else {
            id = free_segments_.back();
            free_segments_.pop_back();
        }
        found = segments_.emplace(std::string{text}, Segment{id, 0}).first;
    }
    ++found->second.references;
    const NodeId child = make_child(parent);
    nodes_[child].segment = found->second.id;
    ++nodes_[parent].literals;
    edges_.emplace(edge_key(parent, found->second.id), child);
    return child;
}

template <class T>
std::size_t TopicIndex<T>::find_value(NodeId node, const T& value) const {
    const auto& values = nodes_[node].values;
    if (values.size() > kScanMax) {
        const auto found = positions_.find(Place{node, value});
        return found == positions_.end() ? kNone : found->second;
    }
    const auto found = std::ranges::find(values, value);
    return found == values.end() ? kNone : static_cast<std::size_t>(found - values.begin());
}

template <class T>
bool TopicIndex<T>::erase_from(NodeId node, std::string_view filter, const T& value) {
    const std::size_t at = find_value(node, value);
    if (at == kNone) {
        return false;
    }
    auto& values = nodes_[node].values;
    if (values.size() > kScanMax) {
        positions_.erase(Place{node, values[at]});
        if (at + 1 != values.size()) {
            positions_.find(Place{node, values.back()})->second = static_cast<std::uint32_t>(at);
        }
    }
    values[at] = values.back();
    values.pop_back();
    if (values.size() == kScanMax) {
        for (const T& left : values) {
            positions_.erase(Place{node, left});
        }
    }
    --size_;
    prune(node, filter);
    return true;
}

/// Removes `node` and its ancestors as long as nothing hangs on them; walks `filter` from its end
/// for the texts.
template <class T>
void TopicIndex<T>::prune(NodeId node, std::string_view filter) {
    while (node != kRoot) {
        const Node& spent = nodes_[node];
        if (!spent.values.empty() || spent.plus != kNone || spent.literals != 0 ||
            spent.rest != std::array{kNone, kNone}) {
            return;
        }
        const NodeId parent_id = spent.parent;
        const SegmentId segment = spent.segment;
        const auto slash = filter.rfind('/');
        const auto text = slash == std::string_view::npos ? filter : filter.substr(slash + 1);
        Node& parent = nodes_[parent_id];
        if (segment != kNone) {
            edges_.erase(edge_key(parent_id, segment));
            --parent.literals;
            const auto found = segments_.find(text);
            if (--found->second.references == 0) {
                free_segments_.push_back(segment);
                segments_.erase(found);
            }
        } else if (parent.plus == node) {
            parent.plus = kNone;
        } else {
            parent.rest[parent.rest[0] == node ? 0 : 1] = kNone;
        }
        nodes_[node] = Node{};
        free_nodes_.push_back(node);
        node = parent_id;
        filter = filter.substr(0, slash == std::string_view::npos ? 0 : slash);
    }
}

}  // namespace weir
