/// What rules remember of earlier messages, as far as this shard keeps it.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <array>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <weir/base/counters.hpp>
#include <weir/base/hash.hpp>
#include <weir/rules/rule_set.hpp>
#include <weir/rules/state.hpp>
#include <weir/storage/batch.hpp>

namespace weir::pipeline {

/// Readable from anywhere.
struct RuleStateMetrics {
    Gauge keys;
    Gauge bytes;      ///< Keys, records, and what it costs to find them.
    Counter evicted;  ///< Over a rule's limit of keys or bytes: the oldest.
};

/// In memory as a whole, and in the store, where a message's changes are in the batch of its effects. A shard keeps the
/// keys that owner_of() gives it. Called on its shard only, but for the metrics.
class RuleState {
public:
    /// @param shards  Each keeps its part of a rule's limits.
    explicit RuleState(unsigned shards) : shards_{shards} {}

    [[nodiscard]] static unsigned owner_of(
        std::string_view rule, std::string_view key, unsigned shards
    ) noexcept;
    [[nodiscard]] static unsigned owner_of(const rules::StateKey& key, unsigned shards) noexcept {
        return owner_of(key.rule, rules::spread_key(key), shards);
    }

    /// What a message wants remembered; takes the place of an earlier write of the same message.
    struct Write {
        std::string rule;
        rules::StateKind kind;
        std::string key;
        std::string record;
        std::int64_t time_ms;
    };

    /// New rules: forgets those that are gone or remember nothing any more, here and in the store.
    void use(const rules::RuleSet& rules, storage::Batch& batch);
    /// One record out of the store, at start, after use().
    /// @return False: no rule wants it.
    bool load(std::string_view stored_key, std::uint8_t version, ByteView body);
    /// The key of a stored record, without where it is stored; nothing: it is no such record.
    [[nodiscard]] static std::optional<rules::StateKey> parse_stored_key(std::string_view stored_key);
    /// Where all records are, in Family::meta.
    static constexpr std::string_view kPrefix = "rules/state/";

    [[nodiscard]] std::optional<ByteView> find(const rules::StateKey& key, std::int64_t since_ms) const;

    /// Makes it so, in memory and in the batch. Nothing changes for no writes.
    /// @return A number for settled().
    [[nodiscard]] std::uint64_t apply(const std::vector<Write>& writes, storage::Batch& batch);
    /// The batch of that number was committed, or refused: then what it wrote is taken back. In the order of apply().
    void settled(std::uint64_t number, bool stored);

    /// Once a second: forgets what is too old, a bounded number at a time.
    void forget_old(std::int64_t now_ms, storage::Batch& batch);

    [[nodiscard]] const RuleStateMetrics& metrics() const noexcept { return metrics_; }

private:
    struct Entry {
        std::string key;
        std::string record;
        std::int64_t time_ms;
        std::int64_t stored_ms;  ///< The time that the store has.
    };
    using Entries = std::list<Entry>;
    /// One rule's memory of one kind.
    struct Book {
        rules::StateLimits limits;  ///< This shard's part.
        Entries entries;            ///< What was written longest ago first.
        boost::unordered_flat_map<std::string_view, Entries::iterator, TextHash, std::equal_to<>>
            by_key;
        std::uint64_t bytes = 0;
    };
    struct Books {
        std::array<Book, rules::kStateKinds> by_kind;
    };
    /// What the entry was before a write that is not settled yet.
    struct Change {
        std::uint64_t number;
        rules::StateKind kind;
        std::string rule;
        std::string key;
        std::optional<Entry> before;
    };

    [[nodiscard]] Book* find_book(std::string_view rule, rules::StateKind kind);
    [[nodiscard]] const Book* find_book(std::string_view rule, rules::StateKind kind) const;
    void put(Book& book, Entry entry);
    void remove(Book& book, Entries::iterator entry);
    void write(const Write& write, Book& book, storage::Batch& batch);
    void trim(std::string_view rule, rules::StateKind kind, Book& book, storage::Batch& batch);
    void take_back(Change& change);

    const unsigned shards_;
    std::map<std::string, Books, std::less<>> books_;
    std::deque<Change> changes_;
    std::uint64_t number_ = 0;
    RuleStateMetrics metrics_;
};

}  // namespace weir::pipeline
