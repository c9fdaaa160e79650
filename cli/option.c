/* SPDX-License-Identifier: Apache-2.0 */
/* Options of commands; see option.h. */
#include "cli/option.h"

#include <string.h>

#include "cli/suggest.h"

static GPtrArray **
array_of(const GasketCliGroup *group, const GasketCliOption *option)
{
    return (GPtrArray **)((char *)group->target + option->option.offset);
}

void
gasket_cli_set_defaults(const GasketCliGroup *groups, unsigned n_groups)
{
    for (unsigned g = 0; g < n_groups; g++) {
        const GasketCliOption *option = groups[g].options;
        for (; option != NULL && option->option.name != NULL; option++) {
            if (option->repeated) {
                *array_of(&groups[g], option) = g_ptr_array_new_with_free_func(g_free);
                continue;
            }
            GasketCliSingle single = gasket_cli_single(option);
            gasket_options_set_defaults(single.option, groups[g].target);
        }
    }
}

void
gasket_cli_clear_values(const GasketCliGroup *groups, unsigned n_groups)
{
    for (unsigned g = 0; g < n_groups; g++)
        for (const GasketCliOption *o = groups[g].options; o != NULL && o->option.name; o++)
            if (o->repeated)
                g_clear_pointer(array_of(&groups[g], o), g_ptr_array_unref);
}

/* ---- finding options ------------------------------------------------------------------------- */

/* By name, or by letter where name is NULL. */
static const GasketCliOption *
find(const GasketCliGroup *groups, unsigned n_groups, const char *name, char letter,
     const GasketCliGroup **ret_group)
{
    for (unsigned g = n_groups; g-- > 0;) {
        const GasketCliOption *option = groups[g].options;
        for (; option != NULL && option->option.name != NULL; option++) {
            if (name != NULL ? strcmp(option->option.name, name) == 0 : option->letter == letter) {
                *ret_group = &groups[g];
                return option;
            }
        }
    }
    return NULL;
}

static void
set_unknown(const GasketCliGroup *groups, unsigned n_groups, const char *name, GError **error)
{
    GasketSuggestion suggestion = {0};
    for (unsigned g = 0; g < n_groups; g++)
        for (const GasketCliOption *o = groups[g].options; o != NULL && o->option.name; o++)
            gasket_suggestion_offer(&suggestion, name, o->option.name);

    g_autofree char *printable = g_strescape(name, NULL);
    if (suggestion.nearest != NULL)
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "unknown option --%s; did you mean --%s?", printable, suggestion.nearest);
    else
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT, "unknown option --%s", printable);
}

/* ---- parsing --------------------------------------------------------------------------------- */

/* What one call of the parser knows. */
typedef struct {
    const GasketCliGroup *groups;
    unsigned n_groups;
    const char *const *words;
    int n, next;       /* word to read */
    GHashTable *given; /* of GasketCliOption * */
} Parser;

static bool
set_value(Parser *parser, const GasketCliGroup *group, const GasketCliOption *option,
          const char *value, GError **error)
{
    g_hash_table_add(parser->given, (void *)option);
    if (option->repeated && value != NULL) {
        g_ptr_array_add(*array_of(group, option), g_strdup(value));
        return true;
    }
    GasketCliSingle single = gasket_cli_single(option);
    return gasket_options_set(single.option, group->target, option->option.name, value, error);
}

/* Takes the next word as the value. One that looks like an option of ours is more likely a value
 * that was forgotten; --name=value passes such a value. */
static bool
set_from_next(Parser *parser, const GasketCliGroup *group, const GasketCliOption *option,
              GError **error)
{
    if (option->option.type == GASKET_OPTION_BOOL)
        return set_value(parser, group, option, NULL, error);

    const char *word = parser->next < parser->n ? parser->words[parser->next] : NULL;
    if (word != NULL && g_str_has_prefix(word, "--")) {
        const GasketCliGroup *other;
        if (word[2] == '\0' || find(parser->groups, parser->n_groups, word + 2, 0, &other) != NULL)
            word = NULL;
    }
    if (word != NULL)
        parser->next++;
    return set_value(parser, group, option, word, error);
}

