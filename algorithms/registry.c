/* SPDX-License-Identifier: Apache-2.0 */
/* The built-in algorithms: a line here, and one in algorithms.h, makes one a command. */
#include "registry.h"

#include <string.h>

#include "algorithms.h"

static const GasketAlgorithm *const algorithms[] = {
    &gasket_pagerank,
    &gasket_components,
    &gasket_sssp,
    &gasket_bfs,
    &gasket_colouring,
    /* graphical models */
    &gasket_bp,
    &gasket_gibbs,
    &gasket_icm,
    &gasket_mean_field,
    &gasket_mplp,
    &gasket_exact,
    &gasket_labelling,
    &gasket_ldpc,
    &gasket_em,
    /* systems of equations */
    &gasket_gabp,
    &gasket_jacobi,
    /* types from seeds */
    &gasket_coem,
    /* ratings */
    &gasket_als,
    &gasket_sgd,
    &gasket_svdpp,
    &gasket_time_svdpp,
    &gasket_nmf,
    &gasket_bpmf,
    &gasket_fm,
    &gasket_ials,
    &gasket_tensor_als,
    &gasket_ccdpp,
    &gasket_svd,
    &gasket_bpr,
    &gasket_logistic_mf,
    &gasket_itemknn,
    &gasket_userknn,
    NULL,
};

const GasketAlgorithm *const *
gasket_algorithms(void)
{
    return algorithms;
}

const GasketAlgorithm *
gasket_algorithm_find(const char *name)
{
    for (const GasketAlgorithm *const *algorithm = algorithms; *algorithm != NULL; algorithm++)
        if (strcmp((*algorithm)->name, name) == 0)
            return *algorithm;
    return NULL;
}
