#include <weir/app_config/config_codes.hpp>

#include <array>

namespace weir::app {
namespace {

using document::CodeInfo;

constexpr std::array kCodes = {
    CodeInfo{
        code::kPlaintext,
        "clear text beyond this machine",
        "Without TLS, passwords and messages can be read and changed on the way. A port that "
        "other\n"
        "machines can reach needs 'tls:', or the words 'allow_plaintext: true' beside its address."
    },
    CodeInfo{
        code::kNameTaken,
        "two objects of one kind have the same name",
        "Nothing is merged and no file wins over another. Rename one of the two, or remove it."
    },
    CodeInfo{
        code::kBadName,
        "not a name",
        "Names have 1 to 64 letters, digits, '_', '-' and '.', and begin with a letter or a digit: "
        "they\n"
        "appear in file names, metrics and commands."
    },
    CodeInfo{
        code::kBadAddress,
        "not an address",
        "Addresses are numbers, such as 0.0.0.0, 10.1.2.3, :: or fd00::1; no name is looked up. "
        "With a\n"
        "port: 127.0.0.1:9464 or [::1]:9464. A network: 10.0.0.0/8 or fd00::/8."
    },
    CodeInfo{
        code::kAddressTaken,
        "two listeners have the same address and port",
        "One port can serve all protocols: list them under 'protocols' of one listener, or write "
        "any."
    },
    CodeInfo{
        code::kOpenSecret,
        "a secret stands in the file",
        "Configuration is copied, committed and shown to people. Secrets are only referred to:\n"
        "{file: /run/secrets/name} or {env: NAME}."
    },
    CodeInfo{
        code::kNoSuchVariable,
        "an environment variable is not set",
        "{env: NAME} has no default: a forgotten variable would otherwise go unnoticed."
    },
    CodeInfo{
        code::kUnreadable,
        "a file cannot be read",
        "Paths are relative to the file in which they are written. Values taken from files have at "
        "most\n"
        "64 KiB. Check the path and its permissions."
    },
    CodeInfo{
        code::kTls,
        "contradictory TLS settings",
        "Asking clients for certificates (client_auth: optional or required) needs the CA that "
        "signs\n"
        "them: client_ca."
    },
    CodeInfo{
        code::kInclude,
        "not a folder of configuration",
        "The name of a folder says what its files are: policies.d, rules.d, sinks.d, streams.d, "
        "queues.d\n"
        "or pricing.d. A folder that is listed must exist."
    },
    CodeInfo{
        code::kBadUrl,
        "not a URL for a sink",
        "https://host[:port]/path, or http:// for a host that is reached without TLS on purpose.\n"
        "User names and passwords do not belong there: use 'auth'."
    },
    CodeInfo{code::kContradiction, "two settings contradict each other", "The message names both."},
    CodeInfo{
        code::kUnknownStream,
        "a rule writes to a stream that does not exist",
        "A stream has a file of its own in streams.d, which says how long its records are kept:\n"
        "    stream: alarms\n"
        "    retention: {age: 30d, size: 1GiB}"
    },
    CodeInfo{
        code::kUnknownSink,
        "a rule sends to a sink that does not exist",
        "A sink has a file of its own in sinks.d:\n"
        "    sink: pager\n"
        "    type: http\n"
        "    url: https://ops.example/hook"
    },
    CodeInfo{
        code::kNotAvailable,
        "not available in this version",
        "The name is reserved for a later version. Remove it."
    },
    CodeInfo{
        code::kBadCertificate,
        "a certificate or key is of no use",
        "Certificates and keys are PEM files. A key is not encrypted, and belongs to the "
        "certificate beside\n"
        "it; client_ca holds the CA that signs the devices' certificates. Look into them with\n"
        "`weir cert inspect FILE`; `weir cert issue --server` makes a pair."
    },
    CodeInfo{
        code::kCertificateEnds,
        "a certificate ends soon",
        "A warning 30 days before the end of its validity, and after it: devices do not connect to "
        "a gateway\n"
        "whose certificate has expired. Renew the file, then `weir reload`."
    },
    CodeInfo{
        code::kNoPolicy,
        "there is no such policy",
        "What no policy allows is refused. A warning: without any policy no device can connect, "
        "and one whose\n"
        "policies are all missing can do nothing. A policy is a file of policies.d."
    },
    CodeInfo{
        code::kBadHeader,
        "a header that a sink cannot have",
        "What frames a request is the gateway's to say, and what makes it known again too. A Host "
        "that came from\n"
        "a message would let whoever publishes choose the server; a line break would end the header."
    },
};

}  // namespace

std::span<const document::CodeInfo> codes() noexcept {
    return kCodes;
}

}  // namespace weir::app
