#include "common/retry_after.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

enum { SECONDS_PER_DAY = 86400, SECONDS_MAX = 1000000000 };

/* ---- A small reader: each step returns false, and moves nothing of use, when it does not fit ----
 */

static bool read_digits(const char **at, int count, int *value)
{
    int read = 0;
    for (int i = 0; i < count; i++) {
        if (!isdigit((unsigned char)(*at)[i])) {
            return false;
        }
        read = read * 10 + ((*at)[i] - '0');
    }
    *at += count;
    *value = read;
    return true;
}

static bool read_text(const char **at, const char *text)
{
    size_t size = strlen(text);
    if (strncasecmp(*at, text, size) != 0) {
        return false;
    }
    *at += size;
    return true;
}

static bool read_month(const char **at, int *month)
{
    static const char *const names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    for (int i = 0; i < 12; i++) {
        if (read_text(at, names[i])) {
            *month = i + 1;
            return true;
        }
    }
    return false;
}

struct date {
    int year;
    int month; /* 1 .. 12 */
    int day;
    int hour;
    int minute;
    int second;
};

static bool read_time(const char **at, struct date *date)
{
    return read_digits(at, 2, &date->hour) && read_text(at, ":") &&
           read_digits(at, 2, &date->minute) && read_text(at, ":") &&
           read_digits(at, 2, &date->second);
}

/* Behind the name of the day: "06 Nov 1994 08:49:37 GMT". */
static bool read_fixdate(const char *at, struct date *date)
{
    return read_digits(&at, 2, &date->day) && read_text(&at, " ") &&
           read_month(&at, &date->month) && read_text(&at, " ") &&
           read_digits(&at, 4, &date->year) && read_text(&at, " ") && read_time(&at, date) &&
           read_text(&at, " GMT") && *at == '\0';
}

/* Behind the name of the day: "06-Nov-94 08:49:37 GMT". */
static bool read_rfc850(const char *at, int year_now, struct date *date)
{
    bool is_read = read_digits(&at, 2, &date->day) && read_text(&at, "-") &&
                   read_month(&at, &date->month) && read_text(&at, "-") &&
                   read_digits(&at, 2, &date->year) && read_text(&at, " ") &&
                   read_time(&at, date) && read_text(&at, " GMT") && *at == '\0';
    date->year += year_now - year_now % 100;
    if (date->year > year_now + 50) {
        date->year -= 100;
    }
    return is_read;
}

/* Behind the name of the day: "Nov  6 08:49:37 1994". */
static bool read_asctime(const char *at, struct date *date)
{
    if (!read_month(&at, &date->month) || !read_text(&at, " ")) {
        return false;
    }
    bool has_day =
        read_text(&at, " ") ? read_digits(&at, 1, &date->day) : read_digits(&at, 2, &date->day);
    return has_day && read_text(&at, " ") && read_time(&at, date) && read_text(&at, " ") &&
           read_digits(&at, 4, &date->year) && *at == '\0';
}

static bool is_possible(const struct date *date)
{
    /* 60: a leap second. */
    return date->year >= 1970 && date->day >= 1 && date->day <= 31 && date->hour <= 23 &&
           date->minute <= 59 && date->second <= 60;
}

/* Howard Hinnant's days_from_civil, for years from 1970 on. */
static int64_t days_since_1970(const struct date *date)
{
    int64_t year = date->month <= 2 ? date->year - 1 : date->year;
    int64_t era = year / 400;
    int64_t year_of_era = year - era * 400;
    int64_t month_from_march = (date->month + 9) % 12;
    int64_t day_of_year = (153 * month_from_march + 2) / 5 + date->day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

int64_t http_date_s(const char *text, int64_t now_wall_ms)
{
    struct date date = {0};
    int year_now = 1970 + (int)(now_wall_ms / 1000 / 31556952); /* a mean year in seconds */
    const char *comma = strchr(text, ',');
    bool is_read = false;
    if (comma == NULL) {
        const char *space = strchr(text, ' ');
        is_read = space != NULL && read_asctime(space + 1, &date);
    } else if (comma[1] == ' ') {
        is_read = read_fixdate(comma + 2, &date) || read_rfc850(comma + 2, year_now, &date);
    }
    if (!is_read || !is_possible(&date)) {
        return -1;
    }
    return days_since_1970(&date) * SECONDS_PER_DAY + INT64_C(3600) * date.hour +
           INT64_C(60) * date.minute + date.second;
}

/* "12" or "1.5", rounded up; RETRY_AFTER_NONE when it is neither. */
static int64_t read_seconds(const char *at)
{
    if (!isdigit((unsigned char)*at)) {
        return RETRY_AFTER_NONE;
    }
    int64_t seconds = 0;
    for (; isdigit((unsigned char)*at); at++) {
        /* The digits may be many: what is beyond the ceiling stays there. */
        seconds = seconds >= SECONDS_MAX ? SECONDS_MAX : seconds * 10 + (*at - '0');
    }
    bool has_rest = false;
    if (*at == '.') {
        for (at++; isdigit((unsigned char)*at); at++) {
            has_rest = has_rest || *at != '0';
        }
    }
    return *at == '\0' ? seconds + has_rest : RETRY_AFTER_NONE;
}

int64_t retry_after_ms(const char *value, const char *date, int64_t now_wall_ms, int64_t max_ms)
{
    while (*value == ' ' || *value == '\t') {
        value++;
    }
    int64_t seconds = read_seconds(value);
    if (seconds == RETRY_AFTER_NONE) {
        int64_t until_s = http_date_s(value, now_wall_ms);
        if (until_s < 0) {
            return RETRY_AFTER_NONE;
        }
        int64_t from_s = http_date_s(date, now_wall_ms);
        seconds = until_s - (from_s >= 0 ? from_s : now_wall_ms / 1000);
    }
    if (seconds < 0) {
        return 0;
    }
    return seconds > max_ms / 1000 ? max_ms : seconds * 1000;
}
