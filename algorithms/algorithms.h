/* SPDX-License-Identifier: Apache-2.0 */
/* The built-in algorithms, one file each. */
#ifndef GASKET_ALGORITHMS_H
#define GASKET_ALGORITHMS_H

#include <gasket/algorithm.h>

extern const GasketAlgorithm gasket_pagerank;
extern const GasketAlgorithm gasket_components;
extern const GasketAlgorithm gasket_sssp;
extern const GasketAlgorithm gasket_bfs;
extern const GasketAlgorithm gasket_colouring;
extern const GasketAlgorithm gasket_bp;
extern const GasketAlgorithm gasket_gibbs;
extern const GasketAlgorithm gasket_icm;
extern const GasketAlgorithm gasket_mean_field;
extern const GasketAlgorithm gasket_mplp;
extern const GasketAlgorithm gasket_als;
extern const GasketAlgorithm gasket_tensor_als;
extern const GasketAlgorithm gasket_sgd;
extern const GasketAlgorithm gasket_svdpp;
extern const GasketAlgorithm gasket_time_svdpp;
extern const GasketAlgorithm gasket_nmf;
extern const GasketAlgorithm gasket_bpmf;
extern const GasketAlgorithm gasket_fm;
extern const GasketAlgorithm gasket_ials;
extern const GasketAlgorithm gasket_ccdpp;
extern const GasketAlgorithm gasket_svd;
extern const GasketAlgorithm gasket_bpr;
extern const GasketAlgorithm gasket_logistic_mf;
extern const GasketAlgorithm gasket_itemknn;
extern const GasketAlgorithm gasket_userknn;
extern const GasketAlgorithm gasket_exact;
extern const GasketAlgorithm gasket_labelling;
extern const GasketAlgorithm gasket_ldpc;
extern const GasketAlgorithm gasket_em;
extern const GasketAlgorithm gasket_coem;
extern const GasketAlgorithm gasket_gabp;
extern const GasketAlgorithm gasket_jacobi;

#endif
