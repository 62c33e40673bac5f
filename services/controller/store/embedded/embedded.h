/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_STORE_EMBEDDED_H
#define KOUPLELESS_CONTROLLER_STORE_EMBEDDED_H

#include "services/controller/store/store.h"

struct clock;

/**
 * embedded_store_open() - the store in one SQLite file (WAL), store.db under @data_dir
 * @data_dir: made where it is missing (0700); locked against a second controller
 * @clock:    for timestamps and bookmarks; read from any thread, outlives the store
 *
 * An acknowledged write survives kill -9 and power loss. A full disk refuses writes until there is room;
 * after a failed sync, or where damage shows, all writes are refused until the store is opened anew.
 * Return: 0, or -1 with ERR_UNAVAILABLE (locked by another process, not writable, disk full),
 * ERR_DATA_LOSS (damaged file, or none of ours), ERR_PRECONDITION (file of a newer version).
 */
int embedded_store_open(struct store **out, const char *data_dir, struct clock *clock,
                        struct err **err);

#endif
