/// Text to the bytes of an object.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <weir/archive/config.hpp>

namespace weir::archive::detail {

/// The same text gives the same bytes, with the same version of the library: no time, no name.
class Compressor {
public:
    explicit Compressor(Compression compression);
    Compressor(const Compressor&) = delete;
    Compressor& operator=(const Compressor&) = delete;
    ~Compressor();

    void add(std::string_view text);
    /// Ends it. Once.
    [[nodiscard]] std::string take();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace weir::archive::detail
