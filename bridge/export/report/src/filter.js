/* SPDX-License-Identifier: BSD-3-Clause */
/* Which frames are shown. An expression becomes a test of what is cheap (rows) and one of what takes
 * the frame's bytes; the latter goes through the trace bit by bit. */
import { breathe } from "./dom.js";
import { decode } from "./decode.js";
import { ARRIVED, BAD, DELIVERED, DROPPED, GONE, LOST, RECEIVED, SENT, SIDE, TRANSMITTED } from "./model.js";

const PROTOCOLS = new Set(["tcp", "udp", "icmp", "icmpv6", "arp", "dns", "dhcp", "igmp", "sctp", "ospf", "gre", "ttb"]);

/* What a term tests: {row: fn(model, row)} or {head: fn(decoding)}, or an {error}. */
function parseTerm(term, model) {
    const { what, place, length, packet } = model.frames;
    const lower = term.toLowerCase();
    const compare = /^len(<=|>=|<|>|=)(\d+)$/.exec(lower);
    const [, key, value] = /^([a-z]+):(.*)$/.exec(lower) ?? [];
    switch (lower) {
    case "sent":
        return { row: (row) => what[row] === TRANSMITTED || what[row] === SENT };
    case "received":
        return { row: (row) => what[row] === DELIVERED || what[row] === RECEIVED };
    case "dropped":
        return { row: (row) => what[row] === DROPPED };
    case "lost":
        return { row: (row) => what[row] === LOST || (what[row] === TRANSMITTED && model.fate[row] === GONE) };
    case "bad":
        return { row: (row) => SIDE[what[row]] === BAD || (what[row] === TRANSMITTED && model.fate[row] === GONE) };
    case "arrived":
        return { row: (row) => model.fate[model.origin[row]] === ARRIVED };
    case "ip":
        return { head: (d) => d.version !== undefined };
    case "ipv4":
        return { head: (d) => d.version === 4 };
    case "ipv6":
        return { head: (d) => d.version === 6 };
    }
    if (PROTOCOLS.has(lower))
        return { head: (d) => d.protocol.toLowerCase() === lower || d.layers.some((l) => l.name.toLowerCase() === lower) };
    if (compare) {
        const limit = Number(compare[2]);
        const tests = {
            "<": (row) => length[row] < limit, ">": (row) => length[row] > limit,
            "<=": (row) => length[row] <= limit, ">=": (row) => length[row] >= limit,
            "=": (row) => length[row] === limit,
        };
        return { row: tests[compare[1]] };
    }
    if (key === "node" || key === "place" || key === "link") {
        if (!value) return { error: `${key}: which?` };
        const named = model.facts.places.map((p) =>
            key === "node" ? p.owner.name.toLowerCase() === value
            : key === "place" ? p.label.toLowerCase() === value
            : (model.linkNames.get(p.link) ?? "").toLowerCase() === value);
        if (!named.includes(true)) return { error: `there is no ${key} "${value}"` };
        return { row: (row) => place[row] >= 0 && named[place[row]] };
    }
    if (key === "packet") return { row: (row) => packet[row] === Number(value) };
    if (key === "port") return { head: (d) => d.ports !== null && d.ports.includes(Number(value)) };
    if (key === "ip")
        return { head: (d) => d.source === value || d.destination === value || (d.addresses?.includes(value) ?? false) };
    if (key === "reason") return { row: (row) => model.reasonOf(row).toLowerCase().includes(value) };
    return {
        head: (d) => `${d.source} ${d.destination} ${d.protocol} ${d.info}`.toLowerCase().includes(lower),
    };
}

/** @return {terms, error, needsHeads}; no terms: everything */
export function parse(text, model) {
    const terms = [];
    for (let word of text.split(/\s+/).filter(Boolean)) {
        const not = word.startsWith("-") && word.length > 1;
        if (not) word = word.slice(1);
        const term = parseTerm(word, model);
        if (term.error) return { terms: [], error: term.error };
        terms.push({ ...term, not });
    }
    return { terms, needsHeads: terms.some((term) => term.head) };
}

/** Which rows pass. `hidden` participants' do not. Calls progress(done, rows so far).
 * @return {rows: Uint32Array, mask: Uint8Array} or null if stopped; rows null: all of them */
export async function apply(model, { terms }, hidden, stop, progress) {
    if (!terms.length && !hidden.size) return { rows: null, mask: null };
    const mask = new Uint8Array(model.rows), rows = new Uint32Array(model.rows);
    const byRow = terms.filter((term) => term.row), byHead = terms.filter((term) => term.head);
    const { place, length } = model.frames;
    const shown = model.facts.places.map((p) => !hidden.has(p.owner.index));
    let count = 0;
    for (let row = 0; row < model.rows; row++) {
        if (place[row] >= 0 && !shown[place[row]]) continue;
        if (byRow.every((term) => term.row(row) !== term.not)) rows[count++] = row;
        if ((row & 0x3ffff) === 0x3ffff) {
            await breathe();
            if (stop()) return null;
        }
    }
    const candidates = rows.slice(0, count);
    if (byHead.length) {
        /* Frames that several places saw share their bytes: decode them once. */
        let lastHead = -2, lastResult = false;
        const heads = model.frames.head;
        count = 0;
        const test = (row, data) => {
            if (heads[row] !== lastHead || lastHead < 0) {
                const decoding = decode(data, length[row]);
                lastResult = byHead.every((term) => term.head(decoding) !== term.not);
                lastHead = heads[row];
            }
            if (lastResult) rows[count++] = row;
        };
        if (!(await model.eachWithHead(candidates, test, stop, (done) => progress(done, count)))) return null;
    }
    const result = rows.slice(0, count);
    for (let i = 0; i < count; i++) mask[result[i]] = 1;
    return { rows: result, mask };
}
