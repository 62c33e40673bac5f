/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_KUBE_CREDENTIAL_PROGRAM_H
#define KOUPLELESS_KUBE_CREDENTIAL_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/clock.h"
#include "lib/kube/config.h"

/*
 * Programs that print credentials, by client.authentication.k8s.io v1 and v1beta1:
 * https://kubernetes.io/docs/reference/config-api/client-authentication.v1/
 */

/* What a program issued; texts are owned, NULL where not given. There is a token, or both others. */
struct kube_issued {
    char *token;
    char *cert_pem, *key_pem;
    int64_t expires_ms; /* wall; TIME_NEVER where not given */
};

void kube_issued_done(struct kube_issued *issued);

/** kube_exec_info() - the value of KUBERNETES_EXEC_INFO for the program of @config; JSON, owned. */
char *kube_exec_info(const struct kube_config *config);

/**
 * kube_issued_read() - reads the ExecCredential that a program printed
 * @api_version: what it must be of
 *
 * Return: 0, or -1 with ERR_UNAUTHENTICATED, whose message shows nothing of the text but names of fields.
 */
int kube_issued_read(const char *text, size_t len, const char *api_version, struct kube_issued *out,
                     struct err **err);

/**
 * kube_program_run() - runs the program of @config and reads what it prints
 * @stop_fd: the program is killed as soon as this descriptor is readable
 *
 * Its stdin is empty, its process group its own. Blocks, for KUBE_PROGRAM_MS at most; any thread.
 * Return: 0, or -1 with ERR_CANCELLED (@stop_fd) or ERR_UNAUTHENTICATED: exit code and last line of stderr, or the
 * installHint where there is no such program.
 */
int kube_program_run(const struct kube_config *config, struct clock *clock, int stop_fd,
                     struct kube_issued *out, struct err **err);

/* -- what a credential may be -- */

/** kube_token_check() - whether a header can carry @token; the message does not show it. Return: 0, or -1 with ERR_INVALID. */
int kube_token_check(const char *token, struct err **err);

/** kube_is_pem() - whether @text looks like PEM; what is in it is for the TLS library. */
bool kube_is_pem(const char *text);

#endif
