/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages up and down a tree of cliques; see exact_tree.h.
 *
 * Invariants:
 *   1. A message's dimensions are its separator, in the order of ExactOrder (descending positions).
 *      They are dimensions of the parent's clique too, whose last is the parent itself.
 *   2. On the way down, node->message of a node whose parent is done holds the message from the
 *      parent, before that the message to it.
 */
#include "exact_tree.h"

#include <math.h>
#include <string.h>

#include "exact_kernel.h"

typedef struct {
    double *message; /* [size] */
    uint64_t size;
    uint64_t child;  /* first in children */
    uint64_t factor; /* first in factors */
    uint32_t n_children, n_factors;
    uint32_t parent; /* position; UINT32_MAX: none */
} Node;

typedef struct {
    const ExactProblem *problem;
    const ExactOrder *order;
    ExactDomain domain;
    Node *nodes;        /* [n] by position */
    uint32_t *children; /* by node */
    uint32_t *factors;  /* by node: that it multiplies in */
    double **tables;    /* [n_factors] in the domain's form */
    uint32_t *card;     /* [width + 1] of the clique at hand */
    uint32_t *clique;   /* [width + 1] its positions */
    uint32_t *place;    /* [n] dimension of a position in it */
    double log_weight;
} Tree;

double
exact_tree_bytes(const ExactProblem *problem, const ExactOrder *order)
{
    double tables = 0;
    for (uint32_t f = 0; f < problem->n_factors; f++)
        tables += (double)problem->factors[f].size;
    /* A node's children have a second message while it passes on its own; their messages together
     * are at most as many as all. */
    return (2 * order->messages + 2 * tables) * sizeof(double);
}

/* ---- structure ------------------------------------------------------------------------------- */

/* The node that a factor belongs to: the first of its variables to be eliminated. */
static uint32_t
home(const Tree *tree, const ExactFactor *factor)
{
    uint32_t first = UINT32_MAX;
    for (uint32_t i = 0; i < factor->n; i++)
        first = MIN(first, tree->order->position[factor->scope[i]]);
    return first;
}

static uint32_t
cardinality_at(const Tree *tree, uint32_t position)
{
    return tree->problem->cardinality[tree->order->variable[position]];
}

/* Which factors and children each node has. Constants go into the weight. */
static void
link_nodes(Tree *tree)
{
    const ExactOrder *order = tree->order;
    const ExactProblem *problem = tree->problem;
    uint32_t n = problem->n;

    for (uint32_t p = 0; p < n; p++) {
        uint64_t begin = order->begin[p], end = order->begin[p + 1];
        Node *node = &tree->nodes[p];
        node->parent = end > begin ? order->separator[end - 1] : UINT32_MAX;
        node->size = 1;
        for (uint64_t i = begin; i < end; i++)
            node->size *= cardinality_at(tree, order->separator[i]);
        if (end > begin)
            tree->nodes[node->parent].n_children++;
    }
    for (uint32_t f = 0; f < problem->n_factors; f++)
        if (problem->factors[f].n > 0)
            tree->nodes[home(tree, &problem->factors[f])].n_factors++;
    uint64_t child = 0, factor = 0;
    for (uint32_t p = 0; p < n; p++) {
        Node *node = &tree->nodes[p];
        node->child = child, node->factor = factor;
        child += node->n_children, factor += node->n_factors;
        node->n_children = node->n_factors = 0;
    }
    for (uint32_t p = 0; p < n; p++) {
        if (tree->nodes[p].parent == UINT32_MAX)
            continue;
        Node *parent = &tree->nodes[tree->nodes[p].parent];
        tree->children[parent->child + parent->n_children++] = p;
    }
    for (uint32_t f = 0; f < problem->n_factors; f++) {
        if (problem->factors[f].n == 0)
            continue;
        Node *node = &tree->nodes[home(tree, &problem->factors[f])];
        tree->factors[node->factor + node->n_factors++] = f;
    }
}

