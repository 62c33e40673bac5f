/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_AGENT_ENGINE_FAILURE_H
#define KOUPLELESS_AGENT_ENGINE_FAILURE_H

#include <stdbool.h>

#include "services/agent/engine/arklet_answer.h"

/*
 * Why an operation failed, in the two-level codes of the user documentation (module-operation-v2,
 * error codes): <Source>.<Type>. Nothing in Koupleless itself emits them; this table is the one place
 * that maps what was observed to them.
 */
enum failure_kind {
    FAILED_NONE,
    FAILED_UNREACHABLE,       /* Arklet's port is closed: nothing was done */
    FAILED_LOST,              /* no whole answer came, and the module is not there */
    FAILED_TIMED_OUT,         /* still not known when the time was over */
    FAILED_BUSY,              /* another operation on the module holds Arklet's lock */
    FAILED_PULL,              /* the jar can't be had */
    FAILED_PULL_TIMED_OUT,    /* ... in time */
    FAILED_URL,               /* the url is none */
    FAILED_DIGEST_MISMATCH,   /* the jar is not the one that was declared */
    FAILED_NOT_A_MODULE,      /* no zip, or no Ark-Biz-Name in its manifest */
    FAILED_IDENTITY_MISMATCH, /* the manifest names another module or version */
    FAILED_WEB_PATH_IN_USE,   /* its web context path is served by another module or version */
    FAILED_OTHER_JAR,         /* this version runs from another jar */
    FAILED_CRASHES_BASE,      /* the base died of this jar, again and again */
    FAILED_DISK_FULL,
    FAILED_METASPACE_FULL,
    FAILED_START,       /* the module's own code failed */
    FAILED_NOT_FOUND,   /* switch: no such module */
    FAILED_STATE,       /* switch: the module is in no state for it */
    FAILED_OLD_RUNTIME, /* this Arklet has no such command */
    FAILED_INSTALL,     /* anything else while installing ... */
    FAILED_UNINSTALL,   /* ... uninstalling ... */
    FAILED_OTHER,       /* ... or doing something else */
};

struct failure {
    enum failure_kind kind;
    char *message; /* for people; owned; NULL where nothing failed */
};

/** failure_code() - "Arklet.InstallBizFailed". */
const char *failure_code(enum failure_kind kind);

/** failure_reason() - "WEB_PATH_IN_USE": for callers that decide by it. */
const char *failure_reason(enum failure_kind kind);

/** failure_retryable() - whether the same again can help. */
bool failure_retryable(enum failure_kind kind);

/** failure_find() - the kind of this code and reason; FAILED_OTHER where none has them. */
enum failure_kind failure_find(const char *code, const char *reason);

/** failure_set() - a kind and its text; frees what was there. */
void failure_set(struct failure *failure, enum failure_kind kind, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void failure_done(struct failure *failure);

/**
 * failure_of_answer() - what an answer that is no success means
 * @otherwise: FAILED_INSTALL, FAILED_UNINSTALL or FAILED_OTHER, where nothing more precise fits
 */
void failure_of_answer(const struct arklet_answer *answer, enum failure_kind otherwise,
                       struct failure *out);

#endif
