/* SPDX-License-Identifier: BSD-3-Clause */
#include "scenario/units.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define NS_PER_S UINT64_C(1000000000)

/* Digits that are looked at: more than any value here can have. */
#define DIGITS_MAX 30

struct unit {
    const char *name;
    uint64_t factor;
    bool printed; /* the canonical form uses it */
};

struct quantity {
    const char *article_name; /* "a time" */
    const char *example;
    const char *whole; /* what there is a whole number of */
    const char *regex;
    bool bare; /* a number without unit is lawful, in the unit of factor `bare_factor` */
    uint64_t bare_factor;
    const struct unit *units; /* the largest first; ends with a NULL name */
};

static const struct unit times[] = {
    {"d", 86400 * NS_PER_S, false},
    {"h", 3600 * NS_PER_S, false},
    {"min", 60 * NS_PER_S, false},
    {"s", NS_PER_S, true},
    {"ms", 1000000, true},
    {"us", 1000, true},
    {"\xc2\xb5s", 1000, false}, /* micro sign */
    {"ns", 1, true},
    {NULL, 0, false},
};

static const struct unit rates[] = {
    {"Tbps", UINT64_C(1000000000000), false},
    {"Gbps", 1000000000, true},
    {"Mbps", 1000000, true},
    {"kbps", 1000, true},
    {"bps", 1, true},
    {"Tbit/s", UINT64_C(1000000000000), false},
    {"Gbit/s", 1000000000, false},
    {"Mbit/s", 1000000, false},
    {"kbit/s", 1000, false},
    {"bit/s", 1, false},
    {NULL, 0, false},
};

static const struct unit sizes[] = {
    {"G", UINT64_C(1) << 30, true},
    {"M", UINT64_C(1) << 20, true},
    {"K", UINT64_C(1) << 10, true},
    {"GiB", UINT64_C(1) << 30, false},
    {"MiB", UINT64_C(1) << 20, false},
    {"KiB", UINT64_C(1) << 10, false},
    {"GB", 1000000000, false},
    {"MB", 1000000, false},
    {"kB", 1000, false},
    {"B", 1, false},
    {NULL, 0, false},
};

static const struct unit fractions[] = {
    {"%", 10000000, true},
    {NULL, 0, false},
};

static const struct unit lengths[] = {
    {"km", 1000000, false}, {"m", 1000, true}, {"cm", 10, false}, {"mm", 1, true}, {NULL, 0, false},
};

static const struct unit none[] = {{NULL, 0, false}};

