#include <weir/net/connection.hpp>

#include <unit/net/tls_support.hpp>

#include <weir/base/digest.hpp>
#include <weir/base/payload.hpp>

namespace weir::net {
namespace {

using namespace test;
using namespace std::string_view_literals;

const Identity& authority() {
    static const Identity made = issue("devices-ca", {.authority = true});
    return made;
}
const Identity& server_identity() {
    static const Identity made = issue("weir.test");
    return made;
}

TlsOptions server_options() {
    return {
        .certificate_pem = server_identity().certificate_pem(),
        .key_pem = server_identity().key_pem()
    };
}

/// One server connection on a shard and a client, both stepped by hand.
class TlsTest : public testing::Test {
protected:
    void connect(const TlsOptions& options, const TlsPeer::Options& client = {}) {
        connect(TlsContext::make(options), client);
    }

    void connect(
        const std::shared_ptr<const TlsContext>& context, const TlsPeer::Options& client = {}
    ) {
        auto [near, far] = socket_pair();
        peer = std::make_unique<TlsPeer>(std::move(far), client);
        Transport transport{std::move(near)};
        ASSERT_TRUE(transport.start_tls(io, *context));
        finish();
        connection = std::make_unique<RecordingConnection>(io, std::move(transport), marks);
        ASSERT_TRUE(connection->attach(io));
    }

    /// @return true if both sides are done.
    bool handshake() {
        bool client_done = false;
        for (int i = 0; i < 10; ++i) {
            client_done = peer->shakes();
            step();
        }
        return client_done && connection->secured == 1;
    }

    void step(int wakes = 2) {
        for (int i = 0; i < wakes; ++i) {
            group[0U].run_once(0ms);
            group[1U].run_once(0ms);
        }
    }

    void finish() {
        if (connection != nullptr) {
            connection->close(errc::closed);
            step();
            connection.reset();
        }
    }

    void TearDown() override { finish(); }

