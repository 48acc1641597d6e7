# Hostile bytes for the MQTT codecs and, where it takes more than one peer, for a whole gateway: ctest -L threat.T-01
file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/mqtt_threats/*.cpp)
weir_threats(mqtt_threats_test TIMEOUT 120 THREATS T-01 T-02 T-03 T-08 T-09 T-10 T-11 T-12
  LIBRARIES weir::app weir::mqtt weir_test_support fmt::fmt OpenSSL::SSL OpenSSL::Crypto
  SOURCES ${sources} ${CMAKE_CURRENT_LIST_DIR}/mqtt/wire_peer.cpp)
