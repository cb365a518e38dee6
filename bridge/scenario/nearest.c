/* SPDX-License-Identifier: BSD-3-Clause */
#include "scenario/nearest.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Words that are longer are not compared: nobody mistypes those so that a hint helps. */
#define WORD_MAX 40

/* Edits (insert, delete, replace, swap neighbours) from a to b, letter case aside. */
static unsigned edit_distance(const char *a, const char *b)
{
    size_t a_len = strlen(a), b_len = strlen(b);
    unsigned rows[3][WORD_MAX + 1], *before_last = rows[0], *last = rows[1], *now = rows[2];

    for (size_t j = 0; j <= b_len; j++)
        last[j] = (unsigned)j;
    for (size_t i = 1; i <= a_len; i++) {
        unsigned *swap = before_last;

        now[0] = (unsigned)i;
        for (size_t j = 1; j <= b_len; j++) {
            int ca = tolower((unsigned char)a[i - 1]), cb = tolower((unsigned char)b[j - 1]);
            unsigned best = last[j - 1] + (ca != cb);

            if (last[j] + 1 < best)
                best = last[j] + 1;
            if (now[j - 1] + 1 < best)
                best = now[j - 1] + 1;
            if (i > 1 && j > 1 && ca == tolower((unsigned char)b[j - 2]) &&
                tolower((unsigned char)a[i - 2]) == cb && before_last[j - 2] + 1 < best)
                best = before_last[j - 2] + 1;
            now[j] = best;
        }
        before_last = last;
        last = now;
        now = swap;
    }
    return last[b_len];
}

void ttb__nearest_init(struct ttb__nearest *nearest, const char *word)
{
    size_t length = strlen(word);

    *nearest = (struct ttb__nearest){.word = word};
    /* The first distance that is too large to be a slip of the finger. */
    nearest->distance = length <= 2 ? 2 : length <= 5 ? 3 : 4;
}

void ttb__nearest_try(struct ttb__nearest *nearest, const char *candidate)
{
    unsigned distance;

    if (strlen(nearest->word) > WORD_MAX || strlen(candidate) > WORD_MAX || !*candidate)
        return;
    distance = edit_distance(nearest->word, candidate);
    /* Nothing is like a word of which no letter is left. */
    if (distance >= strlen(candidate) || distance >= strlen(nearest->word))
        return;
    if (distance < nearest->distance) {
        nearest->distance = distance;
        nearest->best = candidate;
    }
}

const char *ttb__nearest_hint(const struct ttb__nearest *nearest, char *text, size_t size)
{
    if (nearest->best)
        snprintf(text, size, "; did you mean \"%s\"?", nearest->best);
    else
        text[0] = 0;
    return text;
}
