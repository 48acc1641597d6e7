/// A table whose entries are named by handles that notice when their entry is gone.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include <weir/amqp/events.hpp>

namespace weir::amqp::detail {

/// Entries move when the table grows: hold no reference across insert().
template <class Id, class T>
class Slots {
public:
    Id insert(T value) {
        std::uint32_t index = 0;
        if (free_.empty()) {
            index = static_cast<std::uint32_t>(slots_.size());
            slots_.emplace_back();
        } else {
            index = free_.back();
            free_.pop_back();
        }
        slots_[index].value = std::move(value);
        return id_at(index);
    }

    void erase(Id id) {
        if (find(id) == nullptr) {
            return;
        }
        Slot& slot = slots_[id.slot];
        slot.value.reset();
        if (++slot.generation == 0) {
            slot.generation = 1;
        }
        free_.push_back(id.slot);
    }

    [[nodiscard]] T* find(Id id) noexcept {
        if (id.slot >= slots_.size() || slots_[id.slot].generation != id.generation ||
            !slots_[id.slot].value) {
            return nullptr;
        }
        return &*slots_[id.slot].value;
    }
    [[nodiscard]] const T* find(Id id) const noexcept { return const_cast<Slots*>(this)->find(id); }

    /// Calls `function(id, value)` for each entry; it may erase that entry.
    template <class Function>
    void for_each(Function&& function) {
        for (std::uint32_t index = 0; index < slots_.size(); ++index) {
            if (slots_[index].value) {
                function(id_at(index), *slots_[index].value);
            }
        }
    }

private:
    struct Slot {
        std::optional<T> value;
        std::uint32_t generation = 1;
    };

    [[nodiscard]] Id id_at(std::uint32_t index) const noexcept {
        return Id{.slot = index, .generation = slots_[index].generation};
    }

    std::vector<Slot> slots_;
    std::vector<std::uint32_t> free_;
};

}  // namespace weir::amqp::detail
