/// The keys of price lists.
#pragma once

#include <weir/document/schema.hpp>

namespace weir::metering {

[[nodiscard]] const document::Schema& price_list_schema();

}  // namespace weir::metering
