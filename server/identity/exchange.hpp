/// Authentication that takes several rounds, as MQTT 5's AUTH and SASL have it.
#pragma once

#include <memory>
#include <string_view>
#include <variant>
#include <vector>

#include <weir/base/bytes.hpp>
#include <weir/identity/error.hpp>
#include <weir/identity/registry.hpp>
#include <weir/model/principal.hpp>

namespace weir::identity {

/// The peer must answer this before it is known who it is.
struct Challenge {
    Bytes data;
};

/// The peer proved who it is. `data` goes with the acceptance: what proves the gateway to the peer.
struct Proved {
    model::PrincipalPtr principal;
    Bytes data = {};
};

/// An error ends the exchange: the peer is refused.
using Step = Result<std::variant<Challenge, Proved>>;

/// One peer on its way to prove who it is. Owned by its connection, and used on one shard only.
class Exchange {
public:
    virtual ~Exchange() = default;

    /// @param data  What the peer sent; the first time, what came along with the method's name. May be empty.
    /// @errors bad_credentials, device_disabled.
    /// @cost   Runs on a shard: never blocks.
    virtual Step next(ByteView data) = 0;
};

/// A method that peers may ask for by name. Immutable, shared by all shards.
class Mechanism {
public:
    virtual ~Mechanism() = default;

    /// As peers write it: for SASL mechanisms their registered name.
    [[nodiscard]] virtual std::string_view name() const noexcept = 0;
    /// @param registry  Outlives the exchange.
    [[nodiscard]] virtual std::unique_ptr<Exchange> begin(const Registry& registry) const = 0;
};

using Mechanisms = std::vector<std::shared_ptr<const Mechanism>>;

/// The mechanism of that name, or nullptr.
[[nodiscard]] const Mechanism* find_mechanism(
    const Mechanisms& mechanisms, std::string_view name
) noexcept;

}  // namespace weir::identity
