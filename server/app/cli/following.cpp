#include "following.hpp"

#include <poll.h>
#include <unistd.h>

namespace weir::cli {

Following::Following() {
    sigemptyset(&signals_);
    for (const int signal : {SIGTERM, SIGINT}) {
        sigaddset(&signals_, signal);
    }
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
}

bool Following::goes_on(std::chrono::milliseconds pause) const {
    const timespec time{
        .tv_sec = pause.count() / 1'000, .tv_nsec = pause.count() % 1'000 * 1'000'000
    };
    if (sigtimedwait(&signals_, nullptr, &time) > 0) {
        return false;
    }
    pollfd output{.fd = STDOUT_FILENO, .events = 0, .revents = 0};
    return ::poll(&output, 1, 0) <= 0 || (output.revents & POLLERR) == 0;
}

}  // namespace weir::cli
