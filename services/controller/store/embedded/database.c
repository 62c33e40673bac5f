/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Durability. The file is in WAL mode with synchronous=FULL, so a commit has returned only when its
 * frames are on the disk: what was acknowledged survives kill -9 and power loss. A commit that was
 * torn by either has no valid commit frame, and SQLite forgets it at the next open.
 *
 * A failed sync is different: the kernel may have dropped the pages and report success next time.
 * After one, or after any sign of damage, the database is "broken": nothing is written any more
 * until the file is opened anew, which reads back what is really on the disk.
 *
 * locking_mode=EXCLUSIVE keeps other programs out of the file, and the WAL index in our memory.
 */
#include "services/controller/store/embedded/database.h"

#include <sqlite3.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/str.h"

/* What lists are ordered by. An index is made of the very same expression, so never change it without a migration. */
#define KEY "namespace || '/' || name"

#define APPLICATION_ID 0x4b4d5354 /* "KMST", in the header of the file */
#define BUSY_TIMEOUT_MS 2000

/* Schema version n is reached by the first n of these; each runs once, in a transaction. */
static const char *const migrations[] = {
    "CREATE TABLE objects ("
    "  id INTEGER PRIMARY KEY,"
    "  kind TEXT NOT NULL,"
    "  namespace TEXT NOT NULL,"
    "  name TEXT NOT NULL,"
    "  uid TEXT NOT NULL,"
    "  version INTEGER NOT NULL,"
    "  labels TEXT," /* metadata.labels, so that a selector needs no look into json */
    "  json TEXT NOT NULL,"
    "  UNIQUE (kind, namespace, name));"
    "CREATE TABLE owners ("
    "  owner_uid TEXT NOT NULL,"
    "  object_id INTEGER NOT NULL,"
    "  PRIMARY KEY (owner_uid, object_id)) WITHOUT ROWID;"
    "CREATE TABLE state (id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL);"
    "INSERT INTO state VALUES (1, 1);",

    /* One index, in the order of lists, in place of the one of the table's own UNIQUE. */
    "CREATE TABLE new_objects ("
    "  id INTEGER PRIMARY KEY,"
    "  kind TEXT NOT NULL,"
    "  namespace TEXT NOT NULL,"
    "  name TEXT NOT NULL,"
    "  uid TEXT NOT NULL,"
    "  version INTEGER NOT NULL,"
    "  labels TEXT,"
    "  json TEXT NOT NULL);"
    "INSERT INTO new_objects SELECT id, kind, namespace, name, uid, version, labels, json FROM "
    "objects;"
    "DROP TABLE objects;"
    "ALTER TABLE new_objects RENAME TO objects;"
    "CREATE UNIQUE INDEX objects_by_key ON objects (kind, " KEY ");",
};

#define OBJECT_COLUMNS "id, kind, namespace, name, uid, version, labels, json"

#define STATEMENT_MAP(X)                                                                           \
    X(BEGIN, "BEGIN IMMEDIATE")                                                                    \
    X(COMMIT, "COMMIT")                                                                            \
    X(ROLLBACK, "ROLLBACK")                                                                        \
    X(VERSION, "SELECT version FROM state WHERE id = 1")                                           \
    X(SET_VERSION, "UPDATE state SET version = ?1 WHERE id = 1")                                   \
    X(GET, "SELECT " OBJECT_COLUMNS " FROM objects WHERE kind = ?1 AND " KEY " = ?2 || '/' || ?3") \
    X(GET_ROW, "SELECT " OBJECT_COLUMNS " FROM objects WHERE id = ?1")                             \
    X(GET_UID, "SELECT uid FROM objects WHERE kind = ?1 AND " KEY " = ?2 || '/' || ?3")            \
    X(INSERT, "INSERT INTO objects (kind, namespace, name, uid, version, labels, json)"            \
              " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (kind, " KEY ") DO NOTHING")       \
    X(UPDATE, "UPDATE objects SET version = ?2, labels = ?3, json = ?4 WHERE id = ?1")             \
    X(DELETE, "DELETE FROM objects WHERE id = ?1")                                                 \
    X(OWN, "INSERT OR IGNORE INTO owners VALUES (?1, ?2)")                                         \
    X(DISOWN, "DELETE FROM owners WHERE owner_uid = ?1 AND object_id = ?2")                        \
    X(OWNED, "SELECT object_id FROM owners WHERE owner_uid = ?1")                                  \
    X(SCAN, "SELECT " OBJECT_COLUMNS " FROM objects WHERE kind = ?1"                               \
            " AND " KEY " > ?2 || '/' || ?3 ORDER BY " KEY)                                        \
    X(SCAN_NAMESPACE, "SELECT " OBJECT_COLUMNS " FROM objects WHERE kind = ?1"                     \
                      " AND " KEY " > ?2 || '/' || ?3 AND " KEY " < ?2 || '0' ORDER BY " KEY)

