/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parts by streaming: vertices come one by one, each goes where most of its neighbours are and
 * room is left; then they come again, and each may move.
 *
 *   first pass    neighbours there - work / 2 * sqrt(load / capacity)   (Fennel)
 *   later passes  neighbours there, among parts with room               (label propagation)
 *
 * Where the numbering has put neighbours together already, so that ranges of numbers cut less than
 * half of what a hash would, the ranges take the place of the first pass.
 *
 * Candidates are the parts of the neighbours and the least loaded part, so a vertex costs its
 * degree and not the number of parts; the least loaded part stands on top of a tournament tree.
 * Every kind has loads of its own, and kinds stream side by side in proportion to their sizes.
 *
 * Where only one direction of a relation stands, a vertex sees its neighbours at that end only.
 * Those at the other end vote instead: when u stands in the row of v and v goes to part p, u's
 * ballot is given a vote for p. A ballot keeps one majority candidate in two words,
 *
 *   ballot[u] = {candidate, lead}     a vote for it: lead + 1; against: lead - 1; at 0 replaced
 *
 * and is emptied when u is visited. So between two visits every hidden neighbour votes once.
 *
 * Invariants (while a pass runs):
 *   1. load[kind][p] is the work of all vertices of the kind in p.
 *   2. tree[1] is the least loaded part, the lowest where several are; tree[i] the lesser of
 *      tree[2i] and tree[2i + 1].
 *   3. count[p] = 0 for every p outside a visit.
 *
 * Cost: O((V + E) * passes), 4 bytes a vertex and 8 more where ballots are needed.
 * Reference: Tsourakakis, Gkantsidis, Radunovic, Vojnovic: FENNEL: Streaming Graph Partitioning for
 * Massive Scale Graphs; WSDM 2014. Nishimura, Ugander: Restreaming Graph Partitioning; KDD 2013.
 * Boyer, Moore: MJRTY, a Fast Majority Vote Algorithm; 1981.
 */
#include "partition/methods.h"

#include <math.h>

#include "engine/array.h"

/* Most work of a kind in a part, in hundredths of the mean. */
#define CAPACITY_PERCENT 105
/* Passes after the first; they end sooner when fewer than one vertex in MOVED_SHARE moves. */
#define PASSES_MAX  8
#define MOVED_SHARE 200

typedef struct {
    uint32_t candidate, lead;
} Ballot;

/* The loads of one kind. */
typedef struct {
    uint64_t *load;    /* [parts] */
    uint32_t *tree;    /* [2 * leaves]: tournament over parts, leaf p at leaves + p */
    uint32_t leaves;   /* power of two, >= parts */
    uint64_t capacity; /* work a part may hold */
} Loads;

typedef struct {
    const GasketPartitionView *view;
    unsigned parts;
    uint32_t **part;
    Loads *loads;      /* [n_kinds] */
    Ballot *ballot;    /* [V] by index, or NULL: none are needed */
    uint64_t *count;   /* [parts] neighbours of the visited vertex there */
    uint32_t *touched; /* [parts] parts whose count is not 0 */
    unsigned n_touched;
    bool first_pass;
    uint64_t moved; /* in this pass */
} Stream;

/* ---- loads ----------------------------------------------------------------------------------- */

/* The less loaded of two parts; a leaf beyond the parts loses always. */
static uint32_t
lesser(const Loads *loads, uint32_t p, uint32_t q)
{
    if (p == GASKET_PARTITION_NONE || q == GASKET_PARTITION_NONE)
        return MIN(p, q);
    return loads->load[q] < loads->load[p] ? q : p;
}

static void
loads_init(Loads *loads, unsigned parts, uint64_t total)
{
    loads->leaves = 1;
    while (loads->leaves < parts)
        loads->leaves *= 2;
    loads->load = g_new0(uint64_t, parts);
    loads->tree = g_new(uint32_t, 2 * loads->leaves);
    loads->capacity = total / parts * CAPACITY_PERCENT / 100 + 1;
    for (uint32_t p = 0; p < loads->leaves; p++)
        loads->tree[loads->leaves + p] = p < parts ? p : GASKET_PARTITION_NONE;
    for (uint32_t i = loads->leaves - 1; i > 0; i--)
        loads->tree[i] = lesser(loads, loads->tree[2 * i], loads->tree[2 * i + 1]);
}

