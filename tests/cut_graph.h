/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A random graph with two kinds, three relations and columns of several shapes, and its parts, cut
 * and subscribed over the local transport.
 *
 *   GasketGraph *graph = cut_random_graph(seed);
 *   uint32_t **owner = cut_random_owners(graph, 3, seed);
 *   GasketPart *part[3];
 *   cut_graph(graph, owner, 3, part);
 *
 *   relation 0  person -> person   directed, a double each
 *   relation 1  person -> thing    directed, a varying number of int32
 *   relation 2  person -- person   symmetric, three uint8 each
 */
#ifndef GASKET_TESTS_CUT_GRAPH_H
#define GASKET_TESTS_CUT_GRAPH_H

#include <gasket/gasket.h>

#include "engine/array.h"
#include "engine/part_wire.h"
#include "engine/transport_local.h"
#include "tests/transport_members.h"

#define CUT_RELATIONS 3

static inline void
cut_add_relation(GasketGraphBuilder *builder, unsigned r, GasketRandom *random, const uint32_t *n,
                 uint32_t n_edges)
{
    static const int32_t numbers[] = {3, 1, 4, 1, 5, 9, 2, 6};
    for (uint32_t i = 0; i < n_edges; i++) {
        g_autofree char *from = g_strdup_printf("%u", gasket_random_below(random, n[0]) * 3);
        g_autofree char *to = r == 1
                                  ? g_strdup_printf("thing %u", gasket_random_below(random, n[1]))
                                  : g_strdup_printf("%u", gasket_random_below(random, n[0]) * 3);
        const char *const source[] = {from}, *const target[] = {to};
        const double weight = gasket_random_below(random, 3);
        const uint64_t begin[] = {0, gasket_random_below(random, 8)};
        const GasketVarying varying = {numbers + gasket_random_below(random, 2), begin};
        const uint8_t bytes[] = {(uint8_t)gasket_random_below(random, 2), 7, 9};
        const void *const columns[] = {r == 0   ? (const void *)&weight
                                       : r == 1 ? (const void *)&varying
                                                : (const void *)bytes};
        ck_assert(
            gasket_graph_builder_add_edges_text(builder, r, 1, source, target, columns, NULL));
        if (i % 5 == 0) /* a parallel edge */
            ck_assert(
                gasket_graph_builder_add_edges_text(builder, r, 1, source, target, columns, NULL));
    }
}

static inline GasketGraph *
cut_random_graph(uint64_t seed)
{
    GasketRandom random = gasket_random_at(seed, 5, 0, 0);
    const uint32_t n[] = {1 + gasket_random_below(&random, 300),
                          1 + gasket_random_below(&random, 40)};
    const GasketGraphRules rules = {.order = (GasketOrder)(seed % 3)};
    GasketGraphBuilder *builder = gasket_graph_builder_new();
    gasket_graph_builder_add_kind(builder, "person");
    gasket_graph_builder_add_kind(builder, "thing");
    gasket_graph_builder_add_vertex_column(builder, 0, "age", GASKET_FLOAT, 2);
    gasket_graph_builder_add_vertex_column(builder, 1, "sizes", GASKET_INT64, 0);
    gasket_graph_builder_add_relation(builder, "knows", 0, 0, false);
    gasket_graph_builder_add_relation(builder, "owns", 0, 1, false);
    gasket_graph_builder_add_relation(builder, "meets", 0, 0, true);
    gasket_graph_builder_add_edge_column(builder, 0, "weight", GASKET_DOUBLE, 1);
    gasket_graph_builder_add_edge_column(builder, 1, "numbers", GASKET_INT32, 0);
    gasket_graph_builder_add_edge_column(builder, 2, "bytes", GASKET_UINT8, 3);
    for (int64_t i = 0; i < n[0]; i += 2) {
        const int64_t id[] = {3 * i};
        const float age[] = {(float)i, (float)-i};
        const void *const columns[] = {age};
        ck_assert(gasket_graph_builder_add_vertices(builder, 0, 1, id, columns, NULL));
    }
    for (uint32_t i = 0; i < n[1]; i += 3) {
        g_autofree char *name = g_strdup_printf("thing %u", i);
        const char *const id[] = {name};
        const int64_t sizes[] = {i, 2 * i, 3 * i};
        const uint64_t begin[] = {0, i % 4};
        const GasketVarying varying = {sizes, begin};
        const void *const columns[] = {&varying};
        ck_assert(gasket_graph_builder_add_vertices_text(builder, 1, 1, id, columns, NULL));
    }
    for (unsigned r = 0; r < CUT_RELATIONS; r++)
        cut_add_relation(builder, r, &random, n, gasket_random_below(&random, 4 * n[0]));
    g_autoptr(GError) error = NULL;
    GasketGraph *graph = gasket_graph_builder_finish_take(&builder, &rules, &error);
    ck_assert_no_error(error);
    for (unsigned r = 0; r < 2; r++)
        for (unsigned d = 0; d < 2; d++)
            ck_assert(gasket_graph_require_rows(graph, r, (GasketDirection)d, NULL));
    if (seed % 4 == 3)
        gasket_graph_drop_rows(graph, 0, GASKET_IN);
    return graph;
}