enum statement {
#define X(id, sql) id,
    STATEMENT_MAP(X)
#undef X
        STATEMENT_MAX_
};

static const char *const statement_sql[] = {
#define X(id, sql) [id] = sql,
    STATEMENT_MAP(X)
#undef X
};

struct database {
    sqlite3 *sqlite;
    sqlite3_stmt *statements[STATEMENT_MAX_];
    char *path;
    struct err *broken;
};

/* -- errors -- */

static enum err_code code_of(int result)
{
    switch (result & 0xff) {
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERR_UNAVAILABLE;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ERR_DATA_LOSS;
    default:
        return ERR_INTERNAL;
    }
}

static bool is_lasting(int extended_result)
{
    return extended_result == SQLITE_IOERR_FSYNC || extended_result == SQLITE_IOERR_DIR_FSYNC ||
           code_of(extended_result) == ERR_DATA_LOSS;
}

static int fail(struct database *database, const char *doing, struct err **err)
{
    int result = sqlite3_extended_errcode(database->sqlite);
    struct err *failure = NULL;
    err_set(&failure, code_of(result), "%s %s: %s", doing, database->path,
            sqlite3_errmsg(database->sqlite));
    if (is_lasting(result) && !database->broken) {
        database->broken = err_copy(failure);
        err_wrap(&database->broken, "nothing is written any more until a restart");
    }
    return err_move(err, failure);
}

/* -- statements -- */

static void bind_text(sqlite3_stmt *statement, int at, const char *text)
{
    int result = text ? sqlite3_bind_text(statement, at, text, -1, SQLITE_STATIC)
                      : sqlite3_bind_null(statement, at);
    ASSERT(result == SQLITE_OK);
}

static void bind_int(sqlite3_stmt *statement, int at, int64_t number)
{
    int result = sqlite3_bind_int64(statement, at, number);
    ASSERT(result == SQLITE_OK);
}

static void release(sqlite3_stmt *statement)
{
    /* The result repeats that of the last step, which was looked at. */
    (void)sqlite3_reset(statement);
    (void)sqlite3_clear_bindings(statement);
}

/* Runs a statement that returns no row. */
static int run(struct database *database, enum statement id, const char *doing, struct err **err)
{
    sqlite3_stmt *statement = database->statements[id];
    int r = sqlite3_step(statement) == SQLITE_DONE ? 0 : fail(database, doing, err);
    release(statement);
    return r;
}

/* Runs plain SQL whose rows, if any, don't matter. */
static int execute(struct database *database, const char *sql, struct err **err)
{
    if (sqlite3_exec(database->sqlite, sql, NULL, NULL, NULL) != SQLITE_OK)
        return fail(database, "open", err);
    return 0;
}

/* The first column of the first row of @sql as an owned text. */
static int query_text(struct database *database, const char *sql, char **ret, struct err **err)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(database->sqlite, sql, -1, &statement, NULL) != SQLITE_OK)
        return fail(database, "open", err);
    int r = 0;
    if (sqlite3_step(statement) == SQLITE_ROW)
        *ret = mem_strdup((const char *)sqlite3_column_text(statement, 0));
    else
        r = fail(database, "open", err);
    (void)sqlite3_finalize(statement);
    return r;
}

