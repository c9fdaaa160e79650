/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence: which variables of a model are observed in which state. See evidence.c. */
#ifndef GASKET_LOADERS_EVIDENCE_H
#define GASKET_LOADERS_EVIDENCE_H

#include <gasket/factor_graph.h>

/* Observes what a UAI evidence file of one of the three dialects says. Errors: INPUT, FORMAT. */
bool gasket_evidence_load(GasketFactorGraph *model, const char *path, GError **error);

/* The same from memory; name stands in messages. */
bool gasket_evidence_load_memory(GasketFactorGraph *model, const char *name, const void *data,
                                 size_t size, GError **error);

#endif
