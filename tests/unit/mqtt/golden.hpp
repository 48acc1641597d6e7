/// Golden packets: every packet type in every version, minimal and full, in the form that the
/// encoder writes.
#pragma once

#include <ostream>
#include <string_view>
#include <vector>

#include <weir/mqtt/packet_type.hpp>

namespace weir::mqtt::test {

struct Golden {
    std::string_view name;
    Version version;
    Role sender;
    std::string_view hex;  ///< For bytes_of().
};

inline void PrintTo(const Golden& golden, std::ostream* out) {
    *out << golden.name;
}

inline const std::vector<Golden>& golden_packets() {
    using enum Version;
    constexpr auto kClient = Role::client;
    constexpr auto kServer = Role::server;
    // clang-format off
    static const std::vector<Golden> packets = {
        {"connect_31", v31, kClient, "10 0f 0006 'MQIsdp' 03 02 003c 0001 'c'"},
        {"connect_31_full", v31, kClient, "10 1f 0006 'MQIsdp' 03 ee 003c 0001 'c' 0003 'w/t' 0002 'by' 0001 'u' 0002 'pw'"},
        {"connect_311_empty_id", v311, kClient, "10 0c 0004 'MQTT' 04 02 0000 0000"},
        {"connect_311_full", v311, kClient, "10 1d 0004 'MQTT' 04 ee ffff 0001 'c' 0003 'w/t' 0002 'by' 0001 'u' 0002 'pw'"},
        {"connect_5", v5, kClient, "10 0d 0004 'MQTT' 05 02 003c 00 0000"},
        {"connect_5_password_only", v5, kClient, "10 11 0004 'MQTT' 05 42 003c 00 0000 0002 'pw'"},
        {"connect_5_full", v5, kClient,
         "10 6f 0004 'MQTT' 05 f6 003c"
         " 2b 11 0000000a 15 0001 'm' 16 0002 'ad' 17 01 19 00 21 0005 22 0003 26 0001 'k' 0001 'v' 27 00010000 26 0001 'k' 0001 'w'"
         " 0001 'c'"
         " 25 01 01 02 00000005 03 0004 'text' 08 0003 'r/t' 09 0002 'cd' 18 00000007 26 0001 'a' 0001 'b'"
         " 0003 'w/t' 0002 'by' 0001 'u' 0002 'pw'"},
        {"connack_311", v311, kServer, "20 02 01 00"},
        {"connack_311_refused", v311, kServer, "20 02 00 05"},
        {"connack_31", v31, kServer, "20 02 00 00"},
        {"connack_5", v5, kServer, "20 03 00 00 00"},
        {"connack_5_full", v5, kServer,
         "20 42 01 00 3f 11 0000000a 12 0001 'i' 13 003c 15 0001 'm' 16 0001 'd' 1a 0002 'ri' 1c 0002 'sr' 1f 0002 'rs' 21 0005 22 0003"
         " 24 01 25 01 26 0001 'k' 0001 'v' 27 00010000 28 01 29 01 2a 00"},
        {"publish_qos0_31", v31, kClient, "30 05 0003 'a/b'"},
        {"publish_qos0_311", v311, kClient, "31 07 0003 'a/b' 'hi'"},
        {"publish_qos1_311_dup", v311, kClient, "3a 09 0003 'a/b' 1234 'hi'"},
        {"publish_qos2_311", v311, kServer, "34 07 0003 'a/b' ffff"},
        {"publish_qos0_5", v5, kClient, "30 08 0003 'a/b' 00 'hi'"},
        {"publish_alias_5", v5, kClient, "30 08 0000 03 23 0001 'hi'"},
        {"publish_full_5", v5, kServer,
         "3d 33 0003 'a/b' 0001 29 23 0007 02 0000000a 0b 01 0b 8001 01 01 03 0002 'ct' 08 0001 'r' 09 0002 'cd' 26 0001 'k' 0001 'v' 26 0000 0000 'hi'"},
        {"puback_311", v311, kClient, "40 02 0001"},
        {"puback_5", v5, kClient, "40 02 0001"},
        {"puback_5_code", v5, kServer, "40 03 0001 10"},
        {"puback_5_full", v5, kServer, "40 10 0001 87 0c 1f 0002 'no' 26 0001 'k' 0001 'v'"},
        {"pubrec_311", v311, kClient, "50 02 0001"},
        {"pubrec_5_full", v5, kClient, "50 09 0001 97 05 1f 0002 'no'"},
        {"pubrel_31", v31, kClient, "62 02 0001"},
        {"pubrel_311", v311, kClient, "62 02 0001"},
        {"pubrel_5_code", v5, kClient, "62 03 0001 92"},
        {"pubcomp_311", v311, kServer, "70 02 0001"},
        {"pubcomp_5_full", v5, kClient, "70 09 0001 92 05 1f 0002 'no'"},
        {"subscribe_31", v31, kClient, "82 06 0001 0001 'a' 01"},
        {"subscribe_311", v311, kClient, "82 0c 0001 0003 'a/#' 02 0001 '+' 00"},
        {"subscribe_5", v5, kClient, "82 17 0001 07 0b 7f 26 0000 0000 000a '$share/g/a' 00"},
        {"subscribe_5_options", v5, kClient, "82 07 0001 00 0001 'a' 2e"},
        {"suback_311", v311, kServer, "90 05 0001 00 02 80"},
        {"suback_5", v5, kServer, "90 06 0001 00 00 87 9e"},
        {"suback_5_full", v5, kServer, "90 09 0001 05 1f 0002 'ok' 01"},
        {"unsubscribe_311", v311, kClient, "a2 08 0001 0001 'a' 0001 'b'"},
        {"unsubscribe_5", v5, kClient, "a2 0b 0001 05 26 0000 0000 0001 'a'"},
        {"unsuback_311", v311, kServer, "b0 02 0001"},
        {"unsuback_5", v5, kServer, "b0 05 0001 00 00 11"},
        {"pingreq", v311, kClient, "c0 00"},
        {"pingresp", v5, kServer, "d0 00"},
        {"disconnect_311", v311, kClient, "e0 00"},
        {"disconnect_5", v5, kClient, "e0 00"},
        {"disconnect_5_with_will", v5, kClient, "e0 01 04"},
        {"disconnect_5_expiry", v5, kClient, "e0 07 00 05 11 0000003c"},
        {"disconnect_5_server", v5, kServer, "e0 07 9d 05 1c 0002 'up'"},
        {"auth_5", v5, kClient, "f0 0b 18 09 15 0001 'm' 16 0002 'ad'"},
        {"auth_5_success", v5, kServer, "f0 00"},
    };
    // clang-format on
    return packets;
}

}  // namespace weir::mqtt::test
