/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options that commands share, in tables of one theme each. A command names the tables that it
 * takes; --help, the documentation and parsing all read them here.
 */
#ifndef GASKET_CLI_COMMON_OPTIONS_H
#define GASKET_CLI_COMMON_OPTIONS_H

#include "cli/option.h"

typedef struct {
    /* input */
    const char *format;
    bool undirected, weighted, unweighted;
    const char *vertices;
    const char *table, *query, *columns;
    const char *evidence;
    const char *test;    /* a file, or a fraction */
    int split;           /* GasketHoldout */
    int duplicates;      /* GasketDuplicates */
    double validate;     /* share of the training ratings; 0: none */
    int64_t folds, fold; /* of cross-validation, and which is held out; folds 0: none */
    GPtrArray *grid;     /* of text: NAME=VALUES, options to search over; NULL: not asked for */
    int64_t random;      /* settings to draw; 0: all of the grid */
    double budget;       /* seconds of a search; 0: no bound */
    int self_loops;      /* 0 keep, 1 drop */
    int multi_edges;     /* GasketMultiEdges */
    int order;           /* GasketOrder */
    const char *edges;   /* of priors */
    const char *cases;   /* to learn from */
    int64_t levels;      /* of images */
    double noise, smoothing;
    /* machine */
    int64_t threads; /* 0: all processors */
    bool quiet;
    /* workers */
    int64_t workers;
    int engine;      /* GasketEngine */
    int scheduler;   /* GasketScheduler */
    int consistency; /* GasketConsistency */
    int64_t staleness;
    const char *partition;
    double peer_timeout;
    bool insecure;
    int64_t segment;
    /* run */
    int64_t iterations;  /* -1: the algorithm's */
    double tolerance;    /* NAN: the algorithm's */
    double max_seconds;  /* 0: no bound */
    int64_t max_updates; /* 0: no bound */
    int64_t seed;
    bool verify, dry_run;
    /* snapshots */
    const char *snapshot, *snapshot_every, *resume;
    double mtbf;
    int64_t restart;
    /* output */
    const char *output;
    bool no_header;
    const char *output_table;
    bool json;
} GasketCliCommon;

/* ORDER gasket_cli_table */
typedef enum {
    GASKET_CLI_INPUT = 1 << 0,
    GASKET_CLI_MACHINE = 1 << 1,
    GASKET_CLI_WORKERS = 1 << 2,
    GASKET_CLI_RUN = 1 << 3,
    GASKET_CLI_SNAPSHOTS = 1 << 4,
    GASKET_CLI_OUTPUT = 1 << 5,
    GASKET_CLI_MODEL = 1 << 6,   /* instead of INPUT, for algorithms on graphical models */
    GASKET_CLI_RATINGS = 1 << 7, /* instead of INPUT, for algorithms on ratings */
} GasketCliTables;

#define GASKET_CLI_N_TABLES 8

/* A command's tables, with those that its algorithm's family of inputs has instead of INPUT;
 * algorithm: NULL if there is none. */
unsigned gasket_cli_tables_for(unsigned tables, const GasketAlgorithm *algorithm);

/* Appends the groups of the tables in a bit set to groups, with common as their target; returns
 * how many. */
unsigned gasket_cli_common_groups(unsigned tables, GasketCliCommon *common,
                                  GasketCliGroup groups[GASKET_CLI_N_TABLES]);

/* Marks what has no default of its own: iterations and tolerance. After the defaults were set. */
void gasket_cli_common_init(GasketCliCommon *common);

/* Options that exclude one another. Error: ARGUMENT. */
bool gasket_cli_common_check(const GasketCliCommon *common, GError **error);

/* Compute threads of each of n workers: --threads, or a fair share of the processors that this
 * process may use. */
unsigned gasket_cli_threads(const GasketCliCommon *common, unsigned workers);

#endif
