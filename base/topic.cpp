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

}  // namespace weir
