/// Where objects go.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace weir::archive {

/// An object that is whole.
struct Object {
    std::string name;  ///< Segments between '/', see object_name.hpp.
    std::string_view media_type;
    std::string bytes;
};

/// Keeps objects by name. Several archives may share one; called on their threads.
class Target {
public:
    virtual ~Target() = default;

    /// Returns when the object is durable under its name, whole; what had the name before is
    /// replaced. Blocks for as long as the disk or the server takes.
    /// @return Nothing, or why it failed, for people. A failed object may be there in whole or not
    /// at all, never in part.
    [[nodiscard]] virtual std::optional<std::string> write(const Object& object) = 0;

    /// Takes away an object that was written to try the target. Blocks likewise.
    /// @return Nothing, or why it failed, for people.
    [[nodiscard]] virtual std::optional<std::string> remove(const std::string& name) = 0;

    /// For people: a folder or a URL.
    [[nodiscard]] virtual std::string where() const = 0;
};

}  // namespace weir::archive
