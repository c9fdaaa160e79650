/* SPDX-License-Identifier: Apache-2.0 */
/* The four-counter method as a state machine. See termination.h. */
#include "engine/termination.h"

static unsigned
bit(GasketTerminationType type)
{
    return 1u << type;
}

static void
owe_to_all(GasketTermination *t, GasketTerminationType type)
{
    for (unsigned p = 1; p < t->size; p++)
        t->owed[p] |= bit(type);
}

static void
begin_wave(GasketTermination *t)
{
    t->wave++;
    t->n_answers = 0;
    t->wave_sent = t->wave_received = 0;
    owe_to_all(t, GASKET_TERMINATION_PROBE);
}

void
gasket_termination_init(GasketTermination *t, unsigned rank, unsigned size)
{
    g_assert(rank < size);
    *t = (GasketTermination){.rank = rank, .size = size};
    t->owed = g_new0(unsigned, size);
    if (rank > 0)
        return;
    t->ranks = g_new0(GasketTerminationRank, size);
    t->before = UINT64_MAX; /* no wave before the first: equals no sum */
    begin_wave(t);
}

void
gasket_termination_clear(GasketTermination *t)
{
    g_clear_pointer(&t->owed, g_free);
    g_clear_pointer(&t->ranks, g_free);
}

/* ---- what this worker does ------------------------------------------------------------------- */

void
gasket_termination_sent(GasketTermination *t, uint64_t n)
{
    g_assert(t->verdict == GASKET_END_NONE || n == 0);
    t->sent += n;
}

void
gasket_termination_received(GasketTermination *t, uint64_t n)
{
    t->received += n;
}

void
gasket_termination_set_work(GasketTermination *t, GasketWork work, uint64_t n)
{
    g_assert(work < GASKET_N_WORKS);
    t->work[work] = n;
}

bool
gasket_termination_is_idle(const GasketTermination *t)
{
    for (unsigned i = 0; i < GASKET_N_WORKS; i++)
        if (t->work[i] > 0)
            return false;
    return true;
}

void
gasket_termination_cease(GasketTermination *t, GasketEnd reason)
{
    g_assert(reason > GASKET_END_QUIET && reason < GASKET_N_ENDS);
    if (t->ceasing != GASKET_END_NONE || t->verdict != GASKET_END_NONE)
        return;
    t->ceasing = reason;
    if (t->rank == 0)
        owe_to_all(t, GASKET_TERMINATION_CEASE);
    else
        t->owed[0] |= bit(GASKET_TERMINATION_CEASE);
}

/* ---- waves: the coordinator ------------------------------------------------------------------ */

/* The end of a wave: another, or the verdict. */
static void
conclude_wave(GasketTermination *t)
{
    bool ended = t->before == t->wave_sent && t->wave > 1;
    t->before = t->wave_received;
    if (!ended) {
        begin_wave(t);
        return;
    }
    t->verdict = t->ceasing != GASKET_END_NONE ? t->ceasing : GASKET_END_QUIET;
    owe_to_all(t, GASKET_TERMINATION_VERDICT);
}

static void
count_answer(GasketTermination *t, unsigned rank, uint64_t sent, uint64_t received)
{
    t->ranks[rank].wave = t->wave;
    t->ranks[rank].sent = sent;
    t->ranks[rank].received = received;
    t->wave_sent += sent;
    t->wave_received += received;
    if (++t->n_answers == t->size)
        conclude_wave(t);
}

/* ---- control messages ------------------------------------------------------------------------ */

static bool
refuse(unsigned from, const char *what, GError **error)
{
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_PROTOCOL, "rank %u sent %s", from, what);
    return false;
}

static bool
take_answer(GasketTermination *t, unsigned from, const GasketTerminationMessage *message,
            GError **error)
{
    const GasketTerminationRank *known = &t->ranks[from];
    if (t->verdict != GASKET_END_NONE || message->wave != t->wave || known->wave == t->wave)
        return refuse(from, "an answer to a wave that it was not asked for", error);
    if (message->sent < known->sent || message->received < known->received)
        return refuse(from, "a count of messages that has fallen", error);
    count_answer(t, from, message->sent, message->received);
    return true;
}

