/* SPDX-License-Identifier: BSD-3-Clause */
/* Throughput, delay, round trips and queues over the range that is shown. Dragging in a plot zooms
 * everything. */
import uPlot from "uplot";
import { el, oncePerFrame, palette } from "./dom.js";
import { duration, exactTime, rate } from "./format.js";
import { decode } from "./decode.js";
import { BAD, DELIVERED, SIDE, TRANSMITTED, UNKNOWN } from "./model.js";

const BINS = 240, SERIES_MAX = 8;

/* ------------------------------------------------------------------------------------ what is shown */

function bins(state) {
    const width = state.span / BINS;
    return { width, times: Array.from({ length: BINS }, (_, i) => (state.begin + (i + 0.5) * width) / 1e9), at: (time) => Math.min(BINS - 1, Math.max(0, Math.floor((time - state.begin) / width))) };
}

/* The keys with most, in order of their numbers, and what to call them. */
function busiest(sums, name) {
    return [...sums].filter(([, sum]) => sum > 0).sort((a, b) => b[1] - a[1]).slice(0, SERIES_MAX)
        .map(([key]) => key).sort((a, b) => a - b).map((key) => ({ key, name: name(key) }));
}

function throughput(state, by) {
    const { model } = state, { what, place, length, time } = model.frames, b = bins(state);
    const wanted = by === "sent" || by === "link" ? TRANSMITTED : DELIVERED;
    const keyOf = by === "link" ? model.placeLink : model.placeOwner;
    const [from, to] = model.rowsBetween(state.begin, state.end + 1), data = new Map(), sums = new Map();
    for (let row = from; row < to; row++) {
        if (what[row] !== wanted || place[row] < 0 || (state.mask && !state.mask[row])) continue;
        const key = keyOf[place[row]];
        if (!data.has(key)) data.set(key, new Float64Array(BINS));
        data.get(key)[b.at(time[row])] += length[row];
        sums.set(key, (sums.get(key) ?? 0) + length[row]);
    }
    const shown = busiest(sums, (key) => (by === "link" ? model.linkNames.get(key) ?? "no link" : model.participants[key].name));
    return { times: b.times, series: shown.map(({ key, name }) => ({ name, values: Array.from(data.get(key), (bytes) => (bytes * 8e9) / b.width) })) };
}

function quantiles(samples, b, list) {
    const each = Array.from({ length: BINS }, () => []);
    for (const [time, value] of samples) each[b.at(time)].push(value);
    each.forEach((values) => values.sort((x, y) => x - y));
    return list.map(([name, part]) => ({
        name, values: each.map((values) => (values.length ? values[Math.min(values.length - 1, Math.floor(part * values.length))] / 1e9 : null)),
    }));
}

const QUANTILES = [["median", 0.5], ["95 %", 0.95], ["max", 1]];

function* delays(state) {
    const { model } = state, { what, time } = model.frames;
    const [from, to] = model.rowsBetween(state.begin, state.end + 1);
    for (let row = from; row < to; row++) {
        if (what[row] !== DELIVERED || (state.mask && !state.mask[row])) continue;
        const first = model.origin[row];
        if (what[first] === TRANSMITTED) yield [time[row], time[row] - time[first]];
    }
}

/* Numbers that stand until they change, by key: the most in each bin. They are told in the order of time, those
 * before the range as well. */
class Levels {
    /* @param before  what they were before the first change; null: not known */
    constructor(state, before) {
        Object.assign(this, { state, before, bins: bins(state), all: new Map() });
    }

    set(key, level, time) {
        let one = this.all.get(key);
        if (!one) this.all.set(key, (one = { level: this.before, most: new Float64Array(BINS).fill(-1), last: new Float64Array(BINS), first: undefined }));
        if (time >= this.state.begin) {
            const at = this.bins.at(time);
            if (one.first === undefined) one.first = one.level;
            one.most[at] = Math.max(one.most[at], one.level ?? 0, level);
            one.last[at] = level;
        }
        one.level = level;
    }

    get(key) {
        return this.all.get(key)?.level ?? 0;
    }

