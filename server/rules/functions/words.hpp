/// Arguments that are one of a few words.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <weir/rules/functions/function.hpp>

namespace weir::rules {

/// For Function::prepare, of which it makes nothing: a constant that is none of the words is a problem.
template <const auto& words, std::size_t argument>
std::unique_ptr<Prepared> check_word(ConstantArguments arguments, std::string& problem) {
    const auto& constant = arguments[argument];
    if (!constant || !constant->is(Type::string)) {
        return nullptr;
    }
    std::string all;
    for (const std::string_view word : words) {
        if (word == constant->text()) {
            return nullptr;
        }
        all += (all.empty() ? "" : ", ") + std::string{word};
    }
    problem = '\'' + std::string{constant->text()} + "' is none of " + all;
    return nullptr;
}

}  // namespace weir::rules
