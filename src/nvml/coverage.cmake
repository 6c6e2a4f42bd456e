# Writes the coverage page from functions.def: cmake -DTABLE=functions.def -DPAGE=coverage-nvml.md -P coverage.cmake
cmake_policy(SET CMP0054 NEW)
file(STRINGS ${TABLE} rows REGEX "^ANYWARP_NVML_FUNCTION")
set(implemented 0)
set(missing 0)
set(lines "")
foreach(row ${rows})
  if(NOT row MATCHES "^ANYWARP_NVML_FUNCTION\\(([A-Za-z0-9_]+), ([a-z_]+)\\)")
    message(FATAL_ERROR "not a row: ${row}")
  endif()
  if(CMAKE_MATCH_2 STREQUAL "implemented")
    math(EXPR implemented "${implemented} + 1")
    string(APPEND lines "| `${CMAKE_MATCH_1}` | yes |\n")
  else()
    math(EXPR missing "${missing} + 1")
    string(APPEND lines "| `${CMAKE_MATCH_1}` | no |\n")
  endif()
endforeach()
math(EXPR total "${implemented} + ${missing}")
file(WRITE ${PAGE} "# NVML coverage

libnvidia-ml.so.1 exports ${total} functions. ${implemented} are implemented; the other ${missing} answer
`NVML_ERROR_NOT_SUPPORTED`, which is what NVML says of what a device hasn't got: a virtual device has neither power draw, temperature,
fans nor current clocks. Utilisation is measured: the share of time in which kernels ran. This page is written from
`src/nvml/functions.def` by `cmake --build <folder> --target coverage_nvml`.

| function | implemented |
|---|---|
${lines}")
