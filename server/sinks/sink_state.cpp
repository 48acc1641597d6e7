#include <weir/sinks/detail/sink_state.hpp>

#include <array>

namespace weir::sinks {

std::string_view name(Activity activity) noexcept {
    constexpr std::array<std::string_view, 5> kNames = {
        "starting", "idle", "gathering", "delivering", "backing_off"
    };
    return kNames[static_cast<std::size_t>(activity)];
}

namespace detail {
namespace {

constexpr std::uint8_t kVersion = 1;

std::string state_key(const std::string& sink) {
    return "sinks/" + sink;
}

}  // namespace

void put_state(storage::Batch& batch, const std::string& sink, const SinkState& state) {
    Bytes body;
    const auto& [delivered, dead, lost] = state.counters;
    for (const std::uint64_t number :
         {state.claim.first, state.claim.last, delivered, dead, lost}) {
        append_be(body, number);
    }
    batch.put(storage::Family::meta, state_key(sink), kVersion, body);
}

Result<SinkState> load_state(const storage::Store& store, const std::string& sink) {
    WEIR_TRY(const auto value, store.get(storage::Family::meta, state_key(sink)));
    SinkState state;
    if (!value) {
        return state;
    }
    if (value->version > kVersion) {
        return storage::errc::newer_version;
    }
    ByteCursor cursor{value->body};
    auto& [delivered, dead, lost] = state.counters;
    for (std::uint64_t* const number :
         {&state.claim.first, &state.claim.last, &delivered, &dead, &lost}) {
        const auto read = cursor.read_be<std::uint64_t>();
        if (!read) {
            return storage::errc::malformed_record;
        }
        *number = *read;
    }
    return state;
}

}  // namespace detail
}  // namespace weir::sinks
