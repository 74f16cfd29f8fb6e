# What `cmake --install` puts where: headers, library, pkg-config file, CMake package, egressd. Nothing of it names the
# prefix, so that `--prefix` chooses it, and the whole may be moved later.
include(CMakePackageConfigHelpers)

add_library(egress::egress ALIAS egress)
install(TARGETS egress EXPORT egressTargets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/egress DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")

if(TARGET egressd)
  file(RELATIVE_PATH bin_to_lib ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_LIBDIR})
  set_target_properties(egressd PROPERTIES INSTALL_RPATH "$ORIGIN/${bin_to_lib}")
  install(TARGETS egressd RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

set(cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/egress)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/egressConfig.cmake.in
  ${PROJECT_BINARY_DIR}/egressConfig.cmake INSTALL_DESTINATION ${cmake_dir})
# Before 1.0 each minor version may break.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/egressConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/egressConfig.cmake ${PROJECT_BINARY_DIR}/egressConfigVersion.cmake
  DESTINATION ${cmake_dir})
install(EXPORT egressTargets NAMESPACE egress:: DESTINATION ${cmake_dir})

# Paths start from where the .pc file lies, unless the user gave absolute folders.
file(RELATIVE_PATH pc_up ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" pc_up ${pc_up})
set(pc_prefix "\${pcfiledir}/${pc_up}")
set(pc_libdir "\${prefix}")
cmake_path(APPEND pc_libdir ${CMAKE_INSTALL_LIBDIR})
set(pc_includedir "\${prefix}")
cmake_path(APPEND pc_includedir ${CMAKE_INSTALL_INCLUDEDIR})
set(pc_requires "")
set(pc_libs "")
if(NOT BUILD_SHARED_LIBS)
  list(JOIN EGRESS_MODULES " " pc_requires)
  string(REPLACE ">=" " >= " pc_requires ${pc_requires})
  set(pc_libs "-pthread")
endif()
configure_file(pkgconfig/libegress.pc.in ${PROJECT_BINARY_DIR}/libegress.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/libegress.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
