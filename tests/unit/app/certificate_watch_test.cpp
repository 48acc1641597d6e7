#include <gtest/gtest.h>

#include <weir/app/certificate_watch.hpp>

namespace weir::app {
namespace {

using namespace std::chrono_literals;

constexpr WallTime kEnd{1'000'000'000'000};

TEST(CertificateStanding, ChangesThirtyDaysBeforeTheEnd_AndAtTheEnd) {
    EXPECT_EQ(certificate_standing(kEnd, kEnd - 31 * 24h), CertificateStanding::fine);
    EXPECT_EQ(certificate_standing(kEnd, kEnd - 30 * 24h), CertificateStanding::ends_soon);
    EXPECT_EQ(certificate_standing(kEnd, kEnd - 1ms), CertificateStanding::ends_soon);
    EXPECT_EQ(certificate_standing(kEnd, kEnd), CertificateStanding::ended);
}

TEST(CertificateWatch, WarnsOnceADay) {
    CertificateWatch watch;
    const WallTime day = kEnd - 10 * 24h;
    EXPECT_TRUE(watch.is_due("front", kEnd, day));
    EXPECT_FALSE(watch.is_due("front", kEnd, day + 23h));
    EXPECT_TRUE(watch.is_due("back", kEnd, day + 23h)) << "each listener for itself";
    EXPECT_TRUE(watch.is_due("front", kEnd, day + 24h));
}

TEST(CertificateWatch, WarnsAtOnce_WhenTheCertificateEndsOrIsAnother) {
    CertificateWatch watch;
    EXPECT_TRUE(watch.is_due("front", kEnd, kEnd - 1h));
    EXPECT_TRUE(watch.is_due("front", kEnd, kEnd));
    EXPECT_FALSE(watch.is_due("front", kEnd, kEnd + 1h));
    EXPECT_TRUE(watch.is_due("front", kEnd + 2h, kEnd + 1h));
}

TEST(CertificateWatch, IsQuiet_WhileTheCertificateIsFine) {
    CertificateWatch watch;
    EXPECT_FALSE(watch.is_due("front", kEnd, kEnd - 100 * 24h));
}

TEST(CertificateWatch, WarnsAgain_WhenTheConfigurationWasRead) {
    CertificateWatch watch;
    EXPECT_TRUE(watch.is_due("front", kEnd, kEnd - 1h));
    watch.restart();
    EXPECT_TRUE(watch.is_due("front", kEnd, kEnd - 1h));
}

}  // namespace
}  // namespace weir::app
