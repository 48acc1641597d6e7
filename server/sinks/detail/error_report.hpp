/// What a rule's error action gets of a record that its sink gives up.
#pragma once

#include <string>
#include <string_view>

#include <weir/sinks/config.hpp>
#include <weir/storage/store.hpp>

namespace weir::sinks::detail {

/// As the reports of what fails before the device is answered (pipeline/failure.hpp): {"ruleName","topic","clientId","device",
/// "time","base64OriginalPayload","failures":[{"failedAction","failedResource","errorMessage"}]}, and besides: "base64Output" is
/// what the rule made of it, "deadLetter" where the sink keeps that, "attempts" how often it was sent. "clientId" and
/// "base64OriginalPayload" are there as far as they were kept.
[[nodiscard]] std::string error_report(
    std::string_view sink,
    const ErrorTarget& to,
    const storage::OutboxEntry& entry,
    const storage::DeadLetterNote& note
);

}  // namespace weir::sinks::detail
