#include <weir/pipeline/completions.hpp>

namespace weir::pipeline {

void Completions::add(AckToken token, bool stored) {
    const bool first = done_.with([&](std::vector<Done>& done) {
        done.push_back({token, stored});
        return done.size() == 1;
    });
    if (first) {
        shard_.post([this] { deliver(); });
    }
}

void Completions::deliver() noexcept {
    delivering_.clear();
    done_.with([this](std::vector<Done>& done) { delivering_.swap(done); });
    for (const Done& each : delivering_) {
        listener_.on_durable(each.token, each.stored);
    }
}

}  // namespace weir::pipeline
