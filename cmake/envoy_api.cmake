# Generates C for the Envoy API, at configure time: which files there are is known only then.
# Gives: target `envoy_api` (object library, private), and EGRESS_API_SET, the descriptor set of the whole v3 API.

find_package(Python3 3.9 REQUIRED COMPONENTS Interpreter)
find_program(PROTOC protoc REQUIRED)
find_program(PROTOC_GEN_C protoc-gen-c REQUIRED)

set(api_dir ${CMAKE_BINARY_DIR}/envoy_api)
set(api_source ${api_dir}/c)
if(EGRESS_ENVOY_API)
  set(EGRESS_API_SET ${EGRESS_ENVOY_API})
else()
  set(EGRESS_API_SET ${api_dir}/all.pb)
endif()

set(api_inputs ${PROJECT_SOURCE_DIR}/proto/export_descriptors.py ${PROJECT_SOURCE_DIR}/proto/select_for_c.py
    ${PROJECT_SOURCE_DIR}/proto/generated_files.txt ${EGRESS_ENVOY_API})
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${api_inputs})

# The generated sources are made again only when what they are made of is newer.
set(api_stamp ${api_dir}/stamp)
set(api_current TRUE)
foreach(input ${api_inputs})
  if(${input} IS_NEWER_THAN ${api_stamp})
    set(api_current FALSE)
  endif()
endforeach()

if(NOT api_current)
  file(REMOVE_RECURSE ${api_dir})
  file(MAKE_DIRECTORY ${api_source})
  if(NOT EGRESS_ENVOY_API)
    execute_process(
      COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/proto/export_descriptors.py ${EGRESS_API_SET}
      RESULT_VARIABLE failed)
    if(failed)
      message(FATAL_ERROR "The Envoy API descriptors could not be read: install the PyPI package xds-protos==1.85.0 "
        "for ${Python3_EXECUTABLE}, or give a descriptor set with -DEGRESS_ENVOY_API=FILE.")
    endif()
  endif()
  execute_process(
    COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/proto/select_for_c.py ${EGRESS_API_SET}
      ${PROJECT_SOURCE_DIR}/proto/generated_files.txt ${api_dir}/c.pb
    OUTPUT_FILE ${api_dir}/files.txt COMMAND_ERROR_IS_FATAL ANY)
  file(STRINGS ${api_dir}/files.txt api_files)
  execute_process(
    COMMAND ${PROTOC} --plugin=protoc-gen-c=${PROTOC_GEN_C} --descriptor_set_in=${api_dir}/c.pb --c_out=${api_source}
      ${api_files}
    COMMAND_ERROR_IS_FATAL ANY)
  file(TOUCH ${api_stamp})
endif()

file(GLOB_RECURSE api_c ${api_source}/*.c)
add_library(envoy_api OBJECT ${api_c})
target_include_directories(envoy_api SYSTEM PUBLIC ${api_source})
target_compile_options(envoy_api PRIVATE -O1 -w)
target_link_libraries(envoy_api PUBLIC PkgConfig::DEPS)
