/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Greedy elimination orders; see exact_order.h.
 *
 * Invariants, between eliminations:
 *   1. A neighbour list is ascending and symmetric, and holds variables not yet eliminated.
 *   2. fill[v] is the number of pairs of v's neighbours that are not neighbours of one another.
 *   3. The heap has an entry with the key of every variable left; entries with other keys are
 *      stale and skipped.
 */
#include "exact_order.h"

#include <math.h>
#include <string.h>

/* Steps through neighbour lists that a try, and all of them together, may take. */
#define WORK_ONE 2e9
#define WORK_ALL 3e9
#define N_TRIES  8 /* of each rule */

/* A table of 2 to this many entries fits nowhere: the order need not go on. */
#define HOPELESS 48

typedef struct {
    uint32_t n, room;
    uint32_t *v; /* ascending */
} List;

typedef struct {
    int64_t fill;
    double size;
    uint32_t tie, v;
} Key;

typedef struct {
    const ExactProblem *problem;
    ExactRule rule;
    uint64_t seed;
    List *near;             /* [n] */
    int64_t *fill;          /* [n] */
    bool *gone;             /* [n] */
    uint8_t *dirty;         /* [n] changed since its entry in the heap */
    GArray *changed, *heap; /* of uint32_t, of Key */
    double work;
} Greedy;

/* ---- lists ----------------------------------------------------------------------------------- */

