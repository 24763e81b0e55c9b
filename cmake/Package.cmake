# `cmake --install`, and `cpack -G DEB` for a Debian 12 package. What needs no program is packed as it stands; manual
# pages and change log are compressed here, as Debian wants them.
include(GNUInstallDirs)
find_package(Python3 3.9 COMPONENTS Interpreter)

# An installation takes what was built, and does not build the tests first.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)

install(TARGETS usherd RUNTIME DESTINATION bin)
install(FILES config/usherd.yaml DESTINATION /etc/usherd)
install(FILES systemd/usherd.service DESTINATION /lib/systemd/system)
install(FILES systemd/usherd.sysusers DESTINATION lib/sysusers.d RENAME usherd.conf)
install(FILES systemd/usherd.tmpfiles DESTINATION lib/tmpfiles.d RENAME usherd.conf)
install(FILES systemd/usherd.catalog DESTINATION lib/systemd/catalog)
install(FILES packaging/usherd.bash DESTINATION share/bash-completion/completions RENAME usherd)
install(FILES packaging/usherd.zsh DESTINATION share/zsh/vendor-completions RENAME _usherd)
install(FILES config/usherd.schema.json config/prometheus/usherd.rules.yml config/grafana/usherd.json DESTINATION share/usherd)
install(FILES packaging/copyright README.md CHANGELOG.md DESTINATION share/doc/usherd)
# Help and messages name these pages.
install(DIRECTORY docs DESTINATION share/doc/usherd FILES_MATCHING PATTERN "*.md" PATTERN "*.png")

set(made "${CMAKE_BINARY_DIR}/packaging")
configure_file(packaging/changelog "${made}/changelog" @ONLY)
add_custom_command(OUTPUT "${made}/usherd.yaml.5"
  COMMAND "${Python3_EXECUTABLE}" "${CMAKE_SOURCE_DIR}/packaging/config_manual.py" "${CMAKE_SOURCE_DIR}/config/usherd.yaml"
    "${PROJECT_VERSION}" > "${made}/usherd.yaml.5"
  DEPENDS packaging/config_manual.py config/usherd.yaml VERBATIM)
set(compressed "")
foreach(page IN ITEMS "usherd.8:share/man/man8" "usherd.yaml.5:share/man/man5" "changelog:share/doc/usherd")
  string(REPLACE ":" ";" page "${page}")
  list(GET page 0 name)
  list(GET page 1 folder)
  set(source "${CMAKE_SOURCE_DIR}/packaging/${name}")
  if(NOT name STREQUAL "usherd.8")
    set(source "${made}/${name}")
  endif()
  add_custom_command(OUTPUT "${made}/${name}.gz" COMMAND gzip -9nc "${source}" > "${made}/${name}.gz"
    DEPENDS "${source}" VERBATIM)
  list(APPEND compressed "${made}/${name}.gz")
  install(FILES "${made}/${name}.gz" DESTINATION ${folder})
endforeach()
add_custom_target(package_files DEPENDS ${compressed})
add_dependencies(usherd package_files)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME usherd)
set(CPACK_PACKAGE_VENDOR "usherd contributors")
set(CPACK_PACKAGE_CONTACT "usherd contributors <maintainers@usherd.dev>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "carries user updates into FullStory")
set(CPACK_PACKAGE_DESCRIPTION "Programs drop files of user updates into a spool directory. usherd checks every
 record, packs batches, sends them to the users batch import API, keeps the
 organisation's limits, follows each job to its end, and tells for every
 record how it ended. A kill, a full disk or an outage loses nothing and sends
 nothing twice.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
  WORLD_READ WORLD_EXECUTE)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "systemd, ca-certificates")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA "${CMAKE_SOURCE_DIR}/packaging/conffiles;${CMAKE_SOURCE_DIR}/packaging/preinst"
  "${CMAKE_SOURCE_DIR}/packaging/postinst"
  "${CMAKE_SOURCE_DIR}/packaging/prerm;${CMAKE_SOURCE_DIR}/packaging/postrm")
include(CPack)
