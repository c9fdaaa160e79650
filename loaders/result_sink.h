/* SPDX-License-Identifier: Apache-2.0 */
/* What stands behind a result writer: one sink for each family of formats. */
#ifndef GASKET_LOADERS_RESULT_SINK_H
#define GASKET_LOADERS_RESULT_SINK_H

#include "loaders/result_row.h"
#include "loaders/result_writer.h"

typedef struct GasketResultSink GasketResultSink;

struct GasketResultSink {
    bool (*write)(GasketResultSink *sink, const GasketResultBlock *block, GError **error);
    bool (*finish)(GasketResultSink *sink, GError **error);
    void (*free)(GasketResultSink *sink);
    void (*set_metrics)(GasketResultSink *sink, const GasketReport *report); /* may be NULL */
};

/* options: table and id_name are set. columns live as long as the sink. */
GasketResultSink *gasket_result_text_new(GasketRowStyle style, const char *path,
                                         const GasketResultColumn *columns, unsigned n_columns,
                                         const GasketResultOptions *options, GError **error);
GasketResultSink *gasket_result_npy_new(const char *path, const GasketResultColumn *columns,
                                        unsigned n_columns, const GasketResultOptions *options,
                                        GError **error);
GasketResultSink *gasket_result_sqlite_new(const char *path, const GasketResultColumn *columns,
                                           unsigned n_columns, const GasketResultOptions *options,
                                           GError **error);

/* The column that the ending of a UAI result asks for. Error: ARGUMENT if there is none. */
bool gasket_result_uai_column(const char *path, const GasketResultColumn *columns,
                              unsigned n_columns, unsigned *ret_column, GError **error);

/* Error: ARGUMENT if the columns are not those that the path's ending wants. */
GasketResultSink *gasket_result_uai_new(const char *path, const GasketResultColumn *columns,
                                        unsigned n_columns, GError **error);

#endif
