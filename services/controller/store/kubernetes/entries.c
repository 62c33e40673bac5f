/* SPDX-License-Identifier: Apache-2.0 */
/* The documents of the bases: made of a Pod and what was written over it, and told to the watches. */
#include "lib/base/str.h"
#include "lib/model/labels.h"
#include "services/controller/store/kubernetes/bases_internal.h"

/* -- changes -- */

static void tell(struct bases *bases, struct record *before, struct record *after)
{
    struct change change = {.version = bases->version, .existed = before != NULL};
    if (after)
        change.after = record_ref(after);
    if (before && (!after || !str_eq(before->labels_text, after->labels_text)))
        change.before = record_at(before, bases->version);
    watches_add(bases->watches, &change, 1, bases->version);
    watches_release(bases->watches);
}

/* The document of @entry, with @version. */
static struct record *make_record(const struct base_entry *entry, int64_t version)
{
    char no_version[] = "0"; /* its place is needed */
    struct base pod = *entry->pod.base;
    pod.meta.resource_version = no_version;
    AUTO_JSON cJSON *json = overlay_document(&entry->overlay, &pod);
    struct record *record = record_new(KIND_BASE, json);
    record_set_version(record, version);
    return record;
}

void entries_show(struct bases *bases, struct base_entry *entry)
{
    struct record *old = entry->record;
    struct record *new = make_record(entry, old ? old->version : bases->version + 1);
    if (old && str_eq(old->json, new->json)) {
        record_unref(new);
        return;
    }
    bases->version++;
    if (old)
        record_set_version(new, bases->version);
    entry->record = new;
    tell(bases, old, new);
    record_unref(old);
}

void entries_hide(struct bases *bases, struct base_entry *entry)
{
    if (!entry->record)
        return;
    bases->version++;
    tell(bases, entry->record, NULL);
    record_unref(TAKE(entry->record));
    overlay_done(&entry->overlay);
}

static void free_entry(struct base_entry *entry)
{
    record_unref(entry->record);
    overlay_done(&entry->overlay);
    pod_done(&entry->pod);
    mem_free(entry->key);
    mem_free(entry);
}

static void drop(struct bases *bases, struct base_entry *entry)
{
    entries_hide(bases, entry);
    map_remove(&bases->entries, entry->key);
    free_entry(entry);
}

/* -- what the API tells -- */

static char *key_of(const char *namespace, const char *name)
{
    return mem_printf("%s/%s", namespace, name);
}

/* Versions of one Pod only grow; the answer to a patch may be quicker than the watch. */
static bool is_older(const struct pod *pod, const struct pod *than)
{
    int64_t own, other;
    return str_parse_int64(pod->version, 0, INT64_MAX, &own) &&
           str_parse_int64(than->version, 0, INT64_MAX, &other) && own < other;
}

/* Whether @after is news that make a base worth another look that was taken for gone. */
static bool is_back(const struct pod *before, const struct pod *after)
{
    bool ready = str_eq(after->base->status.phase, "Ready");
    return ready && (!str_eq(before->base->status.phase, "Ready") || pod_restarted(before, after) ||
                     !str_eq(before->base->spec.agent_address, after->base->spec.agent_address));
}

static void note(struct bases *bases, const struct base_entry *entry, const char *before)
{
    if (entry->pod.note && !str_eq(entry->pod.note, before))
        log_warn(bases->log, "something on a base Pod or its Deployment is ignored",
                 LOG_STR("pod", entry->key), LOG_STR("what", entry->pod.note));
}

static void add_entry(struct bases *bases, const struct follow *follow, const char *key,
                      struct pod *pod_taken)
{
    struct base_entry *entry = NEW(struct base_entry);
    *entry = (struct base_entry){
        .key = mem_strdup(key), .follow = follow, .pod = *pod_taken, .listed = true};
    map_put(&bases->entries, key, entry);
    note(bases, entry, NULL);
    entries_show(bases, entry);
}

