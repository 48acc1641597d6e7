weir_test(storage_faults_test LABELS fault threat.D-1 threat.D-2 threat.D-3 threat.D-4 threat.D-5 threat.D-6 threat.D-7
  LIBRARIES weir::storage weir_test_support RocksDB::rocksdb-shared
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/faulty_files.cpp ${CMAKE_CURRENT_LIST_DIR}/storage_disk_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/storage_backup_test.cpp ${CMAKE_CURRENT_LIST_DIR}/storage_kill_test.cpp ${CMAKE_CURRENT_LIST_DIR}/storage_power_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/storage_rot_test.cpp)
weir_test(watchdog_faults_test LABELS fault
  LIBRARIES weir::storage weir::runtime weir_test_support
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/watchdog_test.cpp)
