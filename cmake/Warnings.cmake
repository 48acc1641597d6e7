# Warnings for our own targets; libraries are included as SYSTEM.
add_library(weir_warnings INTERFACE)
target_compile_options(weir_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wold-style-cast
  $<$<BOOL:${WEIR_WERROR}>:-Werror>)
# g++ 12 reports false positives of these two in the standard library at -O2 (GCC PR 105651, 105329).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(weir_warnings INTERFACE -Wno-restrict -Wno-stringop-overflow)
endif()
