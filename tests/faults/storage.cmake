weir_test(storage_faults_test LABELS fault threat.D-1 threat.D-7 LIBRARIES weir::storage weir_test_support
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/storage_kill_test.cpp)
