#include <weir/rules/functions/md2.hpp>

#include <algorithm>
#include <span>

namespace weir::rules {
namespace {

constexpr std::size_t kBlock = 16;
constexpr unsigned kRounds = 18;

/// A permutation of the bytes made from the digits of pi. RFC 1319 section 3.2.
// clang-format off
constexpr std::array<Byte, 256> kSubstitute = {
     41,  46,  67, 201, 162, 216, 124,   1,  61,  54,  84, 161, 236, 240,   6,  19,
     98, 167,   5, 243, 192, 199, 115, 140, 152, 147,  43, 217, 188,  76, 130, 202,
     30, 155,  87,  60, 253, 212, 224,  22, 103,  66, 111,  24, 138,  23, 229,  18,
    190,  78, 196, 214, 218, 158, 222,  73, 160, 251, 245, 142, 187,  47, 238, 122,
    169, 104, 121, 145,  21, 178,   7,  63, 148, 194,  16, 137,  11,  34,  95,  33,
    128, 127,  93, 154,  90, 144,  50,  39,  53,  62, 204, 231, 191, 247, 151,   3,
    255,  25,  48, 179,  72, 165, 181, 209, 215,  94, 146,  42, 172,  86, 170, 198,
     79, 184,  56, 210, 150, 164, 125, 182, 118, 252, 107, 226, 156, 116,   4, 241,
     69, 157, 112,  89, 100, 113, 135,  32, 134,  91, 207, 101, 230,  45, 168,   2,
     27,  96,  37, 173, 174, 176, 185, 246,  28,  70,  97, 105,  52,  64, 126,  15,
     85,  71, 163,  35, 221,  81, 175,  58, 195,  92, 249, 206, 186, 197, 234,  38,
     44,  83,  13, 110, 133,  40, 132,   9, 211, 223, 205, 244,  65, 129,  77,  82,
    106, 220,  55, 200, 108, 193, 171, 250,  36, 225, 123,   8,  12, 189, 177,  74,
    120, 136, 149, 139, 227,  99, 232, 109, 233, 203, 213, 254,  59,   0,  29,  57,
    242, 239, 183,  14, 102,  88, 208, 228, 166, 119, 114, 248, 235, 117,  75,  10,
     49,  68,  80, 180, 143, 237,  31,  26, 219, 153, 141,  51, 159,  17, 131,  20,
};
// clang-format on

using Block = std::array<Byte, kBlock>;

class Md2 {
public:
    void add(const Block& block) noexcept {
        for (std::size_t i = 0; i < kBlock; ++i) {
            checksum_[i] ^= kSubstitute[block[i] ^ last_];
            last_ = checksum_[i];
        }
        mix(block);
    }

    [[nodiscard]] Block finish() noexcept {
        mix(Block{checksum_});
        Block result;
        std::copy_n(state_.begin(), kBlock, result.begin());
        return result;
    }

private:
    void mix(const Block& block) noexcept {
        for (std::size_t i = 0; i < kBlock; ++i) {
            state_[kBlock + i] = block[i];
            state_[2 * kBlock + i] = state_[i] ^ block[i];
        }
        unsigned t = 0;
        for (unsigned round = 0; round < kRounds; ++round) {
            for (Byte& byte : state_) {
                byte ^= kSubstitute[t];
                t = byte;
            }
            t = (t + round) & 0xFFU;
        }
    }

    std::array<Byte, 3 * kBlock> state_{};
    Block checksum_{};
    Byte last_ = 0;
};

}  // namespace

std::array<Byte, 16> md2(ByteView data) noexcept {
    Md2 hash;
    Block block;
    while (data.size() >= kBlock) {
        std::copy_n(data.begin(), kBlock, block.begin());
        hash.add(block);
        data = data.subspan(kBlock);
    }
    block.fill(static_cast<Byte>(kBlock - data.size()));
    std::ranges::copy(data, block.begin());
    hash.add(block);
    return hash.finish();
}

}  // namespace weir::rules
