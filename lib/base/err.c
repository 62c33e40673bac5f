/* SPDX-License-Identifier: Apache-2.0 */
#define ERR_DEFINITIONS /* the functions themselves */
#include "lib/base/err.h"

#include "lib/base/assert.h"

static const struct {
    const char *name;
    bool retryable;
} codes[ERR_CODE_MAX_] = {
#define X(code, name, retry) [code] = {name, retry},
    ERR_CODE_MAP(X)
#undef X
};

static int set_text(struct err **err, enum err_code code, char *message)
{
    if (!err) {
        mem_free(message);
        return -1;
    }
    ASSERT(!*err);
    *err = NEW(struct err);
    (*err)->code = code;
    (*err)->message = message;
    return -1;
}

int err_set(struct err **err, enum err_code code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    char *message = mem_vprintf(fmt, args);
    va_end(args);
    return set_text(err, code, message);
}

int err_field(struct err **err, const char *field, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    AUTO_FREE char *text = mem_vprintf(fmt, args);
    va_end(args);
    set_text(err, ERR_INVALID, mem_printf("%s: %s", field, text));
    if (err)
        (*err)->field = mem_strdup(field);
    return -1;
}

int err_wrap(struct err **err, const char *fmt, ...)
{
    if (!err || !*err)
        return -1;
    va_list args;
    va_start(args, fmt);
    AUTO_FREE char *context = mem_vprintf(fmt, args);
    va_end(args);
    AUTO_FREE char *old = (*err)->message;
    (*err)->message = mem_printf("%s: %s", context, old);
    return -1;
}

int err_reason(struct err **err, const char *reason)
{
    if (err && *err)
        mem_replace(&(*err)->reason, reason);
    return -1;
}

int err_move(struct err **err, struct err *from)
{
    if (err) {
        ASSERT(!*err);
        *err = from;
    } else {
        err_free(from);
    }
    return -1;
}

struct err *err_copy(const struct err *err)
{
    if (!err)
        return NULL;
    struct err *copy = NEW(struct err);
    copy->code = err->code;
    copy->message = mem_strdup(err->message);
    copy->reason = mem_strdup(err->reason);
    copy->field = mem_strdup(err->field);
    return copy;
}

void err_free(struct err *err)
{
    if (!err)
        return;
    mem_free(err->message);
    mem_free(err->reason);
    mem_free(err->field);
    mem_free(err);
}

void err_clear(struct err **err)
{
    err_free(*err);
    *err = NULL;
}

const char *err_code_name(enum err_code code)
{
    return (unsigned)code < ERR_CODE_MAX_ ? codes[code].name : "UNKNOWN";
}

bool err_retryable(enum err_code code)
{
    return (unsigned)code < ERR_CODE_MAX_ && codes[code].retryable;
}

bool err_outcome_unknown(const struct err *err)
{
    switch (err->code) {
    case ERR_UNAVAILABLE:
    case ERR_TIMEOUT:
    case ERR_CANCELLED:
    case ERR_DATA_LOSS:
    case ERR_INTERNAL:
        return true;
    default:
        return false;
    }
}
