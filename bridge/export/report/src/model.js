/* SPDX-License-Identifier: BSD-3-Clause */
/* What is known of a run beyond its rows: who takes part, which records are of one frame. */
import { breathe } from "./dom.js";
import { duration, lowerBound, plain, rate } from "./format.js";
import { countSequencesFrom } from "./decode.js";

/* What happened to a frame; as in trace.proto. */
export const TRANSMITTED = 1, DELIVERED = 2, DROPPED = 3, SENT = 4, RECEIVED = 5, LOST = 6;
export const WHAT = ["", "sent", "received", "dropped", "on medium", "off medium", "lost"];

/* How something is drawn: what leaves, what arrives, what goes wrong. */
export const OUT = 0, IN = 1, BAD = 2;
export const SIDE = [OUT, OUT, IN, BAD, OUT, IN, BAD];

/* What became of a frame that a port sent. */
export const UNKNOWN = 0, ARRIVED = 1, GONE = 2;

/* Kinds of texts. */
export const CONSOLE = 10, STATE = 11, EVENT = 12, EXPECTATION = 13;
const UP_STATES = [2, 3];
export const STATES = ["idle", "starting", "up", "running", "stopped", "failed"];
export const NODE = 1, NETWORK = 2, BRIDGE = 3, RECORDING = 4, WAITING = 5, NODES = 6, BARRIER = 7;
export const PARTS = ["", "node", "network", "bridge", "recording", "waiting", "nodes", "barrier"];

/* The scenario's links go in where the trace declares none, and tell which port is on which. */
function addTopology(facts, byName, participants) {
    const linkIds = new Map(facts.links.map((link) => [link.name, link.id]));
    let free = facts.links.reduce((most, link) => Math.max(most, link.id + 1), 0);
    for (const link of facts.topology.links) {
        if (linkIds.has(link.name)) continue;
        linkIds.set(link.name, free);
        facts.links.push({ ...link, id: free++ });
    }
    for (const member of facts.topology.members) {
        let owner = byName.get(member.name);
        if (!owner) {
            owner = { name: member.name, kind: member.kind, places: [], links: new Set() };
            byName.set(member.name, owner);
            participants.push(owner);
        }
        owner.at = member.at_mm;
        owner.interfaces = new Map(member.interfaces.map((i) => [i.name, linkIds.get(i.link)]));
        for (const i of member.interfaces) owner.links.add(linkIds.get(i.link));
    }
}

/* Linux nodes first; then what else the scenario has; then what is inside the network, by device
 * ("router/eth0") or link. */
function makeParticipants(facts) {
    const participants = facts.nodes.map((node) => ({
        name: node.name, kind: "node", id: node.id, places: [], links: new Set(),
    }));
    const byNode = new Map(participants.map((p) => [p.id, p]));
    const byName = new Map(participants.map((p) => [p.name, p]));
    addTopology(facts, byName, participants);
    facts.places.forEach((place, id) => {
        let owner = byNode.get(place.node);
        if (!owner) {
            const name = place.kind === 2 && place.name.includes("/")
                ? place.name.slice(0, place.name.indexOf("/")) : place.name;
            /* A node's device inside the network is still the node's. */
            owner = byName.get(name);
            if (!owner) {
                owner = { name, kind: place.kind === 3 ? "link" : "device", places: [], links: new Set() };
                byName.set(name, owner);
                participants.push(owner);
            }
        }
        if (place.link === undefined) place.link = owner.interfaces?.get(place.name.slice(place.name.indexOf("/") + 1));
        /* Through its port "ttb" a run gives a node its commands: that is on no link. */
        place.isControl = place.kind === 1 && place.name === "ttb" && place.link === undefined;
        owner.places.push(id);
        if (place.link !== undefined) owner.links.add(place.link);
        place.id = id;
        place.owner = owner;
        place.label = owner.kind === "node" && place.kind === 1 ? `${owner.name}.${place.name}` : place.name;
    });
    participants.forEach((p, index) => (p.index = index));
    return participants;
}

/* Links on which a frame that nobody got was lost, since everybody on them is a Linux node whose ports
 * the trace watches; switches join links. What is inside the network may take frames unseen. */
