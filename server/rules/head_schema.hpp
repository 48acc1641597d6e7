/// The keys in the head of a rule's file.
#pragma once

#include <weir/document/schema.hpp>

namespace weir::rules {

[[nodiscard]] const document::Schema& head_schema();

}  // namespace weir::rules
