#include <weir/storage/error.hpp>

#include <array>
#include <string>
#include <string_view>

namespace weir::storage {
namespace {

constexpr std::array<std::string_view, 13> kTexts = {
    "no error",
    "the stored record is malformed",
    "the stored record was written by a newer release",
    "stored data is damaged",
    "writing to the data directory failed",
    "the disk is nearly full",
    "the store is read-only after a failed write",
    "another process holds the data directory",
    "too much waits to be written",
    "the store is closing",
    "the name or key is empty or too long",
    "the store is in memory only",
    "another backup is under way",
};

std::string_view text_of(errc code) noexcept {
    const auto index = static_cast<std::size_t>(code);
    return index < kTexts.size() ? kTexts[index] : "unknown storage error";
}

}  // namespace

const boost::system::error_category& storage_category() noexcept {
    static const ErrorCategory<errc> instance{"weir.storage", text_of};
    return instance;
}

}  // namespace weir::storage
