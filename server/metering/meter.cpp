#include <weir/metering/meter.hpp>

#include <sys/mman.h>

#include <algorithm>
#include <new>
#include <string>

#include <weir/base/assert.hpp>

namespace weir::metering {
namespace {

constexpr std::size_t kSlabBytes = 64UL * 1024;
constexpr std::int64_t kHourMs = 3'600'000;
constexpr std::int64_t kMinuteMs = 60'000;

}  // namespace

/// Amounts of one device in one hour on their way to the store. In exactly one list: spare, dirty,
/// leaving or in flight.
struct DeviceMeter::Pending {
    storage::UsageDelta delta;
    DeviceMeter* device = nullptr;
    std::uint32_t hour = 0;
    Pending* next = nullptr;
};

void DeviceMeter::Free::operator()(DeviceMeter* device) const noexcept {
    device->~DeviceMeter();
    ::operator delete(device);
}

DeviceMeter::DeviceMeter(std::string_view name, std::size_t tenant_size) noexcept
    : tenant_size_{static_cast<std::uint8_t>(tenant_size)},
      device_size_{static_cast<std::uint8_t>(name.size() - tenant_size - 1)} {
    std::ranges::copy(name, reinterpret_cast<char*>(this + 1));
}

DeviceMeter::Ptr DeviceMeter::make(std::string_view name, std::size_t tenant_size) {
    return Ptr{::new (::operator new(sizeof(DeviceMeter) + name.size()))
                   DeviceMeter{name, tenant_size}};
}

/// Records come in pages of their own, not from the heap: a herd's leave no holes between what stays.
void Meter::Unmap::operator()(Pending* records) const noexcept {
    ::munmap(records, kSlabBytes);
}

std::uint32_t hour_of(WallTime time) noexcept {
    return static_cast<std::uint32_t>(std::max<std::int64_t>(0, time.count()) / kHourMs);
}

Meter::Meter(WallTime now) noexcept : hour_{hour_of(now)} {}
Meter::~Meter() = default;

DeviceMeter* Meter::open(std::string_view tenant, std::string_view device) {
    const auto is_name = [](std::string_view name) {
        return !name.empty() && name.size() <= storage::kNameBytesMax;
    };
    if (!is_name(tenant) || !is_name(device)) {
        return nullptr;
    }
    std::string name{tenant};
    name += '\0';
    name += device;
    auto found = devices_.find(std::string_view{name});
    if (found == devices_.end()) {
        found = devices_.insert(DeviceMeter::make(name, tenant.size())).first;
    }
    ++(*found)->users_;
    return found->get();
}

void Meter::close(DeviceMeter* device) noexcept {
    WEIR_DEBUG_ASSERT(device->users_ > 0);
    --device->users_;
    forget_if_unused(*device);
}

void Meter::forget_if_unused(DeviceMeter& device) noexcept {
    if (device.users_ == 0 && device.records_ == 0) {
        devices_.erase(devices_.find(device.name()));
    }
}

Meter::Pending* Meter::take_record() {
    if (spare_ == nullptr) {
        void* const pages =
            ::mmap(nullptr, kSlabBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        WEIR_ASSERT(pages != MAP_FAILED);
        auto* const records = static_cast<Pending*>(pages);
        slabs_.emplace_back(records);
        for (std::size_t i = 0; i < kSlabBytes / sizeof(Pending); ++i) {
            spare_ = ::new (records + i) Pending{{}, nullptr, 0, spare_};
        }
    }
    Pending* const taken = spare_;
    spare_ = taken->next;
    return taken;
}

storage::UsageDelta& Meter::sums(DeviceMeter& device) noexcept {
    if (device.pending_ == nullptr) {
        Pending* const record = take_record();
        *record = {{}, &device, hour_, dirty_};
        dirty_ = record;
        device.pending_ = record;
        ++device.records_;
    }
    return device.pending_->delta;
}

void Meter::count_into(
    storage::Batch& batch, const DeviceMeter& device, const storage::UsageDelta& delta
) const {
    batch.add_usage({device.tenant(), device.device(), hour_}, delta);
}

void Meter::tick(WallTime now) noexcept {
    const std::uint32_t hour = hour_of(now);
    if (hour <= hour_) {
        return;
    }
    hour_ = hour;
    for (Pending* record = dirty_; record != nullptr; record = record->next) {
        record->device->pending_ = nullptr;  // The next count starts a record of the new hour.
    }
}

bool Meter::drain(storage::Batch& batch) {
    if (in_flight_ != nullptr) {
        return false;
    }
    if (leaving_ == nullptr) {
        leaving_ = std::exchange(dirty_, nullptr);
        for (Pending* record = leaving_; record != nullptr; record = record->next) {
            record->device->pending_ = nullptr;
        }
    }
    for (std::size_t left = kRecordsPerDrain; leaving_ != nullptr && left > 0; --left) {
        Pending* const record = leaving_;
        leaving_ = record->next;
        batch.add_usage(
            {record->device->tenant(), record->device->device(), record->hour}, record->delta
        );
        record->next = in_flight_;
        in_flight_ = record;
    }
    return in_flight_ != nullptr;
}

bool Meter::drained(bool committed) noexcept {
    const auto each = [this](Pending*& list, void (Meter::*act)(Pending*) noexcept) {
        for (Pending* next = std::exchange(list, nullptr); next != nullptr;) {
            Pending* const record = next;
            next = record->next;
            (this->*act)(record);
        }
    };
    each(in_flight_, committed ? &Meter::release : &Meter::take_back);
    if (!committed) {
        each(leaving_, &Meter::take_back);
    }
    // A herd that connected in one second needs a record each, once: quiet again, they are given back.
    if (dirty_ == nullptr && leaving_ == nullptr && slabs_.size() > 1) {
        slabs_.clear();
        spare_ = nullptr;
    }
    return leaving_ != nullptr;
}

void Meter::take_back(Pending* record) noexcept {
    DeviceMeter& device = *record->device;
    if (device.pending_ != nullptr && record->hour == hour_) {
        device.pending_->delta += record->delta;
        release(record);
        return;
    }
    record->next = dirty_;
    dirty_ = record;
    if (record->hour == hour_) {
        device.pending_ = record;
    }
}

void Meter::release(Pending* record) noexcept {
    DeviceMeter& device = *record->device;
    record->next = spare_;
    spare_ = record;
    --device.records_;
    forget_if_unused(device);
}

std::uint64_t ConnectedMinutes::take(SteadyTime now) noexcept {
    const std::int64_t elapsed = std::max<std::int64_t>(0, (now - connected_).count());
    const auto started = static_cast<std::uint64_t>((elapsed + kMinuteMs - 1) / kMinuteMs);
    const std::uint64_t fresh = started - std::min(started, taken_);
    taken_ += fresh;
    return fresh;
}

}  // namespace weir::metering
