#include "common/now.h"

#include <stdio.h>
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

char *now_iso(char text[NOW_ISO_SIZE], int64_t wall_ms)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm parts;
    if (wall_ms < 0 || wall_ms > INT64_C(253402300799999) || gmtime_r(&seconds, &parts) == NULL) {
        return memcpy(text, "1970-01-01T00:00:00.000Z", NOW_ISO_SIZE); /* not a time of ours */
    }
    char day[sizeof "1970-01-01T00:00:00"];
    (void)strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &parts);
    (void)snprintf(text, NOW_ISO_SIZE, "%s.%03dZ", day, (int)(wall_ms % 1000));
    return text;
}
