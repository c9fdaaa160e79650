/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Factor graphs on top of the graph builder: see gasket/factor_graph.h for the shape.
 *
 * Priors grow in one array as factors of one variable are multiplied into them. All other factors
 * go to the builder in batches; the variables follow at the end, when their priors are known.
 *
 *   cardinality   2   3   2        [n_variables]
 *   prior_begin   0   2   5   7    [n_variables + 1]
 *   priors        . . . . . . .    [prior_begin[n_variables]]
 *
 * Invariants:
 *   1. Ids are 0, 1, ... in order of addition, or index_of has every id.
 *   2. The largest element of a prior is 1, or all are 0 and its scale is -INFINITY.
 *
 * Cost: 8 bytes a state and 32 a variable beside what the builder holds.
 */
#include "engine/factor_graph.h"

#include <math.h>
#include <string.h>

#include "engine/factor_table.h"
#include "engine/growing.h"

/* A batch is handed to the builder when it has this many factors or table elements. */
#define BATCH_FACTORS  1024
#define BATCH_ELEMENTS ((uint64_t)1 << 17)

struct GasketFactorGraph {
    GasketGraphBuilder *builder;
    size_t n_variables;
    GasketGrowing ids;         /* int64_t [n_variables] */
    GasketGrowing cardinality; /* int32_t [n_variables] */
    GasketGrowing evidence;    /* int32_t [n_variables] */
    GasketGrowing scale;       /* double [n_variables] */
    GasketGrowing prior_begin; /* uint64_t [n_variables + 1] */
    GasketGrowing priors;      /* double [prior_begin[n_variables]] */
    GasketGrowing stamp; /* uint64_t [n_variables] the last scope that named it, of n_checked */
    uint64_t n_checked;
    GHashTable *index_of; /* int64_t * in a key block -> index + 1; NULL: id == index */
    GPtrArray *names;     /* char * [n_variables]; NULL: none have one */
    GHashTable *by_name;  /* of those names -> index + 1 */
    uint64_t n_factors;

    /* The batch. */
    GasketGrowing factor_ids; /* int64_t */
    GasketGrowing tables;     /* double */
    GasketGrowing begin;      /* uint64_t [factors + 1] */
    GasketGrowing sources;    /* int64_t, an element for each edge, like those below */
    GasketGrowing targets;    /* int64_t */
    GasketGrowing position;   /* int32_t */
    GasketGrowing stride;     /* int32_t */
    GasketGrowing indices;    /* size_t: of the factor at hand */
};

/* ---- life ------------------------------------------------------------------------------------ */

GasketFactorGraph *
gasket_factor_graph_new(void)
{
    GasketFactorGraph *model = g_new0(GasketFactorGraph, 1);
    GasketGraphBuilder *b = model->builder = gasket_graph_builder_new();
    unsigned variable = gasket_graph_builder_add_kind(b, "variable");
    unsigned factor = gasket_graph_builder_add_kind(b, "factor");
    unsigned scope = gasket_graph_builder_add_relation(b, "scope", variable, factor, false);

    /* ORDER gasket_factor_graph */
    gasket_graph_builder_add_vertex_column(b, variable, "cardinality", GASKET_INT32, 1);
    gasket_graph_builder_add_vertex_column(b, variable, "evidence", GASKET_INT32, 1);
    gasket_graph_builder_add_vertex_column(b, variable, "prior", GASKET_DOUBLE, 0);
    gasket_graph_builder_add_vertex_column(b, variable, "scale", GASKET_DOUBLE, 1);
    gasket_graph_builder_add_vertex_column(b, factor, "table", GASKET_DOUBLE, 0);
    gasket_graph_builder_add_edge_column(b, scope, "position", GASKET_INT32, 1);
    gasket_graph_builder_add_edge_column(b, scope, "stride", GASKET_INT32, 1);
    return model;
}

void
gasket_factor_graph_free(GasketFactorGraph *model)
{
    if (model == NULL)
        return;
    GasketGrowing *arrays[] = {&model->ids,     &model->cardinality, &model->evidence,
                               &model->scale,   &model->priors,      &model->prior_begin,
                               &model->tables,  &model->factor_ids,  &model->begin,
                               &model->sources, &model->targets,     &model->position,
                               &model->stride,  &model->indices,     &model->stamp};
    for (size_t i = 0; i < G_N_ELEMENTS(arrays); i++)
        gasket_array_free(arrays[i]->data);
    if (model->index_of != NULL)
        g_hash_table_destroy(model->index_of);
    if (model->names != NULL) {
        g_hash_table_destroy(model->by_name);
        g_ptr_array_free(model->names, TRUE);
    }
    gasket_graph_builder_free(model->builder);
    g_free(model);
}

/* ---- variables ------------------------------------------------------------------------------- */

