# What `cmake --install` puts where.
install(TARGETS egress EXPORT egress-targets)
install(DIRECTORY include/egress DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
