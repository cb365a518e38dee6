/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers for people. Times are in ns. */

/** "1.634365961 s": all there is, exactly. */
export function exactTime(ns) {
    if (!(ns >= 0)) return "-" + exactTime(-ns);
    const seconds = Math.floor(ns / 1e9);
    return `${seconds}.${String(Math.round(ns - seconds * 1e9)).padStart(9, "0")} s`;
}

/** "12.3 ms": a duration, three digits. */
export function duration(ns) {
    const abs = Math.abs(ns);
    if (abs < 1e3) return `${Math.round(ns)} ns`;
    const [unit, scale] = abs < 1e6 ? ["µs", 1e3] : abs < 1e9 ? ["ms", 1e6] : ["s", 1e9];
    return `${Number((ns / scale).toPrecision(abs < 1e12 ? 4 : 7))} ${unit}`;
}

/** A time of which only steps of `stepNs` matter. */
export function shortTime(ns, stepNs) {
    const digits = Math.min(9, Math.max(0, Math.ceil(-Math.log10(stepNs / 1e9) - 1e-9)));
    return `${(ns / 1e9).toFixed(digits)} s`;
}

export function count(n) {
    return n.toLocaleString("en-GB");
}

export function bytes(n) {
    if (n < 10000) return `${count(n)} B`;
    for (const unit of ["kB", "MB", "GB", "TB"]) {
        n /= 1000;
        if (n < 1000) return `${Number(n.toPrecision(4))} ${unit}`;
    }
    return `${count(Math.round(n))} PB`;
}

export function rate(bps) {
    for (const [unit, scale] of [["Gbit/s", 1e9], ["Mbit/s", 1e6], ["kbit/s", 1e3]])
        if (bps >= scale) return `${Number((bps / scale).toPrecision(4))} ${unit}`;
    return `${Number(bps.toPrecision(3))} bit/s`;
}

export function percent(part, whole) {
    return whole ? `${((100 * part) / whole).toFixed(1)} %` : "";
}

export function plural(n, one, many = one + "s") {
    return `${count(n)} ${n === 1 ? one : many}`;
}

const utf8 = new TextDecoder();

/** Bytes as text in which control characters can be seen. */
export function plain(data) {
    // eslint-disable-next-line no-control-regex
    return utf8.decode(data).replace(/[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]/g, (c) => {
        const code = c.charCodeAt(0);
        return code < 0x20 ? String.fromCharCode(0x2400 + code) : code === 0x7f ? "\u2421" : "\ufffd";
    });
}

/** First index with array[index] >= value, of a sorted array. */
export function lowerBound(array, value, low = 0, high = array.length) {
    while (low < high) {
        const middle = (low + high) >>> 1;
        if (array[middle] < value) low = middle + 1;
        else high = middle;
    }
    return low;
}
