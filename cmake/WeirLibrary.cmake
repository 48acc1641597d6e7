# weir_library(name LAYER n SOURCES ... HEADERS ... PUBLIC ... PRIVATE ...)
#
# A module: static library weir_<name>, alias weir::<name>, headers found as <weir/<name>/...>.
# PUBLIC lists what its headers show, PRIVATE what only its sources use. A weir:: dependency must be on a lower
# layer, or configuration fails. Headers are reached through a link farm of the module's own, so that a header is
# only found by targets that declared the module or inherited it.
function(weir_library name)
  cmake_parse_arguments(A "" "LAYER" "SOURCES;HEADERS;PUBLIC;PRIVATE" ${ARGN})
  add_library(weir_${name} STATIC ${A_SOURCES})
  add_library(weir::${name} ALIAS weir_${name})
  set_target_properties(weir_${name} PROPERTIES
    LINKER_LANGUAGE CXX WEIR_LAYER ${A_LAYER} VERIFY_INTERFACE_HEADER_SETS ON)
  set(farm ${CMAKE_BINARY_DIR}/include/${name})
  file(MAKE_DIRECTORY ${farm}/weir)
  file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR} ${farm}/weir/${name} SYMBOLIC)
  list(TRANSFORM A_HEADERS PREPEND ${farm}/weir/${name}/)
  target_sources(weir_${name} PUBLIC FILE_SET HEADERS BASE_DIRS ${farm} FILES ${A_HEADERS})
  target_include_directories(weir_${name} PUBLIC ${farm})
  foreach(dep IN LISTS A_PUBLIC A_PRIVATE)
    if(dep MATCHES "^weir::(.*)$")
      get_target_property(layer weir_${CMAKE_MATCH_1} WEIR_LAYER)
      if(NOT layer LESS A_LAYER)
        message(FATAL_ERROR "weir_${name} (layer ${A_LAYER}) may not use ${dep} (layer ${layer})")
      endif()
    endif()
  endforeach()
  target_link_libraries(weir_${name} PUBLIC ${A_PUBLIC} PRIVATE ${A_PRIVATE} weir_warnings)
endfunction()
