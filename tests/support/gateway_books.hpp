/// The books of a gateway, asserted whenever a test ends with one.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <memory>
#include <thread>

#include <weir/app/gateway.hpp>

namespace weir::test {

[[nodiscard]] inline bool is_balanced(const app::RuleStatus& rule) {
    return rule.matched ==
           rule.passed + rule.turned_down + rule.undefined + rule.duplicates + rule.broken;
}

/// Nothing vanished: what went into a session that lasts, a rule, a sink or a stream came out, is counted as lost, or
/// waits.
inline void expect_books(app::Gateway& gateway) {
    for (const auto& session :
         gateway.sessions({.limit = std::numeric_limits<std::size_t>::max()})) {
        if (session.lasts) {
            EXPECT_EQ(session.in, session.out + session.lost + session.queued.now)
                << "the books of session " << session.client_id;
        }
    }
    // Shards count while this reads: of a message under way one of two counters may lack.
    const auto ends = std::chrono::steady_clock::now() + std::chrono::seconds{5};
    auto rules = gateway.rules();
    while (!std::ranges::all_of(rules, is_balanced) && std::chrono::steady_clock::now() < ends) {
        std::this_thread::yield();
        rules = gateway.rules();
    }
    for (const auto& rule : rules) {
        EXPECT_TRUE(is_balanced(rule)) << "the books of rule " << rule.name;
    }
    for (const auto& sink : gateway.sinks()) {
        EXPECT_EQ(sink.in, sink.counters.total() + sink.pending) << "the books of sink " << sink.name;
    }
    for (const auto& archive : gateway.archives()) {
        const auto& [records, objects, bytes, lost, replaced] = archive.counters;
        EXPECT_EQ(archive.in, records + lost + replaced + archive.pending)
            << "the books of sink " << archive.name;
    }
    for (const auto& stream : gateway.store().streams()) {
        EXPECT_EQ(stream.next - 1, stream.records() + stream.removed())
            << "the books of stream " << stream.name;
    }
}

struct EndWithItsBooks {
    void operator()(app::Gateway* gateway) const {
        expect_books(*gateway);
        const std::unique_ptr<app::Gateway> ends{gateway};
    }
};
/// Every fixture has its gateway in one: its books are asserted before it ends, or starts again.
using GatewayPtr = std::unique_ptr<app::Gateway, EndWithItsBooks>;

[[nodiscard]] inline GatewayPtr make_gateway(const app::Gateway::Options& options) {
    return GatewayPtr{std::make_unique<app::Gateway>(options).release()};
}

}  // namespace weir::test
