#include <zlib.h>
#include <zstd.h>

#include <array>
#include <utility>

#include <weir/archive/detail/compressor.hpp>
#include <weir/base/assert.hpp>

namespace weir::archive::detail {
namespace {

constexpr int kGzipLevel = 6;
constexpr int kZstdLevel = 3;
/// Of deflateInit2: the largest window, and 16 for the format of gzip. RFC 1952.
constexpr int kGzipWindow = 15 + 16;
constexpr int kMemoryLevel = 8;
constexpr std::size_t kChunk = 64 * 1024;

struct FreeZstd {
    void operator()(ZSTD_CCtx* context) const noexcept { ZSTD_freeCCtx(context); }
};

}  // namespace

struct Compressor::Impl {
    explicit Impl(Compression chosen) : compression{chosen} {
        if (compression == Compression::gzip) {
            const int result = deflateInit2(
                &gzip, kGzipLevel, Z_DEFLATED, kGzipWindow, kMemoryLevel, Z_DEFAULT_STRATEGY
            );
            WEIR_ASSERT(result == Z_OK);
        } else if (compression == Compression::zstd) {
            zstd.reset(ZSTD_createCCtx());
            WEIR_ASSERT(zstd != nullptr);
            ZSTD_CCtx_setParameter(zstd.get(), ZSTD_c_compressionLevel, kZstdLevel);
            ZSTD_CCtx_setParameter(zstd.get(), ZSTD_c_checksumFlag, 1);
        }
    }
    ~Impl() {
        if (compression == Compression::gzip) {
            deflateEnd(&gzip);
        }
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    void run_gzip(std::string_view text, int flush) {
        std::array<char, kChunk> chunk{};
        // zlib does not write to its input.
        gzip.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
        gzip.avail_in = static_cast<uInt>(text.size());
        do {
            gzip.next_out = reinterpret_cast<Bytef*>(chunk.data());
            gzip.avail_out = static_cast<uInt>(chunk.size());
            const int result = deflate(&gzip, flush);
            WEIR_ASSERT(result != Z_STREAM_ERROR);
            out.append(chunk.data(), chunk.size() - gzip.avail_out);
        } while (gzip.avail_out == 0);
    }

    void run_zstd(std::string_view text, ZSTD_EndDirective end) {
        std::array<char, kChunk> chunk{};
        ZSTD_inBuffer in{text.data(), text.size(), 0};
        for (;;) {
            ZSTD_outBuffer made{chunk.data(), chunk.size(), 0};
            const std::size_t left = ZSTD_compressStream2(zstd.get(), &made, &in, end);
            WEIR_ASSERT(ZSTD_isError(left) == 0);
            out.append(chunk.data(), made.pos);
            const bool done = end == ZSTD_e_end ? left == 0 : in.pos == in.size;
            if (done) {
                return;
            }
        }
    }

    const Compression compression;
    z_stream gzip{};
    std::unique_ptr<ZSTD_CCtx, FreeZstd> zstd;
    std::string out;
};

Compressor::Compressor(Compression compression) : impl_{std::make_unique<Impl>(compression)} {}

Compressor::~Compressor() = default;

void Compressor::add(std::string_view text) {
    switch (impl_->compression) {
        case Compression::none:
            impl_->out += text;
            break;
        case Compression::gzip:
            impl_->run_gzip(text, Z_NO_FLUSH);
            break;
        case Compression::zstd:
            impl_->run_zstd(text, ZSTD_e_continue);
            break;
    }
}

std::string Compressor::take() {
    if (impl_->compression == Compression::gzip) {
        impl_->run_gzip({}, Z_FINISH);
    } else if (impl_->compression == Compression::zstd) {
        impl_->run_zstd({}, ZSTD_e_end);
    }
    return std::move(impl_->out);
}

}  // namespace weir::archive::detail
