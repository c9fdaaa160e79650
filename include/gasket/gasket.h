/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gasket's public interface. Read the headers in this order: types.h (words), program.h (vertex
 * programs), run.h (drivers), algorithm.h (commands and runs from C), graph.h (graphs in memory),
 * factor_graph.h (graphical models), recommend.h (models of ratings).
 */
#ifndef GASKET_H
#define GASKET_H

#include <gasket/algorithm.h>
#include <gasket/error.h>
#include <gasket/factor_graph.h>
#include <gasket/graph.h>
#include <gasket/program.h>
#include <gasket/random.h>
#include <gasket/recommend.h>
#include <gasket/run.h>
#include <gasket/types.h>

#endif
