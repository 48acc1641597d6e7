/// Acknowledgements that wait for the disk, on one shard or several.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace weir::broker {

/// An acknowledgement that is owed once something is durable.
struct AckToken {
    std::uint64_t connection = 0;  ///< As its endpoint numbers connections on this shard; never used again. 0: nobody waits.
    std::uint64_t number = 0;      ///< The endpoint's own.
    std::uint16_t inbound_id = 0;  ///< Of a PUBLISH at QoS 2; else 0.
};

/// Implemented by the endpoints. Called on the shard.
class DurableListener {
public:
    virtual ~DurableListener() = default;
    /// @param stored  False: storage refused a part of it; the message was not accepted.
    virtual void on_durable(AckToken token, bool stored) noexcept = 0;
};

/// What one of the places that must keep a message holds of the publisher's acknowledgement.
struct Share {
    std::uint32_t receipt = 0;  ///< 0: nobody waits.
    std::uint16_t shard = 0;    ///< The publisher's.
    bool gathers = false;       ///< It comes back with what is to be stored: the publisher's shard does so.
};

/// Who is to be told.
struct Creditor {
    AckToken token = {};
    Share upstream = {};  ///< Of an acknowledgement that another shard owes; else the token's endpoint is told.
    /// What all shards store becomes durable at once: a publish at QoS 2 whose packet id is stored with its effects, or what is taken
    /// out of one queue and put into another.
    bool gathers = false;

    /// True if the shares that others hold are to come back.
    [[nodiscard]] bool waits() const noexcept { return is_told() || gathers; }
    [[nodiscard]] bool is_told() const noexcept {
        return token.connection != 0 || upstream.receipt != 0;
    }
};

/// The acknowledgements that wait on one shard. Called on that shard. @cost No allocation once the table has its size.
class Receipts {
public:
    struct Finished {
        Creditor creditor;
        bool stored;  ///< False: some share came back without.
    };

    /// @return A receipt with one share, the caller's own.
    [[nodiscard]] std::uint32_t open(const Creditor& creditor);
    void add_share(std::uint32_t receipt) noexcept { ++open_[receipt].shares; }
    /// @return What is to be told, if this was the last share.
    [[nodiscard]] std::optional<Finished> give_back(std::uint32_t receipt, bool stored) noexcept;

private:
    struct Open {
        Creditor creditor;
        std::uint32_t shares = 0;
        bool stored = true;
    };

    std::vector<Open> open_ = std::vector<Open>(1);  // The first is never used.
    std::vector<std::uint32_t> free_;
};

}  // namespace weir::broker
