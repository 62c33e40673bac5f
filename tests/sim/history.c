/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/history.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/str.h"

#define HASH_FACTOR 0x100000001b3u

void history_note(struct history *history, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    AUTO_FREE char *what = mem_vprintf(fmt, args);
    va_end(args);
    double seconds = (double)clock_mono_ms(history->clock) / 1e3;
    char *line = mem_printf("%9.3f  %s", seconds, what);
    history->hash = (history->hash ^ str_hash(line, strlen(line))) * HASH_FACTOR;
    char **slot = &history->tail[history->count++ % HISTORY_TAIL];
    mem_free(*slot);
    *slot = line;
    if (history->print)
        (void)printf("%s\n", line);
}

void history_print(const struct history *history, size_t lines)
{
    size_t kept = history->count < HISTORY_TAIL ? history->count : HISTORY_TAIL;
    size_t shown = lines < kept ? lines : kept;
    for (size_t i = history->count - shown; i < history->count; i++)
        (void)printf("%s\n", history->tail[i % HISTORY_TAIL]);
}

void history_done(struct history *history)
{
    for (size_t i = 0; i < HISTORY_TAIL; i++)
        mem_free(history->tail[i]);
}
