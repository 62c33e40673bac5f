/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_AGENT_JAR_DOWNLOAD_H
#define KOUPLELESS_AGENT_JAR_DOWNLOAD_H

#include "lib/base/rand.h"
#include "services/agent/engine/failure.h"
#include "services/agent/jar_digest.h"
#include "services/agent/jars.h"

/*
 * One jar, by http or https, into a file of its own. What breaks off goes on where it stopped; the third and last
 * attempt is one from the start. Between attempts there is a pause that grows and is random, since all agents of a fleet
 * meet the same fault; a server that says how long to wait (Retry-After) is not asked before, but for a minute at most. Belongs
 * to the loop thread. Embedded in the caller's struct; it must stay where it is until done() was called.
 */
struct jar_download {
    const struct jars_options *options; /* borrowed, as all of these */
    struct rand *rand;
    const char *url, *path;
    const char *shown;                           /* the url, in messages */
    bool md5;                                    /* whether that digest is wanted */
    struct jars_progress *progress;              /* or NULL */
    void (*done)(struct jar_download *download); /* once for each start, on the loop */

    /* At the end. FAILED_NONE: the file is whole, and here are its digests. Else PULL, PULL_TIMED_OUT, URL, NOT_A_MODULE,
     * DISK_FULL. */
    struct failure failure;
    char *sha256_digest, *md5_digest;

    /* Its own. */
    struct loop_event ended; /* an attempt */
    struct loop_timer pause;
    int64_t due_ms;            /* of all attempts together */
    int64_t bytes;             /* in the file */
    struct jar_digest *digest; /* of these */
    int64_t retry_after_ms;
    int fd, attempts;
    bool running, closed;
    bool resumed; /* the attempt goes on with the one before */
    bool again;   /* it failed, and another one may help */
    bool busy;    /* the server has too much to do, or is not well */
};

/** jar_download_start() - from the start of the file; all that is asked for above is set. */
void jar_download_start(struct jar_download *download);

/** jar_download_go_on() - after DISK_FULL, when there is room: where it stopped, in the time that is left. */
void jar_download_go_on(struct jar_download *download);

/** jar_download_close() - no more attempts: it fails when the one under way has ended, or with the loop's next turn. */
void jar_download_close(struct jar_download *download);

void jar_download_free(struct jar_download *download); /* what it has; it does not run */

#endif
