#include <utility>

#include <weir/base/assert.hpp>
#include <weir/identity/detail/records.hpp>

namespace weir::identity::detail {
namespace {

void put_text(Bytes& out, std::string_view text) {
    WEIR_ASSERT(text.size() <= 0xFFFF);
    append_be(out, static_cast<std::uint16_t>(text.size()));
    append(out, text);
}

void put_texts(Bytes& out, const std::vector<std::string>& texts) {
    append_be(out, static_cast<std::uint16_t>(texts.size()));
    for (const auto& text : texts) {
        put_text(out, text);
    }
}

void put_time(Bytes& out, WallTime time) {
    append_be(out, static_cast<std::uint64_t>(time.count()));
}

/// Reads on after an error, but then says so in done().
class Reader {
public:
    /// @param newest  All versions from 1 to this one can be read.
    Reader(std::uint8_t version, ByteView body, std::uint8_t newest = kRecordVersion)
        : cursor_{body}, good_{version >= 1 && version <= newest} {}

    template <class T>
    T number() {
        const auto value = cursor_.read_be<T>();
        good_ = good_ && value.has_value();
        return value.value_or(T{0});
    }

    std::string text() {
        const auto bytes = cursor_.read(number<std::uint16_t>());
        good_ = good_ && bytes.has_value();
        return bytes ? std::string{as_text(*bytes)} : std::string{};
    }

    template <class Item>
    auto list(const Item& item) {
        std::vector<decltype(item())> items;
        const auto count = number<std::uint16_t>();
        for (std::uint16_t i = 0; i < count && good_; ++i) {
            items.push_back(item());
        }
        return items;
    }

    std::vector<std::string> texts() {
        return list([this] { return text(); });
    }

    WallTime time() { return WallTime{static_cast<std::int64_t>(number<std::uint64_t>())}; }

    /// Nothing failed and nothing is left.
    [[nodiscard]] bool done() const { return good_ && cursor_.empty(); }

private:
    ByteCursor cursor_;
    bool good_;
};

template <class T>
Result<T> finish(const Reader& reader, T value) {
    if (!reader.done()) {
        return errc::malformed_record;
    }
    return value;
}

}  // namespace

std::string record_key(std::string_view prefix, std::string_view name) {
    std::string key{prefix};
    key += name;
    return key;
}

std::string certificate_key(const Sha256& certificate) {
    return record_key(kCertificatePrefix, to_hex(certificate));
}

std::string path_of(std::string_view tenant, std::string_view name) {
    std::string path{tenant};
    path += '/';
    path += name;
    return path;
}

Result<ThingId> parse_path(std::string_view path) {
    const auto slash = path.find('/');
    if (slash == std::string_view::npos || !is_valid_name(path.substr(0, slash)) ||
        !is_valid_name(path.substr(slash + 1))) {
        return errc::malformed_record;
    }
    return ThingId{
        .tenant = std::string{path.substr(0, slash)}, .name = std::string{path.substr(slash + 1)}
    };
}

Bytes encode(const Thing& thing) {
    Bytes out;
    put_text(out, thing.type);
    append_be(out, static_cast<std::uint16_t>(thing.attributes.size()));
    for (const auto& [name, value] : thing.attributes) {
        put_text(out, name);
        put_text(out, value);
    }
    put_texts(out, thing.groups);
    put_texts(out, thing.policies);
    append_be(out, static_cast<std::uint8_t>(thing.enabled ? 1 : 0));
    put_time(out, thing.created);
    return out;
}

Bytes encode(const Credential& credential) {
    Bytes out;
    put_text(out, credential.thing.tenant);
    put_text(out, credential.thing.name);
    put_text(out, credential.secret);
    put_time(out, credential.added);
    put_text(out, credential.subject);
    put_time(out, credential.not_after);
    return out;
}

Bytes encode(const std::vector<std::string>& policies) {
    Bytes out;
    put_texts(out, policies);
    return out;
}

Result<Thing> decode_thing(ThingId id, std::uint8_t version, ByteView body) {
    Reader reader{version, body};
    Thing thing;
    thing.id = std::move(id);
    thing.type = reader.text();
    thing.attributes = reader.list([&] {
        auto name = reader.text();
        return std::pair{std::move(name), reader.text()};
    });
    thing.groups = reader.texts();
    thing.policies = reader.texts();
    thing.enabled = reader.number<std::uint8_t>() == 1;
    thing.created = reader.time();
    return finish(reader, std::move(thing));
}

Result<Credential> decode_credential(std::uint8_t version, ByteView body) {
    Reader reader{version, body, kEndingTokenVersion};
    Credential credential;
    credential.thing.tenant = reader.text();
    credential.thing.name = reader.text();
    credential.secret = reader.text();
    if (version >= 2) {
        credential.added = reader.time();
        credential.subject = reader.text();
        credential.not_after = reader.time();
    }
    return finish(reader, std::move(credential));
}

Result<std::vector<std::string>> decode_policies(std::uint8_t version, ByteView body) {
    Reader reader{version, body};
    auto policies = reader.texts();
    return finish(reader, std::move(policies));
}

}  // namespace weir::identity::detail
