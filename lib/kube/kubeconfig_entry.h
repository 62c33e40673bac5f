/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_KUBE_KUBECONFIG_ENTRY_H
#define KOUPLELESS_KUBE_KUBECONFIG_ENTRY_H

#include "lib/kube/config_internal.h"

/* The entries of each kind, and the key of what is in them. */
struct kube_entry_kind {
    const char *list, *inner;
};

extern const struct kube_entry_kind kube__clusters, kube__users, kube__contexts;

/* An object of a file. */
struct kube_entry {
    const struct kubeconfig_file *file;
    const cJSON *json; /* NULL: empty */
    char *path;        /* `users["admin"].user`; owned */
};

#define AUTO_ENTRY AUTO(kube__entry_done)
void kube__entry_done(struct kube_entry *entry);

/** kube__entry_find() - the entry @name of the first file that has it. Return: 0, or -1: @by names it, no file has it. */
int kube__entry_find(const struct kubeconfig *kubeconfig, const struct kube_entry_kind *kind,
                     const char *name, const char *by, struct kube_entry *ret, struct err **err);

/** kube__get() - the value of @key; NULL where it is absent or null. */
const cJSON *kube__get(const cJSON *json, const char *key);

/* Values by their key; -1 with ERR_INVALID and the field. Texts are owned, NULL where absent or empty. */
int kube__entry_text(const struct kube_entry *entry, const char *key, char **ret, struct err **err);
int kube__entry_bool(const struct kube_entry *entry, const char *key, bool *ret, struct err **err);

/** kube__entry_path() - the text @key as a path, seen from the folder of the entry's file. */
int kube__entry_path(const struct kube_entry *entry, const char *key, char **ret, struct err **err);

/** kube__entry_resolve() - @path as seen from the folder of the entry's file; owned. */
char *kube__entry_resolve(const struct kube_entry *entry, const char *path);

/** kube__entry_pem() - PEM: what @key-data holds in base64, or else the file that @key names. ERR_DENIED too. */
int kube__entry_pem(const struct kube_entry *entry, const char *key, kube_read_fn read, char **ret,
                    struct err **err);

/** kube__entry_wrong() - the error about @key of @entry. Return: -1. */
int kube__entry_wrong(const struct kube_entry *entry, const char *key, const char *what,
                      struct err **err);

#endif