static const struct quantity quantities[] = {
    [TTB__QUANTITY_TIME] = {"a time", "10ms", "nanoseconds",
                            "^(0|[0-9]+(\\.[0-9]+)? ?(d|h|min|s|ms|us|\xc2\xb5s|ns))$", false, 0,
                            times},
    [TTB__QUANTITY_RATE] = {"a rate", "100Mbps", "bit/s",
                            "^[0-9]+(\\.[0-9]+)? ?[TGMk]?(bps|bit/s)$", false, 0, rates},
    [TTB__QUANTITY_BYTES] = {"a size", "64M", "bytes",
                             "^[0-9]+(\\.[0-9]+)? ?([GMK](iB)?|[GMk]?B)?$", true, 1, sizes},
    [TTB__QUANTITY_FRACTION] = {"a fraction", "10%", "billionths",
                                "^([0-9]+(\\.[0-9]+)? ?%|[01](\\.[0-9]+)?)$", true, NS_PER_S,
                                fractions},
    [TTB__QUANTITY_LENGTH] = {"a length", "2.5m", "millimetres",
                              "^-?[0-9]+(\\.[0-9]+)? ?(km|m|cm|mm)?$", true, 1000, lengths},
    [TTB__QUANTITY_COUNT] = {"a whole number", "5", "ones", "^[0-9]+$", true, 1, none},
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

const char *ttb__quantity_regex(enum ttb__quantity quantity)
{
    return quantities[quantity].regex;
}

/* "ns, us, ms, s, min, h or d": the units that exist, the smallest first. */
static void list_units(const struct quantity *q, char *list, size_t size)
{
    size_t count = 0, used = 0;

    while (q->units[count].name)
        count++;
    list[0] = 0;
    for (size_t i = count; i-- > 0 && used < size;) {
        if (strchr(q->units[i].name, '/') || (unsigned char)q->units[i].name[0] >= 0x80)
            continue;
        used += (size_t)snprintf(list + used, size - used, "%s%s",
                                 used == 0 ? ""
                                 : i == 0  ? " or "
                                           : ", ",
                                 q->units[i].name);
    }
}

/* A unit was not found: perhaps it only has the wrong case, e.g. "mbps". */
static int unknown_unit(const struct quantity *q, const char *text, const char *unit,
                        struct ttb__error *error)
{
    char list[160];

    list_units(q, list, sizeof(list));
    if (!list[0])
        return ttb__fail(error, -EINVAL, "\"%.80s\" is not %s", text, q->article_name);
    for (const struct unit *u = q->units; u->name; u++) {
        if (strcasecmp(u->name, unit) == 0)
            return ttb__fail(error, -EINVAL,
                             "\"%.80s\": there is no unit \"%.20s\"; did you mean \"%s\"?", text,
                             unit, u->name);
    }
    return ttb__fail(error, -EINVAL, "\"%.80s\": there is no unit \"%.20s\" for %s: use %s", text,
                     unit, q->article_name, list);
}

/* Reads digits and decimals into a mantissa; trailing zeros of the decimals do not count. */
static int parse_number(const struct quantity *q, const char **text, unsigned __int128 *mantissa,
                        unsigned *decimals, const char *whole_text, struct ttb__error *error)
{
    const char *at = *text, *end;
    unsigned digits = 0;

    *mantissa = 0;
    *decimals = 0;
    if (!is_digit(*at))
        return ttb__fail(error, -EINVAL, "\"%.80s\" is not %s, such as \"%s\"", whole_text,
                         q->article_name, q->example);
    for (; is_digit(*at); at++) {
        if (*mantissa || *at != '0')
            digits++;
        if (digits > DIGITS_MAX)
            return ttb__fail(error, -EINVAL, "\"%.80s\" is too large", whole_text);
        *mantissa = *mantissa * 10 + (unsigned)(*at - '0');
    }
    if (*at == '.') {
        at++;
        if (!is_digit(*at))
            return ttb__fail(error, -EINVAL, "\"%.80s\": digits are missing after the point",
                             whole_text);
        for (end = at; is_digit(*end); end++)
            ;
        *text = end;
        while (end > at && end[-1] == '0')
            end--;
        for (; at < end; at++) {
            if (++digits > DIGITS_MAX)
                return ttb__fail(error, -EINVAL, "\"%.80s\" has too many digits", whole_text);
            *mantissa = *mantissa * 10 + (unsigned)(*at - '0');
            ++*decimals;
        }
        return 0;
    }
    *text = at;
    return 0;
}

/* mantissa * factor / 10^decimals, exactly. */
static int scale(const struct quantity *q, const char *text, unsigned __int128 mantissa,
                 unsigned decimals, uint64_t factor, uint64_t *value, struct ttb__error *error)
{
    unsigned __int128 product;

    /* Takes the tens out of both first: then what is left has the room it needs. */
    while (decimals > 0 && factor % 10 == 0) {
        factor /= 10;
        decimals--;
    }
    if (__builtin_mul_overflow(mantissa, (unsigned __int128)factor, &product))
        return ttb__fail(error, -EINVAL, "\"%.80s\" is too large", text);
    for (; decimals > 0; decimals--) {
        if (product % 10 != 0)
            return ttb__fail(error, -EINVAL, "\"%.80s\" is not a whole number of %s", text,
                             q->whole);
        product /= 10;
    }
    if (product > UINT64_MAX)
        return ttb__fail(error, -EINVAL, "\"%.80s\" is too large", text);
    *value = (uint64_t)product;
    return 0;
}

int ttb__quantity_parse(enum ttb__quantity quantity, const char *text, bool *negative,
                        uint64_t *value, struct ttb__error *error)
{
    const struct quantity *q = &quantities[quantity];
    const struct unit *unit;
    const char *at = text;
    unsigned __int128 mantissa;
    unsigned decimals;
    uint64_t factor;
    bool minus = *text == '-';
    int rc;

    if (minus && !negative)
        return ttb__fail(error, -EINVAL, "\"%.80s\" is negative", text);
    at += minus;
    rc = parse_number(q, &at, &mantissa, &decimals, text, error);
    if (rc < 0)
        return rc;
    if (*at == ' ' && q->units->name)
        at++;
    if (!*at) {
        char list[160];

        list_units(q, list, sizeof(list));
        if (!q->bare && mantissa != 0)
            return ttb__fail(error, -EINVAL, "\"%.80s\" has no unit: use %s", text, list);
        factor = q->bare_factor;
    } else {
        for (unit = q->units; unit->name && strcmp(unit->name, at) != 0; unit++)
            ;
        if (!unit->name)
            return unknown_unit(q, text, at, error);
        factor = unit->factor;
    }
    rc = scale(q, text, mantissa, decimals, factor, value, error);
    if (rc < 0)
        return rc;
    if (quantity == TTB__QUANTITY_FRACTION && *value > NS_PER_S)
        return ttb__fail(error, -EINVAL, "\"%.80s\" is more than 100%%", text);
    if (negative)
        *negative = minus && *value != 0;
    return 0;
}

/* value / factor, which may have decimals: exact, as factors here divide a power of ten. */
static void print_decimal(uint64_t value, uint64_t factor, const char *unit,
                          char text[TTB__QUANTITY_TEXT])
{
    uint64_t rest = value % factor;
    char decimals[24] = "";
    unsigned count = 0;

    if (rest) {
        decimals[count++] = '.';
        while (rest) {
            rest *= 10;
            decimals[count++] = (char)('0' + rest / factor);
            rest %= factor;
        }
    }
    snprintf(text, TTB__QUANTITY_TEXT, "%" PRIu64 "%.*s%s", value / factor, (int)count, decimals,
             unit);
}

void ttb__quantity_print(enum ttb__quantity quantity, bool negative, uint64_t value,
                         char text[TTB__QUANTITY_TEXT])
{
    const struct unit *unit = quantities[quantity].units, *last = NULL;

    if (quantity == TTB__QUANTITY_FRACTION) {
        print_decimal(value, unit->factor, unit->name, text);
        return;
    }
    for (; unit->name; unit++) {
        if (!unit->printed)
            continue;
        last = unit;
        if (value && value % unit->factor == 0)
            break;
    }
    if (!unit->name)
        unit = last;
    /* Sizes that are no multiple of 1024 have no unit, nor have counts. */
    if (!unit || (quantity == TTB__QUANTITY_BYTES && value % unit->factor != 0))
        snprintf(text, TTB__QUANTITY_TEXT, "%" PRIu64, value);
    else
        snprintf(text, TTB__QUANTITY_TEXT, "%s%" PRIu64 "%s", negative ? "-" : "",
                 value / unit->factor, unit->name);
    if (value == 0)
        snprintf(text, TTB__QUANTITY_TEXT, "%s",
                 quantity == TTB__QUANTITY_TIME     ? "0s"
                 : quantity == TTB__QUANTITY_RATE   ? "0bps"
                 : quantity == TTB__QUANTITY_LENGTH ? "0m"
                                                    : "0");
}

/* ------------------------------------------------------------------------------------- dates */

/* Days since 1970-01-01 in the Gregorian calendar. */
static uint64_t days_since_1970(unsigned year, unsigned month, unsigned day)
{
    /* Years begin in March here, so that the leap day is the last of the year. */
    unsigned y = month <= 2 ? year - 1 : year;
    unsigned m = month <= 2 ? month + 9 : month - 3;

    return (uint64_t)y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 1 - 719468;
}

static unsigned days_in_month(unsigned year, unsigned month)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month == 2 && leap ? 29 : days[month - 1];
}

