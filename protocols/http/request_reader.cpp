#include <weir/http/request_reader.hpp>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/core/buffers_range.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <vector>

namespace weir::http {
namespace {

namespace beast = boost::beast;
using beast::http::field;

/// A body that takes memory as bytes come; Beast's own bodies reserve what Content-Length promises.
struct GrowingBody {
    using value_type = Bytes;

    class reader {
    public:
        template <bool IsRequest, class Fields>
        reader(beast::http::header<IsRequest, Fields>& /*head*/, value_type& body) : body_{&body} {}

        void init(const boost::optional<std::uint64_t>& /*length*/, error_code& error) {
            error = {};
        }

        template <class Buffers>
        std::size_t put(const Buffers& buffers, error_code& error) {
            error = {};
            for (const boost::asio::const_buffer part : beast::buffers_range_ref(buffers)) {
                append(*body_, ByteView{static_cast<const Byte*>(part.data()), part.size()});
            }
            return boost::asio::buffer_size(buffers);
        }

        void finish(error_code& error) { error = {}; }

    private:
        value_type* body_;
    };
};

using Parser = beast::http::request_parser<GrowingBody>;
using Head = Parser::value_type;

/// "0\r\n\r\n": the least that follows a chunk size which was cut. Beast asserts that it is there.
constexpr std::size_t kLastChunkBytes = 5;

/// Empty lines in front of a request are ignored, at least one of them [RFC9112-2.2]: but nobody
/// says he is there with nothing else.
constexpr std::uint8_t kBlankBytesMax = 8;

errc translate(const error_code& code) noexcept {
    using beast::http::error;
    if (code == error::header_limit) {
        return errc::head_too_long;
    }
    if (code == error::body_limit) {
        return errc::body_too_long;
    }
    if (code == error::bad_version) {
        return errc::version_unsupported;
    }
    return errc::malformed;
}

std::string_view as_std(beast::string_view text) noexcept {
    return {text.data(), text.size()};
}

/// What Beast lets through although a proxy in front might read it otherwise. [RFC9112-3.2,
/// RFC9112-6.1]
error_code check_head(const Head& head) {
    const auto hosts = head.count(field::host);
    if (hosts > 1 || (hosts == 0 && head.version() == 11)) {
        return errc::malformed;
    }
    if (head.count(field::transfer_encoding) == 0) {
        return {};
    }
    if (head.version() != 11) {
        return errc::malformed;
    }
    if (!beast::iequals(head[field::transfer_encoding], "chunked")) {
        return errc::transfer_coding_unsupported;
    }
    return {};
}

}  // namespace

struct RequestReader::State {
    explicit State(const ReaderLimits& given) : limits{given}, head_left{given.head_bytes} {
        parser.header_limit(limits.head_bytes);
        parser.body_limit(boost::none);  // From the head's end on: who sends too much shall be known.
    }

    [[nodiscard]] Result<bool> step(ByteView& in);
    void describe_head();
    /// The head promises a body that is too long.
    [[nodiscard]] bool promises_too_much() const {
        const auto length = parser.content_length();
        return length && *length > limits.body_bytes;
    }