/* Owners [n_kinds][n_vertices], drawn; every second time among half of the ranks only, so that
 * some own nothing. Free with g_strfreev. */
static inline uint32_t **
cut_random_owners(const GasketGraph *graph, unsigned size, uint64_t seed)
{
    uint32_t **owner = g_new0(uint32_t *, graph->n_kinds + 1);
    for (unsigned k = 0; k < graph->n_kinds; k++) {
        GasketRandom random = gasket_random_at(seed, 6, k, size);
        owner[k] = g_new(uint32_t, graph->kinds[k].n_vertices + 1);
        for (uint32_t v = 0; v < graph->kinds[k].n_vertices; v++)
            owner[k][v] = gasket_random_below(&random, seed % 2 ? (size + 1) / 2 : size);
    }
    return owner;
}

typedef struct {
    const GasketGraph *graph;
    uint32_t **owner;
    unsigned size;
    GasketPart *part; /* of this member */
} CutMember;

static inline void
cut_send(TestMember *self)
{
    static const GasketPartExtras extras[CUT_RELATIONS] = {{true, true},
                                                           {true, false},
                                                           {true, false}};
    const CutMember *cut = self->data;
    g_autofree GasketStream *streams = g_new0(GasketStream, cut->size);
    for (unsigned p = 0; p < cut->size; p++)
        gasket_stream_init(&streams[p], self->transport, p);
    REQUIRE(self,
            gasket_parts_send(cut->graph, cut->owner, extras, streams, cut->size, &self->error));
    for (unsigned p = 0; p < cut->size; p++)
        gasket_stream_clear(&streams[p]);
    REQUIRE(self, gasket_transport_leave(self->transport, &self->error));
}

static inline void
cut_talk(TestMember *self)
{
    CutMember *cut = (CutMember *)self->data;
    if (self->transport->rank == cut->size) {
        cut_send(self);
        return;
    }
    GasketStream stream;
    gasket_stream_init(&stream, self->transport, cut->size);
    cut->part = gasket_part_receive(&stream, self->transport->rank, cut->size, &self->error);
    gasket_stream_clear(&stream);
    REQUIRE(self, cut->part != NULL);
    GasketExchange *exchange =
        gasket_exchange_new(self->transport, self->transport->rank, cut->size);
    bool ok = gasket_part_subscribe(cut->part, exchange, &self->error);
    gasket_exchange_free(exchange);
    REQUIRE(self, ok);
    REQUIRE(self, gasket_transport_leave(self->transport, &self->error));
}

static inline void
cut_graph(const GasketGraph *graph, uint32_t **owner, unsigned size, GasketPart **ret_parts)
{
    g_autofree CutMember *cut = g_new0(CutMember, size + 1);
    g_autofree TestMember *member = g_new0(TestMember, size + 1);
    g_autofree GasketTransport **transports = g_new0(GasketTransport *, size + 1);
    ck_assert(gasket_transport_local_new(size + 1, transports, NULL));
    for (unsigned i = 0; i <= size; i++) {
        cut[i] = (CutMember){graph, owner, size, NULL};
        member[i] = (TestMember){.transport = transports[i], .data = &cut[i]};
    }
    test_members_run(member, size + 1, cut_talk);
    for (unsigned p = 0; p < size; p++)
        ret_parts[p] = cut[p].part;
}

#endif