    plot(name) {
        const values = new Map(), sums = new Map();
        for (const [key, one] of this.all) {
            /* Bins in which nothing happens keep the level. */
            let level = one.first === undefined ? one.level : one.first;
            const result = Array.from(one.most, (most, i) => {
                const value = most < 0 ? level : most;
                if (most >= 0) level = one.last[i];
                return value;
            });
            values.set(key, result);
            sums.set(key, result.reduce((sum, value) => sum + (value ?? 0), 0));
        }
        return { times: this.bins.times, series: busiest(sums, name).map(({ key, name: text }) => ({ name: text, values: values.get(key) })) };
    }
}

/* Frames that were sent and have neither arrived nor been lost, by link. */
function underWay(state) {
    const { model } = state, { what, place, time } = model.frames, levels = new Levels(state, 0);
    for (let row = 0; row < model.rows && time[row] <= state.end; row++) {
        const first = model.origin[row];
        if (what[first] !== TRANSMITTED || place[first] < 0) continue;
        const key = model.placeLink[place[first]];
        if (row === first) {
            if (model.fate[row] !== UNKNOWN && model.next[row] >= 0) levels.set(key, levels.get(key) + 1, time[row]);
        } else if (row === model.arrival[first] || (model.arrival[first] < 0 && SIDE[what[row]] === BAD && model.next[row] < 0)) {
            levels.set(key, levels.get(key) - 1, time[row]);
        }
    }
    return levels.plot((key) => model.linkNames.get(key) ?? "no link");
}

/* Frames that wait in each queue, as the network has told. */
function waiting(state) {
    const { model } = state, { time, place, frames } = model.queues;
    const levels = new Levels(state, model.facts.from_ns ? null : 0);
    for (let i = 0; i < time.length && time[i] <= state.end; i++)
        if (place[i] >= 0 && !state.hidden.has(model.placeOwner[place[i]])) levels.set(place[i], frames[i], time[i]);
    return levels.plot((key) => model.placeLabel(key));
}

/**
 * Round trips as ports see them: from a TCP segment with data to the first acknowledgement of its
 * last byte, unless it was sent twice (Karn's algorithm, RFC 6298, section 3); from an echo request to
 * its reply. A node that was started again waits for nothing that it sent in an earlier life.
 */
async function roundTrips(model, stop, progress) {
    const { what, place, time, length } = model.frames, rows = [];
    for (let row = 0; row < model.rows; row++)
        if ((what[row] === TRANSMITTED || what[row] === DELIVERED) && place[row] >= 0) rows.push(row);
    const open = new Map(), samples = [];
    const measure = (row, sent) => {
        if (model.lifeOf(model.ownerOf(row), sent) === model.lifeOf(model.ownerOf(row), time[row])) samples.push([time[row], time[row] - sent, place[row]]);
    };
    const test = (row, data) => {
        const d = decode(data, length[row]), at = place[row];
        if (d.tcp) {
            const { seq, ack, flags, data: bytes } = d.tcp, [from, to] = d.ports;
            if (what[row] === TRANSMITTED) {
                const last = (seq + bytes + (flags & 3 ? 1 : 0)) >>> 0;
                if (last === seq) return;
                const key = `${at} ${d.source} ${from} ${d.destination} ${to}`;
                let flow = open.get(key);
                if (!flow) open.set(key, (flow = { waiting: new Map(), highest: null }));
                const isNew = flow.highest === null || ((last - flow.highest) | 0) > 0;
                if (isNew) flow.highest = last;
                /* What is sent again is no longer measured. */
                if (!isNew) flow.waiting.delete(last);
                else if (flow.waiting.size < 4096) flow.waiting.set(last, time[row]);
            } else if (flags & 16) {
                const flow = open.get(`${at} ${d.destination} ${to} ${d.source} ${from}`);
                const sent = flow?.waiting.get(ack);
                if (sent !== undefined) measure(row, sent);
                if (flow) for (const last of flow.waiting.keys()) {
                    if (((ack - last) | 0) < 0) break;
                    flow.waiting.delete(last);
                }
            }
        } else if (d.echo) {
            const ends = d.echo.request ? `${d.source} ${d.destination}` : `${d.destination} ${d.source}`;
            const key = `${at} echo ${ends} ${d.echo.id} ${d.echo.seq}`;
            if (d.echo.request && what[row] === TRANSMITTED) open.set(key, time[row]);
            else if (!d.echo.request && what[row] === DELIVERED && open.has(key)) {
                measure(row, open.get(key));
                open.delete(key);
            }
        }
    };
    return (await model.eachWithHead(rows, test, stop, progress)) ? samples : null;
}

