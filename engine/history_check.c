/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a history equals a serial run. See history.h for why.
 *
 * How: updates are sorted by (vertex, turn), so that those of a vertex are one slice, and within it
 * versions rise. Edges lead from what must come before to what must come after; updates without
 * anything before them are taken one by one (Kahn). What is left when nothing more can be taken
 * contains a cycle, which is found by going backwards until an update comes up again.
 *
 *   node      0      1      2        3  ...     sorted by (id, turn)
 *            (v,0)  (v,1)  (v,2)    (w,0)
 *   edges    begin[i] .. begin[i + 1]: what comes after node i
 */
#include "engine/history_private.h"

typedef struct {
    const uint64_t *word; /* of the log */
    size_t next_change; /* first node of the vertex from here on that changed; or its slice's end */
} Node;

typedef struct {
    Node *node; /* [n] */
    size_t n;
    uint64_t *begin; /* [n + 1] */
    uint32_t *after; /* [begin[n]] */
    uint32_t *left;  /* [n] edges into each node that are not taken yet */
} Precedence;

static uint64_t
id_of(const Node *node)
{
    return node->word[0];
}

static uint64_t
turn_of(const Node *node)
{
    return node->word[1];
}

static uint64_t
version_of(const Node *node)
{
    return node->word[2];
}

static bool
has_changed(const Node *node)
{
    return node->word[3] != 0;
}

static void
describe_vertex(GString *text, uint64_t id)
{
    if ((id >> 32 & 0xffff) != 0)
        g_string_append_printf(text, "kind %u ", (unsigned)(id >> 32 & 0xffff));
    g_string_append_printf(text, "vertex %u", (uint32_t)id);
}

static void
describe(GString *text, const Node *node)
{
    describe_vertex(text, id_of(node));
    g_string_append_printf(text, " update %" G_GUINT64_FORMAT " (version %" G_GUINT64_FORMAT,
                           turn_of(node), version_of(node));
    if (has_changed(node))
        g_string_append_printf(text, " -> %" G_GUINT64_FORMAT, version_of(node) + 1);
    g_string_append(text, ")");
}

/* Error FAILED: the history is not serial because of what a node did. Returns false. */
static bool
refuse(const Node *node, const char *what, uint64_t other, GError **error)
{
    g_autoptr(GString) text = g_string_new("no serial order: ");
    describe(text, node);
    g_string_append_printf(text, " %s", what);
    if (other != UINT64_MAX) {
        g_string_append(text, " ");
        describe_vertex(text, other);
    }
    g_set_error_literal(error, GASKET_ERROR, GASKET_ERROR_FAILED, text->str);
    return false;
}

/* ---- nodes ----------------------------------------------------------------------------------- */

static int
compare_nodes(const void *a, const void *b)
{
    const Node *x = a, *y = b;
    if (id_of(x) != id_of(y))
        return id_of(x) < id_of(y) ? -1 : 1;
    return (turn_of(x) > turn_of(y)) - (turn_of(x) < turn_of(y));
}

static bool
collect(const GasketHistory *history, Precedence *graph, GError **error)
{
    for (unsigned i = 0; i < history->logs->len; i++) {
        const GasketHistoryLog *log = g_ptr_array_index(history->logs, i);
        if (log->no_memory) {
            g_set_error(error, GASKET_ERROR, GASKET_ERROR_MEMORY, "no memory for the history");
            return false;
        }
        graph->n += log->n_updates;
    }
    if (graph->n >= UINT32_MAX) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT, "a history of 2^32 updates");
        return false;
    }
    graph->node = gasket_array_new(graph->n, sizeof *graph->node, error);
    if (graph->node == NULL)
        return false;
    size_t n = 0;
    for (unsigned i = 0; i < history->logs->len; i++) {
        const GasketHistoryLog *log = g_ptr_array_index(history->logs, i);
        for (size_t w = 0; w < log->updates.n;
             w += GASKET_HISTORY_UPDATE_WORDS + 2 * log->updates.word[w + 4])
            graph->node[n++].word = log->updates.word + w;
    }
    qsort(graph->node, graph->n, sizeof *graph->node, compare_nodes);
    return true;
}

