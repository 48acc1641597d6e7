#include <weir/runtime/unique_fd.hpp>

#include <unistd.h>

namespace weir::runtime {

void UniqueFd::reset(int fd) noexcept {
    if (const int old = std::exchange(fd_, fd); old >= 0) {
        ::close(old);
    }
}

}  // namespace weir::runtime
