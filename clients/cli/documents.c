/* SPDX-License-Identifier: Apache-2.0 */
#include "clients/cli/documents.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "lib/base/yaml.h"
#include "lib/model/module_deployment.h"

int document_fail(const struct document *document, struct err **err)
{
    return err_wrap(err, "%s", document->where);
}

/* -- text -- */

/* Takes @json and @where in any case. */
static int add_document(cJSON *json, char *where, struct documents *out, struct err **err)
{
    struct document document = {.where = where, .json = json};
    int result = object_identify(json, &document.kind, err);
    if (result < 0)
        document_fail(&document, err);
    VEC_PUSH(&out->items, document);
    return result;
}

/* What `get -o yaml` prints for several objects can be applied again. */
static int add_list(cJSON *list, const char *where, struct documents *out, struct err **err)
{
    cJSON *items = cJSON_GetObjectItemCaseSensitive(list, "items");
    if (!cJSON_IsArray(items)) {
        err_field(err, "items", "must be an array");
        return err_wrap(err, "%s", where);
    }
    for (int number = 0; items->child; number++) {
        cJSON *item = cJSON_DetachItemViaPointer(items, items->child);
        if (add_document(item, mem_printf("%s: items[%d]", where, number), out, err) < 0)
            return -1;
    }
    return 0;
}

int documents_parse(const char *text, size_t len, const char *name, struct documents *out,
                    struct err **err)
{
    AUTO_JSON cJSON *parsed = NULL;
    if (yaml_parse(text, len, &parsed, err) < 0)
        return err_wrap(err, "%s", name);
    for (int number = 1; parsed->child; number++) {
        AUTO_JSON cJSON *json = cJSON_DetachItemViaPointer(parsed, parsed->child);
        AUTO_FREE char *where = mem_printf("%s: document %d", name, number);
        int result = str_eq(json_get_string(json, "kind"), "List")
                         ? add_list(json, where, out, err)
                         : add_document(TAKE(json), TAKE(where), out, err);
        if (result < 0)
            return -1;
    }
    return 0;
}

/* -- files -- */

static int read_stream(FILE *file, const char *name, struct documents *out, struct err **err)
{
    AUTO_FREE char *text = mem_alloc(LIMIT_YAML_FILE + 1);
    size_t len = fread(text, 1, LIMIT_YAML_FILE + 1, file);
    if (ferror(file))
        return err_set(err, ERR_INVALID, "%s: %s", name, strerror(errno));
    if (len > LIMIT_YAML_FILE)
        return err_set(err, ERR_LIMIT, "%s: larger than %zu MiB", name,
                       LIMIT_YAML_FILE / LIMIT_MIB(1));
    return documents_parse(text, len, name, out, err);
}

static int read_file(const char *path, struct documents *out, struct err **err)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return err_set(err, ERR_INVALID, "%s: %s", path, strerror(errno));
    int result = read_stream(file, path, out, err);
    fclose(file);
    return result;
}

static int is_document_file(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return dot && entry->d_name[0] != '.' &&
           (str_eq(dot, ".yaml") || str_eq(dot, ".yml") || str_eq(dot, ".json"));
}

static int read_folder(const char *path, struct documents *out, struct err **err)
{
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, is_document_file, alphasort), result = 0;
    if (count < 0)
        return err_set(err, ERR_INVALID, "%s: %s", path, strerror(errno));
    for (int i = 0; i < count; i++) {
        AUTO_FREE char *file = mem_printf("%s/%s", path, entries[i]->d_name);
        if (result == 0)
            result = read_file(file, out, err);
        free(entries[i]);
    }
    free(entries);
    return result;
}

int documents_read(const char *path, struct documents *out, struct err **err)
{
    struct stat info;
    int result;
    if (str_eq(path, "-"))
        result = read_stream(stdin, "stdin", out, err);
    else if (stat(path, &info) < 0)
        result = err_set(err, ERR_INVALID, "%s: %s", path, strerror(errno));
    else if (S_ISDIR(info.st_mode))
        result = read_folder(path, out, err);
    else
        result = read_file(path, out, err);
    if (result == 0 && !out->items.len)
        return err_set(err, ERR_NOT_FOUND, "%s: no document", path);
    return result;
}

void documents_done(struct documents *documents)
{
    for (size_t i = 0; i < documents->items.len; i++) {
        mem_free(documents->items.items[i].where);
        json_free(documents->items.items[i].json);
    }
    VEC_DONE(&documents->items);
}

/* -- ModuleDeployments -- */

static int settle_namespace(struct module_deployment *md, const char *namespace, bool must,
                            struct err **err)
{
    if (str_empty(md->meta.namespace))
        mem_replace(&md->meta.namespace, namespace);
    else if (must && !str_eq(md->meta.namespace, namespace))
        return err_field(err, "metadata.namespace", "is %s, but --namespace is %s",
                         md->meta.namespace, namespace);
    return 0;
}

cJSON *document_deployment(const struct document *document, const char *namespace, bool must,
                           struct err **err)
{
    struct module_deployment *md = module_deployment_read(document->json, JSON_UNKNOWN_REFUSE, err);
    if (!md || settle_namespace(md, namespace, must, err) < 0) {
        module_deployment_free(md);
        document_fail(document, err);
        return NULL;
    }
    cJSON *json = module_deployment_write(md), *spec = cJSON_GetObjectItem(json, "spec");
    object_strip(json);
    cJSON_DeleteItemFromObjectCaseSensitive(json, "status");
    if (!md->spec.replicas_set)
        cJSON_DeleteItemFromObjectCaseSensitive(spec, "replicas");
    if (!md->spec.pause_set)
        cJSON_DeleteItemFromObjectCaseSensitive(spec, "pause");
    if (!md->spec.confirm_batch_num)
        cJSON_DeleteItemFromObjectCaseSensitive(spec, "confirmBatchNum");
    module_deployment_free(md);
    return json;
}