static void change_entry(struct bases *bases, struct base_entry *entry, struct pod *pod_taken)
{
    struct pod before = entry->pod;
    entry->listed = true;
    if (is_older(pod_taken, &before)) {
        pod_done(pod_taken);
        return;
    }
    entry->pod = *pod_taken;
    if (pod_restarted(&before, &entry->pod))
        overlay_restarted(&entry->overlay);
    note(bases, entry, before.note);
    if (entry->record || is_back(&before, &entry->pod))
        entries_show(bases, entry);
    pod_done(&before);
}

void entries_apply(struct bases *bases, const struct follow *follow,
                   const struct pod_context *context, const cJSON *json)
{
    struct pod pod;
    AUTO_ERR struct err *err = NULL;
    if (pod_read(json, context, &pod, &err) < 0) {
        log_warn(bases->log, "a Pod can't be read, ignored", LOG_ERR(err));
        return;
    }
    AUTO_FREE char *key = key_of(pod.base->meta.namespace, pod.base->meta.name);
    struct base_entry *entry = map_get(&bases->entries, key);
    if (entry && entry->follow != follow) { /* two Deployments select it: the first has it */
        pod_done(&pod);
        return;
    }
    if (entry && (pod.ended || !str_eq(entry->pod.base->meta.uid, pod.base->meta.uid))) {
        drop(bases, entry);
        entry = NULL;
    }
    if (pod.ended)
        pod_done(&pod);
    else if (entry)
        change_entry(bases, entry, &pod);
    else
        add_entry(bases, follow, key, &pod);
}

static void ignore_outcome(void *user, const struct document *document, const struct err *err)
{
    (void)user;
    (void)document;
    (void)err;
}

/* A Pod that may run on and is none of the Deployment's any more, as one that somebody took aside by its
 * labels: nobody else would take it out of traffic. */
static void end_traffic(struct bases *bases, const struct base_entry *entry)
{
    const struct object_meta *meta = &entry->pod.base->meta;
    AUTO_JSON cJSON *labels = cJSON_CreateObject();
    for (size_t i = 0; i < meta->labels.len; i++)
        if (str_starts_with(meta->labels.items[i].key, LABEL_TRAFFIC_PREFIX))
            cJSON_AddNullToObject(labels, meta->labels.items[i].key);
    const struct pod_key pod = pod_key_of(entry);
    if (!meta->deletion_ms && cJSON_GetArraySize(labels) > 0)
        pod_labels_patch(bases, &pod, labels, ignore_outcome, NULL);
}

void entries_drop(struct bases *bases, const struct follow *follow, const char *namespace,
                  const char *name)
{
    AUTO_FREE char *key = key_of(namespace, name);
    struct base_entry *entry = map_get(&bases->entries, key);
    if (!entry || entry->follow != follow)
        return;
    end_traffic(bases, entry);
    drop(bases, entry);
}

void entries_begin_list(struct bases *bases, const struct follow *follow)
{
    for (size_t i = 0; i < bases->entries.len; i++) {
        struct base_entry *entry = bases->entries.entries[i].value;
        if (entry->follow == follow)
            entry->listed = false;
    }
}

void entries_end_list(struct bases *bases, const struct follow *follow)
{
    for (size_t i = bases->entries.len; i-- > 0;) { /* a removal moves the last, which was seen */
        struct base_entry *entry = bases->entries.entries[i].value;
        if (entry->follow != follow || entry->listed)
            continue;
        end_traffic(bases, entry);
        drop(bases, entry);
    }
}

void entries_forget(struct bases *bases, const struct follow *follow)
{
    for (size_t i = bases->entries.len; i-- > 0;) {
        struct base_entry *entry = bases->entries.entries[i].value;
        if (entry->follow == follow)
            drop(bases, entry);
    }
}

void entries_done(struct bases *bases)
{
    for (size_t i = 0; i < bases->entries.len; i++)
        free_entry(bases->entries.entries[i].value);
    map_done(&bases->entries);
}
