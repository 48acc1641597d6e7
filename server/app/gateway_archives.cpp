// From configuration to archives.
#include <fmt/format.h>

#include <memory>
#include <utility>
#include <variant>

#include <weir/archive/bucket.hpp>
#include <weir/archive/folder.hpp>

#include "gateway_parts.hpp"

namespace weir::app {
namespace {

[[nodiscard]] archive::BucketOptions bucket_options(
    const ArchiveConfig& config, const BucketConfig& bucket, NamedFiles& files
) {
    const auto secret = [&](const Secret& key, std::string_view what) {
        return files.secret(key, fmt::format("the {} of sink '{}'", what, config.name));
    };
    archive::BucketOptions options{
        .endpoint = bucket.endpoint.empty()
                        ? fmt::format("https://s3.{}.amazonaws.com", bucket.region)
                        : bucket.endpoint,
        .bucket = bucket.bucket,
        .virtual_host = bucket.virtual_host,
        .signer =
            {.access_key_id = secret(bucket.access_key, "access key"),
             .secret_access_key = secret(bucket.secret_key, "secret key"),
             .session_token =
                 bucket.session_token ? secret(*bucket.session_token, "session token") : "",
             .region = bucket.region,
             .service = "s3"},
        .tls = {},
        .timeout = bucket.timeout,
    };
    if (bucket.ca) {
        options.tls.ca_file = bucket.ca->string();
        files.expect_certificates(
            *bucket.ca, bucket.ca_place, fmt::format("the CA of sink '{}'", config.name)
        );
    }
    return options;
}

}  // namespace

std::vector<archive::BucketOptions> make_buckets(const Config& config, NamedFiles& files) {
    std::vector<archive::BucketOptions> made;
    for (const ArchiveConfig& chosen : config.archives) {
        if (const auto* const bucket = std::get_if<BucketConfig>(&chosen.target)) {
            made.push_back(bucket_options(chosen, *bucket, files));
        }
    }
    return made;
}

std::vector<archive::ArchiveConfig> make_archives(
    const Config& config,
    std::vector<archive::BucketOptions> buckets,
    http_client::Client& client,
    const Clock& clock
) {
    auto bucket = buckets.begin();
    std::vector<archive::ArchiveConfig> made;
    for (const ArchiveConfig& chosen : config.archives) {
        archive::ArchiveConfig next{
            .name = chosen.name,
            .stream = chosen.stream,
            .object = chosen.object,
            .layout = chosen.layout,
            .batch = chosen.batch,
        };
        if (const auto* const folder = std::get_if<FolderConfig>(&chosen.target)) {
            next.target = std::make_shared<archive::Folder>(folder->path.string());
        } else {
            next.target = std::make_shared<archive::Bucket>(std::move(*bucket++), client, clock);
        }
        made.push_back(std::move(next));
    }
    return made;
}

}  // namespace weir::app
