/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Colourings of one kind's vertices (run.h has the public side).
 *
 *   colour      2 0 1 0 2 ...                      [n_owned] of each vertex
 *   by_colour   | 1 3 ... | 2 ... | 0 4 ... |      [n_owned] vertices, ascending within a colour
 *               ^ begin[0] ^ [1]   ^ [2]     ^ [n_colours]
 *   set         the bits of one colour, made when it is asked for: so a sweep over all colours
 *               costs O(V), and no colour keeps a bit for every vertex
 */
#ifndef GASKET_ENGINE_COLOURING_H
#define GASKET_ENGINE_COLOURING_H

#include "engine/run_private.h"

struct GasketColouring {
    unsigned kind;
    uint32_t n_owned, n_colours;
    uint32_t *colour;        /* [n_owned] */
    GasketVertex *by_colour; /* [n_owned] */
    uint32_t *begin;         /* [n_colours + 1] */
    GasketVertexSet *set;
    uint32_t set_colour; /* whose vertices are in set; n_colours: none */
};

/* For tests: that the lists by colour have every vertex once, ascending, under its colour. */
bool gasket_colouring_check(const GasketColouring *colouring, GError **error);

/* [all] The colour of every owned vertex (gasket_array), and how many colours there are on all
 * workers (colour.c). rows and distance have been checked. NULL on failure. */
uint32_t *gasket_colour_vertices(GasketRun *run, GasketRowSet rows, unsigned distance,
                                 uint32_t *ret_n_colours, GError **error);

#endif