function watchedLinks(facts, participants) {
    const segment = new Map(facts.links.map((link) => [link.id, link.id]));
    const find = (link) => {
        while (segment.get(link) !== link) link = segment.get(link);
        return link;
    };
    for (const participant of participants) {
        const [first, ...others] = participant.kind === "switch" ? participant.links : [];
        for (const link of others) segment.set(find(link), find(first));
    }
    const open = new Set();
    for (const participant of participants)
        if (participant.kind !== "node" && participant.kind !== "switch")
            for (const link of participant.links) open.add(find(link));
    return new Set(facts.links.map((link) => link.id).filter((link) => !open.has(find(link))));
}

/* next[row]: the same frame's next record, -1: none; origin[row]: its first. */
function chain(frames) {
    const rows = frames.time.length, packet = frames.packet;
    const next = new Int32Array(rows).fill(-1), origin = new Int32Array(rows);
    let largest = 0;
    for (let i = 0; i < rows; i++) if (packet[i] > largest) largest = packet[i];
    const dense = largest < 4 * rows + 65536;
    const last = dense ? new Int32Array(largest + 1).fill(-1) : new Map();
    for (let i = 0; i < rows; i++) {
        const id = packet[i];
        const before = id === 0 ? -1 : dense ? last[id] : last.get(id) ?? -1;
        origin[i] = before < 0 ? i : origin[before];
        if (before >= 0) next[before] = i;
        if (id !== 0) {
            if (dense) last[id] = i;
            else last.set(id, i);
        }
    }
    return { next, origin };
}

export class Model {
    constructor(data) {
        Object.assign(this, data);
        const { facts, frames } = data;
        this.rows = frames.time.length;
        this.participants = makeParticipants(facts);
        this.linkNames = new Map(facts.links.map((link) => [link.id, link.name]));
        this.hosts = new Map(facts.hosts);
        countSequencesFrom(facts.flows);
        this.nodeIndex = new Map();
        this.participants.forEach((p) => p.kind === "node" && this.nodeIndex.set(p.id, p.index));
        this.placeOwner = Int32Array.from(facts.places, (place) => place.owner.index);
        this.isControl = facts.places.map((place) => place.isControl);
        this.placeLink = Int32Array.from(facts.places, (place) => place.link ?? -1);
        const watched = watchedLinks(facts, this.participants);
        this.isWatched = facts.places.map((place) => watched.has(place.link));
        /* Whether anything was seen there. */
        for (const participant of this.participants) participant.isSeen = false;
        for (let row = 0; row < this.rows; row++)
            if (frames.place[row] >= 0) facts.places[frames.place[row]].owner.isSeen = true;
        Object.assign(this, chain(frames));
        this.#fates();
        this.#span();
        this.#texts();
    }

