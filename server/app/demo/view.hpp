/// What the terminal shows.
#pragma once

#include <filesystem>
#include <string>

#include <weir/demo/observation.hpp>

namespace weir::demo {

/// Where the gateway of the demonstration is.
struct Place {
    std::string address;  ///< "127.0.0.1:8883"
    std::uint16_t port = 0;
    std::filesystem::path folder;  ///< Of its configuration.
};

/// Address, and what to try from a second terminal. Plain text.
[[nodiscard]] std::string render_header(const Place& place);
/// The whole picture. Plain text.
[[nodiscard]] std::string render(const Place& place, const Observation& seen);
/// The same in one line, for logs.
[[nodiscard]] std::string render_line(const Observation& seen);

/// Shows the picture: on a terminal it is redrawn in place, in its alternate screen, which the
/// destructor leaves; elsewhere header and lines follow each other.
class View {
public:
    explicit View(Place place);
    ~View();
    View(const View&) = delete;
    View& operator=(const View&) = delete;

    void show(const Observation& seen);

private:
    Place place_;
    bool is_terminal_;
};

}  // namespace weir::demo
