/* SPDX-License-Identifier: BSD-3-Clause */
import { $, el } from "./dom.js";
import { count, duration, exactTime, plural } from "./format.js";
import { load } from "./data.js";
import { Model } from "./model.js";
import { State } from "./state.js";
import { apply, parse } from "./filter.js";
import { Timeline } from "./timeline.js";
import { Topology } from "./topology.js";
import { Packets } from "./packets.js";
import { Sequence } from "./sequence.js";
import { Plots, speedPlot } from "./plots.js";
import { Console } from "./console.js";
import { certificate, Flows, outcome, profile, profileOf } from "./tables.js";

/* ------------------------------------------------------------------------------------------ header */

function badge(text, kind = "", title = undefined) {
    return el("span", { class: `badge ${kind}`, title }, text);
}

function header(model) {
    const { facts } = model, { footer } = facts, name = facts.scenario || "run";
    document.title = `${name} – ttbridge report`;
    $("name").textContent = name;
    const missed = model.expectations.filter((e) => !e.met).length, all = model.expectations.length;
    const { wall } = profileOf(model), span = footer ? footer.end_ns : model.end;
    $("badges").replaceChildren(...[
        !all ? null : missed ? badge(`✗ ${missed} of ${plural(all, "expectation")} not met`, "bad") : badge(`✓ ${plural(all, "expectation")} met`, "good"),
        !footer ? (facts.goes_on ? badge("the run goes on", "warn") : facts.warning ? badge("✗ trace cut short", "bad") : null) : footer.ending === "failed" || footer.ending === "differed" ? badge(`✗ ${footer.ending}`, "bad", footer.why) : null,
        badge(`${duration(span)} simulated`), wall ? badge(`${duration(wall)} wall time`) : null,
        badge(plural(model.participants.filter((p) => p.kind === "node").length, "node")),
        badge(`${plural(model.sent, "frame")} sent`), model.lost ? badge(`${count(model.lost)} lost`, "warn") : null,
        footer ? badge(`digest ${footer.all.slice(0, 12)}`, "", footer.all) : null,
    ].filter(Boolean));
    const notices = [];
    if (facts.warning) notices.push(facts.warning);
    for (const [table, omitted] of Object.entries(facts.omitted))
        notices.push(`${count(omitted)} rows of ${table} are left out, since the report would be too large: they come after those that it holds. --from and --to choose a part.`);
    const only = [facts.node_filter && `node ${facts.node_filter}`, facts.link_filter && `link ${facts.link_filter}`,
        facts.from_ns ? `from ${exactTime(facts.from_ns)}` : "", facts.to_ns ? `to ${exactTime(facts.to_ns)}` : ""].filter(Boolean);
    if (only.length) notices.push(`A part of the run: ${only.join(", ")}.`);
    $("notices").replaceChildren(...notices.map((text) => el("p", { class: "notice" }, text)));
}

/* ----------------------------------------------------------------------------------------- filter */

class Filter {
    constructor(state) {
        this.state = state;
        this.input = $("filter");
        this.said = $("filter-state");
        this.turn = 0;
        this.input.addEventListener("input", () => {
            clearTimeout(this.timer);
            this.timer = setTimeout(() => this.apply(), 150);
        });
        this.input.addEventListener("keydown", (event) => {
            if (event.key === "Enter") this.apply();
        });
        state.on("hidden", () => this.apply());
        this.#say();
    }

    set(text) {
        this.input.value = text;
        this.apply();
    }

    async apply() {
        clearTimeout(this.timer);
        const { state } = this, turn = ++this.turn, parsed = parse(this.input.value, state.model);
        this.input.setAttribute("aria-invalid", Boolean(parsed.error));
        if (parsed.error) {
            this.said.textContent = parsed.error;
            this.said.className = "bad";
            return;
        }
        const result = await apply(state.model, parsed, state.hidden, () => turn !== this.turn, (done, found) => {
            this.said.textContent = `${Math.round(100 * done)} %, ${count(found)} so far`;
        });
        if (!result) return;
        state.setRows(result.rows, result.mask);
        this.#say();
    }

    #say() {
        const { state } = this;
        this.said.className = "";
        this.said.textContent = state.rows ? `${count(state.rowCount)} of ${plural(state.model.rows, "record")}` : plural(state.model.rows, "record");
    }
}

/* ------------------------------------------------------------------------------------------- tabs */

class Tabs {
    constructor() {
        this.list = $("tabs");
        this.tabs = [];
        this.list.addEventListener("keydown", (event) => {
            const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
            const at = this.tabs.findIndex((tab) => tab.button === document.activeElement);
            const next = step ? (at + step + this.tabs.length) % this.tabs.length
                : event.key === "Home" ? 0 : event.key === "End" ? this.tabs.length - 1 : -1;
            if (at < 0 || next < 0) return;
            event.preventDefault();
            this.open(next);
            this.tabs[next].button.focus();
        });
    }

    /** make(panel) is called when the tab is first opened. */
    add(name, title, make) {
        const index = this.tabs.length;
        const panel = el("div", { id: `panel-${name}`, class: "panel", role: "tabpanel", "aria-labelledby": `tab-${name}`, hidden: true });
        const button = el("button", {
            type: "button", id: `tab-${name}`, role: "tab", "aria-controls": panel.id, "aria-selected": "false", tabindex: -1,
            onclick: () => this.open(index),
        }, title);
        this.tabs.push({ name, button, panel, make });
        this.list.append(button);
        $("panels").append(panel);
    }

