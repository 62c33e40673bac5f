/* SPDX-License-Identifier: Apache-2.0 */
/* Labels of Pods: one merge patch after the other for each Pod, so that the last one that was asked for counts. */
#include <string.h>

#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "services/controller/store/kubernetes/bases_internal.h"

static const struct kube_resource pods = {
    .group = "", .version = "v1", .plural = "pods", .kind = "Pod"};

/* Patches of one Pod that wait, the first of them under way. */
struct label_queue {
    char *key;
    struct list patches; /* struct label_patch */
};

struct label_patch {
    struct list node;
    struct loop_event event; /* its answer */
    struct bases *bases;
    struct label_queue *queue;
    char *namespace, *name, *uid, *body;
    store_done_fn done;
    void *user;
    char *answer; /* the Pod as it is now, or: */
    size_t answer_bytes;
    struct err *err;
};

static void on_answer(void *user, const struct kube_answer *answer, const struct err *err)
{
    struct label_patch *patch = user;
    patch->err = err_copy(err);
    if (answer) {
        patch->answer = mem_strndup(answer->body, answer->body_bytes);
        patch->answer_bytes = answer->body_bytes;
    }
    loop_post(patch->bases->loop, &patch->event);
}

static void send_first(struct label_queue *queue)
{
    struct label_patch *patch = LIST_ENTRY(queue->patches.next, struct label_patch, node);
    const struct kube_request request = {
        .verb = KUBE_MERGE_PATCH,
        .path = {.resource = &pods, .namespace = patch->namespace, .name = patch->name},
        .body = patch->body,
    };
    bases_request(patch->bases);
    kube_send(patch->bases->client, &request, on_answer, patch);
}

static void free_patch(struct label_patch *patch)
{
    list_remove(&patch->node);
    err_free(patch->err);
    mem_free(patch->namespace);
    mem_free(patch->name);
    mem_free(patch->uid);
    mem_free(patch->body);
    mem_free(patch->answer);
    mem_free(patch);
}

/* The base of @patch, where it is still the one that was meant. */
static struct base_entry *entry_of(const struct label_patch *patch)
{
    struct base_entry *entry = map_get(&patch->bases->entries, patch->queue->key);
    return entry && str_eq(entry->pod.base->meta.uid, patch->uid) ? entry : NULL;
}

/* Whether the patch was refused because the Pod of this name has another uid, and for nothing else. */
static bool is_anothers(const struct err *err)
{
    return (err->code == ERR_INVALID && str_eq(err->field, "metadata.uid")) ||
           (err->code == ERR_CONFLICT && strstr(err->message, "uid mismatch"));
}

static void conclude(const struct label_patch *patch)
{
    const struct base_entry *entry = entry_of(patch);
    AUTO_ERR struct err *err = err_copy(patch->err);
    if (err ? !entry && is_anothers(err) : !entry || !entry->record) {
        err_free(TAKE(err));
        err_set(&err, ERR_NOT_FOUND, "Base \"%s\" is not there", patch->queue->key);
    }
    struct document document = err ? (struct document){0} : record_document(entry->record);
    patch->done(patch->user, err ? NULL : &document, err);
}

static void on_patched(struct loop_event *event)
{
    struct label_patch *patch = CONTAINER_OF(event, struct label_patch, event);
    struct bases *bases = patch->bases;
    struct label_queue *queue = patch->queue;
    struct base_entry *entry = entry_of(patch);
    AUTO_JSON cJSON *pod =
        patch->answer ? json_parse(patch->answer, patch->answer_bytes, LIMIT_HTTP_BODY, NULL)
                      : NULL;
    if (pod && entry)
        follow_took_pod(bases, entry, pod);
    conclude(patch);
    free_patch(patch);
    if (list_empty(&queue->patches)) {
        map_remove(&bases->labels, queue->key);
        mem_free(queue->key);
        mem_free(queue);
    } else {
        send_first(queue);
    }
    bases_answered(bases);
}

static struct label_queue *queue_of(struct bases *bases, const char *key)
{
    struct label_queue *queue = map_get(&bases->labels, key);
    if (queue)
        return queue;
    queue = NEW(struct label_queue);
    queue->key = mem_strdup(key);
    list_init(&queue->patches);
    map_put(&bases->labels, key, queue);
    return queue;
}

static char *body_of(const char *uid, const cJSON *labels)
{
    AUTO_JSON cJSON *body = cJSON_CreateObject();
    cJSON *metadata = cJSON_AddObjectToObject(body, "metadata");
    cJSON_AddStringToObject(metadata, "uid", uid); /* another Pod of this name: a conflict */
    cJSON_AddItemToObject(metadata, "labels", cJSON_Duplicate(labels, /* recurse= */ true));
    return json_text(body);
}

void pod_labels_patch(struct bases *bases, const struct pod_key *pod, const cJSON *labels,
                      store_done_fn done, void *user)
{
    AUTO_FREE char *key = mem_printf("%s/%s", pod->namespace, pod->name);
    struct label_queue *queue = queue_of(bases, key);
    bool idle = list_empty(&queue->patches);
    struct label_patch *patch = NEW(struct label_patch);
    *patch = (struct label_patch){
        .event.fn = on_patched,
        .bases = bases,
        .queue = queue,
        .namespace = mem_strdup(pod->namespace),
        .name = mem_strdup(pod->name),
        .uid = mem_strdup(pod->uid),
        .body = body_of(pod->uid, labels),
        .done = done,
        .user = user,
    };
    list_append(&queue->patches, &patch->node);
    if (idle)
        send_first(queue);
}
