/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Durable creates per second through the embedded store, beside bare SQLite that writes the same rows
 * into the same tables with the same sync: one at a time (each waits for its own sync), and with 64
 * outstanding (bare: 64 rows in one transaction). The two take turns on the same disk, several times;
 * the best of each counts. The ratio is the price of the store's threads, checks and JSON.
 */
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/assert.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "services/controller/store/embedded/embedded.h"
#include "services/controller/store/embedded/test_dir.h"

#define RUNS 20
#define GOAL 0.8

/* A Module as the controller writes it. */
static const char document[] =
    "{\"apiVersion\":\"koupleless.alipay.com/v1alpha1\",\"kind\":\"Module\",\"metadata\":{\"name\":"
    "\"provider-5d8c7f9b6d-%06d\",\"namespace\":\"default\",\"labels\":{\"koupleless.alipay.com/"
    "module-name\":\"provider\",\"koupleless.alipay.com/"
    "module-version\":\"1.0.0\",\"koupleless.alipay."
    "com/module-deployment\":\"provider\",\"koupleless.alipay.com/module-replicaset\":\"provider-"
    "5d8c7f9b6d\",\"koupleless.alipay.com/"
    "base-instance-name\":\"base-7\"},\"finalizers\":[\"koupleless."
    "alipay.com/"
    "module-installed\"]},\"spec\":{\"module\":{\"name\":\"provider\",\"version\":\"1.0.0\","
    "\"url\":\"http://127.0.0.1:8000/provider-1.0.0-ark-biz.jar\",\"md5\":"
    "\"d41d8cd98f00b204e9800998ecf8427e\"},\"baseName\":\"base-7\",\"baseUid\":"
    "\"8f14e45f-ceea-467f-a0a5-5d1b3c5f2b11\"}}";

static double now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* -- through the store -- */

/* The caller is a thread of its own, as the controller's loop is; callbacks only count. */
struct load {
    int outstanding, done;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
};

static void on_created(void *user, const struct document *created, const struct err *err)
{
    struct load *load = user;
    ASSERT(created && !err);
    pthread_mutex_lock(&load->mutex);
    load->outstanding--;
    load->done++;
    pthread_cond_signal(&load->changed);
    pthread_mutex_unlock(&load->mutex);
}

static void create_all(struct store *store, int outstanding, int total)
{
    struct load load = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    for (int number = 0; number < total; number++) {
        pthread_mutex_lock(&load.mutex);
        while (load.outstanding == outstanding)
            pthread_cond_wait(&load.changed, &load.mutex);
        load.outstanding++;
        pthread_mutex_unlock(&load.mutex);
        AUTO_FREE char *json = mem_printf(document, number);
        store_create(store, KIND_MODULE, json, on_created, &load);
    }
    pthread_mutex_lock(&load.mutex);
    while (load.done < total)
        pthread_cond_wait(&load.changed, &load.mutex);
    pthread_mutex_unlock(&load.mutex);
}

static double run_store(int outstanding, int total)
{
    char *dir = test_dir_make();
    struct store *store = NULL;
    struct err *err = NULL;
    if (embedded_store_open(&store, dir, clock_real(), &err) < 0) {
        (void)fprintf(stderr, "%s\n", err->message);
        exit(1);
    }
    double start = now_s();
    create_all(store, outstanding, total);
    double took = now_s() - start;
    store_free(store);
    test_dir_remove(dir);
    return total / took;
}

/* -- bare SQLite -- */

struct bare {
    sqlite3 *sqlite;
    sqlite3_stmt *begin, *insert, *set_version, *commit;
};

static void execute(sqlite3 *sqlite, const char *sql)
{
    ASSERT(sqlite3_exec(sqlite, sql, NULL, NULL, NULL) == SQLITE_OK);
}

static sqlite3_stmt *prepare(sqlite3 *sqlite, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    ASSERT(sqlite3_prepare_v2(sqlite, sql, -1, &statement, NULL) == SQLITE_OK);
    return statement;
}

static void step(sqlite3_stmt *statement)
{
    ASSERT(sqlite3_step(statement) == SQLITE_DONE);
    (void)sqlite3_reset(statement);
}

