#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <ranges>
#include <weir/app_config/config_codes.hpp>
#include <weir/app_config/config_reference.hpp>
#include <weir/app_config/config_values.hpp>
#include <weir/app_config/detail/net_text.hpp>
#include <weir/app_config/detail/scalar_reader.hpp>
#include <weir/http_client/client.hpp>

namespace weir::app {

using document::Diagnostics;
using document::Document;
using document::Node;

namespace {

constexpr std::size_t kHeaderNameBytesMax = 64;

Place place_of(const Node& node) {
    return {std::string{node.file()}, node.range()};
}

/// RFC 9110 section 5.6.2.
bool is_header_name(std::string_view text) {
    constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
    return !text.empty() && text.size() <= kHeaderNameBytesMax &&
           std::ranges::all_of(text, [&](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      kMarks.find(c) != std::string_view::npos;
           });
}

/// Headers that say where a request ends, which connection it takes, or what makes it known again, in lower case.
constexpr std::array<std::string_view, 11> kOwnHeaders = {
    "connection",       "content-length", "expect",  "idempotency-key",   "keep-alive", "proxy-authorization",
    "proxy-connection", "te",             "trailer", "transfer-encoding", "upgrade",
};

/// What is wrong with a header of a sink; empty if nothing is.
std::string problem_of_header(std::string_view name, std::string_view value) {
    std::string lower{name};
    std::ranges::transform(lower, lower.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    if (std::ranges::find(kOwnHeaders, lower) != kOwnHeaders.end()) {
        return fmt::format("the header '{}' is set by the gateway alone", name);
    }
    if (lower == "host" && value.find("${") != std::string_view::npos) {
        return "whoever publishes would choose the host: 'Host' is fixed";
    }
    return http_client::is_header_value(value)
               ? ""
               : fmt::format("the header '{}' has a control character", name);
}

}  // namespace

/// Walks a document along the schema.
class SectionReader {
public:
    SectionReader(
        FileKind kind,
        const std::filesystem::path& folder,
        const ConfigFiles& files,
        Diagnostics& diagnostics
    )
        : kind_{kind}, diagnostics_{diagnostics}, scalars_{folder, files, diagnostics} {}

    Section read_file(const Node& root) {
        Section section;
        section.place_ = place_of(root);
        read_mapping(root, "", "", section);
        return section;
    }

private:
    /// @param path    Of the mapping in the schema, "" for the file.
    /// @param prefix  Of its keys in `section`, with the dot.
    void read_mapping(
        const Node& node, const std::string& path, const std::string& prefix, Section& section
    ) {
        const auto known = children(kind_, path);
        if (!document::expect_mapping(node, diagnostics_, what(path))) {
            return;
        }
        std::vector<std::string_view> names;
        for (const auto& child : known) {
            names.push_back(child.name);
        }
        document::check_keys(node, diagnostics_, names, what(path));
        for (const auto& [name, key] : known) {
            const auto place = prefix + std::string{name};
            if (const auto value = node.get(name)) {
                section.places_[place] = place_of(*value);
                read_value(*value, *key, place, section);
            } else if (key->required) {
                document::report(
                    diagnostics_,
                    node,
                    document::code::kMissingKey,
                    fmt::format("the key '{}' is missing", name),
                    fmt::format("weir explain {}", topic_of(kind_, key->path)),
                    fmt::format("{} needs it", what(path))
                );
            } else {
                set_default(node, *key, place, section);
            }
        }
    }

    /// For people: without the brackets of lists.
    static std::string plain(std::string_view path) {
        std::string result;
        std::ranges::copy_if(path, std::back_inserter(result), [](char c) {
            return c != '[' && c != ']';
        });
        return result;
    }

    [[nodiscard]] std::string what(std::string_view path) const {
        return path.empty() ? fmt::format("a setting of {}", describe(kind_))
                            : fmt::format("a setting of '{}'", plain(path));
    }

    void read_value(const Node& node, const Key& key, const std::string& place, Section& section) {
        switch (key.type) {
            case Type::mapping:
                read_mapping(node, key.path, place + '.', section);
                break;
            case Type::list:
                read_list(node, key, place, section);
                break;
            case Type::words:
            case Type::networks:
            case Type::paths:
            case Type::texts:
                read_scalars(document::one_or_more(node), key, place, section);
                break;
            case Type::headers:
                read_headers(node, key, place, section);
                break;
            case Type::secret:
                if (auto secret = scalars_.read_reference(node)) {
                    section.values_.insert_or_assign(place, std::move(*secret));
                }
                break;
            default:
                scalars_.with_substitution(node, [&](const Node& scalar) {
                    if (auto value = scalars_.read(scalar, key)) {
                        section.values_.insert_or_assign(place, std::move(*value));
                    }
                });
        }
    }