static int query_int(struct database *database, const char *sql, int64_t *ret, struct err **err)
{
    AUTO_FREE char *text = NULL;
    if (query_text(database, sql, &text, err) < 0)
        return -1;
    if (!str_parse_int64(text, INT64_MIN, INT64_MAX, ret))
        return err_set(err, ERR_INTERNAL, "%s gave \"%s\"", sql, text);
    return 0;
}

/* -- open -- */

static int damaged(const struct database *database, const char *how, struct err **err)
{
    return err_set(err, ERR_DATA_LOSS, "%s is damaged: %s", database->path, how);
}

static int set_up(struct database *database, struct err **err)
{
    AUTO_FREE char *mode = NULL;
    if (execute(database, "PRAGMA locking_mode = EXCLUSIVE", err) < 0 ||
        query_text(database, "PRAGMA journal_mode = WAL", &mode, err) < 0 ||
        execute(database,
                "PRAGMA synchronous = FULL;"
                "PRAGMA secure_delete = OFF;"
                "PRAGMA cache_size = -512;"
                "PRAGMA journal_size_limit = 16777216;",
                err) < 0)
        return -1;
    if (sqlite3_db_readonly(database->sqlite, "main"))
        return err_set(err, ERR_UNAVAILABLE, "%s is not writable", database->path);
    if (!str_eq(mode, "wal"))
        return err_set(err, ERR_UNAVAILABLE, "%s can't be put into WAL mode", database->path);
    return 0;
}

static int check_integrity(struct database *database, struct err **err)
{
    AUTO_FREE char *verdict = NULL;
    if (query_text(database, "PRAGMA quick_check(1)", &verdict, err) < 0)
        return -1;
    return str_eq(verdict, "ok") ? 0 : damaged(database, verdict, err);
}

/* Tells a store's file, and an empty one, from any other SQLite file. */
static int check_owner(struct database *database, struct err **err)
{
    int64_t application = 0, tables = 0;
    if (query_int(database, "PRAGMA application_id", &application, err) < 0 ||
        query_int(database, "SELECT count(*) FROM sqlite_master", &tables, err) < 0)
        return -1;
    if (tables > 0 && application != APPLICATION_ID)
        return damaged(database, "it is no store of a controller", err);
    return 0;
}

static int migrate(struct database *database, struct err **err)
{
    int64_t schema = 0;
    if (query_int(database, "PRAGMA user_version", &schema, err) < 0)
        return -1;
    if (schema > (int64_t)ARRAY_LEN(migrations))
        return err_set(err, ERR_PRECONDITION,
                       "%s is of a newer version of this program (schema %lld)", database->path,
                       (long long)schema);
    for (; schema < (int64_t)ARRAY_LEN(migrations); schema++) {
        AUTO_FREE char *sql =
            mem_printf("BEGIN; %s PRAGMA application_id = %d; PRAGMA user_version = %lld; COMMIT",
                       migrations[schema], APPLICATION_ID, (long long)schema + 1);
        if (execute(database, sql, err) < 0)
            return -1;
    }
    return 0;
}