static void bare_open(struct bare *bare, const char *dir)
{
    AUTO_FREE char *path = mem_printf("%s/bare.db", dir);
    ASSERT(sqlite3_open_v2(path, &bare->sqlite,
                           SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                           NULL) == SQLITE_OK);
    execute(bare->sqlite,
            "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
            "PRAGMA secure_delete = OFF;"
            "CREATE TABLE objects (id INTEGER PRIMARY KEY, kind TEXT NOT NULL,"
            " namespace TEXT NOT NULL, name TEXT NOT NULL, uid TEXT NOT NULL,"
            " version INTEGER NOT NULL, labels TEXT, json TEXT NOT NULL,"
            " UNIQUE (kind, namespace, name));"
            "CREATE TABLE state (id INTEGER PRIMARY KEY, version INTEGER NOT NULL);"
            "INSERT INTO state VALUES (1, 1)");
    bare->begin = prepare(bare->sqlite, "BEGIN IMMEDIATE");
    bare->insert = prepare(bare->sqlite,
                           "INSERT INTO objects (kind, namespace, name, uid, version, labels, json)"
                           " VALUES ('Module', 'default', ?1, ?2, ?3, ?4, ?5)");
    bare->set_version = prepare(bare->sqlite, "UPDATE state SET version = ?1 WHERE id = 1");
    bare->commit = prepare(bare->sqlite, "COMMIT");
}

static void bare_close(struct bare *bare)
{
    (void)sqlite3_finalize(bare->begin);
    (void)sqlite3_finalize(bare->insert);
    (void)sqlite3_finalize(bare->set_version);
    (void)sqlite3_finalize(bare->commit);
    ASSERT(sqlite3_close(bare->sqlite) == SQLITE_OK);
}

/* The row that the store writes: the document with what the store adds to it, and its labels. */
static void bare_insert(struct bare *bare, int number)
{
    AUTO_FREE char *name = mem_printf("provider-5d8c7f9b6d-%06d", number);
    AUTO_FREE char *json = mem_printf(document, number);
    AUTO_FREE char *added = mem_printf(
        "%s,\"uid\":\"1f14e45f-ceea-467f-a0a5-%012d\",\"generation\":1,\"creationTimestamp\":"
        "\"2026-11-23T08:00:00Z\",\"resourceVersion\":\"%d\"",
        json, number, number);
    const char *labels = strstr(json, "{\"koupleless");
    int labels_len = (int)(strchr(labels, '}') + 1 - labels);
    (void)sqlite3_bind_text(bare->insert, 1, name, -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(bare->insert, 2, "1f14e45f-ceea-467f-a0a5-000000000000", -1,
                            SQLITE_STATIC);
    (void)sqlite3_bind_int(bare->insert, 3, number);
    (void)sqlite3_bind_text(bare->insert, 4, labels, labels_len, SQLITE_STATIC);
    (void)sqlite3_bind_text(bare->insert, 5, added, -1, SQLITE_STATIC);
    step(bare->insert);
}

static double run_bare(int outstanding, int total)
{
    char *dir = test_dir_make();
    struct bare bare;
    bare_open(&bare, dir);
    double start = now_s();
    for (int number = 0; number < total;) {
        step(bare.begin);
        for (int i = 0; i < outstanding && number < total; i++)
            bare_insert(&bare, number++);
        (void)sqlite3_bind_int(bare.set_version, 1, number);
        step(bare.set_version);
        step(bare.commit);
    }
    double took = now_s() - start;
    bare_close(&bare);
    test_dir_remove(dir);
    return total / took;
}

/* Return: whether the goal is met. */
static bool compare(int outstanding, int total)
{
    double store = 0, bare = 0;
    for (int i = 0; i < RUNS; i++) {
        double b = run_bare(outstanding, total), s = run_store(outstanding, total);
        bare = b > bare ? b : bare;
        store = s > store ? s : store;
    }
    printf("%11d %14.0f %14.0f %9.2f %7.2f\n", outstanding, bare, store, store / bare, GOAL);
    return store >= GOAL * bare;
}

int main(void)
{
    printf("durable creates per second, best of %d runs\n", RUNS);
    printf("%11s %14s %14s %9s %7s\n", "outstanding", "bare SQLite", "store", "ratio", "goal");
    bool one = compare(1, 300);
    bool many = compare(64, 4000);
    return one && many ? 0 : 1;
}
