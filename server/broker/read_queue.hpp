/// Whose retained messages are read next.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <deque>

#include <weir/broker/retained_reads.hpp>

namespace weir::broker {

/// One read of each session after the other, so that a session with many keeps nobody else waiting.
class ReadQueue {
public:
    void push(std::uint64_t session, RetainedReads::Id read) {
        auto& line = lines_[session];
        if (line.empty()) {
            sessions_.push_back(session);
        }
        line.push_back(read);
    }

    /// None: nobody waits.
    [[nodiscard]] RetainedReads::Id pop() {
        if (sessions_.empty()) {
            return RetainedReads::Id::none;
        }
        const std::uint64_t session = sessions_.front();
        sessions_.pop_front();
        const auto line = lines_.find(session);
        const RetainedReads::Id read = line->second.front();
        line->second.pop_front();
        if (line->second.empty()) {
            lines_.erase(line);
        } else {
            sessions_.push_back(session);
        }
        return read;
    }

private:
    boost::unordered_flat_map<std::uint64_t, std::deque<RetainedReads::Id>> lines_;  // None is empty.
    std::deque<std::uint64_t> sessions_;                                             // That have a line.
};

}  // namespace weir::broker
