/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CLI_SCREEN_H
#define KOUPLELESS_CLI_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/str.h"

/* Text on stdout that changes: redrawn in place on a terminal, appended elsewhere. Zeroed is empty. */
struct screen {
    size_t lines; /* that are on the terminal */
    char *last;   /* text of the last time; owned */
};

/** screen_is_terminal() - whether stdout is one that can move its cursor. */
bool screen_is_terminal(void);

/** screen_has_utf8() - whether the locale of the user is one of UTF-8. */
bool screen_has_utf8(void);

/** screen_draw() - replaces what was drawn before by @text. What does not fit is cut. */
void screen_draw(struct screen *screen, const char *text);

/** screen_append() - prints those lines of @text that the last text did not have. */
void screen_append(struct screen *screen, const char *text);

void screen_done(struct screen *screen);

/** screen_cut() - appends the first @rows lines of @text to @out, each at most @columns wide. Pure. Return: lines. */
size_t screen_cut(const char *text, size_t rows, size_t columns, struct str *out);

/** screen_new_lines() - appends the lines of @text that @before (may be NULL) does not have to @out. Pure. */
void screen_new_lines(const char *before, const char *text, struct str *out);

#endif
