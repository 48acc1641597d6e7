#include <weir/demo/observation.hpp>

#include <algorithm>

namespace weir::demo {

const storage::UsageDelta& Observation::usage_of(std::string_view device) const noexcept {
    static const storage::UsageDelta kNone{};
    const auto line = std::ranges::find(usage.lines, device, &metering::StatementLine::device);
    return line == usage.lines.end() ? kNone : line->sums;
}

}  // namespace weir::demo
