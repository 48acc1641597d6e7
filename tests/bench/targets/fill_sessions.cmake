if(WEIR_BENCH)
  add_executable(fill_sessions ${CMAKE_CURRENT_SOURCE_DIR}/bench/fill_sessions.cpp)
  target_link_libraries(fill_sessions PRIVATE weir::storage)
endif()
