// Hostile price lists: whatever is accepted can be charged by, and more usage never costs less.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string_view>

#include <weir/metering/price_list.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace weir::metering;
    weir::document::Diagnostics diagnostics;
    const auto list = parse_price_list(
        {reinterpret_cast<const char*>(data), size}, "fuzz.yaml", diagnostics
    );
    static_cast<void>(diagnostics.render_text());
    if (list.has_value() == diagnostics.has_errors()) {
        std::abort();
    }
    if (!list) {
        return 0;
    }
    MonthUsage usage{std::chrono::year{2026} / 11};
    auto before = charges(*list, usage);
    for (const std::uint64_t count : {1ULL, 1'000'000ULL, 1ULL << 50U}) {
        usage.days[29].counters.fill(count);
        auto now = charges(*list, usage);
        for (std::size_t i = 0; i < now.size(); ++i) {
            if (now[i].cost < before[i].cost) {
                std::abort();
            }
        }
        before = std::move(now);
    }
    return 0;
}
