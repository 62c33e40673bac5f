/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_CACHE_TEST_KIT_H
#define KOUPLELESS_CONTROLLER_CACHE_TEST_KIT_H

#include "services/controller/cache.h"
#include "services/controller/controller_test_kit.h"

/* What the tests of the cache share: a cache that notes its marks, and a small world to put into it. */

/* -- a cache whose marks are kept -- */

struct subject {
    struct cache cache;
    struct str marks; /* " d/md m/old-a", each once */
};

static inline void mark(struct subject *subject, char type, const char *key)
{
    AUTO_FREE char *text = mem_printf(" %c/%s ", type, strchr(key, '/') + 1);
    if (!strstr(str_text(&subject->marks), text)) {
        str_add(&subject->marks, text);
    }
}

static inline void on_dirty_deployment(void *user, const char *key)
{
    mark(user, 'd', key);
}

static inline void on_dirty_module(void *user, const char *key)
{
    mark(user, 'm', key);
}

static inline void on_dirty_base(void *user, const char *key)
{
    mark(user, 'b', key);
}

static inline struct subject *subject_new(void)
{
    struct subject *subject = NEW(struct subject);
    subject->marks = STR_INIT(LIMIT_KIB(64));
    subject->cache.user = subject;
    subject->cache.on_dirty_deployment = on_dirty_deployment;
    subject->cache.on_dirty_module = on_dirty_module;
    subject->cache.on_dirty_base = on_dirty_base;
    subject->cache.now_ms = 100000;
    return subject;
}

static inline void subject_free(struct subject *subject)
{
    cache_done(&subject->cache);
    str_done(&subject->marks);
    mem_free(subject);
}

static inline int set_up(void **state)
{
    *state = subject_new();
    return 0;
}

static inline int tear_down(void **state)
{
    subject_free(*state);
    return 0;
}

static inline void forget_marks(struct subject *subject)
{
    str_clear(&subject->marks);
}

static inline bool marked(const struct subject *subject, const char *what)
{
    AUTO_FREE char *text = mem_printf(" %s ", what);
    return strstr(str_text(&subject->marks), text) != NULL;
}

#define assert_marked(subject, what) assert_true(marked(subject, what))
#define assert_unmarked(subject, what) assert_false(marked(subject, what))

/* -- a small world: v1 on a, and its successor on b; both bases of "stock" -- */

#define DELETING ",\"deletionTimestamp\":\"2026-02-01T00:00:00Z\""

enum member { MD, OLD, NEW_RS, BASE_A, BASE_B, MODULE_OLD, MODULE_NEW, MEMBERS };

static const struct {
    enum object_kind kind;
    const char *name;
} members[MEMBERS] = {
    [MD] = {KIND_MODULE_DEPLOYMENT, "md"},
    [OLD] = {KIND_MODULE_REPLICASET, "old"},
    [NEW_RS] = {KIND_MODULE_REPLICASET, "new"},
    [BASE_A] = {KIND_BASE, "a"},
    [BASE_B] = {KIND_BASE, "b"},
    [MODULE_OLD] = {KIND_MODULE, "old-a"},
    [MODULE_NEW] = {KIND_MODULE, "new-b"},
};

static inline char *document_of(enum member member, int version)
{
    switch (member) {
    case MD:
        return kit_deployment("md", version, "", "");
    case OLD:
        return kit_replicaset("old", version, "md", "1.0.0");
    case NEW_RS:
        return kit_replicaset("new", version, "md", "2.0.0");
    case BASE_A:
        return kit_base("a", version, "stock", "h:1", "Ready", "");
    case BASE_B:
        return kit_base("b", version, "stock", "h:2", "Ready", "");
    case MODULE_OLD:
        return kit_module("old-a", version, "old", "a", "", "", "Available");
    case MODULE_NEW:
        return kit_module("new-b", version, "new", "b", "", ",\"replaces\":\"old-a\"", "Failed");
    case MEMBERS:
        break;
    }
    return NULL;
}

static inline void put(struct subject *subject, enum member member, int version)
{
    kit_apply(&subject->cache, members[member].kind, document_of(member, version));
}

static inline void put_all(struct subject *subject)
{
    for (int i = 0; i < MEMBERS; i++)
        put(subject, (enum member)i, i + 1);
}

static inline void put_module(struct subject *subject, const char *name, const char *rs,
                              const char *base, const char *metadata, const char *spec,
                              const char *phase)
{
    kit_apply(&subject->cache, KIND_MODULE, kit_module(name, 9, rs, base, metadata, spec, phase));
}

static inline void drop(struct subject *subject, enum member member)
{
    kit_remove(&subject->cache, members[member].kind, members[member].name);
}

static inline struct revision *revision(struct subject *subject, const char *name)
{
    struct cached_revision *found = kit_get_revision(&subject->cache, name);
    return found ? &found->view : NULL;
}

static inline struct instance *instance(struct subject *subject, const char *name)
{
    struct cached_instance *found = kit_get_instance(&subject->cache, name);
    return found ? &found->view : NULL;
}

static inline struct base_state *base(struct subject *subject, const char *name)
{
    struct cached_base *found = kit_get_base(&subject->cache, name);
    return found ? &found->view : NULL;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
