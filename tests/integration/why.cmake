weir_test(why_gateway_test LABELS integration TIMEOUT 120
  LIBRARIES weir::app weir::amqp weir::mqtt weir_test_support fmt::fmt OpenSSL::SSL OpenSSL::Crypto
  SOURCES ${CMAKE_SOURCE_DIR}/tests/integration/why_gateway_test.cpp)
