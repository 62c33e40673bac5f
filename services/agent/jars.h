/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_AGENT_JARS_H
#define KOUPLELESS_AGENT_JARS_H

#include "lib/http/client.h"
#include "lib/model/module_deployment.h"
#include "services/agent/jar_file.h"
#include "services/agent/worker.h"

/*
 * Jars: fetched by http, https or file, checked against what was declared, and cached by digest in a
 * directory that the base shares. Where no directory is shared the jar is checked all the same, in a
 * private one, and the base then fetches the url itself.
 */
struct jars;

struct jars_options {
    struct loop *loop;
    struct http_client *http;
    struct worker *worker;
    const char *cache_dir;  /* shared with the base; NULL = none is */
    int64_t cache_bytes;    /* its jars have together; more where they are in use */
    int64_t download_ms;    /* for the whole of one download */
    const char *netrc_file; /* credentials for downloads, or NULL */
    const char *ca_file;    /* whom https is believed, or NULL: the system's */
};

/** jars_new() - makes the directory and removes what a killed agent left half-way a day ago. ERR_INVALID: it can't be used. */
int jars_new(struct jars **out, const struct jars_options *options, struct err **err);

/**
 * jars_keep() - who knows which jars must stay in the cache, however many they are
 * @each: calls @fn with the sha256 of each; on the loop thread
 */
void jars_keep(struct jars *jars,
               void (*each)(void *owner, void (*fn)(void *user, const char *digest), void *user),
               void *owner);

/** jars_close() - no more downloads: those that run fail, and so does what is fetched from now on. */
void jars_close(struct jars *jars);
void jars_free(struct jars *jars); /* after http client and worker ended */

/* A jar that was fetched and checked. */
struct jar {
    struct jar_facts facts;
    char *url; /* for Arklet: file:///..., or the declared one */
    bool url_passed_through;
};

/** jars_done_fn - exactly one of @jar (now the caller's: jar_free()) and @failure (borrowed) is given. Loop thread. */
typedef void (*jars_done_fn)(void *user, struct jar *jar, const struct failure *failure);

/* How far a download is; read by __atomic_load_n(). */
struct jars_progress {
    int64_t bytes, total; /* total 0 = not known */
};

enum jars_stage { JARS_DOWNLOADING, JARS_VERIFYING };

/**
 * jars_fetch() - have the jar of @module (borrowed for the call)
 * @progress: is kept up to date until @done; may be NULL
 * @on_stage: told where it stands; may be NULL
 *
 * How a download is tried again: jar_download.h. While one runs, the same is not fetched a second time. Where the disk is
 * full all jars of the cache go that nobody needs, and it is tried once more.
 * Failures: PULL, PULL_TIMED_OUT, URL, DIGEST_MISMATCH, NOT_A_MODULE, IDENTITY_MISMATCH, DISK_FULL.
 */
void jars_fetch(struct jars *jars, const struct module_spec *module, struct jars_progress *progress,
                void (*on_stage)(void *user, enum jars_stage stage), jars_done_fn done, void *user);
void jar_free(struct jar *jar);

/** jars_dir() - where files of the agent may be kept, or NULL where no directory is shared. */
const char *jars_dir(const struct jars *jars);

#endif
