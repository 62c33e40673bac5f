/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a write does to rows. rules.c says what it does to the document; here are versions, the table
 * of owners and the cascade.
 *
 * Cascade, as the garbage collector of Kubernetes does it: when an object goes, each object that
 * names it as an owner loses that reference, and is deleted where no owner is left. An object that is
 * made with owners of which none exists (it lost a race against their deletion) is deleted too. Unlike
 * there all this is one transaction with the write that began it, so a crash leaves nothing half done.
 */
#include "services/controller/store/embedded/writes.h"

#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "services/controller/store/rules.h"

static int refuse(struct request *request, enum err_code code, const char *why)
{
    return err_set(&request->err, code, "%s \"%s/%s\": %s", kind_name(request->kind),
                   request->namespace, request->name, why);
}

/* -- rows -- */

static const char *owner_string(const cJSON *owner, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(owner, key));
}

static int disown_all(struct writes *writes, const cJSON *object, int64_t row_id)
{
    const cJSON *owners = rules_owners(object);
    for (const cJSON *it = owners ? owners->child : NULL; it; it = it->next)
        if (database_disown(writes->database, owner_string(it, "uid"), row_id, &writes->failed) < 0)
            return -1;
    return 0;
}

static int own_all(struct writes *writes, const cJSON *object, int64_t row_id)
{
    const cJSON *owners = rules_owners(object);
    for (const cJSON *it = owners ? owners->child : NULL; it; it = it->next)
        if (database_own(writes->database, owner_string(it, "uid"), row_id, &writes->failed) < 0)
            return -1;
    return 0;
}

static void add_change(struct writes *writes, bool existed, struct record *before,
                       struct record *after)
{
    writes->version++;
    VEC_PUSH(&writes->changes, (struct change){writes->version, existed, before, after});
}

/* Return: @record's reference, or NULL where the name is taken or the database failed. */
static struct record *insert(struct writes *writes, struct record *record, const cJSON *object)
{
    bool inserted;
    record_set_version(record, writes->version + 1);
    if (database_insert(writes->database, record, &inserted, &writes->failed) < 0 || !inserted ||
        own_all(writes, object, record->row_id) < 0)
        return NULL;
    add_change(writes, /* existed= */ false, NULL, record_ref(record));
    return record_ref(record);
}

/*
 * Writes @object in the place of @before. @err NULL: of any size, as what is only being deleted must
 * not fail for its timestamp. Return: a reference; NULL with @err, or with the database's failure.
 */
static struct record *update(struct writes *writes, const struct record *before, cJSON *object,
                             struct err **err)
{
    AUTO_RECORD struct record *after = record_new(before->kind, object);
    after->row_id = before->row_id;
    record_set_version(after, writes->version + 1);
    if ((err && record_check_size(after, err) < 0) ||
        database_update(writes->database, after, &writes->failed) < 0)
        return NULL;
    bool relabelled = !str_eq(before->labels_text, after->labels_text);
    add_change(writes, /* existed= */ true, relabelled ? record_at(before, after->version) : NULL,
               record_ref(after));
    return TAKE(after);
}

/* Deletes the row of @before; @object is what it was in the end. Return: NULL: the database failed. */
static struct record *erase(struct writes *writes, const struct record *before, cJSON *object)
{
    AUTO_RECORD struct record *last = record_new(before->kind, object);
    record_set_version(last, writes->version + 1);
    if (disown_all(writes, object, before->row_id) < 0 ||
        database_delete(writes->database, before->row_id, &writes->failed) < 0)
        return NULL;
    add_change(writes, /* existed= */ true, record_ref(last), NULL);
    VEC_PUSH(&writes->gone, mem_strdup(last->uid));
    return TAKE(last);
}

/* The deletion of @before (as the tree @object): at once, or, with finalizers, asked for. */
static struct record *delete_object(struct writes *writes, struct record *before, cJSON *object)
{
    if (!rules_has_finalizers(object))
        return erase(writes, before, object);
    if (rules_being_deleted(object))
        return record_ref(before);
    rules_mark_deleted(object, writes->now_ms);
    return update(writes, before, object, /* err= */ NULL);
}

/* -- cascade -- */

/* Owners of kinds that aren't kept here can't be looked at; they count as present. */
static int owner_exists(struct writes *writes, const struct record *object, const cJSON *owner,
                        bool *ret)
{
    struct store_key key = {.namespace = object->namespace, .name = owner_string(owner, "name")};
    *ret = true;
    if (!kind_from_name(owner_string(owner, "kind"), &key.kind))
        return 0;
    return database_has(writes->database, &key, owner_string(owner, "uid"), ret, &writes->failed);
}

struct owner_list {
    cJSON **items;
    size_t len, cap;
};

static int find_gone_owners(struct writes *writes, const struct record *record, const cJSON *owners,
                            struct owner_list *gone)
{
    for (cJSON *it = owners ? owners->child : NULL; it; it = it->next) {
        bool exists;
        if (owner_exists(writes, record, it, &exists) < 0)
            return -1;
        if (!exists)
            VEC_PUSH(gone, it);
    }
    return 0;
}

/* Takes the references to owners that are gone out of the object and the table. */
static int drop_owners(struct writes *writes, const struct record *record, cJSON *object,
                       const struct owner_list *gone)
{
    for (size_t i = 0; i < gone->len; i++) {
        if (database_disown(writes->database, owner_string(gone->items[i], "uid"), record->row_id,
                            &writes->failed) < 0)
            return -1;
        json_free(cJSON_DetachItemViaPointer(rules_owners(object), gone->items[i]));
    }
    AUTO_RECORD struct record *changed = update(writes, record, object, /* err= */ NULL);
    return changed ? 0 : -1;
}

