/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARKLET_SIM_JAR_H
#define ARKLET_SIM_JAR_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "tests/support/arklet-sim/failure.h"

/*
 * What the manifest of a module's jar says: its identity, which alone counts (never the request's),
 * and how it behaves. The Test-* attributes are those of the Java module in tests/support/javabase.
 */
struct jar {
    char *name, *version;
    char *context;    /* web-context-path */
    char *main_class; /* "" if none */
    int priority;     /* 100 unless said */
    int64_t start_sleep_ms, stop_sleep_ms;
    char *fail; /* "main", "bean" or "" */
    bool web;   /* opens a web context; false also without Spring */
    bool spring;
};

void jar_free(struct jar *jar);

/** Exactly one of @jar (now the callee's) and @failure (too) is set. */
typedef void jar_fetched_fn(void *arg, struct jar *jar, struct failure *failure);

struct jar_fetch;

/**
 * jar_fetch() - read the jar at @url as java.net.URL would: file: and http: (without redirects)
 * @ret: a handle for jar_fetch_cancel() while @fetched has not run, then NULL; @fetched runs before
 *       this returns where there is nothing to wait for
 */
void jar_fetch(struct event_base *events, const char *url, struct jar_fetch **ret,
               jar_fetched_fn *fetched, void *arg);

/** jar_fetch_cancel() - @fetched will not run; NULL is fine. */
void jar_fetch_cancel(struct jar_fetch *fetch);

#endif
