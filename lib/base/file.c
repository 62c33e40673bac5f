/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/str.h"

static int failed(int number, struct err **err)
{
    enum err_code code = ERR_INVALID;
    if (number == ENOENT || number == ENOTDIR)
        code = ERR_NOT_FOUND;
    else if (number == EACCES || number == EPERM)
        code = ERR_DENIED;
    return err_set(err, code, "%s", strerror(number));
}

static int read_all(FILE *file, struct str *text, struct err **err)
{
    char piece[4096];
    size_t len;
    while ((len = fread(piece, 1, sizeof(piece), file)) && !text->full)
        str_add_bytes(text, piece, len);
    if (ferror(file))
        return failed(errno, err);
    return text->full ? err_set(err, ERR_LIMIT, "larger than %zu bytes", text->max) : 0;
}

char *file_read(const char *path, size_t max, size_t *ret_len, struct err **err)
{
    AUTO_STR struct str text = STR_INIT(max);
    FILE *file = fopen(path, "re");
    if (!file) {
        failed(errno, err);
        return NULL;
    }
    int result = read_all(file, &text, err);
    fclose(file);
    if (result < 0)
        return NULL;
    if (ret_len)
        *ret_len = text.len;
    return str_take(&text);
}
