/* SPDX-License-Identifier: Apache-2.0 */
/* What users were trained on, out of a graph of ratings; see factor_model.h. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/array.h"
#include "loaders/factor_model.h"

void
gasket_seen_clear(GasketModelRows *seen)
{
    gasket_array_free(seen->begin);
    gasket_array_free(seen->item);
    gasket_array_free(seen->value);
    *seen = (GasketModelRows){0};
}

static uint32_t
ordinal_of(const GasketGraphKind *kind, uint32_t number)
{
    return kind->ordinal != NULL ? kind->ordinal[number] : number;
}

typedef struct {
    uint32_t item;
    float rating;
} Rated;

static int
compare_rated(const void *a, const void *b)
{
    const Rated *x = a, *y = b;
    return x->item < y->item ? -1 : x->item > y->item;
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

/* Fills the row of user u, whose relations have `room` ratings at most. */
static void
fill_row(const GasketGraph *graph, uint32_t u, Rated *room, GasketModelRows *seen)
{
    const uint64_t first = seen->begin[ordinal_of(&graph->kinds[0], u)];
    size_t n = 0;
    for (unsigned r = 0; r < 3; r++) {
        const GasketGraphRows *rows = rows_of(graph, r);
        for (uint64_t e = rows != NULL ? rows->offset[u] : 0;
             rows != NULL && e < rows->offset[u + 1]; e++)
            room[n++] =
                (Rated){ordinal_of(&graph->kinds[1], rows->neighbour[e]),
                        r == 0 && seen->value != NULL ? ((const float *)rows->columns[0].data)[e]
                                                      : NAN};
    }
    qsort(room, n, sizeof *room, compare_rated);
    for (size_t i = 0; i < n; i++) {
        seen->item[first + i] = room[i].item;
        if (seen->value != NULL)
            seen->value[first + i] = room[i].rating;
    }
}

bool
gasket_seen_from_graph(const GasketGraph *graph, bool ratings, GasketModelRows *ret_seen,
                       GError **error)
{
    const GasketGraphKind *users = &graph->kinds[0];
    g_auto(GasketModelRows) seen = {.n = users->n_vertices};
    uint64_t most = 0;

    seen.begin = gasket_array_new((uint64_t)seen.n + 1, sizeof *seen.begin, error);
    if (seen.begin == NULL)
        return false;
    for (unsigned r = 0; r < 3; r++) {
        const GasketGraphRows *rows = rows_of(graph, r);
        for (uint32_t u = 0; rows != NULL && u < seen.n; u++)
            seen.begin[ordinal_of(users, u) + 1] += rows->offset[u + 1] - rows->offset[u];
    }
    for (uint32_t u = 0; u < seen.n; u++) {
        most = MAX(most, seen.begin[u + 1]);
        seen.begin[u + 1] += seen.begin[u];
    }
    seen.item = gasket_array_new(seen.begin[seen.n] + 1, sizeof *seen.item, error);
    if (seen.item == NULL ||
        (ratings && (seen.value = gasket_array_new(seen.begin[seen.n] + 1, sizeof *seen.value,
                                                   error)) == NULL))
        return false;
    Rated *room = gasket_array_new(most + 1, sizeof *room, error);
    if (room == NULL)
        return false;
    for (uint32_t u = 0; u < seen.n; u++)
        fill_row(graph, u, room, &seen);
    gasket_array_free(room);
    *ret_seen = seen;
    seen = (GasketModelRows){0};
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
gasket_seen_store(const GasketModelRows *seen, int fd, GError **error)
{
    const uint64_t n = seen->n, rated = seen->value != NULL;
    off_t at = 0;
    return store(fd, &n, sizeof n, &at, error) && store(fd, &rated, sizeof rated, &at, error) &&
           store(fd, seen->begin, (n + 1) * sizeof *seen->begin, &at, error) &&
           store(fd, seen->item, seen->begin[n] * sizeof *seen->item, &at, error) &&
           (!rated || store(fd, seen->value, seen->begin[n] * sizeof *seen->value, &at, error));
}

bool
gasket_seen_fetch(int fd, GasketModelRows *ret_seen, GError **error)
{
    g_auto(GasketModelRows) seen = {0};
    uint64_t n, rated;
    off_t at = 0;

    if (!fetch(fd, &n, sizeof n, &at, error) || !fetch(fd, &rated, sizeof rated, &at, error))
        return false;
    seen.n = (uint32_t)n;
    seen.begin = gasket_array_new(n + 1, sizeof *seen.begin, error);
    if (seen.begin == NULL || !fetch(fd, seen.begin, (n + 1) * sizeof *seen.begin, &at, error))
        return false;
    seen.item = gasket_array_new(seen.begin[n] + 1, sizeof *seen.item, error);
    if (seen.item == NULL || !fetch(fd, seen.item, seen.begin[n] * sizeof *seen.item, &at, error))
        return false;
    if (rated != 0) {
        seen.value = gasket_array_new(seen.begin[n] + 1, sizeof *seen.value, error);
        if (seen.value == NULL ||
            !fetch(fd, seen.value, seen.begin[n] * sizeof *seen.value, &at, error))
            return false;
    }
    *ret_seen = seen;
    seen = (GasketModelRows){0};
    return true;
}
