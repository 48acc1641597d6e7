/// The keys of policy files.
#pragma once

#include <weir/document/schema.hpp>

namespace weir::policy {

[[nodiscard]] const document::Schema& schema();

}  // namespace weir::policy
