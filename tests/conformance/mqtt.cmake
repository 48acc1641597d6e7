# MQTT as bytes on the wire against the real gateway: every statement that needs more than one packet.
file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/mqtt/*.cpp)
weir_test(mqtt_conformance_test LABELS conformance TIMEOUT 120
  LIBRARIES weir::app weir_test_support fmt::fmt OpenSSL::SSL OpenSSL::Crypto
  SOURCES ${sources})
