// Filters come and go, topics are matched; the index must agree with filter_matches. Input: lines,
// whose first byte says what the rest is: '+' insert, 'a' insert for AWS, '-' erase, anything else
// a topic.
#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <weir/base/assert.hpp>
#include <weir/base/topic_index.hpp>

namespace {

using namespace weir;

bool is_valid(std::string_view filter) {
    for (TopicLevels levels{filter}; !levels.done();) {
        const auto level = levels.next();
        if (level == "#" && !levels.done()) {
            return false;
        }
    }
    return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view in{reinterpret_cast<const char*>(data), size};
    TopicIndex<std::uint32_t> index;
    std::map<std::pair<std::string, std::uint32_t>, TopicProfile> model;
    for (std::uint32_t line_number = 0; !in.empty(); ++line_number) {
        const auto line = in.substr(0, in.find('\n'));
        in.remove_prefix(std::min(in.size(), line.size() + 1));
        if (line.empty()) {
            continue;
        }
        const auto text = line.substr(1);
        const std::uint32_t value = line_number % 4;
        if (line[0] == '+' || line[0] == 'a') {
            const auto profile = line[0] == 'a' ? TopicProfile::aws : TopicProfile::mqtt;
            const bool fits =
                static_cast<std::size_t>(std::ranges::count(text, '/')) < kTopicLevelsMax;
            if (is_valid(text)) {
                const bool inserted = index.insert(text, value, profile);
                WEIR_ASSERT(
                    inserted == (fits && model.emplace(std::pair{text, value}, profile).second)
                );
            }
        } else if (line[0] == '-') {
            WEIR_ASSERT(index.erase(text, value) == (model.erase({std::string{text}, value}) == 1));
        } else {
            std::vector<std::uint32_t> found;
            index.match(text, [&](std::uint32_t match) { found.push_back(match); });
            std::vector<std::uint32_t> expected;
            for (const auto& [entry, profile] : model) {
                if (filter_matches(entry.first, text, profile)) {
                    expected.push_back(entry.second);
                }
            }
            std::ranges::sort(found);
            std::ranges::sort(expected);
            WEIR_ASSERT(found == expected);
        }
        WEIR_ASSERT(index.size() == model.size());
    }
    return 0;
}
