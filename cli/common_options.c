/* SPDX-License-Identifier: Apache-2.0 */
/* The options that commands share; see common_options.h. */
#include "cli/common_options.h"

#include <math.h>
#include <sched.h>
#include <string.h>

#define FIELD(name) offsetof(GasketCliCommon, name)

static const char *const keep_drop[] = {"keep", "drop", NULL};
/* ORDER gasket_multi_edges */
static const char *const multi_edges[] = {"keep", "drop", "sum", "min", "max", NULL};
/* ORDER gasket_order */
static const char *const orders[] = {"auto", "given", "degree", NULL};
/* ORDER gasket_engine */
static const char *const engines[] = {"sync", "chromatic", "async", NULL};
/* ORDER gasket_scheduler */
static const char *const schedulers[] = {"auto", "fifo", "priority", "sweep", NULL};
/* ORDER gasket_consistency */
static const char *const consistencies[] = {"auto", "none", "vertex", "edge", NULL};

static const GasketCliOption input_options[] = {
    {.option = {"format", GASKET_OPTION_STRING, FIELD(format),
                .help =
                    "edges, csv, mtx, metis, dimacs, adjacency, binary, binary-weighted, sqlite or "
                    "ratings; recognised by content and ending if not given",
                .value_name = "NAME"}},
    {.option = {"undirected", GASKET_OPTION_BOOL, FIELD(undirected),
                .help = "each line stands for both directions"}},
    {.option = {"weighted", GASKET_OPTION_BOOL, FIELD(weighted),
                .help =
                    "use the weights of the input, which must have some; algorithms of distances "
                    "do so in any case"}},
    {.option = {"unweighted", GASKET_OPTION_BOOL, FIELD(unweighted),
                .help = "ignore weights: every edge counts 1"}},
    {.option =
         {"vertices", GASKET_OPTION_STRING, FIELD(vertices),
          .help =
              "a file with an id on each line, or a table of the same database: vertices that are "
              "there even without edges",
          .value_name = "FILE|TABLE"}},
    {.option = {"table", GASKET_OPTION_STRING, FIELD(table),
                .help = "SQLite: the table to read; the only one, or `edges`, if not given",
                .value_name = "NAME"}},
    {.option = {"query", GASKET_OPTION_STRING, FIELD(query),
                .help = "SQLite: read the rows of a SELECT instead of a table",
                .value_name = "SELECT"}},
    {.option =
         {"columns", GASKET_OPTION_STRING, FIELD(columns),
          .help =
              "SQLite and CSV: the columns of source, target and weight, by name or by position "
              "from 1",
          .value_name = "SOURCE,TARGET[,WEIGHT]"}},
    {.option = {"self-loops", GASKET_OPTION_CHOICE, FIELD(self_loops), "keep",
                "edges from a vertex to itself", .choices = keep_drop}},
    {.option = {"multi-edges", GASKET_OPTION_CHOICE, FIELD(multi_edges), "keep",
                "several edges between the same two vertices: keep all, drop all but one, or make "
                "one whose "
                "weight is the sum, minimum or maximum",
                .choices = multi_edges}},
    {.option =
         {"order", GASKET_OPTION_CHOICE, FIELD(order), "auto",
          "how vertices stand in memory: by id (given), by falling degree, or whichever suits the "
          "graph; never changes a result's meaning",
          .choices = orders},
     .advanced = true},
    {.letter = 0},
};

/* ORDER gasket_holdout, of which the command offers these */
static const char *const splits[] = {"random", "leave-one-out", "by-time", NULL};
/* ORDER gasket_duplicates */
static const char *const duplicates[] = {"auto", "latest", "mean", "sum", "min", "max", NULL};