/* Whether each vertex's own updates follow one another; notes who changed it next. */
static bool
check_turns(Precedence *graph, GError **error)
{
    for (size_t i = 0; i < graph->n; i++) {
        const Node *node = &graph->node[i], *last = node - 1;
        bool first = i == 0 || id_of(last) != id_of(node);
        uint64_t turn = first ? 0 : turn_of(last) + 1;
        uint64_t version = first ? 0 : version_of(last) + has_changed(last);
        if (turn_of(node) < turn)
            return refuse(node, "ran while another update of it did: one of them is lost",
                          UINT64_MAX, error);
        if (turn_of(node) > turn || version_of(node) != version)
            return refuse(node, "does not follow the updates before it of", id_of(node), error);
    }
    for (size_t i = graph->n; i-- > 0;) {
        Node *node = &graph->node[i];
        bool last = i + 1 == graph->n || id_of(node + 1) != id_of(node);
        node->next_change = has_changed(node) ? i : last ? i + 1 : node[1].next_change;
    }
    return true;
}

/* The slice of a vertex's nodes; empty if it never ran. */
static void
find_vertex(const Precedence *graph, uint64_t id, size_t *ret_begin, size_t *ret_end)
{
    for (unsigned side = 0; side < 2; side++) {
        size_t low = 0, high = graph->n;
        while (low < high) {
            size_t middle = (low + high) / 2;
            if (id_of(&graph->node[middle]) < id + side)
                low = middle + 1;
            else
                high = middle;
        }
        *(side == 0 ? ret_begin : ret_end) = low;
    }
}

/* ---- edges ----------------------------------------------------------------------------------- */

/* Counts an edge (after NULL), or enters it. */
static void
add_edge(Precedence *graph, bool enter, size_t from, size_t to)
{
    if (from == to)
        return;
    if (!enter) {
        graph->begin[from + 1]++;
        graph->left[to]++;
    } else {
        graph->after[graph->begin[from]++] = (uint32_t)to;
    }
}

/* The edges of one read of a node: from who wrote the version, to who wrote the next one. */
static bool
add_read(Precedence *graph, bool enter, size_t i, uint64_t id, uint64_t version, GError **error)
{
    const Node *node = &graph->node[i];
    size_t begin, end;

    if (id == id_of(node))
        return true; /* a loop: its own turns have an order */
    if (version == GASKET_HISTORY_TORN)
        return refuse(node, "read a value while it changed: that of", id, error);
    find_vertex(graph, id, &begin, &end);
    /* Within a vertex's slice versions rise: the first node that starts from `version` or more. */
    size_t low = begin, high = end;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (version_of(&graph->node[middle]) < version)
            low = middle + 1;
        else
            high = middle;
    }
    if (version > 0) {
        /* The last one that starts from less wrote it, if anybody did. */
        if (low == begin || !has_changed(&graph->node[low - 1]) ||
            version_of(&graph->node[low - 1]) + 1 != version)
            return refuse(node, "read a version that nobody wrote, of", id, error);
        add_edge(graph, enter, low - 1, i);
    }
    size_t next = low < end ? graph->node[low].next_change : end;
    if (next < end)
        add_edge(graph, enter, i, next);
    return true;
}

static bool
add_edges(Precedence *graph, bool enter, GError **error)
{
    for (size_t i = 0; i < graph->n; i++) {
        const uint64_t *word = graph->node[i].word;
        if (i + 1 < graph->n && id_of(&graph->node[i + 1]) == word[0])
            add_edge(graph, enter, i, i + 1);
        for (uint64_t r = 0; r < word[4]; r++) {
            const uint64_t *read = word + GASKET_HISTORY_UPDATE_WORDS + 2 * r;
            if (!add_read(graph, enter, i, read[0], read[1], error))
                return false;
        }
    }
    return true;
}

