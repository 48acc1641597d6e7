# What RFC 6455 asks of a server: the cases of the Autobahn test suite, without a network.
weir_test(websocket_conformance_test LABELS conformance threat.T-26
  LIBRARIES weir::net weir::websocket weir::mqtt weir_test_support
  SOURCES
    ${CMAKE_SOURCE_DIR}/tests/conformance/websocket/cases.cpp
    ${CMAKE_SOURCE_DIR}/tests/conformance/websocket/replies_test.cpp
    ${CMAKE_SOURCE_DIR}/tests/conformance/websocket/packet_borders_test.cpp)

weir_test(websocket_gateway_test LABELS conformance threat.T-26
  LIBRARIES weir::app weir::websocket weir::mqtt weir_test_support fmt::fmt
  SOURCES ${CMAKE_SOURCE_DIR}/tests/conformance/websocket/gateway_test.cpp)