static const GasketCliOption ratings_options[] = {
    {.option = {"test", GASKET_OPTION_STRING, FIELD(test),
                .help = "ratings to test on: a file, or the fraction of the input that is held out",
                .value_name = "FILE|FRACTION"}},
    {.option = {"split", GASKET_OPTION_CHOICE, FIELD(split), "random",
                "what is held out: ratings at random, one of each user (the latest where there are "
                "times), or the latest ratings of all; by --seed",
                .choices = splits}},
    {.option = {"duplicates", GASKET_OPTION_CHOICE, FIELD(duplicates), "auto",
                "what several ratings of a user for an item become; auto: the latest, or without "
                "times the mean",
                .choices = duplicates}},
    {.option = {"validate", GASKET_OPTION_DOUBLE, FIELD(validate), "0",
                "a share of the training ratings that is held out too: training stops once they "
                "are predicted no better, and the best model is kept",
                .minimum = 0, .maximum = 0.9, .value_name = "FRACTION"}},
    {.option = {"folds", GASKET_OPTION_INT, FIELD(folds),
                .help = "cross-validation: train as many times, each time with another of so many "
                        "parts of the ratings held out",
                .minimum = 2, .maximum = 1000}},
    {.option = {"grid", GASKET_OPTION_STRING, FIELD(grid),
                .help = "search: try these values of an option of the method (or of iterations), "
                        "or with --random a range LOW:HIGH, by --folds (5); several make a grid. "
                        "With --test or --output the best is trained at the end",
                .value_name = "NAME=VALUE,..."},
     .repeated = true},
    {.option = {"random", GASKET_OPTION_INT, FIELD(random), "0",
                "search: draw so many settings, by --seed; 0: try all of the grid", .minimum = 0,
                .maximum = 100000}},
    {.option = {"budget", GASKET_OPTION_DOUBLE, FIELD(budget), "0",
                "search: begin no further setting after so long; 0: no bound", .minimum = 0,
                .maximum = 1e9, .value_name = "SECONDS"}},
    {.option = {"format", GASKET_OPTION_STRING, FIELD(format),
                .help = "ratings, csv, edges, mtx, binary, binary-weighted or sqlite; recognised "
                        "by content and ending if not given",
                .value_name = "NAME"}},
    {.option = {"table", GASKET_OPTION_STRING, FIELD(table),
                .help = "SQLite: the table to read; the only one, or `ratings`, if not given",
                .value_name = "NAME"}},
    {.option = {"query", GASKET_OPTION_STRING, FIELD(query),
                .help = "SQLite: read the rows of a SELECT instead of a table",
                .value_name = "SELECT"}},
    {.option = {"columns", GASKET_OPTION_STRING, FIELD(columns),
                .help =
                    "SQLite and text: the columns of user, item, rating and time, by name or by "
                    "position from 1",
                .value_name = "USER,ITEM[,RATING[,TIME]]"}},
    {.option =
         {"order", GASKET_OPTION_CHOICE, FIELD(order), "auto",
          "how vertices stand in memory: by id (given), by falling degree, or whichever suits "
          "the graph; never changes a result's meaning",
          .choices = orders},
     .advanced = true},
    {.letter = 0},
};

static const GasketCliOption model_options[] = {
    {.option = {"evidence", GASKET_OPTION_STRING, FIELD(evidence),
                .help = "what is observed: a UAI evidence file, in any of its three dialects",
                .value_name = "FILE"}},
    {.option = {"format", GASKET_OPTION_STRING, FIELD(format),
                .help = "uai, fg, bif, alist, image, priors or sqlite; recognised by content and "
                        "ending if not "
                        "given",
                .value_name = "NAME"}},
    {.option = {"edges", GASKET_OPTION_STRING, FIELD(edges),
                .help = "the input is a file of priors, `id p1 ... pk` on each line; this one has "
                        "lines `source target [weight]`, neighbours that --smoothing makes alike",
                .value_name = "FILE"}},
    {.option = {"cases", GASKET_OPTION_STRING, FIELD(cases),
                .help = "em: a file of a heading with variables and a line of their states for "
                        "each case",
                .value_name = "FILE"}},
    {.option = {"levels", GASKET_OPTION_INT, FIELD(levels), "2",
                "images: grey values that a pixel may have", .minimum = 2, .maximum = 256}},
    {.option = {"noise", GASKET_OPTION_DOUBLE, FIELD(noise), "0.25",
                "images: standard deviation of a pixel's grey, of 1 between black and white",
                .minimum = 1e-6, .maximum = 1e6}},
    {.option = {"smoothing", GASKET_OPTION_DOUBLE, FIELD(smoothing), "1",
                "images and --edges: neighbours that are equal weigh e to this times as much",
                .minimum = 0, .maximum = 500}},
    {.option = {"order", GASKET_OPTION_CHOICE, FIELD(order), "given",
                "how variables stand in memory: by id (given), by falling degree, or whichever "
                "suits the model; never changes a result's meaning",
                .choices = orders},
     .advanced = true},
    {.letter = 0},
};

static const GasketCliOption machine_options[] = {
    {.option =
         {"threads", GASKET_OPTION_INT, FIELD(threads),
          .help =
              "compute threads of each worker; all processors, shared out among the workers, if "
              "not given",
          .minimum = 1, .maximum = 1024}},
    {.option = {"quiet", GASKET_OPTION_BOOL, FIELD(quiet), .help = "nothing on stderr but errors"},
     .letter = 'q'},
    {.letter = 0},
};

