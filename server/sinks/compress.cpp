#include <zlib.h>
#include <zstd.h>

#include <weir/sinks/detail/request_body.hpp>

namespace weir::sinks::detail {
namespace {

constexpr int kGzipWindow = 15 + 16;  ///< The largest window, with gzip's head and tail.
constexpr int kGzipMemory = 8;        ///< zlib's own default.
constexpr int kZstdLevel = 3;         ///< zstd's own default.

std::string gzip(std::string_view text) {
    z_stream stream{};
    if (deflateInit2(
            &stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipWindow, kGzipMemory, Z_DEFAULT_STRATEGY
        ) != Z_OK) {
        return {};
    }
    std::string out(deflateBound(&stream, text.size()), '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    const int result = deflate(&stream, Z_FINISH);
    out.resize(result == Z_STREAM_END ? stream.total_out : 0);
    deflateEnd(&stream);
    return out;
}

std::string zstd(std::string_view text) {
    std::string out(ZSTD_compressBound(text.size()), '\0');
    const auto size = ZSTD_compress(out.data(), out.size(), text.data(), text.size(), kZstdLevel);
    out.resize(ZSTD_isError(size) != 0 ? 0 : size);
    return out;
}

}  // namespace

std::string compress(std::string_view text, Compression how) {
    switch (how) {
        case Compression::gzip:
            return gzip(text);
        case Compression::zstd:
            return zstd(text);
        case Compression::none:
            break;
    }
    return std::string{text};
}

}  // namespace weir::sinks::detail
