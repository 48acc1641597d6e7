weir_test(shared_test LABELS integration threat.T-13
  LIBRARIES weir::app weir::mqtt weir_test_support fmt::fmt
  SOURCES ${CMAKE_SOURCE_DIR}/tests/integration/shared_test.cpp)
