weir_test(gateway_test LABELS integration TIMEOUT 120
  LIBRARIES weir::app weir::mqtt weir::net weir_test_support fmt::fmt
  SOURCES ${CMAKE_SOURCE_DIR}/tests/integration/gateway_test.cpp)
weir_test(mqtt_gateway_test LABELS integration TIMEOUT 120
  LIBRARIES weir::app weir::amqp weir::mqtt weir_test_support fmt::fmt
  SOURCES ${CMAKE_SOURCE_DIR}/tests/integration/mqtt_auth_test.cpp
    ${CMAKE_SOURCE_DIR}/tests/integration/mqtt_availability_test.cpp
    ${CMAKE_SOURCE_DIR}/tests/integration/mqtt_properties_test.cpp
    ${CMAKE_SOURCE_DIR}/tests/integration/reserved_topics_test.cpp)
weir_test(rules_gateway_test LABELS integration TIMEOUT 120
  LIBRARIES weir::app weir::mqtt weir_test_support fmt::fmt
  SOURCES ${CMAKE_SOURCE_DIR}/tests/integration/rules_gateway_test.cpp)