static uint32_t
list_find(const List *list, uint32_t v)
{
    uint32_t low = 0, high = list->n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (list->v[middle] < v)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool
list_has(const List *list, uint32_t v)
{
    uint32_t at = list_find(list, v);
    return at < list->n && list->v[at] == v;
}

static void
list_insert(List *list, uint32_t v)
{
    uint32_t at = list_find(list, v);
    if (at < list->n && list->v[at] == v)
        return;
    if (list->n == list->room) {
        list->room = MAX(2 * list->room, 8);
        list->v = g_renew(uint32_t, list->v, list->room);
    }
    memmove(list->v + at + 1, list->v + at, (list->n - at) * sizeof *list->v);
    list->v[at] = v;
    list->n++;
}

static void
list_remove(List *list, uint32_t v)
{
    uint32_t at = list_find(list, v);
    list->n--;
    memmove(list->v + at, list->v + at + 1, (list->n - at) * sizeof *list->v);
}

/* Elements of a that b does not have. */
static uint32_t
list_without(Greedy *greedy, const List *a, const List *b)
{
    uint32_t n = 0;
    for (uint32_t i = 0, j = 0; i < a->n; i++) {
        while (j < b->n && b->v[j] < a->v[i])
            j++;
        n += j == b->n || b->v[j] != a->v[i];
    }
    greedy->work += a->n + b->n;
    return n;
}

/* ---- the heap -------------------------------------------------------------------------------- */

static Key
key_of(const Greedy *greedy, uint32_t v)
{
    const List *near = &greedy->near[v];
    double size = log2(greedy->problem->cardinality[v]);
    uint64_t hash = (greedy->seed + 1) * (v + UINT64_C(0x9e3779b97f4a7c15));

    for (uint32_t i = 0; i < near->n; i++)
        size += log2(greedy->problem->cardinality[near->v[i]]);
    hash = (hash ^ hash >> 31) * UINT64_C(0xbf58476d1ce4e5b9);
    return (Key){.fill = greedy->rule == EXACT_MIN_FILL ? greedy->fill[v] : 0,
                 .size = size,
                 .tie = greedy->seed == 0 ? v : (uint32_t)(hash >> 32),
                 .v = v};
}

static bool
before(const Key *a, const Key *b)
{
    if (a->fill != b->fill)
        return a->fill < b->fill;
    if (a->size != b->size)
        return a->size < b->size;
    return a->tie != b->tie ? a->tie < b->tie : a->v < b->v;
}

static void
heap_push(GArray *heap, Key key)
{
    g_array_append_val(heap, key);
    Key *k = (Key *)(void *)heap->data;
    for (guint i = heap->len - 1; i > 0 && before(&key, &k[(i - 1) / 2]); i = (i - 1) / 2) {
        k[i] = k[(i - 1) / 2];
        k[(i - 1) / 2] = key;
    }
}

static Key
heap_pop(GArray *heap)
{
    Key *k = (Key *)(void *)heap->data, top = k[0], last = k[heap->len - 1];
    g_array_set_size(heap, heap->len - 1);
    guint i = 0, n = heap->len;
    while (2 * i + 1 < n) {
        guint child = 2 * i + 1;
        if (child + 1 < n && before(&k[child + 1], &k[child]))
            child++;
        if (!before(&k[child], &last))
            break;
        k[i] = k[child];
        i = child;
    }
    if (n > 0)
        k[i] = last;
    return top;
}

static void
change(Greedy *greedy, uint32_t v)
{
    if (greedy->dirty[v])
        return;
    greedy->dirty[v] = 1;
    g_array_append_val(greedy->changed, v);
}

/* New entries for all that changed. */
static void
renew(Greedy *greedy)
{
    for (guint i = 0; i < greedy->changed->len; i++) {
        uint32_t v = g_array_index(greedy->changed, uint32_t, i);
        greedy->dirty[v] = 0;
        if (greedy->gone[v])
            continue;
        heap_push(greedy->heap, key_of(greedy, v));
        greedy->work += greedy->near[v].n;
    }
    g_array_set_size(greedy->changed, 0);
}

/* ---- elimination ----------------------------------------------------------------------------- */

static void
join(Greedy *greedy, uint32_t a, uint32_t b)
{
    List *x = &greedy->near[a], *y = &greedy->near[b];

    greedy->fill[a] += list_without(greedy, x, y);
    greedy->fill[b] += list_without(greedy, y, x);
    for (uint32_t i = 0, j = 0; i < x->n && j < y->n;) {
        if (x->v[i] == y->v[j]) {
            greedy->fill[x->v[i]]--;
            change(greedy, x->v[i]);
            i++, j++;
        } else if (x->v[i] < y->v[j]) {
            i++;
        } else {
            j++;
        }
    }
    list_insert(x, b);
    list_insert(y, a);
    greedy->work += x->n + y->n;
}

static void
eliminate(Greedy *greedy, uint32_t v)
{
    const List *near = &greedy->near[v];

    for (uint32_t i = 0; i < near->n && greedy->work < WORK_ONE; i++)
        for (uint32_t j = i + 1; j < near->n; j++, greedy->work++)
            if (!list_has(&greedy->near[near->v[i]], near->v[j]))
                join(greedy, near->v[i], near->v[j]);
    for (uint32_t i = 0; i < near->n; i++) {
        uint32_t u = near->v[i];
        /* v itself is one that v does not have. */
        greedy->fill[u] -= (int64_t)list_without(greedy, &greedy->near[u], near) - 1;
        list_remove(&greedy->near[u], v);
        change(greedy, u);
    }
    greedy->gone[v] = true;
    renew(greedy);
}

/* Neighbours: variables that share a factor. */
static void
find_neighbours(Greedy *greedy)
{
    const ExactProblem *problem = greedy->problem;

    for (uint32_t f = 0; f < problem->n_factors; f++) {
        const ExactFactor *factor = &problem->factors[f];
        for (uint32_t i = 0; i < factor->n; i++)
            for (uint32_t j = 0; j < factor->n; j++)
                if (i != j)
                    list_insert(&greedy->near[factor->scope[i]], factor->scope[j]);
    }
    for (uint32_t v = 0; v < problem->n; v++) {
        const List *near = &greedy->near[v];
        int64_t absent = 0;
        for (uint32_t i = 0; i < near->n; i++)
            absent += (int64_t)list_without(greedy, near, &greedy->near[near->v[i]]) - 1;
        greedy->fill[v] = absent / 2;
        change(greedy, v);
    }
    renew(greedy);
}

static bool
greedy_init(Greedy *greedy, const ExactProblem *problem, GError **error)
{
    uint32_t n = problem->n;
    greedy->problem = problem;
    greedy->near = exact_new(n, sizeof *greedy->near, error);
    greedy->fill = exact_new(n, sizeof *greedy->fill, error);
    greedy->gone = exact_new(n, sizeof *greedy->gone, error);
    greedy->dirty = exact_new(n, 1, error);
    greedy->changed = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    greedy->heap = g_array_new(FALSE, FALSE, sizeof(Key));
    return greedy->near != NULL && greedy->fill != NULL && greedy->gone != NULL &&
           greedy->dirty != NULL;
}

static void
greedy_clear(Greedy *greedy)
{
    for (uint32_t v = 0; greedy->near != NULL && v < greedy->problem->n; v++)
        g_free(greedy->near[v].v);
    g_free(greedy->near);
    g_free(greedy->fill);
    g_free(greedy->gone);
    g_free(greedy->dirty);
    g_array_free(greedy->changed, TRUE);
    g_array_free(greedy->heap, TRUE);
}

/* ---- orders ---------------------------------------------------------------------------------- */

static int
descending(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x < y) - (x > y);
}

