/// Bytes as tests write them: hex digits in any grouping, and text in single quotes.
#pragma once

#include <stdexcept>
#include <string_view>

#include <weir/base/bytes.hpp>

namespace weir::test {

/// bytes_of("30 05 0001 'a' 'hi'"). Throws on anything else: a mistake in the test.
inline Bytes bytes_of(std::string_view text) {
    const auto digit = [](char c) -> int {
        if (c >= '0' && c <= '9') {
            return c - '0';
        }
        if (c >= 'a' && c <= 'f') {
            return c - 'a' + 10;
        }
        throw std::invalid_argument{"not a lower-case hex digit"};
    };
    Bytes out;
    for (std::size_t i = 0; i < text.size();) {
        if (text[i] == ' ') {
            ++i;
        } else if (text[i] == '\'') {
            const auto end = text.find('\'', i + 1);
            append(out, text.substr(i + 1, end - i - 1));
            i = end + 1;
        } else {
            out.push_back(static_cast<Byte>(digit(text.at(i)) * 16 + digit(text.at(i + 1))));
            i += 2;
        }
    }
    return out;
}

}  // namespace weir::test
