#include <weir/pipeline/rule_state.hpp>

#include <algorithm>
#include <utility>

#include <weir/base/hash.hpp>

namespace weir::pipeline {
namespace {

using rules::StateKey;
using rules::StateKind;

constexpr std::uint8_t kVersion = 1;
constexpr std::array<char, rules::kStateKinds> kLetters = {'v', 's'};  // By StateKind.
/// Node, hash entry and allocator, about.
constexpr std::uint64_t kEntryOverhead = 160;
constexpr std::size_t kForgottenAtOnceMax = 1'000;

/// rules/state/RULE NUL letter KEY. A rule's name is that of a file: it has no NUL.
[[nodiscard]] std::string stored_key(std::string_view rule, StateKind kind, std::string_view key) {
    std::string out{RuleState::kPrefix};
    out.append(rule).push_back('\0');
    out.push_back(kLetters[static_cast<std::size_t>(kind)]);
    return out.append(key);
}

[[nodiscard]] std::uint64_t cost(std::string_view key, std::string_view record) noexcept {
    return key.size() + record.size() + kEntryOverhead;
}

/// The time when it was written, then the record.
[[nodiscard]] Bytes body_of(std::string_view record, std::int64_t time_ms) {
    Bytes body;
    append_be(body, static_cast<std::uint64_t>(time_ms));
    append(body, record);
    return body;
}

[[nodiscard]] std::uint64_t part_of(std::uint64_t limit, unsigned shards) noexcept {
    return limit / shards + (limit % shards == 0 ? 0 : 1);
}

}  // namespace

unsigned RuleState::owner_of(
    std::string_view rule, std::string_view key, unsigned shards
) noexcept {
    constexpr std::uint64_t kSlots = 4096;
    if (shards == 1) {
        return 0;
    }
    const std::uint64_t mixed = hash_stable(rule) * 31 + hash_stable(key);
    return static_cast<unsigned>(mixed % kSlots % shards);
}

std::optional<StateKey> RuleState::parse_stored_key(std::string_view stored_key) {
    if (!stored_key.starts_with(kPrefix)) {
        return std::nullopt;
    }
    stored_key.remove_prefix(kPrefix.size());
    const auto nul = stored_key.find('\0');
    if (nul == std::string_view::npos || nul + 1 == stored_key.size()) {
        return std::nullopt;
    }
    const auto* const letter = std::ranges::find(kLetters, stored_key[nul + 1]);
    if (letter == kLetters.end()) {
        return std::nullopt;
    }
    return StateKey{
        stored_key.substr(0, nul),
        static_cast<StateKind>(letter - kLetters.begin()),
        stored_key.substr(nul + 2)
    };
}

RuleState::Book* RuleState::find_book(std::string_view rule, StateKind kind) {
    const auto found = books_.find(rule);
    return found == books_.end() ? nullptr
                                 : &found->second.by_kind[static_cast<std::size_t>(kind)];
}

const RuleState::Book* RuleState::find_book(std::string_view rule, StateKind kind) const {
    return const_cast<RuleState*>(this)->find_book(rule, kind);  // NOLINT: it changes nothing.
}

void RuleState::use(const rules::RuleSet& rules, storage::Batch& batch) {
    for (auto books = books_.begin(); books != books_.end();) {
        const rules::Rule* const rule = rules.find(books->first);
        if (rule != nullptr && rule->definition().remembers()) {
            ++books;
            continue;
        }
        const std::string from = std::string{kPrefix} + books->first;
        batch.erase_range(storage::Family::meta, from + '\0', from + '\1');
        for (Book& book : books->second.by_kind) {
            while (!book.entries.empty()) {
                remove(book, book.entries.begin());
            }
        }
        books = books_.erase(books);
    }
    for (const rules::Rule& rule : rules.rules()) {
        const rules::RuleDefinition& definition = rule.definition();
        if (!definition.remembers()) {
            continue;
        }
        Books& books = books_[definition.name];
        const auto limit = [this](Book& book, const rules::StateLimits& limits) {
            book.limits = {
                .keys = part_of(limits.keys, shards_),
                .bytes = part_of(limits.bytes, shards_),
                .age = limits.age
            };
        };
        limit(books.by_kind[static_cast<std::size_t>(StateKind::values)], definition.state.limits);
        if (definition.deduplicate) {
            limit(
                books.by_kind[static_cast<std::size_t>(StateKind::seen)],
                definition.deduplicate->limits
            );
        }
        for (const auto kind : {StateKind::values, StateKind::seen}) {
            trim(rule.name(), kind, books.by_kind[static_cast<std::size_t>(kind)], batch);
        }
    }
}

bool RuleState::load(std::string_view stored, std::uint8_t version, ByteView body) {
    const auto key = parse_stored_key(stored);
    Book* const book = key ? find_book(key->rule, key->kind) : nullptr;
    constexpr std::size_t kTime = sizeof(std::uint64_t);
    if (book == nullptr || version != kVersion || body.size() < kTime ||
        book->limits.keys == 0) {
        return false;
    }
    const auto time_ms = static_cast<std::int64_t>(load_be<std::uint64_t>(body.data()));
    put(*book,
        {.key = std::string{key->key},
         .record = std::string{as_text(body.subspan(kTime))},
         .time_ms = time_ms,
         .stored_ms = time_ms});
    return true;
}

std::optional<ByteView> RuleState::find(const StateKey& key, std::int64_t since_ms) const {
    const Book* const book = find_book(key.rule, key.kind);
    if (book == nullptr) {
        return std::nullopt;
    }
    const auto found = book->by_key.find(key.key);
    if (found == book->by_key.end() || found->second->time_ms < since_ms) {
        return std::nullopt;
    }
    return as_bytes(found->second->record);
}

/// In the order of time: what comes out of the store comes by key.
void RuleState::put(Book& book, Entry entry) {
    const auto later = std::find_if(
        book.entries.rbegin(),
        book.entries.rend(),
        [&](const Entry& each) { return each.time_ms <= entry.time_ms; }
    );
    const std::uint64_t bytes = cost(entry.key, entry.record);
    const auto at = book.entries.insert(later.base(), std::move(entry));
    book.by_key.emplace(at->key, at);
    book.bytes += bytes;
    metrics_.keys.add(1);
    metrics_.bytes.add(static_cast<std::int64_t>(bytes));
}

void RuleState::remove(Book& book, Entries::iterator entry) {
    const std::uint64_t bytes = cost(entry->key, entry->record);
    book.by_key.erase(entry->key);
    book.entries.erase(entry);
    book.bytes -= bytes;
    metrics_.keys.add(-1);
    metrics_.bytes.add(-static_cast<std::int64_t>(bytes));
}

std::uint64_t RuleState::apply(const std::vector<Write>& writes, storage::Batch& batch) {
    ++number_;
    for (const Write& each : writes) {
        Book* const book = find_book(each.rule, each.kind);
        if (book != nullptr) {  // Else a reload took the rule away in between.
            write(each, *book, batch);
            trim(each.rule, each.kind, *book, batch);
        }
    }
    return number_;
}

/// The store is not written to only because time went on: its own time of a record lags behind by an eighth of the age.
void RuleState::write(const Write& write, Book& book, storage::Batch& batch) {
    const auto known = book.by_key.find(write.key);
    Change change{number_, write.kind, write.rule, write.key, std::nullopt};
    Entry entry{write.key, write.record, write.time_ms, write.time_ms};
    bool is_stored = false;
    if (known != book.by_key.end()) {
        change.before = *known->second;
        is_stored = change.before->record == write.record &&
                    write.time_ms - change.before->stored_ms < book.limits.age.count() / 8;
        if (is_stored) {
            entry.stored_ms = change.before->stored_ms;
        }
        remove(book, known->second);
    }
    put(book, std::move(entry));
    if (!is_stored) {
        batch.put(
            storage::Family::meta,
            stored_key(write.rule, write.kind, write.key),
            kVersion,
            body_of(write.record, write.time_ms)
        );
        changes_.push_back(std::move(change));
    }
}

void RuleState::trim(
    std::string_view rule, StateKind kind, Book& book, storage::Batch& batch
) {
    while (!book.entries.empty() && (book.by_key.size() > book.limits.keys || book.bytes > book.limits.bytes)) {
        const auto oldest = book.entries.begin();
        batch.erase(storage::Family::meta, stored_key(rule, kind, oldest->key));
        remove(book, oldest);
        metrics_.evicted.add();
    }
}

void RuleState::settled(std::uint64_t number, bool stored) {
    while (!changes_.empty() && changes_.front().number <= number) {
        Change change = std::move(changes_.front());
        changes_.pop_front();
        if (!stored) {
            take_back(change);
        }
    }
}

/// A later write of the same key stands; if that one is refused as well, it goes back to what was before this one.
void RuleState::take_back(Change& change) {
    const auto same = [&](const Change& other) {
        return other.kind == change.kind && other.rule == change.rule && other.key == change.key;
    };
    if (const auto later = std::ranges::find_if(changes_, same); later != changes_.end()) {
        later->before = std::move(change.before);
        return;
    }
    Book* const book = find_book(change.rule, change.kind);
    if (book == nullptr) {
        return;
    }
    if (const auto found = book->by_key.find(change.key); found != book->by_key.end()) {
        remove(*book, found->second);
    }
    if (change.before) {
        put(*book, std::move(*change.before));
    }
}

void RuleState::forget_old(std::int64_t now_ms, storage::Batch& batch) {
    std::size_t left = kForgottenAtOnceMax;
    for (auto& [rule, books] : books_) {
        for (const auto kind : {StateKind::values, StateKind::seen}) {
            Book& book = books.by_kind[static_cast<std::size_t>(kind)];
            while (left > 0 && !book.entries.empty() &&
                   book.entries.front().time_ms < now_ms - book.limits.age.count()) {
                batch.erase(
                    storage::Family::meta, stored_key(rule, kind, book.entries.front().key)
                );
                remove(book, book.entries.begin());
                --left;
            }
        }
    }
}

}  // namespace weir::pipeline
