#include <weir/app_config/config_values.hpp>

#include <fmt/format.h>

#include <utility>
#include <weir/app_config/config_codes.hpp>

namespace weir::app {
namespace {

constexpr std::size_t kSecretBytesMax = 64 * 1024;

void cut_line_end(std::string& text) {
    if (text.ends_with('\n')) {
        text.pop_back();
    }
    if (text.ends_with('\r')) {
        text.pop_back();
    }
}

}  // namespace

std::optional<std::string> Secret::load(const ConfigFiles& files) const {
    auto text = file.empty() ? files.variable(variable) : files.read(file);
    if (!text || text->size() > kSecretBytesMax) {
        return std::nullopt;
    }
    cut_line_end(*text);
    return text->empty() ? std::nullopt : text;
}

const Place& Section::place(std::string_view path) const {
    const auto found = places_.find(path);
    return found == places_.end() ? place_ : found->second;
}

const std::vector<Section>& Section::items(std::string_view path) const {
    static const std::vector<Section> none;
    const auto found = items_.find(path);
    return found == items_.end() ? none : found->second;
}

void report_name_taken(
    document::Diagnostics& diagnostics,
    const Place& second,
    std::string_view saying,
    std::string_view name,
    const Place& first
) {
    report(
        diagnostics,
        second,
        code::kNameTaken,
        fmt::format("{} '{}'", saying, name),
        "rename one of them",
        fmt::format("the other one is {}:{}", first.file, first.range.begin.line)
    );
}

}  // namespace weir::app
