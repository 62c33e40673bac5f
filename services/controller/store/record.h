/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_STORE_RECORD_H
#define KOUPLELESS_CONTROLLER_STORE_RECORD_H

#include <stdatomic.h>
#include <stdint.h>

#include "services/controller/store/store.h"

/*
 * One object at one version, counted and, once it has its version, immutable: the answer of a write,
 * the history and the queues of the watches share it across threads.
 */
struct record {
    atomic_int refs;
    enum object_kind kind;
    int64_t row_id; /* of its row; 0 = none yet. Store thread only */
    int64_t version;
    char version_text[24];
    const char *namespace, *name, *uid;
    const char *labels_text; /* metadata.labels as JSON, or NULL */
    char *json;
    size_t json_len;
    char texts[]; /* all of these: thousands of records are kept, so each is one piece of memory */
};

struct record_texts {
    enum object_kind kind;
    const char *namespace, *name, *uid, *labels, *json;
};

/** record_of_texts() - a record of copies of @given, without a version yet. Return: one reference. */
struct record *record_of_texts(const struct record_texts *given);

/** record_new() - what the tree @object says, without a version yet. Return: one reference. */
struct record *record_new(enum object_kind kind, const cJSON *object);

/** record_set_version() - before anyone else sees @record; its JSON says the version too. */
void record_set_version(struct record *record, int64_t version);

/** record_note_version() - the same for a record whose JSON has the version already. */
void record_note_version(struct record *record, int64_t version);

/** record_check_size() - ERR_LIMIT where it is larger than a stored object may be. */
int record_check_size(const struct record *record, struct err **err);

/** record_at() - @record with another version, as a new record. */
struct record *record_at(const struct record *record, int64_t version);

/** record_tree() - its JSON as an owned tree; NULL with ERR_DATA_LOSS where what was stored is no JSON. */
cJSON *record_tree(const struct record *record, struct err **err);

/** record_selected() - whether @selector matches its labels, which are read for it: few watches select. */
bool record_selected(const struct record *record, const struct selector *selector);

struct record *record_ref(struct record *record);
void record_unref(struct record *record); /* NULL is fine */
void record_unref_slot(struct record **slot);
#define AUTO_RECORD AUTO(record_unref_slot)

/** record_document() - @record as the store's callers see it; borrowed. */
struct document record_document(const struct record *record);

#endif
