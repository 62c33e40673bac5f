/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_STORE_QUERY_H
#define KOUPLELESS_CONTROLLER_STORE_QUERY_H

#include "services/controller/store/record.h"

/* A store_query that owns what it holds. */
struct query {
    enum object_kind kind;
    char *namespace, *name; /* NULL = all */
    bool has_selector;
    struct selector selector;
    int32_t limit;
    char *continue_token;
};

void query_copy(struct query *to, const struct store_query *from);
void query_done(struct query *query);

/** query_matches() - kind, namespace, name and labels of @record; pure. */
bool query_matches(const struct query *query, const struct record *record);

/*
 * Where a page of a list ended, as a continue token says it: "VERSION/NAMESPACE/NAME", the version of the first page
 * and the last object given. Later pages show the objects as they are when they are read, under the version of the
 * first: whoever then watches from it is told of every change since, be it that a later page showed it already.
 */
struct page_end {
    int64_t version;
    const char *namespace, *name; /* in `text` */
    char *text;                   /* owned */
};

/** page_end_read() - of @token; ERR_INVALID where it is none, or speaks of a version after @newest. */
int page_end_read(const char *token, int64_t newest, struct page_end *out, struct err **err);

/** page_end_token() - for a list of @version that ended with @last. Owned. */
char *page_end_token(int64_t version, const struct document *last);

void page_end_done(struct page_end *end);

#endif
