/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Building a factor graph in memory: discrete variables, and factors that are tables over some of
 * them. The model is p(x) = 1/Z product over factors f of table_f(x of f's scope).
 *
 *   GasketFactorGraph *model = gasket_factor_graph_new();
 *   const uint32_t cardinality[] = {2, 3};
 *   const int64_t both[] = {0, 1}, first[] = {0};
 *   const double table[] = {1, 2, 3,                  x0 = 0: x1 = 0, 1, 2
 *                           4, 5, 6};                 x0 = 1
 *   const double prior[] = {0.2, 0.8};
 *   gasket_factor_graph_add_variables(model, 2, cardinality, &error);      ids 0 and 1
 *   gasket_factor_graph_add_factor(model, 2, both, 6, table, &error);
 *   gasket_factor_graph_add_factor(model, 1, first, 2, prior, &error);
 *   gasket_factor_graph_observe(model, 1, 2, &error);                      x1 = 2
 *   GasketGraph *graph = gasket_factor_graph_finish_take(&model, NULL, &error);
 *
 * The graph that comes out, which every inference algorithm reads:
 *
 *   kind 0 "variable"   ids as given, or names
 *      column 0  "cardinality"  INT32    states: 0 .. cardinality - 1
 *      column 1  "evidence"     INT32    the observed state, or -1
 *      column 2  "prior"        DOUBLE   varying, [cardinality]: product of all factors of this
 *                                        variable alone, scaled so that its largest element is 1;
 *                                        ones if there are none. Evidence is not multiplied in
 *      column 3  "scale"        DOUBLE   natural logarithm of what was scaled out of the prior:
 *                                        factors' product = exp(scale) * prior. -INFINITY, with a
 *                                        prior of zeros, if the product is zero everywhere
 *   kind 1 "factor"     ids: position among all factors as added, those of one variable counted;
 *                       they are folded into priors and have no vertex, so there are gaps. A
 *                       factor of no variables (a constant) is a vertex without edges
 *      column 0  "table"        DOUBLE   varying; the LAST variable of the scope varies fastest
 *   relation 0 "scope"  variable -> factor
 *      column 0  "position"     INT32    of the variable in the factor's scope
 *      column 1  "stride"       INT32    distance in the table between the variable's states
 *
 *   scope (a, b, c) of cardinalities 2, 3, 4:  table[12 a + 4 b + c]; strides 12, 4, 1
 *
 * A factor's in-row has its variables (ascending by number, not by position), a variable's out-row
 * its factors. Tables hold finite numbers of at least 0.
 */
#ifndef GASKET_FACTOR_GRAPH_H
#define GASKET_FACTOR_GRAPH_H

#include <gasket/error.h>
#include <gasket/graph.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ORDER gasket_factor_graph */
enum {
    GASKET_VARIABLE_CARDINALITY, /* columns of kind GASKET_KIND_VARIABLE */
    GASKET_VARIABLE_EVIDENCE,
    GASKET_VARIABLE_PRIOR,
    GASKET_VARIABLE_SCALE,

    GASKET_FACTOR_TABLE = 0, /* column of kind GASKET_KIND_FACTOR */

    GASKET_SCOPE_POSITION = 0, /* columns of the relation */
    GASKET_SCOPE_STRIDE,

    GASKET_KIND_VARIABLE = 0,
    GASKET_KIND_FACTOR = 1,
};

/* Most entries of one table: strides are 32-bit integers. */
#define GASKET_FACTOR_MAX_TABLE INT32_MAX

typedef struct GasketFactorGraph GasketFactorGraph;

/* Never NULL. Free with gasket_factor_graph_free or gasket_factor_graph_finish_take. */
GASKET_API GasketFactorGraph *gasket_factor_graph_new(void);
GASKET_API void gasket_factor_graph_free(GasketFactorGraph *model);

/* Adds n variables with the ids that follow the number of those there already: 0, 1, ... if all
 * are added so. Errors: MEMORY; ARGUMENT for a cardinality of 0 or above 2^31 - 1, or an id that is
 * taken. */
GASKET_API bool gasket_factor_graph_add_variables(GasketFactorGraph *model, size_t n,
                                                  const uint32_t *cardinalities, GError **error);

/* Adds one variable with an id of the caller's choice. Errors as above. */
GASKET_API bool gasket_factor_graph_add_variable(GasketFactorGraph *model, int64_t id,
                                                 uint32_t cardinality, GError **error);

/* Adds one variable with a name, under which it stands in results; its id, for everything here, is
 * the number of those there before. Names are for all variables or none. Errors as above, and for
 * a name that is taken. */
GASKET_API bool gasket_factor_graph_add_named(GasketFactorGraph *model, const char *name,
                                              uint32_t cardinality, GError **error);

/* The id of the variable with a name, or -1. */
GASKET_API int64_t gasket_factor_graph_find(const GasketFactorGraph *model, const char *name);

GASKET_API size_t gasket_factor_graph_n_variables(const GasketFactorGraph *model);
GASKET_API uint64_t gasket_factor_graph_n_factors(const GasketFactorGraph *model);

/* The cardinality of the variable with an id; 0 if there is none. */
GASKET_API uint32_t gasket_factor_graph_cardinality(const GasketFactorGraph *model, int64_t id);

/* Adds a factor over n variables by id; table: [n_table], the product of their cardinalities, the
 * last variable varying fastest; copied. Errors: MEMORY; ARGUMENT for an unknown variable or one
 * that stands twice in the scope, a table of another or too large a size, an element that is
 * negative, infinite or not a number. The model stays as it was. */
GASKET_API bool gasket_factor_graph_add_factor(GasketFactorGraph *model, size_t n,
                                               const int64_t *scope, size_t n_table,
                                               const double *table, GError **error);

/* Observes a variable in a state, instead of what was observed of it before; -1: not observed.
 * Errors: ARGUMENT for an unknown variable or a state that it does not have. */
GASKET_API bool gasket_factor_graph_observe(GasketFactorGraph *model, int64_t id, int32_t state,
                                            GError **error);

/* Turns the model into its graph and frees it, in failure too. rules may be NULL (order GIVEN);
 * its rules on parallel edges and self-loops have no meaning here. Errors as of
 * gasket_graph_builder_finish_take. O(size of all tables). */
GASKET_API GasketGraph *gasket_factor_graph_finish_take(GasketFactorGraph **model,
                                                        const GasketGraphRules *rules,
                                                        GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(GasketFactorGraph, gasket_factor_graph_free)

#ifdef __cplusplus
}
#endif

#endif
