/// HTTPS ingest: POST /topics/{topic}?qos=0|1&retain=true publishes the body.
#pragma once

#include <optional>

#include <weir/endpoints/endpoint.hpp>
#include <weir/endpoints/services.hpp>
#include <weir/http/problem.hpp>
#include <weir/http/request_reader.hpp>
#include <weir/http/response.hpp>
#include <weir/http/router.hpp>
#include <weir/model/principal.hpp>

namespace weir::endpoints {

class Connection;

/// One HTTP/1.1 connection; requests are answered in order, one at a time. Who sends them is proved by the client
/// certificate or a bearer token, for each request anew and before its body is taken: nobody unknown fills memory. At QoS 1
/// (the default) a 2xx says as much as a PUBACK: the message can no longer be lost. Stays on the shard that accepted it.
class HttpEndpoint final : public Endpoint {
public:
    explicit HttpEndpoint(Connection& connection);

    std::size_t on_bytes(ByteView bytes) noexcept override;
    [[nodiscard]] bool is_waiting() const noexcept override { return awaited_ != 0; }
    [[nodiscard]] std::size_t unfinished() const noexcept override { return reader_.unfinished(); }
    void on_durable(std::uint64_t number, bool stored) noexcept override;
    [[nodiscard]] const char* protocol() const noexcept override { return "http"; }

private:
    /// What a publish asks for beside its topic and body.
    struct Options {
        bool waits;  ///< QoS 1: the answer comes when the message is durable.
        bool retain;
        std::string_view content_type;  ///< Of the request; empty: none.
    };

    void begin(const http::Request& head);
    void serve(const http::Request& request);
    /// @return Nothing if the request was refused, and answered.
    [[nodiscard]] model::PrincipalPtr authenticate(const http::Request& head);
    /// @return Nothing if the request was refused, and answered.
    [[nodiscard]] std::optional<Options> read_options(
        const http::Request& request, std::string_view topic
    );
    void publish(const http::Request& request, const std::string& topic);
    /// Answers that the client is to try again.
    void hold_back(pipeline::Progress progress, std::string_view topic);
    void answer(const http::Response& response);
    /// Whoever bears it has its secret, so he is told, and the refusal is noted under the device.
    void refuse_expired(std::string_view bearer);
    void refuse(std::uint16_t status, model::Verdict verdict, std::string_view topic = {});
    /// Counts and records `reason`, and answers with words of its own.
    void refuse(model::Reason reason, const http::Problem& problem, std::string_view topic = {});
    void fail(const http::Problem& problem);

    Connection& connection_;
    http::RequestReader reader_;
    model::PrincipalPtr principal_;  ///< Who sends the request under way.
    bool keep_alive_ = true;     ///< Of the request that is being answered.
    std::uint64_t awaited_ = 0;  ///< The publish whose durability is awaited; 0: none.
    std::uint64_t published_ = 0;
};

}  // namespace weir::endpoints
