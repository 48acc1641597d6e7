#include "frame_rules.hpp"

#include <algorithm>

#include <weir/amqp/conditions.hpp>

#include "performative.hpp"

namespace weir::amqp::detail {
namespace {

constexpr std::size_t kDeliveryTagBytesMax = 32;  // [AMQP-2.8.7]
/// About what the engine keeps of a link, besides the bytes of its Attach, and of each value in there.
constexpr std::size_t kLinkBytes = 1024;
constexpr std::size_t kValueBytes = 80;
/// The engine keeps a link that ended until the peer takes the answer: one that attaches on and on and reads nothing has to end.
constexpr std::size_t kEndedLinkBytesMax = 2 * 1024 * 1024;

}  // namespace

std::optional<Error> FrameRules::check(std::uint16_t channel, ByteView body) {
    Performative frame;
    if (const auto done = frame.read(body); !done) {
        return error_of(done.error());
    }
    switch (frame.code()) {
        case kOpen:
            return Error{condition::kFramingError, "Open has to come first, and once"};
        case kBegin:
            return begin(channel, frame);
        case kClose:
            return std::nullopt;
        case kAttach:
        case kFlow:
        case kTransfer:
        case kDisposition:
        case kDetach:
        case kEnd:
            if (Session* const session = find(channel)) {
                return in_session(*session, frame, body.size());
            }
            return Error{condition::kNotAllowed, "there is no session on this channel"};
        default:
            return Error{condition::kFramingError, "not a frame of a connection"};
    }
}

std::optional<Error> FrameRules::begin(std::uint16_t channel, const Performative& begin) {
    if (begin.has(0)) {  // remote-channel
        return Error{condition::kNotAllowed, "the session that Begin answers does not exist"};
    }
    if (find(channel) != nullptr) {
        return Error{condition::kNotAllowed, "the channel has a session"};
    }
    if (sessions_.size() + ended_ >= settings_.sessions_max) {
        return Error{condition::kResourceLimitExceeded, "too many sessions"};
    }
    sessions_.push_back({.channel = channel, .links = {}});
    return std::nullopt;
}

std::optional<Error> FrameRules::in_session(
    Session& session, const Performative& frame, std::size_t bytes
) {
    constexpr std::size_t kFlowHandle = 4;
    switch (frame.code()) {
        case kEnd:
            for (const Link& link : session.links) {
                ended_link_bytes_ += link.bytes;
            }
            sessions_.erase(sessions_.begin() + (&session - sessions_.data()));
            ++ended_;
            return std::nullopt;
        case kAttach:
            return attach(session, frame, bytes);
        case kDisposition:
            return std::nullopt;
        case kFlow:
            if (!frame.has(kFlowHandle)) {
                return std::nullopt;
            }
            break;
        default:
            break;
    }
    Link* const link = find(session, frame.uint(frame.code() == kFlow ? kFlowHandle : 0));
    if (link == nullptr) {
        return Error{condition::kUnattachedHandle, "there is no link with this handle"};
    }
    if (frame.code() == kTransfer) {
        return transfer(*link, frame);
    }
    if (frame.code() == kDetach) {
        ended_link_bytes_ += link->bytes;
        session.links.erase(session.links.begin() + (link - session.links.data()));
    }
    return std::nullopt;
}

std::optional<Error> FrameRules::attach(
    Session& session, const Performative& attach, std::size_t bytes
) const {
    const auto handle = attach.uint(1);
    const auto receives = attach.boolean(2);
    if (!attach.is_string(0) || !handle || !receives) {
        return Error{condition::kDecodeError, "Attach needs a name, a handle and a role"};
    }
    if (find(session, handle) != nullptr) {
        return Error{condition::kHandleInUse, "the handle has a link"};
    }
    if (session.links.size() >= settings_.links_per_session_max) {
        return Error{condition::kResourceLimitExceeded, "too many links in a session"};
    }
    if (ended_link_bytes_ >= kEndedLinkBytesMax) {
        return Error{condition::kResourceLimitExceeded, "answers about links that ended are not read"};
    }
    session.links.push_back({
        .handle = *handle,
        .peer_sends = !*receives,
        .in_delivery = false,
        .bytes = kLinkBytes + bytes + kValueBytes * attach.values(),
    });
    return std::nullopt;
}

std::optional<Error> FrameRules::transfer(Link& link, const Performative& transfer) {
    if (!link.peer_sends) {
        return Error{condition::kNotAllowed, "a transfer on a link on which the peer receives"};
    }
    const auto tag = transfer.binary(2);
    if (tag && tag->size() > kDeliveryTagBytesMax) {
        return Error{condition::kInvalidField, "a delivery-tag has at most 32 bytes"};
    }
    if (!link.in_delivery && (!tag || !transfer.uint(1))) {
        return Error{
            condition::kInvalidField, "the first transfer needs a delivery-id and a delivery-tag"
        };
    }
    const bool more = transfer.boolean(5).value_or(false);
    const bool aborted = transfer.boolean(9).value_or(false);
    link.in_delivery = more && !aborted;
    return std::nullopt;
}

FrameRules::Session* FrameRules::find(std::uint16_t channel) noexcept {
    const auto found = std::ranges::find(sessions_, channel, &Session::channel);
    return found == sessions_.end() ? nullptr : &*found;
}

FrameRules::Link* FrameRules::find(Session& session, std::optional<std::uint32_t> handle) noexcept {
    const auto found = std::ranges::find(session.links, handle, &Link::handle);
    return found == session.links.end() ? nullptr : &*found;
}

}  // namespace weir::amqp::detail
