/* SPDX-License-Identifier: Apache-2.0 */
/* What users were trained on, out of a graph of ratings; see factor_model.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/array.h"
#include "loaders/factor_model.h"

void
gasket_seen_clear(GasketSeen *seen)
{
    gasket_array_free(seen->begin);
    gasket_array_free(seen->item);
    *seen = (GasketSeen){0};
}

static uint32_t
ordinal_of(const GasketGraphKind *kind, uint32_t number)
{
    return kind->ordinal != NULL ? kind->ordinal[number] : number;
}

static int
compare_items(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* Rows of a relation that a model is trained on: not those of "test". */
static const GasketGraphRows *
rows_of(const GasketGraph *graph, unsigned relation)
{
    if (relation == 1 || relation >= graph->n_relations)
        return NULL;
    const GasketGraphRows *rows = &graph->relations[relation].rows[GASKET_OUT];
    return rows->offset != NULL ? rows : NULL;
}

bool
gasket_seen_from_graph(const GasketGraph *graph, GasketSeen *ret_seen, GError **error)
{
    const GasketGraphKind *users = &graph->kinds[0], *items = &graph->kinds[1];
    g_auto(GasketSeen) seen = {.n = users->n_vertices};

    seen.begin = gasket_array_new((uint64_t)seen.n + 1, sizeof *seen.begin, error);
    if (seen.begin == NULL)
        return false;
    for (unsigned r = 0; r < 3; r++) {
        const GasketGraphRows *rows = rows_of(graph, r);
        for (uint32_t u = 0; rows != NULL && u < seen.n; u++)
            seen.begin[ordinal_of(users, u) + 1] += rows->offset[u + 1] - rows->offset[u];
    }
    for (uint32_t u = 0; u < seen.n; u++)
        seen.begin[u + 1] += seen.begin[u];
    seen.item = gasket_array_new(seen.begin[seen.n] + 1, sizeof *seen.item, error);
    if (seen.item == NULL)
        return false;
    for (uint32_t u = 0; u < seen.n; u++) {
        uint32_t *first = seen.item + seen.begin[ordinal_of(users, u)], *next = first;
        for (unsigned r = 0; r < 3; r++) {
            const GasketGraphRows *rows = rows_of(graph, r);
            for (uint64_t e = rows != NULL ? rows->offset[u] : 0;
                 rows != NULL && e < rows->offset[u + 1]; e++)
                *next++ = ordinal_of(items, rows->neighbour[e]);
        }
        qsort(first, (size_t)(next - first), sizeof *first, compare_items);
    }
    *ret_seen = seen;
    seen = (GasketSeen){0};
    return true;
}

/* ---- from a process to another --------------------------------------------------------------- */

static bool
fail(const char *what, GError **error)
{
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_IO, "cannot %s a temporary file: %s", what,
                g_strerror(errno));
    return false;
}

static bool
store(int fd, const void *data, size_t size, off_t *at, GError **error)
{
    const char *bytes = data;
    while (size > 0) {
        ssize_t n = pwrite(fd, bytes, size, *at);
        if (n < 0 && errno != EINTR)
            return fail("write", error);
        n = MAX(n, 0);
        bytes += n, *at += n, size -= (size_t)n;
    }
    return true;
}

static bool
fetch(int fd, void *data, size_t size, off_t *at, GError **error)
{
    char *bytes = data;
    while (size > 0) {
        ssize_t n = pread(fd, bytes, size, *at);
        if (n == 0)
            errno = EIO;
        if (n == 0 || (n < 0 && errno != EINTR))
            return fail("read", error);
        n = MAX(n, 0);
        bytes += n, *at += n, size -= (size_t)n;
    }
    return true;
}

bool
gasket_seen_store(const GasketSeen *seen, int fd, GError **error)
{
    const uint64_t n = seen->n;
    off_t at = 0;
    return store(fd, &n, sizeof n, &at, error) &&
           store(fd, seen->begin, (n + 1) * sizeof *seen->begin, &at, error) &&
           store(fd, seen->item, seen->begin[n] * sizeof *seen->item, &at, error);
}

bool
gasket_seen_fetch(int fd, GasketSeen *ret_seen, GError **error)
{
    g_auto(GasketSeen) seen = {0};
    uint64_t n;
    off_t at = 0;

    if (!fetch(fd, &n, sizeof n, &at, error))
        return false;
    seen.n = (uint32_t)n;
    seen.begin = gasket_array_new(n + 1, sizeof *seen.begin, error);
    if (seen.begin == NULL || !fetch(fd, seen.begin, (n + 1) * sizeof *seen.begin, &at, error))
        return false;
    seen.item = gasket_array_new(seen.begin[n] + 1, sizeof *seen.item, error);
    if (seen.item == NULL || !fetch(fd, seen.item, seen.begin[n] * sizeof *seen.item, &at, error))
        return false;
    *ret_seen = seen;
    seen = (GasketSeen){0};
    return true;
}
