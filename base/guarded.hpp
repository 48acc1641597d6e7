/// Data that can only be reached while its lock is held.
#pragma once

#include <mutex>
#include <utility>

namespace weir {

/// For control-side state that several threads share; never on the way of a message.
template <class T>
class Guarded {
public:
    Guarded() = default;
    explicit Guarded(T value) : value_{std::move(value)} {}

    /// Calls `use` with the data, under the lock. `use` must be short, must not call back into the
    /// owner and must not let a reference out.
    template <class Use>
    decltype(auto) with(Use&& use) {
        const std::lock_guard lock{mutex_};
        return std::forward<Use>(use)(value_);
    }
    template <class Use>
    decltype(auto) with(Use&& use) const {
        const std::lock_guard lock{mutex_};
        return std::forward<Use>(use)(std::as_const(value_));
    }

private:
    mutable std::mutex mutex_;
    T value_{};
};

}  // namespace weir
