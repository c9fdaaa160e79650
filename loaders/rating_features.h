/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of users or items beside their ratings: files -> vertices of a kind of their own.
 *
 *   user (kind 0) ── user-features (relation 3): weight (float) ──> user feature (kind 2)
 *   item (kind 1) ── item-features (relation 4): weight (float) ──> item feature (kind 3)
 *
 * A file has a line for each user (item). Its first line with data says which of two shapes it has:
 *
 *   list   42 <tab> comedy <tab> length:1.7       an id and its features, each with :WEIGHT or
 *                                                 weight 1; blanks where the line has no tabs
 *   table  1|24|M|technician|85711                `|` or `::` between the cells, or .csv with a
 *          1::Toy Story (1995)::Comedy|Animation  header: a cell that is neither empty nor 0 is the
 *                                                 feature COLUMN=CELL; with `::` and in .csv a `|`
 *                                                 parts a cell into several
 *
 * `u.user`, `u.item`, `users.dat`, `movies.dat` and `movies.csv` of the MovieLens sets are tables.
 * What fewer than `least` ids have is dropped: of a title that one item has, the item itself says
 * as much. Weights of 0 are dropped too. Features are numbered by ascending name.
 *
 * Who stands in a file and has no rating is a user (item) all the same.
 */
#ifndef GASKET_LOADERS_RATING_FEATURES_H
#define GASKET_LOADERS_RATING_FEATURES_H

#include "engine/feed.h"

#define GASKET_FEATURES_KIND     2 /* of users' features; of items' the next */
#define GASKET_FEATURES_RELATION 3

/* Declares the two kinds and relations, behind those of ratings. */
void gasket_features_declare(GasketGraphBuilder *builder);

/* Adds the features of users (kind 0) or items (1) from a file. Errors: INPUT; FORMAT (FILE:LINE)
 * for an id that stands twice, a feature that an id has twice, a table with more cells than can be
 * kept; MEMORY. O(bytes + features log features). */
bool gasket_features_load(GasketGraphBuilder *builder, unsigned kind, const char *path,
                          unsigned least, GError **error);

#endif
