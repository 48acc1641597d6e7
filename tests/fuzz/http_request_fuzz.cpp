// The first byte says how the rest is cut into reads. Cutting must not change which requests are
// read (an error may show later when bytes trickle). The upgrade and the router see the same bytes.
#include <algorithm>
#include <string>

#include <weir/base/assert.hpp>
#include <weir/http/request_reader.hpp>
#include <weir/http/router.hpp>
#include <weir/websocket/upgrade.hpp>

namespace {

using namespace weir;

constexpr http::ReaderLimits kLimits{.head_bytes = 512, .body_bytes = 1024};

/// The heads and requests that were read, up to the first error.
std::string read_all(ByteView input, std::size_t step) {
    http::RequestReader reader{kLimits};
    std::string out;
    while (!input.empty()) {
        auto in = input.first(std::min(step, input.size()));
        input = input.subspan(in.size());
        for (;;) {
            const auto event = reader.next(in);
            if (!event) {
                WEIR_ASSERT(http::status_of(event.error()) >= 400);
                return out;
            }
            if (event->kind == http::Event::Kind::need_more) {
                WEIR_ASSERT(in.empty());
                break;
            }
            const auto& request = event->request;
            WEIR_ASSERT(request.body.size() <= kLimits.body_bytes);
            out.append(request.method).append(request.target).append(as_text(request.body));
            for (const auto& header : request.headers) {
                out.append(header.name).append(header.value);
            }
            out += request.keep_alive ? "\n" : "close\n";
        }
    }
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const ByteView input{data + 1, size - 1};
    WEIR_ASSERT(
        read_all(input, input.size() + 1) == read_all(input, std::size_t{1} + data[0] % 64)
    );

    static const websocket::UpgradeRules kRules{.paths = {"/mqtt"}, .origins = {"https://a"}};
    const auto answer = websocket::answer_upgrade(input, kRules);
    WEIR_ASSERT(answer.consumed <= input.size());

    static const auto kRoutes = [] {
        http::RouteTable table;
        table.add("POST", "/topics/{topic...}");
        table.add("GET", "/things/{thing}/shadow");
        return table;
    }();
    static_cast<void>(kRoutes.match("GET", as_text(input)));
    static_cast<void>(http::query_value(as_text(input), "qos"));
    return 0;
}
