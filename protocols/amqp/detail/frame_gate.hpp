/// Lets a peer's bytes into the engine: whole protocol headers and frames, each only where it is legal.
#pragma once

#include <cstdint>
#include <optional>

#include <weir/amqp/events.hpp>
#include <weir/amqp/server_connection.hpp>
#include <weir/base/bytes.hpp>

#include "frame_rules.hpp"

namespace weir::amqp::detail {

/// The engine was made for peers that behave: before Open it takes frames of the wrong layer, stumbles over bytes that are
/// pipelined behind a SASL init, and after Open it confuses sessions and links. So what it gets is checked here first. Up to
/// Open, headers and frames go in one by one, so that what follows may wait for the answer.
class FrameGate {
public:
    /// Outlives the gate.
    explicit FrameGate(const Settings& settings) noexcept
        : frame_bytes_max_{settings.max_frame_bytes}, rules_{settings} {}

    struct Portion {
        std::size_t taken = 0;   ///< From the front of the bytes given.
        ByteView admitted = {};  ///< For the engine, all of it; valid until fed().
    };
    /// Takes at least one byte of what is not empty; everything, once it has refused something.
    [[nodiscard]] Portion take(ByteView bytes);
    /// The engine has what was admitted last.
    void fed() noexcept;

    /// SASL is through: a second protocol header follows.
    void authenticated() noexcept;
    /// All that the engine had to say is said.
    void all_said() noexcept { rules_.all_said(); }

    /// Ends it: nothing more is admitted.
    void refuse(Error error) noexcept { refusal_ = error; }
    /// What came was not legal where it came.
    [[nodiscard]] const std::optional<Error>& refusal() const noexcept { return refusal_; }
    /// That was a protocol header.
    [[nodiscard]] bool refused_header() const noexcept {
        return refusal_ && layer_ == Layer::header;
    }
    /// Bytes of a frame that is not complete; 0 between two frames.
    [[nodiscard]] std::size_t held() const noexcept { return held_.size(); }

private:
    enum class Layer : std::uint8_t {
        header,
        sasl,
        open,     ///< Open is to come.
        running,  ///< Open came.
    };

    [[nodiscard]] std::size_t admit_whole(ByteView bytes);
    [[nodiscard]] Portion hold(ByteView bytes);
    /// Size of the header or frame with this head; nothing if it is refused.
    [[nodiscard]] std::optional<std::size_t> size_of(ByteView head);
    /// False: it is refused.
    [[nodiscard]] bool check(ByteView whole);
    [[nodiscard]] std::optional<Error> check_header(ByteView header);
    [[nodiscard]] std::optional<Error> check_frame(ByteView frame);

    const std::size_t frame_bytes_max_;
    FrameRules rules_;
    Bytes held_;
    std::optional<Error> refusal_;
    Layer layer_ = Layer::header;
    bool sasl_done_ = false;
};

}  // namespace weir::amqp::detail
