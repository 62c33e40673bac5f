/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_STORE_EMBEDDED_READS_H
#define KOUPLELESS_CONTROLLER_STORE_EMBEDDED_READS_H

#include "services/controller/store/embedded/database.h"
#include "services/controller/store/embedded/request.h"

/** reads_get() - executes, answers and frees @request. Store thread, outside a transaction. */
void reads_get(struct database *database, struct request *request);

/**
 * reads_list() - the same for a list
 * @version: of the store now
 * @oldest:  that a watch can begin at; a continue token of an older list is ERR_EXPIRED
 */
void reads_list(struct database *database, struct request *request, int64_t version,
                int64_t oldest);

#endif
