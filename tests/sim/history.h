/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_SIM_HISTORY_H
#define KOUPLELESS_SIM_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/clock.h"

/*
 * What happened in a simulated world, a line each. All lines go into a hash, so that two runs can be
 * compared; the last ones are kept for people.
 */
#define HISTORY_TAIL 400

struct history {
    struct clock *clock;
    bool print; /* each line at once, too */
    uint64_t hash;
    size_t count;
    char *tail[HISTORY_TAIL]; /* a ring */
};

/** history_note() - one line, stamped with the time of the world in seconds. */
void history_note(struct history *history, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/** history_print() - the last @lines of it, to the standard output. */
void history_print(const struct history *history, size_t lines);

void history_done(struct history *history);

#endif
