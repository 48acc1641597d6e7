/// Records to text.
#pragma once

#include <memory>
#include <string>

#include <weir/archive/config.hpp>
#include <weir/storage/store.hpp>

namespace weir::archive::detail {

/// Writes what a layout says, without compressing it. What a device put into a record never breaks
/// a line or a field.
class LineWriter {
public:
    explicit LineWriter(const Layout& layout);
    ~LineWriter();

    /// What stands before the first record.
    void begin(std::string& out) const;
    void add(std::string& out, const storage::StreamEntry& entry);

private:
    struct Columns;

    void add_csv(std::string& out);
    void add_json(std::string& out);

    const Layout layout_;
    std::unique_ptr<Columns> columns_;
};

}  // namespace weir::archive::detail
