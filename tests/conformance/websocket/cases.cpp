#include "conformance/websocket/cases.hpp"

#include <algorithm>
#include <iterator>

#include "conformance/websocket/script.hpp"
#include "conformance/websocket/utf8.hpp"

namespace weir::websocket::test {
namespace {

using Cases = std::vector<Case>;

const ExpectedReply kProtocolError{.control = {"close 1002"}};
const ExpectedReply kTextRefused{.control = {"close 1003"}};

/// Not the same everywhere, so that a byte lost or doubled shows.
std::string data_of(std::size_t size) {
    std::string out(size, '\0');
    for (std::size_t i = 0; i < size; ++i) {
        out[i] = static_cast<char>(i * 131 + (i >> 8U));
    }
    return out;
}

/// The same, when it is wanted.
auto later_data_of(std::size_t size) {
    return [size] { return data_of(size); };
}

Script in_fragments(std::string_view data, std::size_t size) {
    Script out;
    out.begin(data.substr(0, size));
    for (std::size_t at = size; at < data.size(); at += size) {
        out.more(data.substr(at, size));
    }
    return out.last({});
}

Cases framing() {
    constexpr std::size_t kSizes[] = {0, 125, 126, 127, 128, 65'535, 65'536, 65'536};
    Cases out;
    for (std::size_t i = 0; i < std::size(kSizes); ++i) {
        const auto number = std::to_string(i + 1);
        const auto about = std::to_string(kSizes[i]) + " bytes";
        const std::size_t size = kSizes[i];
        const std::size_t chop = i == 7 ? 997 : 0;
        const auto as_text = [size] { return Script{}.text(data_of(size)); };
        const auto as_binary = [size] { return Script{}.binary(data_of(size)); };
        out.push_back({"1.1." + number, "text, " + about, as_text, kTextRefused, chop});
        out.push_back(
            {"1.2." + number, "binary, " + about, as_binary, {later_data_of(size)}, chop}
        );
    }
    return out;
}

Cases pings() {
    const auto full = std::string(125, '\xFE');
    Script ten;
    ExpectedReply pongs;
    for (int i = 0; i < 10; ++i) {
        ten.ping("payload-" + std::to_string(i));
        pongs.control.push_back("pong payload-" + std::to_string(i));
    }
    return {
        {"2.1", "ping without payload", Script{}.ping({}), {.control = {"pong "}}},
        {"2.2",
         "ping with text",
         Script{}.ping("Hello, world!"),
         {.control = {"pong Hello, world!"}}},
        {"2.3",
         "ping with bytes that are no text",
         Script{}.ping("\xFE\xFF"),
         {.control = {"pong \xFE\xFF"}}},
        {"2.4", "ping of 125 bytes", Script{}.ping(full), {.control = {"pong " + full}}},
        {"2.5", "ping of 126 bytes", Script{}.ping(full + 'x'), kProtocolError},
        {"2.6",
         "ping of 125 bytes, byte by byte",
         Script{}.ping(full),
         {.control = {"pong " + full}},
         1},
        {"2.7", "pong that nobody asked for", Script{}.pong({}), {}},
        {"2.8", "the same with payload", Script{}.pong("unsolicited"), {}},
        {"2.9",
         "the same, then a ping",
         Script{}.pong("unsolicited").ping("ping"),
         {.control = {"pong ping"}}},
        {"2.10", "ten pings at once: each is answered, in order", ten, pongs},
        {"2.11", "the same byte by byte", ten, pongs, 1},
    };
}

Cases reserved_bits() {
    const ExpectedReply after_echo{"hello", {"close 1002"}};
    const auto behind = [](unsigned first) {
        return Script{}.binary("hello").odd(first, "bad").ping({});
    };
    return {
        {"3.1", "RSV=1", Script{}.odd(0x92, "bad"), kProtocolError},
        {"3.2", "RSV=2 behind a message", behind(0xA2), after_echo},
        {"3.3", "RSV=3 behind a message", behind(0xB2), after_echo, 11},
        {"3.4", "RSV=4 (of deflate) byte by byte", behind(0xC2), after_echo, 1},
        {"3.5", "RSV=5", Script{}.odd(0xD2, data_of(8)), kProtocolError},
        {"3.6", "RSV=6 in a ping", Script{}.odd(0xE9, "bad"), kProtocolError},
        {"3.7", "RSV=7 in a closing frame", Script{}.odd(0xF8, {}), kProtocolError},
    };
}

Cases opcodes() {
    Cases out;
    for (const unsigned first : {3U, 11U}) {
        const std::string group = first == 3 ? "4.1." : "4.2.";
        for (unsigned i = 0; i < 5; ++i) {
            const unsigned opcode = first + i;
            const bool alone = i < 2;
            Script script;
            if (!alone) {
                script.binary("hello");
            }
            script.odd(0x80 | opcode, i % 2 == 0 ? "" : "payload").ping({});
            out.push_back(
                {group + std::to_string(i + 1),
                 "opcode " + std::to_string(opcode),
                 script,
                 {alone ? "" : "hello", {"close 1002"}},
                 i == 4 ? 1U : 0U}
            );
        }
    }
    return out;
}

Cases fragments() {
    const ExpectedReply echo{"fragment1fragment2", {}};
    const ExpectedReply echo_and_pong{"fragment1fragment2", {"pong ping"}};
    const auto two = Script{}.begin("fragment1").last("fragment2");
    const auto around_ping = Script{}.begin("fragment1").ping("ping").last("fragment2");
    const auto nothing_begun = Script{}.last("not begun").binary("hello");
    const auto nothing_ends = Script{}.more("not begun").binary("hello");
    const auto five =
        Script{}.begin("1").more("2").ping("a").more("3").more("4").ping("b").last("5");
    return {
        {"5.1", "ping in fragments", Script{}.odd(0x09, "a").odd(0x80, "b"), kProtocolError},
        {"5.2", "pong in fragments", Script{}.odd(0x0A, "a").odd(0x80, "b"), kProtocolError},
        {"5.3", "message in two fragments", two, echo},
        {"5.4", "the same in writes of 7 bytes", two, echo, 7},
        {"5.5", "the same byte by byte", two, echo, 1},
        {"5.6", "ping between the fragments", around_ping, echo_and_pong},
        {"5.7", "the same in writes of 7 bytes", around_ping, echo_and_pong, 7},
        {"5.8", "the same byte by byte", around_ping, echo_and_pong, 1},
        {"5.9", "continuation, last, of nothing", nothing_begun, kProtocolError},
        {"5.10", "the same in writes of 7 bytes", nothing_begun, kProtocolError, 7},
        {"5.11", "the same byte by byte", nothing_begun, kProtocolError, 1},
        {"5.12", "continuation, not last, of nothing", nothing_ends, kProtocolError},
        {"5.13", "the same in writes of 7 bytes", nothing_ends, kProtocolError, 7},
        {"5.14", "the same byte by byte", nothing_ends, kProtocolError, 1},
        {"5.15",
         "continuation behind a complete message",
         Script{}.begin("fragment1").last("fragment2").more("fragment3").binary("hello"),
         {"fragment1fragment2", {"close 1002"}}},
        {"5.16",
         "continuation, not last, of nothing, twice",
         Script{}.more("a").last("b").more("c").last("d"),
         kProtocolError},
        {"5.17",
         "continuation, last, of nothing, twice",
         Script{}.last("a").binary("b").last("c").binary("d"),
         kProtocolError},
        {"5.18",
         "message inside a fragmented one",
         Script{}.begin("fragment1").binary("fragment2"),
         {"fragment1", {"close 1002"}}},
        {"5.18t",
         "text inside a fragmented message",
         Script{}.begin("fragment1").text("fragment2"),
         {"fragment1", {"close 1002"}}},
        {"5.19", "five fragments around two pings", five, {"12345", {"pong a", "pong b"}}},
        {"5.20", "the same byte by byte", five, {"12345", {"pong a", "pong b"}}, 1},
    };
}

Cases utf8() {
    Cases out;
    for (const Utf8Case& one : utf8_cases()) {
        const std::string about = one.valid ? "valid UTF-8" : "invalid UTF-8";
        out.push_back({one.id, about + " as text", Script{}.text(one.text), kTextRefused});
        out.push_back(
            {one.id + "c",
             about + " as the reason of a closing frame",
             Script{}.close(1000, one.text),
             {.control = {one.valid ? "close 1000" : "close 1007"}}}
        );
    }
    const auto text = std::string{"\xCE\xBA\xE1\xBD\xB9\xF4\x90\x80\x80 edited"};
    const Bytes whole = Script{}.text(text);
    out.push_back({"6.4.1", "text, byte by byte", whole, kTextRefused, 1});
    out.push_back(
        {"6.4.2",
         "the first two bytes of a text frame: refused before any of it came",
         Bytes{whole.begin(), whole.begin() + 6},
         kTextRefused}
    );
    out.push_back(
        {"6.4.3",
         "text in fragments",
         Script{}.frame(Opcode::text, text, false).last("more"),
         kTextRefused}
    );
    return out;
}

Cases closing() {
    constexpr std::size_t kLarge = 256 * 1024;
    const ExpectedReply closed{.control = {"close 1000"}};
    Cases out{
        {"7.1.1",
         "message, then close",
         Script{}.binary("hello").close(1000),
         {"hello", {"close 1000"}}},
        {"7.1.2", "two closing frames: one answer", Script{}.close(1000).close(1001), closed},
        {"7.1.3", "ping behind close: no answer", Script{}.close(1000).ping("late"), closed},
        {"7.1.4", "message behind close: not read", Script{}.close(1000).binary("late"), closed},
        {"7.1.4o", "opcode 3 behind close: not read", Script{}.close(1000).odd(0x83, {}), closed},
        {"7.1.5",
         "close between fragments",
         Script{}.begin("fragment1").close(1000).last("fragment2"),
         {"fragment1", {"close 1000"}}},
        {"7.1.6",
         "256 KiB, close, ping: the closing frame goes behind the data",
         [] { return Script{}.binary(data_of(kLarge)).close(1000).ping("late"); },
         {later_data_of(kLarge), {"close 1000"}}},
        {"7.3.1", "close without payload", Script{}.close(), {.control = {"close"}}},
        {"7.3.2", "close with a payload of one byte", Script{}.odd(0x88, "a"), kProtocolError},
        {"7.3.3", "close with a code", Script{}.close(1000), closed},
        {"7.3.4", "close with code and reason", Script{}.close(1000, "Hello World!"), closed},
        {"7.3.5",
         "close with a reason of 123 bytes",
         Script{}.close(1000, std::string(123, '*')),
         closed},
        {"7.3.6",
         "close with a reason of 124 bytes",
         Script{}.close(1000, std::string(124, '*')),
         kProtocolError},
        {"7.5.1",
         "reason that is not UTF-8",
         Script{}.close(1000, "\xCE\xBA\xE1\xBD\xB9\xED\xA0\x80 edited"),
         {.control = {"close 1007"}}},
    };
    const auto add = [&out](std::string id, std::initializer_list<unsigned> codes, bool valid) {
        int number = 0;
        for (const unsigned code : codes) {
            const auto text = std::to_string(code);
            out.push_back(
                {id + std::to_string(++number),
                 "close code " + text,
                 Script{}.close(static_cast<std::uint16_t>(code)),
                 {.control = {valid ? "close " + text : "close 1002"}}}
            );
        }
    };
    add("7.7.",
        {1000,
         1001,
         1002,
         1003,
         1007,
         1008,
         1009,
         1010,
         1011,
         1012,
         1013,
         1014,
         3000,
         3999,
         4000,
         4999},
        true);
    add("7.9.", {0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999}, false);
    add("7.13.", {5000, 65'535}, false);
    return out;
}

Cases large_messages() {
    Cases out;
    int number = 0;
    for (const std::size_t kib : {64, 256, 1024, 4096}) {
        out.push_back(
            {"9.2." + std::to_string(++number),
             "message of " + std::to_string(kib) + " KiB",
             [kib] { return Script{}.binary(data_of(kib * 1024)); },
             {later_data_of(kib * 1024)}}
        );
    }
    constexpr std::size_t kMiB = 1024 * 1024;
    number = 0;
    for (const std::size_t size : {64, 256, 1024, 4096, 16'384, 65'536, 262'144}) {
        out.push_back(
            {"9.4." + std::to_string(++number),
             "1 MiB in fragments of " + std::to_string(size),
             [size] { return in_fragments(data_of(kMiB), size); },
             {later_data_of(kMiB)}}
        );
    }
    constexpr std::size_t kChopped = 256 * 1024;
    number = 0;
    for (const std::size_t chop : {64, 128, 256, 512, 1024, 2048}) {
        out.push_back(
            {"9.6." + std::to_string(++number),
             "256 KiB in writes of " + std::to_string(chop),
             [] { return Script{}.binary(data_of(kChopped)); },
             {later_data_of(kChopped)},
             chop}
        );
    }
    number = 0;
    for (const std::size_t size : {0, 16, 64, 256, 1024, 4096}) {
        const auto thousand = [size] {
            Script script;
            for (int i = 0; i < 1'000; ++i) {
                script.binary(data_of(size));
            }
            return script;
        };
        const auto all = [size] {
            std::string data;
            for (int i = 0; i < 1'000; ++i) {
                data += data_of(size);
            }
            return data;
        };
        out.push_back(
            {"9.8." + std::to_string(++number),
             "1000 messages of " + std::to_string(size) + " bytes",
             thousand,
             {all}}
        );
    }
    out.push_back(
        {"10.1.1",
         "64 KiB in fragments of 1300",
         [] { return in_fragments(data_of(65'536), 1'300); },
         {later_data_of(65'536)}}
    );
    return out;
}

Cases our_own() {
    const auto unmasked = Bytes{0x82, 0x02, 'h', 'i'};
    const auto zero_mask = Bytes{0x82, 0x82, 0, 0, 0, 0, 'h', 'i'};
    const auto length = [](std::initializer_list<unsigned> bytes) {
        Bytes out;
        for (const unsigned byte : bytes) {
            out.push_back(static_cast<Byte>(byte));
        }
        return out;
    };
    const auto storm = [] {
        Script script;
        script.begin("a");
        for (int i = 0; i < 10'000; ++i) {
            script.more({});
        }
        return script.last("b");
    };
    const ExpectedReply too_big{.control = {"close 1009"}};
    return {
        {"W.1", "frame without a mask", unmasked, kProtocolError},
        {"W.2", "mask of zeros", zero_mask, {"hi"}},
        {"W.3", "16-bit length of 125", length({0x82, 0xFE, 0, 125, 1, 2, 3, 4}), kProtocolError},
        {"W.4",
         "64-bit length of 65535",
         length({0x82, 0xFF, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 1, 2, 3, 4}),
         kProtocolError},
        {"W.5",
         "64-bit length with its top bit set",
         length({0x82, 0xFF, 0x80, 0, 0, 0, 0, 1, 0, 0, 1, 2, 3, 4}),
         kProtocolError},
        {"W.6",
         "64-bit length of 2^62: refused before its bytes come",
         length({0x82, 0xFF, 0x40, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4}),
         too_big},
        {.id = "W.7",
         .about = "message as long as the limit",
         .sent = Script{}.binary("0123456789"),
         .reply = {"0123456789", {}},
         .message_bytes_max = 10},
        {.id = "W.8",
         .about = "message one byte longer",
         .sent = Script{}.binary("0123456789a"),
         .reply = too_big,
         .message_bytes_max = 10},
        {.id = "W.9",
         .about = "fragments that are too long together",
         .sent = Script{}.begin("01234").more("56789").last("a"),
         .reply = {"0123456789", {"close 1009"}},
         .message_bytes_max = 10},
        {"W.10", "10000 empty fragments", storm, {"ab"}},
        {"W.11",
         "ping, message, error: all is answered, the closing frame last",
         Script{}.ping("p").binary("hello").odd(0x83, {}),
         {"hello", {"pong p", "close 1002"}}},
    };
}

}  // namespace

const std::vector<Case>& cases() {
    static const Cases all = [] {
        Cases out;
        for (const auto section :
             {framing,
              pings,
              reserved_bits,
              opcodes,
              fragments,
              utf8,
              closing,
              large_messages,
              our_own}) {
            std::ranges::move(section(), std::back_inserter(out));
        }
        return out;
    }();
    return all;
}

}  // namespace weir::websocket::test
