/// Sinks that read a stream and write objects: sinks.d/ with `type: file` or `type: s3`.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>

#include <weir/app_config/config_values.hpp>
#include <weir/archive/config.hpp>

namespace weir::app {

struct FolderConfig {
    std::filesystem::path path;
};

struct BucketConfig {
    std::string endpoint;  ///< Empty: the one of AWS in that region.
    std::string region;
    std::string bucket;
    bool virtual_host = false;
    Secret access_key;
    Secret secret_key;
    std::optional<Secret> session_token;
    std::optional<std::filesystem::path> ca;
    Place ca_place;
    std::chrono::milliseconds timeout{0};
};

struct ArchiveConfig {
    std::string name;
    std::string stream;
    std::string object;
    archive::Layout layout;
    archive::BatchLimits batch;
    std::variant<FolderConfig, BucketConfig> target;
    Place place;
    Place stream_place;
    Place object_place;  ///< Of `object`; of the file if it is not written.
};

}  // namespace weir::app
