/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_STORE_KUBERNETES_TEXTS_H
#define KOUPLELESS_CONTROLLER_STORE_KUBERNETES_TEXTS_H

#include "lib/base/err.h"
#include "lib/base/json_scan.h"
#include "services/controller/store/store.h"

/*
 * Objects as the API server sends them, made documents of the store: apiVersion and kind are those of our
 * model, be they left out as in lists or another's as of Events; metadata.managedFields, which is often longer
 * than all the rest, is left out. Pure.
 */

/**
 * text_read() - one object as a document
 * @out:        its strings are in *@ret_memory, which is owned
 *
 * Return: 0, or -1 with ERR_DATA_LOSS where it is no object with name and version.
 */
int text_read(enum object_kind kind, struct span object, struct document *out, char **ret_memory,
              struct err **err);

/**
 * text_read_key() - the document of an object that is gone and of which no more is known: @uid may be empty. Borrows
 * the texts of @key.
 */
void text_read_key(const struct store_key *key, struct span uid, struct document *out,
                   char **ret_memory);

/* A list, taken apart; everything in it points into the text. */
struct text_list {
    struct span items;                            /* the array; scan_begin() */
    struct span resource_version, continue_token; /* empty = none */
};

/** text_read_list() - @out borrows from @text. Return: 0, or -1 with ERR_DATA_LOSS where it is no list. */
int text_read_list(struct span text, struct text_list *out, struct err **err);

/** text_version() - metadata.resourceVersion of an object that may have nothing else (a bookmark). */
bool text_version(struct span object, struct span *ret);

/** text_status_uid() - of what a delete removed at once: details.uid of a Status. Return: false where @answer is no Status. */
bool text_status_uid(struct span answer, struct span *ret);

#endif
