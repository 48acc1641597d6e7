#include <weir/app_config/config.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <weir/app_config/config_codes.hpp>
#include <weir/app_config/detail/config_parts.hpp>
#include <weir/base/text.hpp>

namespace weir::app {
namespace {

namespace fs = std::filesystem;
using document::Diagnostics;
using document::Document;

/// What the name of a folder says about its files.
enum class Folder : std::uint8_t { policies, rules, sinks, streams, queues, pricing };
constexpr std::array<std::string_view, 6> kFolderNames = {
    "policies.d", "rules.d", "sinks.d", "streams.d", "queues.d", "pricing.d"
};

constexpr std::string_view kTwoSinks = "two sinks have the name";

/// Reads the files of one configuration.
class Loader {
public:
    Loader(fs::path file, const ConfigFiles& files, Diagnostics& diagnostics)
        : folder_{file.parent_path()}, files_{files}, diagnostics_{diagnostics} {
        config_.file = std::move(file);
    }

    Config load() {
        const auto text = read(config_.file);
        const auto document =
            text ? Document::parse(*text, shown(config_.file), diagnostics_) : std::nullopt;
        config_.has_main = document.has_value();
        const auto section = document ? read_section(
                                            FileKind::gateway,
                                            document->root(),
                                            folder_,
                                            files_,
                                            diagnostics_
                                        )
                                      : defaults();
        if (document) {
            detail::fill_gateway(config_, section, diagnostics_);
        }
        for (const auto& folder : section.get<std::vector<fs::path>>("include")) {
            include(folder, section);
        }
        check_names(config_.sinks, kTwoSinks);
        check_names(config_.archives, kTwoSinks);
        check_sinks_and_archives();
        detail::check_archives(config_.archives, diagnostics_);
        check_names(config_.streams, "two streams have the name");
        return std::move(config_);
    }

private:
    /// What a file without any key says.
    [[nodiscard]] Section defaults() const {
        Diagnostics untold;  // Its mandatory keys are missing.
        const auto empty = Document::parse("{}", "", untold);
        return read_section(FileKind::gateway, empty->root(), folder_, files_, untold);
    }

    /// How a file is called in diagnostics: as seen from the folder of weir.yaml.
    [[nodiscard]] std::string shown(const fs::path& path) const {
        const auto relative = path.lexically_relative(folder_);
        return relative.empty() || folder_.empty() ? path.string() : relative.string();
    }

    std::optional<std::string> read(const fs::path& path) {
        auto text = files_.read(path);
        if (!text) {
            diagnostics_.add({
                .code = std::string{code::kUnreadable},
                .message = fmt::format("'{}' cannot be read", path.string()),
                .help = path == config_.file ? "make a first configuration: weir init DIR" : "",
            });
        }
        return text;
    }

    void include(const fs::path& folder, const Section& section) {
        const auto name = folder.filename().string();
        const auto kind = std::ranges::find(kFolderNames, name);
        if (kind == kFolderNames.end()) {
            const auto near = nearest(name, kFolderNames);
            report(
                diagnostics_,
                section.place("include"),
                code::kInclude,
                fmt::format("'{}' does not say what its files are", shown(folder)),
                near ? fmt::format("did you mean '{}'?", *near)
                     : fmt::format("one of: {}", fmt::join(kFolderNames, ", "))
            );
            return;
        }
        const auto names = files_.list(folder);
        if (!names) {
            if (section.has("include")) {
                report(
                    diagnostics_,
                    section.place("include"),
                    code::kInclude,
                    fmt::format("the folder '{}' cannot be read", shown(folder)),
                    "create it, or remove it from 'include'"
                );
            }
            return;
        }
        for (const auto& file : *names) {
            load_file(static_cast<Folder>(kind - kFolderNames.begin()), folder / file);
        }
    }

