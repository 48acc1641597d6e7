weir_test(cli_test LABELS integration SOURCES integration/cli_test.cpp)
target_compile_definitions(cli_test PRIVATE WEIR_BINARY="$<TARGET_FILE:weir>")
add_dependencies(cli_test weir)
