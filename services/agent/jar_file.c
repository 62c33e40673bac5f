/* SPDX-License-Identifier: Apache-2.0 */
#include "services/agent/jar_file.h"

#include <errno.h>
#include <fcntl.h>
#include <minizip/unzip.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "services/agent/engine/zip_check.h"
#include "services/agent/jar_digest.h"

#define CHUNK LIMIT_KIB(64)
#define MANIFEST_NAME "META-INF/MANIFEST.MF"

static int fail_of_errno(struct failure *failure, const char *what, const char *path, int number)
{
    enum failure_kind kind = number == ENOSPC || number == EDQUOT ? FAILED_DISK_FULL : FAILED_PULL;
    failure_set(failure, kind, "%s %s: %s", what, path, strerror(number));
    return -1;
}

static int read_digests(int fd, const char *path, bool md5, struct jar_facts *out,
                        struct failure *failure)
{
    struct jar_digest *digest = jar_digest_new(md5);
    AUTO_FREE char *chunk = mem_alloc(CHUNK);
    ssize_t n;
    while ((n = read(fd, chunk, CHUNK)) > 0)
        jar_digest_add(digest, chunk, (size_t)n);
    int number = errno;
    jar_digest_end(digest, &out->sha256, &out->md5);
    jar_digest_free(digest);
    return n < 0 ? fail_of_errno(failure, "read", path, number) : 0;
}

/* -- the manifest -- */

/* A line that begins with a blank goes on with the one before; the main section ends at an empty line. */
static void append_continuations(struct str *value, const char *line)
{
    while (*line == ' ') {
        size_t len = strcspn(line, "\r\n");
        str_add_bytes(value, line + 1, len - 1);
        line += len;
        line += *line == '\r';
        line += *line == '\n';
    }
}

char *jar_manifest_attribute(const char *manifest, const char *key)
{
    size_t key_len = strlen(key);
    for (const char *line = manifest; *line && *line != '\n' && *line != '\r';) {
        size_t len = strcspn(line, "\r\n");
        const char *next = line + len;
        next += *next == '\r';
        next += *next == '\n';
        if (len > key_len + 1 && strncasecmp(line, key, key_len) == 0 && line[key_len] == ':') {
            struct str value = STR_INIT(LIMIT_JAR_MANIFEST);
            const char *text = line + key_len + 1;
            text += *text == ' ';
            str_add_bytes(&value, text, (size_t)(line + len - text));
            append_continuations(&value, next);
            return str_take(&value);
        }
        line = next;
    }
    return NULL;
}

static int fail_no_module(struct failure *failure, const char *path, const char *why)
{
    failure_set(failure, FAILED_NOT_A_MODULE, "%s is no module jar: %s", path, why);
    return -1;
}

/* The whole manifest as text, owned; NULL where the zip has none that can be read. */
static char *read_manifest(unzFile zip)
{
    unz_file_info64 info;
    if (unzLocateFile(zip, MANIFEST_NAME, 1) != UNZ_OK ||
        unzGetCurrentFileInfo64(zip, &info, NULL, 0, NULL, 0, NULL, 0) != UNZ_OK ||
        info.uncompressed_size > LIMIT_JAR_MANIFEST || unzOpenCurrentFile(zip) != UNZ_OK)
        return NULL;
    size_t size = (size_t)info.uncompressed_size;
    char *text = mem_alloc(size + 1);
    int n = unzReadCurrentFile(zip, text, (unsigned)size);
    bool whole = unzCloseCurrentFile(zip) == UNZ_OK && n == (int)size && !memchr(text, 0, size);
    if (!whole)
        mem_free(TAKE(text));
    return text;
}

static int read_identity(const char *path, const char *manifest, struct jar_facts *out,
                         struct failure *failure)
{
    AUTO_FREE char *web_path = jar_manifest_attribute(manifest, "web-context-path");
    AUTO_FREE char *priority = jar_manifest_attribute(manifest, "priority");
    out->name = jar_manifest_attribute(manifest, "Ark-Biz-Name");
    out->version = jar_manifest_attribute(manifest, "Ark-Biz-Version");
    out->web_context_path = web_path_normal(web_path);
    if (!str_parse_int64(priority, INT32_MIN, INT32_MAX, &out->priority))
        out->priority = JAR_PRIORITY_DEFAULT;
    if (str_empty(out->name) || str_empty(out->version))
        return fail_no_module(failure, path,
                              "its manifest has no Ark-Biz-Name and Ark-Biz-Version");
    return 0;
}

static int read_module(const char *path, struct jar_facts *out, struct failure *failure)
{
    unzFile zip = unzOpen64(path);
    if (!zip)
        return fail_no_module(failure, path, "it is no zip file");
    unz_global_info64 info;
    bool countable = unzGetGlobalInfo64(zip, &info) == UNZ_OK;
    AUTO_FREE char *manifest =
        countable && info.number_entry <= LIMIT_JAR_ENTRIES ? read_manifest(zip) : NULL;
    unzClose(zip);
    if (!manifest)
        return fail_no_module(failure, path, "it has no " MANIFEST_NAME " that can be read");
    return read_identity(path, manifest, out, failure);
}

/* -- files -- */

static bool read_at(void *user, int64_t at, void *bytes, size_t len)
{
    return pread(*(const int *)user, bytes, len, at) == (ssize_t)len;
}

static int check_zip(int fd, const char *path, struct failure *failure)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return fail_of_errno(failure, "read", path, errno);
    struct zip_source source = {st.st_size, read_at, &fd};
    AUTO_FREE char *why = zip_check(&source);
    return why ? fail_no_module(failure, path, why) : 0;
}

static int open_jar(const char *path, struct failure *failure)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* of a pipe it would else wait */
    if (fd < 0)
        return fail_of_errno(failure, "open", path, errno);
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size <= LIMIT_JAR)
        return fd;
    fail_no_module(failure, path, "it is no regular file of at most 1 GiB");
    close(fd);
    return -1;
}

int jar_file_inspect(const char *path, bool md5, struct jar_facts *out, struct failure *failure)
{
    int fd = open_jar(path, failure);
    if (fd < 0)
        return -1;
    int status = out->sha256 ? 0 : read_digests(fd, path, md5, out, failure);
    if (status == 0)
        status = check_zip(fd, path, failure);
    close(fd);
    return status < 0 ? -1 : read_module(path, out, failure);
}

void jar_facts_done(struct jar_facts *facts)
{
    mem_free(facts->name);
    mem_free(facts->version);
    mem_free(facts->web_context_path);
    mem_free(facts->md5);
    mem_free(facts->sha256);
    *facts = (struct jar_facts){0};
}

static int copy_bytes(int in, int out, const char *to, struct failure *failure)
{
    AUTO_FREE char *chunk = mem_alloc(CHUNK);
    ssize_t n, written;
    while ((n = read(in, chunk, CHUNK)) > 0)
        if ((written = write(out, chunk, (size_t)n)) != n)
            return fail_of_errno(failure, "write", to, written < 0 ? errno : ENOSPC);
    return n < 0 ? fail_of_errno(failure, "copy to", to, errno) : 0;
}

int jar_file_copy(const char *from, const char *to, struct failure *failure)
{
    int in = open_jar(from, failure);
    if (in < 0)
        return -1;
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    int status =
        out < 0 ? fail_of_errno(failure, "create", to, errno) : copy_bytes(in, out, to, failure);
    if (out >= 0 && close(out) < 0 && status == 0)
        status = fail_of_errno(failure, "write", to, errno);
    close(in);
    return status;
}
