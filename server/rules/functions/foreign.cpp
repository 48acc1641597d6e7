#include <weir/rules/functions/foreign.hpp>

#include <algorithm>

namespace weir::rules {
namespace {

constexpr std::string_view kTypeOf = "type_of(value) = 'Array', 'Boolean', 'Decimal', 'Int', 'Null', 'Object' or 'String'";
constexpr std::string_view kTemplates = "pass the value on: what a schema describes is decoded behind the sink";
constexpr std::string_view kPath = "a path: a.b.c, or get(object, 'the-name')";
constexpr std::string_view kTimes = "parse_time(pattern, milliseconds [, zone]) and time_to_epoch(text, pattern)";
constexpr std::string_view kCompressed = "pass the bytes on with SELECT *: compressed payloads are not read";

constexpr ForeignFunction kFunctions[] = {
    {"array_length", "size(list)"},
    {"as_number", "cast(value AS decimal)"},
    {"base64_decode", "decode(text, 'base64')"},
    {"base64_encode", "encode(value, 'base64')"},
    {"bin2hexstr", "encode(value, 'hex')"},
    {"ceiling", "ceil(x)"},
    {"char_length", "length(text)"},
    {"count", "size(list): a rule sees one message at a time"},
    {"current_timestamp", "timestamp()"},
    {"ends_with", "endswith(text, end)"},
    {"eq", "a = b"},
    {"first", "list[0]"},
    {"float", "cast(value AS decimal)"},
    {"fmod", "mod(a, b)"},
    {"format_date", kTimes},
    {"get_field_default", "coalesce(value, default)"},
    {"getenv", "the configuration: rules do not see the environment"},
    {"gunzip", kCompressed},
    {"gzip", kCompressed},
    {"hexstr2bin", "bytes(text, 'hex')"},
    {"ifnull", "coalesce(value, default)"},
    {"index_of", "indexof(text, part)"},
    {"int", "cast(value AS int)"},
    {"is_array", kTypeOf},
    {"is_bool", kTypeOf},
    {"is_defined", "NOT isUndefined(value)"},
    {"is_empty", "size(value) = 0"},
    {"is_float", kTypeOf},
    {"is_int", kTypeOf},
    {"is_map", kTypeOf},
    {"is_not_null", "NOT isNull(value)"},
    {"is_null", "isNull(value)"},
    {"is_num", kTypeOf},
    {"is_number", kTypeOf},
    {"is_object", kTypeOf},
    {"is_primitive", kTypeOf},
    {"is_str", kTypeOf},
    {"is_string", kTypeOf},
    {"isnan", "isUndefined(value): a number is never NaN"},
    {"join_to_string", "join(list, separator)"},
    {"jq", "queries in a query: (SELECT ... FROM list WHERE ...)"},
    {"json_decode", "parse_json(text)"},
    {"json_encode", "cast(value AS string)"},
    {"json_extract", kPath},
    {"json_value", kPath},
    {"lag", "last(value)"},
    {"lcase", "lower(text)"},
    {"len", "length(text)"},
    {"map_get", kPath},
    {"map_keys", "keys(object)"},
    {"map_put", "merge(object, {'name': value})"},
    {"map_size", "size(object)"},
    {"map_to_entries", "keys(object) and elements(object)"},
    {"map_values", "elements(object)"},
    {"mget", kPath},
    {"mput", "merge(object, {'name': value})"},
    {"now", "timestamp()"},
    {"now_rfc3339", kTimes},
    {"now_timestamp", "timestamp()"},
    {"nth", "list[i]: positions count from 0"},
    {"number", "cast(value AS decimal)"},
    {"nvl", "coalesce(value, default)"},
    {"object_keys", "keys(object)"},
    {"pad", "lpad(text, count) or rpad(text, count): they add spaces"},
    {"pow", "power(a, b)"},
    {"regex_match", "regexp_matches(text, pattern)"},
    {"regex_replace", "regexp_replace(text, pattern, replacement)"},
    {"rfc3339_to_unix_ts", kTimes},
    {"schema_decode", kTemplates},
    {"schema_encode", kTemplates},
    {"sparkplug_decode", kTemplates},
    {"sparkplug_encode", kTemplates},
    {"sprintf", "concat(value, ...)"},
    {"square", "x * x"},
    {"starts_with", "startswith(text, start)"},
    {"str", "cast(value AS string)"},
    {"string", "cast(value AS string)"},
    {"strlen", "length(text)"},
    {"subbits", "bits(bytes, offset, count)"},
    {"sublist", "slice(list, from [, to])"},
    {"substr", "substring(text, from [, to])"},
    {"to_date", kTimes},
    {"to_json", "cast(value AS string)"},
    {"to_number", "cast(value AS decimal)"},
    {"to_string", "cast(value AS string)"},
    {"toint", "cast(value AS int)"},
    {"tokens", "split(text, separator)"},
    {"tolower", "lower(text)"},
    {"tostring", "cast(value AS string)"},
    {"toupper", "upper(text)"},
    {"truncate", "trunc(x, places)"},
    {"typeof", "type_of(value)"},
    {"ucase", "upper(text)"},
    {"unescape", "parse_json(text)"},
    {"unix_ts_to_rfc3339", kTimes},
    {"unzip", kCompressed},
    {"uuid", "newuuid()"},
    {"uuid_v4", "newuuid()"},
    {"values", "elements(object)"},
    {"vec", "a list: [a, b]"},
    {"zip", kCompressed},
    {"zip_compress", kCompressed},
    {"zip_uncompress", kCompressed},
};

}  // namespace

std::span<const ForeignFunction> foreign_functions() noexcept {
    return kFunctions;
}

const ForeignFunction* find_foreign_function(std::string_view name) noexcept {
    const auto* const found =
        std::ranges::lower_bound(kFunctions, name, {}, &ForeignFunction::name);
    return found != std::end(kFunctions) && found->name == name ? found : nullptr;
}

}  // namespace weir::rules
