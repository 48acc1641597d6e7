#include <weir/pipeline/trace_ids.hpp>

#include <weir/base/digest.hpp>

namespace weir::pipeline {

TraceIds::TraceIds() : text_{random_uuid()} {}

std::string_view TraceIds::next() noexcept {
    constexpr std::size_t kCounted = 12;
    for (std::size_t at = text_.size(); at > text_.size() - kCounted; --at) {
        char& digit = text_[at - 1];
        if (digit != 'f') {
            digit = digit == '9' ? 'a' : static_cast<char>(digit + 1);
            break;
        }
        digit = '0';
    }
    return text_;
}

}  // namespace weir::pipeline