    /// Defaults are read like written values; mappings that are left out have those of their keys.
    void set_default(
        const Node& around, const Key& key, const std::string& place, Section& section
    ) {
        if (key.type == Type::mapping) {
            for (const auto& [name, child] : children(kind_, key.path)) {
                if (!child->required) {
                    set_default(around, *child, place + '.' + std::string{name}, section);
                }
            }
            return;
        }
        if (key.fallback.empty()) {
            return;
        }
        if (key.type == Type::words || key.type == Type::texts || key.type == Type::paths) {
            std::vector<Document> words;
            std::vector<Node> nodes;
            for (const auto word : std::views::split(key.fallback, ' ')) {
                words.push_back(Document::scalar(std::string_view{word.begin(), word.end()}, around)
                );
                nodes.push_back(words.back().root());
            }
            read_scalars(nodes, key, place, section);
            return;
        }
        const auto written = Document::scalar(key.fallback, around);
        read_value(written.root(), key, place, section);
    }

    void read_list(const Node& node, const Key& key, const std::string& place, Section& section) {
        if (!document::expect_sequence(node, diagnostics_, fmt::format("the '{}'", key.path))) {
            return;
        }
        check_count(node, key);
        auto& items = section.items_[place];
        for (const auto& item : node.items()) {
            auto& added = items.emplace_back();
            added.place_ = place_of(item);
            read_mapping(item, key.path + "[]", "", added);
        }
    }

    void check_count(const Node& node, const Key& key) {
        if (node.size() < key.min || (key.max != 0 && node.size() > key.max)) {
            document::report(
                diagnostics_,
                node,
                document::code::kOutOfRange,
                fmt::format("'{}' has {} items", plain(key.path), node.size()),
                fmt::format("allowed: from {} to {}", key.min, key.max)
            );
        }
    }

    void read_scalars(
        const std::vector<Node>& nodes, const Key& key, const std::string& place, Section& section
    ) {
        std::vector<std::string> texts;
        std::vector<std::filesystem::path> paths;
        std::vector<Network> networks;
        if (key.max != 0 && nodes.size() > key.max) {
            document::report(
                diagnostics_,
                nodes.at(key.max),
                document::code::kOutOfRange,
                fmt::format("'{}' has {} items", plain(key.path), nodes.size()),
                fmt::format("allowed: at most {}", key.max)
            );
            return;
        }
        const Key item{
            .path = key.path,
            .type = key.type == Type::words   ? Type::word
                    : key.type == Type::paths ? Type::path
                                              : Type::text,
            .words = key.words,
        };
        for (const auto& node : nodes) {
            scalars_.with_substitution(node, [&](const Node& scalar) {
                auto value = scalars_.read(scalar, item);
                if (!value) {
                    return;
                }
                if (auto* path = std::get_if<std::filesystem::path>(&*value)) {
                    paths.push_back(std::move(*path));
                } else if (key.type != Type::networks) {
                    texts.push_back(std::move(std::get<std::string>(*value)));
                } else if (auto network = detail::parse_network(scalar.text())) {
                    networks.push_back(std::move(*network));
                } else {
                    scalars_.bad_address(
                        scalar, "a network", "write one such as 10.0.0.0/8 or fd00::/8"
                    );
                }
            });
        }
        if (key.type == Type::paths) {
            section.values_.insert_or_assign(place, std::move(paths));
        } else if (key.type == Type::networks) {
            section.values_.insert_or_assign(place, std::move(networks));
        } else {
            section.values_.insert_or_assign(place, std::move(texts));
        }
    }

    void read_headers(
        const Node& node, const Key& key, const std::string& place, Section& section
    ) {
        if (!document::expect_mapping(node, diagnostics_, "of names and texts")) {
            return;
        }
        check_count(node, key);
        Headers headers;
        for (const auto& [name, value] : node.entries()) {
            if (!is_header_name(name.text())) {
                document::report(
                    diagnostics_,
                    name,
                    code::kBadName,
                    fmt::format("'{}' is not the name of a header", name.text())
                );
                continue;
            }
            scalars_.with_substitution(value, [&, &header = name](const Node& scalar) {
                if (auto text = document::as_string(
                        scalar, diagnostics_, {.min = 0, .max = detail::ScalarReader::kTextBytesMax}
                    )) {
                    if (auto problem = problem_of_header(header.text(), *text); !problem.empty()) {
                        document::report(
                            diagnostics_, scalar, code::kBadHeader, std::move(problem)
                        );
                        return;
                    }
                    section.places_[fmt::format("{}.{}", place, headers.size())] = place_of(scalar);
                    headers.emplace_back(header.text(), std::move(*text));
                }
            });
        }
        section.values_.insert_or_assign(place, std::move(headers));
    }

    FileKind kind_;
    Diagnostics& diagnostics_;
    detail::ScalarReader scalars_;
};

Section read_section(
    FileKind kind,
    const Node& root,
    const std::filesystem::path& folder,
    const ConfigFiles& files,
    Diagnostics& diagnostics
) {
    return SectionReader{kind, folder, files, diagnostics}.read_file(root);
}

}  // namespace weir::app