    /* fate[row] of frames that ports sent, arrival[row]: the first delivery. */
    #fates() {
        const { what, place } = this.frames;
        this.fate = new Uint8Array(this.rows);
        this.arrival = new Int32Array(this.rows).fill(-1);
        const bad = new Uint8Array(this.rows);
        for (let row = 0; row < this.rows; row++) {
            const first = this.origin[row];
            if (what[first] !== TRANSMITTED) continue;
            if (what[row] === DELIVERED) {
                if (this.arrival[first] < 0) this.arrival[first] = row;
                this.fate[first] = ARRIVED;
            } else if (SIDE[what[row]] === BAD) bad[first] = 1;
        }
        /* Without a word on what became of it, a frame on a watched link is lost unless the run may have
         * ended first: unless it was sent after the last that arrived. */
        let last = -1;
        for (let row = this.rows - 1; row >= 0 && last < 0; row--)
            if (what[row] === DELIVERED) last = this.origin[row];
        this.lost = 0;
        this.sent = 0;
        for (let row = 0; row < this.rows; row++) {
            if (what[row] !== TRANSMITTED || this.origin[row] !== row) continue;
            if (this.isControl[place[row]]) {
                this.fate[row] = ARRIVED;
                continue;
            }
            this.sent++;
            if (this.fate[row] === UNKNOWN && (bad[row] || (row < last && this.isWatched[place[row]]))) {
                this.fate[row] = GONE;
                this.lost++;
            }
        }
    }

    #span() {
        const { facts, frames } = this;
        this.begin = facts.from_ns || 0;
        this.end = Math.max(facts.footer && !facts.to_ns ? facts.footer.end_ns : 0,
            facts.to_ns || 0, facts.latest_ns, this.rows ? frames.time[this.rows - 1] : 0);
        if (facts.to_ns && facts.latest_ns < facts.to_ns) this.end = Math.max(facts.latest_ns, this.begin + 1);
        if (this.end <= this.begin) this.end = this.begin + 1;
    }

    #texts() {
        const of = (kind) => this.texts.filter((text) => text.kind === kind);
        const parts = (text) => {
            const result = [];
            let from = 0;
            for (let i = 0; i <= text.data.length && result.length < 3; i++)
                if (i === text.data.length || (text.data[i] === 0 && result.length < 2)) {
                    result.push(plain(text.data.subarray(from, i)));
                    from = i + 1;
                }
            return result;
        };
        this.console = of(CONSOLE);
        this.consoleTimes = Float64Array.from(this.console, (text) => text.time);
        this.events = of(EVENT).map((text) => {
            const [action, target = "", detail = ""] = parts(text);
            const readable = detail.replace(/\b(\d+) (ppb|ns|bit\/s)(?!\S)/g, (all, n, unit) =>
                unit === "ppb" ? `${Number(n) / 1e7} %` : unit === "ns" ? duration(Number(n)) : rate(Number(n)));
            return { time: text.time, node: text.node, action, target, detail: readable };
        });
        this.states = of(STATE).map((text) => ({ ...text, text: plain(text.data), up: UP_STATES.includes(text.code) }));
        this.expectations = of(EXPECTATION).map((text) => ({
            number: text.exit, met: text.code === 1, text: plain(text.data), time: text.time, node: text.node,
        })).sort((a, b) => a.number - b.number);
        /* Spans in which nodes were up, by participant. */
        this.upSpans = this.participants.map(() => []);
        for (const state of this.states) {
            const index = this.nodeIndex.get(state.node);
            if (index === undefined) continue;
            const spans = this.upSpans[index], open = spans.at(-1);
            if (open && open.end === undefined) {
                if (!state.up) {
                    open.end = state.time;
                    open.failed = state.code === 5;
                }
            } else if (state.up) {
                spans.push({ begin: state.time });
            }
        }
    }

    /** "server: carrier-off eth0", "set line down". */
    eventText({ node, action, target, detail }) {
        const name = this.nodeName(node), what = [action, target, detail].filter(Boolean).join(" ");
        return name && name !== target ? `${name}: ${what}` : what;
    }

    /** Which of its lives a participant had begun last, by a time. */
    lifeOf(index, time) {
        const spans = this.upSpans[index];
        let life = spans.length - 1;
        while (life >= 0 && spans[life].begin > time) life--;
        return life;
    }

    nodeName(id) {
        const index = this.nodeIndex.get(id);
        return index === undefined ? "" : this.participants[index].name;
    }

    placeLabel(place) {
        return this.facts.places[place]?.label ?? "network";
    }

    ownerOf(row) {
        const place = this.frames.place[row];
        return place < 0 ? -1 : this.placeOwner[place];
    }

    reasonOf(row) {
        const reason = this.frames.reason[row];
        return reason ? this.facts.reasons[reason - 1] : "";
    }

    hostOf(address) {
        return this.hosts.get(address);
    }

    /** All records of a row's frame, in order. */
    story(row) {
        const result = [];
        for (let at = this.origin[row]; at >= 0; at = this.next[at]) result.push(at);
        return result;
    }

    rowsBetween(begin, end) {
        return [lowerBound(this.frames.time, begin), lowerBound(this.frames.time, end)];
    }

    /** What is known of a row's beginning; undefined: not loaded yet. */
    headOf(row) {
        const head = this.frames.head[row];
        return this.heads.has(head) ? this.heads.get(head) : undefined;
    }

    /** Calls fn(row) for rows whose heads are loaded, in order, and lets the browser breathe. fn
     * returns nothing; stop() returning true ends it. @return false if stopped */
    async eachWithHead(rows, fn, stop, progress = () => {}) {
        let until = performance.now() + 12;
        for (let i = 0; i < rows.length; i++) {
            const head = this.frames.head[rows[i]];
            if (!this.heads.has(head)) {
                await this.heads.load(head);
                if (stop()) return false;
            }
            fn(rows[i], this.heads.get(head), i);
            if ((i & 255) === 255 && performance.now() > until) {
                progress(i / rows.length, i);
                await breathe();
                if (stop()) return false;
                until = performance.now() + 12;
            }
        }
        return !stop();
    }
}
