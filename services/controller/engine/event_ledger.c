/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/engine/event_ledger.h"

#include <string.h>

#include "lib/base/str.h"

#define STEM_MAX 200

char *event_name(const char *involved_name, const char *involved_uid, const char *reason,
                 const char *message)
{
    AUTO_FREE char *text =
        mem_printf("%s\n%s\n%s", involved_uid ? involved_uid : "", reason, message ? message : "");
    size_t len = strnlen(involved_name, STEM_MAX);
    while (len && strchr(".-", involved_name[len - 1])) /* cut in the middle of a name with dots */
        len--;
    return mem_printf("%.*s.%016llx", (int)len, involved_name,
                      (unsigned long long)str_hash(text, strlen(text)));
}

static char *key_of(const char *namespace, const char *name)
{
    return mem_printf("%s/%s", namespace, name);
}

static struct event_entry *entry_of(struct event_ledger *ledger, const char *namespace,
                                    const char *name)
{
    AUTO_FREE char *key = key_of(namespace, name);
    struct event_entry *entry = map_get(&ledger->entries, key);
    if (!entry) {
        entry = NEW(struct event_entry);
        entry->namespace = mem_strdup(namespace);
        entry->name = mem_strdup(name);
        map_put(&ledger->entries, key, entry);
    }
    return entry;
}

static void count(struct event_entry *entry, int32_t times)
{
    entry->count = entry->count > INT32_MAX - times ? INT32_MAX : entry->count + times;
}

struct event_entry *event_ledger_note(struct event_ledger *ledger, const char *namespace,
                                      const char *name, int64_t wall_ms, int64_t now_ms)
{
    struct event_entry *entry = entry_of(ledger, namespace, name);
    count(entry, 1);
    entry->last_ms = wall_ms;
    entry->seen_ms = now_ms;
    return entry;
}

void event_entry_wrote(struct event_entry *entry, int64_t now_ms)
{
    entry->written = entry->count;
    entry->written_ms = now_ms;
}

struct event_entry *event_ledger_learn(struct event_ledger *ledger, const char *namespace,
                                       const char *name, int32_t times, int64_t last_ms,
                                       int64_t wall_ms, int64_t now_ms)
{
    struct event_entry *entry = entry_of(ledger, namespace, name);
    int64_t age_ms = wall_ms - last_ms;
    if (entry->found)
        return entry;
    entry->found = true;
    if (entry->count == 0) { /* else it has happened since */
        entry->last_ms = last_ms;
        entry->seen_ms = now_ms - (age_ms < 0               ? 0
                                   : age_ms < EVENT_LIFE_MS ? age_ms
                                                            : EVENT_LIFE_MS);
    }
    entry->count -= entry->written; /* that is in @times */
    count(entry, times);
    event_entry_wrote(entry, now_ms);
    return entry;
}

int64_t event_entry_due_ms(const struct event_entry *entry)
{
    if (entry->written == entry->count)
        return INT64_MAX;
    return entry->written ? entry->written_ms + EVENT_WRITE_EVERY_MS : 0;
}

static struct event_entry *oldest(const struct event_ledger *ledger)
{
    struct event_entry *found = NULL;
    for (size_t i = 0; i < ledger->entries.len; i++) {
        struct event_entry *entry = ledger->entries.entries[i].value;
        if (!found || entry->seen_ms < found->seen_ms)
            found = entry;
    }
    return found;
}

struct event_entry *event_ledger_expire(struct event_ledger *ledger, int64_t now_ms, size_t max)
{
    struct event_entry *entry = oldest(ledger);
    if (!entry || (now_ms - entry->seen_ms < EVENT_LIFE_MS && ledger->entries.len <= max))
        return NULL;
    AUTO_FREE char *key = key_of(entry->namespace, entry->name);
    return map_remove(&ledger->entries, key);
}

void event_entry_free(struct event_entry *entry)
{
    if (!entry)
        return;
    mem_free(entry->namespace);
    mem_free(entry->name);
    mem_free(entry->document);
    mem_free(entry);
}

void event_ledger_done(struct event_ledger *ledger)
{
    for (size_t i = 0; i < ledger->entries.len; i++)
        event_entry_free(ledger->entries.entries[i].value);
    map_done(&ledger->entries);
}
