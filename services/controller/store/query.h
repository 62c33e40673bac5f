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

#endif
