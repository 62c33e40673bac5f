/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_KUBE_CONFIG_H
#define KOUPLELESS_KUBE_CONFIG_H

#include <stdbool.h>

#include "lib/base/err.h"
#include "lib/base/json.h"

/*
 * How to reach an API server and who we are there: from kubeconfig files, or from the service account
 * that every pod has. https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/
 */

/*
 * A program that prints credentials (client.authentication.k8s.io):
 * https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
 */
struct kube_exec {
    char *api_version, *command; /* command NULL: there is none */
    struct json_strings args;
    struct json_map env;
    char *install_hint;
    bool provide_cluster_info;
    char *cluster_config; /* JSON that the cluster's entry has for it, or NULL */
};

/* All texts are owned; NULL where not given. */
struct kube_config {
    char *server; /* "https://10.0.0.1:6443", without a slash at its end */
    char *ca_pem; /* PEM; NULL = the system's */
    char *tls_server_name;
    char *proxy_url;
    bool insecure_skip_tls_verify;
    char *cert_pem, *key_pem; /* of the client */
    char *token;              /* fixed */
    char *token_file;         /* read again when it may have changed; counts more than token */
    char *username, *password;
    struct kube_exec exec;
    char *namespace; /* of the context or service account; "default" where none is given */
    char *context;   /* name of the context; NULL in a cluster */
    bool in_cluster;
};

/**
 * kube_config_found() - whether somebody means a cluster: @kubeconfig or $KUBECONFIG is given, ~/.kube/config
 * exists, or this is a pod with a service account's token
 *
 * A file that was named and is not there is found out by kube_config_load(), not passed over here.
 */
bool kube_config_found(const char *kubeconfig);

/**
 * kube_config_load() - the configuration that counts
 * @kubeconfig: a file, or NULL: then $KUBECONFIG (a list of files, merged as kubectl does; those that are not
 *              there are passed over, but one has to be), then the pod's service account, then ~/.kube/config
 * @context:    name of a context, or NULL for the current one
 * @out:        filled on success; kube_config_done()
 *
 * Return: 0, or -1 with ERR_INVALID (err->field names the entry: `users["admin"].user.client-key-data`),
 * ERR_NOT_FOUND where there is none, ERR_DENIED where a file can't be read, ERR_LIMIT. No message holds a secret.
 */
int kube_config_load(const char *kubeconfig, const char *context, struct kube_config *out,
                     struct err **err);

/** kube_config_copy() - @to is filled; kube_config_done() */
void kube_config_copy(struct kube_config *to, const struct kube_config *from);

void kube_config_done(struct kube_config *config);

#endif
