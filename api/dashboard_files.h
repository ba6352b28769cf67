/* The files of the page, api/dashboard/, compiled in. */
#ifndef OMNIHOOK_API_DASHBOARD_FILES_H
#define OMNIHOOK_API_DASHBOARD_FILES_H

#include <stddef.h>

struct dashboard_file {
    const char *path; /* "/dashboard.css"; index.html is "/" */
    const unsigned char *bytes;
    const size_t *size;
};

/* NULL when there is none. */
const struct dashboard_file *dashboard_file_find(const char *path);
/* By the end of its name. */
const char *dashboard_file_type(const struct dashboard_file *file);

#endif
