/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/store/embedded/reads.h"

#include "lib/base/str.h"

void reads_get(struct database *database, struct request *request)
{
    struct store_key key = request_key(request);
    if (!request->err && database_get(database, &key, &request->result, &request->err) == 0 &&
        !request->result)
        err_set(&request->err, ERR_NOT_FOUND, "%s \"%s/%s\": not found", kind_name(key.kind),
                key.namespace, key.name);
    request_finish(request);
}

struct page {
    const struct query *query;
    size_t limit; /* SIZE_MAX = all */
    bool more;
    struct {
        struct record **items;
        size_t len, cap;
    } records;
};

static bool add_to_page(void *user, struct record *record)
{
    struct page *page = user;
    if (!query_matches(page->query, record))
        return true;
    if (page->records.len == page->limit) {
        page->more = true;
        return false;
    }
    VEC_PUSH(&page->records, record_ref(record));
    return true;
}

static int read_page(struct database *database, const struct query *query,
                     const struct store_key *after, struct page *page, struct err **err)
{
    if (!query->namespace || !query->name)
        return database_scan(database, query->kind, query->namespace, after, add_to_page, page,
                             err);
    /* A single object: by its key instead of through the namespace. */
    struct store_key key = {query->kind, query->namespace, query->name};
    AUTO_RECORD struct record *record = NULL;
    if (database_get(database, &key, &record, err) < 0)
        return -1;
    if (record && !query->continue_token)
        (void)add_to_page(page, record);
    return 0;
}

static void answer_page(const struct request *request, const struct page *page, int64_t version)
{
    AUTO_FREE struct document *items = mem_alloc(page->records.len * sizeof(*items));
    for (size_t i = 0; i < page->records.len; i++)
        items[i] = record_document(page->records.items[i]);
    AUTO_FREE char *version_text = mem_printf("%lld", (long long)version);
    AUTO_FREE char *token = NULL;
    if (page->more)
        token = page_end_token(version, &items[page->records.len - 1]);
    const struct store_list list = {items, page->records.len, version_text, token};
    request->list_done(request->user, &list, NULL);
}

static int list(struct database *database, struct request *request, struct page *page,
                int64_t *version, int64_t oldest, struct err **err)
{
    const struct query *query = &request->query;
    AUTO(page_end_done) struct page_end end = {.namespace = "", .name = ""};
    if (query->limit < 0)
        return err_field(err, "limit", "must not be negative");
    if (query->continue_token) {
        if (page_end_read(query->continue_token, INT64_MAX, &end, err) < 0)
            return -1;
        *version = end.version;
        if (*version < oldest)
            return err_set(err, ERR_EXPIRED, "the list was begun too long ago: begin it again");
    }
    struct store_key after = {query->kind, end.namespace, end.name};
    return read_page(database, query, &after, page, err);
}

void reads_list(struct database *database, struct request *request, int64_t version, int64_t oldest)
{
    struct page page = {.query = &request->query};
    page.limit = request->query.limit > 0 ? (size_t)request->query.limit : SIZE_MAX;
    if (!request->err)
        (void)list(database, request, &page, &version, oldest, &request->err);
    if (request->err)
        request->list_done(request->user, NULL, request->err);
    else
        answer_page(request, &page, version);
    for (size_t i = 0; i < page.records.len; i++)
        record_unref(page.records.items[i]);
    VEC_DONE(&page.records);
    request_free(request);
}
