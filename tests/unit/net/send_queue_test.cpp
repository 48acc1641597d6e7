#include <weir/net/send_queue.hpp>

#include <gtest/gtest.h>
#include <sys/uio.h>

#include <array>
#include <random>
#include <string>

#include <weir/base/payload.hpp>

namespace weir::net {
namespace {

std::string front_of(const SendQueue& queue, std::size_t limit) {
    std::array<iovec, 64> parts;
    const std::size_t used = queue.gather(parts, limit);
    std::string all;
    for (std::size_t i = 0; i < used; ++i) {
        all.append(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len);
    }
    return all;
}

struct SendQueueTest : testing::Test {
    ChunkPool pool;
    SendQueue queue{pool, {.high = 1000, .low = 200}};
};

TEST_F(SendQueueTest, HoldsNothing_WhileEmpty) {
    EXPECT_EQ(pool.bytes_out(), 0U);
    queue.append(as_bytes("hello"));
    EXPECT_GT(pool.bytes_out(), 0U);
    queue.consume(5);
    EXPECT_TRUE(queue.empty());
    EXPECT_EQ(pool.bytes_out(), 0U);
}

TEST_F(SendQueueTest, KeepsOrderOfCopiesReferencesAndReservations) {
    const Payload large = Payload::copy(as_bytes(std::string(3000, 'L')));
    queue.append(as_bytes("head"));
    queue.append_shared(large.view(), large);
    Byte* const room = queue.reserve(100);
    std::memcpy(room, "tail", 4);
    queue.commit(4);
    EXPECT_EQ(front_of(queue, queue.bytes()), "head" + std::string(3000, 'L') + "tail");
}

TEST_F(SendQueueTest, RefersToLargePayloadsAndCopiesSmallOnes) {
    const Payload small = Payload::copy(as_bytes(std::string(SendQueue::kCopyBytesMax, 's')));
    const Payload large = Payload::copy(as_bytes(std::string(SendQueue::kCopyBytesMax + 1, 'l')));
    queue.append_shared(large.view(), large);
    std::array<iovec, 4> parts;
    ASSERT_EQ(queue.gather(parts, queue.bytes()), 1U);
    EXPECT_EQ(parts[0].iov_base, large.data());
    queue.consume(queue.bytes());
    queue.append_shared(small.view(), small);
    ASSERT_GE(queue.gather(parts, queue.bytes()), 1U);
    EXPECT_NE(parts[0].iov_base, small.data());
}

TEST_F(SendQueueTest, LetsGoOfAReference_OnceItIsSent) {
    auto* const counted = new int{0};
    struct Owner {
        explicit Owner(int* target) : released{target} {}
        Owner(Owner&& other) noexcept : released{std::exchange(other.released, nullptr)} {}
        ~Owner() {
            if (released != nullptr) {
                ++*released;
            }
        }
        int* released;
    };
    const std::string bytes(5000, 'x');
    queue.append_shared(as_bytes(bytes), Owner{counted});
    queue.consume(4999);
    EXPECT_EQ(*counted, 0);
    queue.consume(1);
    EXPECT_EQ(*counted, 1);
    queue.append_shared(as_bytes(bytes), Owner{counted});
    queue.clear();
    EXPECT_EQ(*counted, 2);
    delete counted;
}

TEST_F(SendQueueTest, IsCongestedFromTheHighToTheLowWatermark) {
    queue.append(as_bytes(std::string(999, 'x')));
    EXPECT_FALSE(queue.congested());
    queue.append(as_bytes("x"));
    EXPECT_TRUE(queue.congested());
    queue.consume(799);
    EXPECT_TRUE(queue.congested()) << "201 left";
    queue.consume(1);
    EXPECT_FALSE(queue.congested()) << "200 left";
    queue.append(as_bytes(std::string(799, 'x')));
    EXPECT_FALSE(queue.congested()) << "999";
}

TEST_F(SendQueueTest, GathersNoMoreThanAsked) {
    queue.append(as_bytes(std::string(10'000, 'x')));
    EXPECT_EQ(front_of(queue, 4500).size(), 4500U);
    EXPECT_EQ(front_of(queue, 0), "");
}

TEST_F(SendQueueTest, TakesReservationsLargerThanAChunk) {
    Byte* const room = queue.reserve(100'000);
    std::memset(room, 'r', 100'000);
    queue.commit(100'000);
    EXPECT_EQ(front_of(queue, queue.bytes()), std::string(100'000, 'r'));
    queue.clear();
    EXPECT_EQ(pool.bytes_out(), 0U);
}

/// Random appends and partial sends against a string.
TEST_F(SendQueueTest, AgreesWithAModel) {
    std::mt19937 random{7};
    const auto pick = [&random](std::size_t below) {
        return static_cast<std::size_t>(random() % below);
    };
    std::string model;
    char next = 'a';
    for (int step = 0; step < 5000; ++step) {
        const std::size_t size = pick(pick(10) == 0 ? 9000 : 300) + 1;
        const std::string text(size, next);
        next = next == 'z' ? 'a' : static_cast<char>(next + 1);
        switch (pick(5)) {
            case 0:
                queue.append(as_bytes(text));
                model += text;
                break;
            case 1: {
                const Payload payload = Payload::copy(as_bytes(text));
                queue.append_shared(payload.view(), payload);
                model += text;
                break;
            }
            case 2: {
                Byte* const room = queue.reserve(size);
                const std::size_t written = pick(size + 1);
                std::memcpy(room, text.data(), written);
                queue.commit(written);
                model.append(text, 0, written);
                break;
            }
            default: {
                const std::string front = front_of(queue, pick(6000));
                ASSERT_EQ(front, model.substr(0, front.size())) << "step " << step;
                queue.consume(front.size());
                model.erase(0, front.size());
            }
        }
        ASSERT_EQ(queue.bytes(), model.size());
    }
}

TEST(ChunkPool, HandsOutWhatCameBack) {
    ChunkPool pool;
    std::size_t size = 100;
    void* const first = pool.take(size);
    EXPECT_EQ(size, 512U);
    pool.give_back(first, size);
    std::size_t again = 512;
    void* const second = pool.take(again);
    EXPECT_EQ(first, second);
    pool.give_back(second, again);
    EXPECT_EQ(pool.bytes_out(), 0U);
}

}  // namespace
}  // namespace weir::net
