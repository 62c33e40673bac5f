/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_KUBE_LEASE_H
#define KOUPLELESS_KUBE_LEASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/kube/resource.h"

/*
 * Leadership by a Lease (coordination.k8s.io/v1), as all controllers of Kubernetes have it: one of several candidates
 * holds the Lease and renews it; another takes it over when it is handed back, or when nobody has changed it for the
 * time that its holder promised. That time is measured here, by the monotonic clock, from the moment when a change was
 * seen: clocks of machines are never compared, the stamps in a Lease are for people.
 *
 * Pure: who asks the server, and when, is told by kube_lease_next(); what it answered is told to kube_lease_saw().
 * https://kubernetes.io/docs/concepts/architecture/leases/
 */

extern const struct kube_resource kube_leases;

#define KUBE_LEASE_MS 15000 /* without a change, then others may take it */
/* So long without a renewal its holder acts no more: well before others begin. */
#define KUBE_LEASE_GIVE_UP_MS 10000
#define KUBE_LEASE_RENEW_MS 3000 /* between renewals */
#define KUBE_LEASE_RETRY_MS 2000 /* between looks at the Lease of another, and after what failed */

/* What one candidate knows. Zero but for the identity: nothing. */
struct kube_lease {
    char *identity; /* of the candidate; two of them never have the same */
    char *holder;   /* NULL or "": nobody */
    char *version;  /* resourceVersion that was seen last */
    int64_t transitions;
    int64_t promised_ms; /* by its holder */
    int64_t changed_ms;  /* mono, when `version` was first seen */
    int64_t asked_ms;    /* mono, when the server was last asked for anything */
    int64_t renewed_ms;  /* mono, when the last write was begun that made or kept us its holder */
    int64_t epoch;       /* of our leadership; 0: we don't lead */
    enum { KUBE_LEASE_UNKNOWN, KUBE_LEASE_ABSENT, KUBE_LEASE_PRESENT } state;
    bool asked; /* at all */
};

/** kube_lease_init() - @identity is copied. */
void kube_lease_init(struct kube_lease *lease, const char *identity);

void kube_lease_done(struct kube_lease *lease);

enum kube_lease_step {
    KUBE_LEASE_LOOK,   /* get it */
    KUBE_LEASE_CREATE, /* with kube_lease_body() */
    KUBE_LEASE_PATCH,  /* likewise: takes it over, or renews it */
    KUBE_LEASE_LOST,   /* we held it, and can't say any more that nobody else does: act no more */
};

/**
 * kube_lease_next() - what to do next, where no question is out
 * @ret_at_ms: when, mono; it may be past
 */
enum kube_lease_step kube_lease_next(const struct kube_lease *lease, int64_t now_ms,
                                     int64_t *ret_at_ms);

/** kube_lease_lost_ms() - when leadership ends unless it is renewed, mono, whatever is out; TIME_NEVER: we have none. */
int64_t kube_lease_lost_ms(const struct kube_lease *lease);

/**
 * kube_lease_body() - what makes or keeps us its holder: the Lease to create, or a merge patch of it
 * @namespace, @name: of the Lease; @wall_ms: for its stamps
 *
 * A patch names the version that was seen, so that it is refused where somebody was quicker. Return: JSON text, owned.
 */
char *kube_lease_body(const struct kube_lease *lease, const char *namespace, const char *name,
                      int64_t wall_ms);

/** kube_lease_held() - it is ours, as far as the server has told. */
bool kube_lease_held(const struct kube_lease *lease);

/** kube_lease_hand_back() - a merge patch that lets others take it at once; for its holder. Owned. */
char *kube_lease_hand_back(const struct kube_lease *lease, int64_t wall_ms);

/**
 * kube_lease_saw() - the server answered with the Lease
 * @step:     what was asked
 * @asked_ms: mono, when that was
 *
 * With KUBE_LEASE_CREATE and _PATCH we are its holder now, unless the answer came so late that leadership would be lost
 * already: then it is to be renewed first. The epoch is the Lease's resourceVersion of the moment when
 * we became it: it grows with each change in the cluster, so a later leader's is higher, though the Lease be deleted.
 * Return: 0, or -1 with ERR_DATA_LOSS: that is no Lease, and counts as a failure.
 */
int kube_lease_saw(struct kube_lease *lease, enum kube_lease_step step, const char *body,
                   size_t body_bytes, int64_t asked_ms, int64_t now_ms, struct err **err);

/**
 * kube_lease_failed() - the server did not do it
 * @err: ERR_NOT_FOUND of a look: there is none. After all else nobody knows, and it is looked at again: a write may
 *       have been done, or somebody was quicker.
 */
void kube_lease_failed(struct kube_lease *lease, enum kube_lease_step step, const struct err *err,
                       int64_t asked_ms);

#endif
