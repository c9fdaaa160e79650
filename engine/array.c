/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arrays whose size comes from data.
 *
 * How: each array remembers its size in a cache line of its own in front of it.
 *
 *   small        | header 64 | elements ...                          one aligned_alloc
 *   from 2 MiB   | one page, header at its end | elements ...        one mapping
 *                                              ^ a multiple of 2 MiB
 *
 * A mapped array starts at a huge page's boundary, so that all of it but its tail can be huge
 * pages, and growing one moves page tables, not bytes.
 *
 * Invariants:
 *   1. header->bytes is n * size of the last _new or _resize; there is room for one element more
 *      where n = 0.
 *   2. header->mapped is 0 (small) or the length of the mapping in bytes.
 *   3. Bytes beyond header->bytes may hold anything; _resize zeroes what it uncovers.
 *
 * Cost: small arrays are zeroed by hand, mapped ones by the system when first touched.
 */
#include "engine/array.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ALIGNMENT 64
#define HUGE_PAGE ((size_t)2 << 20)

typedef struct {
    size_t bytes;
    size_t mapped;
} Header;

_Static_assert(sizeof(Header) <= ALIGNMENT, "the header must fit in front of the elements");

/* The one exception to "no mutable globals": it exists for tests, is 0 in every real run, and
 * belongs to a thread, so that nothing is shared. */
static _Thread_local uint64_t fail_countdown;

static Header *
header_of(void *array)
{
    return (Header *)((char *)array - ALIGNMENT);
}

static bool
is_made_to_fail(void)
{
    return fail_countdown > 0 && --fail_countdown == 0;
}

static void *
fail(uint64_t n, size_t size, GError **error)
{
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_MEMORY,
                "there is no memory for %" G_GUINT64_FORMAT " elements of %zu bytes", n, size);
    return NULL;
}

/* n * size; false if that, rounded up to pages, is no size. */
static bool
count_bytes(uint64_t n, size_t size, size_t *ret_bytes)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes) || bytes > (size_t)PTRDIFF_MAX / 2)
        return false;
    *ret_bytes = bytes;
    return true;
}

static size_t
page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

/* Length of the mapping of an array of this many bytes: the header's page and whole pages. */
static size_t
mapping_length(size_t bytes)
{
    size_t page = page_size();
    return page + (bytes + page - 1) / page * page;
}

/* Maps an array: more than is needed, cut down to the part around a huge page's boundary. */
static void *
map_array(size_t bytes)
{
    size_t page = page_size();
    size_t length = mapping_length(bytes);
    size_t excess = length + HUGE_PAGE;
    char *start =
        mmap(NULL, excess, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, /* fd= */ -1, 0);
    if (start == MAP_FAILED)
        return NULL;

    uintptr_t boundary = ((uintptr_t)start + page + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    char *array = start + (boundary - (uintptr_t)start);
    char *first = array - page;
    if (first > start)
        (void)munmap(start, (size_t)(first - start)); /* a failure costs address space only */
    if (first + length < start + excess)
        (void)munmap(first + length, (size_t)(start + excess - (first + length)));
    /* The header's page too: mremap wants one kind of memory. Small pages do as well. */
    (void)madvise(first, length, MADV_HUGEPAGE);

    *header_of(array) = (Header){.bytes = bytes, .mapped = length};
    return array;
}

/* An array of this many bytes, with room for one element at least. */
static void *
allocate(size_t bytes, size_t size)
{
    if (bytes >= HUGE_PAGE)
        return map_array(bytes);

    size_t room = MAX(bytes, size);
    size_t total = ALIGNMENT + (room + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    char *start = aligned_alloc(ALIGNMENT, total);
    if (start == NULL)
        return NULL;
    memset(start, 0, total);
    *(Header *)start = (Header){.bytes = bytes};
    return start + ALIGNMENT;
}

/* Moves a mapped array's pages into a mapping of another length. */
static void *
remap(void *array, size_t bytes)
{
    size_t page = page_size();
    Header old = *header_of(array);
    char *moved = map_array(bytes);
    if (moved == NULL)
        return NULL;
    size_t length = header_of(moved)->mapped;
    if (mremap((char *)array - page, old.mapped, length, MREMAP_MAYMOVE | MREMAP_FIXED,
               moved - page) == MAP_FAILED) {
        (void)munmap(moved - page, length);
        return NULL;
    }
    if (bytes > old.bytes) {
        size_t covered = MIN(bytes, old.mapped - page);
        memset(moved + old.bytes, 0, covered - old.bytes);
    }
    *header_of(moved) = (Header){.bytes = bytes, .mapped = length};
    return moved;
}

void *
gasket_array_new(uint64_t n, size_t size, GError **error)
{
    g_assert(size > 0);
    size_t bytes;
    if (is_made_to_fail() || !count_bytes(n, size, &bytes))
        return fail(n, size, error);
    void *array = allocate(bytes, size);
    return array != NULL ? array : fail(n, size, error);
}

void
gasket_array_free(void *array)
{
    if (array == NULL)
        return;
    size_t mapped = header_of(array)->mapped;
    if (mapped > 0)
        (void)munmap((char *)array - page_size(), mapped); /* cannot fail on a mapping of ours */
    else
        free(header_of(array));
}

void *
gasket_array_resize(void *array, uint64_t n, size_t size, GError **error)
{
    if (array == NULL)
        return gasket_array_new(n, size, error);

    g_assert(size > 0);
    size_t bytes;
    if (is_made_to_fail() || !count_bytes(n, size, &bytes))
        return fail(n, size, error);
    if (header_of(array)->mapped > 0 && bytes >= HUGE_PAGE) {
        void *moved = remap(array, bytes);
        return moved != NULL ? moved : fail(n, size, error);
    }

    void *copy = allocate(bytes, size);
    if (copy == NULL)
        return fail(n, size, error);
    memcpy(copy, array, MIN(bytes, header_of(array)->bytes));
    gasket_array_free(array);
    return copy;
}

void
gasket_array_fail_at(uint64_t nth)
{
    fail_countdown = nth;
}
