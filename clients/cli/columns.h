/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CLI_COLUMNS_H
#define KOUPLELESS_CLI_COLUMNS_H

#include "clients/cli/kinds.h"
#include "clients/cli/table.h"

/* What a table shows of each kind: what runs where, and is it well. Pure. */
extern const struct kind_column deployment_columns[];
extern const struct kind_column replicaset_columns[];
extern const struct kind_column module_columns[];
extern const struct kind_column base_columns[];

/** columns_head() - the row of titles. */
void columns_head(struct table *table, const struct kind_column *columns, bool namespaces,
                  bool wide);

/** columns_row() - one object. */
void columns_row(struct table *table, const struct kind_column *columns, bool namespaces, bool wide,
                 const cJSON *object, int64_t now_ms);

/** age_text() - "42s", "5m", "3h", "2d" since @since, an RFC 3339 time (NULL: "-"). Owned. */
char *age_text(const char *since, int64_t now_ms);

/** label_of() - a label of @object, or NULL. */
const char *label_of(const cJSON *object, const char *label);

/** number_at() - the number at a dotted path, 0 where there is none. */
int64_t number_at(const cJSON *object, const char *path);

#endif
