/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_BASE_ERR_H
#define KOUPLELESS_BASE_ERR_H

#include <stdbool.h>

#include "lib/base/mem.h"

/*
 * Errors as objects.
 *
 * A function that can fail takes `struct err **err` as its last parameter, returns -1 (or NULL) and
 * sets *err; on success *err and on failure all other outputs stay untouched. The code decides what
 * the caller does (retry, give up, tell the user); the message is for people. An expected outcome,
 * such as "no base fits", is a value of the function and not an error.
 */

/* code, name in logs, retry helps */
#define ERR_CODE_MAP(X)                                                                            \
    X(ERR_INVALID, "INVALID", false) /* the request itself is wrong; field may be set */           \
    X(ERR_NOT_FOUND, "NOT_FOUND", false)                                                           \
    X(ERR_EXISTS, "EXISTS", false)                                                                 \
    X(ERR_CONFLICT, "CONFLICT", true)          /* stale resource version, or a lock held */        \
    X(ERR_EXPIRED, "EXPIRED", true)            /* a watch version that is no longer kept */        \
    X(ERR_PRECONDITION, "PRECONDITION", false) /* right request, wrong state */                    \
    X(ERR_DENIED, "DENIED", false)                                                                 \
    X(ERR_UNAUTHENTICATED, "UNAUTHENTICATED", false)                                               \
    X(ERR_UNAVAILABLE, "UNAVAILABLE", true) /* peer away, connection refused or lost */            \
    X(ERR_TIMEOUT, "TIMEOUT", true)         /* outcome unknown */                                  \
    X(ERR_LIMIT, "LIMIT", true)             /* a bound of lib/base/limits.h, or no capacity */     \
    X(ERR_CANCELLED, "CANCELLED", false)                                                           \
    X(ERR_UNIMPLEMENTED, "UNIMPLEMENTED", false)                                                   \
    X(ERR_DATA_LOSS, "DATA_LOSS", false) /* a file is damaged, or an answer broke off */           \
    X(ERR_INTERNAL, "INTERNAL", true)

enum err_code {
#define X(code, name, retry) code,
    ERR_CODE_MAP(X)
#undef X
        ERR_CODE_MAX_
};

struct err {
    enum err_code code;
    char *message; /* one line, for people; owned */
    char *reason;  /* UPPER_SNAKE_CASE for programs (docs/errors.md), or NULL; owned */
    char *field;   /* path of the wrong field, "spec.replicas", or NULL; owned */
};

/** err_set() - fill *@err (which may be NULL: nobody wants to know). Return: -1, to return at once. */
int err_set(struct err **err, enum err_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/** err_field() - ERR_INVALID about the field @field; the message is "@field: ...". Return: -1. */
int err_field(struct err **err, const char *field, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/** err_wrap() - put "...: " before the message on the way up. Return: -1. */
int err_wrap(struct err **err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** err_reason() - set the reason for programs. Return: -1. */
int err_reason(struct err **err, const char *reason);

/** err_move() - hand @from over to *@err (or free it where @err is NULL). Return: -1. */
int err_move(struct err **err, struct err *from);

struct err *err_copy(const struct err *err); /* NULL gives NULL */
void err_free(struct err *err);
void err_clear(struct err **err); /* frees *err and sets it to NULL */

const char *err_code_name(enum err_code code);

/** err_retryable() - whether doing the same again later can succeed. */
bool err_retryable(enum err_code code);

/** err_outcome_unknown() - whether what was asked for may have been done all the same, or be done yet. */
bool err_outcome_unknown(const struct err *err);

/** AUTO_ERR struct err *err = NULL; is freed at the end of its scope. */
#define AUTO_ERR AUTO(err_clear)

/* Clang's analyser does not look into other files: it is told what these return. */
#if defined(__clang_analyzer__) && !defined(ERR_DEFINITIONS)
#define err_set(...) ((void)err_set(__VA_ARGS__), -1)
#define err_field(...) ((void)err_field(__VA_ARGS__), -1)
#define err_wrap(...) ((void)err_wrap(__VA_ARGS__), -1)
#define err_reason(...) ((void)err_reason(__VA_ARGS__), -1)
#define err_move(...) ((void)err_move(__VA_ARGS__), -1)
#endif

#endif
