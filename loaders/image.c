/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images as models for denoising: PGM and PPM, plain (P2, P3) and raw (P5, P6).
 *
 *   x00 ── x01 ── x02       pixel (row, column) is variable row * width + column
 *    │      │      │
 *   x10 ── x11 ── x12
 *
 *   prior of x:    exp(-(grey(x) - grey of the pixel)^2 / (2 noise^2)), grey in [0, 1], scaled
 *                  so that the largest is 1
 *   neighbours:    exp(smoothing) if they are equal, else 1 (Potts; Ising with 2 levels)
 *
 * State x of L levels has the grey value x / (L - 1). Colours become grey by their luminance
 * (ITU-R BT.601).
 */
#include <math.h>
#include <string.h>

#include "engine/array.h"
#include "loaders/model_format.h"

typedef struct {
    GasketTokens *tokens;
    uint64_t width, height, most; /* most: the value of white */
    unsigned channels;
    bool raw;
    const uint8_t *bytes; /* raw: where the next value stands */
} Image;

static bool
read_head(Image *image, const GasketModelOptions *options, uint32_t levels, GError **error)
{
    GasketToken magic = gasket_tokens_next(image->tokens);
    uint64_t most = gasket_model_max_states(options) / levels;

    if (magic.text == NULL || magic.size != 2 || magic.text[0] != 'P' ||
        strchr("2356", magic.text[1]) == NULL)
        return gasket_tokens_refuse(image->tokens, &magic, error, "P2, P3, P5 or P6");
    image->raw = magic.text[1] >= '5';
    image->channels = magic.text[1] == '3' || magic.text[1] == '6' ? 3 : 1;
    if (!gasket_tokens_count(image->tokens, 1, most, "a width", &image->width, error) ||
        !gasket_tokens_count(image->tokens, 1, most / image->width, "a height", &image->height,
                             error) ||
        !gasket_tokens_count(image->tokens, 1, 65535, "the value of white", &image->most, error))
        return false;
    if (!image->raw)
        return true;
    size_t bytes = image->width * image->height * image->channels * (image->most > 255 ? 2 : 1);
    image->bytes = (const uint8_t *)gasket_tokens_raw(image->tokens, bytes);
    if (image->bytes != NULL)
        return true;
    GasketToken end = {.line = gasket_tokens_peek(image->tokens).line};
    return gasket_tokens_refuse(image->tokens, &end, error, "%zu bytes of pixels", bytes);
}

static bool
read_value(Image *image, double *ret_value, GError **error)
{
    uint64_t value;
    if (image->raw) {
        value = *image->bytes++;
        if (image->most > 255)
            value = value << 8 | *image->bytes++;
        value = MIN(value, image->most);
    } else if (!gasket_tokens_count(image->tokens, 0, image->most, "the value of a pixel", &value,
                                    error)) {
        return false;
    }
    *ret_value = (double)value / (double)image->most;
    return true;
}

static bool
read_grey(Image *image, double *ret_grey, GError **error)
{
    double value[3];
    for (unsigned c = 0; c < image->channels; c++)
        if (!read_value(image, &value[c], error))
            return false;
    *ret_grey =
        image->channels == 1 ? value[0] : 0.299 * value[0] + 0.587 * value[1] + 0.114 * value[2];
    return true;
}

static bool
add_pixels(Image *image, GasketFactorGraph *model, uint32_t levels, double noise, double *prior,
           GError **error)
{
    for (uint64_t i = 0; i < image->width * image->height; i++) {
        int64_t id = (int64_t)i;
        double grey;
        if (!read_grey(image, &grey, error) ||
            !gasket_factor_graph_add_variable(model, id, levels, error))
            return false;
        /* The nearest level has 1: a factor of all that must not underflow. */
        double nearest = INFINITY;
        for (uint32_t x = 0; x < levels; x++) {
            double off = (x / (levels - 1.0) - grey) / noise;
            prior[x] = 0.5 * off * off;
            nearest = fmin(nearest, prior[x]);
        }
        for (uint32_t x = 0; x < levels; x++)
            prior[x] = exp(nearest - prior[x]);
        if (!gasket_factor_graph_add_factor(model, 1, &id, levels, prior, error))
            return false;
    }
    return true;
}

static bool
add_neighbours(const Image *image, GasketFactorGraph *model, uint32_t levels, double smoothing,
               double *table, GError **error)
{
    for (uint32_t x = 0; x < levels; x++)
        for (uint32_t y = 0; y < levels; y++)
            table[x * levels + y] = x == y ? exp(smoothing) : 1;
    for (uint64_t i = 0; i < image->width * image->height; i++) {
        const int64_t id = (int64_t)i, width = (int64_t)image->width;
        const int64_t right[] = {id, id + 1}, down[] = {id, id + width};
        size_t size = (size_t)levels * levels;
        if ((i + 1) % image->width != 0 &&
            !gasket_factor_graph_add_factor(model, 2, right, size, table, error))
            return false;
        if (i + image->width < image->width * image->height &&
            !gasket_factor_graph_add_factor(model, 2, down, size, table, error))
            return false;
    }
    return true;
}

static bool
load(GasketTokens *tokens, GasketFactorGraph *model, const GasketModelOptions *options,
     GError **error)
{
    Image image = {.tokens = tokens};
    uint32_t levels = options->levels > 0 ? options->levels : 2;
    double noise = options->levels > 0 ? options->noise : 0.25;
    double smoothing = options->levels > 0 ? options->smoothing : 1;

    if (levels < 2 || levels > 256 || !(noise > 0) || !(smoothing >= 0 && smoothing <= 500)) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "found %u levels, noise %g and smoothing %g, expected 2 to 256 levels, noise "
                    "above 0 and smoothing from 0 to 500",
                    levels, noise, smoothing);
        return false;
    }
    if (!read_head(&image, options, levels, error))
        return false;
    double *table = gasket_array_new((uint64_t)levels * levels, sizeof *table, error);
    bool read = table != NULL && add_pixels(&image, model, levels, noise, table, error) &&
                (image.raw || gasket_tokens_end(tokens, error)) &&
                add_neighbours(&image, model, levels, smoothing, table, error);
    gasket_array_free(table);
    return read;
}

const GasketModelFormat gasket_model_image = {
    .name = "image",
    .extensions = "pgm ppm",
    .comment = '#',
    .load = load,
};
