// Sinks of the types file and s3.
#include <weir/app_config/configuration.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace weir::app {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::string_view kStream = "stream: s\n";

struct Loaded {
    explicit Loaded(MemoryFiles extra) {
        extra.files["/etc/weir/weir.yaml"] = "listeners:\n  - {name: local, port: 1883}\n";
        extra.files["/etc/weir/streams.d/s.yaml"] = kStream;
        extra.files["/etc/weir/policies.d/none.yaml"] = "policy: none\n";
        configuration = load_configuration("/etc/weir", extra, diagnostics);
    }
    explicit Loaded(const std::string& sink) : Loaded{files_of(sink)} {}

    static MemoryFiles files_of(const std::string& sink) {
        MemoryFiles files;
        files.files["/etc/weir/sinks.d/cold.yaml"] = "sink: cold\n" + sink;
        return files;
    }
    [[nodiscard]] std::string report() const { return diagnostics.render_text(); }

    document::Diagnostics diagnostics;
    Configuration configuration;
};

TEST(ArchiveConfig, OfAFolder_HasDefaults) {
    const Loaded loaded{"type: file\nstream: s\npath: ../archive\n"};
    ASSERT_THAT(loaded.report(), IsEmpty());
    const auto* const archive = loaded.configuration.config.find_archive("cold");
    ASSERT_NE(archive, nullptr);
    EXPECT_EQ(std::get<FolderConfig>(archive->target).path, "/etc/weir/archive");
    EXPECT_EQ(archive->object, "{stream}/{date}/{first}-{last}");
    EXPECT_EQ(archive->layout, (archive::Layout{.compression = archive::Compression::gzip}));
    EXPECT_EQ(archive->batch.records, 10'000U);
    EXPECT_EQ(archive->batch.bytes, 8U << 20U);
    EXPECT_EQ(archive->batch.age, 5min);
    EXPECT_EQ(loaded.configuration.config.find_sink("cold"), nullptr) << "no rule may send to it";
}

TEST(ArchiveConfig, OfABucket_IsRead) {
    const Loaded loaded{
        "type: s3\nstream: s\nendpoint: https://minio.example:9000\nregion: eu-north-1\n"
        "bucket: my.bucket-1\naddressing: virtual_host\n"
        "auth: {access_key: {env: ID}, secret_key: {file: key}}\nformat: csv\n"
        "columns: [time, payload.temp]\ncompression: none\nbatch: {records: 5, age: 10s}\n"};
    ASSERT_THAT(loaded.report(), IsEmpty());
    const auto* const archive = loaded.configuration.config.find_archive("cold");
    ASSERT_NE(archive, nullptr);
    const auto& bucket = std::get<BucketConfig>(archive->target);
    EXPECT_EQ(bucket.endpoint, "https://minio.example:9000");
    EXPECT_EQ(bucket.bucket, "my.bucket-1");
    EXPECT_TRUE(bucket.virtual_host);
    EXPECT_EQ(bucket.access_key.variable, "ID");
    EXPECT_EQ(bucket.secret_key.file, "/etc/weir/sinks.d/key");
    EXPECT_EQ(archive->layout.format, archive::Format::csv);
    EXPECT_EQ(archive->batch.age, 10s);
}

TEST(ArchiveConfig, SaysWhatIsWrong_WithItsPlace) {
    struct Case {
        std::string sink;
        std::string_view report;
    };
    const std::string file = "type: file\nstream: s\npath: a\n";
    const std::string s3 =
        "type: s3\nstream: s\nbucket: bucket\nauth: {access_key: {env: A}, secret_key: {env: B}}\n";
    for (const auto& [sink, report] : {
             Case{"type: file\nstream: s\n", "the key 'path' is missing"},
             Case{"type: file\npath: a\n", "the key 'stream' is missing"},
             Case{"type: file\nstream: t\npath: a\n", "there is no stream 't'"},
             Case{"type: file\nstream: s\n", "weir explain file-sinks.path"},
             Case{"type: tape\nstream: s\n", "tape"},
             Case{file + "url: https://x\n", "url"},
             Case{file + "object: plain\n", "without {first}"},
             Case{file + "object: \"../{first}\"\n", "begins with a point"},
             Case{file + "format: csv\n", "csv needs columns"},
             Case{file + "columns: [temp]\n", "payload.temp"},
             Case{file + "batch: {bytes: 1GiB}\n", "1GiB"},
             Case{"type: s3\nstream: s\nbucket: bucket\n", "the key 'auth' is missing"},
             Case{s3 + "auth: {}\n", "auth"},
             Case{s3 + "endpoint: https://x.example/path\n", "an endpoint is a scheme"},
             Case{s3 + "region: \"eu/..\"\n", "is not the name of a region"},
             Case{
                 "type: s3\nstream: s\nbucket: A_b\nauth: {access_key: {env: A}, secret_key: {env: "
                 "B}}\n",
                 "is not the name of a bucket"},
             Case{
                 "type: s3\nstream: s\nbucket: bucket\nauth: {access_key: AKIA, secret_key: {env: "
                 "B}}\n",
                 "a secret does not stand in the file itself"},
         }) {
        const Loaded loaded{sink};
        EXPECT_TRUE(loaded.diagnostics.has_errors()) << sink;
        EXPECT_THAT(loaded.report(), HasSubstr(report)) << sink;
        EXPECT_THAT(loaded.report(), HasSubstr("sinks.d/cold.yaml:")) << sink;
    }
}

TEST(ArchiveConfig, SharesItsNamesWithOtherSinks) {
    auto files = Loaded::files_of("type: file\nstream: s\npath: a\n");
    files.files["/etc/weir/sinks.d/other.yaml"] =
        "sink: cold\ntype: http\nurl: https://x.example/\n";
    EXPECT_THAT(Loaded{files}.report(), HasSubstr("two sinks have the name 'cold'"));
}

TEST(ArchiveConfig, WritesNoFileThatAnotherWrites) {
    auto files = Loaded::files_of("type: file\nstream: s\npath: a\n");
    files.files["/etc/weir/sinks.d/other.yaml"] = "sink: other\ntype: file\nstream: s\npath: ./a\n";
    EXPECT_THAT(Loaded{files}.report(), HasSubstr("'cold' and 'other' write files of one name"));
    files.files["/etc/weir/sinks.d/other.yaml"] += "object: \"{sink}/{first}\"\n";
    EXPECT_THAT(Loaded{files}.report(), IsEmpty());
}

TEST(ArchiveConfig, IsNoTargetOfARule) {
    auto files = Loaded::files_of("type: file\nstream: s\npath: a\n");
    for (const auto* to : {"http: {sink: cold}", "alert: {sink: cold, text: x}"}) {
        files.files["/etc/weir/rules.d/r.sql"] =
            std::string{"---\nto:\n  - "} + to + "\n---\nSELECT * FROM 'x'\n";
        EXPECT_THAT(Loaded{files}.report(), HasSubstr("takes its records from a stream"));
        EXPECT_THAT(Loaded{files}.report(), HasSubstr("rules.d/r.sql:3:")) << to;
    }
}

}  // namespace
}  // namespace weir::app
