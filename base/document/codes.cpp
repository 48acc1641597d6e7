#include <weir/document/codes.hpp>

#include <array>

namespace weir::document {
namespace {

constexpr std::array kCodes = {
    CodeInfo{
        code::kSyntax,
        "the file is not valid YAML (or JSON)",
        "The parser could not read on from the place shown; what follows it in this file was not\n"
        "checked. Common causes: a missing bracket or quote, items of one list that are indented\n"
        "differently, a text that starts with one of @ ` % & * ! and needs quotes."
    },
    CodeInfo{
        code::kUnknownKey,
        "unknown key",
        "A key that is not known is refused rather than ignored: a misspelt security setting that "
        "is\n"
        "silently skipped would leave a door open. `weir explain KEY` lists what may stand there."
    },
    CodeInfo{
        code::kDuplicateKey,
        "the key appears twice",
        "Only one of the values could win, and readers would disagree about which. Remove one."
    },
    CodeInfo{
        code::kAlias,
        "anchors and aliases are not allowed",
        "`&name` and `*name` make the meaning of a line depend on another place in the file. Write "
        "the\n"
        "value out. A text that begins with & or * needs quotes."
    },
    CodeInfo{
        code::kTag,
        "tags and directives are not allowed",
        "Types come from the schema, not from `!tags` or `%` lines. A text that begins with ! or % "
        "needs\n"
        "quotes."
    },
    CodeInfo{
        code::kSecondDocument,
        "more than one document in the file",
        "One object lives in one file; what stands after a second `---` would be easy to overlook."
    },
    CodeInfo{
        code::kTab,
        "tab character",
        "Tabs make indentation ambiguous, so they are refused everywhere in YAML files. Use "
        "spaces; inside\n"
        "double quotes write \\t."
    },
    CodeInfo{code::kTooDeep, "nested too deeply", "Documents may be nested 32 levels deep."},
    CodeInfo{code::kTooLarge, "the file is too large", "A document may have 1 MiB."},
    CodeInfo{
        code::kEncoding,
        "not UTF-8 text",
        "Files are UTF-8 without control characters. Save the file as UTF-8; inside double quotes "
        "a\n"
        "control character can be written as \\x01."
    },
    CodeInfo{
        code::kWrongType,
        "a value of another type is expected here",
        "YAML 1.2: only true and false are truth values (yes, no, on, off are texts); sizes and "
        "durations\n"
        "carry their unit (128KiB, 30s). Quotes make any value a text."
    },
    CodeInfo{
        code::kOutOfRange,
        "the value is out of range",
        "The message names the smallest and the largest value that is accepted."
    },
    CodeInfo{
        code::kUnknownValue,
        "the value is not one of the known words",
        "The help line lists the words that are accepted here."
    },
    CodeInfo{
        code::kMissingKey,
        "a key is missing",
        "There is no safe default for this key, so it has to be written."
    },
};

}  // namespace

std::span<const CodeInfo> codes() noexcept {
    return kCodes;
}

}  // namespace weir::document
