/// Who publishes.
#pragma once

#include <string_view>

#include <weir/broker/session.hpp>
#include <weir/metering/meter.hpp>
#include <weir/model/limits.hpp>
#include <weir/model/principal.hpp>
#include <weir/policy/policy_set.hpp>

namespace weir::pipeline {

/// Views: they need to live during the call only.
struct Origin {
    policy::Subject subject;
    const policy::Bundle* policies;
    const model::PrincipalPtr& principal;
    std::string_view device;  ///< Under which decisions and usage are kept.
    metering::DeviceMeter* meter = nullptr;
    std::string_view source_ip;
    const model::Limits* limits = nullptr;  ///< Of the listener; null: its rates do not matter.
    broker::Session* session = nullptr;  ///< Null: none that could outlive the publish.
    bool is_will = false;                ///< The message is the will of `session`.

    [[nodiscard]] why::Who who() const noexcept {
        return {device, subject.principal.thing.empty()};
    }
};

}  // namespace weir::pipeline
