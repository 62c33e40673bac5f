/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/log.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"

#define VALUE_MAX 2048 /* bytes of one value */
#define HEAD_COUNT 2   /* level and message */

struct log {
    int fd;
    enum log_level level;
    enum log_format format;
    struct clock *clock;
};

static const char *const level_names[] = {"debug", "info", "warn", "error"};

struct log *log_new(int fd, enum log_level level, enum log_format format, struct clock *clock)
{
    struct log *log = NEW(struct log);
    *log = (struct log){fd, level, format, clock};
    return log;
}

void log_free(struct log *log)
{
    mem_free(log);
}

bool log_level_parse(const char *name, enum log_level *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(level_names); i++) {
        if (str_eq(name, level_names[i])) {
            *ret = (enum log_level)i;
            return true;
        }
    }
    return false;
}

bool log_format_parse(const char *name, enum log_format *ret)
{
    bool json = str_eq(name, "json");
    if (!json && !str_eq(name, "text"))
        return false;
    *ret = json ? LOG_JSON : LOG_TEXT;
    return true;
}

/*
 * In double quotes, with everything escaped that would break the line or the JSON. What is longer than
 * VALUE_MAX is cut, so that level and message always fit a line, escaped or not.
 */
static void add_quoted(struct str *line, const char *text)
{
    const char *p = text ? text : "";
    str_add_char(line, '"');
    for (size_t len = 0; *p && p - text < VALUE_MAX; p += len ? len : 1) {
        len = str_utf8(p);
        if (*p == '"' || *p == '\\')
            str_printf(line, "\\%c", *p);
        else if (*p == '\n')
            str_add(line, "\\n");
        else if (len == 0)
            str_add(line, "\\ufffd");
        else if (len == 1 && (*p < 0x20 || *p == 0x7f))
            str_printf(line, "\\u%04x", *p);
        else
            str_add_bytes(line, p, len);
    }
    str_add(line, *p ? "...\"" : "\"");
}

static bool is_plain(const char *text)
{
    size_t len =
        strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:@,+*%");
    return len > 0 && len <= VALUE_MAX && !text[len];
}

static void add_value(struct str *line, const struct log_field *field, enum log_format format)
{
    if (field->type == LOG_FIELD_INT)
        str_printf(line, "%" PRId64, field->num);
    else if (field->type == LOG_FIELD_BOOL)
        str_add(line, field->num ? "true" : "false");
    else if (format == LOG_TEXT && field->str && is_plain(field->str))
        str_add(line, field->str);
    else
        add_quoted(line, field->str);
}

static void add_field(struct str *line, const struct log_field *field, enum log_format format)
{
    if (format == LOG_JSON) {
        str_add_char(line, ',');
        add_quoted(line, field->key);
        str_add_char(line, ':');
    } else {
        str_printf(line, " %s=", field->key);
    }
    add_value(line, field, format);
}

static void add_line(struct str *line, const struct log *log, const char *now,
                     const struct log_field *head, const struct log_field *fields, int count)
{
    str_printf(line, log->format == LOG_JSON ? "{\"time\":\"%s\"" : "time=%s", now);
    for (int i = 0; i < HEAD_COUNT; i++)
        add_field(line, &head[i], log->format);
    for (int i = 0; i < count; i++)
        add_field(line, &fields[i], log->format);
    str_add(line, log->format == LOG_JSON ? "}\n" : "\n");
}

void log_write(struct log *log, enum log_level level, const char *message,
               const struct log_field *fields, int count)
{
    if (!log || level < log->level)
        return;
    char now[TIME_TEXT_SIZE];
    AUTO_STR struct str line = STR_INIT(LIMIT_LOG_LINE);
    time_format(clock_wall_ms(log->clock), now);
    struct log_field head[HEAD_COUNT] = {LOG_STR("level", level_names[level]),
                                         LOG_STR("msg", message)};
    add_line(&line, log, now, head, fields, count);
    if (line.full) {
        struct log_field mark = LOG_BOOL("truncated", true);
        str_clear(&line);
        add_line(&line, log, now, head, &mark, 1);
    }
    (void)!write(log->fd, str_text(&line), line.len); /* nobody could be told */
}
