// What an operator sees for broken files, letter by letter.
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <weir/document/yaml.hpp>

namespace weir::document {
namespace {

struct GoldenCase {
    std::string_view name;
    std::string text;
    std::string_view rendered;
    Syntax syntax = Syntax::yaml;
};

class BrokenDocument : public testing::TestWithParam<GoldenCase> {};

TEST_P(BrokenDocument, IsRenderedAsInTable) {
    Diagnostics diagnostics;
    const auto document =
        Document::parse(GetParam().text, "weir.yaml", diagnostics, {.syntax = GetParam().syntax});
    EXPECT_FALSE(document);
    EXPECT_TRUE(diagnostics.has_errors());
    EXPECT_EQ(diagnostics.render_text(), GetParam().rendered);
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    BrokenDocument,
    testing::Values(
        GoldenCase{
            "open_bracket",
            "a: [1, 2\nb: 3\n",
            R"(error[WEIR-0101]: a key must stand on one line
  --> weir.yaml:1:8
   |
 1 | a: [1, 2
   |        ^

)"
        },
        GoldenCase{
            "open_quote",
            "name: \"front\n",
            R"(error[WEIR-0101]: double-quoted scalar without closing quote
  --> weir.yaml:1:8
   |
 1 | name: "front
   |        ^

)"
        },
        GoldenCase{
            "reserved_character",
            "name: @front\n",
            R"(error[WEIR-0101]: plain scalar cannot start with '@'
  --> weir.yaml:1:7
   |
 1 | name: @front
   |       ^

)"
        },
        GoldenCase{
            "colon_in_value",
            "url: a: b\n",
            R"(error[WEIR-0101]: invalid nested block mapping on the same line
  --> weir.yaml:1:7
   |
 1 | url: a: b
   |       ^

)"
        },
        GoldenCase{
            "list_beside_mapping",
            "a: 1\n- b\n",
            R"(error[WEIR-0101]: did not find expected key
  --> weir.yaml:2:1
   |
 2 | - b
   | ^

)"
        },
        GoldenCase{
            "duplicate_key",
            "a: 1\nb: 2\na: 3\n",
            R"(error[WEIR-0103]: the key 'a' appears twice
  --> weir.yaml:3:1
   |
 3 | a: 3
   | ^ first set in line 1
   = help: remove one of them

)"
        },
        GoldenCase{
            "two_duplicates",
            "a: 1\na: 2\nb: {c: 1, c: 2}\n",
            R"(error[WEIR-0103]: the key 'a' appears twice
  --> weir.yaml:2:1
   |
 2 | a: 2
   | ^ first set in line 1
   = help: remove one of them

error[WEIR-0103]: the key 'c' appears twice
  --> weir.yaml:3:11
   |
 3 | b: {c: 1, c: 2}
   |           ^ first set in line 3
   = help: remove one of them

)"
        },
        GoldenCase{
            "duplicate_key_of_other_spelling",
            "a: 1\n\"a\": 2\n",
            R"(error[WEIR-0103]: the key 'a' appears twice
  --> weir.yaml:2:2
   |
 2 | "a": 2
   |  ^ first set in line 1
   = help: remove one of them

)"
        },
        GoldenCase{
            "anchor",
            "a: &x 1\n",
            R"(error[WEIR-0104]: anchors are not allowed
  --> weir.yaml:1:5
   |
 1 | a: &x 1
   |     ^
   = help: remove it, or put a text that begins with '&' in quotes

)"
        },
        GoldenCase{
            "alias",
            "a: *x\n",
            R"(error[WEIR-0104]: aliases are not allowed
  --> weir.yaml:1:5
   |
 1 | a: *x
   |     ^
   = help: write the value out, or put a text that begins with '*' in quotes

)"
        },
        GoldenCase{
            "tag",
            "port: !!int 3\n",
            R"(error[WEIR-0105]: tags are not allowed
  --> weir.yaml:1:7
   |
 1 | port: !!int 3
   |       ^^^^^
   = help: remove it, or put a text that begins with '!' in quotes

)"
        },
        GoldenCase{
            "directive",
            "%YAML 1.1\n---\na: 1\n",
            R"(error[WEIR-0105]: directives are not allowed
  --> weir.yaml:2:1
   |
 2 | ---
   | ^^^
   = help: remove the lines that begin with '%'

)"
        },
        GoldenCase{
            "second_document",
            "a: 1\n---\nb: 2\n",
            R"(error[WEIR-0106]: a second document begins here
  --> weir.yaml:2:1
   |
 2 | ---
   | ^^^
   = help: put it into a file of its own

)"
        },
        GoldenCase{
            "tab_as_indentation",
            "a:\n\tb: 1\n",
            R"(error[WEIR-0107]: tab character
  --> weir.yaml:2:1
   |
 2 |  b: 1
   | ^
   = help: use spaces; inside double quotes write \t

)"
        },
        GoldenCase{
            "tab_behind_colon",
            "a:\t1\n",
            R"(error[WEIR-0107]: tab character
  --> weir.yaml:1:3
   |
 1 | a: 1
   |   ^
   = help: use spaces; inside double quotes write \t

)"
        },
        GoldenCase{
            "sequence_as_key",
            "? [a]\n: b\n",
            R"(error[WEIR-0101]: a key must be a plain text
  --> weir.yaml:1:3
   |
 1 | ? [a]
   |   ^

)"
        },
        GoldenCase{
            "absent_key",
            ": b\n",
            R"(error[WEIR-0101]: a key is missing before ':'
  --> weir.yaml:1:1
   |
 1 | : b
   | ^

)"
        },
        GoldenCase{
            "key_over_two_lines",
            "{a\n b: 1}\n",
            R"(error[WEIR-0101]: a key must stand on one line
  --> weir.yaml:1:2
   |
 1 | {a
   |  ^

)"
        },
        GoldenCase{
            "too_deep",
            std::string(33, '[') + std::string(33, ']'),
            R"(error[WEIR-0108]: nested more than 32 levels deep
  --> weir.yaml:1:33
   |
 1 | [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]
   |                                 ^

)"
        },
        GoldenCase{
            "not_utf8",
            "name: \xC3(\n",
            R"(error[WEIR-0110]: this is not UTF-8 text
  --> weir.yaml:1:7
   |
 1 | name: ?(
   |       ^
   = help: save the file as UTF-8

)"
        },
        GoldenCase{
            "control_character",
            "name: \x01\n",
            R"(error[WEIR-0110]: control character 0x01
  --> weir.yaml:1:7
   |
 1 | name: ?
   |       ^
   = help: remove it; inside double quotes it can be written as an escape

)"
        },
        GoldenCase{
            "nul",
            std::string("a: \0b\n", 6),
            R"(error[WEIR-0110]: control character 0x00
  --> weir.yaml:1:4
   |
 1 | a: ?b
   |    ^
   = help: remove it; inside double quotes it can be written as an escape

)"
        },
        GoldenCase{
            "json_trailing_comma",
            "{\"a\": 1,}",
            R"(error[WEIR-0101]: JSON disallows trailing comma before closing brace
  --> weir.yaml:1:8
   |
 1 | {"a": 1,}
   |        ^

)",
            Syntax::json
        },
        GoldenCase{
            "json_duplicate_key",
            "{\"a\": 1, \"a\": 2}",
            R"(error[WEIR-0103]: the key 'a' appears twice
  --> weir.yaml:1:11
   |
 1 | {"a": 1, "a": 2}
   |           ^ first set in line 1
   = help: remove one of them

)",
            Syntax::json
        },
        GoldenCase{
            "json_bare_word",
            "{\"a\": yes}",
            R"(error[WEIR-0101]: Invalid JSON plain scalar
  --> weir.yaml:1:7
   |
 1 | {"a": yes}
   |       ^

)",
            Syntax::json
        },
        GoldenCase{
            "json_comment",
            "{} # x",
            R"(error[WEIR-0101]: plain scalar cannot start with '#'
  --> weir.yaml:1:4
   |
 1 | {} # x
   |    ^

)",
            Syntax::json
        },
        GoldenCase{
            "json_anchor",
            "{\"a\": &x 1}",
            R"(error[WEIR-0101]: anchor not supported in JSON mode
  --> weir.yaml:1:7
   |
 1 | {"a": &x 1}
   |       ^

)",
            Syntax::json
        },
        GoldenCase{
            "json_two",
            "{} {}",
            R"(error[WEIR-0101]: missing document start
  --> weir.yaml:1:4
   |
 1 | {} {}
   |    ^

)",
            Syntax::json
        },
        GoldenCase{
            "json_number",
            "{\"a\": 01}",
            R"(error[WEIR-0101]: Invalid JSON plain scalar
  --> weir.yaml:1:7
   |
 1 | {"a": 01}
   |       ^

)",
            Syntax::json
        },
        GoldenCase{
            "json_open",
            "{\"a\": 1",
            R"(error[WEIR-0101]: missing comma in flow mapping
  --> weir.yaml:1:8
   |
 1 | {"a": 1
   |        ^

)",
            Syntax::json
        },
        GoldenCase{
            "json_empty",
            "",
            R"(error[WEIR-0101]: JSON does not allow empty root content
  --> weir.yaml:1:1

)",
            Syntax::json
        },
        GoldenCase{
            "wide_characters",
            "größe: \"日本\" x\n",
            R"(error[WEIR-0101]: invalid trailing content after double-quoted scalar
  --> weir.yaml:1:13
   |
 1 | größe: "日本" x
   |             ^

)"
        }
    ),
    [](const auto& row) { return std::string{row.param.name}; }
);

}  // namespace
}  // namespace weir::document
