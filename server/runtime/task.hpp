/// Work as a value: what mailboxes carry.
#pragma once

#include <concepts>
#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

#include <weir/base/assert.hpp>

namespace weir::runtime {

/// A callable that is moved, run at most once and never allocates: captures live inside. A capture
/// that is larger than kInlineBytes does not compile; put it behind a unique_ptr. Calls must not
/// throw.
class Task {
public:
    static constexpr std::size_t kInlineBytes = 48;

    Task() noexcept = default;

    template <class F>
        requires(!std::same_as<std::remove_cvref_t<F>, Task> && std::invocable<std::remove_cvref_t<F>&>)
    Task(F&& work) noexcept : ops_{&kOps<std::remove_cvref_t<F>>} {
        using Stored = std::remove_cvref_t<F>;
        static_assert(
            sizeof(Stored) <= kInlineBytes && alignof(Stored) <= alignof(void*), "capture less"
        );
        static_assert(std::is_nothrow_move_constructible_v<Stored>);
        ::new (storage_) Stored(std::forward<F>(work));
    }

    Task(Task&& other) noexcept : ops_{std::exchange(other.ops_, nullptr)} {
        if (ops_ != nullptr) {
            ops_->relocate(other.storage_, storage_);
        }
    }
    Task& operator=(Task&& other) noexcept {
        if (this != &other) {
            reset();
            ops_ = std::exchange(other.ops_, nullptr);
            if (ops_ != nullptr) {
                ops_->relocate(other.storage_, storage_);
            }
        }
        return *this;
    }
    Task(const Task&) = delete;
    Task& operator=(const Task&) = delete;
    ~Task() { reset(); }

    [[nodiscard]] explicit operator bool() const noexcept { return ops_ != nullptr; }

    void operator()() noexcept {
        WEIR_DEBUG_ASSERT(ops_ != nullptr);
        ops_->run(storage_);
    }

    /// Destroys the captures.
    void reset() noexcept {
        if (const Ops* const ops = std::exchange(ops_, nullptr); ops != nullptr) {
            ops->destroy(storage_);
        }
    }

private:
    struct Ops {
        void (*run)(void*) noexcept;
        void (*relocate)(void* from, void* to) noexcept;
        void (*destroy)(void*) noexcept;
    };

    template <class F>
    static constexpr Ops kOps = {
        [](void* self) noexcept { static_cast<void>((*static_cast<F*>(self))()); },
        [](void* from, void* to) noexcept {
            ::new (to) F(std::move(*static_cast<F*>(from)));
            static_cast<F*>(from)->~F();
        },
        [](void* self) noexcept { static_cast<F*>(self)->~F(); },
    };

    const Ops* ops_ = nullptr;
    alignas(void*) std::byte storage_[kInlineBytes];
};

static_assert(sizeof(Task) == 56, "a Task and its cost fill one cache line of a ring");

}  // namespace weir::runtime
