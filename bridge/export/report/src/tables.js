/* SPDX-License-Identifier: BSD-3-Clause */
/* Views that are plain tables: flows, expectations and events, profile, certificate. */
import { $, el } from "./dom.js";
import { bytes, count, duration, exactTime, percent } from "./format.js";
import { BARRIER, BRIDGE, NETWORK, NODE, NODES, PARTS, RECORDING, STATES, WAITING } from "./model.js";
import { List } from "./list.js";

function table(caption, columns, rows) {
    return el("table", {},
        el("caption", {}, caption),
        el("thead", {}, el("tr", {}, ...columns.map((name) => el("th", { scope: "col" }, name)))),
        el("tbody", {}, ...rows.map((cells) => el("tr", {}, ...cells.map((cell) => (cell instanceof Node && cell.nodeName === "TD" ? cell : el("td", {}, cell)))))));
}

function number(text) {
    return el("td", { class: "n" }, text);
}

/* ------------------------------------------------------------------------------------------ flows */

const FLOW_COLUMNS = [
    ["Protocol", (f) => f.protocol], ["From", (f) => f.from_text], ["To", (f) => f.to_text],
    ["Sent", (f) => f.sent_packets, (f) => count(f.sent_packets)],
    ["Bytes", (f) => f.sent_bytes, (f) => bytes(f.sent_bytes)],
    ["Lost", (f) => f.lost, (f) => (f.lost ? `${count(f.lost)} (${percent(f.lost, f.sent_packets)})` : "0")],
    ["Delay p50", (f) => f.delay_p50_ns ?? -1, (f) => late(f.delay_p50_ns)],
    ["p99", (f) => f.delay_p99_ns ?? -1, (f) => late(f.delay_p99_ns)],
    ["max", (f) => f.delay_max_ns ?? -1, (f) => late(f.delay_max_ns)],
    ["Jitter", (f) => f.jitter_ns ?? -1, (f) => late(f.jitter_ns)],
    ["Reordered", (f) => f.reordered, (f) => count(f.reordered)],
    ["First", (f) => f.first_ns, (f) => exactTime(f.first_ns)],
    ["Lasts", (f) => f.last_ns - f.first_ns, (f) => duration(f.last_ns - f.first_ns)],
];

function late(ns) {
    return ns === undefined ? "" : duration(ns);
}