static bool
tree_init(Tree *tree, const ExactProblem *problem, const ExactOrder *order, ExactDomain domain,
          GError **error)
{
    uint64_t n = problem->n, width = (uint64_t)order->width + 1;

    *tree = (Tree){.problem = problem, .order = order, .domain = domain};
    tree->nodes = exact_new(n, sizeof *tree->nodes, error);
    tree->children = exact_new(n, sizeof *tree->children, error);
    tree->factors = exact_new(problem->n_factors, sizeof *tree->factors, error);
    tree->tables = exact_new(problem->n_factors, sizeof *tree->tables, error);
    tree->card = exact_new(width, sizeof *tree->card, error);
    tree->clique = exact_new(width, sizeof *tree->clique, error);
    tree->place = exact_new(n, sizeof *tree->place, error);
    if (tree->nodes == NULL || tree->children == NULL || tree->factors == NULL ||
        tree->tables == NULL || tree->card == NULL || tree->clique == NULL || tree->place == NULL)
        return false;
    link_nodes(tree);
    for (uint32_t f = 0; f < problem->n_factors; f++) {
        const ExactFactor *factor = &problem->factors[f];
        tree->tables[f] = factor->table;
        if (domain == EXACT_LINEAR)
            continue;
        tree->tables[f] = exact_new(factor->size, sizeof(double), error);
        if (tree->tables[f] == NULL)
            return false;
        for (uint64_t i = 0; i < factor->size; i++)
            tree->tables[f][i] = log(factor->table[i]);
    }
    return true;
}

static void
tree_clear(Tree *tree)
{
    for (uint32_t p = 0; tree->nodes != NULL && p < tree->problem->n; p++)
        g_free(tree->nodes[p].message);
    for (uint32_t f = 0; tree->tables != NULL && f < tree->problem->n_factors; f++)
        if (tree->tables[f] != tree->problem->factors[f].table)
            g_free(tree->tables[f]);
    g_free(tree->nodes);
    g_free(tree->children);
    g_free(tree->factors);
    g_free(tree->tables);
    g_free(tree->card);
    g_free(tree->clique);
    g_free(tree->place);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Tree, tree_clear)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ExactKernel, exact_kernel_clear)

/* Dimensions of node p's clique: its separator, then itself; their number. */
static uint32_t
open_clique(Tree *tree, uint32_t p)
{
    const ExactOrder *order = tree->order;
    uint32_t n = (uint32_t)(order->begin[p + 1] - order->begin[p]);

    for (uint32_t d = 0; d <= n; d++) {
        uint32_t position = d < n ? order->separator[order->begin[p] + d] : p;
        tree->clique[d] = position;
        tree->card[d] = cardinality_at(tree, position);
        tree->place[position] = d;
    }
    return n + 1;
}

/* Strides of a message, whose dimensions are node c's separator. */
static void
message_strides(const Tree *tree, uint32_t c, uint64_t *stride)
{
    const ExactOrder *order = tree->order;
    uint64_t step = 1;
    for (uint64_t i = order->begin[c + 1]; i-- > order->begin[c];) {
        stride[tree->place[order->separator[i]]] = step;
        step *= cardinality_at(tree, order->separator[i]);
    }
}

/* Inputs of node p: its factors, its children's messages, and with `down` its own, which came from
 * the parent; then, with `down`, the children's new messages `results`, which are added to. */
static bool
open_kernel(Tree *tree, uint32_t p, double *const *results, ExactKernel *kernel,
            uint32_t *ret_inputs, GError **error)
{
    const Node *node = &tree->nodes[p];
    bool own = results != NULL && node->parent != UINT32_MAX;
    uint32_t n = node->n_factors + node->n_children + own, at = 0;
    uint32_t dims = open_clique(tree, p);

    if (!exact_kernel_init(kernel, tree->domain, dims, tree->card,
                           n + (results != NULL ? node->n_children : 0), error))
        return false;
    for (uint32_t i = 0; i < node->n_factors; i++, at++) {
        const ExactFactor *factor = &tree->problem->factors[tree->factors[node->factor + i]];
        uint64_t step = 1;
        kernel->inputs[at].table = tree->tables[tree->factors[node->factor + i]];
        for (uint32_t d = factor->n; d-- > 0;) {
            uint32_t position = tree->order->position[factor->scope[d]];
            kernel->inputs[at].stride[tree->place[position]] = step;
            step *= tree->problem->cardinality[factor->scope[d]];
        }
    }
    if (own) {
        kernel->inputs[at].table = node->message;
        message_strides(tree, p, kernel->inputs[at++].stride);
    }
    for (uint32_t r = 0; r < (results != NULL ? 2u : 1u); r++) {
        for (uint32_t i = 0; i < node->n_children; i++, at++) {
            uint32_t c = tree->children[node->child + i];
            kernel->inputs[at].table = r == 0 ? tree->nodes[c].message : results[i];
            message_strides(tree, c, kernel->inputs[at].stride);
        }
    }
    exact_kernel_begin(kernel);
    *ret_inputs = n;
    return true;
}

/* ---- up -------------------------------------------------------------------------------------- */