/* ---------------------------------------------------------------------------------------- the plots */

/* Some values so much larger than most that these would lie on the axis. */
const FAR = 20;

class Plot {
    /* @param spreads  values may lie far apart: a logarithmic scale then, or if the user wants it */
    constructor(state, title, format, controls = [], spreads = false) {
        this.state = state;
        this.format = format;
        if (spreads) {
            this.log = el("input", { type: "checkbox" });
            this.log.addEventListener("input", () => {
                this.isChosen = true;
                this.show(...this.shown);
            });
            controls = [...controls, el("label", { class: "chip" }, this.log, "logarithmic")];
        }
        this.said = el("span", { class: "hint", role: "status" });
        this.canvas = el("div", { class: "canvas" });
        this.root = el("figure", { class: "plot" }, el("figcaption", {}, el("b", {}, title), ...controls, this.said), this.canvas);
        this.names = "";
    }

    /* @param data  {times in s, series: [{name, values}]} */
    show({ times, series }, empty = "Nothing in the range shown.") {
        this.shown = [{ times, series }, empty];
        const isLog = this.#isLogarithmic(series);
        const colours = palette(), names = series.map((s) => s.name).join("\0") + colours.text + isLog;
        const width = Math.max(200, this.canvas.clientWidth), height = 190;
        const { begin, end } = this.state;
        if (!series.length) {
            this.chart?.destroy();
            this.chart = null;
            this.names = "";
            this.canvas.replaceChildren(el("p", { class: "hint" }, empty));
            return;
        }
        const data = [times, ...series.map((s) => s.values)];
        if (this.chart && this.names === names) {
            this.chart.setSize({ width, height });
            this.chart.setData(data, false);
        } else {
            this.chart?.destroy();
            this.canvas.replaceChildren();
            this.names = names;
            this.chart = new uPlot(this.#options(series, colours, width, height, isLog), data, this.canvas);
        }
        this.chart.batch(() => {
            this.chart.setScale("x", { min: begin / 1e9, max: end / 1e9 });
            const top = series.reduce((most, s) => s.values.reduce((a, b) => Math.max(a, b ?? 0), most), 0);
            this.chart.setScale("y", isLog ? { min: this.#least(series) / 1.3, max: top * 1.3 } : { min: 0, max: top * 1.08 || 1 });
        });
        this.canvas.setAttribute("role", "img");
        this.canvas.setAttribute("aria-label", series.map((s) => `${s.name}: at most ${this.format(s.values.reduce((a, b) => Math.max(a, b ?? 0), 0))}`).join("; "));
    }

    #least(series) {
        return series.reduce((least, s) => s.values.reduce((a, b) => (b > 0 && b < a ? b : a), least), Infinity);
    }

    #isLogarithmic(series) {
        if (!this.log) return false;
        const values = series.flatMap((s) => s.values).filter((v) => v > 0).sort((a, b) => a - b);
        if (!this.isChosen) this.log.checked = values.length > 0 && values.at(-1) > FAR * values[values.length >> 1];
        return this.log.checked && values.length > 0;
    }

    #options(series, colours, width, height, isLog) {
        const axis = { stroke: colours.dim, grid: { stroke: colours.line, width: 1 }, ticks: { stroke: colours.line }, font: "11px system-ui, sans-serif" };
        return {
            width, height, pxAlign: 1, cursor: { sync: { key: "ttb" }, drag: { x: true, y: false, setScale: false } },
            legend: { live: true },
            scales: { x: { time: false, auto: false }, y: { auto: false, distr: isLog ? 3 : 1 } },
            series: [
                { label: "time", value: (u, v) => (v === null ? "" : exactTime(Math.round(v * 1e9))) },
                ...series.map((s, i) => ({
                    label: s.name, stroke: colours.series[i % 8], width: 1.5, points: { show: s.values.includes(null), size: 3.5, fill: colours.series[i % 8] },
                    spanGaps: false, value: (u, v) => (v === null || v === undefined ? "–" : this.format(v)),
                })),
            ],
            axes: [
                { ...axis, values: (u, list) => list.map((v) => `${Number(v.toPrecision(10))} s`) },
                { ...axis, size: 82, values: (u, list) => list.map((v) => (v === null ? "" : this.format(v))) },
            ],
            hooks: {
                setSelect: [(u) => {
                    if (u.select.width < 4) return;
                    const from = u.posToVal(u.select.left, "x"), to = u.posToVal(u.select.left + u.select.width, "x");
                    u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
                    this.state.setRange(from * 1e9, to * 1e9);
                }],
            },
        };
    }
}

