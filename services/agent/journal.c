/* SPDX-License-Identifier: Apache-2.0 */
#include "services/agent/journal.h"

#include <string.h>

#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "services/agent/journal_file.h"

#define GROWTH_MIN LIMIT_KIB(256) /* appended before the whole is written anew, at least */

struct journal {
    struct journal_options options;
    struct journal_file *file; /* NULL = none is kept */
    char *agent;
    size_t jobs;        /* on their way to the file */
    size_t whole_bytes; /* as it was written anew */
    size_t added_bytes; /* since then */
    bool damaged;       /* an append has failed: half a line may be there */
};

struct write_job {
    struct worker_job job;
    struct journal *journal;
    struct str text;
    bool whole, written;
};

/* -- writing -- */

static void add_line(void *user, const struct journal_line *line)
{
    struct str *text = user;
    AUTO_FREE char *one = journal_line_write(line);
    str_add(text, one);
    str_add_char(text, '\n');
}

/* On the worker. */
static void write_text(struct worker_job *worker_job)
{
    struct write_job *job = CONTAINER_OF(worker_job, struct write_job, job);
    struct journal_file *file = job->journal->file;
    const char *text = str_text(&job->text);
    if (!job->text.full)
        job->written =
            job->whole ? journal_file_replace(file, text) : journal_file_append(file, text);
}

static void on_written(struct worker_job *worker_job)
{
    struct write_job *job = CONTAINER_OF(worker_job, struct write_job, job);
    struct journal *journal = job->journal;
    if (!job->written && !journal->damaged)
        log_warn(journal->options.log, "operations can't be written down; an agent that is started "
                                       "anew will not know of them");
    if (job->whole || !job->written)
        journal->damaged = !job->written;
    journal->jobs--;
    str_done(&job->text);
    mem_free(job);
}

static void start_write(struct journal *journal, struct str text_taken, bool whole)
{
    struct write_job *job = NEW(struct write_job);
    *job = (struct write_job){.job = {.work = write_text, .done = on_written},
                              .journal = journal,
                              .text = text_taken,
                              .whole = whole};
    journal->jobs++;
    worker_start(journal->options.worker, &job->job);
}

static void write_whole(struct journal *journal)
{
    struct str text = STR_INIT(LIMIT_JOURNAL / 3); /* it may double before the next one */
    add_line(&text, &(struct journal_line){.what = JOURNAL_AGENT, .id = journal->agent});
    journal->options.all(journal->options.owner, add_line, &text);
    journal->whole_bytes = text.len;
    journal->added_bytes = 0;
    start_write(journal, text, /* whole= */ true);
}

void journal_add(struct journal *journal, const struct journal_line *line)
{
    if (!journal->file)
        return;
    struct str text = STR_INIT(LIMIT_JOURNAL);
    add_line(&text, line);
    journal->added_bytes += text.len;
    bool grown = journal->added_bytes > GROWTH_MIN && journal->added_bytes > journal->whole_bytes;
    if (grown || journal->damaged) {
        str_done(&text);
        write_whole(journal);
    } else {
        start_write(journal, text, /* whole= */ false);
    }
}

/* -- waiting -- */

void journal_flush(struct journal *journal, void (*done)(void *user), void *user)
{
    if (!journal->jobs) {
        done(user);
        return;
    }
    worker_flush(journal->options.worker, done, user);
}

/* -- reading -- */

/* Takes the first line off @text; what has no end was written half. Return: false at the end. */
static bool next_line(const char **text, size_t *len, const char **ret_line, size_t *ret_len)
{
    const char *end = *len ? memchr(*text, '\n', *len) : NULL;
    if (!end)
        return false;
    *ret_line = *text;
    *ret_len = (size_t)(end - *text);
    *text = end + 1;
    *len -= *ret_len + 1;
    return true;
}

/* Whose it is stands first. */
static bool is_mine(const struct journal *journal, const char **text, size_t *len)
{
    const char *first;
    size_t first_len;
    struct journal_line line = {0};
    bool mine = next_line(text, len, &first, &first_len) &&
                journal_line_read(first, first_len, &line, NULL) == 0 &&
                line.what == JOURNAL_AGENT && str_eq(line.id, journal->agent);
    journal_line_done(&line);
    return mine;
}

/* Return: how many lines are damaged. */
static size_t read_lines(const struct journal *journal, const char *text, size_t len,
                         void (*fn)(void *user, const struct journal_line *line), void *user)
{
    size_t damaged = 0, line_len;
    const char *text_line;
    if (!is_mine(journal, &text, &len))
        return 0;
    while (next_line(&text, &len, &text_line, &line_len)) {
        struct journal_line line;
        if (journal_line_read(text_line, line_len, &line, NULL) == 0)
            fn(user, &line);
        else
            damaged++;
        journal_line_done(&line);
    }
    return damaged;
}

void journal_read(struct journal *journal, void (*fn)(void *user, const struct journal_line *line),
                  void *user)
{
    AUTO_ERR struct err *err = NULL;
    size_t len = 0;
    if (!journal->file)
        return;
    AUTO_FREE char *text = journal_file_read(journal->file, &len, &err);
    if (!text && err->code != ERR_NOT_FOUND)
        log_warn(journal->options.log, "the operations before can't be read", LOG_ERR(err));
    size_t damaged = text ? read_lines(journal, text, len, fn, user) : 0;
    if (damaged)
        log_warn(journal->options.log, "lines of the operations before are damaged",
                 LOG_INT("lines", (int64_t)damaged));
    write_whole(journal); /* so that half a line at its end is none any more */
}

/* -- life -- */

int journal_new(struct journal **out, const struct journal_options *options, struct err **err)
{
    struct journal_file *file = NULL;
    AUTO_ERR struct err *why = NULL;
    if (options->dir && journal_file_open(&file, options->dir, &why) < 0) {
        if (why->code == ERR_PRECONDITION)
            return err_move(err, TAKE(why));
        log_warn(options->log,
                 "operations are not written down, nor where modules came from; an agent that is "
                 "started anew will not know of them",
                 LOG_ERR(why));
    }
    struct journal *journal = NEW(struct journal);
    journal->options = *options;
    journal->agent = mem_strdup(options->agent);
    journal->file = file;
    *out = journal;
    return 0;
}

void journal_free(struct journal *journal)
{
    if (!journal)
        return;
    journal_file_close(journal->file);
    mem_free(journal->agent);
    mem_free(journal);
}

bool journal_keeps(const struct journal *journal)
{
    return journal->file != NULL;
}
