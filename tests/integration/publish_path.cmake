weir_test(publish_path_test LABELS integration
  LIBRARIES weir::app weir::mqtt weir_test_support fmt::fmt
  SOURCES ${CMAKE_SOURCE_DIR}/tests/integration/publish_path_test.cpp)
