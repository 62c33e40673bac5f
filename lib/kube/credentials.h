/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_KUBE_CREDENTIALS_H
#define KOUPLELESS_KUBE_CREDENTIALS_H

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/kube/config.h"

/*
 * Who we are at an API server, kept fresh. A token file is read again after a minute, and at once when its
 * token was refused. A credential program runs again shortly before what it gave expires, and when that was
 * refused; at most every KUBE_PROGRAM_AGAIN_MS, until then its last answer stands, failures too.
 *
 * What a kube_config has first of these is used: token file, token, username, program. Client certificates
 * come on top. Thread-safe. The program has a thread of its own, which ends with it.
 */
struct kube_credentials;

#define KUBE_TOKEN_FILE_MS 60000   /* a token file is read again after this time */
#define KUBE_PROGRAM_MS 60000      /* a credential program that takes longer is killed */
#define KUBE_PROGRAM_AGAIN_MS 5000 /* and does not run again before this time */
#define KUBE_EXPIRY_SLACK_MS 10000 /* what expires within this time has expired: clocks differ */
/* Clocks that differ more, or are set: one that is behind learns of the expiry by a 401 and runs the program then; by
 * one that is ahead everything has expired, and the program runs every KUBE_PROGRAM_AGAIN_MS. */

/* What a request shows; owned by the credentials, valid for the callback. NULL where there is none. */
struct kube_identity {
    const char *authorization; /* "Bearer ..." or "Basic ..." */
    const char *cert_pem, *key_pem;
};

typedef void (*kube_identity_fn)(void *user, const struct kube_identity *identity,
                                 const struct err *err);

/**
 * kube_credentials_new() - nothing is read or run yet
 * @config, @clock: must outlive it
 * @log:            for what could not be renewed while the old one is still good; may be NULL
 */
struct kube_credentials *kube_credentials_new(const struct kube_config *config, struct clock *clock,
                                              struct log *log);

/**
 * kube_credentials_stop() - a program that runs is killed; who waits for it, and who asks from now on, gets
 * ERR_CANCELLED. Any thread; safe to repeat.
 */
void kube_credentials_stop(struct kube_credentials *credentials);

/**
 * kube_credentials_free() - NULL is fine; not from a callback. A program that runs is killed and waited for; callbacks
 * that wait for it get ERR_CANCELLED before this returns.
 */
void kube_credentials_free(struct kube_credentials *credentials);

/**
 * kube_credentials_use() - calls @fn once with the identity; any thread, also from a callback
 * @refused: the server said 401 to this Authorization (owned by the caller; "" = to a request without one): what it
 *           came from is renewed, unless that has been done since; NULL = none was refused
 *
 * At once, before this returns, where it is known and fresh; else on the program's thread after the program ended.
 * Errors: ERR_UNAUTHENTICATED (the program failed, with the last line of its stderr; the file can't be read). No
 * message holds a secret.
 */
void kube_credentials_use(struct kube_credentials *credentials, const char *refused,
                          kube_identity_fn fn, void *user);

#endif
