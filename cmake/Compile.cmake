# -O3 pays where every byte of a record passes (usherd_hot_part); elsewhere it makes the program a quarter larger and
# nothing faster.
string(REPLACE "-O3" "-O2" CMAKE_CXX_FLAGS_RELEASE "${CMAKE_CXX_FLAGS_RELEASE}")
# One interface target carries the compile flags of every target of ours.
add_library(usherd_flags INTERFACE)
target_compile_options(usherd_flags INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
  -Wcast-align -Wnull-dereference -fno-omit-frame-pointer)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports these inside inlined library code.
  target_compile_options(usherd_flags INTERFACE -Wno-null-dereference -Wno-maybe-uninitialized
    -Wno-mismatched-new-delete -Wno-stringop-overflow -Wno-stringop-overread -Wno-array-bounds -Wno-restrict
    -Wno-dangling-pointer)
endif()
if(USHERD_WERROR)
  target_compile_options(usherd_flags INTERFACE -Werror)
endif()
target_compile_definitions(usherd_flags INTERFACE
  BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION BOOST_ERROR_CODE_HEADER_ONLY
  SPDLOG_FMT_EXTERNAL)
target_include_directories(usherd_flags INTERFACE "${CMAKE_SOURCE_DIR}/include")
target_include_directories(usherd_flags INTERFACE "${CMAKE_SOURCE_DIR}")
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_options(usherd_flags INTERFACE -g1 -D_FORTIFY_SOURCE=2 -fstack-protector-strong
    -ffunction-sections -fdata-sections)
  target_link_options(usherd_flags INTERFACE -Wl,-z,relro,-z,now,--gc-sections)
else()
  target_compile_options(usherd_flags INTERFACE -g1)
endif()
if(USHERD_SANITIZE)
  target_compile_options(usherd_flags INTERFACE -fsanitize=${USHERD_SANITIZE} -fno-sanitize-recover=all)
  # A look at every reference is a quarter of the compile time. A null one ends in ASan's report anyway; the fuzz
  # targets, which feed the code with hostile bytes, keep both.
  if(USHERD_SANITIZE MATCHES "undefined")
    target_compile_options(usherd_flags INTERFACE -fno-sanitize=null,alignment)
  endif()
  # TSan sees no fences, and g++ says so at each of Boost.Asio's; these guard what its locks order anyway.
  if(USHERD_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(usherd_flags INTERFACE -Wno-tsan)
  endif()
  # Optimising what the sanitizers add takes longer than the tests then save; a debug build goes without.
  if(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
    target_compile_options(usherd_flags INTERFACE -O1)
  endif()
  target_link_options(usherd_flags INTERFACE -fsanitize=${USHERD_SANITIZE})
endif()
find_program(USHERD_CCACHE ccache)
if(USHERD_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${USHERD_CCACHE}")
endif()
