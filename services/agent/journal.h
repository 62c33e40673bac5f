/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_AGENT_JOURNAL_H
#define KOUPLELESS_AGENT_JOURNAL_H

#include "lib/base/log.h"
#include "services/agent/engine/journal_line.h"
#include "services/agent/worker.h"

/*
 * What was asked of the agent and how it ended, in a file beside the jars, so that an agent that is started anew knows it.
 * Lines are appended by the worker; what nobody needs any more goes when the whole is written anew, which keeps the
 * file at about twice what is needed. A file that can't be written costs the memory, not the operation, and is taken away: it
 * would speak of what has ended as if it ran. Loop thread.
 *
 *     before                                                          there is in the file
 *     a call is answered with an operation (operations_flush())       that it was accepted
 *     Arklet gets a command (records_flush(), behind the same worker) that it was accepted
 *     a call is answered with an end, the next one of the module      how it ended
 *       begins (journal_flush() in operations_end())
 *
 * Jars are fetched and Arklet is asked meanwhile: who dies then has changed nothing, and told nobody. An end has to wait, also
 * a good one: the next agent would do the operation again, after what came behind it.
 */
struct journal;

struct journal_options {
    struct worker *worker;
    struct log *log;
    const char *dir; /* NULL: nothing is kept, and nobody waits */
    /* Whose it is: that of another base in the same directory is not read. Borrowed for the call. */
    const char *agent;
    /* all() - journal_write_all() of it writes what still counts, by @write. */
    void (*all)(void *owner, void (*write)(void *user, const struct journal_line *line),
                void *user);
    void *owner;
};

/**
 * journal_new() - where there is no directory, or its file can't be opened, one that keeps nothing
 *
 * ERR_PRECONDITION: another agent has the directory.
 */
int journal_new(struct journal **out, const struct journal_options *options, struct err **err);
void journal_free(struct journal *journal); /* after the worker ended */

/** journal_keeps() - whether there is a file. */
bool journal_keeps(const struct journal *journal);

/**
 * journal_read() - @fn with each line that agents before this one have left, oldest first; once, before all else
 *
 * Lines that are damaged, or were written half as their agent died, are skipped.
 */
void journal_read(struct journal *journal, void (*fn)(void *user, const struct journal_line *line),
                  void *user);

/** journal_add() - one more line; options.all() knows it already. */
void journal_add(struct journal *journal, const struct journal_line *line);

/** journal_flush() - @done when all lines so far are in the file; at once where nothing is on its way there. */
void journal_flush(struct journal *journal, void (*done)(void *user), void *user);

#endif
