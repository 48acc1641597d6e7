/// Commands that go on until the operator has seen enough.
#pragma once

#include <chrono>
#include <csignal>

namespace weir::cli {

/// A signal, or nobody reads the output on: then the command ends as it would by itself. One of them in a process.
class Following {
public:
    Following();
    /// Waits. @return False: it is over.
    [[nodiscard]] bool goes_on(std::chrono::milliseconds pause) const;

private:
    sigset_t signals_{};
};

}  // namespace weir::cli
