/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Algorithms: a driver with its options, what it needs of the graph, its result and its verifier.
 *
 * A shared object that exports
 *
 *   const GasketAlgorithm *gasket_algorithm(void);
 *
 * is a command: `gasket run ./mine.so graph.txt --set alpha=0.3` gives it loading, partitioning,
 * workers, output and report like those built in. gasket_algorithm_run does the same from C.
 *
 *   typedef struct { int64_t rounds; double alpha; } Parameters;
 *
 *   static const GasketOption options[] = {
 *       {"alpha", GASKET_OPTION_DOUBLE, offsetof(Parameters, alpha), "0.5",
 *        "weight of the neighbours, in [0, 1]", .minimum = 0, .maximum = 1},
 *       {NULL},
 *   };
 */
#ifndef GASKET_ALGORITHM_H
#define GASKET_ALGORITHM_H

#include <gasket/error.h>
#include <gasket/graph.h>
#include <gasket/run.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Changes whenever a struct below does; a shared object with another one is refused. */
#define GASKET_ABI 4

typedef enum {
    GASKET_OPTION_BOOL,     /* bool; a flag without a value on the command line */
    GASKET_OPTION_INT,      /* int64_t */
    GASKET_OPTION_DOUBLE,   /* double */
    GASKET_OPTION_STRING,   /* const char *; NULL if not given and without a default */
    GASKET_OPTION_CHOICE,   /* int: index into choices */
    GASKET_OPTION_COLUMN,   /* const char *: a file `id [number]` that becomes the vertex column
                             (double, 0 where the file does not name a vertex, 1 where it gives no
                             number) of the option's name in the first kind */
    GASKET_OPTION_FEATURES, /* const char *: a file of what is known of users (the first such
                               option) or items (the second), of methods on ratings */
} GasketOptionType;

/* One option of an algorithm: the one source of --help, of the documentation and of the parameter
 * struct's defaults. An array of them ends with a NULL name. */
typedef struct {
    const char *name; /* long name, as in --damping; '-' separates words */
    GasketOptionType type;
    size_t offset;             /* of the field in the parameters */
    const char *default_value; /* as it would be typed; NULL: unset (string, column) */
    const char *help;
    double minimum, maximum;    /* of numbers; both 0: unbounded */
    const char *const *choices; /* NULL-terminated, for CHOICE */
    bool required;
    const char *value_name; /* what --help calls the value: ID, FILE; NULL: by type */
} GasketOption;

/* What an algorithm is run on: decides which formats its inputs have and which options describe
 * them. */
typedef enum {
    GASKET_INPUT_GRAPH,   /* one kind of vertices, one relation */
    GASKET_INPUT_RATINGS, /* kinds 0 user and 1 item; relations 0 "train" and 1 "test" (perhaps
                             empty) from users to items, with the column "rating" (float) and, if
                             asked for and there, "time" (double) */
    GASKET_INPUT_FACTORS, /* a graphical model: factor_graph.h */
} GasketInputFamily;

/* What an algorithm reads of the relation with the same index. */
typedef struct {
    bool in_rows, out_rows; /* rows to keep: 4 bytes an entry each, plus columns */
    bool degrees;           /* context->in_degree, out_degree */
    bool strengths;         /* context->out_strength */
    bool symmetric;         /* the relation must be symmetric: a loader reads a directed
                                       graph as an undirected one. From C, build it so: a directed
                                       relation is an ARGUMENT error */
    bool weights;           /* keep the weight column (double) if the input has one */
    bool weights_if_asked;  /* ... only if the user says --weighted */
    bool require_weights;   /* without one every weight is 1 */
    bool nonnegative;       /* a negative weight is a FORMAT error that names its line */
    bool times;             /* ratings: keep the column "time" if the input has one */
    bool counts;            /* ratings: several of a pair are added up if not told otherwise */
} GasketNeeds;

/* What a method on ratings leaves as its result, and so what can be done with it afterwards. */
typedef enum {
    GASKET_RECOMMENDS_NOTHING,
    /* Of each kind the columns "factors" (float, k of them) and "bias" (float), and the metric
     * "mean": the prediction is mean + bias of the user + bias of the item + p . q. */
    GASKET_RECOMMENDS_FACTORS,
    /* The same numbers, but a score that ranks and is no rating. */
    GASKET_RECOMMENDS_SCORES,
    /* Of one kind varying columns "neighbour" (uint32 ordinals of the same kind) and "similarity"
     * (float), of both "bias", and the metric "mean": kind 0 by users, kind 1 by items. */
    GASKET_RECOMMENDS_NEIGHBOURS,
} GasketRecommends;

/* One column of the result: a field of the state of the kind's vertices, or (varying) what the
 * driver fills through gasket_run_set_result: elements that differ in number from vertex to vertex,
 * such as probabilities of a variable's states. */
typedef struct {
    const char *name;
    unsigned kind;
    GasketType type;
    size_t offset; /* of the field in the state */
    size_t length; /* elements; 0 means 1; names are then name_0, name_1, ... */
    bool rank;     /* the summary on stdout lists the vertices with the largest values */
    bool varying;  /* offset, length and rank have no meaning; no GASKET_VERTEX */
} GasketResultColumn;

