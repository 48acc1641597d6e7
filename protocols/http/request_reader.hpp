/// Bytes to HTTP/1.1 requests.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include <weir/base/bytes.hpp>
#include <weir/http/error.hpp>

namespace weir::http {

struct ReaderLimits {
    std::uint32_t head_bytes =
        8 * 1024;  ///< Request line and headers; trailers of a chunked body likewise.
    std::uint64_t body_bytes = 256 * 1024;  ///< After chunks are joined.
};

struct Header {
    std::string_view name;
    std::string_view value;
};

/// A request, or its head. All views end with the next call of the reader.
struct Request {
    std::string_view method;  ///< As sent; methods are case-sensitive.
    std::string_view target;  ///< Path and query, still percent-encoded.
    std::span<const Header> headers;
    ByteView body;           ///< Empty while only the head is there.
    bool keep_alive = true;  ///< What the peer wishes (version and Connection header).
    bool expects_continue = false;

    /// The value of the first header of that name, whatever the case of its letters.
    [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const noexcept;
};

struct Event {
    enum class Kind : std::uint8_t {
        need_more,
        head,     ///< Told once per request before its body is taken, or refused as too long. If it expects_continue, send
                  ///< kContinue or refuse.
        request,  ///< Complete. Answer it before the next call: answers go in order.
    };

    Kind kind = Kind::need_more;
    Request request = {};
};

/// What `Expect: 100-continue` waits for.
inline constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

/// Reads one connection's requests. Holds memory only while a request is incomplete or its views
/// are in use: bodies grow with the bytes that really came, never by what a header promises.
class RequestReader {
public:
    explicit RequestReader(ReaderLimits limits) noexcept;
    RequestReader(RequestReader&&) noexcept;
    RequestReader& operator=(RequestReader&&) noexcept;
    ~RequestReader();

    /// Decodes the next event and advances `in` past the bytes that it took; what belongs to a
    /// later, pipelined request stays in `in`. Takes everything when it says need_more.
    /// @errors http::errc. Answer with status_of() and close: the reader is of no use after that.
    [[nodiscard]] Result<Event> next(ByteView& in) noexcept;

    /// Bytes that came of a request whose rest has not come; 0: the peer owes nothing.
    [[nodiscard]] std::uint64_t unfinished() const noexcept;

private:
    struct State;

    /// What next() does, but for counting what it took.
    [[nodiscard]] Result<Event> advance(ByteView& in) noexcept;

    std::unique_ptr<State> state_;
    ReaderLimits limits_;
    std::uint8_t blanks_ = 0;  ///< Bytes of empty lines in front of the next request.
};

}  // namespace weir::http
