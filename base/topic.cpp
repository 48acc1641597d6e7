#include <weir/base/topic.hpp>

namespace weir {
namespace {

bool is_wildcard(std::string_view level) noexcept {
    return level == "+" || level == "#";
}

bool starts_with_wildcard(std::string_view filter) noexcept {
    return is_wildcard(TopicLevels{filter}.next());
}

}  // namespace

bool has_wildcard(std::string_view filter) noexcept {
    for (TopicLevels levels{filter}; !levels.done();) {
        if (is_wildcard(levels.next())) {
            return true;
        }
    }
    return false;
}

bool filter_matches(
    std::string_view filter, std::string_view topic, TopicProfile profile
) noexcept {
    if (starts_reserved(topic) && starts_with_wildcard(filter)) {
        return false;
    }
    TopicLevels wanted{filter};
    TopicLevels given{topic};
    while (!wanted.done()) {
        const auto want = wanted.next();
        if (want == "#" && wanted.done()) {
            return !given.done() || profile == TopicProfile::mqtt;
        }
        if (given.done()) {
            return false;
        }
        const auto level = given.next();
        if (want != "+" && want != level) {
            return false;
        }
    }
    return given.done();
}

bool filter_covers(std::string_view wide, std::string_view narrow) noexcept {
    if (starts_reserved(narrow) && starts_with_wildcard(wide)) {
        return false;
    }
    if (narrow == "#") {
        return wide == "#" || wide == "+/#";  // Every topic name has at least one level.
    }
    TopicLevels wide_levels{wide};
    TopicLevels narrow_levels{narrow};
    while (!wide_levels.done()) {
        const auto level = wide_levels.next();
        if (level == "#" && wide_levels.done()) {
            return true;
        }
        if (narrow_levels.done()) {
            return false;
        }
        const auto inner = narrow_levels.next();
        if (inner == "#" || (level != "+" && level != inner)) {
            return false;
        }
    }
    return narrow_levels.done();
}

}  // namespace weir
