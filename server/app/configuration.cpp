#include <weir/app_config/configuration.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>
#include <weir/app_config/config_codes.hpp>
#include <weir/app_config/republish_loops.hpp>
#include <weir/base/text.hpp>
#include <weir/document/yaml.hpp>

namespace weir::app {
namespace {

using document::Diagnostics;
using document::Document;
using document::Node;

/// The YAML between the first two lines of dashes; its first line is line 2 of the file.
std::string_view front_matter(std::string_view text) {
    const auto begin = text.find('\n');
    const auto end = text.find("\n---", begin);
    return begin == std::string_view::npos || end == std::string_view::npos
               ? std::string_view{}
               : text.substr(begin + 1, end - begin);
}

/// The first `key: value` in a document, however deep.
std::optional<Node> find_value(const Node& node, std::string_view key, std::string_view value) {
    for (const auto& item : node.items()) {
        if (auto found = find_value(item, key, value)) {
            return found;
        }
    }
    for (const auto& entry : node.entries()) {
        if (entry.key.text() == key && entry.value.text() == value) {
            return entry.value;
        }
        if (auto found = find_value(entry.value, key, value)) {
            return found;
        }
    }
    return std::nullopt;
}

/// Checks what one rule refers to.
class RuleTargets {
public:
    RuleTargets(const Config& config, const TextFile& file, Diagnostics& diagnostics)
        : config_{config}, file_{file}, diagnostics_{diagnostics} {}

    void check(const rules::RuleDefinition& rule) {
        for (const auto& action : rule.actions) {
            check(action);
        }
        if (rule.on_error) {
            check(*rule.on_error);
        }
    }

private:
    void check(const rules::Action& action) {
        if (const auto* stream = std::get_if<rules::StreamAction>(&action)) {
            if (config_.find_stream(stream->stream) == nullptr) {
                report_unknown(
                    "stream", stream->stream, code::kUnknownStream, names_of(config_.streams)
                );
            }
        } else if (const auto* http = std::get_if<rules::HttpAction>(&action)) {
            check_sink(http->sink);
        } else if (const auto* alert = std::get_if<rules::AlertAction>(&action)) {
            check_sink(alert->sink);
        }
    }

    void check_sink(const std::string& name) {
        if (name.empty()) {
            return;  // It could not be read.
        }
        if (const auto* archive = config_.find_archive(name)) {
            report(
                diagnostics_,
                place_of("sink", name),
                code::kUnknownSink,
                fmt::format("the sink '{}' takes its records from a stream", name),
                fmt::format("send to that: - stream: {}", archive->stream)
            );
        } else if (config_.find_sink(name) == nullptr) {
            report_unknown("sink", name, code::kUnknownSink, names_of(config_.sinks));
        }
    }

    template <class T>
    static std::vector<std::string_view> names_of(const std::vector<T>& objects) {
        std::vector<std::string_view> names;
        std::ranges::transform(objects, std::back_inserter(names), &T::name);
        return names;
    }

    /// Of `kind: name` in the head.
    [[nodiscard]] Place place_of(std::string_view kind, std::string_view name) const {
        Place place{file_.path, {}};
        Diagnostics unused;  // The front matter was accepted before.
        const auto header =
            Document::parse(front_matter(file_.text), file_.path, unused, {.first_line = 2});
        if (const auto node = header ? find_value(header->root(), kind, name) : std::nullopt) {
            place.range = node->range();
        }
        return place;
    }

    void report_unknown(
        std::string_view kind,
        const std::string& name,
        std::string_view code,
        const std::vector<std::string_view>& known
    ) {
        if (!config_.has_main) {
            return;  // It may stand in a folder that nobody could read of.
        }
        const auto near = nearest(name, known);
        report(
            diagnostics_,
            place_of(kind, name),
            code,
            fmt::format("there is no {} '{}'", kind, name),
            near ? fmt::format("did you mean '{}'?", *near)
                 : fmt::format("describe it in {0}s.d/{1}.yaml", kind, name)
        );
    }

    const Config& config_;
    const TextFile& file_;
    Diagnostics& diagnostics_;
};

/// Those of one kind of file.
class Names {
public:
    Names(std::string_view saying, Diagnostics& diagnostics)
        : saying_{saying}, diagnostics_{diagnostics} {}

