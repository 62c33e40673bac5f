/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/base64.h"

#include <string.h>

#include "lib/base/mem.h"

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *base64_text(const void *data, size_t len)
{
    const uint8_t *bytes = data;
    char *out = mem_alloc((len + 2) / 3 * 4 + 1);
    char *to = out;
    for (size_t i = 0; i < len; i += 3) {
        uint32_t group = (uint32_t)bytes[i] << 16;
        if (i + 1 < len)
            group |= (uint32_t)bytes[i + 1] << 8;
        if (i + 2 < len)
            group |= bytes[i + 2];
        *to++ = letters[group >> 18];
        *to++ = letters[group >> 12 & 63];
        *to++ = i + 1 < len ? letters[group >> 6 & 63] : '=';
        *to++ = i + 2 < len ? letters[group & 63] : '=';
    }
    return out;
}

/* The six bits of a letter, of the url-safe alphabet too; -1 where it is none. */
static int letter_value(char c)
{
    if (c == '-' || c == '_')
        c = c == '-' ? '+' : '/';
    const char *found = c ? strchr(letters, c) : NULL;
    return found ? (int)(found - letters) : -1;
}

bool base64_bytes(const char *text, uint8_t **ret_bytes, size_t *ret_len)
{
    size_t len = strlen(text);
    while (len && text[len - 1] == '=' && strlen(text) - len < 2)
        len--;
    if (len % 4 == 1)
        return false;
    uint8_t *bytes = mem_alloc(len / 4 * 3 + 3);
    size_t count = 0;
    uint32_t group = 0;
    for (size_t i = 0; i < len; i++) {
        int value = letter_value(text[i]);
        if (value < 0) {
            mem_free(bytes);
            return false;
        }
        group = group << 6 | (uint32_t)value;
        if (i % 4) /* each letter but the first of four completes a byte */
            bytes[count++] = (uint8_t)(group >> (6 - i % 4 * 2));
    }
    *ret_bytes = bytes;
    *ret_len = count;
    return true;
}