const seconds = (v) => duration(v * 1e9);

export class Plots {
    constructor(state, panel) {
        this.state = state;
        this.panel = panel;
        this.by = el("select", { "aria-label": "Throughput of" },
            el("option", { value: "received" }, "received, by node"), el("option", { value: "sent" }, "sent, by node"), el("option", { value: "link" }, "sent, by link"));
        this.by.addEventListener("input", () => this.update());
        this.throughput = new Plot(state, "Throughput", rate, [this.by]);
        this.delay = new Plot(state, "One-way delay, port to port", seconds, [], true);
        this.trips = new Plot(state, "Round-trip time, TCP and echo", seconds, [], true);
        const frames = (v) => String(Math.round(v * 100) / 100);
        this.queues = new Plot(state, "Queues: frames that wait", frames);
        this.flights = new Plot(state, "Frames under way, by link", frames);
        this.plots = [this.throughput, this.delay, this.trips, this.queues, this.flights];
        panel.classList.add("scroll", "plots");
        panel.append(...this.plots.map((plot) => plot.root));
        this.update = oncePerFrame(() => this.#update());
        for (const name of ["range", "rows"]) state.on(name, this.update);
        panel.addEventListener("shown", this.update);
        new ResizeObserver(this.update).observe(panel);
    }

    async #measureTrips() {
        const { model } = this.state;
        this.samples = [];
        this.samples = await roundTrips(model, () => false, (done) => (this.trips.said.textContent = ` measuring, ${Math.round(100 * done)} %`));
        this.trips.said.textContent = ` ${this.samples.length.toLocaleString("en-GB")} measured`;
        this.update();
    }

    #update() {
        if (this.panel.hidden) return;
        const { state } = this, b = bins(state);
        this.throughput.show(throughput(state, this.by.value));
        const late = quantiles(delays(state), b, QUANTILES);
        this.delay.show({ times: b.times, series: late.some((s) => s.values.some((v) => v !== null)) ? late : [] });
        this.queues.show(waiting(state), state.model.facts.ports_only ? "The trace tells nothing of queues: it has ports only." : "Nothing waits in the range shown.");
        this.flights.show(underWay(state));
        if (!this.samples) this.#measureTrips();
        const { model } = state, within = this.samples.filter(([time, , place]) =>
            time >= state.begin && time <= state.end && !state.hidden.has(model.placeOwner[place]));
        this.trips.show({ times: b.times, series: within.length ? quantiles(within, b, QUANTILES) : [] });
    }
}

/** Simulated time over wall time. */
export function speedPlot(state, panel) {
    const root = panel.querySelector("#plot-speed");
    if (!root) return;
    const plot = new Plot(state, "Wall time used by then", seconds);
    root.replaceWith(plot.root);
    const points = [[state.model.begin, 0]];
    for (const cost of state.model.costs) {
        const last = points.at(-1);
        if (cost.time > last[0]) points.push([cost.time, cost.at]);
        else last[1] = Math.max(last[1], cost.at);
    }
    const step = Math.max(1, Math.ceil(points.length / 2000)), shown = points.filter((_, i) => i % step === 0 || i === points.length - 1);
    const draw = () => !panel.hidden && plot.show({ times: shown.map(([t]) => t / 1e9), series: [{ name: "wall time", values: shown.map(([, w]) => w / 1e9) }] });
    panel.addEventListener("shown", draw);
    state.on("range", draw);
}