/* log(exp(a) + exp(b)) */
static double
log_add(double a, double b)
{
    double high = fmax(a, b), low = fmin(a, b);
    return low == -INFINITY ? high : high + log1p(exp(low - high));
}

/* What is left of n entries: their sum or maximum. */
static double
fold(ExactDomain domain, const double *x, uint32_t n)
{
    double total = x[0];
    for (uint32_t i = 1; i < n; i++)
        total = domain == EXACT_LINEAR ? total + x[i]
                : domain == EXACT_MAX  ? fmax(total, x[i])
                                       : log_add(total, x[i]);
    return total;
}

/* Scales the largest entry to one and returns the logarithm of what it was. */
static double
normalise(ExactDomain domain, double *x, uint64_t n)
{
    double largest = -INFINITY;
    for (uint64_t i = 0; i < n; i++)
        largest = fmax(largest, x[i]);
    if (domain == EXACT_LINEAR) {
        for (uint64_t i = 0; largest > 0 && i < n; i++)
            x[i] /= largest;
        return log(largest);
    }
    for (uint64_t i = 0; largest > -INFINITY && i < n; i++)
        x[i] -= largest;
    return largest;
}

static bool
send_up(Tree *tree, uint32_t p, bool *ret_underflow, GError **error)
{
    Node *node = &tree->nodes[p];
    g_auto(ExactKernel) kernel = {0};
    uint32_t n, states = cardinality_at(tree, p);

    node->message = exact_new(node->size, sizeof *node->message, error);
    if (node->message == NULL || !open_kernel(tree, p, NULL, &kernel, &n, error))
        return false;
    double *to = node->message;
    for (uint64_t b = 0; b < kernel.n_blocks; b++, exact_kernel_next(&kernel)) {
        exact_kernel_multiply(&kernel, n);
        for (uint64_t j = 0; j < kernel.block; j += states)
            *to++ = fold(tree->domain, kernel.product + j, states);
    }
    tree->log_weight += normalise(tree->domain, node->message, node->size);
    *ret_underflow = kernel.underflow;
    return true;
}

/* ---- down ------------------------------------------------------------------------------------ */

/* Adds a block of the belief to the variable's marginal and to the children's sums. */
static void
add_block(const ExactKernel *kernel, uint32_t n_inputs, double *marginal, uint32_t states)
{
    const double *belief = kernel->product;
    bool linear = kernel->domain == EXACT_LINEAR;

    for (uint64_t j = 0; j < kernel->block; j += states)
        for (uint32_t x = 0; x < states; x++)
            marginal[x] =
                linear ? marginal[x] + belief[j + x] : log_add(marginal[x], belief[j + x]);
    for (uint32_t i = n_inputs; i < kernel->n_inputs; i++) {
        const ExactInput *input = &kernel->inputs[i];
        double *to = input->table + input->base;
        for (uint64_t j = 0; linear && j < kernel->block; j++)
            to[input->offset[j]] += belief[j];
        for (uint64_t j = 0; !linear && j < kernel->block; j++)
            to[input->offset[j]] = log_add(to[input->offset[j]], belief[j]);
    }
}

/* Takes its own message out of what was summed for a child. Where that is 0 nothing can be. */
static void
divide(const Tree *tree, double *sum, const double *message, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        if (tree->domain == EXACT_LINEAR)
            sum[i] = message[i] > 0 ? sum[i] / message[i] : 0;
        else
            sum[i] = message[i] > -INFINITY ? sum[i] - message[i] : -INFINITY;
    }
    (void)normalise(tree->domain, sum, n); /* scale has no meaning on the way down */
}

/* New tables for the children of a node, all zero. */
static double **
new_sums(const Tree *tree, const Node *node, GError **error)
{
    double **sums = g_new0(double *, (gsize)node->n_children + 1);
    for (uint32_t i = 0; i < node->n_children; i++) {
        uint64_t size = tree->nodes[tree->children[node->child + i]].size;
        sums[i] = exact_new(size, sizeof **sums, error);
        if (sums[i] == NULL) {
            while (i-- > 0)
                g_free(sums[i]);
            g_free(sums);
            return NULL;
        }
        for (uint64_t j = 0; tree->domain != EXACT_LINEAR && j < size; j++)
            sums[i][j] = -INFINITY;
    }
    return sums;
}

