/* SPDX-License-Identifier: Apache-2.0 */
/* What the formats of models and the loader know of one another. */
#ifndef GASKET_LOADERS_MODEL_FORMAT_H
#define GASKET_LOADERS_MODEL_FORMAT_H

#include "loaders/model.h"
#include "loaders/tokens.h"

/* ORDER gasket_model_formats */
typedef struct {
    const char *name;
    const char *extensions; /* separated by blanks */
    char comment;           /* '\0': none */
    bool (*load)(GasketTokens *tokens, GasketFactorGraph *model, const GasketModelOptions *options,
                 GError **error);
    /* Instead of load, for what is read by its path alone. */
    bool (*load_path)(GasketFactorGraph *model, const char *path, uint64_t max_states,
                      GError **error);
} GasketModelFormat;

extern const GasketModelFormat gasket_model_uai, gasket_model_fg, gasket_model_bif,
    gasket_model_alist, gasket_model_image, gasket_model_priors, gasket_model_sqlite;

#define GASKET_MODEL_MAX_STATES (UINT64_C(1) << 28)

static inline uint64_t
gasket_model_max_states(const GasketModelOptions *options)
{
    return options->max_states > 0 ? options->max_states : GASKET_MODEL_MAX_STATES;
}

/* The model's error about a factor or variable, at a token's place in the file. */
void gasket_model_error_at(GError **error, const GasketTokens *tokens, const GasketToken *token);

#endif
