/// Watching an evaluation.
#pragma once

#include <string>
#include <string_view>

#include <weir/rules/value.hpp>

namespace weir::rules {

/// Told every step of an evaluation, innermost expressions first: what `weir rules try` and
/// `explain` show is what production computes. Called on the evaluating thread; must not keep the
/// value.
class Recorder {
public:
    virtual ~Recorder() = default;
    /// A clause begins: WHERE, SELECT, FOREACH, or for each of its elements INCASE and DO.
    virtual void clause(std::string_view name) { static_cast<void>(name); }
    /// @param expression  As it stands in the statement; what was computed when the rule was
    /// compiled is one step.
    virtual void evaluated(std::string_view expression, const Value& value) = 0;
};

/// For people: JSON, `Undefined`, or how many bytes it has.
[[nodiscard]] std::string shown(const Value& value);

}  // namespace weir::rules
