#include "rule_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

#include <weir/app_config/config_files.hpp>
#include <weir/app_config/configuration.hpp>
#include <weir/base/text.hpp>

namespace weir::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kEnding = ".sql";

/// `hot.sql` -> `hot_test.yaml`.
std::string tests_of(std::string_view rule_file) {
    rule_file.remove_suffix(rule_file.ends_with(kEnding) ? kEnding.size() : 0);
    return std::string{rule_file} + "_test.yaml";
}

void add_text(
    std::vector<RuleFile>& found,
    const app::TextFile& file,
    app::TextFile tests,
    document::Diagnostics& diagnostics
) {
    if (auto rule = rules::parse_rule(file.path, file.text, diagnostics)) {
        found.push_back({file, std::move(*rule), std::move(tests)});
    }
}

/// Errors in them are those of the configuration, which has been checked or will be.
std::shared_ptr<const Requests> requests_of(const app::Config& config) {
    document::Diagnostics diagnostics;
    auto loaded = app::load_requests(config, diagnostics);
    const auto requests = std::make_shared<Requests>();
    for (std::size_t i = 0; i < config.sinks.size(); ++i) {
        requests->emplace(config.sinks[i].name, std::move(loaded[i]));
    }
    return requests;
}

void add_rule(
    std::vector<RuleFile>& found,
    const app::Config& config,
    const app::TextFile& file,
    document::Diagnostics& diagnostics
) {
    const auto path = tests_of(file.path);
    const auto tests = std::ranges::find(config.tests, path, &app::TextFile::path);
    add_text(
        found, file, tests == config.tests.end() ? app::TextFile{path, {}} : *tests, diagnostics
    );
}

void share_requests(std::vector<RuleFile>& found, const app::Config& config) {
    const auto requests = requests_of(config);
    for (auto& file : found) {
        file.requests = requests;
    }
}

class Loader {
public:
    Loader(const Globals& globals, document::Diagnostics& diagnostics)
        : globals_{globals}, diagnostics_{diagnostics} {}

    void add(const std::string& wanted) {
        constexpr std::string_view kTests = "_test.yaml";
        std::error_code error;
        if (fs::is_directory(wanted, error)) {
            add_folder(wanted);
        } else if (wanted.ends_with(kTests)) {
            add_file(wanted.substr(0, wanted.size() - kTests.size()) + std::string{kEnding});
        } else if (fs::exists(wanted, error)) {
            add_file(wanted);
        } else {
            add_named(wanted);
        }
    }

    void add_configured() { found_ = rule_files_of(configuration(), diagnostics_); }

    [[nodiscard]] std::vector<RuleFile> take() { return std::move(found_); }

private:
    void add_folder(const fs::path& folder) {
        const auto names = files_.list(folder).value_or(std::vector<std::string>{});
        for (const auto& name : names) {
            if (name.ends_with(kEnding)) {
                add_file((folder / name).string());
            }
        }
    }

    void add_file(const std::string& path) {
        auto text = files_.read(path);
        if (!text) {
            throw Failure{fmt::format("cannot read '{}'", path)};
        }
        const auto tests = tests_of(path);
        add_text(
            found_, {path, std::move(*text)}, {tests, files_.read(tests).value_or("")}, diagnostics_
        );
    }

    void add_named(const std::string& name) {
        std::vector<std::string> names;
        for (const auto& file : configuration().rules) {
            names.push_back(fs::path{file.path}.stem().string());
            if (names.back() == name) {
                add_rule(found_, configuration(), file, diagnostics_);
                share_requests(found_, configuration());
                return;
            }
        }
        const std::vector<std::string_view> known{names.begin(), names.end()};
        const auto near = nearest(name, known);
        throw Failure{
            fmt::format("there is no rule '{}'", name),
            near ? fmt::format("did you mean {}?", *near) : "name a file, or see weir rules list"
        };
    }

    const app::Config& configuration() {
        if (!config_) {
            config_ = app::load_config(globals_.config, files_, diagnostics_);
            if (diagnostics_.has_errors()) {
                throw Failure{
                    "the configuration has errors\n" + diagnostics_.render_text(),
                    "weir check",
                    ExitCode::bad_config
                };
            }
        }
        return *config_;
    }

    const Globals& globals_;
    document::Diagnostics& diagnostics_;
    app::SystemFiles files_;
    std::optional<app::Config> config_;
    std::vector<RuleFile> found_;
};

}  // namespace

std::vector<RuleFile> rule_files_of(const app::Config& config, document::Diagnostics& diagnostics) {
    std::vector<RuleFile> found;
    for (const auto& file : config.rules) {
        add_rule(found, config, file, diagnostics);
    }
    share_requests(found, config);
    return found;
}

std::vector<RuleFile> load_rule_files(
    const std::vector<std::string>& wanted,
    const Globals& globals,
    document::Diagnostics& diagnostics
) {
    Loader loader{globals, diagnostics};
    if (wanted.empty()) {
        loader.add_configured();
    }
    std::ranges::for_each(wanted, [&](const std::string& each) { loader.add(each); });
    if (diagnostics.has_errors()) {
        print_error(diagnostics.render_text());
        throw Failure{"a rule has errors", {}, ExitCode::bad_config};
    }
    return loader.take();
}

RuleFile load_rule_file(const std::string& wanted, const Globals& globals) {
    document::Diagnostics diagnostics;
    auto found = load_rule_files({wanted}, globals, diagnostics);
    if (found.size() != 1) {
        throw Failure{fmt::format("'{}' is not one rule", wanted), "name one file"};
    }
    return std::move(found.front());
}

}  // namespace weir::cli