    Watermarks marks;
    ManualClock clock;
    runtime::ShardGroup group{{.shards = 2, .clock = &clock}};
    ShardIo io{group[0U]};
    ShardIo other_io{group[1U]};
    std::unique_ptr<TlsPeer> peer;
    std::unique_ptr<RecordingConnection> connection;
};

TEST_F(TlsTest, CarriesBytesBothWays) {
    connect(server_options());
    ASSERT_TRUE(handshake());
    EXPECT_EQ(connection->transport().tls()->version(), "TLSv1.3");
    EXPECT_FALSE(connection->transport().tls()->peer_certificate_sha256());
    EXPECT_TRUE(peer->sends("hello"));
    step();
    EXPECT_EQ(connection->received, "hello");
    connection->say("world");
    step();
    EXPECT_EQ(peer->receives(), "world");
}

TEST_F(TlsTest, SpeaksTls12WithForwardSecrecyOnly) {
    connect(server_options(), {.version_max = TLS1_2_VERSION});
    ASSERT_TRUE(handshake());
    EXPECT_EQ(connection->transport().tls()->version(), "TLSv1.2");
    EXPECT_TRUE(connection->transport().tls()->cipher().starts_with("ECDHE"));
}

TEST_F(TlsTest, RefusesOldVersions_T48) {
    connect(server_options(), {.version_max = TLS1_1_VERSION});
    SSL_set_security_level(peer->native(), 0);
    SSL_set_min_proto_version(peer->native(), TLS1_VERSION);
    SSL_set_cipher_list(peer->native(), "ALL:@SECLEVEL=0");
    EXPECT_FALSE(handshake());
    ASSERT_TRUE(connection->closed);
    EXPECT_EQ(*connection->closed, errc::tls_version);
    EXPECT_EQ(io.counters.handshakes_failed.value(), 1U);
}

TEST_F(TlsTest, RefusesTls12_WhenTheProfileIsModern) {
    TlsOptions options = server_options();
    options.profile = TlsProfile::modern;
    connect(options, {.version_max = TLS1_2_VERSION});
    EXPECT_FALSE(handshake());
    EXPECT_EQ(connection->closed, error_code{errc::tls_version});
}

TEST_F(TlsTest, ClosesOnWhatIsNotTls) {
    connect(server_options());
    const std::string_view plain = "\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00 and more"sv;
    ASSERT_GT(::send(peer->fd(), plain.data(), plain.size(), 0), 0);
    step();
    ASSERT_TRUE(connection->closed);
    EXPECT_EQ(connection->received, "");
}

/// T-04: OpenSSL would allocate what is declared.
TEST_F(TlsTest, RefusesAHelloThatDeclaresTooMuch_T04) {
    const std::string_view hello = "\x16\x03\x01\x40\x00\x01\x00\x40\x01"sv;
    for (const bool split : {false, true}) {
        connect(server_options());
        for (std::size_t i = 0; i < hello.size(); i += split ? 1 : hello.size()) {
            EXPECT_FALSE(connection->closed);
            const std::string_view part = hello.substr(i, split ? 1 : hello.size());
            ASSERT_GT(::send(peer->fd(), part.data(), part.size(), 0), 0);
            step();
        }
        EXPECT_EQ(connection->closed, error_code{errc::tls_failed});
    }
}

TEST_F(TlsTest, NoticesThatThePeerLeft_RightBehindItsLastFlight) {
    connect(server_options());
    for (int i = 0; i < 3 && !peer->shakes(); ++i) {
        group[0U].run_once(0ms);
    }
    peer->closes();
    step();
    EXPECT_EQ(connection->secured, 1);
    EXPECT_EQ(connection->closed, error_code{errc::end_of_stream});
}

TEST_F(TlsTest, GoesOnWithAHandshake_WhenTheSocketWasFull) {
    TlsOptions options = server_options();
    for (int i = 0; i < 60; ++i) {
        options.certificate_pem += authority().certificate_pem();
    }
    connect(options);
    const int small = 1;
    ::setsockopt(connection->transport().fd(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    peer->shakes();
    step();
    EXPECT_TRUE(connection->transport().has_output()) << "the server's flight fits into the socket";
    connection->say("greeting");
    for (int i = 0; i < 100 && connection->secured == 0; ++i) {
        peer->shakes();
        step();
    }
    EXPECT_EQ(connection->secured, 1);
    step();
    EXPECT_EQ(peer->receives(), "greeting");
}

TEST_F(TlsTest, DeliversWhatCameWithTheLastFlight) {
    connect(server_options());
    for (int i = 0; i < 3 && !peer->shakes(); ++i) {
        group[0U].run_once(0ms);
    }
    // The client's Finished and its first record are in the socket together.
    ASSERT_TRUE(peer->sends("CONNECT"));
    step();
    EXPECT_EQ(connection->received, "CONNECT");
    EXPECT_EQ(connection->secured, 1);
}

TEST_F(TlsTest, CarriesLargeAmountsUnderBackPressure) {
    connect(server_options());
    ASSERT_TRUE(handshake());
    std::string expected;
    for (int i = 0; i < 300; ++i) {
        const std::string part(
            static_cast<std::size_t>(1 + i * 37 % 9000), static_cast<char>('a' + i % 26)
        );
        expected += part;
        const Payload payload = Payload::copy(as_bytes(part));
        connection->output().append_shared(payload.view(), payload);
        if (i % 7 == 0) {
            connection->flush_later();
            step();
        }
    }
    connection->flush_later();
    std::string received;
    for (int i = 0; i < 2000 && received.size() < expected.size(); ++i) {
        step();
        received += peer->receives();
    }
    EXPECT_EQ(received, expected);
    EXPECT_EQ(io.chunks.bytes_out(), 0U);
}

TEST_F(TlsTest, TakesLargeAmountsInTurns) {
    connect(server_options());
    ASSERT_TRUE(handshake());
    std::string expected;
    for (int i = 0; i < 200; ++i) {
        const std::string part(16'000, static_cast<char>('a' + i % 26));
        while (!peer->sends(part)) {
            step();
        }
        expected += part;
    }
    step(20);
    EXPECT_EQ(connection->received, expected);
}

TEST_F(TlsTest, AnswersAKeyUpdate) {
    connect(server_options());
    ASSERT_TRUE(handshake());
    peer->asks_for_key_update();
    ASSERT_TRUE(peer->sends("new keys"));
    step();
    EXPECT_EQ(connection->received, "new keys");
    connection->say("likewise");
    step();
    EXPECT_EQ(peer->receives(), "likewise");
}

TEST_F(TlsTest, EndsWithEndOfStream_WhenThePeerSaysGoodbye) {
    connect(server_options());
    ASSERT_TRUE(handshake());
    ASSERT_TRUE(peer->sends("last words"));
    peer->says_goodbye();
    step();
    EXPECT_EQ(connection->received, "last words");
    EXPECT_EQ(connection->closed, error_code{errc::end_of_stream});
}

TEST_F(TlsTest, SaysGoodbye_WhenClosedAfterFlush) {
    connect(server_options());
    ASSERT_TRUE(handshake());
    connection->say("bye");
    connection->close_after_flush(errc::closed);
    step();
    EXPECT_EQ(peer->receives(), "bye");
    EXPECT_TRUE(peer->ended);
}

TEST_F(TlsTest, RefusesRenegotiation) {
    connect(server_options(), {.version_max = TLS1_2_VERSION});
    ASSERT_TRUE(handshake());
    SSL_renegotiate(peer->native());
    for (int i = 0; i < 5; ++i) {
        peer->shakes();
        step();
    }
    EXPECT_EQ(connection->secured, 1);
    EXPECT_EQ(io.counters.handshakes.value(), 1U);
}

TEST_F(TlsTest, KnowsTheClientByItsWholeCertificate) {
    const Identity intermediate = issue("factory", {.issuer = &authority(), .authority = true});
    const Identity device = issue("probe-1", {.issuer = &intermediate});
    TlsOptions options = server_options();
    options.client_auth = ClientAuth::required;
    options.client_ca_pem = authority().certificate_pem();
    connect(options, {.identity = &device, .chain = {&intermediate}});
    ASSERT_TRUE(handshake());
    const TlsSession& tls = *connection->transport().tls();
    const auto chain = tls.peer_chain();
    ASSERT_EQ(chain.size(), 2U);
    EXPECT_EQ(tls.peer_certificate_sha256(), sha256(chain[0]));
}

struct ClientCase {
    std::string_view name;
    ClientAuth auth;
    enum class Shows { nothing, good, foreign, expired } shows;
    std::optional<errc> refused;
};

class ClientCertificate : public TlsTest, public testing::WithParamInterface<ClientCase> {};

TEST_P(ClientCertificate, IsJudged) {
    using Shows = ClientCase::Shows;
    const Identity stranger = issue("stranger", {.authority = true});
    const Identity device = issue(
        "probe-1",
        {.issuer = GetParam().shows == Shows::foreign ? &stranger : &authority(),
         .valid_s = GetParam().shows == Shows::expired ? -3600 : 3600}
    );
    TlsOptions options = server_options();
    options.client_auth = GetParam().auth;
    options.client_ca_pem = authority().certificate_pem();
    connect(options, {.identity = GetParam().shows == Shows::nothing ? nullptr : &device});
    EXPECT_EQ(handshake(), !GetParam().refused);
    if (GetParam().refused) {
        EXPECT_EQ(connection->closed, error_code{*GetParam().refused});
    } else {
        const bool shown = connection->transport().tls()->peer_certificate_sha256().has_value();
        EXPECT_EQ(shown, GetParam().shows != Shows::nothing && GetParam().auth != ClientAuth::none);
    }
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    ClientCertificate,
    testing::Values(
        ClientCase{"none_ignores_it", ClientAuth::none, ClientCase::Shows::foreign, {}},
        ClientCase{"optional_and_absent", ClientAuth::optional, ClientCase::Shows::nothing, {}},
        ClientCase{"optional_and_good", ClientAuth::optional, ClientCase::Shows::good, {}},
        ClientCase{
            "optional_and_foreign",
            ClientAuth::optional,
            ClientCase::Shows::foreign,
            errc::tls_bad_certificate
        },
        ClientCase{
            "required_and_absent",
            ClientAuth::required,
            ClientCase::Shows::nothing,
            errc::tls_no_certificate
        },
        ClientCase{"required_and_good", ClientAuth::required, ClientCase::Shows::good, {}},
        ClientCase{
            "required_and_expired",
            ClientAuth::required,
            ClientCase::Shows::expired,
            errc::tls_bad_certificate
        }
    ),
    [](const auto& row) { return std::string{row.param.name}; }
);

struct RejectedCase {
    std::string_view label;
    std::string name;  ///< Common name that the device shows.
    bool is_foreign;
    long valid_s;
    std::string told_name;
    std::string told_why;  ///< How it begins.
};

class Rejected : public TlsTest, public testing::WithParamInterface<RejectedCase> {};

TEST_P(Rejected, IsToldByNameAndFault) {
    const Identity stranger = issue("stranger", {.authority = true});
    const Identity device = issue(
        GetParam().name,
        {.issuer = GetParam().is_foreign ? &stranger : &authority(), .valid_s = GetParam().valid_s}
    );
    TlsOptions options = server_options();
    options.client_auth = ClientAuth::required;
    options.client_ca_pem = authority().certificate_pem();
    connect(options, {.identity = &device});
    EXPECT_FALSE(handshake());
    EXPECT_EQ(connection->handshakes_failed, 1);
    EXPECT_EQ(io.counters.handshakes_failed.value(), 1U);
    EXPECT_EQ(connection->rejected.name, GetParam().told_name);
    EXPECT_TRUE(connection->rejected.why.starts_with(GetParam().told_why))
        << connection->rejected.why;
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    Rejected,
    testing::Values(
        RejectedCase{
            "expired", "probe-1", false, -3'600, "probe-1", "certificate has expired (not after 20"
        },
        RejectedCase{"foreign", "probe-1", true, 3'600, "probe-1", "certificate is of another CA"},
        RejectedCase{
            "foreign_and_expired", "probe-1", true, -3'600, "probe-1", "certificate is of another CA"
        },
        RejectedCase{
            "name_with_blanks", "my probe", true, 3'600, "", "certificate is of another CA"
        },
        RejectedCase{
            "name_that_steers_a_terminal", "a\x1b[2J", true, 3'600, "", "certificate is of another CA"
        }
    ),
    [](const auto& row) { return std::string{row.param.label}; }
);

TEST_F(TlsTest, ForgetsARejectedCertificate_WhenAnotherHandshakeGoesOn) {
    const Identity stranger = issue("probe-1");
    TlsOptions options = server_options();
    options.client_auth = ClientAuth::required;
    options.client_ca_pem = authority().certificate_pem();
    connect(options, {.identity = &stranger});
    EXPECT_FALSE(handshake());
    EXPECT_EQ(io.tls.rejected().name, "probe-1");
    connect(options, {});
    EXPECT_FALSE(handshake());
    EXPECT_EQ(connection->closed, error_code{errc::tls_no_certificate});
    EXPECT_EQ(connection->rejected.name, "");
}

struct AlpnCase {
    std::string_view name;
    std::string offered;
    std::optional<std::string> chosen;
};

class Alpn : public TlsTest, public testing::WithParamInterface<AlpnCase> {};

TEST_P(Alpn, ChoosesByOurPreference) {
    TlsOptions options = server_options();
    options.alpn = {"x-amzn-mqtt-ca", "mqtt", "amqp", "http/1.1"};
    connect(options, {.alpn = GetParam().offered});
    EXPECT_EQ(handshake(), GetParam().chosen.has_value());
    if (GetParam().chosen) {
        EXPECT_EQ(connection->transport().tls()->alpn(), *GetParam().chosen);
    } else {
        EXPECT_EQ(connection->closed, error_code{errc::tls_alpn});
    }
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    Alpn,
    testing::Values(
        AlpnCase{"not_offered", "", ""},
        AlpnCase{"mqtt", "\x04mqtt", "mqtt"},
        AlpnCase{"amazon", "\x0ex-amzn-mqtt-ca", "x-amzn-mqtt-ca"},
        AlpnCase{"ours_first", "\x08http/1.1\x04mqtt", "mqtt"},
        AlpnCase{"unknown", "\x02h2", std::nullopt}
    ),
    [](const auto& row) { return std::string{row.param.name}; }
);

/// Takes the ticket of a finished session.
struct Ticket {
    explicit Ticket(TlsPeer& peer) {
        peer.receives();  // TLS 1.3 sends it behind the handshake.
        session = SSL_get1_session(peer.native());
    }
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;
    ~Ticket() { SSL_SESSION_free(session); }
    SSL_SESSION* session;
};

TEST_F(TlsTest, ResumesASessionWithoutAClientCertificate) {
    const auto context = TlsContext::make(server_options());
    connect(context);
    ASSERT_TRUE(handshake());
    const Ticket ticket{*peer};
    connect(context, {.session = ticket.session});
    ASSERT_TRUE(handshake());
    EXPECT_TRUE(connection->transport().tls()->resumed());
}

/// T-41: resuming would skip the check of chain, validity and revocation.
TEST_F(TlsTest, ChecksACertificateAnew_WhenASessionWithOneIsToResume_T41) {
    const Identity device = issue("probe-1", {.issuer = &authority()});
    TlsOptions options = server_options();
    options.client_auth = ClientAuth::optional;
    options.client_ca_pem = authority().certificate_pem();
    const auto context = TlsContext::make(options);
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        connect(context, {.identity = &device, .version_max = version});
        ASSERT_TRUE(handshake());
        const Ticket ticket{*peer};
        connect(context, {.identity = &device, .version_max = version, .session = ticket.session});
        ASSERT_TRUE(handshake());
        EXPECT_FALSE(connection->transport().tls()->resumed());
        EXPECT_TRUE(connection->transport().tls()->peer_certificate_sha256());
    }
}

/// T-46: whoever lives keeps what he began with.
TEST_F(TlsTest, GoesOn_WhenTheContextIsReplaced_T46) {
    auto context = TlsContext::make(server_options());
    connect(context);
    ASSERT_TRUE(handshake());
    context.reset();
    EXPECT_TRUE(peer->sends("still here"));
    step();
    EXPECT_EQ(connection->received, "still here");
}

TEST_F(TlsTest, MovesToAnotherShard) {
    connect(server_options());
    ASSERT_TRUE(handshake());
    connection->on_received = [&](ByteView bytes) {
        if (connection->calls == 1) {
            connection->received.resize(7);
            connection->move_away(bytes.subspan(7));
        }
    };
    connection->when_moving = [&] {
        ASSERT_TRUE(group[0U].try_send(runtime::ShardId{1}, [&] {
            EXPECT_TRUE(connection->attach(other_io));
        }));
    };
    ASSERT_TRUE(peer->sends("CONNECTpipelined"));
    ASSERT_TRUE(peer->sends(" in another record"));
    step();
    ASSERT_TRUE(peer->sends(" and later"));
    step();
    EXPECT_EQ(connection->received, "CONNECTpipelined in another record and later");
    EXPECT_EQ(&connection->io(), &other_io);
    connection->say("from there");
    step();
    EXPECT_EQ(peer->receives(), "from there");
}

/// A record that is half received when its connection moves is completed on the other side.
TEST_F(TlsTest, MovesWithHalfARecord) {
    connect(server_options());
    ASSERT_TRUE(handshake());
    auto [inner, outer] = socket_pair();
    BIO* const memory = BIO_new(BIO_s_mem());
    SSL_set0_wbio(peer->native(), memory);
    ASSERT_TRUE(peer->sends("CONNECT"));
    ASSERT_TRUE(peer->sends("the second record"));
    char* cipher = nullptr;
    const auto size = static_cast<std::size_t>(BIO_get_mem_data(memory, &cipher));
    connection->on_received = [&](ByteView) {
        if (connection->calls == 1) {
            connection->move_away({});
        }
    };
    connection->when_moving = [&] {
        ASSERT_TRUE(group[0U].try_send(runtime::ShardId{1}, [&] {
            EXPECT_TRUE(connection->attach(other_io));
        }));
    };
    ASSERT_EQ(::send(peer->fd(), cipher, size - 3, 0), static_cast<ssize_t>(size - 3));
    step();
    EXPECT_EQ(connection->received, "CONNECT");
    ASSERT_EQ(::send(peer->fd(), cipher + size - 3, 3, 0), 3);
    step();
    EXPECT_EQ(connection->received, "CONNECTthe second record");
}

TEST_F(TlsTest, PushesOutTheOldestHandshake_WhenTooManyAreUnderWay_T29) {
    ShardIo narrow{group[0U], {.handshakes_max = 2}};
    const auto context = TlsContext::make(server_options());
    std::vector<std::unique_ptr<RecordingConnection>> connections;
    std::vector<std::unique_ptr<TlsPeer>> peers;
    for (int i = 0; i < 3; ++i) {
        auto [near, far] = socket_pair();
        Transport transport{std::move(near)};
        ASSERT_TRUE(transport.start_tls(narrow, *context));
        connections.push_back(std::make_unique<RecordingConnection>(narrow, std::move(transport)));
        peers.push_back(std::make_unique<TlsPeer>(std::move(far), TlsPeer::Options{}));
        ASSERT_TRUE(connections.back()->attach(narrow));
    }
    step();
    EXPECT_EQ(connections[0]->closed, error_code{errc::evicted});
    EXPECT_FALSE(connections[1]->closed);
    EXPECT_EQ(narrow.gate.size(), 2U);
    for (int i = 0; i < 4; ++i) {
        peers[1]->shakes();
        peers[2]->shakes();
        step();
    }
    EXPECT_EQ(connections[1]->secured, 1);
    EXPECT_EQ(connections[2]->secured, 1);
    EXPECT_EQ(narrow.gate.size(), 0U);
    for (const auto& each : connections) {
        each->close(errc::closed);
    }
    step();
}

TEST_F(TlsTest, BeginsInTheMidstOfAConnection) {
    auto [near, far] = socket_pair();
    const std::string_view preface = "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n";
    ASSERT_GT(::send(far.get(), preface.data(), preface.size(), 0), 0);
    TlsPeer client{std::move(far), {}};
    client.shakes();
    const auto context = TlsContext::make(server_options());
    RecordingConnection begun{io, Transport{std::move(near)}};
    begun.on_received = [&](ByteView bytes) {
        if (begun.calls == 1) {
            begun.received.resize(preface.size());
            begun.start_tls(*context, bytes.subspan(preface.size()));
        }
    };
    ASSERT_TRUE(begun.attach(io));
    for (int i = 0; i < 4; ++i) {
        client.shakes();
        step();
    }
    EXPECT_EQ(begun.secured, 1);
    ASSERT_TRUE(client.sends("hello"));
    step();
    EXPECT_EQ(begun.received, std::string{preface} + "hello");
    begun.close(errc::closed);
    step();
}

}  // namespace
}  // namespace weir::net
