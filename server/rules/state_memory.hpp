/// A memory of rules without limits, for trying rules out.
#pragma once

#include <map>
#include <string>
#include <tuple>

#include <weir/rules/state.hpp>

namespace weir::rules {

/// What is written holds at once.
class StateMemory final : public StateView {
public:
    [[nodiscard]] bool is_here(std::string_view, std::string_view) override { return true; }
    [[nodiscard]] std::optional<ByteView> find(const StateKey& key, std::int64_t since_ms) override {
        const auto found = entries_.find(place(key));
        const bool known = found != entries_.end() && found->second.time_ms >= since_ms;
        return known ? std::optional{as_bytes(found->second.record)} : std::nullopt;
    }
    void write(const StateKey& key, ByteView record, std::int64_t time_ms) override {
        entries_[place(key)] = {std::string{as_text(record)}, time_ms};
    }
    void clear() { entries_.clear(); }

private:
    using Place = std::tuple<std::string, StateKind, std::string>;
    struct Entry {
        std::string record;
        std::int64_t time_ms;
    };

    [[nodiscard]] static Place place(const StateKey& key) {
        return {std::string{key.rule}, key.kind, std::string{key.key}};
    }

    std::map<Place, Entry> entries_;
};

}  // namespace weir::rules
