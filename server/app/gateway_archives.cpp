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
    const ArchiveConfig& config, const BucketConfig& bucket, const ConfigFiles& files
) {
    const auto secret = [&](const Secret& key, std::string_view what) {
        return load_secret(key, files, fmt::format("the {} of sink {}", what, config.name));
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
    }
    return options;
}

}  // namespace

std::vector<archive::ArchiveConfig> make_archives(
    const Config& config, const ConfigFiles& files, http_client::Client& client, const Clock& clock
) {
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
            next.target = std::make_shared<archive::Bucket>(
                bucket_options(chosen, std::get<BucketConfig>(chosen.target), files), client, clock
            );
        }
        made.push_back(std::move(next));
    }
    return made;
}

}  // namespace weir::app
