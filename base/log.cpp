#include <weir/base/log.hpp>

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <atomic>
#include <chrono>
#include <memory>

#include <weir/base/text.hpp>

namespace weir::log {
namespace {

struct Settings {
    std::atomic<Level> level{Level::info};
    std::atomic<Format> format{Format::pretty};
};

Settings& settings() {
    static Settings instance;
    return instance;
}

spdlog::logger& logger() {
    static const auto instance = [] {
        auto made = std::make_shared<spdlog::logger>("weir", std::make_shared<spdlog::sinks::stderr_sink_mt>());
        made->set_pattern("%v");
        made->set_level(spdlog::level::trace);
        return made;
    }();
    return *instance;
}

constexpr std::array<std::string_view, 4> kLevelNames = {"debug", "info", "warn", "error"};

}  // namespace

void configure(Level level, Format format) {
    settings().level = level;
    settings().format = format;
}

bool enabled(Level level) noexcept { return level >= settings().level.load(std::memory_order_relaxed); }

std::string json_escape(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const auto character = take_character(text);
        if (character.size() > 1) {
            out += character;
            continue;
        }
        const char c = character.front();
        switch (c) {
            case '"':
                out += "\\\"";
                break;
            case '\\':
                out += "\\\\";
                break;
            case '\n':
                out += "\\n";
                break;
            case '\r':
                out += "\\r";
                break;
            case '\t':
                out += "\\t";
                break;
            default:
                if (c < 0x20 || c == 0x7F) {
                    out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
                } else {
                    out += c;
                }
        }
    }
    return out;
}

void write(Level level, std::string_view event, Fields fields) {
    if (!enabled(level)) {
        return;
    }
    const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::system_clock::now().time_since_epoch()
    );
    const bool json = settings().format.load(std::memory_order_relaxed) == Format::json;
    const auto name = kLevelNames[static_cast<std::size_t>(level)];
    std::string line = json ? fmt::format(R"({{"time":"{}","level":"{}","event":"{}")", format_time(now.count()), name, event)
                            : fmt::format("{} {:5} {}", format_time(now.count()), name, event);
    for (const Field& field : fields) {
        const std::string text = field.quoted ? '"' + json_escape(field.value) + '"' : field.value;
        line += json ? fmt::format(R"(,"{}":{})", field.key, text) : fmt::format(" {}={}", field.key, text);
    }
    if (json) {
        line += '}';
    }
    logger().log(spdlog::level::critical, line);
    logger().flush();
}

}  // namespace weir::log