#define NO_INDEX SIZE_MAX

static size_t
index_of(const GasketFactorGraph *model, int64_t id)
{
    if (model->index_of == NULL)
        return (uint64_t)id < model->n_variables ? (size_t)id : NO_INDEX;
    size_t found = GPOINTER_TO_SIZE(g_hash_table_lookup(model->index_of, &id));
    return found > 0 ? found - 1 : NO_INDEX;
}

/* From now on ids are looked up. */
static void
index_ids(GasketFactorGraph *model)
{
    const int64_t *ids = model->ids.data;
    model->index_of = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    for (size_t i = 0; i < model->n_variables; i++)
        g_hash_table_insert(model->index_of, g_memdup2(&ids[i], sizeof *ids),
                            GSIZE_TO_POINTER(i + 1));
}

bool
gasket_factor_graph_add_variable(GasketFactorGraph *model, int64_t id, uint32_t cardinality,
                                 GError **error)
{
    if (cardinality == 0 || cardinality > INT32_MAX) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "found cardinality %u of variable %" G_GINT64_FORMAT
                    ", expected 1 to 2147483647",
                    cardinality, id);
        return false;
    }
    if (index_of(model, id) != NO_INDEX) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "found variable %" G_GINT64_FORMAT " twice, expected it once", id);
        return false;
    }
    int64_t *to_id = gasket_growing_extend(&model->ids, 1, sizeof *to_id, error);
    int32_t *to_card = to_id != NULL
                           ? gasket_growing_extend(&model->cardinality, 1, sizeof *to_card, error)
                           : NULL;
    int32_t *to_seen =
        to_card != NULL ? gasket_growing_extend(&model->evidence, 1, sizeof *to_seen, error) : NULL;
    double *to_scale =
        to_seen != NULL ? gasket_growing_extend(&model->scale, 1, sizeof *to_scale, error) : NULL;
    uint64_t *to_begin =
        to_scale != NULL ? gasket_growing_extend(&model->prior_begin, 2, sizeof *to_begin, error)
                         : NULL;
    uint64_t *stamp =
        to_begin != NULL ? gasket_growing_extend(&model->stamp, 1, sizeof *stamp, error) : NULL;
    double *prior = stamp != NULL
                        ? gasket_growing_extend(&model->priors, cardinality, sizeof *prior, error)
                        : NULL;
    if (prior == NULL)
        return false;

    if (model->index_of == NULL && (uint64_t)id != model->n_variables)
        index_ids(model);
    if (model->index_of != NULL)
        g_hash_table_insert(model->index_of, g_memdup2(&id, sizeof id),
                            GSIZE_TO_POINTER(model->n_variables + 1));
    *stamp = 0;
    *to_id = id;
    *to_card = (int32_t)cardinality;
    *to_seen = -1;
    *to_scale = 0;
    to_begin[0] = model->priors.n;
    to_begin[1] = model->priors.n + cardinality;
    for (uint32_t x = 0; x < cardinality; x++)
        prior[x] = 1;
    model->ids.n++, model->cardinality.n++, model->evidence.n++, model->scale.n++;
    model->prior_begin.n++, model->stamp.n++;
    model->priors.n += cardinality;
    model->n_variables++;
    return true;
}

bool
gasket_factor_graph_add_variables(GasketFactorGraph *model, size_t n, const uint32_t *cardinalities,
                                  GError **error)
{
    for (size_t i = 0; i < n; i++)
        if (!gasket_factor_graph_add_variable(model, (int64_t)model->n_variables, cardinalities[i],
                                              error))
            return false;
    return true;
}

bool
gasket_factor_graph_add_named(GasketFactorGraph *model, const char *name, uint32_t cardinality,
                              GError **error)
{
    if (model->names == NULL) {
        g_assert(model->n_variables == 0);
        model->names = g_ptr_array_new_with_free_func(g_free);
        model->by_name = g_hash_table_new(g_str_hash, g_str_equal);
    }
    if (gasket_factor_graph_find(model, name) >= 0) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "found variable \"%s\" twice, expected it once", name);
        return false;
    }
    if (!gasket_factor_graph_add_variable(model, (int64_t)model->n_variables, cardinality, error))
        return false;
    char *copy = g_strdup(name);
    g_ptr_array_add(model->names, copy);
    g_hash_table_insert(model->by_name, copy, GSIZE_TO_POINTER(model->n_variables));
    return true;
}

int64_t
gasket_factor_graph_find(const GasketFactorGraph *model, const char *name)
{
    return model->names == NULL
               ? -1
               : (int64_t)GPOINTER_TO_SIZE(g_hash_table_lookup(model->by_name, name)) - 1;
}

size_t
gasket_factor_graph_n_variables(const GasketFactorGraph *model)
{
    return model->n_variables;
}

