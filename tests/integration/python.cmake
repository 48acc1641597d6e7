# Tests that drive the program as its users do: files, command line, clients.
find_program(WEIR_PYTHON python3 PATHS /usr/bin NO_DEFAULT_PATH)
if(WEIR_TESTS AND WEIR_PYTHON AND TARGET weir)
  foreach(name IN ITEMS
      integration/end_to_end
      integration/credentials
      integration/mqtt
      integration/reload
      integration/bad_input
      integration/backup
      integration/budgets
      integration/compaction
      integration/durable
      integration/bench
      integration/sessions
      integration/retained
      integration/archive
      integration/notices
      integration/sinks
      integration/sink_connections
      integration/rules_try
      integration/live_messages
      integration/why
      integration/examples
      integration/documents
      faults/kill
      faults/kill_sessions
      faults/disk_full)
    get_filename_component(folder ${name} DIRECTORY)
    get_filename_component(short ${name} NAME)
    add_test(NAME ${folder}.${short} COMMAND ${WEIR_PYTHON} -W ignore ${CMAKE_SOURCE_DIR}/tests/${folder}/test_${short}.py)
    set_tests_properties(${folder}.${short} PROPERTIES
      ENVIRONMENT "WEIR=$<TARGET_FILE:weir>" LABELS integration TIMEOUT 900)
  endforeach()
endif()
