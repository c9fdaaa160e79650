/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing a graphical model: the graph of gasket/factor_graph.h -> UAI or libDAI.
 *
 *   if (!gasket_write_model(graph, "b.fg", NULL, &error))
 *       return false;
 *
 *   uai   MARKOV; variables are counted from 0 by ascending id, so other ids are lost
 *   fg    ids are the labels, which must not be negative; variables without any factor, which the
 *         format has no place for, get one of ones
 *
 * A variable's prior is written as one factor, in front of the others, where it is not all ones.
 * Numbers have their shortest form that reads back to the same. Evidence is no part of a model
 * file. The file appears whole or not at all; "-" is stdout.
 */
#ifndef GASKET_LOADERS_WRITE_MODEL_H
#define GASKET_LOADERS_WRITE_MODEL_H

#include <gasket/graph.h>

/* format NULL: by the path's extension. Errors: ARGUMENT for an unknown format, or what it cannot
 * hold; IO, MEMORY. */
bool gasket_write_model(GasketGraph *graph, const char *path, const char *format, GError **error);

#endif
