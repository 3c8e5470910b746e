"use strict";
// The program of a report: tables that sort, and the browser of samples. Text from the data is only ever put into text nodes
// and attributes, never parsed as markup.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const $ = (id) => document.getElementById(id);
  const SVG = "http://www.w3.org/2000/svg";

  // element makes a node with attributes and children, which are nodes or texts.
  function element(name, attributes = {}, ...children) {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    node.append(...children);
    return node;
  }
  function shape(name, attributes = {}, text) {
    const node = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (text !== undefined) node.textContent = text;
    return node;
  }

  // Tables: a click on a column's head sorts by it, a second one the other way. Cells without a value stay below.
  const collator = new Intl.Collator("en", { numeric: true });
  function compare(a, b) {
    const x = Number(a), y = Number(b);
    return a !== "" && b !== "" && !Number.isNaN(x) && !Number.isNaN(y) ? x - y : collator.compare(a, b);
  }
  for (const table of document.querySelectorAll("table")) {
    const heads = [...table.querySelectorAll("thead th")];
    heads.forEach((head, column) => {
      head.querySelector("button").addEventListener("click", () => {
        // Numbers start with the largest, texts with the first.
        const before = head.getAttribute("aria-sort");
        const up = before === null ? !head.classList.contains("number") : before === "descending";
        heads.forEach((h) => h.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        const body = table.tBodies[0];
        const value = (row) => row.cells[column].dataset.sort;
        const rows = [...body.rows].sort((r, s) => {
          const a = value(r), b = value(s);
          if (a === "" || b === "") return (a === "") - (b === "");
          return up ? compare(a, b) : compare(b, a);
        });
        body.append(...rows);
      });
    });
  }

  // The browser's state: a study, the indices of its samples that the filters let through, the place in them, and the run
  // whose tiles are drawn (-1: none).
  const rowHeight = 56;
  let study = data.studies[0], shown = [], place = 0, tiles = 0;
  const list = $("list"), rows = $("rows"), detail = $("detail");

  function verdict(answer) {
    if (!answer) return { mark: "–", kind: "none", word: "not asked" };
    if (answer.error !== undefined) return { mark: "!", kind: "wrong", word: "failed" };
    if (answer.score === undefined) return { mark: "·", kind: "none", word: "no reference" };
    if (answer.score >= 1) return { mark: "✓", kind: "right", word: "right" };
    if (answer.score > 0) return { mark: "½", kind: "wrong", word: "score " + answer.score.toFixed(2) };
    return { mark: "✗", kind: "wrong", word: "wrong" };
  }
  const right = (a) => verdict(a).kind === "right";
  const judged = (s) => s.answers.filter((a) => a && a.score !== undefined);

  // What can be shown: a name and a test of a sample.
  function views() {
    const all = [
      ["all", () => true],
      ["some wrong", (s) => judged(s).some((a) => !right(a))],
      ["all wrong", (s) => judged(s).length > 0 && judged(s).every((a) => !right(a))],
      ["failures", (s) => s.answers.some((a) => a && a.error !== undefined)],
    ];
    if (study.runs.length > 1) {
      all.push(["disagreement: some right, some wrong", (s) => judged(s).some(right) && judged(s).some((a) => !right(a))]);
      all.push(["different answers", (s) => new Set(s.answers.filter(Boolean).map((a) => a.text)).size > 1]);
    }
    study.runs.forEach((run, i) => all.push(["wrong in " + run.name, (s) => s.answers[i] && s.answers[i].score !== undefined && !right(s.answers[i])]));
    if (study.runs.length > 1) study.runs.forEach((run, i) => all.push(["right only in " + run.name, (s) => right(s.answers[i]) && s.answers.every((a, k) => k === i || !right(a))]));
    return all;
  }

  function fill(select, names) {
    select.replaceChildren(...names.map((name, i) => element("option", { value: i }, name)));
  }
  let tests = [], categories = [];
  function open(index) {
    study = data.studies[index];
    tests = views();
    categories = [...new Set(study.samples.map((s) => s.category || ""))].filter(Boolean);
    fill($("category"), ["all", ...categories]);
    fill($("show"), tests.map((t) => t[0]));
    $("search").value = "";
    for (const s of study.samples) {
      s.haystack = [s.id, s.question, s.reference || "", ...s.answers.filter(Boolean).map((a) => a.text)].join("\n").toLowerCase();
    }
    tiles = Math.max(0, study.runs.length - 1);
    filter();
  }

  function filter() {
    const words = $("search").value.toLowerCase().trim();
    const category = Number($("category").value), test = tests[Number($("show").value)][1];
    const before = study.samples[shown[place]];
    shown = [];
    study.samples.forEach((s, i) => {
      if (category > 0 && s.category !== categories[category - 1]) return;
      if (words !== "" && !s.haystack.includes(words)) return;
      if (test(s)) shown.push(i);
    });
    place = Math.max(0, shown.findIndex((i) => study.samples[i] === before));
    $("count").textContent = `${shown.length} of ${study.samples.length} samples`;
    rows.style.height = shown.length * rowHeight + "px";
    drawn.clear();
    rows.replaceChildren();
    select(place);
  }

  // The list holds only the rows in view, whatever the number of samples.
  const drawn = new Map();
  let waiting = false;
  function draw() {
    waiting = false;
    const first = Math.max(0, Math.floor(list.scrollTop / rowHeight) - 4);
    const last = Math.min(shown.length - 1, Math.ceil((list.scrollTop + list.clientHeight) / rowHeight) + 4);
    for (const [i, node] of drawn) {
      if (i < first || i > last) { node.remove(); drawn.delete(i); }
    }
    for (let i = first; i <= last; i++) {
      if (!drawn.has(i)) { const node = row(i); drawn.set(i, node); rows.append(node); }
    }
    for (const [i, node] of drawn) node.setAttribute("aria-selected", String(i === place));
    const current = drawn.get(place);
    if (current) list.setAttribute("aria-activedescendant", current.id); else list.removeAttribute("aria-activedescendant");
  }
  function later() {
    if (!waiting) { waiting = true; requestAnimationFrame(draw); }
  }

  const picture = (s) => "data:image/jpeg;base64," + data.pictures[s.picture];
  function row(i) {
    const s = study.samples[shown[i]];
    const marks = element("span", { class: "marks" });
    if (s.answers.length <= 8) {
      s.answers.forEach((a, k) => {
        const v = verdict(a);
        marks.append(element("span", { class: v.kind, title: study.runs[k].name + ": " + v.word }, v.mark));
      });
    } else {
      marks.textContent = s.answers.filter(right).length + "/" + s.answers.length;
    }
    const node = element("div", { class: "row", role: "option", id: "row-" + i, "aria-posinset": i + 1, "aria-setsize": shown.length },
      s.picture >= 0 ? element("img", { src: picture(s), alt: "", loading: "lazy" }) : element("span", { class: "blank" }),
      element("div", { class: "what" }, element("div", { class: "ask" }, s.question), element("div", { class: "where" }, [s.category, s.id].filter(Boolean).join(" · "))),
      marks);
    node.style.top = i * rowHeight + "px";
    node.addEventListener("click", () => select(i));
    return node;
  }

  function select(i) {
    place = Math.max(0, Math.min(shown.length - 1, i));
    const top = place * rowHeight;
    if (top < list.scrollTop) list.scrollTop = top;
    else if (top + rowHeight > list.scrollTop + list.clientHeight) list.scrollTop = top + rowHeight - list.clientHeight;
    draw();
    show();
  }

  // The detail: the picture with the views of one run on it, and what every run answered.
  function show() {
    const s = study.samples[shown[place]];
    if (!s) { detail.replaceChildren(element("p", {}, "No sample is like this.")); return; }
    const size = s.size >= 0 ? study.sizes[s.size] : null;
    const facts = [s.category, size ? size[0] + " × " + size[1] + " pixels" : "", s.detail ? "detail of " + s.detail + " pixels" : ""].filter(Boolean).join(" · ");
    const parts = [element("h3", {}, s.id), element("p", { class: "small" }, facts)];
    if (size) parts.push(...looking(s, size));
    parts.push(element("p", { class: "question" }, s.question));
    if (s.reference) parts.push(element("p", {}, "Expected: ", element("strong", {}, s.reference)));
    parts.push(answers(s));
    detail.replaceChildren(...parts);
  }

  function looking(s, size) {
    const layouts = study.runs.map((run) => run.layouts[s.size] || []);
    const out = [sketch(s, size, tiles >= 0 ? layouts[tiles] : [])];
    if (layouts.some((l) => l.length > 0)) {
      const tools = element("div", { class: "detail-tools", role: "group", "aria-label": "Views drawn on the picture" }, "views of");
      const choose = (i, name) => {
        const button = element("button", { type: "button", "aria-pressed": String(tiles === i) }, name);
        button.addEventListener("click", () => { tiles = i; show(); });
        tools.append(button);
      };
      study.runs.forEach((run, i) => { if (layouts[i].length > 0) choose(i, run.name); });
      choose(-1, "none");
      out.push(tools);
      const kinds = new Set((tiles >= 0 ? layouts[tiles] : []).map((r) => r[0]));
      const words = element("p", { class: "legend" });
      if (kinds.has("tile")) words.append(element("b", { class: "l-tile" }, "— tiles "));
      if (kinds.has("whole")) words.append(element("b", { class: "l-tile" }, "— the view "));
      if (kinds.has("global")) words.append(element("b", { class: "l-global" }, "- - whole picture as one view "));
      if (kinds.has("kept")) words.append(element("b", { class: "l-kept" }, "··· features that are kept "));
      words.append("shaded: padding");
      if (kinds.size > 0) out.push(words);
    }
    return out;
  }

  function sketch(s, size, layout) {
    // The drawing holds the picture and every view, which may reach beyond it.
    let left = 0, top = 0, rightEdge = size[0], bottom = size[1];
    for (const [, x, y, w, h] of layout) {
      left = Math.min(left, x); top = Math.min(top, y);
      rightEdge = Math.max(rightEdge, x + w); bottom = Math.max(bottom, y + h);
    }
    const width = rightEdge - left, height = bottom - top, margin = Math.max(width, height) * 0.01;
    const svg = shape("svg", { class: "view", role: "img", "aria-label": "Picture of " + s.id,
      viewBox: [left - margin, top - margin, width + 2 * margin, height + 2 * margin].join(" ") });
    for (const [kind, x, y, w, h] of layout) {
      if (kind === "tile" || kind === "whole") svg.append(shape("rect", { class: "padding", x, y, width: w, height: h }));
    }
    if (s.picture >= 0) svg.append(shape("image", { x: 0, y: 0, width: size[0], height: size[1], href: picture(s), preserveAspectRatio: "none" }));
    svg.append(shape("rect", { class: "frame", x: 0, y: 0, width: size[0], height: size[1] }));
    if (s.picture < 0) svg.append(shape("text", { x: size[0] / 2, y: size[1] / 2, "font-size": Math.max(width, height) / 28 }, "picture " + (s.without || "not embedded")));
    for (const kind of ["tile", "whole", "global", "kept"]) {
      for (const [k, x, y, w, h] of layout) {
        if (k === kind) svg.append(shape("rect", { class: kind, x, y, width: w, height: h }));
      }
    }
    return svg;
  }

  function answers(s) {
    const body = element("tbody");
    s.answers.forEach((a, i) => {
      const v = verdict(a);
      const number = (text) => element("td", { class: "number" }, text);
      body.append(element("tr", {},
        element("td", {}, study.runs[i].name),
        element("td", { class: v.kind }, v.mark + " " + v.word),
        element("td", { class: "said" }, a ? (a.error !== undefined ? a.error : a.text) : "",
          a && a.options !== undefined ? element("div", { class: "small" }, "log-likelihoods: " + a.options) : ""),
        number(a ? String(a.image) : ""), number(a ? String(a.prompt) : ""), number(a ? String(a.output) : ""),
        number(a && a.latency !== undefined ? a.latency.toFixed(1) : "")));
    });
    const head = element("thead", {}, element("tr", {}, ...["run", "", "answer"].map((h) => element("th", { scope: "col" }, h)),
      ...["image tokens", "prompt", "output", "ms"].map((h) => element("th", { scope: "col", class: "number" }, h))));
    return element("div", { class: "scroll" }, element("table", {}, head, body));
  }

  // Keys work wherever nothing is being typed and the browser of samples is in view or in focus.
  function near() {
    const box = $("samples").getBoundingClientRect();
    return box.top < innerHeight * 0.75 && box.bottom > innerHeight * 0.25;
  }
  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    if (e.key === "Escape" && e.target === $("search")) { list.focus(); return; }
    if (e.target.closest("input, select, button, summary, pre")) return;
    if (e.key === "/" ) { e.preventDefault(); $("search").focus(); $("search").select(); return; }
    if (!near() && e.target !== list) return;
    const steps = { j: 1, k: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity, ArrowDown: 1, ArrowUp: -1 };
    if (e.key in steps && (e.target === list || e.key === "j" || e.key === "k")) {
      e.preventDefault();
      const to = place + steps[e.key];
      select(to === Infinity ? shown.length - 1 : to === -Infinity ? 0 : to);
    } else if (e.key === "t") {
      tiles = tiles + 1 >= study.runs.length ? -1 : tiles + 1;
      show();
    }
  });

  fill($("study"), data.studies.map((s) => s.title));
  $("study-label").hidden = data.studies.length < 2;
  $("study").addEventListener("change", () => open(Number($("study").value)));
  $("search").addEventListener("input", filter);
  $("category").addEventListener("change", filter);
  $("show").addEventListener("change", filter);
  $("filters").addEventListener("submit", (e) => e.preventDefault());
  list.addEventListener("scroll", later, { passive: true });
  addEventListener("resize", later);
  addEventListener("beforeprint", () => document.querySelectorAll("details.manifest").forEach((d) => { d.open = true; }));
  open(0);
})();
