/// The folder of a demonstration: configuration, certificates, and nothing that is there before or
/// after.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <weir/base/digest.hpp>

namespace weir::demo {

inline constexpr std::array<std::string_view, 3> kDevices = {"demo-1", "demo-2", "demo-3"};
/// Publishes where it may not.
inline constexpr std::string_view kMisbehaving = "demo-3";
/// For the person in front of the terminal: reads all data, sends commands.
inline constexpr std::string_view kOperator = "operator";

inline constexpr std::string_view kRule = "hot";
inline constexpr std::string_view kStream = "alarms";
inline constexpr std::string_view kSink = "receiver";

struct Ports {
    std::uint16_t listener = 0;  ///< 0: any free one.
    std::uint16_t receiver = 0;  ///< Where the sink delivers, on 127.0.0.1.
};

struct ConfigFile {
    std::string path;  ///< Below the folder.
    std::string text;
};

/// The whole configuration, certificates apart.
[[nodiscard]] std::vector<ConfigFile> config_files(const Ports& ports);

/// What a client needs to connect.
struct ClientFiles {
    std::filesystem::path ca;
    std::filesystem::path certificate;
    std::filesystem::path key;
};

/// A thing to be registered: its certificate is in the folder.
struct Member {
    std::string name;
    std::string type;
    Sha256 certificate{};
};

/// A temporary folder (mode 0700) that a gateway can be started from; gone with the object.
class Home {
public:
    /// Writes the configuration, makes a CA, and a certificate for the gateway and each member.
    /// @throws std::runtime_error
    explicit Home(const Ports& ports);
    ~Home();
    Home(const Home&) = delete;
    Home& operator=(const Home&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
    [[nodiscard]] ClientFiles client_files(std::string_view member) const;
    /// The devices, then the operator.
    [[nodiscard]] const std::vector<Member>& members() const noexcept { return members_; }

private:
    void fill(const Ports& ports);

    std::filesystem::path path_;
    std::vector<Member> members_;
};

}  // namespace weir::demo
