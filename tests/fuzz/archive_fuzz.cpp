// What an archive reads that may be damaged or hostile: its progress in the store, templates of names, and records that
// devices made. The first byte chooses.
#include <algorithm>
#include <string>

#include <weir/archive/detail/lines.hpp>
#include <weir/archive/detail/progress.hpp>
#include <weir/archive/object_name.hpp>
#include <weir/base/assert.hpp>

namespace {

using namespace weir;
using namespace weir::archive;

/// Progress that decodes is written again as it was, as far as it was read.
void check_progress(ByteView input) {
    const auto progress = archive::detail::decode_progress(1, input);
    if (!progress) {
        return;
    }
    const auto again = archive::detail::encode(*progress);
    // Without a claim its last offset means nothing.
    WEIR_ASSERT(!progress->claim || std::ranges::equal(again, input.first(again.size())));
}

/// No template that passes leads to a name that leaves its folder.
void check_name(std::string_view text) {
    if (!check_object_name(text).empty()) {
        return;
    }
    const auto name =
        '/' + object_name(text, {.sink = "a", .stream = "b", .time_ms = 1, .first = 2, .last = 3}) +
        '/';
    WEIR_ASSERT(name.find("/.") == std::string::npos && name.find("//") == std::string::npos);
    WEIR_ASSERT(
        name.find('\0') == std::string::npos && name.find("000000000002") != std::string::npos
    );
}

/// A record is a line, whatever its payload is.
void check_lines(ByteView payload) {
    storage::StreamEntry entry;
    entry.offset = 7;
    entry.record = {.topic = "t", .key = "k", .payload = payload};
    for (const auto& layout :
         {Layout{},
          Layout{.format = Format::payload},
          Layout{.columns = {"device", "payload.a.b", "payload"}}}) {
        archive::detail::LineWriter lines{layout};
        std::string out;
        lines.add(out, entry);
        WEIR_ASSERT(std::ranges::count(out, '\n') == 1 && out.ends_with('\n'));
    }
    archive::detail::LineWriter csv{
        Layout{.format = Format::csv, .columns = {"payload.a", "encoding", "payload"}}};
    std::string out;
    csv.add(out, entry);
    bool quoted = false;
    int fields = 1;
    for (const char c : out) {
        quoted ^= c == '"';
        fields += !quoted && c == ',' ? 1 : 0;
    }
    WEIR_ASSERT(!quoted && fields == 3 && out.ends_with("\r\n"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const weir::ByteView input{data + 1, size - 1};
    switch (data[0] % 3) {
        case 0:
            check_progress(input);
            break;
        case 1:
            check_name(weir::as_text(input));
            break;
        default:
            check_lines(input);
    }
    return 0;
}
