/* SPDX-License-Identifier: Apache-2.0 */
/* Aggregates: partials, merging, the wire, and the functions of program.h. See totals.h. */
#include "engine/totals.h"

#include <math.h>
#include <string.h>

#include "engine/array.h"
#include "engine/exact_sum_block.h"
#include "engine/run_private.h"

bool
gasket_totals_init(GasketTotals *totals, const GasketAggregate *aggregates, unsigned n_aggregates,
                   GError **error)
{
    totals->aggregates = g_new0(GasketAggregate, n_aggregates);
    totals->first = g_new0(uint32_t, n_aggregates + 1);
    totals->n_aggregates = n_aggregates;
    for (unsigned a = 0; a < n_aggregates; a++) {
        totals->aggregates[a] = aggregates[a];
        totals->aggregates[a].name = g_strdup(aggregates[a].name);
        unsigned length = aggregates[a].length == 0 ? 1 : aggregates[a].length;
        if (length > UINT32_MAX / 2 - totals->first[a]) {
            g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT, "aggregate \"%s\" is too long",
                        aggregates[a].name);
            return false;
        }
        totals->aggregates[a].length = length;
        totals->first[a + 1] = totals->first[a] + length;
    }
    totals->total = gasket_array_new(totals->first[n_aggregates], sizeof *totals->total, error);
    if (totals->total == NULL)
        return false;
    for (unsigned a = 0; a < n_aggregates; a++)
        for (uint32_t i = totals->first[a]; i < totals->first[a + 1]; i++)
            if (aggregates[a].type == GASKET_MIN || aggregates[a].type == GASKET_MAX)
                totals->total[i].real = aggregates[a].type == GASKET_MIN ? INFINITY : -INFINITY;
    return true;
}

void
gasket_totals_clear(GasketTotals *totals)
{
    for (unsigned a = 0; a < totals->n_aggregates; a++)
        g_free((char *)totals->aggregates[a].name);
    g_free(totals->aggregates);
    g_free(totals->first);
    gasket_array_free(totals->total);
    *totals = (GasketTotals){0};
}

static bool
selected(uint64_t mask, unsigned aggregate)
{
    return (mask >> aggregate) & 1;
}

/* Addends that wait for a sum, so that they are added by blocks: as many as make the largest block
 * for a few sums, fewer for each where a vector of them would not stay in the cache. */
#define FEW_SUMS   8
#define ROOM       GASKET_EXACT_SUM_BLOCK
#define SMALL_ROOM 64

bool
gasket_partials_init(GasketPartials *partials, const GasketTotals *totals, GError **error)
{
    uint32_t n = totals->first[totals->n_aggregates], n_sums = 0;

    for (unsigned a = 0; a < totals->n_aggregates; a++)
        if (totals->aggregates[a].type == GASKET_SUM)
            n_sums += totals->aggregates[a].length;
    partials->totals = totals;
    partials->element = gasket_array_new(n, sizeof *partials->element, error);
    if (partials->element == NULL)
        return false;
    partials->sums = gasket_array_new(n_sums, sizeof *partials->sums, error);
    if (partials->sums == NULL)
        return false;
    partials->room = n_sums <= FEW_SUMS ? ROOM : SMALL_ROOM;
    partials->buffers = gasket_array_new((uint64_t)n_sums * partials->room, sizeof(double), error);
    if (partials->buffers == NULL)
        return false;
    n_sums = 0;
    for (unsigned a = 0; a < totals->n_aggregates; a++)
        for (uint32_t i = totals->first[a]; i < totals->first[a + 1]; i++)
            if (totals->aggregates[a].type == GASKET_SUM) {
                GasketPartialSum *sum = &partials->sums[n_sums];
                sum->buffer = partials->buffers + (size_t)n_sums++ * partials->room;
                partials->element[i].sum = sum;
            }
    gasket_partials_reset(partials, UINT64_MAX);
    return true;
}