    /// Files with other endings (README, editors' copies) are not configuration.
    void load_file(Folder folder, const fs::path& path) {
        const auto name = path.filename().string();
        const bool yaml = name.ends_with(".yaml") || name.ends_with(".yml");
        const bool test = name.ends_with("_test.yaml") || name.ends_with("_test.yml");
        switch (folder) {
            case Folder::policies:
                if (test) {
                    keep(config_.tests, path);
                } else if (yaml) {
                    keep(config_.policies, path);
                } else if (name.ends_with(".json")) {
                    refuse(path, "policies in the form of a cloud provider are");
                }
                break;
            case Folder::rules:
                if (test || name.ends_with(".sql")) {
                    keep(test ? config_.tests : config_.rules, path);
                }
                break;
            case Folder::sinks:
            case Folder::streams:
                if (yaml) {
                    load_object(folder, path);
                }
                break;
            case Folder::queues:
                if (yaml) {
                    refuse(path, "queues are");
                }
                break;
            case Folder::pricing:
                if (yaml) {
                    keep(config_.pricing, path);
                }
                break;
        }
    }

    template <class File>
    void keep(std::vector<File>& list, const fs::path& path) {
        if (auto text = read(path)) {
            list.push_back({shown(path), std::move(*text)});
        }
    }

    void load_object(Folder folder, const fs::path& path) {
        const auto text = read(path);
        if (!text) {
            return;
        }
        const auto document = Document::parse(*text, shown(path), diagnostics_);
        if (!document) {
            return;
        }
        const auto kind = folder == Folder::sinks ? kind_of_sink(*document) : FileKind::stream;
        const auto section =
            read_section(kind, document->root(), path.parent_path(), files_, diagnostics_);
        if (kind == FileKind::sink) {
            config_.sinks.push_back(detail::make_sink(section, diagnostics_));
        } else if (kind != FileKind::stream) {
            config_.archives.push_back(detail::make_archive(kind, section, diagnostics_));
        } else {
            config_.streams.push_back(detail::make_stream(section));
        }
    }

    /// Each type of sink has keys of its own.
    static FileKind kind_of_sink(const Document& document) {
        const auto root = document.root();
        const auto type = root.is_mapping() ? root.get("type") : std::nullopt;
        if (type && type->is_scalar() && type->text() == "file") {
            return FileKind::file_sink;
        }
        return type && type->is_scalar() && type->text() == "s3" ? FileKind::s3_sink
                                                                 : FileKind::sink;
    }

    void refuse(const fs::path& path, std::string_view what) {
        diagnostics_.add({
            .code = std::string{code::kNotAvailable},
            .message = fmt::format("{} not available in this version", what),
            .file = shown(path),
            .help = "remove the file",
        });
    }

    /// Sorts objects by name and reports those that share one, at the later place in the order of
    /// reading.
    template <class T>
    void check_names(std::vector<T>& objects, std::string_view saying) {
        std::ranges::stable_sort(objects, {}, &T::name);
        for (std::size_t i = 1; i < objects.size(); ++i) {
            const auto& [first, second] = std::tie(objects[i - 1], objects[i]);
            if (!first.name.empty() && first.name == second.name) {
                report_name_taken(diagnostics_, second.place, saying, second.name, first.place);
            }
        }
    }

    /// They share one space of names: commands know sinks, of whatever type.
    void check_sinks_and_archives() {
        for (const auto& archive : config_.archives) {
            const auto* const sink = config_.find_sink(archive.name);
            if (sink != nullptr && !archive.name.empty()) {
                report_name_taken(
                    diagnostics_, archive.place, kTwoSinks, archive.name, sink->place
                );
            }
        }
    }

    fs::path folder_;
    const ConfigFiles& files_;
    Diagnostics& diagnostics_;
    Config config_;
};

template <class T>
const T* find_named(const std::vector<T>& sorted, std::string_view name) noexcept {
    const auto found = std::ranges::lower_bound(sorted, name, {}, &T::name);
    return found != sorted.end() && found->name == name ? &*found : nullptr;
}

}  // namespace

const SinkConfig* Config::find_sink(std::string_view name) const noexcept {
    return find_named(sinks, name);
}

const ArchiveConfig* Config::find_archive(std::string_view name) const noexcept {
    return find_named(archives, name);
}

const StreamConfig* Config::find_stream(std::string_view name) const noexcept {
    return find_named(streams, name);
}

Config load_config(const fs::path& path, const ConfigFiles& files, Diagnostics& diagnostics) {
    const auto name = path.filename().string();
    const bool is_file = name.ends_with(".yaml") || name.ends_with(".yml");
    return Loader{is_file ? path : path / "weir.yaml", files, diagnostics}.load();
}

}  // namespace weir::app