static bool
build(Precedence *graph, GError **error)
{
    graph->begin = gasket_array_new(graph->n + 1, sizeof *graph->begin, error);
    if (graph->begin == NULL)
        return false;
    graph->left = gasket_array_new(graph->n, sizeof *graph->left, error);
    if (graph->left == NULL || !add_edges(graph, false, error))
        return false;
    for (size_t i = 0; i < graph->n; i++)
        graph->begin[i + 1] += graph->begin[i];
    graph->after = gasket_array_new(graph->begin[graph->n], sizeof *graph->after, error);
    if (graph->after == NULL || !add_edges(graph, true, error))
        return false;
    for (size_t i = graph->n; i > 0; i--)
        graph->begin[i] = graph->begin[i - 1];
    graph->begin[0] = 0;
    return true;
}

/* ---- order ----------------------------------------------------------------------------------- */

/* Names a cycle among the nodes that are left. */
static void
name_cycle(const Precedence *graph, GError **error)
{
    g_autofree uint32_t *before = g_new(uint32_t, graph->n);
    g_autofree bool *seen = g_new0(bool, graph->n);
    g_autoptr(GString) text = g_string_new("no serial order: ");
    size_t i = 0;

    for (size_t from = 0; from < graph->n; from++)
        for (uint64_t e = graph->begin[from]; graph->left[from] > 0 && e < graph->begin[from + 1];
             e++)
            before[graph->after[e]] = (uint32_t)from;
    while (graph->left[i] == 0)
        i++;
    for (; !seen[i]; i = before[i])
        seen[i] = true;
    size_t start = i;
    for (unsigned n = 0; n == 0 || (i != start && n < 8); n++, i = before[i]) {
        describe(text, &graph->node[i]);
        g_string_append(text, " must follow ");
    }
    if (i != start)
        g_string_append(text, "..., which must follow ");
    describe(text, &graph->node[start]);
    g_set_error_literal(error, GASKET_ERROR, GASKET_ERROR_FAILED, text->str);
}

static GasketHistoryUpdate *
find_order(Precedence *graph, GError **error)
{
    g_autofree GasketHistoryUpdate *order = g_try_new(GasketHistoryUpdate, graph->n + 1);
    g_autofree uint32_t *ready = g_try_new(uint32_t, graph->n + 1);
    size_t n_ready = 0, n = 0;

    if (order == NULL || ready == NULL) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_MEMORY, "no memory for the history");
        return NULL;
    }
    for (size_t i = 0; i < graph->n; i++)
        if (graph->left[i] == 0)
            ready[n_ready++] = (uint32_t)i;
    for (; n < n_ready; n++) {
        const Node *node = &graph->node[ready[n]];
        order[n] =
            (GasketHistoryUpdate){id_of(node), turn_of(node), version_of(node), has_changed(node)};
        for (uint64_t e = graph->begin[ready[n]]; e < graph->begin[ready[n] + 1]; e++)
            if (--graph->left[graph->after[e]] == 0)
                ready[n_ready++] = graph->after[e];
    }
    if (n == graph->n)
        return g_steal_pointer(&order);
    name_cycle(graph, error);
    return NULL;
}

GasketHistoryUpdate *
gasket_history_check(const GasketHistory *history, size_t *ret_n, GError **error)
{
    Precedence graph = {0};
    GasketHistoryUpdate *order = NULL;

    if (collect(history, &graph, error) && check_turns(&graph, error) && build(&graph, error))
        order = find_order(&graph, error);
    *ret_n = order != NULL ? graph.n : 0;
    gasket_array_free(graph.node);
    gasket_array_free(graph.begin);
    gasket_array_free(graph.after);
    gasket_array_free(graph.left);
    return order;
}
