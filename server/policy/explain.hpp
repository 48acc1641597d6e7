/// Why a request is allowed or refused: the evaluator with a recorder, for `can-i` and `why`.
#pragma once

#include <string>
#include <vector>

#include <weir/policy/bundle.hpp>

namespace weir::policy {

/// A line that was looked at.
struct Considered {
    const Rule* rule = nullptr;
    Fit fit = Fit::no;
    bool decided = false;
    std::string expanded;  ///< The pattern with the subject's values.
};

/// Points into the Bundle that was asked.
struct Explanation {
    Request request = {};
    model::Verdict verdict = {};
    std::vector<Considered> considered = {};         ///< In order, up to the line that decided.
    std::vector<std::string> missing_policies = {};  ///< Attached to the subject, but in no file.
};

/// The same verdict as the Bundle's own question gives.
[[nodiscard]] Explanation explain(
    const Bundle& bundle, const Subject& subject, const Request& request
);

/// For people: the answer with the deciding or closest line, then each line that was considered.
[[nodiscard]] std::string to_text(const Explanation& explanation);

}  // namespace weir::policy
