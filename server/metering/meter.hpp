/// Counts what devices use, on one shard.
#pragma once

#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include <weir/base/clock.hpp>
#include <weir/base/hash.hpp>
#include <weir/metering/formula.hpp>
#include <weir/storage/batch.hpp>

namespace weir::metering {

/// Hours since 1970 of a UTC time; times before are hour 0.
[[nodiscard]] std::uint32_t hour_of(WallTime time) noexcept;

/// One device on one shard, in one block with its name. Made and owned by its Meter; valid between open() and the matching
/// close().
class DeviceMeter {
public:
    DeviceMeter(const DeviceMeter&) = delete;
    DeviceMeter& operator=(const DeviceMeter&) = delete;

    [[nodiscard]] std::string_view tenant() const noexcept {
        return name().substr(0, tenant_size_);
    }
    [[nodiscard]] std::string_view device() const noexcept {
        return name().substr(tenant_size_ + 1U);
    }

    /// Both: one name for a device of a tenant.
    [[nodiscard]] std::string_view name() const noexcept {
        return {reinterpret_cast<const char*>(this + 1), tenant_size_ + 1U + device_size_};
    }

private:
    friend class Meter;
    struct Pending;
    struct Free {
        void operator()(DeviceMeter* device) const noexcept;
    };
    using Ptr = std::unique_ptr<DeviceMeter, Free>;

    /// @param name  Tenant, a NUL, device: the key in the meter's table.
    [[nodiscard]] static Ptr make(std::string_view name, std::size_t tenant_size);
    DeviceMeter(std::string_view name, std::size_t tenant_size) noexcept;

    Pending* pending_ = nullptr;  ///< What was counted in the current hour and not yet drained.
    std::uint32_t users_ = 0;     ///< open() without close().
    std::uint16_t records_ = 0;   ///< Amounts that are not stored yet: one for each hour of them.
    std::uint8_t tenant_size_;
    std::uint8_t device_size_;
};

static_assert(sizeof(DeviceMeter) <= 16, "part of every idle connection");

/// Owned by a shard and used on its thread alone. No locks. After open() nothing allocates but for
/// a device's first count after a drain, when no spare record is left.
///
/// Two ways to count. count_into(): the usage is in the same batch as the message, so a crash loses
/// both or none. count(): the usage waits here and is drained at least once a second; a crash loses
/// what was not drained, and the Ledger states that gap.
class Meter {
public:
    static constexpr std::size_t kRecordsPerDrain = 1'000;

    explicit Meter(WallTime now) noexcept;
    ~Meter();
    Meter(const Meter&) = delete;
    Meter& operator=(const Meter&) = delete;

    /// At the start of a session. The same device may be open several times: it is one DeviceMeter.
    /// @return null: a name is empty or longer than 255 bytes.
    [[nodiscard]] DeviceMeter* open(std::string_view tenant, std::string_view device);
    /// At the end of a session; what is pending stays and is drained.
    void close(DeviceMeter* device) noexcept;

    /// What the device used in the current hour and is not drained yet: to be added to at once, and not kept.
    [[nodiscard]] storage::UsageDelta& sums(DeviceMeter& device) noexcept;
    void count(DeviceMeter& device, const storage::UsageDelta& delta) noexcept {
        sums(device) += delta;
    }
    /// Adds to `batch` instead, in the current hour.
    void count_into(
        storage::Batch& batch, const DeviceMeter& device, const storage::UsageDelta& delta
    ) const;

    /// The current time, at least once a second: decides the hour that counts go to. An hour never
    /// goes back.
    void tick(WallTime now) noexcept;

    /// Moves what is pending to `batch`, or that many devices' part of it: a herd's in one batch would
    /// hold up the messages behind it. False, and nothing moved, if there is nothing or a drain is in
    /// flight.
    [[nodiscard]] bool drain(storage::Batch& batch);
    /// The outcome of the drained batch. If it was not committed, its amounts are pending again.
    /// @return True: drain() again, there is more of what was pending when this round of drains began.
    bool drained(bool committed) noexcept;
    /// Between drain() and drained().
    [[nodiscard]] bool draining() const noexcept { return in_flight_ != nullptr; }

    /// Devices that are open or have something pending.
    [[nodiscard]] std::size_t devices() const noexcept { return devices_.size(); }

private:
    using Pending = DeviceMeter::Pending;

    [[nodiscard]] Pending* take_record();
    /// The record's amounts are stored: it is spare again.
    void release(Pending* record) noexcept;
    /// The record's amounts are not stored: they wait for the next drain.
    void take_back(Pending* record) noexcept;
    void forget_if_unused(DeviceMeter& device) noexcept;

    struct NameOf {
        std::string_view operator()(std::string_view name) const noexcept { return name; }
        std::string_view operator()(const DeviceMeter::Ptr& device) const noexcept {
            return device->name();
        }
    };
    struct Unmap {
        void operator()(Pending* records) const noexcept;
    };

    std::uint32_t hour_;
    boost::unordered_flat_set<DeviceMeter::Ptr, HashBy<NameOf>, EqualBy<NameOf>> devices_;
    std::vector<std::unique_ptr<Pending[], Unmap>> slabs_;
    Pending* spare_ = nullptr;
    Pending* dirty_ = nullptr;
    Pending* leaving_ = nullptr;
    Pending* in_flight_ = nullptr;
};

/// Started minutes of one connection. A minute is counted when it starts, so windows split by
/// themselves.
class ConnectedMinutes {
public:
    explicit ConnectedMinutes(SteadyTime connected) noexcept : connected_{connected} {}
    /// Minutes started since the last call; call it about once a minute and at the end.
    [[nodiscard]] std::uint64_t take(SteadyTime now) noexcept;

private:
    SteadyTime connected_;
    std::uint64_t taken_ = 0;
};

}  // namespace weir::metering
