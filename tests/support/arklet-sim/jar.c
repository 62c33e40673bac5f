/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/arklet-sim/jar.h"

#include <errno.h>
#include <minizip/unzip.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "tests/support/arklet-sim/jar_internal.h"

void jar_free(struct jar *jar)
{
    if (!jar)
        return;
    mem_free(jar->name);
    mem_free(jar->version);
    mem_free(jar->context);
    mem_free(jar->main_class);
    mem_free(jar->fail);
    mem_free(jar);
}

/* Joins lines that were broken after 72 bytes, and gives every line a plain '\n'. */
static void unfold(char *text)
{
    char *to = text;

    for (const char *from = text; *from; from++) {
        if (*from == '\r')
            continue;
        if (from[0] == '\n' && from[1] == ' ')
            from++;
        else
            *to++ = *from;
    }
    *to = '\0';
}

/* The value of @key in the main section, owned; "" where it is absent. */
static char *attribute(const char *manifest, const char *key)
{
    size_t key_len = strlen(key);

    for (const char *line = manifest; *line && *line != '\n';) {
        size_t len = strcspn(line, "\n");
        if (len > key_len + 1 && strncasecmp(line, key, key_len) == 0 && line[key_len] == ':') {
            const char *value = line + key_len + 1 + strspn(line + key_len + 1, " ");
            return mem_strndup(value, (size_t)(line + len - value));
        }
        line += len + (line[len] == '\n');
    }
    return mem_strdup("");
}

static int64_t number(const char *manifest, const char *key, int64_t fallback)
{
    AUTO_FREE char *text = attribute(manifest, key);

    return text[0] ? strtoll(text, NULL, 10) : fallback;
}

static bool is_false(const char *manifest, const char *key)
{
    AUTO_FREE char *text = attribute(manifest, key);

    return str_eq(text, "false");
}

static struct jar *jar_of_manifest(char *manifest)
{
    struct jar *jar = NEW(struct jar);

    unfold(manifest);
    jar->name = attribute(manifest, "Ark-Biz-Name");
    jar->version = attribute(manifest, "Ark-Biz-Version");
    jar->context = attribute(manifest, "web-context-path");
    jar->main_class = attribute(manifest, "Main-Class");
    jar->priority = (int)number(manifest, "priority", 100);
    jar->start_sleep_ms = number(manifest, "Test-Start-Sleep-Ms", 0);
    jar->stop_sleep_ms = number(manifest, "Test-Stop-Sleep-Ms", 0);
    jar->fail = attribute(manifest, "Test-Fail");
    jar->spring = !is_false(manifest, "Test-Spring");
    jar->web = jar->spring && !is_false(manifest, "Test-Web");
    return jar;
}

/* The manifest of an open zip, owned and terminated; NULL where there is none. */
static char *read_manifest(unzFile zip)
{
    unz_file_info64 info;

    if (unzLocateFile(zip, "META-INF/MANIFEST.MF", /* case sensitive */ 1) != UNZ_OK ||
        unzGetCurrentFileInfo64(zip, &info, NULL, 0, NULL, 0, NULL, 0) != UNZ_OK ||
        info.uncompressed_size > LIMIT_JAR_MANIFEST || unzOpenCurrentFile(zip) != UNZ_OK)
        return NULL;

    char *text = mem_alloc((size_t)info.uncompressed_size + 1);
    int got = unzReadCurrentFile(zip, text, (unsigned)info.uncompressed_size);
    unzCloseCurrentFile(zip);
    if (got < 0)
        mem_free_slot(&text);
    return text;
}

struct failure *jar_read(const char *path, struct jar **ret)
{
    struct stat st;

    if (access(path, R_OK) < 0 || stat(path, &st) < 0)
        return failure_new("java.io.FileNotFoundException", "%s (%s)", path, strerror(errno));
    if (S_ISDIR(st.st_mode))
        return failure_new("java.io.FileNotFoundException", "%s (Is a directory)", path);

    unzFile zip = unzOpen64(path);
    if (!zip)
        return failure_new("java.util.zip.ZipException", "zip END header not found");
    AUTO_FREE char *manifest = read_manifest(zip);
    unzClose(zip);

    struct jar *jar = jar_of_manifest(manifest ? manifest : (char[]){""});
    if (str_empty(jar->name)) {
        jar_free(jar);
        return failure_new(JAVA_ILLEGAL_ARGUMENT, "Biz Name must not be empty!");
    }
    *ret = jar;
    return NULL;
}
