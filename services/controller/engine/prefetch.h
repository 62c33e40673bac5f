/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_ENGINE_PREFETCH_H
#define KOUPLELESS_CONTROLLER_ENGINE_PREFETCH_H

#include "services/controller/engine/view.h"

/*
 * Which bases fetch the jar of a release before it is their turn, so that the time of a batch is the time of its installs:
 * those with an old instance that is to be replaced where it is. A help, and no promise: each base is looked at once for
 * each release, nothing waits for it, and nothing comes of it where it fails.
 */
struct prefetch {
    char *revision;   /* that was released when this was asked last; owned, NULL: none */
    size_t at;        /* bases that were looked at */
    int32_t failures; /* so far; the caller counts */
    bool useless; /* an agent keeps no jars, or is too old; they are all alike. Set by the caller */
};

/* Then there is something wrong with the jar or with where it is, and each further base only asks for more of that. */
#define PREFETCH_FAILURES_MAX 3

/**
 * prefetch_update() - the revision whose jar is to be fetched now; NULL: none is
 *
 * That of a release that runs, or waits for its gate or its gray time, and is not stopped by a person. Its sha256 is
 * declared: else an install fetches what the url gives then. Begins @prefetch anew where it is another one than before.
 */
const struct revision *prefetch_update(const struct deployment_view *view,
                                       struct prefetch *prefetch);

/** prefetch_next() - the next base that is to fetch that jar; NULL: there is none any more. */
struct base_state *prefetch_next(const struct deployment_view *view, const struct revision *update,
                                 struct prefetch *prefetch);

void prefetch_done(struct prefetch *prefetch);

#endif
