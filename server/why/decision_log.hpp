/// The last decisions about each device, in memory.
#pragma once

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <weir/base/clock.hpp>
#include <weir/model/reason.hpp>

namespace weir::why {

/// One decision as it is told to people.
struct Decision {
    WallTime first{0};
    WallTime last{0};
    std::uint32_t count = 0;
    model::Action action{};
    model::Reason reason{};
    std::string topic;     ///< Cut at 43 bytes.
    model::Source source;  ///< Where it was decided; empty file: built in.
};

/// Belongs to one shard and is called there only.
class DecisionLog {
public:
    static constexpr std::size_t kRecordsPerDevice = 128;

    /// @param bytes_max  Bound on the rings' memory; at least one ring is always kept.
    explicit DecisionLog(std::size_t bytes_max);

    /// @param device  Name of the thing; the client id where no thing is known.
    /// @param topic   Topic or filter that the decision was about; may be empty.
    /// @cost          No allocation but for a device's first record and a source not seen before.
    void record(
        std::string_view device,
        model::Action action,
        model::Reason reason,
        WallTime now,
        std::string_view topic = {},
        const model::Source* source = nullptr
    );

    /// The records of a device, oldest first; empty if there are none.
    [[nodiscard]] std::vector<Decision> of(std::string_view device) const;

    [[nodiscard]] std::size_t devices() const noexcept { return rings_.size(); }

private:
    struct Record {
        std::int64_t first_ms;
        std::uint32_t duration_ms;
        std::uint32_t count;
        std::uint16_t source;
        std::uint8_t topic_size;
        model::Action action;
        model::Reason reason;
        std::array<char, 43> topic;
    };
    static_assert(sizeof(Record) == 64);

    struct Ring {
        std::string device;
        std::array<Record, kRecordsPerDevice> records;
        std::size_t next = 0;
        std::size_t used = 0;
    };
    using Rings = std::list<std::unique_ptr<Ring>>;  // Most recently written first.

    Ring& ring_of(std::string_view device);
    std::uint16_t intern(const model::Source* source);

    std::size_t rings_max_;
    Rings rings_;
    boost::unordered_flat_map<std::string_view, Rings::iterator>
        by_device_;                       // Keys point into the rings.
    std::vector<model::Source> sources_;  // [0] is "built in".
};

}  // namespace weir::why