static bool
parse_long(Parser *parser, const char *word, GError **error)
{
    const char *equals = strchr(word, '=');
    g_autofree char *name =
        equals != NULL ? g_strndup(word, (gsize)(equals - word)) : g_strdup(word);
    const GasketCliGroup *group;
    const GasketCliOption *option = find(parser->groups, parser->n_groups, name, 0, &group);

    if (option == NULL) {
        set_unknown(parser->groups, parser->n_groups, name, error);
        return false;
    }
    return equals != NULL ? set_value(parser, group, option, equals + 1, error)
                          : set_from_next(parser, group, option, error);
}

/* -o value, -ovalue, and flags together: -qo value. */
static bool
parse_letters(Parser *parser, const char *letters, GError **error)
{
    for (; *letters != '\0'; letters++) {
        const GasketCliGroup *group;
        const GasketCliOption *option =
            find(parser->groups, parser->n_groups, NULL, *letters, &group);
        if (option == NULL) {
            const char letter[] = {*letters, '\0'};
            g_autofree char *printable = g_strescape(letter, NULL);
            g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT, "unknown option -%s",
                        printable);
            return false;
        }
        if (option->option.type != GASKET_OPTION_BOOL && letters[1] != '\0')
            return set_value(parser, group, option, letters + 1, error);
        if (!set_from_next(parser, group, option, error))
            return false;
    }
    return true;
}

static bool
check_required(const Parser *parser, GError **error)
{
    for (unsigned g = 0; g < parser->n_groups; g++) {
        const GasketCliOption *option = parser->groups[g].options;
        for (; option != NULL && option->option.name != NULL; option++) {
            if (!option->option.required || g_hash_table_contains(parser->given, option))
                continue;
            g_autofree char *value_name = gasket_cli_value_name(option);
            g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT, "--%s %s is required",
                        option->option.name, value_name != NULL ? value_name : "");
            return false;
        }
    }
    return true;
}

bool
gasket_cli_parse(const GasketCliGroup *groups, unsigned n_groups, int n, const char *const *words,
                 GPtrArray *arguments, bool *ret_help, GError **error)
{
    g_autoptr(GHashTable) given = g_hash_table_new(NULL, NULL);
    Parser parser = {groups, n_groups, words, n, 0, given};
    bool ended = false;

    while (parser.next < n) {
        const char *word = words[parser.next++];
        if (ended || word[0] != '-' || word[1] == '\0') {
            g_ptr_array_add(arguments, (void *)word);
        } else if (strcmp(word, "--") == 0) {
            ended = true;
        } else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
            *ret_help = true;
            return true;
        } else if (!(word[1] == '-' ? parse_long(&parser, word + 2, error)
                                    : parse_letters(&parser, word + 1, error))) {
            return false;
        }
    }
    if (!check_required(&parser, error))
        return false;
    *ret_help = false;
    return true;
}

/* ---- for help -------------------------------------------------------------------------------- */

char *
gasket_cli_value_name(const GasketCliOption *option)
{
    if (option->option.value_name != NULL)
        return g_strdup(option->option.value_name);
    switch (option->option.type) {
    case GASKET_OPTION_BOOL:
        return NULL;
    case GASKET_OPTION_INT:
        return g_strdup("N");
    case GASKET_OPTION_DOUBLE:
        return g_strdup("X");
    case GASKET_OPTION_STRING:
        return g_strdup("TEXT");
    case GASKET_OPTION_CHOICE:
        return g_strjoinv("|", (char **)option->option.choices);
    case GASKET_OPTION_COLUMN:
    case GASKET_OPTION_FEATURES:
        return g_strdup("FILE");
    }
    g_assert_not_reached();
}

GasketCliOption *
gasket_cli_wrap_options(const GasketOption *options)
{
    unsigned n = 0;
    while (options != NULL && options[n].name != NULL)
        n++;
    GasketCliOption *wrapped = g_new0(GasketCliOption, n + 1);
    for (unsigned i = 0; i < n; i++)
        wrapped[i].option = options[i];
    return wrapped;
}
