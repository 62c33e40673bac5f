/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_KUBE_CONFIG_INTERNAL_H
#define KOUPLELESS_KUBE_CONFIG_INTERNAL_H

#include <stddef.h>

#include "lib/base/vec.h"
#include "lib/kube/config.h"

/* Where a configuration may be found: the process's surroundings, or what a test makes of them. */
struct kube_places {
    const char *kubeconfig;                  /* $KUBECONFIG */
    const char *home;                        /* $HOME */
    const char *service_host, *service_port; /* $KUBERNETES_SERVICE_HOST, _PORT */
    const char *service_account;             /* folder of token, ca.crt and namespace */
};

bool kube__config_found(const struct kube_places *places, const char *kubeconfig);
int kube__config_load(const struct kube_places *places, const char *kubeconfig, const char *context,
                      struct kube_config *out, struct err **err);

/** kube_read_fn - file_read(), or what stands for it in a test. */
typedef char *(*kube_read_fn)(const char *path, size_t max, size_t *ret_len, struct err **err);

/* Kubeconfig files in the order in which they count. Zeroed is empty. */
struct kubeconfig {
    VEC(struct kubeconfig_file {
        char *path;
        cJSON *document;
    })
    files;
};

/**
 * kube__kubeconfig_add() - one more file, which counts less than those before
 * @path: its name, for messages and for relative paths in it
 *
 * Checks the form of its lists, not yet what the entries say. Return: 0, or -1 with ERR_INVALID or ERR_LIMIT.
 */
int kube__kubeconfig_add(struct kubeconfig *kubeconfig, const char *path, const char *text,
                         size_t len, struct err **err);

/**
 * kube__kubeconfig_select() - the configuration of a context
 * @context: its name, or NULL for the current one
 * @read:    reads certificates
 * @out:     zeroed; kube_config_done() also after failure
 */
int kube__kubeconfig_select(const struct kubeconfig *kubeconfig, const char *context,
                            kube_read_fn read, struct kube_config *out, struct err **err);

void kube__kubeconfig_done(struct kubeconfig *kubeconfig);

#endif
