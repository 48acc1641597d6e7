#include <weir/broker/deposit.hpp>

#include <utility>

#include <weir/broker/durable_records.hpp>

namespace weir::broker {

storage::MessageId Deposit::id() noexcept {
    if (id_ == storage::MessageId{}) {
        id_ = journal_.new_message_id();
    }
    return id_;
}

void Deposit::enqueue(
    storage::SessionId session, std::uint64_t sequence, storage::QueueEntry entry
) {
    if (!std::exchange(is_kept_, true)) {
        batch.keep(id(), record_of(*message_));
    }
    batch.enqueue(session, sequence, std::move(entry));
}

Slip Deposit::slip(Receipts& receipts, unsigned self) {
    Slip slip;
    if (message_->qos() == model::Qos::at_most_once) {
        return slip;
    }
    slip.id = id();
    if (creditor_.waits()) {
        if (receipt_ == 0) {
            receipt_ = receipts.open(creditor_);
        }
        receipts.add_share(receipt_);
        slip.receipt = receipt_;
        slip.shard = static_cast<std::uint16_t>(self);
        slip.gathers = creditor_.gathers;
    }
    return slip;
}

}  // namespace weir::broker
