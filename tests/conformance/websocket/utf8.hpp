/// Texts of section 6 of the Autobahn test suite: which are UTF-8, and which only look like it.
#pragma once

#include <string>
#include <vector>

namespace weir::websocket::test {

struct Utf8Case {
    std::string id;  ///< The group is Autobahn's, the number in it is ours.
    std::string text;
    bool valid;
};

inline std::vector<Utf8Case> utf8_cases() {
    using namespace std::string_literals;
    constexpr bool kValid = true;
    constexpr bool kInvalid = false;
    struct Group {
        const char* id;
        bool valid;
        std::vector<std::string> texts;
    };
    const std::vector<Group> groups = {
        {"6.5",
         kValid,
         {"Hello-\xC2\xB5@\xC3\x9F\xC3\xB6\xC3\xA4\xC3\xBC\xC3\xA0\xC3\xA1-UTF-8!!"}},
        // Prefixes of a text: whole characters, and cut ones.
        {"6.6v", kValid, {"\xCE\xBA", "\xCE\xBA\xE1\xBD\xB9", "\xCE\xBA\xE1\xBD\xB9\xCF\x83"}},
        {"6.6", kInvalid, {"\xCE", "\xCE\xBA\xE1", "\xCE\xBA\xE1\xBD", "\xCE\xBA\xE1\xBD\xB9\xCF"}},
        // The first of each length; five and six bytes were once foreseen.
        {"6.7", kValid, {"\0"s, "\xC2\x80", "\xE0\xA0\x80", "\xF0\x90\x80\x80"}},
        {"6.8", kInvalid, {"\xF8\x88\x80\x80\x80", "\xFC\x84\x80\x80\x80\x80"}},
        // The last of each length.
        {"6.9", kValid, {"\x7F", "\xDF\xBF", "\xEF\xBF\xBF", "\xF4\x8F\xBF\xBF"}},
        {"6.10",
         kInvalid,
         {"\xF7\xBF\xBF\xBF", "\xFB\xBF\xBF\xBF\xBF", "\xFD\xBF\xBF\xBF\xBF\xBF"}},
        // Around the surrogates and the end of Unicode.
        {"6.11v", kValid, {"\xED\x9F\xBF", "\xEE\x80\x80", "\xEF\xBF\xBD", "\xF4\x8F\xBF\xBF"}},
        {"6.11", kInvalid, {"\xF4\x90\x80\x80"}},
        // Continuation bytes alone.
        {"6.12", kInvalid, {"\x80", "\xBF", "\x80\xBF", "\x80\xBF\x80\xBF\x80\xBF"}},
        // Starts alone.
        {"6.13", kInvalid, {"\xC2 \xDF ", "\xE0 \xEF ", "\xF0 \xF4 ", "\xF8 \xFB ", "\xFC \xFD "}},
        // The last byte is missing.
        {"6.14",
         kInvalid,
         {"\xC2", "\xE0\xA0", "\xF0\x90\x80", "\xDF", "\xEF\xBF", "\xF4\x8F\xBF"}},
        {"6.15", kInvalid, {"\xE0\xA0\xF0\x90\x80\xEF\xBF"}},
        // Bytes that never occur.
        {"6.16", kInvalid, {"\xFE", "\xFF", "\xFE\xFE\xFF\xFF"}},
        // Longer than need be: a slash, the largest of each length, NUL.
        {"6.17",
         kInvalid,
         {"\xC0\xAF", "\xE0\x80\xAF", "\xF0\x80\x80\xAF", "\xF8\x80\x80\x80\xAF"}},
        {"6.18",
         kInvalid,
         {"\xC1\xBF", "\xE0\x9F\xBF", "\xF0\x8F\xBF\xBF", "\xF8\x87\xBF\xBF\xBF"}},
        {"6.19",
         kInvalid,
         {"\xC0\x80", "\xE0\x80\x80", "\xF0\x80\x80\x80", "\xF8\x80\x80\x80\x80"}},
        // Surrogates, alone and in pairs.
        {"6.20",
         kInvalid,
         {"\xED\xA0\x80", "\xED\xAD\xBF", "\xED\xAE\x80", "\xED\xB0\x80", "\xED\xBF\xBF"}},
        {"6.21", kInvalid, {"\xED\xA0\x80\xED\xB0\x80", "\xED\xAF\xBF\xED\xBF\xBF"}},
        // Code points that are no characters are UTF-8 all the same.
        {"6.22",
         kValid,
         {"\xEF\xBF\xBE", "\xF0\x9F\xBF\xBE", "\xF3\xBF\xBF\xBF", "\xF4\x8F\xBF\xBE"}},
        {"6.23", kValid, {"\xEF\xBF\xB9", "\xEF\xBF\xBC", "\xEF\xBF\xBD"}},
    };
    std::vector<Utf8Case> out;
    for (const Group& group : groups) {
        int number = 0;
        for (const std::string& text : group.texts) {
            out.push_back({group.id + ("." + std::to_string(++number)), text, group.valid});
        }
    }
    return out;
}

}  // namespace weir::websocket::test