static bool
send_down(Tree *tree, uint32_t p, double *marginal, bool *ret_underflow, GError **error)
{
    Node *node = &tree->nodes[p];
    g_auto(ExactKernel) kernel = {0};
    uint32_t n, states = cardinality_at(tree, p);
    g_autofree double **sums = new_sums(tree, node, error);
    bool opened = sums != NULL && open_kernel(tree, p, sums, &kernel, &n, error);

    for (uint32_t x = 0; x < states; x++)
        marginal[x] = tree->domain == EXACT_LINEAR ? 0 : -INFINITY;
    for (uint64_t b = 0; opened && b < kernel.n_blocks; b++, exact_kernel_next(&kernel)) {
        exact_kernel_multiply(&kernel, n);
        add_block(&kernel, n, marginal, states);
    }
    for (uint32_t i = 0; sums != NULL && i < node->n_children; i++) {
        Node *child = &tree->nodes[tree->children[node->child + i]];
        divide(tree, sums[i], child->message, child->size);
        g_free(child->message);
        child->message = sums[i];
    }
    g_clear_pointer(&node->message, g_free); /* used, and the memory is needed */
    *ret_underflow = kernel.underflow;
    return opened;
}

/* Probabilities that sum to 1. */
static void
finish_marginal(ExactDomain domain, double *marginal, uint32_t states)
{
    double total = 0;
    (void)normalise(domain, marginal, states);
    for (uint32_t x = 0; x < states; x++) {
        marginal[x] = domain == EXACT_LINEAR ? marginal[x] : exp(marginal[x]);
        total += marginal[x];
    }
    for (uint32_t x = 0; x < states; x++)
        marginal[x] /= total;
}

bool
exact_tree_marginals(const ExactProblem *problem, const ExactOrder *order, ExactDomain domain,
                     double *ret_log_z, double **ret_marginals, bool *ret_underflow, GError **error)
{
    g_auto(Tree) tree = {0};
    g_autofree uint64_t *begin = exact_new((uint64_t)problem->n + 1, sizeof *begin, error);
    bool underflow = false;

    if (begin == NULL || !tree_init(&tree, problem, order, domain, error))
        return false;
    for (uint32_t v = 0; v < problem->n; v++)
        begin[v + 1] = begin[v] + problem->cardinality[v];
    g_autofree double *marginals = exact_new(begin[problem->n], sizeof *marginals, error);
    if (marginals == NULL)
        return false;
    for (uint32_t p = 0; p < problem->n && !underflow; p++)
        if (!send_up(&tree, p, &underflow, error))
            return false;
    /* Where nothing is possible there are no marginals. */
    bool possible = tree.log_weight > -INFINITY;
    for (uint32_t p = problem->n; p-- > 0 && !underflow && possible;) {
        double *marginal = marginals + begin[order->variable[p]];
        if (!send_down(&tree, p, marginal, &underflow, error))
            return false;
        finish_marginal(domain, marginal, cardinality_at(&tree, p));
    }
    *ret_underflow = underflow;
    *ret_log_z = tree.log_weight;
    *ret_marginals = g_steal_pointer(&marginals);
    return true;
}

/* ---- the most probable assignment ------------------------------------------------------------ */

/* The best state of node p, given those of its separator. */
static uint32_t
best_state(const ExactKernel *kernel, uint32_t n_inputs, const Tree *tree, const uint32_t *states)
{
    uint32_t last = kernel->n - 1, best = 0;
    double highest = -INFINITY;

    for (uint32_t x = 0; x < kernel->card[last]; x++) {
        double total = 0;
        for (uint32_t i = 0; i < n_inputs; i++) {
            const ExactInput *input = &kernel->inputs[i];
            uint64_t at = x * input->stride[last];
            for (uint32_t d = 0; d < last; d++)
                at += states[tree->order->variable[tree->clique[d]]] * input->stride[d];
            total += input->table[at];
        }
        if (total > highest) {
            highest = total;
            best = x;
        }
    }
    return best;
}

bool
exact_tree_map(const ExactProblem *problem, const ExactOrder *order, double *ret_log_weight,
               uint32_t **ret_states, GError **error)
{
    g_auto(Tree) tree = {0};
    g_autofree uint32_t *states = exact_new(problem->n, sizeof *states, error);
    bool underflow;

    if (states == NULL || !tree_init(&tree, problem, order, EXACT_MAX, error))
        return false;
    for (uint32_t p = 0; p < problem->n; p++)
        if (!send_up(&tree, p, &underflow, error))
            return false;
    for (uint32_t p = problem->n; p-- > 0;) {
        g_auto(ExactKernel) kernel = {0};
        uint32_t n;
        if (!open_kernel(&tree, p, NULL, &kernel, &n, error))
            return false;
        states[order->variable[p]] = best_state(&kernel, n, &tree, states);
    }
    *ret_log_weight = tree.log_weight;
    *ret_states = g_steal_pointer(&states);
    return true;
}
