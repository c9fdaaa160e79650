/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading graphical models: bytes of any known format -> a factor graph, and evidence into it.
 *
 *   GasketModelOptions options = {.path = "grid.uai", .evidence = "grid.uai.evid"};
 *   g_autoptr(GasketFactorGraph) model = gasket_model_load(&options, NULL, &error);
 *
 * The formats, by name (`format`), and how they are recognised when none is given:
 *
 *   uai      UAI models; they begin with MARKOV or BAYES
 *   fg       libDAI factor graphs; extension .fg
 *   bif      Bayesian networks as bnlearn's repository writes them; extension .bif. Variables keep
 *            their names
 *   alist    LDPC parity checks (MacKay): a variable for each column, for each row a factor that is
 *            1 where its bits have an even sum; extension .alist
 *   image    PGM or PPM: a variable for each pixel, row by row, which draws it to the image's grey
 *            value and to its neighbours; extensions .pgm, .ppm
 *   priors   `id p1 ... pk` lines, with the file `edges` of `source target [weight]` lines:
 *            neighbours agree as those of an image do; extension .priors, or edges given
 *   sqlite   a pairwise model in the tables variables and edges; `SQLite format 3`. Read from a
 *            plain file alone
 *
 * gzip and zstd are undone on the way. Evidence is a UAI evidence file in any of its three
 * dialects (evidence.h).
 *
 * A table of more than 2^28 entries, and more than 2^28 states of all variables together, are
 * refused: a few bytes of some formats can announce them.
 */
#ifndef GASKET_LOADERS_MODEL_H
#define GASKET_LOADERS_MODEL_H

#include <gasket/factor_graph.h>

#include "loaders/load.h"

typedef struct {
    const char *path;     /* "-" is stdin */
    const char *format;   /* a name above; NULL: by content and extension */
    const char *evidence; /* path; NULL: nothing is observed */
    const char *edges;    /* path: neighbours among the variables of a file of priors; NULL: none */
    /* Of an image: grey values to tell apart, the standard deviation of its noise as a share of the
     * whole range, and how strongly neighbours agree (Potts: exp(smoothing) where they do). */
    uint32_t levels;         /* 0: 2, and the other two 0.25 and 1, whatever they say */
    double noise, smoothing; /* above 0; 0 to 500, of priors with edges too */
    /* Names of states, filled by formats that have them (bif): the variable's name -> its states, a
     * NULL-terminated char **; made with g_free and g_strfreev. NULL: not wanted. */
    GHashTable *state_names;
    uint64_t max_states; /* of all variables together, and entries of a table; 0: 2^28 */
} GasketModelOptions;

/* ret_info may be NULL; clear it with gasket_load_info_clear. Errors: INPUT, FORMAT (FILE:LINE),
 * ARGUMENT, MEMORY. */
GasketFactorGraph *gasket_model_load(const GasketModelOptions *options, GasketLoadInfo *ret_info,
                                     GError **error);

/* The same from memory, for options->path as the name. */
GasketFactorGraph *gasket_model_load_memory(const void *data, size_t size,
                                            const GasketModelOptions *options, GError **error);

/* NULL-terminated names of the formats. */
const char *const *gasket_model_formats(void);

/* Whether a file is a model: by its format's name if not NULL, else by extension or first word; a
 * database, whose name graphs have too, by its tables. What cannot be read is none. */
bool gasket_model_recognised(const char *path, const char *format);

#endif