export class Flows {
    constructor(state, panel, filter) {
        const { model } = state, end = (address, port) => {
            const host = model.hostOf(address);
            return (host ? `${host} ${address}` : address) + (port ? `:${port}` : "");
        };
        this.flows = model.facts.flows.map((f) => ({
            ...f, lost: f.sent_packets - f.arrived_packets,
            from_text: end(f.source, f.source_port), to_text: end(f.destination, f.destination_port),
        }));
        this.by = 4;
        this.down = true;
        this.heads = FLOW_COLUMNS.map(([name], i) =>
            el("button", { type: "button", onclick: () => this.#sort(i) }, name));
        const list = el("div", { id: "flow-list" });
        panel.append(
            el("div", { class: "controls" }, el("span", { class: "hint" },
                `${count(this.flows.length)} flows: frames with one five-tuple that one port has sent, over the whole run. Choose one to filter by it.`)),
            el("div", { class: "table flows" }, el("div", { class: "row head" }, ...this.heads), list));
        this.list = new List(list, {
            rowHeight: 22, role: "grid", label: "Flows",
            render: (element, index) => {
                element.replaceChildren(...FLOW_COLUMNS.map(([, value, text]) =>
                    el("span", { role: "gridcell" }, String((text ?? value)(this.flows[index])))));
                element.dataset.protocol = this.flows[index].protocol;
            },
            select: (index) => {
                const f = this.flows[index];
                filter([`ip:${f.source}`, `ip:${f.destination}`, f.source_port ? `port:${f.source_port}` : f.protocol,
                    f.destination_port && f.destination_port !== f.source_port ? `port:${f.destination_port}` : ""].filter(Boolean).join(" "));
            },
        });
        this.#sort(4);
    }

    #sort(column) {
        this.down = this.by === column ? !this.down : column > 2;
        if (column === 4 && this.by === 4 && !this.sorted) this.down = true;
        this.sorted = true;
        this.by = column;
        const value = FLOW_COLUMNS[column][1], sign = this.down ? -1 : 1;
        this.flows.sort((a, b) => (value(a) < value(b) ? -sign : value(a) > value(b) ? sign : 0));
        this.heads.forEach((head, i) => {
            head.dataset.sort = i === column ? (this.down ? "down" : "up") : "";
            head.setAttribute("aria-label", `${FLOW_COLUMNS[i][0]}${i === column ? `, sorted ${this.down ? "downwards" : "upwards"}` : ""}`);
        });
        this.list.setCount(this.flows.length);
        this.list.select(-1);
    }
}

/* --------------------------------------------------------------------------- expectations, events */

export function outcome(state, panel) {
    const { model } = state;
    const at = (time) => {
        const go = () => {
            state.show(time);
            state.setTime(time);
        };
        return el("td", { class: "n" }, el("button", { type: "button", class: "time", onclick: go }, exactTime(time)));
    };
    panel.classList.add("scroll");
    panel.append(model.expectations.length
        ? table("Expectations", ["", "Expected, and found", "Decided"], model.expectations.map((e) => [
            el("td", { class: e.met ? "good" : "bad" }, e.met ? "✓ met" : "✗ not met"), e.text, at(e.time)]))
        : el("p", { class: "hint" }, "The scenario expected nothing."));
    const happened = [
        ...model.events.map((e) => ({ time: e.time, what: e.action, who: [model.nodeName(e.node), e.target].filter((name, i, all) => name && name !== all[i - 1]).join(" "), more: e.detail })),
        ...model.states.map((s) => ({
            time: s.time, what: STATES[s.code] ?? `state ${s.code}`, who: model.nodeName(s.node),
            more: [s.exit >= 0 ? `its commands ended with ${s.exit}` : "", s.wait > 0 && s.wait & 127 ? `signal ${s.wait & 127}` : "", s.text].filter(Boolean).join("; "),
        })),
    ].sort((a, b) => a.time - b.time);
    const shown = happened.slice(0, 2000);
    panel.append(happened.length
        ? table("Events, and nodes' lives", ["Time", "What", "To whom", ""], shown.map((e) => [at(e.time), e.what, e.who, e.more]))
        : el("p", { class: "hint" }, "Nothing happened to nodes or links."));
    if (shown.length < happened.length) panel.append(el("p", { class: "hint" }, `The first ${count(shown.length)} of ${count(happened.length)}.`));
}

/* ---------------------------------------------------------------------------------------- profile */

/** Sums of costs: by node, by part, and until when. */
export function profileOf(model) {
    const empty = () => ({ wall: 0, activations: 0, kicks: 0, calls: 0, waited: 0, awaited: 0 });
    const nodes = new Map(), parts = PARTS.map(empty);
    let wall = 0, until = 0;
    for (const cost of model.costs) {
        const sums = [parts[cost.part] ?? parts[0]];
        if (cost.part === NODE) {
            if (!nodes.has(cost.node)) nodes.set(cost.node, empty());
            sums.push(nodes.get(cost.node));
        }
        for (const sum of sums)
            for (const key of Object.keys(sum)) sum[key] += cost[key];
        wall = Math.max(wall, cost.at);
        until = Math.max(until, cost.time);
    }
    return { nodes, parts, wall, until };
}

const PART_NAMES = {
    [NODES]: "nodes run", [BARRIER]: "waiting at window barriers", [BRIDGE]: "the bridge itself",
    [RECORDING]: "recording", [WAITING]: "nodes start, and pauses",
};

function meter(part, whole, kind) {
    const bar = el("div", { class: `meter ${kind}` }), fill = el("i");
    fill.style.width = `${Math.min(100, (100 * part) / (whole || 1))}%`;
    bar.append(fill);
    return el("td", { class: "wide" }, bar);
}

export function profile(state, panel) {
    const { model } = state, { nodes, parts, wall, until } = profileOf(model);
    panel.classList.add("scroll");
    if (!wall) {
        panel.append(el("p", { class: "hint" }, "There is no wall.ttb beside the trace: what the run cost is not known."));
        return;
    }
    const isSplit = parts[NODES].activations > 0, waits = parts[BARRIER].wall > 0;
    const line = (name, sum, kind) => [
        name, number(duration(sum.wall)), number(percent(sum.wall, wall)), meter(sum.wall, wall, kind),
        number(sum.activations ? count(sum.activations) : ""),
        number(sum.activations ? duration(sum.wall / sum.activations) : ""),
        number(kind === "node" ? count(sum.kicks) : ""), number(kind === "node" ? count(sum.calls) : ""),
        ...(waits ? [number(kind === "node" ? duration(sum.waited) : ""), number(kind === "node" ? duration(sum.awaited) : "")] : [])];
    /* What nodes used is in one part, where those that ran at the same time count once, if the run told it. */
    const named = parts.reduce((sum, part, i) => sum + (i !== NODE || !isSplit ? part.wall : 0), 0);
    const rest = { wall: Math.max(0, wall - named), activations: 0 };
    const names = { ...PART_NAMES, [NETWORK]: model.facts.ns3 ? "network: ns-3" : "network" };
    const others = [NODES, BARRIER, NETWORK, BRIDGE, RECORDING, WAITING].filter((part) => parts[part].wall || parts[part].activations);
    const nodeLines = [...nodes].sort((a, b) => b[1].wall - a[1].wall).map(([id, sum]) => line(`node ${model.nodeName(id)}`, sum, "node"));
    panel.append(
        el("p", {}, `${duration(wall)} of wall time for ${duration(until)} of simulated time: `,
            el("b", {}, until >= wall ? `${(until / wall).toFixed(1)} times as fast as the wall clock` : `${(wall / until).toFixed(1)} times slower than the wall clock`), "."),
        table("Where the wall time went", ["", "Wall time", "", "", "Activations", "Each"].concat(isSplit ? ["", ""] : ["Kicks", "Calls"], waits ? ["", ""] : []), [
            ...(isSplit ? [] : nodeLines),
            ...others.map((part) => line(names[part], parts[part], "part")),
            line(isSplit ? "before and after the run" : "the rest", rest, "part")]));
    if (isSplit)
        panel.append(table("Nodes", ["", "Wall time", "", "", "Activations", "Each", "Kicks", "Calls", ...(waits ? ["Waited for others", "Others waited"] : [])], nodeLines));
    panel.append(
        el("div", { id: "plot-speed", class: "plot" }));
}

/* ------------------------------------------------------------------------------------ certificate */

function digest(text) {
    return el("code", { class: "digest" }, text);
}

export function certificate(state, panel) {
    const { model } = state, { facts } = model, { footer } = facts;
    panel.classList.add("scroll");
    const entries = (caption, pairs) => el("section", {}, el("h3", {}, caption), el("dl", { class: "facts" },
        ...pairs.filter(([, value]) => value !== undefined && value !== "").flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)])));
    if (footer) {
        panel.append(entries("Certificate", [
            ["Run", digest(footer.all)], ["Behaviour", digest(footer.behaviour)], ["Schedule", digest(footer.schedule)],
            ["Network", digest(footer.network)], ["Ended", `${footer.ending} at ${exactTime(footer.end_ns)}${footer.why ? `: ${footer.why}` : ""}`],
            ["Records", count(footer.records) + (footer.lost_records ? `, ${count(footer.lost_records)} of them could not be written` : "")]]),
        el("p", { class: "hint" }, "SHA-256 over all that nodes did and what reached them. Two runs are the same run if these are the same; ",
            el("code", {}, "ttb replay DIR"), " repeats this one and compares, ", el("code", {}, "ttb diff DIR DIR"), " tells where two part."));
        panel.append(table("Nodes", ["Node", "Behaviour", "Schedule"], footer.nodes.map((node) => [
            model.nodeName(node.id), digest(node.behaviour), digest(node.schedule)])));
    } else {
        panel.append(el("p", { class: "bad" }, facts.warning && !facts.goes_on ? "The trace was cut short: it has no certificate." : "The report was made while the run went on: there is no certificate yet."));
    }
    panel.append(entries("Made with", [
        ["Scenario", facts.scenario], ["Seed", facts.seed], ["ttb", facts.ttb], ["ns-3", facts.ns3], ["CPU", facts.cpu],
        ["Host", facts.host], ["Libraries", facts.components.join(", ")],
        ["Time of day at 0", new Date(Number(facts.epoch_ns) / 1e6).toISOString()]]));
    if (facts.artifacts.length)
        panel.append(table("Files", ["", "Path", "Version", "Bytes", "SHA-256"], facts.artifacts.map((a) => [
            a.kind ?? "", a.path ?? "", a.version ?? "", number(count(a.len_bytes)),
            /^0*$/.test(a.sha256) ? "not known" : digest(a.sha256)])));
    panel.append(table("Links", ["Link", "Type", "Rate", "Delay"], facts.links.map((link) => [
        link.name, link.type ?? "", link.rate_bps ? `${count(link.rate_bps)} bit/s` : "", duration(link.delay_ns)])));
    panel.append(el("details", { class: "licences" }, el("summary", {}, "Licences of what this page is made of"), $("licences").content));
}
