weir_test(bench_gateway_test LABELS integration TIMEOUT 120
  LIBRARIES weir::app weir::bench weir_test_support Boost::json
  SOURCES ${CMAKE_SOURCE_DIR}/tests/integration/bench_gateway_test.cpp)
