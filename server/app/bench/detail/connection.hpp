/// The bytes between a client and the broker.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include <weir/base/bytes.hpp>
#include <weir/bench/detail/tls_contexts.hpp>
#include <weir/bench/options.hpp>
#include <weir/bench/route.hpp>
#include <weir/websocket/frames.hpp>

namespace weir::bench::detail {

/// TCP, with TLS and WebSocket if the options ask for them. Non-blocking, on a level-triggered
/// epoll. Lives on one thread; never throws away what it could not write yet.
class Connection {
public:
    enum class Progress : std::uint8_t { waiting, open, failed };

    /// What all connections have in common. Outlives them.
    struct Shared {
        const Options& options;
        const Address& address;
        const TlsContexts& tls;
        int epoll = -1;
        std::span<Byte> scratch;  ///< Of the thread.
    };

    Connection() = default;
    ~Connection() { close(); }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// Connects. @param key  What epoll says when something happens. @return false: see error().
    [[nodiscard]] bool begin(const Shared& shared, std::uint32_t client, void* key);
    /// Goes on with connecting, the handshakes and the upgrade, after an event.
    [[nodiscard]] Progress advance(const Shared& shared, std::uint32_t client);

    /// Has `write` fill `size` bytes of one packet; flush() sends them.
    template <class Write>
    void send(std::size_t size, const Write& write) {
        Byte* const out = begin_packet(size);
        write(out);
        end_packet(out, size);
    }
    /// Sends what the socket takes. @return false: see error().
    [[nodiscard]] bool flush();
    [[nodiscard]] std::size_t unsent() const noexcept { return end_ - begin_; }

    /// Gives everything that came to `sink`, a bool(ByteView) that may refuse more.
    /// @return false: refused, or see error().
    template <class Sink>
    [[nodiscard]] bool receive(const Shared& shared, const Sink& sink) {
        do {
            auto bytes = read(shared.scratch);
            if (!bytes) {
                return false;
            }
            if (websocket_ == nullptr) {
                if (!bytes->empty() && !sink(ByteView{*bytes})) {
                    return false;
                }
                continue;
            }
            while (const auto piece = next_piece(*bytes)) {
                if (!sink(*piece)) {
                    return false;
                }
            }
            if (!error_.empty()) {
                return false;
            }
        } while (has_more_);
        return true;
    }

    void close() noexcept;
    [[nodiscard]] const std::string& error() const noexcept { return error_; }

private:
    struct WebSocket {
        websocket::FrameDecoder decoder{websocket::Role::client};
        Bytes carry;  ///< Begin of a header, or of the answer to the upgrade.
    };
    enum class Step : std::uint8_t { tcp, tls, upgrade, open };

    [[nodiscard]] Byte* begin_packet(std::size_t size);
    void end_packet(Byte* out, std::size_t size) noexcept;
    /// Room for that many bytes behind what is unsent.
    [[nodiscard]] Byte* room(std::size_t size);

    [[nodiscard]] bool connected();
    [[nodiscard]] Progress shake_hands();
    [[nodiscard]] Progress ask_for_upgrade(const Options& options);
    [[nodiscard]] Progress take_upgrade(const Shared& shared);

    /// What came, behind what was carried over; nothing may have come. None: see error().
    [[nodiscard]] std::optional<std::span<Byte>> read(std::span<Byte> scratch);
    [[nodiscard]] std::optional<std::size_t> read_tls(std::span<Byte> into);
    [[nodiscard]] std::optional<std::size_t> read_plain(std::span<Byte> into);
    /// The next data of a WebSocket; none: no more, or see error().
    [[nodiscard]] std::optional<ByteView> next_piece(std::span<Byte>& bytes);

    void want_write(bool on);
    bool fail(std::string error);
    bool fail_with_errno(const char* what);
    bool fail_with_tls(const char* what, int outcome);

    int fd_ = -1;
    int epoll_ = -1;
    void* key_ = nullptr;
    TlsSession tls_;
    std::unique_ptr<WebSocket> websocket_;
    Bytes out_;  ///< Unsent: [begin_, end_).
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    Step step_ = Step::tcp;
    bool wants_write_ = false;
    bool has_more_ = false;  ///< The last read filled its buffer.
    std::string error_;
};

}  // namespace weir::bench::detail
