/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_BASE_MEM_H
#define KOUPLELESS_BASE_MEM_H

#include <stdarg.h>
#include <stddef.h>

/*
 * Memory: allocation that never fails, and cleanup by scope.
 *
 * Running out of memory ends the process: the truth lives in the store and on the bases, and the
 * process is started again. So input is bounded instead (limits.h), and no caller checks for NULL.
 */

/** mem_alloc() - @bytes of zeroed memory; mem_free() frees it. Never NULL. Any thread. */
void *mem_alloc(size_t bytes);

/** mem_resize() - grow or shrink @p (NULL: allocate) to @count x @bytes; aborts on overflow. */
void *mem_resize(void *p, size_t count, size_t bytes);

/** mem_free() - frees what this header allocated; NULL is fine. */
void mem_free(void *p);

/** mem_strdup() - an owned copy of @s; NULL gives NULL. */
char *mem_strdup(const char *s);

/** mem_strndup() - an owned, terminated copy of the first @len bytes of @s. */
char *mem_strndup(const char *s, size_t len);

/** mem_printf() - an owned string, formatted. */
char *mem_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
char *mem_vprintf(const char *fmt, va_list args) __attribute__((format(printf, 1, 0)));

/** mem_replace() - frees *@slot and puts an owned copy of @s (may be NULL, may be *@slot) in its place. */
void mem_replace(char **slot, const char *s);

/** NEW() - a zeroed object of a type. */
#define NEW(type) ((type *)mem_alloc(sizeof(type)))

/** TAKE() - moves ownership out of a variable, which becomes NULL. */
#define TAKE(p)                                                                                    \
    __extension__({                                                                                \
        __typeof__(p) take_ = (p);                                                                 \
        (p) = NULL;                                                                                \
        take_;                                                                                     \
    })

/** AUTO(f) - at the end of the scope f(&variable) runs; f takes a pointer to the variable. */
#define AUTO(done) __attribute__((cleanup(done)))

/** AUTO_FREE - a pointer that is freed by mem_free() at the end of its scope. */
#define AUTO_FREE AUTO(mem_free_slot)
void mem_free_slot(void *slot);

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#endif
