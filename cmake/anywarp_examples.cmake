# anywarp_example(NAME SOURCES file.cu... [ARGS word...] [OPTIONS nvcc-option...] [LIBRARIES word...] [TIMEOUT seconds] [NO_NVCC])
#
# One example, built up to three times and run by CTest with ARGS (small sizes):
#
#   example_NAME               compiled by anywarp-cc
#   example_NAME_avx2, _sse4   the same program with ANYWARP_ISA set; skipped where the host lacks the instructions
#   example_NAME_nvcc_shared   compiled by NVIDIA's nvcc against libcudart.so, run on ours
#   example_NAME_nvcc_static   compiled by NVIDIA's nvcc with its own runtime inside, run on our libcuda.so.1 alone
#
# The nvcc variants carry two PTX and no machine code, so that loading has to choose. Where there is no nvcc but ours, or
# ANYWARP_TEST_NVCC is off, they are registered all the same and count as skipped. In ARGS the word @OUTPUT@ stands for a folder of
# that test's own.

# NVIDIA's nvcc has cudafe++ beside it; the link of that name to anywarp-cc hasn't.
find_program(ANYWARP_NVIDIA_NVCC nvcc HINTS ENV CUDA_HOME ENV CUDA_PATH PATHS /usr/local/cuda/bin PATH_SUFFIXES bin)
set(ANYWARP_NVCC_FOUND OFF)
if(ANYWARP_NVIDIA_NVCC)
  file(REAL_PATH ${ANYWARP_NVIDIA_NVCC} real_nvcc)
  get_filename_component(nvcc_folder ${real_nvcc} DIRECTORY)
  if(EXISTS ${nvcc_folder}/cudafe++)
    set(ANYWARP_NVCC_FOUND ON)
  endif()
endif()
option(ANYWARP_TEST_NVCC "build the examples with NVIDIA's nvcc too, where it is installed" ${ANYWARP_NVCC_FOUND})
set(ANYWARP_EXAMPLES_FOLDER ${CMAKE_SOURCE_DIR}/examples)

function(anywarp_example_test test program isa arguments timeout)
  set(output ${CMAKE_BINARY_DIR}/examples/output/${test})
  string(REPLACE "@OUTPUT@" "${output}" arguments "${arguments}")
  add_test(NAME ${test} COMMAND ${ANYWARP_EXAMPLES_FOLDER}/common/run_test.sh "${isa}" ${program} ${arguments})
  set(environment "ANYWARP_CACHE_DIR=${CMAKE_BINARY_DIR}/examples/cache" "LD_LIBRARY_PATH=${CMAKE_LIBRARY_OUTPUT_DIRECTORY}")
  if(isa)
    list(APPEND environment "ANYWARP_ISA=${isa}")
  endif()
  set_tests_properties(${test} PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT ${timeout} ENVIRONMENT "${environment}" LABELS example)
endfunction()

function(anywarp_example name)
  cmake_parse_arguments(example "NO_NVCC" "TIMEOUT" "SOURCES;ARGS;OPTIONS;LIBRARIES" ${ARGN})
  if(NOT example_TIMEOUT)
    set(example_TIMEOUT 300)
  endif()
  set(sources)
  foreach(source ${example_SOURCES})
    get_filename_component(source ${source} ABSOLUTE)
    list(APPEND sources ${source})
  endforeach()
  file(GLOB common_headers CONFIGURE_DEPENDS ${ANYWARP_EXAMPLES_FOLDER}/common/*.h)
  file(GLOB_RECURSE cuda_headers CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/include/*.h ${CMAKE_SOURCE_DIR}/include/*.hpp)
  set(options -O2 -std=c++17 -I${ANYWARP_EXAMPLES_FOLDER}/common ${example_OPTIONS})
  set(libraries $<TARGET_FILE:anywarp_examples_common> ${PNG_LIBRARIES} ${example_LIBRARIES})

  set(folder ${CMAKE_RUNTIME_OUTPUT_DIRECTORY}/examples) # the build's own examples/ holds a folder of each name
  set(program ${folder}/${name})
  add_custom_command(OUTPUT ${program}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${folder}
    COMMAND $<TARGET_FILE:anywarp-cc> ${options} ${sources} ${libraries} -o ${program}
    DEPENDS ${sources} ${common_headers} ${cuda_headers} anywarp-cc anywarp_device_math anywarp_cuda anywarp_cudart13 anywarp_examples_common
    COMMENT "Example ${name}" VERBATIM)
  add_custom_target(example_${name} ALL DEPENDS ${program})
  anywarp_example_test(example_${name} ${program} "" "${example_ARGS}" ${example_TIMEOUT})
  foreach(isa avx2 sse4)
    anywarp_example_test(example_${name}_${isa} ${program} ${isa} "${example_ARGS}" ${example_TIMEOUT})
  endforeach()

  if(example_NO_NVCC)
    return()
  endif()
  foreach(runtime shared static)
    set(test example_${name}_nvcc_${runtime})
    if(NOT ANYWARP_NVCC_FOUND OR NOT ANYWARP_TEST_NVCC)
      add_test(NAME ${test} COMMAND sh -c "echo 'NVIDIA nvcc is not installed or not wanted'; exit 77")
      set_tests_properties(${test} PROPERTIES SKIP_RETURN_CODE 77 LABELS example)
      continue()
    endif()
    set(program ${folder}/${name}_nvcc_${runtime})
    add_custom_command(OUTPUT ${program}
      COMMAND ${CMAKE_COMMAND} -E make_directory ${folder}
      COMMAND ${ANYWARP_NVIDIA_NVCC} ${options} -cudart ${runtime} -gencode arch=compute_80,code=compute_80
              -gencode arch=compute_90,code=compute_90 ${sources} ${libraries} -o ${program}
      DEPENDS ${sources} ${common_headers} anywarp_examples_common
      COMMENT "Example ${name}, nvcc, ${runtime} runtime" VERBATIM)
    add_custom_target(${test} ALL DEPENDS ${program})
    anywarp_example_test(${test} ${program} "" "${example_ARGS}" ${example_TIMEOUT})
  endforeach()
endfunction()