static void
loads_set(Loads *loads, uint32_t p, uint64_t load)
{
    loads->load[p] = load;
    for (uint32_t i = (loads->leaves + p) / 2; i > 0; i /= 2)
        loads->tree[i] = lesser(loads, loads->tree[2 * i], loads->tree[2 * i + 1]);
}

/* ---- one vertex ------------------------------------------------------------------------------ */

static void
count_at(Stream *stream, uint32_t p, uint64_t n)
{
    if (stream->count[p] == 0)
        stream->touched[stream->n_touched++] = p;
    stream->count[p] += n;
}

/* Counts the parts of the neighbours that vertex x of a kind can see, and its ballot. */
static void
count_neighbours(Stream *stream, unsigned kind, uint32_t x)
{
    const GasketPartitionView *view = stream->view;
    for (unsigned s = 0; s < view->n_sets; s++) {
        const GasketPartitionRows *set = &view->sets[s];
        const uint32_t *far = stream->part[set->neighbour];
        if (set->kind != kind)
            continue;
        for (uint64_t e = set->rows->offset[x]; e < set->rows->offset[x + 1]; e++) {
            uint32_t u = set->rows->neighbour[e];
            if (far[u] != GASKET_PARTITION_NONE && (u != x || set->neighbour != kind))
                count_at(stream, far[u], 1);
        }
    }
    if (stream->ballot != NULL) {
        Ballot *ballot = &stream->ballot[view->base[kind] + x];
        if (ballot->lead > 0)
            count_at(stream, ballot->candidate, ballot->lead);
        ballot->lead = 0;
    }
}

/* Votes for p on the ballots of those neighbours of x that do not see x. */
static void
vote(Stream *stream, unsigned kind, uint32_t x, uint32_t p)
{
    const GasketPartitionView *view = stream->view;
    for (unsigned s = 0; s < view->n_sets; s++) {
        const GasketPartitionRows *set = &view->sets[s];
        Ballot *ballots = stream->ballot + view->base[set->neighbour];
        if (set->kind != kind || !set->alone)
            continue;
        for (uint64_t e = set->rows->offset[x]; e < set->rows->offset[x + 1]; e++) {
            uint32_t u = set->rows->neighbour[e];
            Ballot *ballot = &ballots[u];
            if (u == x && set->neighbour == kind)
                continue;
            if (ballot->lead == 0)
                *ballot = (Ballot){p, 1};
            else if (ballot->candidate == p)
                ballot->lead++;
            else
                ballot->lead--;
        }
    }
}

/* How good part p is for the visited vertex; -INFINITY: it has no room. The price of load grows
 * with the vertex's own work, so that hubs, which have neighbours everywhere, are spread even when
 * they come first. */
static double
score(const Stream *stream, const Loads *loads, uint32_t p, uint64_t work)
{
    double neighbours = (double)stream->count[p];
    if (loads->load[p] + work > loads->capacity)
        return -INFINITY;
    if (!stream->first_pass)
        return neighbours;
    return neighbours - 0.5 * (double)work * sqrt((double)loads->load[p] / (double)loads->capacity);
}

/* The best part for a vertex that now belongs nowhere; current: where it came from, or NONE. Ties
 * go to the current part, then to the less loaded, then to the lower. Where no part has room it is
 * the least loaded. */
static uint32_t
choose(const Stream *stream, const Loads *loads, uint64_t work, uint32_t current)
{
    uint32_t best = loads->tree[1];
    double best_score = score(stream, loads, best, work);

    if (best_score == -INFINITY)
        return best;
    for (unsigned t = 0; t < stream->n_touched; t++) {
        uint32_t p = stream->touched[t];
        double s = score(stream, loads, p, work);
        if (s < best_score)
            continue;
        bool emptier =
            loads->load[p] < loads->load[best] || (loads->load[p] == loads->load[best] && p < best);
        if (s > best_score || emptier) {
            best = p;
            best_score = s;
        }
    }
    if (current != GASKET_PARTITION_NONE && score(stream, loads, current, work) >= best_score)
        return current;
    return best;
}

