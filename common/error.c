#include "common/error.h"

#include <stdarg.h>
#include <stdio.h>

bool error_set(struct error *err, enum error_code code, const char *format, ...)
{
    if (err == NULL) {
        return false;
    }
    err->code = code;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    return false;
}

const char *error_code_name(enum error_code code)
{
    switch (code) {
    case ERROR_NONE:
        return "none";
    case ERROR_BAD_INPUT:
        return "bad_input";
    case ERROR_NOT_FOUND:
        return "not_found";
    case ERROR_UNAVAILABLE:
        return "unavailable";
    case ERROR_TIMEOUT:
        return "timeout";
    case ERROR_REFUSED:
        return "refused";
    case ERROR_UNAUTHORIZED:
        return "unauthorized";
    case ERROR_PROTOCOL:
        return "protocol";
    case ERROR_FULL:
        return "full";
    case ERROR_CANCELLED:
        return "cancelled";
    case ERROR_LOST:
        return "lost";
    case ERROR_SYSTEM:
        return "system";
    }
    return "unknown";
}