    ReaderLimits limits;
    std::size_t head_left;  ///< Bytes that the head may still take.
    Parser parser;
    Bytes
        carry;  ///< Start of a line that was not complete; Beast wants it again with what follows.
    std::vector<Header> headers;
    Request request;
    std::uint64_t received = 0;  ///< Bytes taken of this request.
    bool head_told = false;
    bool complete = false;
};

/// Hands bytes to the parser once. @return Whether it is worth another turn; if not, all of `in`
/// was taken.
Result<bool> RequestReader::State::step(ByteView& in) {
    const bool in_head = !parser.is_header_done();
    const std::size_t room = in_head ? head_left : limits.head_bytes;
    const std::size_t carried = carry.size();
    const auto lent =
        in_head || carried > 0 ? in.first(std::min(in.size(), room - std::min(room, carried))) : in;
    if (carried > 0) {
        append(carry, lent);
    }
    const ByteView view = carried > 0 ? ByteView{carry} : lent;
    if (!in_head && carried > 0 && view.size() < kLastChunkBytes) {
        in = in.subspan(lent.size());
        return false;
    }
    error_code error;
    const std::size_t used = parser.put(boost::asio::buffer(view.data(), view.size()), error);
    if (in_head) {
        head_left -= used;
    }
    if (error && error != beast::http::error::need_more) {
        return translate(error);
    }
    const bool incomplete = error.failed();
    if (!incomplete && used >= carried) {
        carry.clear();
        in = in.subspan(used - carried);
        return true;
    }
    Bytes rest{view.begin() + static_cast<std::ptrdiff_t>(used), view.end()};
    if (incomplete && rest.size() >= (in_head ? head_left : room)) {
        return errc::head_too_long;
    }
    carry = std::move(rest);
    in = in.subspan(lent.size());
    return !incomplete || !in.empty();
}

void RequestReader::State::describe_head() {
    const Head& head = parser.get();
    for (const auto& line : head) {
        headers.push_back({as_std(line.name_string()), as_std(line.value())});
    }
    request = Request{
        .method = as_std(head.method_string()),
        .target = as_std(head.target()),
        .headers = headers,
        .body = {},
        .keep_alive = parser.keep_alive(),
        .expects_continue = head.version() == 11 && !parser.is_done() && !promises_too_much() &&
                            beast::iequals(head[field::expect], "100-continue"),
    };
}

std::optional<std::string_view> Request::header(std::string_view name) const noexcept {
    const auto found = std::find_if(headers.begin(), headers.end(), [name](const Header& header) {
        return beast::iequals(header.name, name);
    });
    return found == headers.end() ? std::nullopt : std::optional{found->value};
}

RequestReader::RequestReader(ReaderLimits limits) noexcept : limits_{limits} {}
RequestReader::RequestReader(RequestReader&&) noexcept = default;
RequestReader& RequestReader::operator=(RequestReader&&) noexcept = default;
RequestReader::~RequestReader() = default;

std::uint64_t RequestReader::unfinished() const noexcept {
    return state_ == nullptr || state_->complete ? 0 : state_->received;
}

Result<Event> RequestReader::next(ByteView& in) noexcept {
    const std::size_t offered = in.size();
    const auto event = advance(in);
    if (state_ != nullptr) {
        state_->received += offered - in.size();
    }
    return event;
}

Result<Event> RequestReader::advance(ByteView& in) noexcept {
    if (state_ != nullptr && state_->complete) {
        state_.reset();
    }
    if (state_ == nullptr) {
        while (!in.empty() && (in.front() == '\r' || in.front() == '\n')) {
            in = in.subspan(1);
            if (++blanks_ > kBlankBytesMax) {
                return errc::malformed;
            }
        }
        if (in.empty()) {
            return Event{};
        }
        blanks_ = 0;
        state_ = std::make_unique<State>(limits_);
    }
    State& state = *state_;
    for (;;) {
        if (state.parser.is_header_done() && !state.head_told) {
            if (const auto error = check_head(state.parser.get())) {
                return error;
            }
            state.describe_head();
            state.head_told = true;
            state.parser.body_limit(state.limits.body_bytes);
            return Event{Event::Kind::head, state.request};
        }
        if (state.head_told && state.promises_too_much()) {
            return errc::body_too_long;
        }
        if (state.parser.is_done()) {
            state.complete = true;
            state.request.body = state.parser.get().body();
            return Event{Event::Kind::request, state.request};
        }
        if (in.empty() && state.carry.empty()) {
            return Event{};
        }
        WEIR_TRY(const bool more, state.step(in));
        if (!more) {
            return Event{};
        }
    }
}

}  // namespace weir::http