static const GasketCliOption worker_options[] = {
    {.option = {"workers", GASKET_OPTION_INT, FIELD(workers), "1",
                "processes that share the graph; the result is the same for any number",
                .minimum = 1, .maximum = 4096}},
    {.option = {"partition", GASKET_OPTION_STRING, FIELD(partition), "auto",
                .help = "which worker gets which vertex: auto, metis, streaming, hash, range, or a "
                        "file of lines "
                        "`id part`",
                .value_name = "METHOD|FILE"}},
    {.option = {"engine", GASKET_OPTION_CHOICE, FIELD(engine), "sync",
                "sync: supersteps, in each of which every vertex reads the step before; chromatic: "
                "colour by colour, where neighbours have different colours and read what the "
                "colours before wrote; async: each vertex runs by itself once it is woken, in an "
                "order that differs from run to run",
                .choices = engines},
     .advanced = true},
    {.option = {"scheduler", GASKET_OPTION_CHOICE, FIELD(scheduler), "auto",
                "async: which woken vertex runs next: the one that waits longest (fifo), the one "
                "whose waking mattered most (priority), or the next by number (sweep); auto: the "
                "algorithm's choice",
                .choices = schedulers},
     .advanced = true},
    {.option = {"consistency", GASKET_OPTION_CHOICE, FIELD(consistency), "auto",
                "async: what holds while a vertex runs: no value is torn (none), its own data is "
                "its own (vertex), no neighbour runs (edge); auto: the least that the algorithm "
                "is right with",
                .choices = consistencies},
     .advanced = true},
    {.option =
         {"staleness", GASKET_OPTION_INT, FIELD(staleness), "0",
          "sync, several workers: steps by which a worker may be ahead of the slowest, reading "
          "values that are as old; 0: every step waits for all",
          .minimum = 0, .maximum = 64, .value_name = "STEPS"},
     .advanced = true},
    {.option = {"peer-timeout", GASKET_OPTION_DOUBLE, FIELD(peer_timeout), "10",
                "seconds of silence after which a worker counts as dead", .minimum = 0.1,
                .maximum = 86400, .value_name = "SECONDS"},
     .advanced = true},
    {.option = {"insecure", GASKET_OPTION_BOOL, FIELD(insecure),
                .help = "workers talk without encryption; on this machine only"},
     .advanced = true},
    {.option = {"segment", GASKET_OPTION_INT, FIELD(segment), "0",
                "values that a gather reads at a time; 0: what fits the cache, 4294967295: all",
                .minimum = 0, .maximum = UINT32_MAX},
     .advanced = true},
    {.letter = 0},
};

static const GasketCliOption run_options[] = {
    {.option = {"iterations", GASKET_OPTION_INT, FIELD(iterations),
                .help = "stop after so many, converged or not; 0: no bound", .minimum = 0,
                .maximum = UINT32_MAX}},
    {.option = {"tolerance", GASKET_OPTION_DOUBLE, FIELD(tolerance),
                .help =
                    "converged once an iteration changes less than this; 0: the algorithm's own",
                .minimum = 0, .maximum = INFINITY}},
    {.option = {"max-seconds", GASKET_OPTION_DOUBLE, FIELD(max_seconds), "0",
                "async: stop after running so long, converged or not; 0: no bound", .minimum = 0,
                .maximum = 1e9, .value_name = "SECONDS"},
     .advanced = true},
    {.option = {"max-updates", GASKET_OPTION_INT, FIELD(max_updates), "0",
                "async: stop after about so many runs of a vertex; 0: no bound", .minimum = 0,
                .maximum = (double)INT64_MAX},
     .advanced = true},
    {.option = {"seed", GASKET_OPTION_INT, FIELD(seed), "0", "of all random numbers", .minimum = 0,
                .maximum = (double)INT64_MAX}},
    {.option = {"verify", GASKET_OPTION_BOOL, FIELD(verify),
                .help = "afterwards check the result by another road"}},
    {.option = {"dry-run", GASKET_OPTION_BOOL, FIELD(dry_run),
                .help = "load and partition, print the plan, run nothing"}},
    {.letter = 0},
};