uint64_t
gasket_factor_graph_n_factors(const GasketFactorGraph *model)
{
    return model->n_factors;
}

uint32_t
gasket_factor_graph_cardinality(const GasketFactorGraph *model, int64_t id)
{
    size_t i = index_of(model, id);
    return i != NO_INDEX ? (uint32_t)((const int32_t *)model->cardinality.data)[i] : 0;
}

bool
gasket_factor_graph_observe(GasketFactorGraph *model, int64_t id, int32_t state, GError **error)
{
    size_t i = index_of(model, id);
    if (i == NO_INDEX) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "found an observation of variable %" G_GINT64_FORMAT
                    ", expected a variable of the model",
                    id);
        return false;
    }
    int32_t cardinality = ((const int32_t *)model->cardinality.data)[i];
    if (state < -1 || state >= cardinality) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "found state %d of variable %" G_GINT64_FORMAT ", expected 0 to %d", state, id,
                    cardinality - 1);
        return false;
    }
    ((int32_t *)model->evidence.data)[i] = state;
    return true;
}

/* ---- factors --------------------------------------------------------------------------------- */

/* Indices of the scope's variables and the entries that its table must have. */
static bool
check_scope(GasketFactorGraph *model, size_t n, const int64_t *scope, size_t n_table,
            GError **error)
{
    model->indices.n = 0;
    size_t *indices = gasket_growing_extend(&model->indices, n, sizeof *indices, error);
    if (indices == NULL)
        return false;
    uint64_t entries = 1;
    model->n_checked++;
    for (size_t i = 0; i < n; i++) {
        indices[i] = index_of(model, scope[i]);
        if (indices[i] == NO_INDEX) {
            g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                        "found variable %" G_GINT64_FORMAT
                        " in a scope, expected a variable of the model",
                        scope[i]);
            return false;
        }
        uint64_t *stamp = (uint64_t *)model->stamp.data + indices[i];
        if (*stamp == model->n_checked) {
            g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                        "found variable %" G_GINT64_FORMAT " twice in a scope, expected it once",
                        scope[i]);
            return false;
        }
        *stamp = model->n_checked;
        entries *= (uint64_t)((const int32_t *)model->cardinality.data)[indices[i]];
        if (entries > GASKET_FACTOR_MAX_TABLE) {
            g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                        "found a scope whose table has more than %d entries, expected at most as "
                        "many",
                        GASKET_FACTOR_MAX_TABLE);
            return false;
        }
    }
    if (entries != n_table) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "found a table of %zu entries, expected %" G_GUINT64_FORMAT
                    ", the product of the scope's cardinalities",
                    n_table, entries);
        return false;
    }
    return true;
}

static void
multiply_prior(GasketFactorGraph *model, size_t i, const double *table)
{
    double *prior = (double *)model->priors.data + ((const uint64_t *)model->prior_begin.data)[i];
    double *scale = (double *)model->scale.data + i;
    int32_t n = ((const int32_t *)model->cardinality.data)[i];
    double largest = 0;

    /* The table's own scale first: a product of two small numbers must not vanish. */
    for (int32_t x = 0; x < n; x++)
        largest = fmax(largest, table[x]);
    for (int32_t x = 0; x < n; x++)
        prior[x] *= largest > 0 ? table[x] / largest : 0;
    if (largest > 0)
        *scale += log(largest);
    gasket_factor_table_rescale(prior, n, scale);
}

/* The batch's edges where variables have names. */
static bool
add_named_edges(GasketFactorGraph *model, const void *const *columns, GError **error)
{
    const int64_t *source = model->sources.data, *target = model->targets.data;
    uint64_t n = model->sources.n;
    g_autofree const char **names = g_new(const char *, n);
    g_auto(GStrv) factors = g_new0(char *, n + 1);

    for (uint64_t e = 0; e < n; e++) {
        names[e] = g_ptr_array_index(model->names, source[e]);
        factors[e] = g_strdup_printf("%" G_GINT64_FORMAT, target[e]);
    }
    return gasket_graph_builder_add_edges_text(model->builder, 0, n, names,
                                               (const char *const *)factors, columns, error);
}

static bool
add_edges(GasketFactorGraph *model, GError **error)
{
    const void *columns[] = {model->position.data, model->stride.data};

    if (model->sources.n == 0)
        return true;
    if (model->names != NULL)
        return add_named_edges(model, columns, error);
    return gasket_graph_builder_add_edges(model->builder, 0, model->sources.n, model->sources.data,
                                          model->targets.data, columns, error);
}