int ttb__date_parse(const char *text, uint64_t *time_ns, struct ttb__error *error)
{
    static const char pattern[] = "dddd-dd-ddTdd:dd:dd";
    unsigned f[6] = {0}, field = 0;
    uint64_t seconds, fraction = 0;
    size_t i;

    for (i = 0; pattern[i]; i++) {
        if (pattern[i] == 'd' ? !is_digit(text[i]) : text[i] != pattern[i])
            goto malformed;
        if (pattern[i] == 'd')
            f[field] = f[field] * 10 + (unsigned)(text[i] - '0');
        else
            field++;
    }
    if (text[i] == '.') {
        uint64_t weight = NS_PER_S;

        if (!is_digit(text[++i]))
            goto malformed;
        for (; is_digit(text[i]); i++) {
            weight /= 10;
            if (!weight && text[i] != '0')
                return ttb__fail(error, -EINVAL, "\"%.80s\" is not a whole number of nanoseconds",
                                 text);
            fraction += weight * (unsigned)(text[i] - '0');
        }
    }
    if (strcmp(text + i, "Z") != 0)
        goto malformed;
    if (f[1] < 1 || f[1] > 12 || f[2] < 1 || f[2] > days_in_month(f[0], f[1]) || f[3] > 23 ||
        f[4] > 59 || f[5] > 59)
        return ttb__fail(error, -EINVAL, "\"%.80s\": there is no such date", text);
    if (f[0] < 1970 || f[0] > 2254)
        return ttb__fail(error, -EINVAL, "\"%.80s\" lies outside of the years 1970 to 2254", text);
    seconds = days_since_1970(f[0], f[1], f[2]) * 86400 + f[3] * 3600 + f[4] * 60 + f[5];
    *time_ns = seconds * NS_PER_S + fraction;
    return 0;
malformed:
    return ttb__fail(error, -EINVAL, "\"%.80s\" is not a date such as \"2025-01-01T00:00:00Z\"",
                     text);
}

