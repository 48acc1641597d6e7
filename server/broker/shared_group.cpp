#include <weir/broker/shared_group.hpp>

#include <algorithm>
#include <utility>

namespace weir::broker {

void SharedGroup::enter(std::uint64_t session_id, Place& place, Standing standing) {
    auto& members = circle(standing).members;
    place = {standing, static_cast<std::uint32_t>(members.size())};
    members.push_back(session_id);
}

void SharedGroup::take_out(const Place& place) {
    auto& members = circle(place.standing).members;
    const std::uint64_t last = members.back();
    members[place.index] = last;
    places_.find(last)->second.index = place.index;
    members.pop_back();
}

void SharedGroup::put(std::uint64_t session_id, Standing standing) {
    const auto [found, is_new] = places_.try_emplace(session_id);
    if (is_new) {
        enter(session_id, found->second, standing);
    } else {
        update(session_id, standing);
    }
}

void SharedGroup::update(std::uint64_t session_id, Standing standing) {
    const auto found = places_.find(session_id);
    if (found != places_.end() && found->second.standing != standing) {
        take_out(found->second);
        enter(session_id, found->second, standing);
    }
}

bool SharedGroup::remove(std::uint64_t session_id) {
    const auto found = places_.find(session_id);
    if (found == places_.end()) {
        return false;
    }
    take_out(found->second);
    places_.erase(found);
    return true;
}

std::uint64_t SharedGroup::next(model::Qos qos, std::uint64_t avoid) noexcept {
    const auto worst = qos == model::Qos::at_most_once ? Standing::waiting : Standing::away;
    for (auto standing = Standing::ready; standing <= worst;
         standing = static_cast<Standing>(static_cast<unsigned>(standing) + 1)) {
        auto& [members, turn] = circle(standing);
        // The second round is for the one behind the member to avoid.
        for (std::size_t tries = 0; tries < std::min<std::size_t>(members.size(), 2); ++tries) {
            turn = turn + 1 < members.size() ? turn + 1 : 0;
            if (members[turn] != avoid) {
                return members[turn];
            }
        }
    }
    return 0;
}

std::string SharedGroups::key_of(std::string_view tenant, std::string_view text) {
    std::string key;
    key.reserve(tenant.size() + 1 + text.size());
    return key.append(tenant).append(1, '\0').append(text);
}

SharedGroup* SharedGroups::find(std::string_view key) noexcept {
    const auto found = by_key_.find(key);
    return found == by_key_.end() ? nullptr : found->second.get();
}

SharedGroup* SharedGroups::find(GroupId id) noexcept {
    const auto found = by_id_.find(id);
    return found == by_id_.end() ? nullptr : found->second;
}

SharedGroup& SharedGroups::make(std::string key, std::string filter) {
    const auto id = static_cast<GroupId>(next_id_++);
    auto made = std::make_unique<SharedGroup>(id, key, std::move(filter));
    SharedGroup& group = *made;
    by_id_.emplace(id, &group);
    by_key_.emplace(std::move(key), std::move(made));
    return group;
}

void SharedGroups::erase(SharedGroup& group) {
    by_id_.erase(group.id());
    by_key_.erase(by_key_.find(group.key()));
}

}  // namespace weir::broker