void
gasket_partials_clear(GasketPartials *partials)
{
    gasket_array_free(partials->element);
    gasket_array_free(partials->sums);
    gasket_array_free(partials->buffers);
    *partials = (GasketPartials){0};
}

void
gasket_partials_reset(GasketPartials *partials, uint64_t mask)
{
    const GasketTotals *totals = partials->totals;

    for (unsigned a = 0; a < totals->n_aggregates; a++) {
        for (uint32_t i = totals->first[a]; selected(mask, a) && i < totals->first[a + 1]; i++) {
            GasketPartial *element = &partials->element[i];
            switch (totals->aggregates[a].type) {
            case GASKET_COUNT:
                element->count = 0;
                break;
            case GASKET_SUM:
                element->sum->n_buffered = 0;
                gasket_exact_sum_init(&element->sum->sum);
                break;
            case GASKET_MIN:
                element->extreme = INFINITY;
                break;
            case GASKET_MAX:
                element->extreme = -INFINITY;
                break;
            }
        }
    }
}

static void
flush(GasketPartialSum *partial)
{
    gasket_exact_sum_add_many(&partial->sum, partial->buffer, partial->n_buffered);
    partial->n_buffered = 0;
}

/* Takes one value of an element's type. */
static void
merge_element(GasketAggregateType type, GasketPartial *into, GasketPartial *from)
{
    switch (type) {
    case GASKET_COUNT:
        into->count = (int64_t)((uint64_t)into->count + (uint64_t)from->count);
        break;
    case GASKET_SUM:
        flush(from->sum);
        gasket_exact_sum_merge(&into->sum->sum, &from->sum->sum);
        break;
    case GASKET_MIN:
        into->extreme = gasket_least(into->extreme, from->extreme);
        break;
    case GASKET_MAX:
        into->extreme = -gasket_least(-into->extreme, -from->extreme);
        break;
    }
}

void
gasket_partials_merge(GasketPartials *partials, GasketPartials *other, uint64_t mask)
{
    const GasketTotals *totals = partials->totals;

    for (unsigned a = 0; a < totals->n_aggregates; a++)
        for (uint32_t i = totals->first[a]; selected(mask, a) && i < totals->first[a + 1]; i++)
            merge_element(totals->aggregates[a].type, &partials->element[i], &other->element[i]);
}

void
gasket_partials_finish(GasketPartials *partials, GasketTotals *totals, uint64_t mask)
{
    for (unsigned a = 0; a < totals->n_aggregates; a++) {
        for (uint32_t i = totals->first[a]; selected(mask, a) && i < totals->first[a + 1]; i++) {
            GasketPartial *element = &partials->element[i];
            if (totals->aggregates[a].type == GASKET_COUNT) {
                totals->total[i].count = element->count;
            } else if (totals->aggregates[a].type == GASKET_SUM) {
                flush(element->sum);
                totals->total[i].real = gasket_exact_sum_round(&element->sum->sum);
            } else {
                totals->total[i].real = element->extreme;
            }
        }
    }
}

/* ---- wire ------------------------------------------------------------------------------------ */

static size_t
element_bytes(GasketAggregateType type)
{
    return type == GASKET_SUM ? GASKET_EXACT_SUM_BYTES : sizeof(int64_t);
}

size_t
gasket_partials_wire_size(const GasketPartials *partials, uint64_t mask)
{
    const GasketTotals *totals = partials->totals;
    size_t size = 0;

    for (unsigned a = 0; a < totals->n_aggregates; a++)
        if (selected(mask, a))
            size += totals->aggregates[a].length * element_bytes(totals->aggregates[a].type);
    return size;
}

/* The aggregate whose element *cursor is, skipping those not in mask; n_aggregates at the end. */
static unsigned
find_aggregate(const GasketTotals *totals, uint64_t mask, uint32_t *cursor)
{
    for (unsigned a = 0; a < totals->n_aggregates; a++) {
        if (*cursor >= totals->first[a + 1])
            continue;
        if (selected(mask, a))
            return a;
        *cursor = totals->first[a + 1];
    }
    return totals->n_aggregates;
}

