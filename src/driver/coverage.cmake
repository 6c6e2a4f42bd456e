# Writes the coverage page from functions.def: cmake -DTABLE=functions.def -DPAGE=coverage-driver.md -P coverage.cmake
cmake_policy(SET CMP0054 NEW)
file(STRINGS ${TABLE} rows REGEX "^ANYWARP_DRIVER_FUNCTION")
set(implemented 0)
set(missing 0)
set(lines "")
foreach(row ${rows})
  if(NOT row MATCHES "^ANYWARP_DRIVER_FUNCTION\\(([A-Za-z0-9_]+), ([0-9]+), ([a-z_]+)\\)( // (.*))?$")
    message(FATAL_ERROR "not a row: ${row}")
  endif()
  set(name ${CMAKE_MATCH_1})
  set(status ${CMAKE_MATCH_3})
  math(EXPR major "${CMAKE_MATCH_2} / 1000")
  math(EXPR minor "${CMAKE_MATCH_2} % 1000 / 10")
  if(status STREQUAL "implemented")
    math(EXPR implemented "${implemented} + 1")
    string(APPEND lines "| `${name}` | ${major}.${minor} | yes |\n")
  else()
    math(EXPR missing "${missing} + 1")
    string(APPEND lines "| `${name}` | ${major}.${minor} | no: ${CMAKE_MATCH_5} |\n")
  endif()
endforeach()
math(EXPR total "${implemented} + ${missing}")
file(WRITE ${PAGE} "# Driver API coverage

libcuda.so.1 exports the ${total} functions of CUDA 13.0's driver. ${implemented} are implemented; the other ${missing} answer
`CUDA_ERROR_NOT_SUPPORTED` and say so once on stderr. This page is written from `src/driver/functions.def` by
`cmake --build <folder> --target coverage_driver`.

| function | since CUDA | implemented |
|---|---|---|
${lines}")
