/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_AGENT_ENGINE_JOURNAL_LINE_H
#define KOUPLELESS_AGENT_ENGINE_JOURNAL_LINE_H

#include "lib/base/json.h"
#include "services/agent/engine/failure.h"

/*
 * A line of the journal of operations (journal.h), an object of JSON:
 *
 *   {"what":"agent","id":"default/stock-1 http://127.0.0.1:1238"}     whose journal it is; the first line
 *   {"what":"accepted","id":"x","type":"install","name":"pay","version":"1.0.0","url":...,"timeMs":...}
 *   {"what":"ended","id":"x","timeMs":...}                            with code and reason where it failed
 *   {"what":"epoch","epoch":7,"timeMs":...}                           the highest that was seen, and since when
 */
enum journal_what { JOURNAL_AGENT, JOURNAL_ACCEPTED, JOURNAL_ENDED, JOURNAL_EPOCH };

struct journal_line {
    char *what_name;
    enum journal_what what; /* set by journal_line_read() */
    char *id;
    int64_t time_ms; /* wall */

    /* accepted */
    char *type; /* "install" */
    char *name, *version, *url, *md5, *sha256;
    bool in_place;
    char *restart;
    struct json_strings args;
    char *batch; /* id of its first member, or NULL */

    /* ended */
    char *code, *reason, *message; /* NULL where it succeeded */
    enum failure_kind failure;     /* set by journal_line_read() */
    bool restored, url_passed_through;
    int64_t execution_ms, metaspace_bytes;
    char *digest;

    int64_t epoch;
};

/** journal_line_write() - as text without a newline, owned. @line->what says what is written. */
char *journal_line_write(const struct journal_line *line);

/**
 * journal_line_read() - what @text says
 * @out: journal_line_done() also after a failure
 * Return: 0, or -1 with ERR_INVALID where it is damaged, or of something that is not known.
 */
int journal_line_read(const char *text, size_t len, struct journal_line *out, struct err **err);
void journal_line_done(struct journal_line *line);

#endif