typedef struct {
    unsigned abi;            /* GASKET_ABI */
    const char *name;        /* the command */
    const char *summary;     /* one line */
    const char *description; /* paragraphs and examples for --help and the docs */

    GasketInputFamily input;
    GasketRecommends recommends; /* of methods on ratings */
    const GasketOption *options; /* NULL if none */
    size_t parameters_size;      /* of the struct that options fill */

    const GasketNeeds *needs; /* [n_needs] by relation; NULL: in-rows of relation 0 */
    unsigned n_needs;
    const GasketResultColumn *results; /* [n_results] */
    unsigned n_results;
    uint32_t default_iterations; /* for --iterations; 0: no bound */
    double default_tolerance;    /* for --tolerance; 0: none */

    /* Adjusts what depends on parameters (a need, a result's type) in copies; may be NULL. */
    bool (*prepare)(const void *parameters, double tolerance, GasketNeeds *needs,
                    GasketResultColumn *results, GError **error);

    /* [all] The driver. Leaves the result in the state. */
    bool (*run)(GasketRun *run, const void *parameters, GError **error);

    /* [all] Reaches or checks the answer by another road, after run. false without an error: the
     * answer is wrong; ret_message says in one line what was checked or what was found; free it
     * with g_free. NULL if there is none. */
    bool (*verify)(GasketRun *run, const void *parameters, char **ret_message, GError **error);

    /* Bit 1 << GasketEngine of each engine beside SYNC that the driver is right with: its answer
     * does not depend on which values of a step's start a gather still sees. Others are refused. */
    unsigned engines;

    /* The driver has one loop, and keeps what it needs beyond the run's data (gasket_run_keep): it
     * can go on from a snapshot. Others take none. */
    bool resumable;

    /* With the async engine: the least consistency that it is right with, which is also what it
     * runs with if not told otherwise (AUTO: VERTEX), and how it is scheduled (AUTO: FIFO). */
    GasketConsistency consistency;
    GasketScheduler scheduler;

    /* With several workers and --staleness S, a step's gather may read ghosts of up to S steps
     * before, and totals are those of S steps before: the loop still ends where it would, and with
     * an answer as good, because its last steps are made without staleness. */
    bool stale;
} GasketAlgorithm;

/* Needs and results of an algorithm, in its initialiser: GASKET_NEEDS({.in_rows = true}), */
#define GASKET_NEEDS(...)                                                                          \
    .needs = (const GasketNeeds[]){__VA_ARGS__},                                                   \
    .n_needs = sizeof((const GasketNeeds[]){__VA_ARGS__}) / sizeof(GasketNeeds)
#define GASKET_RESULTS(...)                                                                        \
    .results = (const GasketResultColumn[]){__VA_ARGS__},                                          \
    .n_results = sizeof((const GasketResultColumn[]){__VA_ARGS__}) / sizeof(GasketResultColumn)

/* The built-in algorithm of a name, or NULL. */
GASKET_API const GasketAlgorithm *gasket_algorithm_find(const char *name);

/* --tolerance as given, or the algorithm's default. */
GASKET_API double gasket_run_tolerance(const GasketRun *run);

/* ---- running an algorithm from C ------------------------------------------------------------- */

typedef struct {
    unsigned workers; /* as threads of this process that talk as processes do; 0: 1 */
    unsigned threads; /* compute threads of each worker; 0: 1 */
    uint64_t seed;
    uint32_t iterations;           /* 0: the algorithm's default */
    double tolerance;              /* NAN or 0: the algorithm's default */
    const uint32_t *const *part;   /* [n_kinds][n_vertices] owner of each vertex by number; NULL: by
                                    ranges of about equal work */
    GasketEngine engine;           /* as --engine */
    GasketScheduler scheduler;     /* as --scheduler */
    GasketConsistency consistency; /* as --consistency */
    unsigned staleness;            /* as --staleness */
    double max_seconds;            /* as --max-seconds; 0: no bound */
    uint64_t max_updates;          /* as --max-updates; 0: no bound */
    uint32_t segment; /* values to a segment: 0 lets the engine choose, UINT32_MAX keeps
                                   rows whole (for tests and measurements) */

    const char *snapshot_folder; /* as --snapshot; NULL: none are taken */
    uint64_t snapshot_every;     /* iterations from one to the next */
    const char *resume;          /* as --resume: a folder of snapshots; NULL: from the start */
} GasketRunOptions;

typedef struct GasketResult GasketResult;

/* Runs an algorithm on a graph, which is used up. parameters: the struct that the options
 * describe, or NULL for the defaults. NULL and error on failure. */
GASKET_API GasketResult *gasket_algorithm_run(const GasketAlgorithm *algorithm,
                                              GasketGraph **graph_take, const void *parameters,
                                              const GasketRunOptions *options, GError **error);
GASKET_API void gasket_result_free(GasketResult *result);

/* Rows of the result for a kind, and column c's elements [n * length], ascending by original id. */
GASKET_API uint32_t gasket_result_n(const GasketResult *result, unsigned kind);
GASKET_API const void *gasket_result_column(const GasketResult *result, unsigned column);
/* Of a varying column: row i has the elements begin[i] .. begin[i + 1] - 1. [n + 1]; NULL where the
 * column is not varying. */
GASKET_API const uint64_t *gasket_result_begin(const GasketResult *result, unsigned column);
GASKET_API uint32_t gasket_result_iterations(const GasketResult *result);
GASKET_API double gasket_result_metric(const GasketResult *result, const char *name);

/* Fills parameters with every option's default. */
GASKET_API void gasket_options_set_defaults(const GasketOption *options, void *parameters);

/* Sets one option from text. Error: ARGUMENT, with the option's name, what was given and what is
 * allowed. Strings are interned (g_intern_string) and need no freeing. */
GASKET_API bool gasket_options_set(const GasketOption *options, void *parameters, const char *name,
                                   const char *value, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(GasketResult, gasket_result_free)

#ifdef __cplusplus
}
#endif

#endif
