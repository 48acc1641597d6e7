#include <weir/broker/journal.hpp>

#include <utility>

namespace weir::broker {
namespace {

constexpr std::size_t kOpenBytesMax = 1024 * 1024;

}  // namespace

storage::Batch& Journal::open() {
    if (opened_batch_.bytes() > kOpenBytesMax) {
        flush();
    }
    if (opened_batch_.empty()) {
        post_([this] { flush(); });
    }
    return opened_batch_;
}

void Journal::flush() {
    if (!opened_batch_.empty()) {
        submit(std::exchange(opened_batch_, {}), std::exchange(opened_, {}));
    }
}

void Journal::submit(storage::Batch&& batch, Commit commit) {
    flush();  // What was noted before becomes durable before, and is told before.
    waiting_.push_back({std::move(commit), true});
    store_.submit(std::move(batch), [this](const Result<storage::CommitInfo>& outcome) {
        committed(outcome.has_value());
    });
}

void Journal::after(Done done) {
    flush();
    if (!done) {
        return;
    }
    if (waiting_.empty()) {
        done(true);
    } else {
        waiting_.push_back({{.done = std::move(done)}, false});
    }
}

void Journal::committed(bool stored) {
    const bool first = outcomes_.with([stored](std::vector<bool>& outcomes) {
        outcomes.push_back(stored);
        return outcomes.size() == 1;
    });
    if (first) {
        post_([this] { deliver(); });
    }
}

void Journal::deliver() {
    delivering_.clear();
    outcomes_.with([this](std::vector<bool>& outcomes) { delivering_.swap(outcomes); });
    const auto next = [this] {
        Waiting first = std::move(waiting_.front());
        waiting_.pop_front();
        return first;
    };
    for (const bool stored : delivering_) {
        run(next().commit, stored);
        while (!waiting_.empty() && !waiting_.front().is_batch) {
            run(next().commit, stored);
        }
    }
}

void Journal::run(Commit commit, bool stored) {
    if (listener_ != nullptr) {
        listener_->on_commit(commit, stored);
    }
    if (commit.done) {
        commit.done(stored);
    }
}

void Journal::read_queue(
    storage::SessionId session, std::uint64_t from, storage::ReadLimit limit, QueueDone done
) {
    ++reads_;
    after([this, session, from, limit, done = std::move(done)](bool /*stored*/) mutable {
        store_.async_read_queue(
            session,
            from,
            limit,
            [this, done = std::move(done)](Result<std::vector<storage::QueuedMessage>> page
            ) mutable {
                struct Read {
                    QueueDone done;
                    Result<std::vector<storage::QueuedMessage>> page;
                };
                post_([this, read = std::make_unique<Read>(std::move(done), std::move(page))] {
                    --reads_;
                    read->done(std::move(read->page));
                });
            }
        );
    });
}

}  // namespace weir::broker
