/* SPDX-License-Identifier: Apache-2.0 */
/* The file: older schemas, and how lists are read from it. */
#include "services/controller/store/embedded/database.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "lib/base/str.h"
#include "services/controller/store/embedded/test_dir.h"

struct fixture {
    char *dir, *path;
};

static int set_up(void **state)
{
    static struct fixture f;
    f.dir = test_dir_make();
    f.path = mem_printf("%s/store.db", f.dir);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    mem_free(f->path);
    test_dir_remove(f->dir);
    return 0;
}

static struct database *open_file(const struct fixture *f)
{
    struct database *database = NULL;
    AUTO_ERR struct err *err = NULL;
    if (database_open(&database, f->path, &err) < 0)
        fail_msg("%s", err->message);
    return database;
}

static void insert(struct database *database, const char *namespace, const char *name)
{
    const struct record_texts texts = {
        .kind = KIND_MODULE, .namespace = namespace, .name = name, .uid = "u", .json = "{}"};
    AUTO_RECORD struct record *record = record_of_texts(&texts);
    bool inserted = false;
    assert_int_equal(database_insert(database, record, &inserted, NULL), 0);
    assert_true(inserted);
}

static bool note(void *user, struct record *record)
{
    struct str *names = user;
    str_printf(names, "%s%s/%s", names->len ? " " : "", record->namespace, record->name);
    return true;
}

static void expect(struct database *database, const char *namespace, const char *after_namespace,
                   const char *after_name, const char *expected)
{
    AUTO_STR struct str names = STR_INIT(4096);
    const struct store_key after = {KIND_MODULE, after_namespace, after_name};
    assert_int_equal(database_scan(database, KIND_MODULE, namespace, &after, note, &names, NULL),
                     0);
    assert_string_equal(str_text(&names), expected);
}

static void expect_all(struct database *database)
{
    expect(database, NULL, "", "", "shop-2/a shop-2/b shop/a shop/b shop2/a");
}

static void lists_are_in_the_order_of_keys(void **state)
{
    struct database *database = open_file(*state);
    insert(database, "shop", "b");
    insert(database, "shop-2", "b");
    insert(database, "shop2", "a");
    insert(database, "shop", "a");
    insert(database, "shop-2", "a");
    expect_all(database);
    expect(database, NULL, "shop-2", "a", "shop-2/b shop/a shop/b shop2/a");
    expect(database, NULL, "shop-2", "b", "shop/a shop/b shop2/a");
    expect(database, NULL, "shop2", "a", "");
    expect(database, "shop", "", "", "shop/a shop/b");
    expect(database, "shop", "shop", "a", "shop/b");
    expect(database, "shop-2", "", "", "shop-2/a shop-2/b");
    expect(database, "sho", "", "", "");
    database_close(database);
}

/* -- how SQLite reads them -- */

static int scans, slow;

static int on_statement(unsigned event, void *user, void *statement, void *more)
{
    (void)event;
    (void)user;
    (void)more;
    if (!str_starts_with(sqlite3_sql(statement), "SELECT id, kind"))
        return 0;
    scans++;
    slow += sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_SORT, 1) != 0 ||
            sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_FULLSCAN_STEP, 1) != 0;
    return 0;
}

static int trace(sqlite3 *sqlite, const char **message, const struct sqlite3_api_routines *routines)
{
    (void)message;
    (void)routines;
    return sqlite3_trace_v2(sqlite, SQLITE_TRACE_PROFILE, on_statement, NULL);
}

/* Neither sorts nor looks at the objects of other kinds. */
static void an_index_serves_every_read(void **state)
{
    sqlite3_auto_extension((void (*)(void))trace);
    struct database *database = open_file(*state);
    sqlite3_reset_auto_extension();
    scans = slow = 0;
    for (int i = 0; i < 20; i++) {
        AUTO_FREE char *name = mem_printf("m-%d", i);
        insert(database, i % 2 ? "shop" : "shop-2", name);
    }
    AUTO_STR struct str names = STR_INIT(4096);
    const struct store_key key = {KIND_MODULE, "shop", "m-1"};
    assert_int_equal(database_scan(database, KIND_MODULE, NULL, &key, note, &names, NULL), 0);
    assert_int_equal(database_scan(database, KIND_MODULE, "shop", &key, note, &names, NULL), 0);
    AUTO_RECORD struct record *found = NULL;
    assert_int_equal(database_get(database, &key, &found, NULL), 0);
    assert_non_null(found);
    assert_int_equal(scans, 3);
    assert_int_equal(slow, 0);
    database_close(database);
}

/* -- older files -- */

/* As the first schema made it. */
static const char first_schema[] =
    "CREATE TABLE objects (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, namespace TEXT NOT NULL,"
    " name TEXT NOT NULL, uid TEXT NOT NULL, version INTEGER NOT NULL, labels TEXT,"
    " json TEXT NOT NULL, UNIQUE (kind, namespace, name));"
    "CREATE TABLE owners (owner_uid TEXT NOT NULL, object_id INTEGER NOT NULL,"
    " PRIMARY KEY (owner_uid, object_id)) WITHOUT ROWID;"
    "CREATE TABLE state (id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL);"
    "INSERT INTO state VALUES (1, 77);"
    "INSERT INTO objects VALUES (5, 'Module', 'shop', 'b', 'u5', 71, NULL, '{}'),"
    " (6, 'Module', 'shop-2', 'b', 'u6', 72, '{\"a\":\"b\"}', '{}'),"
    " (7, 'Module', 'shop2', 'a', 'u7', 73, NULL, '{}'),"
    " (9, 'Module', 'shop', 'a', 'u9', 74, NULL, '{}'),"
    " (11, 'Module', 'shop-2', 'a', 'u11', 75, NULL, '{\"x\":1}');"
    "INSERT INTO owners VALUES ('u5', 11);"
    "PRAGMA application_id = 0x4b4d5354; PRAGMA user_version = 1;";

static void a_file_of_the_first_schema_is_taken_over(void **state)
{
    const struct fixture *f = *state;
    sqlite3 *sqlite = NULL;
    assert_int_equal(sqlite3_open(f->path, &sqlite), SQLITE_OK);
    assert_int_equal(sqlite3_exec(sqlite, first_schema, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(sqlite), SQLITE_OK);

    for (int opened = 0; opened < 2; opened++) {
        struct database *database = open_file(f);
        expect_all(database);
        int64_t version = 0;
        assert_int_equal(database_version(database, &version, NULL), 0);
        assert_int_equal(version, 77);
        struct row_ids owned = {0};
        assert_int_equal(database_owned(database, "u5", &owned, NULL), 0);
        assert_int_equal(owned.len, 1);
        AUTO_RECORD struct record *record = NULL;
        assert_int_equal(database_get_row(database, owned.items[0], &record, NULL), 0);
        assert_string_equal(record->namespace, "shop-2");
        assert_string_equal(record->uid, "u11");
        assert_string_equal(record->json, "{\"x\":1}");
        assert_int_equal(record->version, 75);
        VEC_DONE(&owned);
        database_close(database);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lists_are_in_the_order_of_keys),
        TEST(an_index_serves_every_read),
        TEST(a_file_of_the_first_schema_is_taken_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