    /// False: another file has it, which is told.
    [[nodiscard]] bool take(const std::string& name, const TextFile& file) {
        const auto [first, added] = files_.emplace(name, file.path);
        if (!added) {
            report_name_taken(diagnostics_, {file.path, {}}, saying_, name, {first->second, {}});
        }
        return added;
    }

private:
    std::string_view saying_;
    Diagnostics& diagnostics_;
    std::map<std::string, std::string> files_;
};

/// Null after an error in one of the rules.
std::shared_ptr<const rules::RuleSet> load_rules(const Config& config, Diagnostics& diagnostics) {
    std::vector<rules::RuleDefinition> definitions;
    Names names{"two rules have the name", diagnostics};
    const auto errors_before = diagnostics.errors();
    for (const auto& file : config.rules) {
        rules::RuleDefinition faulty;
        auto rule = rules::parse_rule(file.path, file.text, diagnostics, &faulty);
        RuleTargets{config, file, diagnostics}.check(rule ? *rule : faulty);
        if (rule && names.take(rule->name, file)) {
            definitions.push_back(std::move(*rule));
        }
    }
    std::vector<const rules::RuleDefinition*> all;
    std::ranges::transform(definitions, std::back_inserter(all), [](const auto& rule) {
        return &rule;
    });
    warn_of_loops(all, diagnostics);
    return diagnostics.errors() == errors_before ? rules::RuleSet::build(std::move(definitions))
                                                 : nullptr;
}

/// Archives read streams that are described.
void check_archive_streams(const Config& config, Diagnostics& diagnostics) {
    std::vector<std::string_view> known;
    std::ranges::transform(config.streams, std::back_inserter(known), &StreamConfig::name);
    for (const auto& archive : config.archives) {
        if (config.has_main && !archive.stream.empty() && config.find_stream(archive.stream) == nullptr) {
            const auto near = nearest(archive.stream, known);
            report(
                diagnostics,
                archive.stream_place,
                code::kUnknownStream,
                fmt::format("there is no stream '{}'", archive.stream),
                near ? fmt::format("did you mean '{}'?", *near)
                     : fmt::format("describe it in streams.d/{}.yaml", archive.stream)
            );
        }
    }
}

std::vector<metering::PriceList> load_prices(const Config& config, Diagnostics& diagnostics) {
    std::vector<metering::PriceList> lists;
    Names names{"two price lists have the plan", diagnostics};
    for (const auto& file : config.pricing) {
        auto list = metering::parse_price_list(file.text, file.path, diagnostics);
        if (list && names.take(list->plan, file)) {
            lists.push_back(std::move(*list));
        }
    }
    std::ranges::sort(lists, {}, &metering::PriceList::plan);
    return lists;
}

/// Without any, the gateway would run and let nobody in.
void expect_policies(const Config& config, Diagnostics& diagnostics) {
    if (config.policies.empty() && !diagnostics.has_errors()) {
        diagnostics.add({
            .severity = document::Severity::warning,
            .code = std::string{code::kNoPolicy},
            .message = "there is no policy: no device can connect",
            .help = "describe one in policies.d/NAME.yaml",
        });
    }
}

}  // namespace

std::vector<rules::RequestTemplate> load_requests(const Config& config, Diagnostics& diagnostics) {
    const auto placed = [](const std::string& text, const Place& place) {
        return rules::PlacedText{text, {.file = place.file, .start = place.range.begin}};
    };
    std::vector<rules::RequestTemplate> requests;
    for (const auto& sink : config.sinks) {
        rules::RequestTexts texts{
            .url = placed(sink.url, sink.url_place),
            .order_by = placed(sink.order_by, sink.order_by_place),
        };
        for (std::size_t i = 0; i < sink.headers.size(); ++i) {
            const auto& [name, value] = sink.headers[i];
            texts.headers.emplace_back(name, placed(value, sink.header_places[i]));
        }
        auto request = rules::RequestTemplate::compile(texts, diagnostics);
        requests.push_back(request ? std::move(*request) : rules::RequestTemplate{});
    }
    return requests;
}

Configuration load_configuration(
    const std::filesystem::path& path, const ConfigFiles& files, Diagnostics& diagnostics
) {
    Configuration result{
        .config = load_config(path, files, diagnostics), .policies = {}, .rules = {}, .requests = {}, .prices = {}
    };
    result.policies = policy::load_policies(result.config.policies, diagnostics);
    result.rules = load_rules(result.config, diagnostics);
    result.requests = load_requests(result.config, diagnostics);
    result.prices = load_prices(result.config, diagnostics);
    check_archive_streams(result.config, diagnostics);
    expect_policies(result.config, diagnostics);
    return result;
}

}  // namespace weir::app
