# What docs call threats, against a whole gateway. Each is a label: ctest -L threat.T-04
weir_threats(threats_test TIMEOUT 120 THREATS T-04 T-07 T-08 T-14 T-24 T-25 T-26 T-27 T-29 T-31 T-42 T-45
  LIBRARIES weir::app weir::amqp weir::websocket weir::mqtt weir_test_support fmt::fmt OpenSSL::SSL OpenSSL::Crypto
  SOURCES
    ${CMAKE_SOURCE_DIR}/tests/integration/threats/amqp_order_test.cpp
    ${CMAKE_SOURCE_DIR}/tests/integration/threats/consumers_test.cpp
    ${CMAKE_SOURCE_DIR}/tests/integration/threats/malformed_test.cpp
    ${CMAKE_SOURCE_DIR}/tests/integration/threats/memory_test.cpp
    ${CMAKE_SOURCE_DIR}/tests/integration/threats/names_test.cpp
    ${CMAKE_SOURCE_DIR}/tests/integration/threats/proxy_test.cpp
    ${CMAKE_SOURCE_DIR}/tests/integration/threats/sinks_test.cpp
    ${CMAKE_SOURCE_DIR}/tests/integration/threats/slow_test.cpp
    ${CMAKE_SOURCE_DIR}/tests/integration/threats/soak_test.cpp
    ${CMAKE_SOURCE_DIR}/tests/integration/threats/websocket_test.cpp)
