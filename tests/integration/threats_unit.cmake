# Threats that need no gateway.
weir_threats(threats_unit_test TIMEOUT 60 THREATS T-05 T-06 T-14 T-30
  LIBRARIES weir::base weir::amqp weir::mqtt weir::document weir::model weir::rules weir::broker weir_test_support fmt::fmt
  SOURCES ${CMAKE_SOURCE_DIR}/tests/unit/threats/decoders_test.cpp
    ${CMAKE_SOURCE_DIR}/tests/unit/threats/retained_test.cpp
    ${CMAKE_SOURCE_DIR}/tests/unit/threats/rules_test.cpp)