static const GasketCliOption snapshot_options[] = {
    {.option = {"snapshot", GASKET_OPTION_STRING, FIELD(snapshot),
                .help = "write snapshots of the run into a folder (the last two are kept), also on "
                        "SIGUSR1, and at the end if the run is asked to stop",
                .value_name = "DIR"}},
    {.option = {"snapshot-every", GASKET_OPTION_STRING, FIELD(snapshot_every), "auto",
                .help =
                    "a time (30s, 5m, 2h), a number of iterations (100 steps), or auto: by what "
                    "a snapshot costs and how often machines fail",
                .value_name = "WHEN"}},
    {.option = {"resume", GASKET_OPTION_STRING, FIELD(resume),
                .help = "go on from the last snapshot in a folder, on any number of workers, with "
                        "the same input and options",
                .value_name = "DIR"}},
    {.option = {"restart", GASKET_OPTION_INT, FIELD(restart), "0",
                "times that a lost worker is made good: all start again from the last good "
                "snapshot",
                .minimum = 0, .maximum = 1000000}},
    {.option = {"mtbf", GASKET_OPTION_DOUBLE, FIELD(mtbf), "86400",
                "mean seconds between failures of the run's machines, for --snapshot-every auto",
                .minimum = 1, .maximum = 1e12, .value_name = "SECONDS"},
     .advanced = true},
    {.letter = 0},
};

static const GasketCliOption output_options[] = {
    {.option =
         {"output", GASKET_OPTION_STRING, FIELD(output),
          .help =
              "where the whole result goes: .tsv, .csv, .jsonl, .npy (ids beside it), .db (a table "
              "of SQLite), of models .MAR .MPE .PR too, or - for stdout; without it the summary "
              "shows the first 20",
          .value_name = "FILE"},
     .letter = 'o'},
    {.option = {"no-header", GASKET_OPTION_BOOL, FIELD(no_header),
                .help = "no heading line in .tsv, .csv and on stdout"}},
    {.option = {"output-table", GASKET_OPTION_STRING, FIELD(output_table), "result",
                .help = "SQLite: the table to write; one of that name is replaced, others stay",
                .value_name = "NAME"}},
    {.option = {"json", GASKET_OPTION_BOOL, FIELD(json),
                .help = "the run report on stdout, as JSON"}},
    {.letter = 0},
};

/* ORDER gasket_cli_table */
static const struct {
    const char *title;
    const GasketCliOption *options;
} tables_of[GASKET_CLI_N_TABLES] = {
    {"Input", input_options}, {"Machine", machine_options},    {"Workers", worker_options},
    {"Running", run_options}, {"Snapshots", snapshot_options}, {"Output", output_options},
    {"Model", model_options}, {"Ratings", ratings_options},
};

unsigned
gasket_cli_tables_for(unsigned tables, const GasketAlgorithm *algorithm)
{
    if (algorithm == NULL || algorithm->input == GASKET_INPUT_GRAPH)
        return tables;
    return (tables & ~(unsigned)GASKET_CLI_INPUT) |
           (algorithm->input == GASKET_INPUT_FACTORS ? GASKET_CLI_MODEL : GASKET_CLI_RATINGS);
}

unsigned
gasket_cli_common_groups(unsigned tables, GasketCliCommon *common,
                         GasketCliGroup groups[GASKET_CLI_N_TABLES])
{
    unsigned n = 0;
    for (unsigned t = 0; t < GASKET_CLI_N_TABLES; t++)
        if ((tables >> t & 1) != 0)
            groups[n++] = (GasketCliGroup){tables_of[t].title, tables_of[t].options, common};
    return n;
}

void
gasket_cli_common_init(GasketCliCommon *common)
{
    common->iterations = -1;
    common->tolerance = NAN;
}

static bool
refuse(const char *message, GError **error)
{
    g_set_error_literal(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT, message);
    return false;
}

bool
gasket_cli_common_check(const GasketCliCommon *common, GError **error)
{
    if (common->weighted && common->unweighted)
        return refuse("--weighted and --unweighted exclude one another", error);
    if (common->table != NULL && common->query != NULL)
        return refuse("--table and --query exclude one another", error);
    if ((common->random > 0 || common->budget > 0) && common->grid->len == 0)
        return refuse("--random and --budget want --grid", error);
    if (common->json && common->output != NULL && strcmp(common->output, "-") == 0)
        return refuse("--json and --output - both want stdout", error);
    return true;
}

unsigned
gasket_cli_threads(const GasketCliCommon *common, unsigned workers)
{
    if (common->threads > 0)
        return (unsigned)common->threads;
    cpu_set_t processors;
    /* Fails on machines with more processors than the set holds. */
    unsigned n = sched_getaffinity(0, sizeof processors, &processors) == 0
                     ? (unsigned)CPU_COUNT(&processors)
                     : g_get_num_processors();
    return MAX(n / workers, 1);
}
