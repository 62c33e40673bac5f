/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARKLET_SIM_FAILURE_H
#define ARKLET_SIM_FAILURE_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "lib/base/vec.h"

/*
 * A Java exception with its causes, outermost first, as Arklet shows it: in errorStackTrace of an
 * answer, and as the nested throwable of an asynchronous operation's record.
 */
struct failure_link {
    const char *type; /* class, static */
    char *text;       /* NULL: none */
};

struct failure {
    bool wrapped; /* Arklet puts an ArkletRuntimeException around what a handler threw */
    VEC(struct failure_link) links;
};

/** failure_new() - what a handler threw; failure_cause(): what lay below. @fmt NULL: no text. */
struct failure *failure_new(const char *type, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void failure_cause(struct failure *failure, const char *type, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/** failure_invalid() - a refused input: CommandValidationException. */
struct failure *failure_invalid(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** failure_null_input() - what the JVM says when @handler asks a missing input for @getter. */
struct failure *failure_null_input(const char *handler, const char *getter);

void failure_free(struct failure *failure);

/** failure_text() - what follows "Internal Error: ", owned. */
char *failure_text(const struct failure *failure);

/** failure_trace() - the stack trace, owned. */
char *failure_trace(const struct failure *failure);

/** failure_json() - the throwable of a record. */
cJSON *failure_json(const struct failure *failure);

#define JAVA_INVOCATION "java.lang.reflect.InvocationTargetException"
#define JAVA_ILLEGAL_ARGUMENT "java.lang.IllegalArgumentException"
#define JAVA_ILLEGAL_STATE "java.lang.IllegalStateException"

#endif
