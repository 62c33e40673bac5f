/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/store/record.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "services/controller/store/rules.h"

#define PRINT_BYTES 4096 /* most documents fit */

/* What a record holds in texts[]: added in this order, each with its end. */
static const char *add_text(char **at, const char *text)
{
    if (!text)
        return NULL;
    size_t bytes = strlen(text) + 1;
    char *copy = memcpy(*at, text, bytes);
    *at += bytes;
    return copy;
}

static size_t text_bytes(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

struct record *record_of_texts(const struct record_texts *given)
{
    size_t json_bytes = text_bytes(given->json) + sizeof(((struct record *)NULL)->version_text);
    struct record *record =
        mem_alloc(sizeof(*record) + text_bytes(given->namespace) + text_bytes(given->name) +
                  text_bytes(given->uid) + text_bytes(given->labels) + json_bytes);
    char *at = record->texts;
    record->refs = 1;
    record->kind = given->kind;
    record->namespace = add_text(&at, given->namespace);
    record->name = add_text(&at, given->name);
    record->uid = add_text(&at, given->uid);
    record->labels_text = add_text(&at, given->labels);
    record->json = at;
    record->json_len = strlen(given->json);
    memcpy(record->json, given->json, record->json_len + 1);
    return record;
}

struct record *record_new(enum object_kind kind, const cJSON *object)
{
    char buffer[PRINT_BYTES];
    const cJSON *labels = rules_labels(object);
    bool fits = cJSON_PrintPreallocated((cJSON *)(uintptr_t)object, buffer, sizeof(buffer),
                                        /* format= */ false);
    AUTO_FREE char *large = fits ? NULL : json_text(object);
    AUTO_FREE char *labels_text = labels ? json_text(labels) : NULL;
    return record_of_texts(&(struct record_texts){
        .kind = kind,
        .namespace = rules_metadata(object, "namespace"),
        .name = rules_metadata(object, "name"),
        .uid = rules_metadata(object, "uid"),
        .labels = labels_text,
        .json = fits ? buffer : large,
    });
}

/*
 * The text of the version is exchanged in the text of the document, so a document is rendered once, on
 * whichever thread, before its version is known. The first such key is that of the metadata: before it
 * stand only names and the uid (rules.h), and in a string its quotes would be escaped.
 */
static void replace_version(struct record *record)
{
    static const char key[] = "\"resourceVersion\":\"";
    char *old = strstr(record->json, key);
    ASSERT(old);
    old += strlen(key);
    size_t old_len = strcspn(old, "\""), len = strlen(record->version_text);
    size_t after = record->json_len - (size_t)(old - record->json) - old_len;
    memmove(old + len, old + old_len, after + 1);
    memcpy(old, record->version_text, len);
    record->json_len = record->json_len - old_len + len;
}

void record_note_version(struct record *record, int64_t version)
{
    record->version = version;
    (void)snprintf(record->version_text, sizeof(record->version_text), "%lld", (long long)version);
}

void record_set_version(struct record *record, int64_t version)
{
    record_note_version(record, version);
    replace_version(record);
}

int record_check_size(const struct record *record, struct err **err)
{
    if (record->json_len > LIMIT_OBJECT)
        return err_set(err, ERR_LIMIT, "%s \"%s/%s\" would have %zu bytes, %zu are the most",
                       kind_name(record->kind), record->namespace, record->name, record->json_len,
                       LIMIT_OBJECT);
    return 0;
}

struct record *record_at(const struct record *record, int64_t version)
{
    struct record *at = record_of_texts(&(struct record_texts){
        .kind = record->kind,
        .namespace = record->namespace,
        .name = record->name,
        .uid = record->uid,
        .labels = record->labels_text,
        .json = record->json,
    });
    at->row_id = record->row_id;
    record_set_version(at, version);
    return at;
}

static int damaged(const struct record *record, struct err **err)
{
    return err_set(err, ERR_DATA_LOSS, "the stored %s \"%s/%s\" is damaged",
                   kind_name(record->kind), record->namespace, record->name);
}

cJSON *record_tree(const struct record *record, struct err **err)
{
    /* What it holds was checked by json_parse() when it came in, so the fast parser will do. */
    cJSON *tree = cJSON_ParseWithLength(record->json, record->json_len);
    if (!tree || !str_eq(rules_metadata(tree, "uid"), record->uid) ||
        !str_eq(rules_metadata(tree, "resourceVersion"), record->version_text)) {
        json_free(tree);
        damaged(record, err);
        return NULL;
    }
    return tree;
}

bool record_selected(const struct record *record, const struct selector *selector)
{
    AUTO_JSON cJSON *tree = record->labels_text ? cJSON_Parse(record->labels_text) : NULL;
    struct json_map labels = {0};
    for (const cJSON *it = tree ? tree->child : NULL; it; it = it->next)
        json_map_set(&labels, it->string, cJSON_GetStringValue(it));
    bool selected = selector_matches(selector, &labels);
    json_map_done(&labels);
    return selected;
}

struct record *record_ref(struct record *record)
{
    (void)atomic_fetch_add_explicit(&record->refs, 1, memory_order_relaxed);
    return record;
}

void record_unref(struct record *record)
{
    if (!record || atomic_fetch_sub_explicit(&record->refs, 1, memory_order_acq_rel) > 1)
        return;
    mem_free(record);
}

void record_unref_slot(struct record **slot)
{
    record_unref(*slot);
}

struct document record_document(const struct record *record)
{
    return (struct document){
        .kind = record->kind,
        .namespace = record->namespace,
        .name = record->name,
        .uid = record->uid,
        .resource_version = record->version_text,
        .json = record->json,
        .json_len = record->json_len,
    };
}
