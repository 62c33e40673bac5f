/* SPDX-License-Identifier: Apache-2.0 */
#include "services/agent/jar_download.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/backoff.h"
#include "lib/base/limits.h"
#include "lib/http/client.h"

#define ATTEMPTS_MAX 3
#define STALL_MS 30000
#define PIECE LIMIT_KIB(256) /* of the body at once: fewer writes */
#define PAUSE_FIRST_MS 200
#define PAUSE_BUSY_MS 800 /* the same, where the server is the one that needs it */
#define PAUSE_MAX_MS 60000

static bool is_full(int number)
{
    return number == ENOSPC || number == EDQUOT;
}

static void fail_of_errno(struct jar_download *download, int number)
{
    failure_set(&download->failure, is_full(number) ? FAILED_DISK_FULL : FAILED_PULL, "%s: %s",
                download->path, strerror(number));
}

/* -- an attempt: on the client's thread -- */

static void tell_progress(const struct jar_download *download, int64_t total)
{
    struct jars_progress *progress = download->progress;
    if (!progress)
        return;
    __atomic_store_n(&progress->bytes, download->bytes, __ATOMIC_RELAXED);
    if (total)
        __atomic_store_n(&progress->total, total, __ATOMIC_RELAXED);
}

static void on_length(void *user, int64_t bytes)
{
    const struct jar_download *download = user;
    tell_progress(download, download->bytes + bytes);
}

static bool on_body(void *user, const void *bytes, size_t len)
{
    struct jar_download *download = user;
    if ((uint64_t)download->bytes + len > LIMIT_JAR) {
        failure_set(&download->failure, FAILED_NOT_A_MODULE, "%s: larger than 1 GiB",
                    download->shown);
        return false;
    }
    ssize_t n = write(download->fd, bytes, len);
    if (n == (ssize_t)len) {
        download->bytes += n;
        jar_digest_add(download->digest, bytes, len);
        tell_progress(download, 0);
        return true;
    }
    fail_of_errno(download, n < 0 ? errno : ENOSPC); /* what was written of it is cut off */
    return false;
}

/* Of an answer that is not the jar. 200 is one to a resumed attempt: all of it again, behind the part that was there. */
static bool may_change(int status)
{
    return status >= 500 || status == 416 || status == 429 || status == 408 || status == 200;
}

static bool worth_another_try(const struct jar_download *download,
                              const struct http_response *response, const struct err *err)
{
    if (download->attempts >= ATTEMPTS_MAX)
        return false;
    if (err)
        return err->code == ERR_DATA_LOSS || err->code == ERR_TIMEOUT ||
               err->code == ERR_UNAVAILABLE;
    return may_change(response->status);
}

static void note_failure(struct jar_download *download, const struct http_response *response,
                         const struct err *err)
{
    if (!err) {
        failure_set(&download->failure, FAILED_PULL, "%s: HTTP status %d", download->shown,
                    response->status);
        return;
    }
    enum failure_kind kind = err->code == ERR_TIMEOUT   ? FAILED_PULL_TIMED_OUT
                             : err->code == ERR_INVALID ? FAILED_URL
                                                        : FAILED_PULL;
    failure_set(&download->failure, kind, "%s: %s", download->shown, err->message);
}

static void begin_file(struct jar_download *download)
{
    jar_digest_free(download->digest);
    download->digest = jar_digest_new(download->md5);
    download->bytes = 0;
}

/* What stays of the file is what the next attempt goes on with. */
static void cut_file(struct jar_download *download, bool resumable)
{
    if (!resumable)
        begin_file(download);
    if (ftruncate(download->fd, download->bytes) < 0 ||
        lseek(download->fd, download->bytes, SEEK_SET) < 0) {
        fail_of_errno(download, errno);
        download->again = false;
    }
}

static void on_http_done(void *user, const struct http_response *response, const struct err *err)
{
    struct jar_download *download = user;
    bool whole = !err && response->status == (download->resumed ? 206 : 200);
    bool ours = download->failure.kind != FAILED_NONE; /* not the server's */
    download->again = !whole && !ours && worth_another_try(download, response, err);
    download->busy = response != NULL;
    download->retry_after_ms = response ? response->retry_after_ms : -1;
    if (!whole) {
        if (!ours)
            note_failure(download, response, err);
        cut_file(download, ours || (err && download->bytes > 0 && !download->resumed));
    }
    if (whole)
        jar_digest_end(download->digest, &download->sha256_digest, &download->md5_digest);
    if (!download->again) {
        close(download->fd);
        download->fd = -1;
    }
    loop_post(download->options->loop, &download->ended);
}

