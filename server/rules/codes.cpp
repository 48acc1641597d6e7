#include <weir/rules/codes.hpp>

#include <array>

namespace weir::rules {

std::span<const document::CodeInfo> codes() noexcept {
    static constexpr std::array<document::CodeInfo, 18> kCodes = {{
        {code::kSyntax,
         "the SQL of a rule cannot be read",
         "The caret stands where the statement stopped making sense. A statement is [SET ..] "
         "SELECT .. FROM 'filter' "
         "[WHERE ..]; names with other characters than letters, digits and _ are read with get(*, "
         "'the-name')."},
        {code::kUnknownFunction,
         "no such function",
         "Names of functions are the same in any case. Some functions exist in newer profiles only."
        },
        {code::kArguments,
         "wrong number of arguments",
         "The help line shows how the function is called."},
        {code::kProfile,
         "not in this profile",
         "AWS profiles accept what AWS IoT accepts, so that rules can move back and forth. Use "
         "`profile: native` for the "
         "rest."},
        {code::kTopicFilter,
         "not a topic filter",
         "A filter has levels between slashes; + stands for one whole level, # for all that follow "
         "and comes last."},
        {code::kVariable,
         "variable unknown, or set twice",
         "SET @name = expression comes before SELECT. Each variable is set once, before it is used."
        },
        {code::kLimit,
         "the statement is too large or too deep",
         "Statements have at most 256 KiB, expressions are nested at most 100 deep."},
        {code::kExternal,
         "the function needs a service that is not there",
         "Rules are evaluated without calling anybody. Send the message to an HTTP sink instead."},
        {code::kFrontMatter,
         "the head of a rule file cannot be read",
         "A rule file begins with a line ---, then YAML, then a line ---, then the SQL."},
        {code::kNeverTrue,
         "the condition is never true",
         "WHERE lets a message through only if the expression is true. Numbers, Null and Undefined "
         "are not. Types never convert in = and <>: a number is never equal to a text."},
        {code::kAlwaysUndefined,
         "the expression never has a value",
         "With these arguments the result is always Undefined, and Undefined is left out of the "
         "output."},
        {code::kTemplate,
         "the template cannot be read",
         "A template is text with ${expression} in it; expressions see the message, not the output "
         "of SELECT."},
        {code::kAlias,
         "the name of an item is missing or used twice",
         "Write AS name behind the expression. Of two items of one name the last one wins."},
        {code::kBudget,
         "the evaluation takes too many steps",
         "A rule has 10,000 steps for one message: one for each operation, and more for long texts "
         "and lists. The message goes to the rule's on_error instead."},
        {code::kLoop,
         "rules may feed each other for ever",
         "A rule republishes to a topic that it takes itself, or that another rule takes and "
         "republishes. After limits.hops rounds the message is dropped: lost{republish_loop}."},
        {code::kUntested,
         "the rule has no tests",
         "Write hot_test.yaml beside hot.sql; `weir rules test` runs it."},
        {code::kState,
         "a rule cannot remember this",
         "last() and changed() remember one value for each key of a rule, so they stand outside of FOREACH and of "
         "queries in a query, and not in templates: SET @name = last(..) and use @name there."},
        {code::kUnknownField,
         "no sample has this field",
         "The rule reads a field that none of the messages in its tests has. Either its name is another one, or "
         "a test with it is missing."},
    }};
    return kCodes;
}

}  // namespace weir::rules
