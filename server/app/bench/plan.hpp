/// Who publishes and subscribes to what.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <weir/bench/options.hpp>

namespace weir::bench {

/// What a scenario comes to. Immutable; read by all threads.
class Plan {
public:
    struct Counts {
        std::uint32_t publishers = 0;
        std::uint32_t subscribers = 0;
        std::uint32_t idle = 0;
    };

    explicit Plan(const Options& options);

    [[nodiscard]] static Counts counts_of(const Options& options) noexcept;
    [[nodiscard]] const Counts& counts() const noexcept { return counts_; }
    [[nodiscard]] std::uint32_t clients() const noexcept {
        return counts_.publishers + counts_.subscribers + counts_.idle;
    }
    /// How many subscribers get each message.
    [[nodiscard]] std::uint32_t copies() const noexcept { return copies_; }
    /// True if a subscriber gets each message of the publishers that it hears.
    [[nodiscard]] bool whole_flows() const noexcept { return whole_flows_; }

    /// One, or many to choose from for each message.
    [[nodiscard]] std::span<const std::string> topics_of(std::uint32_t publisher) const noexcept;
    /// Different filters of one subscriber: filter(subscriber, 0) and on.
    [[nodiscard]] std::uint32_t filters_of_each() const noexcept { return filters_of_each_; }
    [[nodiscard]] std::string filter(std::uint32_t subscriber, std::uint32_t number) const;

    /// Flows that a subscriber tells apart.
    [[nodiscard]] std::size_t flows() const noexcept {
        return has_pairs_ ? 1 : std::size_t{counts_.publishers};
    }
    [[nodiscard]] std::size_t flow_of(std::uint32_t publisher) const noexcept {
        return has_pairs_ ? 0 : publisher;
    }

private:
    Counts counts_;
    std::uint32_t copies_ = 1;
    std::uint32_t filters_of_each_ = 1;
    std::uint32_t sites_;
    bool has_pairs_;
    bool whole_flows_ = true;
    bool any_topic_ = false;  ///< Each publisher uses all topics.
    Scenario scenario_;
    std::string prefix_;
    std::string share_;
    std::vector<std::string> topics_;
};

}  // namespace weir::bench
