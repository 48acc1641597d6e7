#include <weir/rules/recorder.hpp>

#include <fmt/format.h>

#include <weir/rules/detail/json_writer.hpp>

namespace weir::rules {

std::string shown(const Value& value) {
    if (value.is_undefined()) {
        return std::string{name(value.type())};
    }
    if (value.is(Type::binary)) {
        return fmt::format("({} bytes)", value.bytes().size());
    }
    std::string text;
    detail::Budget budget;
    if (!detail::write_json(text, value, budget)) {
        text += "...";
    }
    return text;
}

}  // namespace weir::rules
