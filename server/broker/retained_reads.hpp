/// Subscriptions whose retained messages are being read.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <memory>
#include <string>

#include <weir/base/hash.hpp>
#include <weir/broker/session.hpp>

namespace weir::broker {

/// Each subscription is read once at a time, page by page: a SUBSCRIBE that comes meanwhile and asks for retained messages too
/// has them read again when that has ended, and several such SUBSCRIBEs have them read again once. [MQTT5-3.3.1-9]
///
/// A message that is published with RETAIN while a subscription is read may reach it twice: live, and read from the shard
/// that keeps it. Here stands what came which way, so that the second copy is left out, and nothing older follows something
/// newer. Belongs to one shard and is called there only. All of it takes constant time, however many are read.
class RetainedReads {
public:
    enum class Id : std::uint32_t { none = 0 };

    /// What one SUBSCRIBE asked for.
    struct Ticket {
        Id read = Id::none;
        std::uint64_t since = 0;  ///< What comes live from here on need not be handed out.
    };

    class Read {
    public:
        explicit Read(Subscription& of) noexcept : subscription{of} {}

        Subscription& subscription;
        // The page that is read next.
        unsigned shard = 0;
        unsigned shards_left = 0;  ///< That one too.
        std::string after;         ///< As RetainedStore::collect takes it.

        /// A live copy of something handed out may still be on its way.
        [[nodiscard]] bool has_handed_out() const noexcept { return !handed_out_.empty(); }

    private:
        friend class RetainedReads;
        template <class Value>
        using ByTopic = boost::unordered_flat_map<std::string, Value, TextHash, std::equal_to<>>;

        std::uint32_t asked_ = 0;  // SUBSCRIBEs that wait for their answer.
        bool is_running_ = false;
        bool goes_again_ = false;
        std::uint64_t since_ = 0;
        std::uint64_t since_next_ = 0;
        ByTopic<std::uint64_t> live_;  // When a message of the topic came last.
        ByTopic<model::MessagePtr> handed_out_;
    };

    /// A SUBSCRIBE asks: before the first live message can reach the subscription. Followed by start() or drop(), unless the
    /// subscription ends before.
    [[nodiscard]] Ticket ask(Subscription& subscription);
    /// The SUBSCRIBE is answered.
    /// @return True if reading is to begin. False: the subscription is being read, and goes again; or it is no more.
    [[nodiscard]] bool start(const Ticket& ticket);
    /// The SUBSCRIBE failed.
    void drop(const Ticket& ticket);
    /// All was read, and no live copy of it is on its way. @return True if it is to be read again.
    [[nodiscard]] bool end(Id id);
    /// The subscription ends.
    void forget(Subscription& subscription) noexcept;

    /// Null: the subscription is no more. Valid until end() or forget().
    [[nodiscard]] Read* find(Id id) noexcept;
    /// A live message with RETAIN, for a subscription that is read. @return False if it has been handed out as retained.
    [[nodiscard]] bool meet(const Subscription& subscription, const model::MessagePtr& message);
    /// A retained message. @return False if a live one of its topic has come since it was asked for.
    [[nodiscard]] bool hand_out(Read& read, const model::MessagePtr& message);

private:
    static void begin(Read& read);
    void forget_if_idle(Id id);

    boost::unordered_flat_map<std::uint32_t, std::unique_ptr<Read>> reads_;
    std::uint32_t last_id_ = 0;
    std::uint64_t now_ = 0;  // Counts what asks and what comes.
};

}  // namespace weir::broker
