weir_test(broker_faults_test TIMEOUT 300 LABELS fault threat.D-3 threat.D-7
  LIBRARIES weir::broker weir::document weir::storage weir_test_support RocksDB::rocksdb-shared
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/faulty_files.cpp ${CMAKE_CURRENT_LIST_DIR}/broker_disk_test.cpp)