/* -- attempts: on the loop -- */

static void end(struct jar_download *download)
{
    if (download->fd >= 0)
        close(download->fd);
    download->fd = -1;
    download->running = false;
    download->done(download);
}

static void attempt(struct jar_download *download)
{
    const struct jars_options *options = download->options;
    struct http_request request = {
        .method = "GET",
        .url = download->url,
        .timeout_ms = download->due_ms - loop_now_ms(options->loop),
        .stall_timeout_ms = STALL_MS,
        .follow_redirects = true,
        .use_proxy = true,
        .netrc_file = options->netrc_file,
        .ca_file = options->ca_file,
        .on_body = on_body,
        .on_length = on_length,
        .piece_bytes = PIECE,
        .resume_from = download->bytes,
    };
    download->attempts++;
    download->resumed = download->bytes > 0;
    http_send(options->http, &request, on_http_done, download);
}

/* Somewhere between what is due and twice that. */
static int64_t pause_ms(struct jar_download *download)
{
    int64_t first_ms = download->busy ? PAUSE_BUSY_MS : PAUSE_FIRST_MS;
    int64_t ms = download->retry_after_ms >= 0
                     ? download->retry_after_ms
                     : backoff_ms(download->attempts, first_ms, PAUSE_MAX_MS, NULL);
    if (ms > PAUSE_MAX_MS)
        ms = PAUSE_MAX_MS;
    return ms + (int64_t)rand_below(download->rand, (uint64_t)(ms > first_ms ? ms : first_ms));
}

static void on_ended(struct loop_event *event)
{
    struct jar_download *download = CONTAINER_OF(event, struct jar_download, ended);
    struct loop *loop = download->options->loop;
    if (download->closed) {
        failure_set(&download->failure, FAILED_OTHER, "the agent stopped");
        download->again = false;
    }
    int64_t at_ms = download->again ? loop_now_ms(loop) + pause_ms(download) : TIME_NEVER;
    if (at_ms < download->due_ms)
        loop_timer_start(loop, &download->pause, at_ms);
    else
        end(download);
}

static void on_pause_over(struct loop_timer *timer)
{
    struct jar_download *download = CONTAINER_OF(timer, struct jar_download, pause);
    failure_done(&download->failure);
    attempt(download);
}

static void begin(struct jar_download *download, int flags)
{
    struct loop *loop = download->options->loop;
    failure_done(&download->failure);
    download->running = true;
    download->again = false;
    download->attempts = 0;
    download->fd = open(download->path, O_RDWR | O_CREAT | O_CLOEXEC | flags, 0644);
    if (download->fd >= 0 && lseek(download->fd, download->bytes, SEEK_SET) >= 0 &&
        download->due_ms > loop_now_ms(loop)) {
        attempt(download);
        return;
    }
    if (download->fd < 0)
        fail_of_errno(download, errno);
    else
        failure_set(&download->failure, FAILED_PULL_TIMED_OUT, "%s: no time left", download->shown);
    loop_post(loop, &download->ended);
}

void jar_download_start(struct jar_download *download)
{
    struct loop *loop = download->options->loop;
    download->ended.fn = on_ended;
    loop_timer_init(&download->pause, on_pause_over);
    download->due_ms = loop_now_ms(loop) + download->options->download_ms;
    begin_file(download);
    begin(download, O_TRUNC);
}

void jar_download_go_on(struct jar_download *download)
{
    begin(download, 0);
}

void jar_download_close(struct jar_download *download)
{
    struct loop *loop = download->options->loop;
    download->closed = true;
    if (!download->running || download->pause.due_ms == TIME_NEVER)
        return;
    loop_timer_stop(loop, &download->pause);
    loop_post(loop, &download->ended);
}

void jar_download_free(struct jar_download *download)
{
    failure_done(&download->failure);
    jar_digest_free(download->digest);
    mem_free(download->sha256_digest);
    mem_free(download->md5_digest);
}
