/// Which fields a rule reads of messages, and which of them no message has.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <weir/rules/program.hpp>

namespace weir::cli {

class RuleFields {
public:
    /// @param program  Outlives this.
    explicit RuleFields(const rules::Program& program);

    /// Payloads that are no JSON objects say nothing.
    void see(std::string_view payload);

    struct Unknown {
        std::string path;  ///< a.b.c
        std::uint32_t begin = 0;  ///< Where the statement reads it first.
        std::uint32_t end = 0;
        std::string suggestion;  ///< A field that messages have, or a function; may be empty.
        std::string text;        ///< For people.
    };
    /// In the order of the names. Nothing as long as no message was seen.
    [[nodiscard]] std::vector<Unknown> unknown() const;

private:
    static constexpr std::size_t kSeenMax = 100;
    static constexpr std::size_t kPathsMax = 500;

    /// What somebody may have meant by a path that no message has; empty: who knows.
    [[nodiscard]] std::string suggested(const std::string& path) const;

    const rules::Program& program_;
    std::map<std::string, std::uint64_t> wanted_;
    std::map<std::string, std::uint64_t> seen_;
    std::set<std::string> paths_;  ///< Of all members seen, a.b.c; for suggestions.
    std::uint64_t messages_ = 0;
};

}  // namespace weir::cli
