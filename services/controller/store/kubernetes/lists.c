/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists, in pages. A list of all objects is read in pages too, so that no answer is larger than it may be; all carry
 * the version of the first. A list that is the beginning of a watch is streamed by it (watching.c), in no order.
 */
#include "lib/base/str.h"
#include "lib/base/vec.h"
#include "services/controller/store/kubernetes/kubernetes_internal.h"
#include "services/controller/store/kubernetes/query.h"
#include "services/controller/store/kubernetes/resources.h"
#include "services/controller/store/kubernetes/schema.h"
#include "services/controller/store/kubernetes/texts.h"

#define PAGE 500

struct listing {
    struct kubernetes_store *kubernetes;
    enum object_kind kind;
    char *namespace, *labels, *fields, *continue_token, *resource_version;
    int32_t limit;
    VEC(struct document) items;
    VEC(char *) memory; /* their texts */
    store_list_fn done;
    void *user;
};

static void finish(struct listing *listing, const struct err *err)
{
    struct kubernetes_store *kubernetes = listing->kubernetes;
    const struct store_list list = {
        .items = listing->items.items,
        .len = listing->items.len,
        .resource_version = listing->resource_version,
        .continue_token = listing->continue_token,
    };
    listing->done(listing->user, err ? NULL : &list, err);
    for (size_t i = 0; i < listing->memory.len; i++)
        mem_free(listing->memory.items[i]);
    VEC_DONE(&listing->memory);
    VEC_DONE(&listing->items);
    mem_free(listing->namespace);
    mem_free(listing->labels);
    mem_free(listing->fields);
    mem_free(listing->continue_token);
    mem_free(listing->resource_version);
    mem_free(listing);
    kubernetes_end(kubernetes);
}

static int read_page(struct listing *listing, struct span body, struct err **err)
{
    struct text_list page;
    if (text_read_list(body, &page, err) < 0)
        return -1;
    struct scan scan = scan_begin(page.items, '[');
    struct span item;
    while (scan_item(&scan, &item)) {
        struct document document;
        char *memory = NULL;
        if (text_read(listing->kind, item, &document, &memory, err) < 0)
            return -1;
        VEC_PUSH(&listing->items, document);
        VEC_PUSH(&listing->memory, memory);
    }
    if (scan.malformed)
        return err_set(err, ERR_DATA_LOSS, "the API server sent what is no list");
    mem_free(listing->resource_version);
    listing->resource_version = mem_strndup(page.resource_version.text, page.resource_version.len);
    mem_free(listing->continue_token);
    listing->continue_token = page.continue_token.len
                                  ? mem_strndup(page.continue_token.text, page.continue_token.len)
                                  : NULL;
    return 0;
}

static struct kube_path path_of(const struct listing *listing)
{
    return (struct kube_path){.resource = resource_of(listing->kind),
                              .namespace = listing->namespace};
}

static void fail(struct listing *listing, const struct err *err)
{
    AUTO_ERR struct err *told = err_copy(err);
    struct kube_path path = path_of(listing);
    schema_explain(&path, told);
    finish(listing, told);
}

static void ask(struct listing *listing);

static void on_answer(void *user, const struct kube_answer *answer, const struct err *err)
{
    struct listing *listing = user;
    AUTO_ERR struct err *unreadable = NULL;
    if (err)
        fail(listing, err);
    else if (read_page(listing, (struct span){answer->body, answer->body_bytes}, &unreadable) < 0)
        finish(listing, unreadable);
    else if (listing->continue_token && !listing->limit)
        ask(listing);
    else
        finish(listing, NULL);
}

static void ask(struct listing *listing)
{
    struct kube_request request = {
        .verb = KUBE_LIST,
        .path = path_of(listing),
        .label_selector = listing->labels,
        .field_selector = listing->fields,
        .limit = listing->limit ? listing->limit : PAGE,
        .continue_token = listing->continue_token,
    };
    kube_send(listing->kubernetes->client, &request, on_answer, listing);
}

void lists_list(struct kubernetes_store *kubernetes, const struct store_query *query,
                store_list_fn done, void *user)
{
    struct listing *listing = NEW(struct listing);
    listing->kubernetes = kubernetes;
    listing->kind = query->kind;
    listing->namespace = mem_strdup(query->namespace ? query->namespace : kubernetes->namespace);
    listing->labels = query_labels(query->selector);
    listing->fields = query_fields(query);
    listing->continue_token = mem_strdup(query->continue_token);
    listing->limit = query->limit;
    listing->done = done;
    listing->user = user;
    kubernetes_begin(kubernetes);
    ask(listing);
}