    open(index) {
        this.tabs.forEach((tab, i) => {
            tab.button.setAttribute("aria-selected", i === index);
            tab.button.tabIndex = i === index ? 0 : -1;
            tab.panel.hidden = i !== index;
        });
        const tab = this.tabs[index];
        if (tab.make) tab.make(tab.panel);
        tab.make = null;
        tab.panel.dispatchEvent(new Event("shown"));
    }
}

/* ------------------------------------------------------------------------------------ theme, keys */

function theme(recolour) {
    const modes = ["Auto", "Light", "Dark"], button = $("theme");
    let mode = 0;
    button.addEventListener("click", () => {
        mode = (mode + 1) % 3;
        button.textContent = modes[mode];
        if (mode) document.documentElement.dataset.theme = modes[mode].toLowerCase();
        else delete document.documentElement.dataset.theme;
        recolour();
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);
}

/* The next frame that passes the filter, or the one before. */
function step(state, by) {
    if (!state.rowCount) return;
    let position = state.row < 0 ? (by > 0 ? 0 : state.rowCount - 1) : state.positionOf(state.row) + by;
    if (state.row >= 0 && by > 0 && state.rowAt(position - 1) !== state.row) position--;
    state.selectRow(state.rowAt(Math.max(0, Math.min(state.rowCount - 1, position))));
}

function keys(state, tabs, filter) {
    const help = $("help");
    const actions = {
        "/": () => filter.input.focus(), "?": () => help.showModal(), f: () => state.fit(), "+": () => state.zoom(0.5), "=": () => state.zoom(0.5),
        "-": () => state.zoom(2), n: () => step(state, 1), p: () => step(state, -1), t: () => $("timeline").focus(),
        z: () => {
            if (state.row < 0) return;
            const story = state.model.story(state.row), { time } = state.model.frames;
            const begin = time[story[0]], end = time[story.at(-1)], room = Math.max(end - begin, 1000);
            state.setRange(begin - room / 2, end + room / 2);
        },
    };
    document.addEventListener("keydown", (event) => {
        if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
        const typing = event.target.closest("input, select, textarea");
        if (event.key === "Escape" && event.target === filter.input) {
            filter.set("");
            filter.input.blur();
            return;
        }
        if (typing && event.target.type !== "checkbox") return;
        const tab = "12345678".indexOf(event.key);
        const action = actions[event.key] ?? (tab >= 0 && tab < tabs.tabs.length ? () => tabs.open(tab) : null);
        if (!action) return;
        event.preventDefault();
        action();
    });
    $("help-open").addEventListener("click", () => help.showModal());
}

/* -------------------------------------------------------------------------------------------- all */

function say(state) {
    const range = () => {
        const all = state.span >= state.model.end - state.model.begin;
        $("range").textContent = all ? `whole run, ${duration(state.span)}` : `${exactTime(Math.round(state.begin))} – ${exactTime(Math.round(state.end))} (${duration(state.span)})`;
    };
    state.on("range", range);
    range();
    state.on("row", () => {
        if (state.row < 0) return;
        const { frames } = state.model;
        $("live").textContent = `${exactTime(frames.time[state.row])}, ${state.model.placeLabel(frames.place[state.row])}, ${frames.length[state.row]} bytes`;
    });
}

async function start() {
    $("badges").replaceChildren(badge("reading…"));
    const model = new Model(await load((done) => ($("badges").firstChild.textContent = `reading, ${Math.round(100 * done)} %`)));
    const state = new State(model), tabs = new Tabs();
    header(model);
    say(state);
    const filter = new Filter(state), timeline = new Timeline(state);
    new Topology(state);
    const open = (name) => tabs.open(tabs.tabs.findIndex((tab) => tab.name === name));
    let plots = null;
    tabs.add("packets", "Packets", (panel) => new Packets(state, panel));
    tabs.add("sequence", "Sequence", (panel) => new Sequence(state, panel));
    tabs.add("plots", "Plots", (panel) => (plots = new Plots(state, panel)));
    tabs.add("console", "Console", (panel) => new Console(state, panel));
    tabs.add("flows", "Flows", (panel) => new Flows(state, panel, (text) => {
        filter.set(text);
        open("packets");
    }));
    tabs.add("outcome", "Expectations", (panel) => outcome(state, panel));
    tabs.add("profile", "Profile", (panel) => {
        profile(state, panel);
        speedPlot(state, panel);
    });
    tabs.add("certificate", "Certificate", (panel) => certificate(state, panel));
    open(model.expectations.some((e) => !e.met) ? "outcome" : "packets");
    theme(() => {
        timeline.recolour();
        plots?.update();
    });
    keys(state, tabs, filter);
    $("zoom-in").addEventListener("click", () => state.zoom(0.5));
    $("zoom-out").addEventListener("click", () => state.zoom(2));
    $("fit").addEventListener("click", () => state.fit());
    /* Painted: sizes are known in the first frame, and drawn to in the second. */
    requestAnimationFrame(() => requestAnimationFrame(() => (document.documentElement.dataset.ready = performance.now().toFixed(0))));
}

start().catch((error) => {
    console.error(error);
    $("notices").replaceChildren(el("p", { class: "notice bad" }, `This report cannot be shown: ${error.message}`));
});
