/// A shared subscription as the shard that owns it sees it: who is in it, and who gets the next message.
#pragma once

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <weir/base/hash.hpp>
#include <weir/model/message.hpp>

namespace weir::broker {

/// One life of a group: a group that everybody left and somebody makes again gets another. The owning shard is in its upper bits.
enum class GroupId : std::uint64_t { none = 0 };

/// What a member can do with the next message, best first.
enum class Standing : std::uint8_t {
    ready,    ///< Online: it would be sent at once.
    waiting,  ///< Online: it would be queued.
    away,     ///< Offline: it would be kept for later.
    unable,   ///< There is no room for it, or the session keeps nothing.
};
inline constexpr std::size_t kStandings = 4;

/// Owned by the SharedGroups of its shard. Knows members by session id alone; what they can do is what their shards told last.
class SharedGroup {
public:
    SharedGroup(GroupId id, std::string key, std::string filter)
        : id_{id}, key_{std::move(key)}, filter_{std::move(filter)} {}

    [[nodiscard]] GroupId id() const noexcept { return id_; }
    [[nodiscard]] const std::string& key() const noexcept { return key_; }
    /// What topics are matched against.
    [[nodiscard]] const std::string& filter() const noexcept { return filter_; }
    [[nodiscard]] std::size_t size() const noexcept { return places_.size(); }

    /// Adds a member; of one that is there, changes the standing.
    void put(std::uint64_t session_id, Standing standing);
    /// Changes the standing of a member. Does nothing for a session that has left.
    void update(std::uint64_t session_id, Standing standing);
    /// @return False if it was none.
    bool remove(std::uint64_t session_id);

    /// The member whose turn it is: members of the best standing that there is take turns.
    /// @param qos    Of the message: at QoS 0 nobody is asked to keep it while offline.
    /// @param avoid  A member that has just refused the message; 0: none.
    /// @return Its session id; 0 if nobody can take it.
    /// @cost   Does not depend on the number of members.
    [[nodiscard]] std::uint64_t next(model::Qos qos, std::uint64_t avoid) noexcept;

private:
    struct Place {
        Standing standing;
        std::uint32_t index;
    };
    /// Members of one standing, in the order of their turns.
    struct Circle {
        std::vector<std::uint64_t> members;
        std::uint32_t turn = 0;
    };

    [[nodiscard]] Circle& circle(Standing standing) noexcept {
        return circles_[static_cast<std::size_t>(standing)];
    }
    void enter(std::uint64_t session_id, Place& place, Standing standing);
    void take_out(const Place& place);

    GroupId id_;
    std::string key_;
    std::string filter_;
    std::array<Circle, kStandings> circles_;
    boost::unordered_flat_map<std::uint64_t, Place> places_;
};

/// The groups that one shard owns.
class SharedGroups {
public:
    explicit SharedGroups(unsigned shard) : next_id_{(std::uint64_t{shard} << 48U) + 1} {}

    /// What a group is found by.
    [[nodiscard]] static std::string key_of(std::string_view tenant, std::string_view text);

    [[nodiscard]] SharedGroup* find(std::string_view key) noexcept;
    [[nodiscard]] SharedGroup* find(GroupId id) noexcept;
    SharedGroup& make(std::string key, std::string filter);
    void erase(SharedGroup& group);

private:
    boost::unordered_flat_map<std::string, std::unique_ptr<SharedGroup>, TextHash, std::equal_to<>>
        by_key_;
    boost::unordered_flat_map<GroupId, SharedGroup*> by_id_;
    std::uint64_t next_id_;
};

}  // namespace weir::broker
