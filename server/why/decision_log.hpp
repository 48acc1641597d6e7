/// The last decisions about each device, in memory.
#pragma once

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <concepts>
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
    std::string topic;      ///< Cut at 43 bytes.
    model::Source source;   ///< Where it was decided; empty file: built in.
    std::string detail;     ///< What the reason leaves open; cut at 50 bytes; may be empty.
    std::string peer;       ///< Address of the last peer it fell on; empty: none is known.
    bool is_claim = false;  ///< The peer only claimed the name: it may be anybody.
};

/// Whom a decision is about.
struct Who {
    /// @param thing     Name of the device; the client id or the address where no device is known.
    /// @param claimed   Nothing proves that the peer is the one of this name.
    template <std::convertible_to<std::string_view> Name>
    Who(const Name& thing, bool claimed = false) : name{thing}, is_claim{claimed} {}

    std::string_view name;
    bool is_claim;
};

/// What may be known of a decision besides.
struct Particulars {
    std::string_view detail = {};  ///< Text of anybody: kept as `printable` has it.
    std::string_view peer = {};    ///< An IP address in text, also in brackets; others are left out.
};

/// Belongs to one shard and is called there only.
///
/// What is recorded about peers that only claim a name is kept apart, in smaller rings within a quarter of the memory: who is
/// nobody pushes nothing out of what is kept about devices.
class DecisionLog {
public:
    static constexpr std::size_t kRecordsPerDevice = 64;
    static constexpr std::size_t kRecordsPerClaim = 16;
    /// Names are kept, and looked up, by so many of their first bytes.
    static constexpr std::size_t kNameBytesMax = 256;

    /// @param bytes_max  Bound on the rings' memory; at least one ring of each kind is always kept.
    explicit DecisionLog(std::size_t bytes_max);

    /// Equal decisions in a row about one name become one, of which the last peer is kept.
    /// @param topic  Topic or filter that the decision was about; may be empty.
    /// @cost         No allocation but for a detail, a name's first record and a source not seen before.
    void record(
        const Who& who,
        model::Action action,
        model::Reason reason,
        WallTime now,
        std::string_view topic = {},
        const model::Source* source = nullptr,
        const Particulars& particulars = {}
    );

    /// The records of a name, oldest first, with what was only claimed; empty if there are none.
    [[nodiscard]] std::vector<Decision> of(std::string_view name) const;

    /// How many devices have records.
    [[nodiscard]] std::size_t devices() const noexcept { return devices_.size(); }
    /// How many names have records of peers that only claimed them.
    [[nodiscard]] std::size_t claims() const noexcept { return claims_.size(); }

private:
    struct Record {
        std::int64_t first_ms;
        std::uint32_t duration_ms;
        std::uint32_t count;
        std::uint16_t source;
        std::uint8_t topic_size;
        std::uint8_t detail_size;
        model::Action action;
        model::Reason reason;
        bool has_peer;
        std::array<std::uint8_t, 16> peer;  ///< IPv6, or IPv4 mapped into it.
        std::array<char, 43> topic;
        std::array<char, 53> detail;

        [[nodiscard]] std::string_view topic_text() const noexcept {
            return {topic.data(), topic_size};
        }
        [[nodiscard]] std::string_view detail_text() const noexcept {
            return {detail.data(), detail_size};
        }
        /// The same decision again.
        [[nodiscard]] bool is_like(const Record& other) const noexcept;
    };
    static_assert(sizeof(Record) == 136);

    struct Ring {
        std::string name = {};
        std::unique_ptr<Record[]> records;
        std::size_t next = 0;
        std::size_t used = 0;
    };

    /// Rings of one size. When there are as many as may be, the name that was quiet for longest gives its ring up.
    class Shelf {
    public:
        Shelf(std::size_t bytes_max, std::size_t records);

        void add(std::string_view name, const Record& record);
        [[nodiscard]] std::size_t size() const noexcept { return rings_.size(); }
        /// Calls `visit(const Record&)`, oldest first.
        template <class Visit>
        void for_each(std::string_view name, Visit&& visit) const;

    private:
        using Rings = std::list<Ring>;  // Most recently written first.

        Ring& ring_of(std::string_view name);

        std::size_t records_;
        std::size_t rings_max_;
        Rings rings_;
        boost::unordered_flat_map<std::string_view, Rings::iterator>
            by_name_;  // Keys point into the rings.
    };

    std::uint16_t intern(const model::Source* source);
    [[nodiscard]] Decision decision_of(const Record& record, bool is_claim) const;

    Shelf devices_;
    Shelf claims_;
    std::vector<model::Source> sources_;  // [0] is "built in".
};

}  // namespace weir::why
