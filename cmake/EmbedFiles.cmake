# embed_files(<target> <file>...): compiles each file into <target> as a byte array.
#
# common/lua/beat.lua becomes  const unsigned char embedded_beat_lua[]  and
# const size_t embedded_beat_lua_size; declare them where they are used. The array is followed by a
# 0 byte that the size does not count. An array, not a literal: ISO C promises only 4,095
# characters in one.
function(embed_files target)
    foreach(file IN LISTS ARGN)
        get_filename_component(name "${file}" NAME)
        string(MAKE_C_IDENTIFIER "embedded_${name}" symbol)
        set(output "${CMAKE_CURRENT_BINARY_DIR}/embedded/${symbol}.c")
        get_filename_component(input "${file}" ABSOLUTE)
        add_custom_command(
            OUTPUT "${output}"
            COMMAND "${CMAKE_COMMAND}" -DINPUT=${input} -DOUTPUT=${output} -DSYMBOL=${symbol}
                    -P "${PROJECT_SOURCE_DIR}/cmake/embed_file.cmake"
            DEPENDS "${input}" "${PROJECT_SOURCE_DIR}/cmake/embed_file.cmake"
            VERBATIM)
        target_sources(${target} PRIVATE "${output}")
    endforeach()
endfunction()

# embed_pages(<target> <folder>): embeds all files of the folder, if it is there, and the table of
# them that api/dashboard_files.c looks into. index.html is the page "/".
function(embed_pages target folder)
    file(GLOB files CONFIGURE_DEPENDS "${folder}/*.html" "${folder}/*.css" "${folder}/*.js"
        "${folder}/*.svg")
    if(NOT files)
        return()
    endif()
    set(declarations "")
    set(rows "")
    foreach(file IN LISTS files)
        get_filename_component(name "${file}" NAME)
        string(MAKE_C_IDENTIFIER "embedded_${name}" symbol)
        string(APPEND declarations "extern const unsigned char ${symbol}[];\n"
            "extern const size_t ${symbol}_size;\n")
        if(name STREQUAL "index.html")
            set(name "")
        endif()
        string(APPEND rows "    {\"/${name}\", ${symbol}, &${symbol}_size},\n")
    endforeach()
    set(output "${CMAKE_CURRENT_BINARY_DIR}/embedded/dashboard_files.c")
    file(GENERATE OUTPUT "${output}" CONTENT
        "#include \"api/dashboard_files.h\"\n\n${declarations}\nextern const struct dashboard_file dashboard_files[];\nconst struct dashboard_file dashboard_files[] = {\n${rows}    {0}};\n")
    target_sources(${target} PRIVATE "${output}")
    embed_files(${target} ${files})
endfunction()
