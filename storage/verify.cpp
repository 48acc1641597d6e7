// Decodes every record of a store, and checks what they say about each other.
#include <boost/unordered/unordered_flat_map.hpp>

#include <weir/storage/detail/catalog.hpp>
#include <weir/storage/detail/keys.hpp>
#include <weir/storage/detail/rocks_engine.hpp>
#include <weir/storage/detail/session_keys.hpp>
#include <weir/storage/detail/verify.hpp>
#include <weir/storage/store.hpp>

namespace weir::storage {
namespace detail {
namespace {

using Check = Result<void> (*)(std::string_view key, ByteView value);

template <class Decoded>
Result<void> verdict(const Result<Decoded>& decoded) {
    return decoded ? Result<void>{} : Result<void>{decoded.error()};
}

Result<void> check_versioned(std::string_view /*key*/, ByteView value) {
    return value.empty() ? Result<void>{errc::malformed_record} : Result<void>{};
}

Result<void> check_stream(std::string_view key, ByteView value) {
    switch (key[0]) {
        case kHead:
            return verdict(decode_stream_head(value));
        case kRecord:
            return verdict(decode_stream_record(value));
        case kIndex:
            return verdict(decode_index_entry(LogKey::offset_of(key), value));
        default:
            return errc::malformed_record;
    }
}

Result<void> check_outbox(std::string_view key, ByteView value) {
    switch (key[0]) {
        case kHead:
            return verdict(decode_outbox_head(value));
        case kRecord:
            return verdict(decode_outbox_record(value));
        case kDead:
            return verdict(decode_dead_letter(value));
        default:
            return errc::malformed_record;
    }
}

Result<void> check_session(std::string_view key, ByteView value) {
    switch (key[0]) {
        case kSessionKind:
            return verdict(decode_session(value));
        case kFilterKind:
            return verdict(decode_subscription(value));
        case kWillKind:
            return verdict(decode_will(value));
        case kInboundKind:
            return check_versioned(key, value);
        default:
            return errc::malformed_record;
    }
}

Result<void> check_queue(std::string_view key, ByteView value) {
    switch (key[0]) {
        case kMessageKind:
            return verdict(decode_message(value));
        case kEntryKind:
            return verdict(decode_queue_entry(value));
        default:
            return errc::malformed_record;
    }
}

Result<void> check_retained(std::string_view /*key*/, ByteView value) {
    return verdict(decode_retained(value));
}

Result<void> check_usage(std::string_view key, ByteView value) {
    WEIR_CHECK(parse_usage_key(key));
    return verdict(decode_usage(value));
}

struct Row {
    Family family;
    std::string_view name;
    Check check;
};
constexpr std::array<Row, kFamilies> kRows = {{
    {Family::meta, "meta", check_versioned},
    {Family::registry, "registry", check_versioned},
    {Family::sessions, "sessions", check_session},
    {Family::queues, "queues", check_queue},
    {Family::retained, "retained", check_retained},
    {Family::streams, "streams", check_stream},
    {Family::outbox, "outbox", check_outbox},
    {Family::usage, "usage", check_usage},
    {Family::audit, "audit", check_versioned},
}};

std::string printable(std::string_view key) {
    std::string out;
    for (const char c : key) {
        constexpr std::string_view kHex = "0123456789abcdef";
        const auto byte = static_cast<unsigned char>(c);
        if (byte > 0x20 && byte < 0x7F) {
            out += c;
        } else {
            out += {'\\', 'x', kHex[byte >> 4U], kHex[byte & 15U]};
        }
    }
    return out;
}

void check_family(const Engine& engine, const Row& row, VerifyReport& report) {
    const auto scanned =
        engine.scan(row.family, {}, {}, [&](std::string_view key, std::string_view value) {
            ++report.records;
            const auto checked =
                key.empty() ? Result<void>{errc::malformed_record} : row.check(key, as_bytes(value));
            return checked || report.add(
                                  std::string{row.name} + " record " + printable(key) + ": " +
                                  checked.error().message()
                              );
        });
    if (!scanned) {
        report.add(std::string{row.name} + ": " + engine.last_error());
    }
}

/// Each entry has its message, each message an entry.
void check_references(const Engine& engine, VerifyReport& report) {
    boost::unordered_flat_map<std::uint64_t, bool> messages;  // Found in an entry?
    const auto scan = [&](const char& kind, const Engine::Visitor& visit) {
        // What cannot be read was reported by check_family().
        ignore_error(
            engine.scan(Family::queues, {&kind, 1}, end_of_prefix({&kind, 1}), visit), "reported"
        );
    };
    scan(kMessageKind, [&](std::string_view key, std::string_view /*value*/) {
        messages.emplace(first_number(key), false);
        return true;
    });
    scan(kEntryKind, [&](std::string_view key, std::string_view value) {
        const auto entry = decode_queue_entry(as_bytes(value));
        if (!entry || entry->message == MessageId{}) {
            return true;
        }
        const auto found = messages.find(static_cast<std::uint64_t>(entry->message));
        if (found == messages.end()) {
            return report.add("queues record " + printable(key) + ": its message is missing");
        }
        found->second = true;
        return true;
    });
    for (const auto& [message, found] : messages) {
        if (!found && !report.add("message " + std::to_string(message) + " is in no queue")) {
            return;
        }
    }
}

/// Each stream has the records that its head counts, and its index the gaps.
void check_streams(const Engine& engine, VerifyReport& report) {
    struct Counted {
        std::uint64_t records = 0;
        std::uint64_t bytes = 0;
        std::uint64_t gone_records = 0;
        std::uint64_t gone_bytes = 0;
        bool operator==(const Counted&) const = default;
    };
    boost::unordered_flat_map<std::string, Counted> heads;
    boost::unordered_flat_map<std::string, Counted> found;
    const auto visit = [&](std::string_view key, std::string_view value) {
        const std::size_t name_size = key.size() < 2 ? 0 : static_cast<unsigned char>(key[1]);
        const std::string name{key.substr(std::min<std::size_t>(key.size(), 2), name_size)};
        if (key.starts_with(kHead)) {
            if (const auto head = decode_stream_head(as_bytes(value))) {
                heads[std::string{key.substr(1)}] = {
                    head->records(), head->bytes(), head->gone_records, head->gone_bytes
                };
            }
        } else if (key.starts_with(kRecord)) {
            ++found[name].records;
            found[name].bytes += value.size();
        } else if (const auto entry = decode_index_entry(0, as_bytes(value))) {
            found[name].gone_records += entry->gone_records;
            found[name].gone_bytes += entry->gone_bytes;
        }
        return true;
    };
    // What cannot be read was reported by check_family().
    ignore_error(engine.scan(Family::streams, {}, {}, visit), "reported");
    for (const auto& [name, head] : heads) {
        const Counted there = found[name];
        if (there != head &&
            !report.add(
                "stream " + name + ": " + std::to_string(there.records) + " records of " +
                std::to_string(there.bytes) + " bytes, and its head counts " +
                std::to_string(head.records) + " of " + std::to_string(head.bytes)
            )) {
            return;
        }
    }
}

}  // namespace

void verify_records(const Engine& engine, VerifyReport& report) {
    for (const Row& row : kRows) {
        check_family(engine, row, report);
    }
}

}  // namespace detail

bool VerifyReport::add(std::string problem) {
    if (problems.size() < kProblemsMax) {
        problems.push_back(std::move(problem));
    }
    return problems.size() < kProblemsMax;
}

VerifyReport verify_data(const std::string& data_directory) {
    const auto engine = detail::open_rocks_engine_read_only(data_directory);
    VerifyReport report;
    const auto recovery = engine->recovery();
    if (recovery.kind != Recovery::Kind::whole) {
        const std::string range = recovery.file + ", bytes " + std::to_string(recovery.from) +
                                  " to " + std::to_string(recovery.to);
        report.add(
            recovery.kind == Recovery::Kind::damaged
                ? range + ": damaged, and records behind them are whole"
                : range + ": torn by a power cut, never acknowledged; the next start drops them"
        );
    }
    if (const auto checked = engine->disk()->verify_files(report); !checked) {
        report.add(engine->last_error());
    }
    detail::verify_records(*engine, report);
    detail::check_references(*engine, report);
    detail::check_streams(*engine, report);
    return report;
}

Formats formats_of(const std::string& data_directory) {
    const auto engine = detail::open_rocks_engine_read_only(data_directory);
    Formats formats;
    formats.schema_here = detail::kSchemaVersion;
    const auto schema = engine->get(Family::meta, detail::kSchemaKey);
    if (!schema) {
        throw OpenError{errc::corrupt, engine->last_error()};
    }
    if (*schema && (*schema)->size() == sizeof(std::uint32_t)) {
        formats.schema = load_be<std::uint32_t>(as_bytes(**schema).data());
    }
    for (const detail::Row& row : detail::kRows) {
        if (row.family == Family::meta) {
            continue;  // Its records have no version: the schema is theirs.
        }
        std::array<std::uint64_t, 256> counts{};
        std::array<bool, 256> newer{};
        const auto scanned =
            engine->scan(row.family, {}, {}, [&](std::string_view key, std::string_view value) {
                const std::size_t version = value.empty() ? 0 : static_cast<unsigned char>(value[0]);
                ++counts[version];
                if (!newer[version] && !key.empty()) {
                    const auto checked = row.check(key, as_bytes(value));
                    newer[version] = checked.has_error() &&
                                     checked.error() == make_error_code(errc::newer_version);
                }
                return true;
            });
        if (!scanned) {
            throw OpenError{errc::corrupt, std::string{row.name} + ": " + engine->last_error()};
        }
        for (std::size_t version = 0; version < counts.size(); ++version) {
            if (counts[version] > 0) {
                formats.records.push_back(
                    {std::string{row.name}, static_cast<std::uint8_t>(version), counts[version], newer[version]}
                );
            }
        }
    }
    return formats;
}

}  // namespace weir::storage
