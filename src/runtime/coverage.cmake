# Writes the coverage page from functions.def: cmake -DTABLE=functions.def -DPAGE=coverage-runtime.md -P coverage.cmake
file(STRINGS ${TABLE} rows REGEX "^ANYWARP_RUNTIME_FUNCTION")
set(implemented 0)
set(awaits_driver 0)
set(not_supported 0)
set(lines "")
foreach(row ${rows})
  string(REGEX MATCH "^ANYWARP_RUNTIME_FUNCTION\\(([A-Za-z0-9_]+), ([a-z_0-9]+), ([a-z_]+)\\)( // (.*))?$" ignored "${row}")
  set(name ${CMAKE_MATCH_1})
  set(releases ${CMAKE_MATCH_2})
  set(status ${CMAKE_MATCH_3})
  set(reason ${CMAKE_MATCH_5})
  math(EXPR ${status} "${${status}} + 1")
  string(REPLACE "always" "12, 13" releases ${releases})
  string(REPLACE "only_12" "12" releases ${releases})
  string(REPLACE "since_13" "13" releases ${releases})
  string(REPLACE "implemented" "yes" status ${status})
  string(REPLACE "awaits_driver" "libcuda lacks it" status ${status})
  string(REPLACE "not_supported" "no: ${reason}" status ${status})
  string(APPEND lines "| `${name}` | ${releases} | ${status} |\n")
endforeach()
math(EXPR total "${implemented} + ${awaits_driver} + ${not_supported}")
file(WRITE ${PAGE} "# Runtime API coverage

libcudart.so.12 and libcudart.so.13 together export ${total} functions. ${implemented} are implemented; ${awaits_driver} call functions
of libcuda that Anywarp doesn't implement yet and answer what libcuda answers; the other ${not_supported} answer
`cudaErrorNotSupported` and say so once on stderr. This page is written from `src/runtime/functions.def` by
`cmake --build <folder> --target coverage_runtime`.

| function | libcudart | implemented |
|---|---|---|
${lines}")