static bool
flush_batch(GasketFactorGraph *model, GError **error)
{
    uint64_t n = model->factor_ids.n;
    if (n == 0)
        return true;
    const GasketVarying tables = {model->tables.data, model->begin.data};
    const void *vertex_columns[] = {&tables};

    if (!gasket_graph_builder_add_vertices(model->builder, GASKET_KIND_FACTOR, n,
                                           model->factor_ids.data, vertex_columns, error) ||
        !add_edges(model, error))
        return false;
    model->factor_ids.n = model->tables.n = model->begin.n = 0;
    model->sources.n = model->targets.n = model->position.n = model->stride.n = 0;
    return true;
}

/* Adds the factor behind the others of the batch. */
static bool
add_to_batch(GasketFactorGraph *model, size_t n, const int64_t *scope, size_t n_table,
             const double *table, GError **error)
{
    int64_t *id = gasket_growing_extend(&model->factor_ids, 1, sizeof *id, error);
    double *elements =
        id != NULL ? gasket_growing_extend(&model->tables, n_table, sizeof *elements, error) : NULL;
    uint64_t *begin =
        elements != NULL ? gasket_growing_extend(&model->begin, 2, sizeof *begin, error) : NULL;
    int64_t *source =
        begin != NULL ? gasket_growing_extend(&model->sources, n, sizeof *source, error) : NULL;
    int64_t *target =
        source != NULL ? gasket_growing_extend(&model->targets, n, sizeof *target, error) : NULL;
    int32_t *position =
        target != NULL ? gasket_growing_extend(&model->position, n, sizeof *position, error) : NULL;
    int32_t *stride =
        position != NULL ? gasket_growing_extend(&model->stride, n, sizeof *stride, error) : NULL;
    if (stride == NULL)
        return false;

    const size_t *indices = model->indices.data;
    int32_t distance = 1;
    for (size_t i = n; i-- > 0;) {
        source[i] = scope[i];
        target[i] = (int64_t)model->n_factors;
        position[i] = (int32_t)i;
        stride[i] = distance;
        distance *= ((const int32_t *)model->cardinality.data)[indices[i]];
    }
    *id = (int64_t)model->n_factors;
    memcpy(elements, table, n_table * sizeof *table);
    begin[0] = model->tables.n;
    begin[1] = model->tables.n + n_table;
    model->factor_ids.n++, model->begin.n++;
    model->tables.n += n_table;
    model->sources.n += n, model->targets.n += n, model->position.n += n, model->stride.n += n;
    return true;
}

bool
gasket_factor_graph_add_factor(GasketFactorGraph *model, size_t n, const int64_t *scope,
                               size_t n_table, const double *table, GError **error)
{
    if (!check_scope(model, n, scope, n_table, error) ||
        !gasket_factor_table_check(n_table, table, error))
        return false;
    if (n == 1)
        multiply_prior(model, *(const size_t *)model->indices.data, table);
    else if ((model->factor_ids.n >= BATCH_FACTORS || model->tables.n >= BATCH_ELEMENTS) &&
             !flush_batch(model, error))
        return false;
    else if (!add_to_batch(model, n, scope, n_table, table, error))
        return false;
    model->n_factors++;
    return true;
}

/* ---- finishing ------------------------------------------------------------------------------- */

static bool
add_variables(GasketFactorGraph *model, GError **error)
{
    const GasketVarying priors = {model->priors.data, model->prior_begin.data};
    /* ORDER gasket_factor_graph */
    const void *columns[] = {model->cardinality.data, model->evidence.data, &priors,
                             model->scale.data};

    if (model->names != NULL)
        return gasket_graph_builder_add_vertices_text(model->builder, GASKET_KIND_VARIABLE,
                                                      model->n_variables,
                                                      (const char *const *)model->names->pdata,
                                                      columns, error);
    return model->n_variables == 0 ||
           gasket_graph_builder_add_vertices(model->builder, GASKET_KIND_VARIABLE,
                                             model->n_variables, model->ids.data, columns, error);
}

GasketGraph *
gasket_factor_graph_finish_rows_take(GasketFactorGraph **model_take, const GasketGraphRules *rules,
                                     const GasketWantedRows *wanted, GError **error)
{
    g_autoptr(GasketFactorGraph) model = g_steal_pointer(model_take);
    GasketGraphRules own = {.order = GASKET_ORDER_GIVEN};

    if (rules != NULL)
        own = (GasketGraphRules){.order = rules->order, .threads = rules->threads};
    if (!flush_batch(model, error) || !add_variables(model, error))
        return NULL;
    GasketGraphBuilder *builder = g_steal_pointer(&model->builder);
    return gasket_graph_builder_finish_rows_take(&builder, &own, wanted, error);
}

GasketGraph *
gasket_factor_graph_finish_take(GasketFactorGraph **model, const GasketGraphRules *rules,
                                GError **error)
{
    return gasket_factor_graph_finish_rows_take(model, rules, &(GasketWantedRows){.in = true},
                                                error);
}
