# Clients of others against a gateway process. A test whose client is missing is shown as skipped.
foreach(client IN ITEMS mosquitto mqttjs rhea proton curl s3rver)
  add_test(NAME interop.${client} COMMAND /usr/bin/python3 ${CMAKE_SOURCE_DIR}/tests/interop/test_${client}.py)
  set_tests_properties(interop.${client} PROPERTIES
    LABELS interop
    TIMEOUT 600
    SKIP_REGULAR_EXPRESSION "Ran 0 tests"
    ENVIRONMENT "WEIR=$<TARGET_FILE:weir>;PYTHONPATH=${CMAKE_SOURCE_DIR}/tests/integration;PYTHONDONTWRITEBYTECODE=1")
endforeach()
