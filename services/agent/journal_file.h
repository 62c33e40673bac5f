/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_AGENT_JOURNAL_FILE_H
#define KOUPLELESS_AGENT_JOURNAL_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"

/*
 * The file of the journal, operations.journal. Blocking: opened and read before the loop turns, then for the worker. What is
 * written survives the process, not the machine: nothing is synced, for a machine that stops has lost the modules too.
 */
struct journal_file;

/**
 * journal_file_open() - that of @dir, which is kept from other agents until it is closed
 * ERR_PRECONDITION: another agent has it. ERR_UNAVAILABLE: the directory can't be opened.
 */
int journal_file_open(struct journal_file **out, const char *dir, struct err **err);
void journal_file_close(struct journal_file *file);

/** journal_file_read() - all of it, owned; NULL with ERR_NOT_FOUND, ERR_LIMIT, ... */
char *journal_file_read(const struct journal_file *file, size_t *ret_len, struct err **err);

/*
 * Where one of these two fails there is no file any more: what has ended since then would else be begun again by the
 * next agent.
 */

/** journal_file_append() - Return: false where it is not there, or not all of it. */
bool journal_file_append(struct journal_file *file, const char *text);

/** journal_file_replace() - the whole: a reader finds the old or the new. Return: false where neither is there. */
bool journal_file_replace(struct journal_file *file, const char *text);

#endif
