/* SPDX-License-Identifier: BSD-3-Clause */
/* What the views share, and who wants to know when it changes. */

export class State extends EventTarget {
    constructor(model) {
        super();
        this.model = model;
        this.begin = model.begin; /* of the range that is shown */
        this.end = model.end;
        this.time = null;         /* the time that the user has chosen */
        this.row = -1;            /* the frame that the user has chosen */
        this.hidden = new Set();  /* participants */
        this.rows = null;         /* frames that pass the filter; null: all */
        this.mask = null;
        this.filterText = "";
    }

    on(name, fn) {
        this.addEventListener(name, fn);
    }

    #tell(name) {
        this.dispatchEvent(new Event(name));
    }

    get span() {
        return this.end - this.begin;
    }

    setRange(begin, end) {
        const { model } = this, all = model.end - model.begin;
        const span = Math.min(all, Math.max(end - begin, Math.min(all, 100)));
        if (end - begin < span) begin = (begin + end - span) / 2;
        begin = Math.max(model.begin, Math.min(begin, model.end - span));
        if (begin === this.begin && begin + span === this.end) return;
        this.begin = begin;
        this.end = begin + span;
        this.#tell("range");
    }

    zoom(factor, at = (this.begin + this.end) / 2) {
        this.setRange(at - (at - this.begin) * factor, at + (this.end - at) * factor);
    }

    pan(part) {
        this.setRange(this.begin + this.span * part, this.end + this.span * part);
    }

    fit() {
        this.setRange(this.model.begin, this.model.end);
    }

    /** Move the range so that a time is in it. */
    show(time) {
        const { begin, end, span } = this;
        if (time >= begin && time <= end) return;
        this.setRange(time - span / 2, time + span / 2);
    }

    setTime(time) {
        this.time = time === null ? null : Math.max(this.model.begin, Math.min(this.model.end, time));
        this.#tell("time");
    }

    selectRow(row) {
        this.row = row;
        this.#tell("row");
        if (row >= 0) {
            const time = this.model.frames.time[row];
            this.show(time);
            this.setTime(time);
        }
    }

    setRows(rows, mask) {
        this.rows = rows;
        this.mask = mask;
        this.#tell("rows");
    }

    toggle(index) {
        if (this.hidden.has(index)) this.hidden.delete(index);
        else this.hidden.add(index);
        this.#tell("hidden");
    }

    setHidden(hidden) {
        this.hidden = hidden;
        this.#tell("hidden");
    }

    /** Frames that pass: how many; the row of one; the position of the first not before a row. */
    get rowCount() {
        return this.rows ? this.rows.length : this.model.rows;
    }

    rowAt(position) {
        return this.rows ? this.rows[position] : position;
    }

    positionOf(row) {
        if (!this.rows) return row;
        let low = 0, high = this.rows.length;
        while (low < high) {
            const middle = (low + high) >>> 1;
            if (this.rows[middle] < row) low = middle + 1;
            else high = middle;
        }
        return low;
    }
}
