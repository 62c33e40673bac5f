/* SPDX-License-Identifier: Apache-2.0 */
#include "clients/cli/screen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lib/base/limits.h"

#define TEXT_MAX LIMIT_MIB(64)
#define ROWS_DEFAULT 24
#define COLUMNS_DEFAULT 80

bool screen_is_terminal(void)
{
    const char *term = getenv("TERM");
    return isatty(STDOUT_FILENO) && !str_empty(term) && !str_eq(term, "dumb");
}

bool screen_has_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *value = getenv(names[i]);
        if (value && *value)
            return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
    }
    return false;
}

/* -- pure -- */

static size_t line_length(const char *text)
{
    return strcspn(text, "\n");
}

/* Bytes of the first @columns code points of a line of @len bytes. */
static size_t cut_bytes(const char *line, size_t len, size_t columns)
{
    size_t width = 0;
    for (size_t i = 0; i < len; i++) {
        bool begins = ((unsigned char)line[i] & 0xC0) != 0x80;
        if (begins && width == columns)
            return i;
        width += begins;
    }
    return len;
}

size_t screen_cut(const char *text, size_t rows, size_t columns, struct str *out)
{
    size_t lines = 0;
    while (*text && lines < rows) {
        size_t len = line_length(text);
        str_add_bytes(out, text, cut_bytes(text, len, columns));
        str_add_char(out, '\n');
        text += len + (text[len] == '\n');
        lines++;
    }
    return lines;
}

static bool has_line(const char *text, const char *line, size_t len)
{
    while (text && *text) {
        size_t other = line_length(text);
        if (other == len && memcmp(text, line, len) == 0)
            return true;
        text += other + (text[other] == '\n');
    }
    return false;
}

void screen_new_lines(const char *before, const char *text, struct str *out)
{
    while (*text) {
        size_t len = line_length(text);
        if (!has_line(before, text, len)) {
            str_add_bytes(out, text, len);
            str_add_char(out, '\n');
        }
        text += len + (text[len] == '\n');
    }
}

/* -- stdout -- */

void screen_draw(struct screen *screen, const char *text)
{
    struct winsize size = {0};
    AUTO_STR struct str out = STR_INIT(TEXT_MAX);
    ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
    size_t rows = size.ws_row ? size.ws_row : ROWS_DEFAULT;
    size_t columns = size.ws_col ? size.ws_col : COLUMNS_DEFAULT;
    if (screen->lines)
        str_printf(&out, "\033[%zuA", screen->lines); /* up to where it began */
    str_add(&out, "\r\033[J");                        /* clear to the end */
    screen->lines = screen_cut(text, rows > 1 ? rows - 1 : 1, columns, &out);
    fputs(str_text(&out), stdout);
    fflush(stdout);
}

void screen_append(struct screen *screen, const char *text)
{
    AUTO_STR struct str out = STR_INIT(TEXT_MAX);
    screen_new_lines(screen->last, text, &out);
    mem_replace(&screen->last, text);
    fputs(str_text(&out), stdout);
    fflush(stdout);
}

void screen_done(struct screen *screen)
{
    mem_free(screen->last);
    screen->last = NULL;
}
