# docs/conformance.md says which test holds which statement of the specifications: it is up to date, and nothing is missing.
find_program(WEIR_PYTHON python3 PATHS /usr/bin NO_DEFAULT_PATH)
if(WEIR_TESTS AND WEIR_PYTHON)
  add_test(NAME conformance.table COMMAND ${WEIR_PYTHON} ${CMAKE_CURRENT_LIST_DIR}/generate --check)
  set_tests_properties(conformance.table PROPERTIES LABELS unit TIMEOUT 60)
endif()
