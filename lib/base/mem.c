/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *checked(void *p)
{
    if (!p) {
        fputs("out of memory\n", stderr);
        abort();
    }
    return p;
}

/* calloc() of older C libraries goes past the thread's own cache, which holds pieces of up to about this size. */
#define CACHED_BYTES 1024

void *mem_alloc(size_t bytes)
{
    if (bytes > CACHED_BYTES)
        return checked(calloc(1, bytes));
    return memset(checked(malloc(bytes ? bytes : 1)), 0, bytes);
}

void *mem_resize(void *p, size_t count, size_t bytes)
{
    if (bytes && count > SIZE_MAX / bytes)
        return checked(NULL);
    size_t total = count * bytes;
    return checked(realloc(p, total ? total : 1));
}

void mem_free(void *p)
{
    free(p);
}

void mem_free_slot(void *slot)
{
    mem_free(*(void **)slot);
}

char *mem_strdup(const char *s)
{
    return s ? mem_strndup(s, strlen(s)) : NULL;
}

char *mem_strndup(const char *s, size_t len)
{
    char *copy = checked(malloc(len + 1));
    if (len)
        memcpy(copy, s, len);
    copy[len] = '\0';
    return copy;
}

char *mem_vprintf(const char *fmt, va_list args)
{
    char *text = NULL;
    if (vasprintf(&text, fmt, args) < 0)
        text = NULL;
    return checked(text);
}

char *mem_printf(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    char *text = mem_vprintf(fmt, args);
    va_end(args);
    return text;
}

void mem_replace(char **slot, const char *s)
{
    char *copy = mem_strdup(s);
    mem_free(*slot);
    *slot = copy;
}
