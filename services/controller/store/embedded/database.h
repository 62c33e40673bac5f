/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_STORE_EMBEDDED_DATABASE_H
#define KOUPLELESS_CONTROLLER_STORE_EMBEDDED_DATABASE_H

#include "lib/base/vec.h"
#include "services/controller/store/record.h"

/*
 * The SQLite file: rows of objects, who owns whom, and the version counter. One thread at a time.
 *
 * Every function that returns int returns 0, or -1 with ERR_UNAVAILABLE (disk full, I/O error, not
 * writable, locked), ERR_DATA_LOSS (damaged) or ERR_INTERNAL. After a failure inside a transaction
 * only database_rollback() makes sense.
 */
struct database;

struct row_ids {
    int64_t *items;
    size_t len, cap;
};

/**
 * database_open() - open or make the file @path
 *
 * Checks the whole file, brings an older schema to today's. Also ERR_PRECONDITION: the file is of a
 * newer version of this program.
 */
int database_open(struct database **out, const char *path, struct err **err);
void database_close(struct database *database);

int database_begin(struct database *database, struct err **err);
int database_commit(struct database *database, struct err **err); /* durable when it returns 0 */
void database_rollback(struct database *database);

/** database_version() / database_set_version() - the counter that resource versions are taken from. */
int database_version(struct database *database, int64_t *ret, struct err **err);
int database_set_version(struct database *database, int64_t version, struct err **err);

/** database_get() - @ret: a reference, or NULL where there is no such object. */
int database_get(struct database *database, const struct store_key *key, struct record **ret,
                 struct err **err);
int database_get_row(struct database *database, int64_t row_id, struct record **ret,
                     struct err **err);

/** database_has() - whether there is such an object with this uid. */
int database_has(struct database *database, const struct store_key *key, const char *uid, bool *ret,
                 struct err **err);

/** database_insert() - sets row_id; where there is an object of that name already, nothing happens. */
int database_insert(struct database *database, struct record *record, bool *ret_inserted,
                    struct err **err);
int database_update(struct database *database, const struct record *record, struct err **err);
int database_delete(struct database *database, int64_t row_id, struct err **err);

/** database_own() - the object in @row_id names @owner_uid as an owner; twice is once. */
int database_own(struct database *database, const char *owner_uid, int64_t row_id,
                 struct err **err);
int database_disown(struct database *database, const char *owner_uid, int64_t row_id,
                    struct err **err);
/** database_owned() - appends the rows that name @owner_uid as an owner. */
int database_owned(struct database *database, const char *owner_uid, struct row_ids *rows,
                   struct err **err);

/**
 * database_scan() - objects of a kind after @after, in order of "namespace/name"
 * @namespace: only this one; NULL = all
 * @visit:     gets each record (borrowed); returns false to stop
 */
int database_scan(struct database *database, enum object_kind kind, const char *namespace,
                  const struct store_key *after, bool (*visit)(void *user, struct record *record),
                  void *user, struct err **err);

#endif
