# weir_test(name LABELS ... LIBRARIES ... SOURCES ...)   a GoogleTest executable, one ctest entry per test case
# weir_unit_test(module EXTRA...)   all of tests/unit/<module>/*_test.cpp against weir::<module> and test support
# weir_fuzz(name LIBRARIES ...)     tests/fuzz/<name>_fuzz.cpp: libFuzzer with -DWEIR_FUZZ=ON; always a replay of its corpus
# weir_bench(name LIBRARIES ...)    tests/bench/<name>_bench.cpp
include(GoogleTest)

function(weir_test name)
  if(NOT WEIR_TESTS)
    return()
  endif()
  cmake_parse_arguments(A "" "TIMEOUT" "LABELS;LIBRARIES;SOURCES" ${ARGN})
  if(NOT A_TIMEOUT)
    set(A_TIMEOUT 120)
  endif()
  add_executable(${name} ${A_SOURCES})
  target_link_libraries(${name} PRIVATE ${A_LIBRARIES} weir_warnings GTest::gmock_main)
  string(REPLACE ";" "\\;" labels "${A_LABELS}")  # Discovery takes lists apart once on the way to ctest.
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST
    PROPERTIES TIMEOUT ${A_TIMEOUT} LABELS "${labels}")
endfunction()

function(weir_unit_test module)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/unit/${module}/*_test.cpp)
  if(sources AND TARGET weir_${module})
    weir_test(${module}_test LABELS unit LIBRARIES weir::${module} weir_test_support ${ARGN} SOURCES ${sources})
    target_compile_definitions(${module}_test PRIVATE WEIR_TEST_DATA="${CMAKE_SOURCE_DIR}/tests")
  endif()
endfunction()

function(weir_fuzz name)
  cmake_parse_arguments(A "" "" "LIBRARIES" ${ARGN})
  set(source ${CMAKE_SOURCE_DIR}/tests/fuzz/${name}_fuzz.cpp)
  set(corpus ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${name})
  if(WEIR_FUZZ)
    add_executable(${name}_fuzz ${source})
    target_link_libraries(${name}_fuzz PRIVATE ${A_LIBRARIES} weir_warnings)
    target_link_options(${name}_fuzz PRIVATE -fsanitize=fuzzer)
  endif()
  if(WEIR_TESTS)
    add_executable(${name}_replay ${source} ${CMAKE_SOURCE_DIR}/tests/fuzz/replay_main.cpp)
    target_link_libraries(${name}_replay PRIVATE ${A_LIBRARIES} weir_warnings)
    add_test(NAME fuzz.${name} COMMAND ${name}_replay ${corpus})
    set_tests_properties(fuzz.${name} PROPERTIES LABELS fuzz TIMEOUT 120)
  endif()
endfunction()

function(weir_bench name)
  cmake_parse_arguments(A "" "" "LIBRARIES" ${ARGN})
  if(WEIR_BENCH)
    add_executable(${name}_bench ${CMAKE_SOURCE_DIR}/tests/bench/${name}_bench.cpp)
    target_link_libraries(${name}_bench PRIVATE ${A_LIBRARIES} weir_test_support weir_warnings benchmark::benchmark)
  endif()
endfunction()
