/* SPDX-License-Identifier: Apache-2.0 */
/* What writing and reading a model as a folder share: its files, their names and heads. */
#ifndef GASKET_LOADERS_FACTOR_MODEL_FILES_H
#define GASKET_LOADERS_FACTOR_MODEL_FILES_H

#include "loaders/factor_model.h"

/* Files: three of each side, then three that tell of rows twice, which a model need not have. */
#define GASKET_MODEL_FILES      12
#define GASKET_MODEL_SEEN       6
#define GASKET_MODEL_NEIGHBOURS 9

extern const char *const gasket_model_files[GASKET_MODEL_FILES];

/* The name of file f; text: its ids are. */
char *gasket_model_file_name(unsigned f, bool text);

/* Whether a model has file f. */
bool gasket_model_has_file(const GasketFactorModel *model, unsigned f);

/* The head of a NumPy array of n rows (of `columns` elements; 0: none). */
GString *gasket_model_npy_head(const char *type, uint64_t n, uint32_t columns);

/* The end of a description: the hash of what stands before it. */
void gasket_model_append_hash(GString *out);

#endif
