#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include <string>

#include <weir/archive/detail/compressor.hpp>

namespace weir::archive::detail {
namespace {

std::string text_of(std::size_t bytes) {
    std::string text;
    for (unsigned n = 0; text.size() < bytes; ++n) {
        text += std::to_string(n * 2'654'435'761U) + '\n';
    }
    return text;
}

std::string packed(Compression compression, const std::string& text) {
    Compressor compressor{compression};
    compressor.add(std::string_view{text}.substr(0, text.size() / 3));
    compressor.add(std::string_view{text}.substr(text.size() / 3));
    return compressor.take();
}

std::string gunzip(const std::string& bytes, std::size_t room) {
    z_stream stream{};
    EXPECT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
    std::string in = bytes;
    std::string out(room, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(in.data());
    stream.avail_in = static_cast<uInt>(in.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
    out.resize(out.size() - stream.avail_out);
    inflateEnd(&stream);
    return out;
}

TEST(Compressor, MakesGzip) {
    for (const std::size_t bytes : {0UL, 1UL, 300'000UL}) {
        const auto text = text_of(bytes);
        EXPECT_EQ(gunzip(packed(Compression::gzip, text), text.size() + 64), text);
    }
}

TEST(Compressor, MakesZstd) {
    for (const std::size_t bytes : {0UL, 1UL, 300'000UL}) {
        const auto text = text_of(bytes);
        const auto made = packed(Compression::zstd, text);
        std::string out(text.size() + 64, '\0');
        const auto size = ZSTD_decompress(out.data(), out.size(), made.data(), made.size());
        ASSERT_FALSE(ZSTD_isError(size));
        EXPECT_EQ(out.substr(0, size), text);
    }
}

TEST(Compressor, MakesTheSameBytesAgain) {
    const auto text = text_of(100'000);
    for (const auto compression : {Compression::none, Compression::gzip, Compression::zstd}) {
        EXPECT_EQ(packed(compression, text), packed(compression, text));
    }
    EXPECT_EQ(packed(Compression::none, text), text);
}

}  // namespace
}  // namespace weir::archive::detail
