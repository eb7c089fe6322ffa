#include "wire/reader.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/macros.h"

#define JAPAN "+0900" /* of who reads Japanese: needs no name */

void
reader_time(int64_t at_us, enum reader_language language, char text[READER_SIZE])
{
    time_t seconds = (time_t)(at_us / 1000000);
    struct tm local;
    char zone[8];
    localtime_r(&seconds, &local);
    if (language == READER_ENGLISH) {
        strftime(text, READER_SIZE, "%Y-%m-%d %H:%M:%S %z", &local);
        return;
    }
    strftime(zone, sizeof(zone), "%z", &local);
    size_t used = (size_t)snprintf(text, READER_SIZE, "%d年%d月%d日 %d:%02d:%02d",
                                   local.tm_year + 1900, local.tm_mon + 1, local.tm_mday,
                                   local.tm_hour, local.tm_min, local.tm_sec);
    if (strcmp(zone, JAPAN) != 0 && used < READER_SIZE) {
        snprintf(text + used, READER_SIZE - used, "（UTC%.3s:%s）", zone, zone + 3);
    }
}

void
reader_span(uint64_t seconds, enum reader_language language, char text[READER_SIZE])
{
    static const struct {
        uint64_t size;
        const char *english, *japanese;
    } units[] = {{86400, "d", "日"}, {3600, "h", "時間"}, {60, "min", "分"}, {1, "s", "秒"}};
    size_t at = 0;
    while (at + 1 < COUNT_OF(units) && seconds < units[at].size) {
        at++;
    }
    int used = 0;
    for (size_t i = at; i < COUNT_OF(units) && i < at + 2; i++) {
        uint64_t count = seconds / units[i].size;
        seconds %= units[i].size;
        if (count > 0 || (i == at)) {
            used += snprintf(text + used, READER_SIZE - (size_t)used, "%s%" PRIu64 " %s",
                             used > 0 ? " " : "", count,
                             language == READER_JAPANESE ? units[i].japanese : units[i].english);
        }
    }
}
