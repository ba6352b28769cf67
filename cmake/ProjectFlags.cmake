# Every compiler and linker flag of the project, on one interface target: omnihook_flags.

option(OMNIHOOK_WERROR "Treat compiler warnings as errors" OFF)
option(OMNIHOOK_FUZZ "Build the libFuzzer targets (clang only)" OFF)
set(OMNIHOOK_SANITIZE "" CACHE STRING "Sanitizers, e.g. address,undefined")

# A broken invariant aborts in release builds too: assert stays.
string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_RELEASE "${CMAKE_C_FLAGS_RELEASE}")
string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_RELWITHDEBINFO "${CMAKE_C_FLAGS_RELWITHDEBINFO}")
string(REPLACE "-O3" "-O2" CMAKE_C_FLAGS_RELEASE "${CMAKE_C_FLAGS_RELEASE}")

add_library(omnihook_flags INTERFACE)
target_include_directories(omnihook_flags INTERFACE "${PROJECT_SOURCE_DIR}")
target_compile_definitions(omnihook_flags INTERFACE _POSIX_C_SOURCE=200809L _DEFAULT_SOURCE)
target_compile_options(omnihook_flags INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes
    -Wcast-qual -Wwrite-strings -Wformat=2 -Wundef -Wvla -Wpointer-arith -Wswitch-enum
    -Wimplicit-fallthrough -Wnull-dereference -fno-common)

if(OMNIHOOK_WERROR)
    target_compile_options(omnihook_flags INTERFACE -Werror)
endif()

if(OMNIHOOK_SANITIZE)
    target_compile_options(omnihook_flags INTERFACE
        -fsanitize=${OMNIHOOK_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(omnihook_flags INTERFACE -fsanitize=${OMNIHOOK_SANITIZE})
endif()

if(OMNIHOOK_FUZZ)
    # On the libraries too, or libFuzzer sees no coverage in them.
    target_compile_options(omnihook_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

if(CMAKE_BUILD_TYPE STREQUAL "Release")
    set(CMAKE_POSITION_INDEPENDENT_CODE ON)
    include(CheckPIESupported)
    check_pie_supported(LANGUAGES C)
    target_compile_options(omnihook_flags INTERFACE
        -fstack-protector-strong -fstack-clash-protection -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
    target_link_options(omnihook_flags INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack)
    if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|amd64")
        target_compile_options(omnihook_flags INTERFACE -fcf-protection=full)
    endif()
endif()
