#include <array>
#include <string_view>

#include <weir/base/digest.hpp>
#include <weir/base/topic.hpp>
#include <weir/rules/detail/context.hpp>
#include <weir/rules/detail/properties.hpp>
#include <weir/rules/functions/groups.hpp>
#include <weir/rules/functions/words.hpp>

namespace weir::rules {
namespace {

using enum Parameter;

const Input& input(const Call& call) noexcept {
    return call.context.input();
}

Value text_or_undefined(std::string_view text) noexcept {
    return text.empty() ? Value{} : Value::string(text);
}

/// Levels count from 1.
Value topic(const Call& call) {
    if (call.size() == 0) {
        return Value::string(input(call).topic);
    }
    std::int64_t wanted = floor_to_int64(call.number(0));
    TopicLevels levels{input(call).topic};
    while (!levels.done()) {
        const auto level = levels.next();
        if (--wanted == 0) {
            return Value::string(level);
        }
    }
    return {};
}

Value client_id(const Call& call) {
    const bool mqtt =
        input(call).protocol == model::Protocol::mqtt && !input(call).client_id.empty();
    return Value::string(mqtt ? input(call).client_id : "n/a");
}

/// The fingerprint of the certificate, or else the name of the thing.
Value principal(const Call& call) {
    const auto* who = input(call).principal;
    if (who == nullptr) {
        return {};
    }
    const bool certificate = who->method == model::AuthMethod::x509;
    return text_or_undefined(certificate ? who->credential : who->thing);
}

Value account_id(const Call& call) {
    const auto* who = input(call).principal;
    return who == nullptr ? Value{} : Value::string(who->tenant);
}

/// AWS: of MQTT alone.
Value trace_id(const Call& call) {
    const bool has_one = input(call).protocol == model::Protocol::mqtt ||
                         call.context.profile() == Profile::native;
    return has_one ? text_or_undefined(input(call).trace_id) : Value{};
}

Value source_ip(const Call& call) {
    return text_or_undefined(input(call).source_ip);
}

Value sql_version(const Call& call) {
    constexpr std::size_t kPrefix = std::string_view{"aws-"}.size();
    const auto profile = name(call.context.profile());
    return Value::string(
        call.context.profile() == Profile::native ? profile : profile.substr(kPrefix)
    );
}

Value timestamp(const Call& call) {
    return Value::integer(input(call).timestamp_ms);
}

Value new_uuid(const Call& call) {
    constexpr std::size_t kSteps = 4;
    return call.context.budget().spend(kSteps) ? call.context.text(random_uuid()) : Value{};
}

Value thing(const Call& call) {
    const auto* who = input(call).principal;
    return who == nullptr ? Value{} : text_or_undefined(who->thing);
}

Value thing_type(const Call& call) {
    const auto* who = input(call).principal;
    return who == nullptr ? Value{} : text_or_undefined(who->thing_type);
}

Value attribute(const Call& call) {
    const auto* who = input(call).principal;
    if (who != nullptr) {
        for (const auto& [key, value] : who->attributes) {
            if (key == call.text(0)) {
                return Value::string(value);
            }
        }
    }
    return {};
}

Value qos(const Call& call) {
    return Value::integer(static_cast<std::int64_t>(input(call).qos));
}

constexpr std::array<std::string_view, 4> kProperties = {
    "content_type", "correlation_data", "format_indicator", "response_topic"
};

/// Walking over them is paid for: a message may have thousands.
bool pay_for_properties(const Call& call) {
    return call.context.budget().spend_bytes(2 * input(call).properties.size());
}

Value mqtt_property(const Call& call) {
    if (!pay_for_properties(call)) {
        return {};
    }
    detail::PropertyReader properties{input(call).properties};
    while (const auto property = properties.next()) {
        const auto wanted = call.text(0);
        switch (property->id) {
            case detail::PropertyId::content_type:
                if (wanted == "content_type") {
                    return Value::string(property->value);
                }
                break;
            case detail::PropertyId::response_topic:
                if (wanted == "response_topic") {
                    return Value::string(property->value);
                }
                break;
            case detail::PropertyId::correlation_data:
                if (wanted == "correlation_data") {
                    return call.context.text(to_base64(as_bytes(property->value)));
                }
                break;
            case detail::PropertyId::payload_format:
                if (wanted == "format_indicator") {
                    return Value::string(property->number == 0 ? "UNSPECIFIED_BYTES" : "UTF8_DATA");
                }
                break;
            case detail::PropertyId::user_property:
                break;
        }
    }
    return {};
}

/// With a key: its values in order, Undefined if there is none. Without: objects of one pair each.
Value user_properties(const Call& call) {
    const auto matches = [&](const detail::Property& property) {
        return property.id == detail::PropertyId::user_property &&
               (call.size() == 0 || property.key == call.text(0));
    };
    if (!pay_for_properties(call)) {
        return {};
    }
    std::size_t count = 0;
    detail::PropertyReader counter{input(call).properties};
    while (const auto property = counter.next()) {
        count += matches(*property) ? 1 : 0;
    }
    if ((count == 0 && call.size() > 0) || !call.context.budget().spend(count)) {
        return {};
    }
    const auto result = call.context.values(count);
    auto out = result.begin();
    detail::PropertyReader reader{input(call).properties};
    while (const auto property = reader.next()) {
        if (!matches(*property)) {
            continue;
        }
        if (call.size() > 0) {
            *out++ = Value::string(property->value);
        } else {
            const auto pair = call.context.members(1);
            pair[0] = {property->key, Value::string(property->value)};
            *out++ = Value::object(pair);
        }
    }
    return Value::array(result);
}

constexpr Function about_message(
    std::string_view name,
    std::string_view signature,
    std::string_view help,
    Value (*call)(const Call&),
    std::uint8_t profiles = kEveryProfile,
    TypeSet result = kGivesText
) {
    return {
        .name = name,
        .signature = signature,
        .help = help,
        .parameters = {},
        .result = result,
        .profiles = profiles,
        .pure = false,
        .call = call
    };
}

constexpr Function kFunctions[] = {
    about_message("accountid", "accountid()", "the tenant", account_id),
    {.name = "attribute",
     .signature = "attribute(name)",
     .help = "an attribute of the thing that published; Undefined if it has none of that name",
     .parameters = {text},
     .result = kGivesText,
     .arguments_min = 1,
     .arguments_max = 1,
     .profiles = kNativeOnly,
     .pure = false,
     .call = attribute},
    about_message(
        "clientid", "clientid()", "the MQTT client id; n/a for other protocols", client_id
    ),
    {.name = "get_mqtt_property",
     .signature = "get_mqtt_property(name)",
     .help = "content_type, format_indicator, response_topic or correlation_data (base64) of an "
             "MQTT 5 message",
     .parameters = {text},
     .result = kGivesText,
     .arguments_min = 1,
     .arguments_max = 1,
     .profiles = kSince2016,
     .pure = false,
     .call = mqtt_property,
     .prepare = check_word<kProperties, 0>},
    {.name = "get_user_properties",
     .signature = "get_user_properties([key])",
     .help = "all values of a user property, or all user properties as objects of one pair",
     .parameters = {text},
     .result = kGivesArray,
     .arguments_max = 1,
     .profiles = kSince2016,
     .pure = false,
     .call = user_properties},
    about_message("newuuid", "newuuid()", "a random UUID", new_uuid),
    about_message(
        "principal", "principal()", "the fingerprint of the certificate, or the thing", principal
    ),
    about_message("qos", "qos()", "the QoS of the publish", qos, kNativeOnly, kGivesInteger),
    about_message("sourceip", "sourceip()", "the peer's address", source_ip, kSince2016),
    about_message("sql_version", "sql_version()", "the version of the language", sql_version),
    about_message(
        "thing", "thing()", "the registry name of the device that published", thing, kNativeOnly
    ),
    about_message("thing_type", "thing_type()", "the type of that device", thing_type, kNativeOnly),
    about_message(
        "timestamp",
        "timestamp()",
        "now, in milliseconds since 1970",
        timestamp,
        kEveryProfile,
        kGivesInteger
    ),
    {.name = "topic",
     .signature = "topic([level])",
     .help = "the topic, or one level of it, from 1",
     .parameters = {number},
     .result = kGivesText,
     .arguments_max = 1,
     .pure = false,
     .call = topic},
    about_message("traceid", "traceid()", "the id of the message, which reports to on_error have too; in AWS profiles of MQTT messages alone", trace_id),
};

}  // namespace

std::span<const Function> message_functions() noexcept {
    return kFunctions;
}

}  // namespace weir::rules
