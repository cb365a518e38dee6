/* SPDX-License-Identifier: BSD-3-Clause */
/* A million frames: the report opens, and stays quick. Times are told, not tested: the machine may be
 * busy. What is tested is that there is never more in the document than can be seen, and that the page
 * takes input while it works. */
import { contains, equal, ok, run } from "./harness.mjs";

await run([
    ["a million frames are shown without being in the document", async ({ open, report }) => {
        const page = await open(report("large", "1000000"));
        console.log(`        ready after ${(page.readyAfterMs / 1000).toFixed(2)} s`);
        contains(await page.text("#filter-state"), "997,500 records", "records");
        const elements = () => page.evaluate("document.querySelectorAll('*').length");
        ok(await elements() < 3000, `${await elements()} elements`);
        await page.evaluate("document.querySelector('#packet-list').focus()");
        for (const [key, time] of [["End", "4.999990000"], ["PageUp", "4.99"], ["Home", "0.000000000"], ["PageDown", "0.000"]]) {
            const began = performance.now();
            await page.key(key);
            await page.until(`document.querySelector("#packet-list [aria-selected=true]")?.children[6].textContent === "TCP"`, `${key}: the selected row is shown, decoded`);
            contains(await page.text("#packet-list [aria-selected=true]"), time, key);
            console.log(`        ${key} took ${(performance.now() - began).toFixed(0)} ms`);
        }
        /* The scroll bar's middle is the list's. */
        await page.evaluate("(() => { const l = document.querySelector('#packet-list'); l.scrollTop = (l.scrollHeight - l.clientHeight) / 2; })()");
        await page.settle();
        const time = Number(await page.evaluate("document.querySelector('#packet-list .row').children[1].textContent"));
        ok(Math.abs(time - 2.5) < 0.05, `the middle is at ${time} s`);
        const before = await page.evaluate("document.querySelector('#packet-list .row').index");
        const box = await page.box("#packet-list");
        await page.wheel("#packet-list", 100, box.height / 2, 220);
        await page.until(`document.querySelector("#packet-list .row").index - ${before} === 10`, "the wheel goes by rows");
        const began = performance.now();
        for (let i = 0; i < 5; i++) await page.key("+");
        console.log(`        a step of the zoom takes ${((performance.now() - began) / 5).toFixed(0)} ms`);
        await page.key("f");
        ok(await elements() < 3000, `${await elements()} elements`);
    }],
    ["the page takes input while a filter goes through a million frames", async ({ open, report }) => {
        const page = await open(report("large", "1000000"));
        await page.key("/");
        await page.type("port:1030");
        const began = performance.now();
        await page.until("/%/.test(document.querySelector('#filter-state').innerText)", "progress is told");
        await page.evaluate("document.activeElement.blur()");
        await page.key("2");
        ok(!(await page.evaluate("document.querySelector('#panel-sequence').hidden")), "another tab opens meanwhile");
        await page.until("/of 997,500 records/.test(document.querySelector('#filter-state').innerText)", "it ends");
        console.log(`        the filter took ${((performance.now() - began) / 1000).toFixed(1)} s`);
        equal(await page.evaluate("document.querySelector('#filter').getAttribute('aria-invalid')"), "false", "valid");
    }],
]);
