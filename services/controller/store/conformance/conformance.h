/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_STORE_CONFORMANCE_H
#define KOUPLELESS_CONTROLLER_STORE_CONFORMANCE_H

#include <stdbool.h>

#include "services/controller/store/store.h"

/*
 * The conformance suite: what every store must do, written against store.h alone. An implementation
 * says how to make one and runs the suite from its own test program.
 */
/* When objects go whose owners are gone: in Kubernetes another program sees to it. */
enum conformance_cascade { CASCADE_AT_ONCE, CASCADE_LATER };

struct conformance {
    const char *name; /* of the implementation, for the output */

    /* Makes `store`, with two namespaces that exist and hold nothing; before each case. */
    void (*make)(struct conformance *conformance);
    void (*drop)(struct conformance *conformance); /* after each case */

    enum conformance_cascade cascade;

    struct store *store;
    /* The other one is what the first one begins with, "x-2" and "x": so they come in lists. */
    const char *namespace, *other_namespace;
};

/** conformance_run() - all cases, under cmocka. Return: the number that failed. */
int conformance_run(struct conformance *conformance);

#endif
