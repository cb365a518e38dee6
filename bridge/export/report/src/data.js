/* SPDX-License-Identifier: BSD-3-Clause */
/* The tables that ttb put into the page: base64 of deflated blocks, each of them column by column.
 * doc/report.md tells the columns. */
import { breathe } from "./dom.js";

function fromBase64(text) {
    if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
    const binary = atob(text);
    const data = new Uint8Array(binary.length);
    for (let i = 0; i < data.length; i++) data[i] = binary.charCodeAt(i);
    return data;
}

async function inflate(data) {
    const stream = new Blob([data]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
}

/* Bytes and a position in them. */
class Cursor {
    constructor(data) {
        this.data = data;
        this.at = 0;
    }

    number() {
        const data = this.data;
        let byte = data[this.at++];
        let value = byte & 0x7f, scale = 128;
        while (byte & 0x80) {
            byte = data[this.at++];
            value += (byte & 0x7f) * scale;
            scale *= 128;
        }
        return value;
    }

    /* Zigzag. Not by bit operations: these have 32 bits. */
    signed() {
        const value = this.number();
        return value % 2 ? -(value + 1) / 2 : value / 2;
    }
}

function columnsOf(data) {
    const all = new Cursor(data), columns = [];
    for (let i = 0; i < 10; i++) {
        const length = all.number();
        columns.push(new Cursor(data.subarray(all.at, all.at + length)));
        all.at += length;
    }
    return columns;
}

async function unpack(element) {
    return columnsOf(await inflate(fromBase64(element.textContent)));
}

function blocksOf(table) {
    return [...document.querySelectorAll(`script[data-table="${table}"]`)].map((element) => ({
        element, rows: Number(element.dataset.rows),
    }));
}

function rowsOf(blocks) {
    return blocks.reduce((sum, block) => sum + block.rows, 0);
}

/* Put rows into the order of their times: those of what a node printed go back a little. */
function sortByTime(table) {
    const time = table.time;
    let sorted = true;
    for (let i = 1; sorted && i < time.length; i++) sorted = time[i] >= time[i - 1];
    if (sorted) return table;
    const order = new Uint32Array(time.length);
    for (let i = 0; i < order.length; i++) order[i] = i;
    order.sort((a, b) => time[a] - time[b] || a - b);
    const result = {};
    for (const [name, column] of Object.entries(table)) {
        result[name] = column.slice();
        for (let i = 0; i < order.length; i++) result[name][i] = column[order[i]];
    }
    return result;
}

async function loadFrames(progress) {
    const blocks = blocksOf("frames"), rows = rowsOf(blocks);
    const table = {
        time: new Float64Array(rows), what: new Uint8Array(rows), place: new Int32Array(rows),
        packet: new Float64Array(rows), length: new Uint32Array(rows), head: new Int32Array(rows),
        reason: new Uint8Array(rows),
    };
    let row = 0, time = 0, packet = 0, heads = 0;
    for (const block of blocks) {
        const [times, whats, places, packets, lengths, refs, reasons] = await unpack(block.element);
        for (let i = 0; i < block.rows; i++, row++) {
            table.time[row] = time += times.signed();
            table.what[row] = whats.data[i];
            table.place[row] = places.number() - 1;
            table.packet[row] = packet += packets.signed();
            table.length[row] = lengths.number();
            /* 0: none; 1: the next new one; else one that another frame had already. */
            const ref = refs.number();
            if (ref === 1) heads++;
            table.head[row] = ref === 0 ? -1 : ref === 1 ? heads - 1 : heads + 1 - ref;
            table.reason[row] = reasons.number();
        }
        block.element.remove();
        progress(row / (rows || 1));
        await breathe();
    }
    return table;
}

async function loadGrants() {
    const blocks = blocksOf("grants"), rows = rowsOf(blocks);
    const table = {
        time: new Float64Array(rows), node: new Int32Array(rows), length: new Float64Array(rows),
    };
    let row = 0, time = 0;
    for (const block of blocks) {
        const [times, nodes, lengths] = await unpack(block.element);
        for (let i = 0; i < block.rows; i++, row++) {
            table.time[row] = time += times.signed();
            table.node[row] = nodes.number() - 1;
            table.length[row] = lengths.number();
        }
        block.element.remove();
        await breathe();
    }
    return sortByTime(table);
}

async function loadQueues() {
    const blocks = blocksOf("queues"), rows = rowsOf(blocks);
    const table = {
        time: new Float64Array(rows), place: new Int32Array(rows), frames: new Uint32Array(rows),
    };
    let row = 0, time = 0;
    for (const block of blocks) {
        const [times, places, frames] = await unpack(block.element);
        for (let i = 0; i < block.rows; i++, row++) {
            table.time[row] = time += times.signed();
            table.place[row] = places.number() - 1;
            table.frames[row] = frames.number();
        }
        block.element.remove();
        await breathe();
    }
    return sortByTime(table);
}

async function loadTexts() {
    const result = [];
    let time = 0;
    for (const block of blocksOf("texts")) {
        const [times, nodes, kinds, codes, exits, waits, lengths, data] = await unpack(block.element);
        for (let i = 0; i < block.rows; i++) {
            const length = lengths.number();
            result.push({
                time: (time += times.signed()), node: nodes.number() - 1, kind: kinds.number(),
                code: codes.number(), exit: exits.number() - 1, wait: waits.number() - 1,
                data: data.data.subarray(data.at, data.at + length), order: result.length,
            });
            data.at += length;
        }
        block.element.remove();
        await breathe();
    }
    return result.sort((a, b) => a.time - b.time || a.order - b.order);
}

async function loadCosts() {
    const result = [];
    let time = 0, at = 0;
    for (const block of blocksOf("costs")) {
        const [times, nodes, parts, ats, walls, activations, kicks, calls, waited, awaited] =
            await unpack(block.element);
        for (let i = 0; i < block.rows; i++)
            result.push({
                time: (time += times.signed()), node: nodes.number() - 1, part: parts.number(),
                at: (at += ats.signed()), wall: walls.number(),
                activations: activations.number(), kicks: kicks.number(), calls: calls.number(),
                waited: waited.number(), awaited: awaited.number(),
            });
        block.element.remove();
    }
    return result;
}

/** The beginnings of frames, unpacked a block at a time when somebody asks. */
class Heads {
    constructor() {
        this.blocks = [];
        let first = 0;
        for (const { element, rows } of blocksOf("heads")) {
            this.blocks.push({ element, rows, first, data: null, starts: null, used: 0 });
            first += rows;
        }
        this.count = first;
        this.limit = 48; /* blocks of 2 MiB */
        this.clock = 0;
    }

    #blockOf(index) {
        let low = 0, high = this.blocks.length - 1;
        while (low < high) {
            const middle = (low + high + 1) >> 1;
            if (this.blocks[middle].first <= index) low = middle;
            else high = middle - 1;
        }
        return this.blocks[low];
    }

    /** Bytes; null: none, or not there yet. */
    get(index) {
        if (index < 0 || index >= this.count) return null;
        const block = this.#blockOf(index);
        if (!block.data) return null;
        block.used = ++this.clock;
        const at = index - block.first;
        return block.data.subarray(block.starts[at], block.starts[at + 1]);
    }

    has(index) {
        return index < 0 || index >= this.count || this.#blockOf(index).data !== null;
    }

    /** Resolves when get(index) has it. */
    async load(index) {
        if (this.has(index)) return;
        const block = this.#blockOf(index);
        block.loading ??= (async () => {
            const [lengths, data] = await unpack(block.element);
            const starts = new Uint32Array(block.rows + 1);
            for (let i = 0; i < block.rows; i++) starts[i + 1] = starts[i] + lengths.number();
            block.starts = starts;
            block.data = data.data;
            block.used = ++this.clock;
            block.loading = null;
            const there = this.blocks.filter((other) => other.data);
            if (there.length > this.limit) {
                there.sort((a, b) => a.used - b.used)[0].data = null;
            }
        })();
        await block.loading;
    }
}

export async function load(progress) {
    const facts = JSON.parse(document.getElementById("facts").textContent);
    const frames = sortByTime(await loadFrames(progress));
    const [grants, queues, texts, costs] = [await loadGrants(), await loadQueues(), await loadTexts(), await loadCosts()];
    return { facts, frames, grants, queues, texts, costs, heads: new Heads() };
}
