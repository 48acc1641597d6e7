# The whole product in one run: gateway, devices over TLS, policy, rule, stream, sink, metering.
add_test(NAME demo.once COMMAND weir demo --once --seconds 5)
set_tests_properties(demo.once PROPERTIES LABELS integration TIMEOUT 300)
