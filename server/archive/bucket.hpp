/// Objects in a bucket of a server that speaks the protocol of S3.
#pragma once

#include <chrono>
#include <string>

#include <weir/archive/target.hpp>
#include <weir/base/clock.hpp>
#include <weir/http_client/client.hpp>
#include <weir/http_client/sigv4.hpp>

namespace weir::archive {

struct BucketOptions {
    std::string endpoint = {};  ///< Scheme, host and perhaps a port; no path.
    std::string bucket = {};
    bool virtual_host = false;  ///< The bucket stands in front of the host, not in the path.
    http_client::SigV4 signer = {};
    http_client::TlsOptions tls = {};
    std::chrono::milliseconds timeout{60'000};  ///< Of one attempt.
};

/// Each object is one PUT, signed with the hash of its bytes, so that the server takes it whole or
/// not at all.
class Bucket final : public Target {
public:
    /// @param client  Outlives the bucket's users: stopping it ends an attempt under way.
    Bucket(BucketOptions options, http_client::Client& client, const Clock& clock)
        : options_{std::move(options)}, client_{client}, clock_{clock} {}

    [[nodiscard]] std::optional<std::string> write(const Object& object) override;
    [[nodiscard]] std::optional<std::string> remove(const std::string& name) override;
    [[nodiscard]] std::string where() const override;

private:
    /// @param name  Not encoded; empty: of the bucket.
    [[nodiscard]] std::string url_of(std::string_view name) const;
    /// Signs it, sends it, and waits for the answer. @return Nothing, or what failed.
    [[nodiscard]] std::optional<std::string> send(http_client::Request request);

    const BucketOptions options_;
    http_client::Client& client_;
    const Clock& clock_;
};

}  // namespace weir::archive
