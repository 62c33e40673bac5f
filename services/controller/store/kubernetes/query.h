/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_STORE_KUBERNETES_QUERY_H
#define KOUPLELESS_CONTROLLER_STORE_KUBERNETES_QUERY_H

#include "lib/model/labels.h"
#include "services/controller/store/store.h"

/** query_labels() - @selector as the API's labelSelector; NULL where it selects everything. Owned. */
char *query_labels(const struct selector *selector);

/** query_fields() - the API's fieldSelector of a query, or NULL. Of Events only our own are looked at. Owned. */
char *query_fields(const struct store_query *query);

#endif
