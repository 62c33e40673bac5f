/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A continue token is "<version of the first page>/<namespace>/<name>", the last object given. Later
 * pages show the objects as they are when they are read, under the version of the first page: whoever
 * then watches from it is told of every change since, those included that a later page already showed.
 */
#include "services/controller/store/embedded/reads.h"

#include <stdio.h>
#include <string.h>

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

/* Splits @token into @ret_version and @after, which points into @buffer, an owned copy of it. */
static int parse_token(const char *token, char **buffer, int64_t *ret_version,
                       struct store_key *after, struct err **err)
{
    *buffer = mem_strdup(token);
    char *namespace = strchr(*buffer, '/');
    char *name = namespace ? strchr(namespace + 1, '/') : NULL;
    if (name) {
        *namespace ++ = *name++ = '\0';
        after->namespace = namespace;
        after->name = name;
    }
    if (!name || !str_parse_int64(*buffer, 0, INT64_MAX, ret_version))
        return err_field(err, "continue", "is no token of a list");
    return 0;
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
    if (page->more) {
        const struct document *last = &items[page->records.len - 1];
        token = mem_printf("%s/%s/%s", version_text, last->namespace, last->name);
    }
    const struct store_list list = {items, page->records.len, version_text, token};
    request->list_done(request->user, &list, NULL);
}

static int list(struct database *database, struct request *request, struct page *page,
                int64_t *version, int64_t oldest, struct err **err)
{
    const struct query *query = &request->query;
    struct store_key after = {query->kind, "", ""};
    AUTO_FREE char *buffer = NULL;
    if (query->limit < 0)
        return err_field(err, "limit", "must not be negative");
    if (query->continue_token) {
        if (parse_token(query->continue_token, &buffer, version, &after, err) < 0)
            return -1;
        if (*version < oldest)
            return err_set(err, ERR_EXPIRED, "the list was begun too long ago: begin it again");
    }
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
