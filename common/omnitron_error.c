#include "common/omnitron_error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { URL_SHOWN_MAX = 120 };

enum omnitron_failure_kind omnitron_kind_of_status(int status)
{
    switch (status) {
    case 401:
        return OMNITRON_CREDENTIALS;
    case 403:
        return OMNITRON_FORBIDDEN;
    case 404:
    case 405:
        return OMNITRON_WRONG_PATH;
    case 408:
    case 425:
        return OMNITRON_UNREACHABLE;
    case 429:
        return OMNITRON_THROTTLED;
    default:
        break;
    }
    if (status >= 300 && status < 400) {
        return OMNITRON_REDIRECTED;
    }
    if (status >= 400 && status < 500) {
        return OMNITRON_REJECTED;
    }
    return status >= 500 && status < 600 ? OMNITRON_UNREACHABLE : OMNITRON_BROKEN;
}

static enum error_code error_code_of(enum omnitron_failure_kind kind)
{
    switch (kind) {
    case OMNITRON_UNREACHABLE:
    case OMNITRON_THROTTLED:
    case OMNITRON_TLS:
        return ERROR_UNAVAILABLE;
    case OMNITRON_TIMEOUT:
        return ERROR_TIMEOUT;
    case OMNITRON_BROKEN:
    case OMNITRON_REDIRECTED:
        return ERROR_PROTOCOL;
    case OMNITRON_INVALID:
        return ERROR_BAD_INPUT;
    case OMNITRON_CREDENTIALS:
        return ERROR_UNAUTHORIZED;
    case OMNITRON_FORBIDDEN:
    case OMNITRON_REJECTED:
        return ERROR_REFUSED;
    case OMNITRON_WRONG_PATH:
        return ERROR_NOT_FOUND;
    case OMNITRON_CANCELLED:
        return ERROR_CANCELLED;
    }
    return ERROR_SYSTEM;
}

static const char *hint_of(enum omnitron_failure_kind kind)
{
    switch (kind) {
    case OMNITRON_REDIRECTED:
        return " with a redirect, which is not followed; check the base URL";
    case OMNITRON_WRONG_PATH:
        return "; check the base URL and the path";
    case OMNITRON_CREDENTIALS:
        /* Omnitron's own words may be in any language. */
        return "; it rejects the credentials";
    case OMNITRON_UNREACHABLE:
    case OMNITRON_THROTTLED:
    case OMNITRON_TLS:
    case OMNITRON_TIMEOUT:
    case OMNITRON_BROKEN:
    case OMNITRON_INVALID:
    case OMNITRON_FORBIDDEN:
    case OMNITRON_REJECTED:
    case OMNITRON_CANCELLED:
        break;
    }
    return "";
}

void omnitron_failure_set(struct omnitron_failure *failure, enum omnitron_failure_kind kind,
                          int status, const char *format, ...)
{
    *failure = (struct omnitron_failure){.kind = kind, .status = status};
    failure->error.code = error_code_of(kind);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(failure->error.text, sizeof failure->error.text, format, args);
    va_end(args);
}

void omnitron_failure_of_response(struct omnitron_failure *failure, enum omnitron_failure_kind kind,
                                  const char *method, const char *url,
                                  const struct http_response *response,
                                  const struct redaction *redaction)
{
    char quote[OMNITRON_QUOTE_SIZE];
    (void)omnitron_quote(quote, response, redaction);
    size_t shown = strcspn(url, "?#");
    shown = shown > URL_SHOWN_MAX ? URL_SHOWN_MAX : shown;
    omnitron_failure_set(failure, kind, response->status, "Omnitron answered %d to %s %.*s%s%s%s",
                         response->status, method, (int)shown, url, hint_of(kind),
                         quote[0] == '\0' ? "" : ": ", quote);
}

bool omnitron_failure_may_pass(const struct omnitron_failure *failure)
{
    return failure->kind == OMNITRON_UNREACHABLE || failure->kind == OMNITRON_TIMEOUT ||
           failure->kind == OMNITRON_THROTTLED || failure->kind == OMNITRON_BROKEN;
}

bool omnitron_status_is_for_good(int status)
{
    return omnitron_kind_of_status(status) == OMNITRON_REJECTED;
}

bool omnitron_failure_is_for_all(const struct omnitron_failure *failure)
{
    switch (failure->kind) {
    case OMNITRON_THROTTLED:
    case OMNITRON_CREDENTIALS:
    case OMNITRON_FORBIDDEN:
    case OMNITRON_WRONG_PATH:
    case OMNITRON_REDIRECTED:
    case OMNITRON_TLS:
    case OMNITRON_CANCELLED:
        return true;
    case OMNITRON_UNREACHABLE:
    case OMNITRON_TIMEOUT:
    case OMNITRON_BROKEN:
    case OMNITRON_INVALID:
    case OMNITRON_REJECTED:
        return false;
    }
    return false;
}

const char *omnitron_failure_name(enum omnitron_failure_kind kind)
{
    switch (kind) {
    case OMNITRON_UNREACHABLE:
        return "unreachable";
    case OMNITRON_TIMEOUT:
        return "timeout";
    case OMNITRON_THROTTLED:
        return "throttled";
    case OMNITRON_BROKEN:
        return "broken";
    case OMNITRON_INVALID:
        return "invalid";
    case OMNITRON_CREDENTIALS:
        return "credentials";
    case OMNITRON_FORBIDDEN:
        return "forbidden";
    case OMNITRON_WRONG_PATH:
        return "wrong_path";
    case OMNITRON_REDIRECTED:
        return "redirected";
    case OMNITRON_TLS:
        return "tls";
    case OMNITRON_REJECTED:
        return "rejected";
    case OMNITRON_CANCELLED:
        return "cancelled";
    }
    return "unknown";
}
