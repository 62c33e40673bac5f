/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kubeconfig files as kubectl reads them. Nothing is merged: what is looked for is taken from the first file that
 * has it, an entry of a list as a whole. Only the entries that the context names are looked into, so that a
 * user of a kind we don't know is no obstacle to others. Messages never show a value: it may be a secret.
 */
#include <string.h>

#include "lib/base/base64.h"
#include "lib/base/limits.h"
#include "lib/base/map.h"
#include "lib/base/str.h"
#include "lib/base/yaml.h"
#include "lib/kube/credential_program.h"
#include "lib/kube/kubeconfig_entry.h"

/* -- files and their lists -- */

const struct kube_entry_kind kube__clusters = {"clusters", "cluster"},
                             kube__users = {"users", "user"},
                             kube__contexts = {"contexts", "context"};

void kube__entry_done(struct kube_entry *entry)
{
    mem_free(entry->path);
}

const cJSON *kube__get(const cJSON *json, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, key);
    return cJSON_IsNull(item) ? NULL : item;
}

static int check_item(const struct kube_entry_kind *kind, const cJSON *item, int i,
                      struct map *seen, struct err **err)
{
    AUTO_FREE char *path = mem_printf("%s[%d]", kind->list, i);
    const char *name = cJSON_GetStringValue(kube__get(item, "name"));
    if (!cJSON_IsObject(item))
        return err_field(err, path, "must be an object");
    if (str_empty(name))
        return err_field(err, path, "must have a name, which is a string");
    AUTO_FREE char *named = mem_printf("%s[\"%s\"]", kind->list, name);
    if (map_put(seen, name, seen))
        return err_field(err, named, "is there twice");
    const cJSON *inner = kube__get(item, kind->inner);
    AUTO_FREE char *inner_path = mem_printf("%s.%s", named, kind->inner);
    return !inner || cJSON_IsObject(inner) ? 0 : err_field(err, inner_path, "must be an object");
}

static int check_list(const cJSON *document, const struct kube_entry_kind *kind, struct err **err)
{
    const cJSON *list = kube__get(document, kind->list), *item;
    if (list && !cJSON_IsArray(list))
        return err_field(err, kind->list, "must be a list");
    struct map seen = {0};
    int i = 0, result = 0;
    for (item = list ? list->child : NULL; item && result == 0; item = item->next)
        result = check_item(kind, item, i++, &seen, err);
    map_done(&seen);
    return result;
}

static int check_is(const cJSON *document, const char *key, const char *wanted, struct err **err)
{
    const cJSON *item = kube__get(document, key);
    if (!item || str_eq(cJSON_GetStringValue(item), wanted))
        return 0;
    return err_field(err, key, "must be %s", wanted);
}

static int check_document(const cJSON *document, struct err **err)
{
    const cJSON *current = kube__get(document, "current-context");
    if (document && !cJSON_IsObject(document))
        return err_set(err, ERR_INVALID, "must consist of keys and values");
    if (check_is(document, "apiVersion", "v1", err) < 0 ||
        check_is(document, "kind", "Config", err) < 0)
        return -1;
    if (current && !cJSON_IsString(current))
        return err_field(err, "current-context", "must be a string; put it in quotes");
    if (check_list(document, &kube__clusters, err) < 0 ||
        check_list(document, &kube__users, err) < 0)
        return -1;
    return check_list(document, &kube__contexts, err);
}

static int read_document(const char *text, size_t len, cJSON **ret, struct err **err)
{
    AUTO_JSON cJSON *documents = NULL;
    if (len > LIMIT_KUBECONFIG)
        return err_set(err, ERR_LIMIT, "larger than %zu bytes", LIMIT_KUBECONFIG);
    if (yaml_parse(text, len, &documents, err) < 0)
        return -1;
    if (cJSON_GetArraySize(documents) > 1)
        return err_set(err, ERR_INVALID, "must be one document");
    if (check_document(documents->child, err) < 0)
        return -1;
    *ret = cJSON_DetachItemFromArray(documents, 0);
    return 0;
}

int kube__kubeconfig_add(struct kubeconfig *kubeconfig, const char *path, const char *text,
                         size_t len, struct err **err)
{
    cJSON *document = NULL;
    if (read_document(text, len, &document, err) < 0)
        return err_wrap(err, "%s", path);
    VEC_PUSH(&kubeconfig->files,
             (struct kubeconfig_file){.path = mem_strdup(path), .document = document});
    return 0;
}

void kube__kubeconfig_done(struct kubeconfig *kubeconfig)
{
    for (size_t i = 0; i < kubeconfig->files.len; i++) {
        mem_free(kubeconfig->files.items[i].path);
        json_free(kubeconfig->files.items[i].document);
    }
    VEC_DONE(&kubeconfig->files);
}