/* Takes v as the next of the order. */
static void
record(ExactOrder *order, GArray *separators, const Greedy *greedy, uint32_t v)
{
    const List *near = &greedy->near[v];
    double separator = 0, size = log2(greedy->problem->cardinality[v]);

    for (uint32_t i = 0; i < near->n; i++)
        separator += log2(greedy->problem->cardinality[near->v[i]]);
    size += separator;
    order->width = MAX(order->width, near->n);
    order->log2_largest = fmax(order->log2_largest, size);
    order->entries += exp2(size);
    order->messages += exp2(separator);
    if (near->n > 0)
        g_array_append_vals(separators, near->v, near->n);
    order->position[v] = order->n;
    order->variable[order->n++] = v;
    order->begin[order->n] = separators->len;
}

static bool
find_order(ExactOrder *order, const ExactProblem *problem, ExactRule rule, uint64_t seed,
           double *work, GError **error)
{
    Greedy greedy = {.rule = rule, .seed = seed};
    g_autoptr(GArray) separators = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    uint64_t n = problem->n;

    *order = (ExactOrder){.variable = exact_new(n, sizeof *order->variable, error)};
    order->position = exact_new(n, sizeof *order->position, error);
    order->begin = exact_new(n + 1, sizeof *order->begin, error);
    bool made = greedy_init(&greedy, problem, error) && order->variable != NULL &&
                order->position != NULL && order->begin != NULL;
    if (made)
        find_neighbours(&greedy);
    while (made && order->n < n && greedy.work < WORK_ONE && order->log2_largest < HOPELESS) {
        Key key = heap_pop(greedy.heap);
        const Key now = key_of(&greedy, key.v);
        if (greedy.gone[key.v] || now.fill != key.fill || now.size != key.size)
            continue;
        record(order, separators, &greedy, key.v);
        eliminate(&greedy, key.v);
    }
    *work += greedy.work;
    greedy_clear(&greedy);
    order->complete = made && order->n == n && order->log2_largest < HOPELESS;
    order->separator = made ? exact_new(separators->len, sizeof *order->separator, error) : NULL;
    if (order->separator == NULL)
        return false;
    for (uint32_t i = 0; order->complete && i < n; i++) {
        uint32_t *separator = order->separator + order->begin[i];
        uint64_t length = order->begin[i + 1] - order->begin[i];
        for (uint64_t j = 0; j < length; j++)
            separator[j] =
                order->position[g_array_index(separators, uint32_t, order->begin[i] + j)];
        qsort(separator, length, sizeof *separator, descending);
    }
    return true;
}

bool
exact_order_init(ExactOrder *order, const ExactProblem *problem, ExactRule rule, GError **error)
{
    double work = 0;

    if (rule != EXACT_BEST)
        return find_order(order, problem, rule, 0, &work, error);
    if (!find_order(order, problem, EXACT_MIN_FILL, 0, &work, error))
        return false;
    double each = work;
    for (unsigned i = 1; i < 2 * N_TRIES && work + each < WORK_ALL; i++) {
        ExactOrder other;
        if (!find_order(&other, problem, i % 2 ? EXACT_MIN_SIZE : EXACT_MIN_FILL, i / 2, &work,
                        error)) {
            exact_order_clear(&other);
            return false;
        }
        bool better = other.complete && (!order->complete || other.entries < order->entries);
        exact_order_clear(better ? order : &other);
        if (better)
            *order = other;
    }
    return true;
}

void
exact_order_clear(ExactOrder *order)
{
    g_free(order->variable);
    g_free(order->position);
    g_free(order->begin);
    g_free(order->separator);
    *order = (ExactOrder){0};
}