static void
visit(Stream *stream, unsigned kind, uint32_t x)
{
    Loads *loads = &stream->loads[kind];
    uint64_t work = gasket_partition_view_work(stream->view, kind, x);
    uint32_t current = stream->part[kind][x];

    if (current != GASKET_PARTITION_NONE)
        loads_set(loads, current, loads->load[current] - work);
    count_neighbours(stream, kind, x);
    uint32_t p = choose(stream, loads, work, current);
    for (unsigned t = 0; t < stream->n_touched; t++)
        stream->count[stream->touched[t]] = 0;
    stream->n_touched = 0;
    loads_set(loads, p, loads->load[p] + work);
    stream->part[kind][x] = p;
    stream->moved += p != current;
    if (stream->ballot != NULL)
        vote(stream, kind, x, p);
}

/* ---- passes ---------------------------------------------------------------------------------- */

/* Visits every vertex, the kinds side by side: always the kind of which the least share is done. */
static void
pass(Stream *stream)
{
    const GasketPartitionView *view = stream->view;
    g_autofree uint64_t *done = g_new0(uint64_t, view->n_kinds);

    stream->moved = 0;
    for (uint64_t i = 0; i < view->base[view->n_kinds]; i++) {
        unsigned next = view->n_kinds;
        for (unsigned k = 0; k < view->n_kinds; k++) {
            uint64_t n = gasket_partition_view_n(view, k);
            if (done[k] < n && (next == view->n_kinds ||
                                done[k] * gasket_partition_view_n(view, next) < done[next] * n))
                next = k;
        }
        visit(stream, next, (uint32_t)done[next]++);
    }
}

/* Fills the parts with ranges of numbers, where those are a good start: then loads and ballots are
 * made to agree. Else the parts are left empty. */
static bool
start_with_ranges(Stream *stream)
{
    const GasketPartitionView *view = stream->view;
    uint64_t n_edges = 0;

    gasket_partition_range(view, stream->parts, stream->part);
    for (unsigned r = 0; r < view->graph->n_relations; r++)
        n_edges += view->graph->relations[r].n_edges;
    /* cut / edges < (1 - 1 / parts) / 2 */
    uint64_t cut = gasket_partition_cut(view, stream->part);
    bool good = 2 * cut * stream->parts < n_edges * (stream->parts - 1);

    for (unsigned k = 0; k < view->n_kinds; k++)
        for (uint32_t x = 0; x < gasket_partition_view_n(view, k); x++) {
            uint32_t p = stream->part[k][x];
            if (!good) {
                stream->part[k][x] = GASKET_PARTITION_NONE;
                continue;
            }
            loads_set(&stream->loads[k], p,
                      stream->loads[k].load[p] + gasket_partition_view_work(view, k, x));
            if (stream->ballot != NULL)
                vote(stream, k, x, p);
        }
    return good;
}

bool
gasket_partition_streaming(const GasketPartitionView *view, unsigned parts, uint32_t **part,
                           GError **error)
{
    uint64_t n = view->base[view->n_kinds];
    g_autofree Loads *loads = g_new0(Loads, view->n_kinds);
    g_autofree uint64_t *count = g_new0(uint64_t, parts);
    g_autofree uint32_t *touched = g_new0(uint32_t, parts);
    Stream stream = {.view = view,
                     .parts = parts,
                     .part = part,
                     .loads = loads,
                     .count = count,
                     .touched = touched,
                     .moved = n};
    bool alone = false;

    for (unsigned s = 0; s < view->n_sets; s++)
        alone |= view->sets[s].alone;
    if (alone && (stream.ballot = gasket_array_new(n, sizeof *stream.ballot, error)) == NULL)
        return false;
    for (unsigned k = 0; k < view->n_kinds; k++)
        loads_init(&loads[k], parts, gasket_partition_view_kind_work(view, k));
    if (!start_with_ranges(&stream)) {
        stream.first_pass = true;
        pass(&stream);
        stream.first_pass = false;
    }
    for (unsigned i = 0; i < PASSES_MAX && stream.moved > n / MOVED_SHARE; i++)
        pass(&stream);
    for (unsigned k = 0; k < view->n_kinds; k++) {
        g_free(loads[k].load);
        g_free(loads[k].tree);
    }
    gasket_array_free(stream.ballot);
    return true;
}
