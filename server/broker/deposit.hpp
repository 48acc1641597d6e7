/// What a message writes on one shard.
#pragma once

#include <cstdint>
#include <vector>

#include <weir/broker/journal.hpp>
#include <weir/broker/receipts.hpp>
#include <weir/model/message.hpp>
#include <weir/storage/batch.hpp>

namespace weir::broker {

/// What comes with a message to another shard.
struct Slip {
    storage::MessageId id{};    ///< Of the message in the store, the same on all shards.
    std::uint32_t receipt = 0;  ///< Of the publisher, whose share is to be given back; 0: none.
    std::uint16_t shard = 0;    ///< The publisher's.
    std::uint8_t tries : 4 = 0;     ///< Members of a shared group that may still be asked.
    std::uint8_t attempts : 4 = 0;  ///< As in Copy.
    bool gathers = false;       ///< As in Share.

    [[nodiscard]] Share share() const noexcept { return {receipt, shard, gathers}; }
    [[nodiscard]] Creditor creditor() const noexcept {
        return {.token = {}, .upstream = share(), .gathers = gathers};
    }
};

/// Filled while a message is offered to the sessions of a shard, then given to Broker::commit. What the publish writes besides goes into
/// the same batch. @cost No allocation while nothing is to be stored.
class Deposit {
public:
    explicit Deposit(Journal& journal, const Creditor& creditor = {}) noexcept
        : journal_{journal}, creditor_{creditor} {}

    /// A publish begins, perhaps of several messages.
    void begin(AckToken token) noexcept {
        batch = {};
        entries.clear();
        done = {};
        creditor_ = {.token = token};
        receipt_ = 0;
    }
    /// What all shards store for it is to become durable at once. Before the first slip.
    void gather() noexcept { creditor_.gathers = true; }
    /// What follows is about this message. @param id  What another shard calls it in the store; none: it has no name yet.
    void next(const model::Message& message, storage::MessageId id = {}) noexcept {
        message_ = &message;
        id_ = id;
        is_kept_ = false;
    }

    /// The message's name in the store; it gets one when first asked.
    [[nodiscard]] storage::MessageId id() noexcept;
    /// Puts the message into a queue.
    void enqueue(storage::SessionId session, std::uint64_t sequence, storage::QueueEntry entry);
    /// For another shard, which holds a share of the acknowledgement from now on.
    [[nodiscard]] Slip slip(Receipts& receipts, unsigned self);

    [[nodiscard]] const Creditor& creditor() const noexcept { return creditor_; }
    /// 0: no other shard holds a share.
    [[nodiscard]] std::uint32_t receipt() const noexcept { return receipt_; }

    storage::Batch batch;
    std::vector<JournalEntry> entries;
    Journal::Done done;  ///< Told here what became of the batch, if there is one.

private:
    Journal& journal_;
    Creditor creditor_;
    std::uint32_t receipt_ = 0;
    const model::Message* message_ = nullptr;
    storage::MessageId id_{};
    bool is_kept_ = false;
};

}  // namespace weir::broker