/*
 * Looks whether owners of @record (as the tree @object) are gone, and acts on it. Return: -1 where the
 * database failed.
 */
static int collect_object(struct writes *writes, struct record *record, cJSON *object)
{
    struct owner_list gone = {0};
    int r = find_gone_owners(writes, record, rules_owners(object), &gone);
    if (r == 0 && gone.len && gone.len < (size_t)cJSON_GetArraySize(rules_owners(object))) {
        r = drop_owners(writes, record, object, &gone);
    } else if (r == 0 && gone.len) {
        AUTO_RECORD struct record *deleted = delete_object(writes, record, object);
        r = deleted ? 0 : -1;
    }
    VEC_DONE(&gone);
    return r;
}

static int collect_owned(struct writes *writes, const char *owner_uid)
{
    struct row_ids rows = {0};
    int r = database_owned(writes->database, owner_uid, &rows, &writes->failed);
    for (size_t i = 0; r == 0 && i < rows.len; i++) {
        AUTO_RECORD struct record *record = NULL;
        r = database_get_row(writes->database, rows.items[i], &record, &writes->failed);
        if (r < 0 || !record)
            continue;
        AUTO_JSON cJSON *object = record_tree(record, &writes->failed);
        r = object ? collect_object(writes, record, object) : -1;
    }
    VEC_DONE(&rows);
    return r;
}

static void collect(struct writes *writes)
{
    while (writes->gone.len && !writes->failed) {
        AUTO_FREE char *uid = writes->gone.items[--writes->gone.len];
        (void)collect_owned(writes, uid); /* stands in writes->failed */
    }
}

/* -- the three writes -- */

/* The object that @request is about. Return: -1 where it doesn't exist, or the database failed. */
static int find(struct writes *writes, struct request *request, struct record **ret)
{
    struct store_key key = request_key(request);
    if (database_get(writes->database, &key, ret, &writes->failed) < 0)
        return -1;
    return *ret ? 0 : refuse(request, ERR_NOT_FOUND, "not found");
}

static void create(struct writes *writes, struct request *request)
{
    request->result = insert(writes, request->made, request->body);
    if (!request->result && !writes->failed)
        refuse(request, ERR_EXISTS, "already exists");
    else if (request->result && request->body)
        (void)collect_object(writes, request->result, request->body); /* stands in writes->failed */
}

static int check_version(struct request *request, const struct record *record)
{
    if (!request->resource_version || str_eq(request->resource_version, record->version_text))
        return 0;
    return err_set(&request->err, ERR_CONFLICT, "%s \"%s/%s\": resource version is %s, not %s",
                   kind_name(request->kind), request->namespace, request->name,
                   record->version_text, request->resource_version);
}

static bool touches_owners(const struct request *request)
{
    return request->part == STORE_MAIN && rules_owners(request->body);
}

/* Replaces the rows of owners of @before by those that @object names. */
static int replace_owners(struct writes *writes, const struct record *before, const cJSON *object)
{
    AUTO_JSON cJSON *old = record_tree(before, &writes->failed);
    if (!old || disown_all(writes, old, before->row_id) < 0)
        return -1;
    return own_all(writes, object, before->row_id);
}

static void write_patched(struct writes *writes, struct request *request, struct record *before,
                          cJSON *object)
{
    bool goes = rules_being_deleted(object) && !rules_has_finalizers(object);
    if (!goes)
        request->result = update(writes, before, object, &request->err);
    if (request->err || writes->failed ||
        (touches_owners(request) && replace_owners(writes, before, object) < 0))
        return;
    if (goes)
        request->result = erase(writes, before, object);
    else if (touches_owners(request))
        (void)collect_object(writes, request->result, object); /* stands in writes->failed */
}

static void patch(struct writes *writes, struct request *request)
{
    AUTO_RECORD struct record *before = NULL;
    if (find(writes, request, &before) < 0 || check_version(request, before) < 0)
        return;
    AUTO_JSON cJSON *object = record_tree(before, &writes->failed);
    enum rules_change change;
    if (!object || rules_patch(object, request->kind, request->part, request->body, &change,
                               &request->err) < 0)
        return;
    if (change == RULES_SAME) {
        request->result = TAKE(before);
        return;
    }
    write_patched(writes, request, before, object);
}

static void remove_object(struct writes *writes, struct request *request)
{
    AUTO_RECORD struct record *before = NULL;
    if (find(writes, request, &before) < 0 || check_version(request, before) < 0)
        return;
    if (request->uid && !str_eq(request->uid, before->uid)) {
        refuse(request, ERR_CONFLICT, "is another object now: the uid differs");
        return;
    }
    AUTO_JSON cJSON *object = record_tree(before, &writes->failed);
    if (object)
        request->result = delete_object(writes, before, object);
}

void writes_run(struct writes *writes, struct request *request)
{
    switch (request->op) {
    case REQUEST_CREATE:
        create(writes, request);
        break;
    case REQUEST_PATCH:
        patch(writes, request);
        break;
    default:
        remove_object(writes, request);
    }
    collect(writes);
}

void writes_done(struct writes *writes)
{
    for (size_t i = 0; i < writes->changes.len; i++)
        change_done(&writes->changes.items[i]);
    VEC_DONE(&writes->changes);
    for (size_t i = 0; i < writes->gone.len; i++)
        mem_free(writes->gone.items[i]);
    VEC_DONE(&writes->gone);
    err_clear(&writes->failed);
}
