#include "api/dashboard_files.h"

#include <string.h>

/* CMakeLists.txt writes it, from what is in the folder. Ends with a path of NULL. */
extern const struct dashboard_file dashboard_files[];

const struct dashboard_file *dashboard_file_find(const char *path)
{
    for (const struct dashboard_file *file = dashboard_files; file->path != NULL; file++) {
        if (strcmp(file->path, path) == 0) {
            return file;
        }
    }
    return NULL;
}

const char *dashboard_file_type(const struct dashboard_file *file)
{
    static const struct {
        const char *end;
        const char *type;
    } types[] = {
        {".css", "text/css; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".svg", "image/svg+xml"},
    };
    const char *end = strrchr(file->path, '.');
    for (size_t i = 0; end != NULL && i < sizeof types / sizeof *types; i++) {
        if (strcmp(types[i].end, end) == 0) {
            return types[i].type;
        }
    }
    return "text/html; charset=utf-8";
}
