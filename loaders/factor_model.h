/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trained models of ratings on the disk: a folder.
 *
 *   model.json           what it is, one "name": value a line, with size and xxHash64 of each file;
 *                        the last line is the hash of those before
 *   user.factors.npy     float32 (users, k)       item.factors.npy
 *   user.bias.npy        float32 (users,)         item.bias.npy
 *   user.ids.npy         int64 (users,), or user.ids.txt, one a line      item.ids...
 *   seen.begin.npy       int64 (users + 1,): user u was trained on the items
 *   seen.items.npy       uint32: rows seen.items[seen.begin[u]] .. of the items, ascending
 *
 *   score of (u, i) = mean + bias[u] + bias[i] + factors[u] . factors[i]
 *
 * A model of neighbours has no factors, but
 *
 *   seen.ratings.npy            float32: what the user said of each of seen.items
 *   neighbours.begin.npy        int64 (items + 1,), or users
 *   neighbours.rows.npy         uint32: the neighbours of each, rows of the same kind
 *   neighbours.similarity.npy   float32
 *
 * Writing: everything goes into a new folder beside the path, which gets its name when all of it is
 * on the disk. A model that stood there is replaced; anything else is refused.
 *
 * Reading: every byte is covered by a checksum or is compared with what must stand there, so that
 * any truncation and any flipped bit is a FORMAT error that names the file.
 */
#ifndef GASKET_LOADERS_FACTOR_MODEL_H
#define GASKET_LOADERS_FACTOR_MODEL_H

#include <gasket/recommend.h>

#include "engine/job.h"

#define GASKET_FACTOR_MODEL_VERSION    2
#define GASKET_NEIGHBOUR_MODEL_VERSION 3

/* What each user was trained on: rows of items, ascending, and ratings. Or the neighbours of each
 * item or user, the most similar first, and similarities. */
typedef struct {
    uint32_t n;      /* users, or items */
    uint64_t *begin; /* [n + 1]; NULL: not known */
    uint32_t *item;  /* [begin[n]] */
    float *value;    /* [begin[n]]; NAN where only validated with; NULL: not known */
} GasketModelRows;

typedef struct {
    uint32_t n;
    GasketIds ids;  /* ascending */
    float *factors; /* [n][rank] */
    float *bias;    /* [n] */
} GasketFactorSide;

struct GasketFactorModel {
    char *algorithm;
    bool scores; /* ranks only: no ratings are predicted */
    uint32_t rank;
    double mean, low, high;
    GHashTable *options;      /* name -> value as text: what it was trained with */
    GasketFactorSide side[2]; /* users, items */
    GasketModelRows seen;
    unsigned own; /* kind that has neighbours, in a model of those; it has no factors then */
    GasketModelRows neighbours;
    GasketReport report; /* metrics of the run that trained it */
};

/* An empty model of k factors. */
GasketFactorModel *gasket_factor_model_new(const char *algorithm, uint32_t rank);

/* Appends rows of a result: columns "factors" and "bias" of a kind; of a model of neighbours, whose
 * own kind is set, "neighbour", "similarity" and "bias", or "bias". Error: MEMORY. */
bool gasket_factor_model_add(GasketFactorModel *model, const GasketResultBlock *block,
                             GError **error);

/* An empty model for what a method leaves, given its result columns as the parameters make them. */
GasketFactorModel *gasket_factor_model_of(const GasketAlgorithm *method,
                                          const GasketResultColumn *results,
                                          const void *parameters);

/* Keeps what the algorithm's options were. */
void gasket_factor_model_set_options(GasketFactorModel *model, const GasketOption *options,
                                     const void *parameters);

/* A number among the options, or otherwise if there is none of that name. */
double gasket_factor_model_option(const GasketFactorModel *model, const char *name,
                                  double otherwise);

/* What users are trained on in a graph of ratings (relations 0 and 2), whose out-rows stand, with
 * ratings if asked; and the way of it from a process to another, through a file at its start.
 * Errors: MEMORY, IO. */
bool gasket_seen_from_graph(const GasketGraph *graph, bool ratings, GasketModelRows *ret_seen,
                            GError **error);
bool gasket_seen_store(const GasketModelRows *seen, int fd, GError **error);
bool gasket_seen_fetch(int fd, GasketModelRows *ret_seen, GError **error);
void gasket_seen_clear(GasketModelRows *seen);

/* Takes a run's metrics, and among them mean, low and high; 0 where there are none. */
void gasket_factor_model_set_metrics(GasketFactorModel *model, const GasketReport *report);

/* Whether a model could be written to path. Errors: IO; ARGUMENT where something else stands. */
bool gasket_factor_model_check(const char *path, GError **error);

/* The row of an id of a kind, or GASKET_NO_VERTEX. O(log n). */
uint32_t gasket_factor_model_find(const GasketFactorModel *model, unsigned kind,
                                  const GasketIds *ids, uint32_t x);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(GasketModelRows, gasket_seen_clear)

#endif