static bool
take_as_coordinator(GasketTermination *t, unsigned from, const GasketTerminationMessage *message,
                    GError **error)
{
    GasketTerminationRank *known = &t->ranks[from];
    if (known->acknowledged)
        return refuse(from, "a message after its last one", error);
    switch (message->type) {
    case GASKET_TERMINATION_ANSWER:
        return take_answer(t, from, message, error);
    case GASKET_TERMINATION_CEASE:
        /* Too late if the verdict is on its way; else the first request counts. */
        gasket_termination_cease(t, (GasketEnd)message->reason);
        return true;
    case GASKET_TERMINATION_ACK:
        if (t->verdict == GASKET_END_NONE || (t->owed[from] & bit(GASKET_TERMINATION_VERDICT)))
            return refuse(from, "that it heard a verdict that there is not", error);
        known->acknowledged = true;
        t->n_acknowledged++;
        return true;
    default:
        return refuse(from, "what only the coordinator may say", error);
    }
}

static bool
take_as_worker(GasketTermination *t, unsigned from, const GasketTerminationMessage *message,
               GError **error)
{
    if (from != 0)
        return refuse(from, "what only the coordinator may say", error);
    if (t->verdict != GASKET_END_NONE)
        return refuse(from, "a message after the verdict", error);
    switch (message->type) {
    case GASKET_TERMINATION_PROBE:
        if (message->wave != t->wave + 1 || t->answered != t->wave)
            return refuse(from, "a wave out of turn", error);
        t->wave++;
        t->owed[0] |= bit(GASKET_TERMINATION_ANSWER);
        return true;
    case GASKET_TERMINATION_CEASE:
        t->ceasing = (GasketEnd)message->reason; /* what the coordinator heard first */
        t->owed[0] &= ~bit(GASKET_TERMINATION_CEASE);
        return true;
    case GASKET_TERMINATION_VERDICT:
        if (message->wave != t->wave || t->answered != t->wave)
            return refuse(from, "a verdict before its wave was answered", error);
        t->verdict = (GasketEnd)message->reason;
        t->owed[0] = bit(GASKET_TERMINATION_ACK);
        return true;
    default:
        return refuse(from, "what only a worker may say to the coordinator", error);
    }
}

/* Whether the fields that a type does not use are 0 and the reason is one that it may give. */
static bool
is_sound(const GasketTerminationMessage *m)
{
    bool counts = m->type == GASKET_TERMINATION_ANSWER;
    bool waves =
        counts || m->type == GASKET_TERMINATION_PROBE || m->type == GASKET_TERMINATION_VERDICT;
    unsigned lowest = m->type == GASKET_TERMINATION_CEASE     ? GASKET_END_QUIET + 1
                      : m->type == GASKET_TERMINATION_VERDICT ? GASKET_END_QUIET
                                                              : GASKET_END_NONE;
    unsigned highest = lowest == GASKET_END_NONE ? GASKET_END_NONE : GASKET_N_ENDS - 1;
    return (waves || m->wave == 0) && (counts || (m->sent == 0 && m->received == 0)) &&
           m->reason >= lowest && m->reason <= highest;
}

bool
gasket_termination_take(GasketTermination *t, unsigned from,
                        const GasketTerminationMessage *message, GError **error)
{
    if (from >= t->size || from == t->rank)
        return refuse(from, "a message about the end of a run that it is not part of", error);
    if (!is_sound(message))
        return refuse(from, "a malformed message about the end of a run", error);
    return t->rank == 0 ? take_as_coordinator(t, from, message, error)
                        : take_as_worker(t, from, message, error);
}

/* The first message owed to a rank that may go now; 0: none. In the order of the table a CEASE goes
 * before the answer or the wave that may follow from it. */