void ttb__date_print(uint64_t time_ns, char text[TTB__QUANTITY_TEXT])
{
    uint64_t seconds = time_ns / NS_PER_S, days = seconds / 86400;
    unsigned year = 1970, month = 1, second = (unsigned)(seconds % 86400), length;
    char fraction[TTB__QUANTITY_TEXT] = "0";

    while (days >= (length = days_in_month(year, 2) == 29 ? 366 : 365)) {
        days -= length;
        year++;
    }
    while (days >= (length = days_in_month(year, month))) {
        days -= length;
        month++;
    }
    if (time_ns % NS_PER_S)
        print_decimal(time_ns % NS_PER_S, NS_PER_S, "", fraction);
    snprintf(text, TTB__QUANTITY_TEXT, "%04u-%02u-%02uT%02u:%02u:%02u%.10sZ", year, month,
             (unsigned)days + 1, second / 3600, second / 60 % 60, second % 60, fraction + 1);
}

/* ------------------------------------------------------------------------------------ ranges */

int ttb__range_parse(enum ttb__quantity quantity, const char *text, uint64_t *min, uint64_t *max,
                     struct ttb__error *error)
{
    static const struct {
        char text[3];
        bool lower, upper; /* bounds that it sets */
        int step;          /* from the number to the bound */
    } operators[] = {
        {"==", true, true, 0}, {">=", true, false, 0}, {"<=", false, true, 0},
        {">", true, false, 1}, {"<", false, true, -1}, {"", true, true, 0},
    };
    const char *at = text, *dots = strstr(text, "..");
    uint64_t value;
    size_t i = 0;
    int rc;

    *min = 0;
    *max = UINT64_MAX;
    if (dots) {
        char low[64];

        if ((size_t)(dots - text) >= sizeof(low))
            return ttb__fail(error, -EINVAL, "\"%.80s\" is too long", text);
        memcpy(low, text, (size_t)(dots - text));
        low[dots - text] = 0;
        rc = ttb__quantity_parse(quantity, low, NULL, min, error);
        if (rc == 0)
            rc = ttb__quantity_parse(quantity, dots + 2, NULL, max, error);
        if (rc == 0 && *min > *max)
            rc = ttb__fail(error, -EINVAL, "\"%.80s\": nothing lies in that range", text);
        return rc;
    }
    while (strncmp(text, operators[i].text, strlen(operators[i].text)) != 0)
        i++;
    at += strlen(operators[i].text);
    while (*at == ' ')
        at++;
    if (!is_digit(*at))
        return ttb__fail(error, -EINVAL,
                         "\"%.80s\" is not a range, such as \"5\", \">=5\", \"2..5\"", text);
    rc = ttb__quantity_parse(quantity, at, NULL, &value, error);
    if (rc < 0)
        return rc;
    if ((operators[i].step < 0 && value == 0) || (operators[i].step > 0 && value == UINT64_MAX))
        return ttb__fail(error, -EINVAL, "\"%.80s\": no number is", text);
    value += (uint64_t)(int64_t)operators[i].step;
    if (operators[i].lower)
        *min = value;
    if (operators[i].upper)
        *max = value;
    return 0;
}

void ttb__range_print(enum ttb__quantity quantity, uint64_t min, uint64_t max,
                      char text[TTB__RANGE_TEXT])
{
    char low[TTB__QUANTITY_TEXT], high[TTB__QUANTITY_TEXT];

    ttb__quantity_print(quantity, false, min, low);
    ttb__quantity_print(quantity, false, max, high);
    if (min == max)
        snprintf(text, TTB__RANGE_TEXT, "%s", low);
    else if (max == UINT64_MAX)
        snprintf(text, TTB__RANGE_TEXT, ">=%s", low);
    else if (min == 0)
        snprintf(text, TTB__RANGE_TEXT, "<=%s", high);
    else
        snprintf(text, TTB__RANGE_TEXT, "%s..%s", low, high);
}
