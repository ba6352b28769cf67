# What is installed besides the programs, and the Debian package (cpack -G DEB).
file(GLOB pages docs/*.md)
install(FILES LICENSE README.md ${pages} DESTINATION "${CMAKE_INSTALL_DOCDIR}")
install(FILES deploy/prometheus/alerts.yml deploy/grafana/omnihook.json deploy/settings.json
    DESTINATION "${CMAKE_INSTALL_DOCDIR}/examples")
install(DIRECTORY deploy/kubernetes DESTINATION "${CMAKE_INSTALL_DOCDIR}/examples")
install(FILES docs/man/omnihook.1 DESTINATION "${CMAKE_INSTALL_MANDIR}/man1")
install(FILES docs/man/omnihook-api.8 docs/man/omnihook-worker.8
    DESTINATION "${CMAKE_INSTALL_MANDIR}/man8")
install(FILES deploy/completions/omnihook.bash RENAME omnihook
    DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions")
install(FILES deploy/completions/_omnihook DESTINATION "${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions")

# Units name /usr/bin: they belong to the package, not to a build that is installed elsewhere.
option(OMNIHOOK_PACKAGE "Install the systemd units and /etc/omnihook, for a package" OFF)
if(OMNIHOOK_PACKAGE)
    install(FILES deploy/systemd/omnihook-api.service deploy/systemd/omnihook-api.socket
        deploy/systemd/omnihook-worker.service DESTINATION lib/systemd/system)
    install(FILES deploy/systemd/omnihook.sysusers RENAME omnihook.conf DESTINATION lib/sysusers.d)
    install(FILES deploy/omnihook.env deploy/settings.json DESTINATION /etc/omnihook
        PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ)
endif()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_PACKAGE_VENDOR "The omnihook authors")
set(CPACK_PACKAGE_CONTACT "The omnihook authors <omnihook@example.net>")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "ca-certificates")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "redis-server (>= 5:6.2)")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA "${CMAKE_CURRENT_SOURCE_DIR}/deploy/debian/postinst"
    "${CMAKE_CURRENT_SOURCE_DIR}/deploy/debian/conffiles"
    "${CMAKE_CURRENT_SOURCE_DIR}/deploy/debian/prerm")
set(CPACK_STRIP_FILES ON)
include(CPack)