static GasketTerminationType
due(const GasketTermination *t, unsigned to)
{
    static const GasketTerminationType order[] = {GASKET_TERMINATION_CEASE,
                                                  GASKET_TERMINATION_PROBE,
                                                  GASKET_TERMINATION_ANSWER,
                                                  GASKET_TERMINATION_VERDICT,
                                                  GASKET_TERMINATION_ACK};
    for (unsigned i = 0; i < G_N_ELEMENTS(order); i++)
        if ((t->owed[to] & bit(order[i])) &&
            (order[i] != GASKET_TERMINATION_ANSWER || gasket_termination_is_idle(t)))
            return order[i];
    return 0;
}

bool
gasket_termination_next(GasketTermination *t, unsigned *ret_to,
                        GasketTerminationMessage *ret_message)
{
    /* The coordinator answers itself; alone, as often as its waves need. */
    while (t->rank == 0 && t->verdict == GASKET_END_NONE && t->answered < t->wave &&
           gasket_termination_is_idle(t)) {
        t->answered = t->wave;
        count_answer(t, 0, t->sent, t->received);
    }
    for (unsigned to = 0; to < t->size; to++) {
        GasketTerminationType type = due(t, to);
        if (type == 0)
            continue;
        t->owed[to] &= ~bit(type);
        *ret_to = to;
        *ret_message = (GasketTerminationMessage){.type = type};
        if (type == GASKET_TERMINATION_CEASE)
            ret_message->reason = t->ceasing;
        if (type == GASKET_TERMINATION_VERDICT)
            ret_message->reason = t->verdict;
        if (type == GASKET_TERMINATION_PROBE || type == GASKET_TERMINATION_ANSWER ||
            type == GASKET_TERMINATION_VERDICT)
            ret_message->wave = t->wave;
        if (type == GASKET_TERMINATION_ANSWER) {
            t->answered = t->wave;
            ret_message->sent = t->sent;
            ret_message->received = t->received;
        }
        return true;
    }
    return false;
}

/* ---- what came of it ------------------------------------------------------------------------- */

GasketEnd
gasket_termination_ceasing(const GasketTermination *t)
{
    return t->ceasing;
}

GasketEnd
gasket_termination_verdict(const GasketTermination *t)
{
    return t->verdict;
}

bool
gasket_termination_is_over(const GasketTermination *t)
{
    if (t->verdict == GASKET_END_NONE)
        return false;
    return t->rank == 0 ? t->n_acknowledged + 1 == t->size : t->owed[0] == 0;
}

char *
gasket_termination_dump(const GasketTermination *t)
{
    static const char *const ends[GASKET_N_ENDS] = {"running", "quiet", "rule", "limit",
                                                    "stopped"}; /* ORDER gasket_end */
    g_autoptr(GString) text = g_string_new(NULL);

    g_string_append_printf(text,
                           "rank %u of %u: %" G_GUINT64_FORMAT " sent, %" G_GUINT64_FORMAT
                           " received; work: %" G_GUINT64_FORMAT " vertices, %" G_GUINT64_FORMAT
                           " wait for locks, %" G_GUINT64_FORMAT " batches, %" G_GUINT64_FORMAT
                           " snapshots; wave %" G_GUINT64_FORMAT " asked, %" G_GUINT64_FORMAT
                           " answered; %s%s\n",
                           t->rank, t->size, t->sent, t->received, t->work[GASKET_WORK_VERTICES],
                           t->work[GASKET_WORK_LOCKS], t->work[GASKET_WORK_BATCHES],
                           t->work[GASKET_WORK_SNAPSHOT], t->wave, t->answered,
                           t->verdict != GASKET_END_NONE ? "ended: " : "",
                           ends[t->verdict != GASKET_END_NONE ? t->verdict : t->ceasing]);
    for (unsigned p = 1; t->rank == 0 && p < t->size; p++)
        g_string_append_printf(text,
                               "  rank %u last answered wave %" G_GUINT64_FORMAT
                               ": %" G_GUINT64_FORMAT " sent, %" G_GUINT64_FORMAT " received%s\n",
                               p, t->ranks[p].wave, t->ranks[p].sent, t->ranks[p].received,
                               t->ranks[p].wave == t->wave ? "" : "; this wave waits for it");
    return g_string_free(g_steal_pointer(&text), FALSE);
}
