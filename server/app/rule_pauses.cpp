#include "rule_pauses.hpp"

namespace weir::app {
namespace {

constexpr std::string_view kPrefix = "rules/paused/";
constexpr std::uint8_t kVersion = 1;

}  // namespace

Result<std::set<std::string>> paused_rules(const storage::Store& store) {
    std::set<std::string> names;
    const auto read = store.scan(
        storage::Family::meta,
        kPrefix,
        [&](std::string_view key, std::uint8_t, ByteView) {
            names.emplace(key.substr(kPrefix.size()));
            return true;
        }
    );
    if (!read) {
        return read.error();
    }
    return names;
}

Result<void> set_paused(storage::Store& store, std::string_view rule, bool paused) {
    storage::Batch batch;
    const std::string key = std::string{kPrefix} + std::string{rule};
    if (paused) {
        batch.put(storage::Family::meta, key, kVersion, {});
    } else {
        batch.erase(storage::Family::meta, key);
    }
    return store.commit(std::move(batch));
}

}  // namespace weir::app
