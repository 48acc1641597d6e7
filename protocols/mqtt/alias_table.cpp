#include <weir/mqtt/alias_table.hpp>

namespace weir::mqtt {

Result<void> AliasTable::resolve(Publish& publish, std::uint16_t maximum) noexcept {
    const std::size_t alias = publish.topic_alias;
    if (alias > maximum) {
        return errc::topic_alias_invalid;
    }
    if (!publish.topic.empty()) {
        if (topics_.size() < alias) {
            topics_.resize(alias);
        }
        topics_[alias - 1] = publish.topic;
        return {};
    }
    if (topics_.size() < alias || topics_[alias - 1].empty()) {
        return errc::protocol_error;
    }
    publish.topic = topics_[alias - 1];
    return {};
}

std::size_t AliasTable::footprint() const noexcept {
    std::size_t bytes = topics_.capacity() * sizeof(std::string);
    for (const std::string& topic : topics_) {
        bytes += topic.capacity();
    }
    return bytes;
}

AliasGiver::Use AliasGiver::use_for(std::string_view topic, std::uint16_t maximum) const noexcept {
    if (topic.size() < kTopicBytesMin) {
        return {};
    }
    for (std::size_t i = 0; i < topics_.size(); ++i) {
        if (topics_[i] == topic) {
            return {.alias = static_cast<std::uint16_t>(i + 1)};
        }
    }
    if (topics_.size() >= maximum) {
        return {};
    }
    return {.alias = static_cast<std::uint16_t>(topics_.size() + 1), .is_new = true};
}

}  // namespace weir::mqtt