static int prepare(struct database *database, struct err **err)
{
    for (int i = 0; i < STATEMENT_MAX_; i++)
        if (sqlite3_prepare_v3(database->sqlite, statement_sql[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &database->statements[i], NULL) != SQLITE_OK)
            return damaged(database, sqlite3_errmsg(database->sqlite), err);
    return 0;
}

int database_open(struct database **out, const char *path, struct err **err)
{
    struct database *database = NEW(struct database);
    database->path = mem_strdup(path);
    /* One thread at a time uses the connection, so it needs no mutex. */
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    int r = 0;
    if (sqlite3_open_v2(path, &database->sqlite, flags, NULL) != SQLITE_OK)
        r = fail(database, "open", err);
    else
        (void)sqlite3_busy_timeout(database->sqlite, BUSY_TIMEOUT_MS);
    if (r < 0 || set_up(database, err) < 0 || check_integrity(database, err) < 0 ||
        check_owner(database, err) < 0 || migrate(database, err) < 0 ||
        prepare(database, err) < 0) {
        database_close(database);
        return -1;
    }
    *out = database;
    return 0;
}

void database_close(struct database *database)
{
    if (!database)
        return;
    for (int i = 0; i < STATEMENT_MAX_; i++)
        (void)sqlite3_finalize(database->statements[i]);
    int result = sqlite3_close(database->sqlite);
    ASSERT(result == SQLITE_OK); /* all statements are gone */
    err_free(database->broken);
    mem_free(database->path);
    mem_free(database);
}

/* -- transactions -- */

int database_begin(struct database *database, struct err **err)
{
    if (database->broken)
        return err_move(err, err_copy(database->broken));
    return run(database, BEGIN, "write", err);
}

int database_commit(struct database *database, struct err **err)
{
    return run(database, COMMIT, "write", err);
}

void database_rollback(struct database *database)
{
    /* Grave errors have rolled back already; then there is nothing left to do. */
    if (!sqlite3_get_autocommit(database->sqlite))
        (void)run(database, ROLLBACK, "roll back", NULL);
}

int database_version(struct database *database, int64_t *ret, struct err **err)
{
    sqlite3_stmt *statement = database->statements[VERSION];
    int r = 0;
    switch (sqlite3_step(statement)) {
    case SQLITE_ROW:
        *ret = sqlite3_column_int64(statement, 0);
        break;
    case SQLITE_DONE:
        r = damaged(database, "the version is missing", err);
        break;
    default:
        r = fail(database, "read", err);
    }
    release(statement);
    return r;
}

int database_set_version(struct database *database, int64_t version, struct err **err)
{
    bind_int(database->statements[SET_VERSION], 1, version);
    return run(database, SET_VERSION, "write", err);
}

/* -- objects -- */

static const char *column_text(sqlite3_stmt *statement, int column)
{
    return (const char *)sqlite3_column_text(statement, column);
}

static int read_row(struct database *database, sqlite3_stmt *statement, struct record **ret,
                    struct err **err)
{
    struct record_texts texts = {
        .namespace = column_text(statement, 2),
        .name = column_text(statement, 3),
        .uid = column_text(statement, 4),
        .labels = column_text(statement, 6),
        .json = column_text(statement, 7),
    };
    if (!kind_from_name(column_text(statement, 1), &texts.kind))
        return damaged(database, "an object is of no known kind", err);
    *ret = record_of_texts(&texts);
    (*ret)->row_id = sqlite3_column_int64(statement, 0);
    record_note_version(*ret, sqlite3_column_int64(statement, 5));
    return 0;
}

static int get_one(struct database *database, sqlite3_stmt *statement, struct record **ret,
                   struct err **err)
{
    int r = 0;
    switch (sqlite3_step(statement)) {
    case SQLITE_ROW:
        r = read_row(database, statement, ret, err);
        break;
    case SQLITE_DONE:
        *ret = NULL;
        break;
    default:
        r = fail(database, "read", err);
    }
    release(statement);
    return r;
}

int database_get(struct database *database, const struct store_key *key, struct record **ret,
                 struct err **err)
{
    sqlite3_stmt *statement = database->statements[GET];
    bind_text(statement, 1, kind_name(key->kind));
    bind_text(statement, 2, key->namespace);
    bind_text(statement, 3, key->name);
    return get_one(database, statement, ret, err);
}

int database_get_row(struct database *database, int64_t row_id, struct record **ret,
                     struct err **err)
{
    sqlite3_stmt *statement = database->statements[GET_ROW];
    bind_int(statement, 1, row_id);
    return get_one(database, statement, ret, err);
}

int database_has(struct database *database, const struct store_key *key, const char *uid, bool *ret,
                 struct err **err)
{
    sqlite3_stmt *statement = database->statements[GET_UID];
    bind_text(statement, 1, kind_name(key->kind));
    bind_text(statement, 2, key->namespace);
    bind_text(statement, 3, key->name);
    int result = sqlite3_step(statement);
    int r = result == SQLITE_ROW || result == SQLITE_DONE ? 0 : fail(database, "read", err);
    *ret = result == SQLITE_ROW && str_eq((const char *)sqlite3_column_text(statement, 0), uid);
    release(statement);
    return r;
}

int database_insert(struct database *database, struct record *record, bool *ret_inserted,
                    struct err **err)
{
    sqlite3_stmt *statement = database->statements[INSERT];
    bind_text(statement, 1, kind_name(record->kind));
    bind_text(statement, 2, record->namespace);
    bind_text(statement, 3, record->name);
    bind_text(statement, 4, record->uid);
    bind_int(statement, 5, record->version);
    bind_text(statement, 6, record->labels_text);
    bind_text(statement, 7, record->json);
    if (run(database, INSERT, "write", err) < 0)
        return -1;
    *ret_inserted = sqlite3_changes(database->sqlite) == 1;
    if (*ret_inserted)
        record->row_id = sqlite3_last_insert_rowid(database->sqlite);
    return 0;
}

int database_update(struct database *database, const struct record *record, struct err **err)
{
    sqlite3_stmt *statement = database->statements[UPDATE];
    bind_int(statement, 1, record->row_id);
    bind_int(statement, 2, record->version);
    bind_text(statement, 3, record->labels_text);
    bind_text(statement, 4, record->json);
    return run(database, UPDATE, "write", err);
}

int database_delete(struct database *database, int64_t row_id, struct err **err)
{
    bind_int(database->statements[DELETE], 1, row_id);
    return run(database, DELETE, "write", err);
}

static int run_owner(struct database *database, enum statement id, const char *owner_uid,
                     int64_t row_id, struct err **err)
{
    bind_text(database->statements[id], 1, owner_uid);
    bind_int(database->statements[id], 2, row_id);
    return run(database, id, "write", err);
}

int database_own(struct database *database, const char *owner_uid, int64_t row_id, struct err **err)
{
    return run_owner(database, OWN, owner_uid, row_id, err);
}

int database_disown(struct database *database, const char *owner_uid, int64_t row_id,
                    struct err **err)
{
    return run_owner(database, DISOWN, owner_uid, row_id, err);
}

int database_owned(struct database *database, const char *owner_uid, struct row_ids *rows,
                   struct err **err)
{
    sqlite3_stmt *statement = database->statements[OWNED];
    bind_text(statement, 1, owner_uid);
    int result;
    while ((result = sqlite3_step(statement)) == SQLITE_ROW)
        VEC_PUSH(rows, sqlite3_column_int64(statement, 0));
    int r = result == SQLITE_DONE ? 0 : fail(database, "read", err);
    release(statement);
    return r;
}

int database_scan(struct database *database, enum object_kind kind, const char *namespace,
                  const struct store_key *after, bool (*visit)(void *user, struct record *record),
                  void *user, struct err **err)
{
    sqlite3_stmt *statement = database->statements[namespace ? SCAN_NAMESPACE : SCAN];
    bind_text(statement, 1, kind_name(kind));
    bind_text(statement, 2, namespace ? namespace : after->namespace);
    bind_text(statement, 3, after->name);
    int r = 0, result = SQLITE_ROW;
    bool more = true;
    while (r == 0 && more && (result = sqlite3_step(statement)) == SQLITE_ROW) {
        AUTO_RECORD struct record *record = NULL;
        r = read_row(database, statement, &record, err);
        more = r == 0 && visit(user, record);
    }
    if (result != SQLITE_ROW && result != SQLITE_DONE)
        r = fail(database, "read", err);
    release(statement);
    return r;
}
