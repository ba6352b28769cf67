#include "common/now.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>

static int64_t clock_ms(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now); /* cannot fail for clocks that Linux has */
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t now_wall_ms(void)
{
    return clock_ms(CLOCK_REALTIME);
}

int64_t now_mono_ms(void)
{
    return clock_ms(CLOCK_MONOTONIC);
}

int64_t now_mono_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t now_boot_ms(void)
{
    return clock_ms(CLOCK_BOOTTIME);
}

/* Up to the end of the year 9999. */
static bool has_date(int64_t wall_ms)
{
    return wall_ms >= 0 && wall_ms <= INT64_C(253402300799999);
}

char *now_iso(char text[NOW_ISO_SIZE], int64_t wall_ms)
{
    /* The last second's, since most times are asked for more than once. */
    static char second[] = "1970-01-01T00:00:00";
    static time_t printed;

    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm parts;
    if (!has_date(wall_ms)) {
        return memcpy(text, "1970-01-01T00:00:00.000Z", NOW_ISO_SIZE); /* not a time of ours */
    }
    if (seconds != printed && gmtime_r(&seconds, &parts) != NULL) {
        (void)strftime(second, sizeof second, "%Y-%m-%dT%H:%M:%S", &parts);
        printed = seconds;
    }
    int ms = (int)(wall_ms % 1000);
    const char rest[] = {
        '.', (char)('0' + ms / 100), (char)('0' + ms / 10 % 10), (char)('0' + ms % 10), 'Z', '\0'};
    memcpy(text, second, sizeof second - 1);
    memcpy(text + sizeof second - 1, rest, sizeof rest);
    return text;
}

char *now_http(char text[NOW_HTTP_SIZE], int64_t wall_ms)
{
    static char second[NOW_HTTP_SIZE] = "Thu, 01 Jan 1970 00:00:00 GMT"; /* the last */
    static time_t printed;

    time_t seconds = has_date(wall_ms) ? (time_t)(wall_ms / 1000) : 0;
    struct tm parts;
    if (seconds != printed && gmtime_r(&seconds, &parts) != NULL) {
        /* No program of ours calls setlocale: the names are English. */
        (void)strftime(second, sizeof second, "%a, %d %b %Y %H:%M:%S GMT", &parts);
        printed = seconds;
    }
    return memcpy(text, second, sizeof second);
}
