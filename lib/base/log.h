/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_BASE_LOG_H
#define KOUPLELESS_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"

/*
 * One line per event on a file descriptor, key=value or JSON. The log is passed in; lib/ and pure
 * code never log, services log once, where an error is decided. Any thread; one write(2) per line.
 * Long values are cut ("..."); where a line would be longer than LIMIT_LOG_LINE all the same, its
 * fields are replaced by truncated=true. A line is UTF-8 whatever the values are.
 *
 *     log_warn(log, "install failed, retrying", LOG_STR("module", name), LOG_INT("attempt", n));
 */
enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_TEXT, LOG_JSON };

struct log;
struct clock;

struct log_field {
    const char *key;
    enum { LOG_FIELD_STR, LOG_FIELD_INT, LOG_FIELD_BOOL } type;
    const char *str; /* NULL is written as "" */
    int64_t num;
};

#define LOG_STR(k, v) ((struct log_field){.key = (k), .type = LOG_FIELD_STR, .str = (v)})
#define LOG_INT(k, v) ((struct log_field){.key = (k), .type = LOG_FIELD_INT, .num = (v)})
#define LOG_BOOL(k, v) ((struct log_field){.key = (k), .type = LOG_FIELD_BOOL, .num = (v)})

/** LOG_ERR() - the message of a struct err, key "error". */
#define LOG_ERR(e) LOG_STR("error", (e) ? (e)->message : "")

/** log_new() - a log that writes lines of at least @level to @fd (not closed by it). */
struct log *log_new(int fd, enum log_level level, enum log_format format, struct clock *clock);
void log_free(struct log *log);

bool log_level_parse(const char *name, enum log_level *ret);   /* debug info warn error */
bool log_format_parse(const char *name, enum log_format *ret); /* text json */

/** log_write() - use the macros below. @log may be NULL: nothing is written. */
void log_write(struct log *log, enum log_level level, const char *message,
               const struct log_field *fields, int count);

#define LOG_FIELDS_(...) ((struct log_field[]){{0}, ##__VA_ARGS__})
#define LOG_COUNT_(...) ((int)(sizeof(LOG_FIELDS_(__VA_ARGS__)) / sizeof(struct log_field)) - 1)
#define LOG_AT_(log, level, message, ...)                                                          \
    log_write(log, level, message, LOG_FIELDS_(__VA_ARGS__) + 1, LOG_COUNT_(__VA_ARGS__))
#define log_debug(log, ...) LOG_AT_(log, LOG_DEBUG, __VA_ARGS__)
#define log_info(log, ...) LOG_AT_(log, LOG_INFO, __VA_ARGS__)
#define log_warn(log, ...) LOG_AT_(log, LOG_WARN, __VA_ARGS__)
#define log_error(log, ...) LOG_AT_(log, LOG_ERROR, __VA_ARGS__)

#endif