size_t
gasket_partials_write(GasketPartials *partials, uint64_t mask, uint32_t *cursor, uint8_t *bytes,
                      size_t room)
{
    const GasketTotals *totals = partials->totals;
    size_t used = 0;

    for (;;) {
        unsigned a = find_aggregate(totals, mask, cursor);
        if (a == totals->n_aggregates)
            return used;
        GasketAggregateType type = totals->aggregates[a].type;
        size_t size = element_bytes(type);
        if (size > room - used)
            return used;
        GasketPartial *element = &partials->element[(*cursor)++];
        if (type == GASKET_SUM) {
            flush(element->sum);
            gasket_exact_sum_write(&element->sum->sum, bytes + used);
        } else {
            memcpy(bytes + used, element, size);
        }
        used += size;
    }
}

bool
gasket_partials_read(GasketPartials *partials, uint64_t mask, uint32_t *cursor,
                     const uint8_t *bytes, size_t n)
{
    const GasketTotals *totals = partials->totals;

    while (n > 0) {
        unsigned a = find_aggregate(totals, mask, cursor);
        if (a == totals->n_aggregates)
            return false;
        GasketAggregateType type = totals->aggregates[a].type;
        size_t size = element_bytes(type);
        if (size > n)
            return false;
        GasketPartial *element = &partials->element[(*cursor)++];
        if (type == GASKET_SUM) {
            GasketExactSum sum;
            gasket_exact_sum_init(&sum);
            if (!gasket_exact_sum_read(&sum, bytes))
                return false;
            gasket_exact_sum_merge(&element->sum->sum, &sum);
        } else {
            GasketPartial other;
            memcpy(&other, bytes, size);
            merge_element(type, element, &other);
        }
        bytes += size;
        n -= size;
    }
    return true;
}

/* ---- program.h ------------------------------------------------------------------------------- */

static GasketPartial *
partial(const GasketContext *context, unsigned aggregate, unsigned i)
{
    GasketPartials *partials = &context->thread->partials;
    return &partials->element[partials->totals->first[aggregate] + i];
}

void
gasket_add(const GasketContext *context, unsigned aggregate, unsigned i, double x)
{
    GasketPartialSum *sum = partial(context, aggregate, i)->sum;
    if (sum->n_buffered == context->thread->partials.room)
        flush(sum);
    sum->buffer[sum->n_buffered++] = x;
}

void
gasket_add_many(const GasketContext *context, unsigned aggregate, unsigned i, const double *x,
                size_t n)
{
    GasketPartialSum *sum = partial(context, aggregate, i)->sum;
    const uint32_t room = context->thread->partials.room;
    if (n >= room) {
        gasket_exact_sum_add_many(&sum->sum, x, n);
        return;
    }
    if (n > room - sum->n_buffered)
        flush(sum);
    memcpy(sum->buffer + sum->n_buffered, x, n * sizeof *x);
    sum->n_buffered += (uint32_t)n;
}

void
gasket_count(const GasketContext *context, unsigned aggregate, unsigned i, int64_t x)
{
    GasketPartial *element = partial(context, aggregate, i);
    element->count = (int64_t)((uint64_t)element->count + (uint64_t)x);
}

void
gasket_extreme(const GasketContext *context, unsigned aggregate, unsigned i, double x)
{
    GasketPartial *element = partial(context, aggregate, i);
    const GasketTotals *totals = context->thread->partials.totals;
    element->extreme = totals->aggregates[aggregate].type == GASKET_MIN
                           ? gasket_least(element->extreme, x)
                           : -gasket_least(-element->extreme, -x);
}

double
gasket_total(const GasketContext *context, unsigned aggregate, unsigned i)
{
    const GasketTotals *totals = context->thread->partials.totals;
    return totals->total[totals->first[aggregate] + i].real;
}

int64_t
gasket_total_count(const GasketContext *context, unsigned aggregate, unsigned i)
{
    const GasketTotals *totals = context->thread->partials.totals;
    return totals->total[totals->first[aggregate] + i].count;
}
