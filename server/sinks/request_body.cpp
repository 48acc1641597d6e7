#include <weir/sinks/detail/request_body.hpp>

#include <fmt/format.h>
#include <simdjson.h>

#include <weir/base/digest.hpp>
#include <weir/base/log.hpp>
#include <weir/base/percent.hpp>
#include <weir/base/text.hpp>

namespace weir::sinks::detail {
namespace {

using storage::OutboxEntry;
using storage::OutboxRecord;

constexpr std::string_view kJson = "application/json";
constexpr std::string_view kBytes = "application/octet-stream";

/// Writes payloads where JSON is expected.
class ElementWriter {
public:
    [[nodiscard]] bool is_json(std::string_view payload) {
        return parser_.parse(payload.data(), payload.size()).error() == simdjson::SUCCESS;
    }

    void add(std::string& out, ByteView payload) {
        const auto text = as_text(payload);
        if (!is_json(text)) {
            add_other(out, payload);
        } else if (text.find_first_of("\r\n") == std::string_view::npos) {
            out += text;
        } else {
            add_on_one_line(out, text);
        }
    }

private:
    static void add_other(std::string& out, ByteView payload) {
        const auto text = as_text(payload);
        out += is_utf8(text) ? fmt::format(R"("{}")", log::json_escape(text))
                             : fmt::format(R"({{"payload_base64":"{}"}})", to_base64(payload));
    }

    static void add_on_one_line(std::string& out, std::string_view json) {
        const auto before = out.size();
        out.resize(before + json.size());
        std::size_t size = 0;
        if (simdjson::minify(json.data(), json.size(), out.data() + before, size) !=
            simdjson::SUCCESS) {
            size = 0;
        }
        out.resize(before + size);
    }

    simdjson::dom::parser parser_;
};

void add_event(
    std::string& out, const OutboxEntry& entry, std::string_view sink, ElementWriter& elements
) {
    const auto& record = entry.record;
    out += fmt::format(
        R"({{"specversion":"1.0","id":"{}/{}","source":"/weir/rules/{}","type":"weir.rule.output","time":"{}")",
        log::json_escape(sink),
        entry.offset,
        percent_encode(record.rule),
        format_time(record.time_ms)
    );
    if (!record.topic.empty()) {
        out += fmt::format(R"(,"subject":"{}")", log::json_escape(record.topic));
    }
    if (!record.key.empty()) {
        out += fmt::format(R"(,"device":"{}")", log::json_escape(record.key));
    }
    if (elements.is_json(as_text(record.payload))) {
        out += R"(,"datacontenttype":"application/json","data":)";
        elements.add(out, record.payload);
    } else {
        out += fmt::format(
            R"(,"datacontenttype":"application/octet-stream","data_base64":"{}")",
            to_base64(record.payload)
        );
    }
    out += '}';
}

std::string array_of(std::span<const OutboxEntry> batch, auto&& add) {
    std::string out = "[";
    for (const auto& entry : batch) {
        if (out.size() > 1) {
            out += ',';
        }
        add(out, entry);
    }
    return out + ']';
}

RequestBody as_it_is(const OutboxEntry& entry, std::string_view content_type) {
    return {std::string{as_text(entry.record.payload)}, content_type};
}

}  // namespace

RequestBody make_body(
    std::span<const OutboxEntry> batch, const Delivery& delivery, std::string_view sink
) {
    ElementWriter elements;
    const auto add_payload = [&](std::string& out, const OutboxEntry& entry) {
        elements.add(out, entry.record.payload);
    };
    const auto add_as_event = [&](std::string& out, const OutboxEntry& entry) {
        add_event(out, entry, sink, elements);
    };
    std::string text;
    switch (delivery.body) {
        case BodyFormat::json:
            if (batch.size() > 1) {
                return {array_of(batch, add_payload), kJson};
            }
            return as_it_is(
                batch.front(),
                elements.is_json(as_text(batch.front().record.payload)) ? kJson : kBytes
            );
        case BodyFormat::array:
            return {array_of(batch, add_payload), kJson};
        case BodyFormat::json_lines:
            for (const auto& entry : batch) {
                add_payload(text, entry);
                text += '\n';
            }
            return {std::move(text), "application/x-ndjson"};
        case BodyFormat::cloudevents:
            if (delivery.batch.messages > 1 || batch.size() > 1) {
                return {array_of(batch, add_as_event), "application/cloudevents-batch+json"};
            }
            add_as_event(text, batch.front());
            return {std::move(text), "application/cloudevents+json"};
        case BodyFormat::raw:
            if (batch.size() > 1) {
                return {array_of(batch, add_payload), kJson};
            }
            break;
    }
    return as_it_is(batch.front(), kBytes);
}

}  // namespace weir::sinks::detail
