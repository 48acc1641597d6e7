weir_test(cli_test LABELS integration SOURCES integration/cli_test.cpp integration/cli_rules_test.cpp)
if(TARGET cli_test)
  target_compile_definitions(cli_test PRIVATE WEIR_BINARY="$<TARGET_FILE:weir>")
  add_dependencies(cli_test weir)
endif()

# The helpers of the commands, which are part of the executable and no library.
weir_test(cli_output_test LABELS unit LIBRARIES weir::base fmt::fmt
  SOURCES unit/cli/output_test.cpp ${CMAKE_SOURCE_DIR}/server/app/cli/output.cpp)
if(TARGET cli_output_test)
  target_include_directories(cli_output_test PRIVATE ${CMAKE_SOURCE_DIR}/server)
endif()
weir_test(cli_csv_test LABELS unit LIBRARIES fmt::fmt
  SOURCES unit/cli/csv_test.cpp ${CMAKE_SOURCE_DIR}/server/app/cli/csv.cpp)
if(TARGET cli_csv_test)
  target_include_directories(cli_csv_test PRIVATE ${CMAKE_SOURCE_DIR}/server)
endif()