int kube__entry_find(const struct kubeconfig *kubeconfig, const struct kube_entry_kind *kind,
                     const char *name, const char *by, struct kube_entry *ret, struct err **err)
{
    for (size_t i = 0; i < kubeconfig->files.len; i++) {
        const struct kubeconfig_file *file = &kubeconfig->files.items[i];
        const cJSON *list = kube__get(file->document, kind->list);
        for (const cJSON *item = list ? list->child : NULL; item; item = item->next) {
            if (!str_eq(cJSON_GetStringValue(kube__get(item, "name")), name))
                continue;
            ret->file = file;
            ret->json = kube__get(item, kind->inner);
            ret->path = mem_printf("%s[\"%s\"].%s", kind->list, name, kind->inner);
            return 0;
        }
    }
    AUTO_FREE char *path = mem_printf("%s[\"%s\"]", kind->list, name);
    return err_field(err, path, "is not there, but named by %s", by);
}

/* -- values of an entry -- */

int kube__entry_wrong(const struct kube_entry *entry, const char *key, const char *what,
                      struct err **err)
{
    AUTO_FREE char *field = mem_printf("%s.%s", entry->path, key);
    return err_field(err, field, "%s", what);
}

int kube__entry_text(const struct kube_entry *entry, const char *key, char **ret, struct err **err)
{
    const cJSON *item = kube__get(entry->json, key);
    if (item && !cJSON_IsString(item))
        return kube__entry_wrong(entry, key, "must be a string; put it in quotes", err);
    const char *text = cJSON_GetStringValue(item);
    *ret = str_empty(text) ? NULL : mem_strdup(text);
    return 0;
}

int kube__entry_bool(const struct kube_entry *entry, const char *key, bool *ret, struct err **err)
{
    const cJSON *item = kube__get(entry->json, key);
    if (item && !cJSON_IsBool(item))
        return kube__entry_wrong(entry, key, "must be true or false", err);
    *ret = cJSON_IsTrue(item);
    return 0;
}

char *kube__entry_resolve(const struct kube_entry *entry, const char *path)
{
    const char *slash = strrchr(entry->file->path, '/');
    if (*path == '/' || !slash)
        return mem_strdup(path);
    return mem_printf("%.*s/%s", (int)(slash - entry->file->path), entry->file->path, path);
}

int kube__entry_path(const struct kube_entry *entry, const char *key, char **ret, struct err **err)
{
    AUTO_FREE char *path = NULL;
    if (kube__entry_text(entry, key, &path, err) < 0)
        return -1;
    *ret = path ? kube__entry_resolve(entry, path) : NULL;
    return 0;
}

/* Base64, in which line breaks are passed over. */
static char *decode(const char *text)
{
    struct str joined = STR_INIT(LIMIT_KUBECONFIG);
    for (const char *c = text; *c; c++) {
        if (*c != '\r' && *c != '\n')
            str_add_char(&joined, *c);
    }
    uint8_t *bytes = NULL;
    size_t len = 0;
    bool ok = base64_bytes(str_text(&joined), &bytes, &len);
    str_done(&joined);
    return ok ? (char *)bytes : NULL;
}

static int read_pem(const struct kube_entry *entry, const char *key, const char *path,
                    kube_read_fn read, char **ret, struct err **err)
{
    AUTO_ERR struct err *why = NULL;
    *ret = read(path, LIMIT_CREDENTIAL, NULL, &why);
    if (*ret)
        return 0;
    AUTO_FREE char *what = mem_printf("%s: %s", path, why->message);
    kube__entry_wrong(entry, key, what, err);
    if (err && why->code == ERR_DENIED)
        (*err)->code = ERR_DENIED;
    return -1;
}

int kube__entry_pem(const struct kube_entry *entry, const char *key, kube_read_fn read, char **ret,
                    struct err **err)
{
    AUTO_FREE char *data_key = mem_printf("%s-data", key);
    AUTO_FREE char *data = NULL, *path = NULL, *pem = NULL;
    if (kube__entry_text(entry, data_key, &data, err) < 0 ||
        kube__entry_path(entry, key, &path, err) < 0)
        return -1;
    if (data && !(pem = decode(data)))
        return kube__entry_wrong(entry, data_key, "is no base64", err);
    if (!data && path && read_pem(entry, key, path, read, &pem, err) < 0)
        return -1;
    if (pem && !kube_is_pem(pem))
        return kube__entry_wrong(entry, data ? data_key : key, "is no PEM", err);
    *ret = TAKE(pem);
    return 0;
}
