"use strict";
// What a page does beyond being read: tables that sort, filter and hide columns, rows that are
// picked in every table and picture and in the address, and pictures drawn when they are seen.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const labels = new Set([...document.querySelectorAll("[data-label]")].map((row) => row.dataset.label));
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const SHADES = {
    light: ["#0072b2", "#c2410c", "#00694a", "#a3487f", "#7a5c00", "#5b4fc4", "#a4161a", "#3f4a54"],
    dark: ["#56b4e9", "#ff9a5c", "#4fd6a5", "#e79cc7", "#f0c75a", "#b3abff", "#ff8f87", "#c9d1d9"],
  };
  const DASHES = [[1, 0], [6, 3], [2, 2]];
  const isPhone = matchMedia("(max-width: 40rem)").matches;
  const FIRST = 5;
  let picked = [];

  function element(tag, properties = {}, ...children) {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  }

  // Rows that are picked, and the address

  function address(anchor) {
    const rest = picked.length ? "&pick=" + picked.map(encodeURIComponent).join(",") : "";
    return rest || anchor ? "#" + anchor + rest : location.pathname + location.search;
  }

  function told() {
    const [anchor, ...rest] = location.hash.slice(1).split("&");
    const pick = rest.find((each) => each.startsWith("pick="));
    let names = null;
    try {
      names = pick ? pick.slice(5).split(",").map(decodeURIComponent) : null;
    } catch (wrong) {
      names = [];
    }
    return { anchor, names: names && names.filter((name) => !labels.size || labels.has(name)) };
  }

  function go(anchor) {
    const target = anchor && document.getElementById(anchor);
    if (!target) return;
    for (let each = target; each; each = each.parentElement) if (each.tagName === "DETAILS") each.open = true;
    target.scrollIntoView();
    const focused = target.querySelector("summary, h2") || target;
    if (!focused.matches("summary")) focused.tabIndex = -1;
    focused.focus({ preventScroll: true });
  }

  function toggle(label) {
    picked = picked.includes(label) ? picked.filter((each) => each !== label) : [...picked, label];
    history.replaceState(null, "", address(told().anchor));
    show();
  }

  function show() {
    for (const row of document.querySelectorAll("tr[data-label]")) {
      const is = picked.includes(row.dataset.label);
      row.classList.toggle("picked", is);
      const box = row.querySelector("th input");
      if (box) box.checked = is;
    }
    const bar = document.querySelector(".picks");
    bar.hidden = picked.length === 0;
    bar.replaceChildren(`Picked: ${picked.join(", ")} `);
    const clear = element("button", { type: "button", className: "plain" }, "Pick none");
    clear.addEventListener("click", () => {
      picked = [];
      history.replaceState(null, "", address(told().anchor));
      show();
    });
    bar.append(clear);
    // Other pages of a site: the picked rows go along.
    for (const link of document.querySelectorAll('a[href*=".html"]')) link.hash = picked.length ? address("") : "";
    charts.forEach((chart) => chart.follow());
    charts.forEach((chart) => chart.stale());
  }

  // Tables

  function rowsOf(table) {
    return [...table.tBodies[0].rows];
  }

  function compare(one, other) {
    const [a, b] = [Number(one), Number(other)];
    if (!Number.isNaN(a) && !Number.isNaN(b)) return a - b;
    return one.localeCompare(other, "en", { numeric: true });
  }

  function sort(table, heads, place) {
    const now = heads[place].getAttribute("aria-sort");
    const order = now === "ascending" ? "descending" : "ascending";
    heads.forEach((head) => head.setAttribute("aria-sort", "none"));
    heads[place].setAttribute("aria-sort", order);
    const sign = order === "ascending" ? 1 : -1;
    const value = (row) => row.cells[place].dataset.sort;
    const rows = rowsOf(table).sort((one, other) => {
      const [a, b] = [value(one), value(other)];
      // What is not known stands last in either order.
      if (a === undefined || b === undefined) return (a === undefined) - (b === undefined);
      return sign * compare(a, b);
    });
    table.tBodies[0].append(...rows);
  }

  function hide(table, place, hidden) {
    for (const row of table.rows) if (row.cells[place]) row.cells[place].hidden = hidden;
  }

  function columnChoice(table, heads, names) {
    const box = element("details", {}, element("summary", {}, "Columns"));
    const set = element("fieldset", {}, element("legend", {}, "Columns that are shown"));
    const inputs = heads.map((head, place) => {
      const input = element("input", { type: "checkbox", checked: true });
      input.addEventListener("change", () => {
        hide(table, place, !input.checked);
        count();
      });
      set.append(element("label", {}, input, " " + names[place]));
      return input;
    });
    function count() {
      const gone = inputs.filter((input) => !input.checked).length;
      box.firstChild.textContent = gone ? `Columns (${gone} of ${inputs.length} hidden)` : "Columns";
    }
    box.append(set);
    // On a narrow screen the least important columns go first, as on a narrow terminal; those of a
    // panel once it is open, as nothing has a width before.
    const scroll = table.closest(".scroll");
    const order = heads.map((head, place) => [Number(head.dataset.importance ?? Infinity), -place]);
    order.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    function fit() {
      for (const [importance, place] of order) {
        if (importance === Infinity || scroll.scrollWidth <= scroll.clientWidth) break;
        inputs[-place].checked = false;
        hide(table, -place, true);
      }
      count();
    }
    if (!scroll.clientWidth) table.closest("details:not([open])")?.addEventListener("toggle", fit, { once: true });
    fit();
    return box;
  }

  function furnish(table) {
    const heads = [...table.tHead.rows[0].cells];
    const names = heads.map((head) => head.textContent.trim());
    const caption = table.caption.textContent;
    heads.forEach((head, place) => {
      const button = element("button", { type: "button" }, names[place] || "name");
      head.replaceChildren(button);
      head.setAttribute("aria-sort", "none");
      button.addEventListener("click", () => sort(table, heads, place));
    });
    for (const row of table.tBodies[0].querySelectorAll("tr[data-label]")) {
      const box = element("input", { type: "checkbox", ariaLabel: `Pick ${row.dataset.label}` });
      box.addEventListener("change", () => toggle(row.dataset.label));
      const head = row.querySelector("th"), name = head.querySelector("a");
      // A name that is too long for a phone is broken at its underscores.
      if (name && isPhone) name.replaceChildren(...name.textContent.split(/(?<=_)/).flatMap((part, place) => (place ? [element("wbr"), part] : [part])));
      head.prepend(box);
    }
    const tools = element("div", { className: "tools" });
    if (rowsOf(table).length > 3) tools.append(...filterOf(table, caption));
    if (heads.length > 4 && !table.closest(".fold")) tools.append(columnChoice(table, heads, names));
    if (tools.children.length) table.closest(".table").prepend(tools);
  }

  function filterOf(table, caption) {
    const filter = element("input", { type: "search", ariaLabel: `Filter: ${caption}`, placeholder: "Filter rows" });
    const said = element("output", {});
    filter.addEventListener("input", () => {
      const wanted = filter.value.toLowerCase();
      const rows = rowsOf(table);
      for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
      const left = rows.filter((row) => !row.hidden).length;
      said.textContent = wanted ? `${left} of ${rows.length} rows` : "";
    });
    return [filter, said];
  }

  // Pictures: each a specification of Vega-Lite, made of the page's data

  function shades() {
    return SHADES[dark.matches ? "dark" : "light"];
  }

  function css(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }

  function config() {
    const [text, soft, line] = ["--text", "--soft", "--line"].map(css);
    return {
      background: "transparent",
      font: "system-ui, sans-serif",
      view: { stroke: line },
      axis: {
        labelColor: soft, titleColor: text, gridColor: line, domainColor: soft, tickColor: soft,
        labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal",
      },
      text: { color: text, fontSize: 12 },
    };
  }

  function whole(layers, height = 320) {
    return {
      width: "container", height, autosize: { type: "fit", contains: "padding", resize: true },
      layer: layers.filter((layer) => layer.data.values.length),
    };
  }

  const of = (values) => ({ values });
  const field = (name, type, rest = {}) => ({ field: name, type, ...rest });
  const own = (name) => ({ field: name, type: "nominal", scale: null, legend: null });

  const COSTS = {
    "training time": { factor: 1, title: "training time (s)", log: true, format: ",~g" },
    "peak memory": { factor: 1 / 1024 ** 2, title: "peak memory (MiB)", log: false },
    "parameters": { factor: 1, title: "parameters", log: true, format: "~s" },
  };

  // A logarithm has no zero: what costs nothing stands before all others, and its tick says so.
  function logarithmic(values, least, title, format) {
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const ticks = [];
    for (let power = -4; power < 12; power += 1) for (const digit of [1, 3]) ticks.push(digit * 10 ** power);
    const isFree = values.some((value) => value === least && least < low * 1.001);
    const shown = ticks.filter((tick) => tick > low * (isFree ? 1.5 : 0.4) && tick < high * 2.5);
    return {
      title, scale: { type: "log", domain: [low * 0.6, high * 1.8], nice: false },
      axis: { values: isFree ? [least, ...shown] : shown, labelOverlap: "greedy", labelSeparation: 4, labelExpr: `datum.value < ${isFree ? least * 1.2 : 0} ? 'none' : format(datum.value, '${format}')` },
    };
  }

  function costSpec(table, shown, state) {
    const name = state.cost, { factor, title, log, format } = COSTS[name];
    const known = table.rows.filter((row) => row.costs[name] !== null);
    if (!known.length) return null;
    const positive = known.map((row) => row.costs[name] * factor).filter((value) => value > 0);
    const least = positive.length ? Math.min(...positive) / 3 : 1;
    const [low, high] = table.range;
    const best = table.frontier[name];
    const chosen = new Map(shown.map((each) => [each.label, each.color]));
    const rows = known.map((row) => {
      const at = row.costs[name] * factor;
      const isBest = best.includes(row.label);
      return {
        label: row.label, at: log ? Math.max(at, least) : at, real: at,
        mean: Math.min(Math.max(row.mean, low), high), quality: row.mean,
        low: row.low === null ? null : Math.max(row.low, low),
        high: row.high === null ? null : Math.min(row.high, high),
        color: picked.length && chosen.has(row.label) ? chosen.get(row.label) : isBest ? css("--worse") : css("--soft"),
        opacity: picked.length && !chosen.has(row.label) ? 0.35 : 1,
        filled: isBest ? "circle" : row.mean === Math.min(Math.max(row.mean, low), high) ? "circle" : "triangle",
        named: picked.length ? chosen.has(row.label) : isBest || known.length < 8,
        note: row.contended && name === "training time" ? "timed while other work ran" : "",
      };
    });
    // As of rows that were timed on another machine.
    const missing = table.left_out[name], said = "not shown, without a figure that compares:";
    const heading = !missing ? title : isPhone ? [title, said, ...missing.split(/(?<=,) /)] : [title, `${said} ${missing}`];
    const x = field("at", "quantitative", log ? logarithmic(rows.map((row) => row.at), least, heading, format) : { title: heading, scale: { zero: false, nice: true }, axis: { format: ",.0f", tickCount: 5 } });
    const y = (name) => field(name, "quantitative", { title: `validation ${table.metric}, ${table.better} is better`, scale: { domain: [low, high], zero: false } });
    // Names near an end of the axis stand within it.
    const scaled = (value) => (log ? Math.log(value) : value);
    const ends = [Math.min(...rows.map((row) => scaled(row.at))), Math.max(...rows.map((row) => scaled(row.at)))];
    for (const row of rows) {
      const place = (scaled(row.at) - ends[0]) / (ends[1] - ends[0] || 1);
      row.align = place < 0.25 ? "left" : place > 0.75 ? "right" : "center";
    }
    const line = rows.filter((row) => best.includes(row.label));
    const layers = [
      { data: of(line), mark: { type: "line", clip: true, interpolate: "step-after", color: css("--worse"), opacity: 0.7 }, encoding: { x, y: y("mean") } },
      { data: of(rows.filter((row) => row.low !== null)), mark: { type: "rule", clip: true }, encoding: { x, y: y("low"), y2: { field: "high" }, color: own("color"), opacity: { field: "opacity", type: "quantitative", scale: null } } },
      {
        data: of(rows), mark: { type: "point", filled: true, size: 75, cursor: "pointer" },
        encoding: {
          x, y: y("mean"), color: own("color"), opacity: { field: "opacity", type: "quantitative", scale: null },
          shape: own("filled"),
          tooltip: [field("label", "nominal", { title: "plugin" }), field("quality", "quantitative", { title: "validation" }), field("real", "quantitative", { title }), field("note", "nominal", { title: "note" })],
        },
      },
      { data: of(rows.filter((row) => row.named)), mark: { type: "text", dy: -11, align: { expr: "datum.align" }, limit: 180 }, encoding: { x, y: y("mean"), text: field("label", "nominal"), color: own("color") } },
    ];
    if (table.baseline.value !== null) layers.unshift({ data: of([{ at: table.baseline.value }]), mark: { type: "rule", clip: true, strokeDash: [4, 3], color: css("--soft") }, encoding: { y: y("at") } });
    return whole(layers);
  }

  function curvesSpec(table, shown, state) {
    const values = [], single = [];
    for (const { label, color } of shown) {
      for (const curve of table.curves[state.measure][label] || []) {
        for (const split of ["train", "validation"]) {
          curve[split].forEach((value, place) => {
            if (value === null) return;
            values.push({ label, color, seed: curve.seed, epoch: place + 1, value, split: split === "train" ? "training" : split, line: `${label} ${curve.seed} ${split}` });
          });
        }
      }
    }
    if (!values.length) return null;
    const last = Math.max(...values.map((each) => each.epoch));
    const range = state.measure === "metric" ? table.curves_range : null;
    const inside = range ? values.filter((each) => each.value >= range[0] && each.value <= range[1]) : values;
    const use = 2 * inside.length >= values.length ? inside : values;
    const y = field("value", "quantitative", { title: state.measure === "metric" ? table.metric : "loss", scale: { zero: false } });
    const x = field("epoch", "quantitative", { title: "epoch", scale: { domain: last > 1 ? [1, last] : [0.5, 1.5], nice: false }, axis: last > 1 ? { tickMinStep: 1, format: "d" } : { values: [1], format: "d" } });
    const shared = { x, y, detail: field("line", "nominal"), color: own("color"), strokeDash: field("split", "nominal", { legend: null, scale: { domain: ["validation", "training"], range: DASHES } }) };
    return whole([
      { data: of(use), mark: { type: "line", clip: true, strokeWidth: 1.6 }, encoding: shared },
      {
        data: of(use), mark: { type: "point", filled: true, size: last > 1 ? 14 : 60, clip: true },
        encoding: { x, y, color: own("color"), shape: field("split", "nominal", { legend: null, scale: { domain: ["validation", "training"], range: ["circle", "triangle"] } }), tooltip: [field("label", "nominal", { title: "plugin" }), field("seed", "quantitative"), field("split", "nominal"), field("epoch", "quantitative"), field("value", "quantitative")] },
      },
    ]);
  }

  // What was measured at each commit. Times of two machines are two lines.
  function historySpec(table, shown, state) {
    const isTime = state.of === "training time", values = [];
    for (const { label, color } of shown) {
      for (const point of table.history[label] || []) {
        const all = { ...point, label, color, changed: point.changed || "nothing else" };
        if (!isTime && point.mean !== null) values.push({ ...all, line: label, value: point.mean, low: point.mean - (point.deviation || 0), high: point.mean + (point.deviation || 0), filled: "circle", place: "" });
        if (!isTime) continue;
        for (const [letter, value] of Object.entries(point.times)) {
          if (value === null) continue;
          values.push({ ...all, line: `${label} ${letter}`, value, letter, place: table.history_places[letter] + (point.contended.includes(letter) ? "; other work ran" : ""), filled: { A: "circle", B: "square", C: "triangle" }[letter] });
        }
      }
    }
    if (!values.length) return null;
    values.sort((a, b) => (a.when < b.when ? -1 : a.when > b.when ? 1 : 0));
    const order = [...new Set(values.map((each) => each.at))];
    values.forEach((each) => { each.step = order.indexOf(each.at); });
    const x = field("at", "ordinal", { title: "commit, from the first that was measured", sort: order, scale: { domain: order }, axis: { labelAngle: order.length > 8 ? -35 : 0, labelOverlap: true } });
    const y = (name) => field(name, "quantitative", { title: isTime ? "training time (s)" : `validation ${table.metric}, ${table.better} is better`, scale: { zero: false, padding: 10 } });
    const shared = { x, y: y("value"), detail: field("line", "nominal"), color: own("color") };
    const tooltip = [field("label", "nominal", { title: "plugin" }), field("at", "nominal", { title: "commit" }), field("when", "nominal", { title: "measured" }), field("changed", "nominal"), field("seeds", "quantitative"), field("value", "quantitative", { format: ".4~r", title: isTime ? "seconds" : "validation" }), ...(isTime ? [field("place", "nominal", { title: "timed on" })] : [])];
    const last = new Map(values.map((each) => [each.line, each]));
    const several = isTime && new Set(values.map((each) => each.letter)).size > 1;
    return whole([
      { data: of(values), mark: { type: "line", strokeWidth: 1.6 }, encoding: { ...shared, order: field("step", "quantitative") } },
      { data: of(isTime ? [] : values), mark: { type: "rule" }, encoding: { x, y: y("low"), y2: { field: "high" }, color: own("color") } },
      { data: of(values), mark: { type: "point", filled: true, size: 60 }, encoding: { x, y: y("value"), color: own("color"), shape: own("filled"), tooltip } },
      { data: of(several ? [...last.values()] : []), mark: { type: "text", dx: 12 }, encoding: { x, y: y("value"), text: field("letter", "nominal"), color: own("color") } },
    ]);
  }

  const unpacked = new WeakMap();

  function numbers(owner, name, Kind) {
    if (!unpacked.has(owner)) unpacked.set(owner, {});
    const known = unpacked.get(owner);
    if (!known[name]) {
      const bytes = Uint8Array.from(atob(owner[name]), (each) => each.charCodeAt(0));
      known[name] = new Kind(bytes.buffer);
    }
    return known[name];
  }

  // A part of a series at a time: of one by the hour a week, and as many targets of another.
  function parts(table) {
    const { window } = table.forecast, x = numbers(table.forecast, "x", Int32Array);
    return Math.max(1, Math.ceil((x[x.length - 1] - x[0] + 1) / window));
  }

  function moment(minutes) {
    return new Date(minutes * 60000).toISOString().slice(0, 16).replace("T", " ");
  }

  function forecastSpec(table, shown, state) {
    const found = table.forecast, isTime = found.unit_of_x === "minutes";
    const output = found.outputs[state.output];
    const x = numbers(found, "x", Int32Array);
    const begin = x[0] + state.part * found.window + output.ahead, end = begin + found.window;
    const lines = [{ label: "truth", color: css("--text"), values: numbers(output, "truth", Int16Array), width: 2.2 }];
    for (const { label, color } of shown) {
      const row = found.rows[label];
      if (row) lines.push({ label, color, values: numbers(row.values, state.output, Int16Array), width: 1.4 });
    }
    const values = [];
    for (const line of lines) {
      for (let place = 0; place < x.length; place += 1) {
        const at = x[place] + output.ahead;
        if (at < begin || at >= end) continue;
        values.push({ at, when: isTime ? moment(at) : `row ${at}`, value: line.values[place] * output.step, label: line.label, color: line.color, width: line.width });
      }
    }
    if (!values.length) return null;
    const day = 24 * 60, count = Math.max(1, Math.round(found.window / day / 7));
    const midnight = Math.ceil(begin / day) * day;
    const days = [0, 1, 2, 3, 4, 5, 6].map((number) => midnight + number * day * count);
    const encoding = {
      x: field("at", "quantitative", {
        title: isTime ? null : "row of the series", scale: { domain: [begin, end], nice: false },
        axis: isTime ? { values: days, labelOverlap: "greedy", labelSeparation: 6, labelExpr: `utcFormat(datum.value * 60000, '${count > 30 ? "%b %Y" : "%d %b"}')` } : { format: "d" },
      }),
      y: field("value", "quantitative", { title: output.unit, scale: { zero: false } }),
      detail: field("label", "nominal"), color: own("color"),
      strokeWidth: { field: "width", type: "quantitative", scale: null, legend: null },
      tooltip: [field("label", "nominal", { title: "line" }), field("when", "nominal", { title: isTime ? "time (UTC, as recorded)" : "row" }), field("value", "quantitative", { format: ".4~r", title: output.unit || "value" })],
    };
    return whole([{ data: of(values), mark: { type: "line", point: { size: 12 } }, encoding }]);
  }

  const ORDINAL = { season: (table) => table.seasons };
  const WHERE = { hour: "hour of the day (UTC, as recorded)", step: "steps ahead, from the first that is predicted" };

  function errorsSpec(table, shown, state) {
    const values = [], names = ORDINAL[state.by]?.(table);
    for (const { label, color } of shown) {
      const means = table.errors[label]?.[state.by] || [];
      means.forEach((value, place) => value === null || values.push({ label, color, value, at: names ? names[place] : state.by === "step" ? place + 1 : place }));
    }
    if (!values.length) return null;
    const ends = [Math.min(...values.map((each) => each.at)), Math.max(...values.map((each) => each.at))];
    const x = names
      ? field("at", "ordinal", { title: null, sort: names, axis: { labelAngle: 0 } })
      : field("at", "quantitative", { title: WHERE[state.by], scale: { domain: ends, nice: false }, axis: { tickCount: 12, tickMinStep: 1, format: "d" } });
    const unit = table.errors_unit ? ` (${table.errors_unit})` : "";
    const encoding = {
      x, y: field("value", "quantitative", { title: `mean absolute error${unit}`, scale: { zero: false } }), color: own("color"), detail: field("label", "nominal"),
      tooltip: [field("label", "nominal", { title: "plugin" }), field("at", names ? "nominal" : "quantitative", { title: state.by }), field("value", "quantitative", { format: ".4~r", title: "error" })],
    };
    return whole([{ data: of(values), mark: { type: "line", point: { size: 40 } }, encoding }]);
  }

  function calibrationSpec(table, shown) {
    const values = [], which = table.calibration_of;
    for (const { label, color } of shown) {
      for (const [examples, predicted, share] of table.calibration[label] || []) values.push({ label, color, examples, predicted, share });
    }
    if (!values.length) return null;
    const axis = { format: ".0%" }, scale = { domain: [0, 1] };
    const x = field("predicted", "quantitative", { title: `predicted probability of ${which || "the class that it takes"}`, axis, scale });
    const y = field("share", "quantitative", { title: which ? `share that is of ${which}` : "share that is right", axis, scale });
    const tooltip = [field("label", "nominal", { title: "plugin" }), field("predicted", "quantitative", { format: ".1%" }), field("share", "quantitative", { format: ".1%" }), field("examples", "quantitative", { format: "," })];
    return whole([
      { data: of([{ predicted: 0, share: 0 }, { predicted: 1, share: 1 }]), mark: { type: "line", strokeDash: [4, 3], color: css("--soft") }, encoding: { x, y } },
      { data: of(values), mark: { type: "line", point: { size: 40 } }, encoding: { x, y, color: own("color"), detail: field("label", "nominal"), tooltip } },
    ]);
  }

  function confusionSpec(table, shown, state) {
    const values = [], matrix = table.confusion[state.row];
    if (!matrix) return null;
    matrix.forEach((row, of) => {
      const total = row.reduce((sum, each) => sum + each, 0);
      row.forEach((count, taken) => values.push({ of: table.classes[of], taken: table.classes[taken], count, share: total ? count / total : 0 }));
    });
    const x = field("taken", "nominal", { title: "taken for", sort: table.classes, axis: { labelAngle: table.classes.length > 4 ? -35 : 0, labelLimit: 110 } });
    const y = field("of", "nominal", { title: "class", sort: table.classes, axis: { labelLimit: 110 } });
    const tooltip = [field("of", "nominal", { title: "class" }), field("taken", "nominal", { title: "taken for" }), field("count", "quantitative", { format: ",.1f", title: "examples" }), field("share", "quantitative", { format: ".1%", title: "of the class" })];
    const full = dark.matches ? 0.55 : 0.85;
    return whole([
      { data: of(values), mark: { type: "rect" }, encoding: { x, y, tooltip, color: field("share", "quantitative", { legend: null, scale: { domain: [0, 1], range: [css("--raised"), css("--mark")] } }) } },
      { data: of(values), mark: { type: "text" }, encoding: { x, y, tooltip, text: field("share", "quantitative", { format: ".0%" }), color: { condition: { test: `datum.share > ${full}`, value: css("--ground") }, value: css("--text") } } },
    ], Math.max(320, 90 + 28 * table.classes.length));
  }

  // The data of a task: a line over time, how often which length, how many of each class
  function dataSpec(table, shown, state, number) {
    const picture = table.pictures[number], { x, y, kind } = picture;
    const values = y.map((value, place) => ({ x: kind === "line" && picture.is_time ? x[place] * 1000 : x[place], end: x[place + 1], y: value }));
    const marks = Object.entries(picture.marks).map(([name, at], place) => ({ at, last: Math.max(...Object.values(picture.marks)), name: `${name} ${at.toLocaleString("en", { maximumFractionDigits: 0 })}`, dy: 8 + 14 * place }));
    const bars = kind === "bars", isShort = picture.is_time && x[x.length - 1] - x[0] < 90 * 86400;
    const time = picture.is_time ? { scale: { type: "utc" }, axis: isShort ? { format: "%d %b", tickCount: 6 } : {} } : { scale: { zero: false, nice: false } };
    const xs = bars ? field("x", "nominal", { title: picture.x_label || null, sort: x, axis: { labelAngle: x.length > 6 ? -35 : 0, labelLimit: 140 } }) : field("x", picture.is_time ? "temporal" : "quantitative", { title: picture.x_label || null, ...time });
    const ys = field("y", "quantitative", { title: picture.y_label || null, scale: { zero: kind !== "line" } });
    const tooltip = kind === "line" ? undefined : [field("x", bars ? "nominal" : "quantitative", { title: picture.x_label || "class" }), field("y", "quantitative", { title: picture.y_label, format: "," })];
    const shape = { line: { type: "line", strokeWidth: 0.9 }, histogram: { type: "bar" }, bars: { type: "bar", size: Math.max(8, 360 / (2 * x.length)) } }[kind];
    const encoding = { x: xs, y: ys, ...(kind === "histogram" ? { x2: { field: "end" }, y2: { datum: 0 } } : {}), ...(tooltip ? { tooltip } : {}) };
    const at = field("at", "quantitative", {});
    return whole([
      { data: of(values), mark: { ...shape, color: css("--mark") }, encoding },
      { data: of(marks), mark: { type: "rule", strokeDash: [4, 3], color: css("--worse"), strokeWidth: 1.5 }, encoding: { x: at } },
      { data: of(marks), mark: { type: "text", align: "left", dx: 5, dy: { expr: "datum.dy" }, y: 0, baseline: "top", color: css("--text") }, encoding: { x: field("last", "quantitative"), text: field("name", "nominal") } },
    ]);
  }

  // The choices of each: what a control says, and the options of a table by their values.
  const KINDS = {
    cost: {
      spec: costSpec, choices: { cost: ["Against", () => Object.keys(COSTS)] },
      has: (table, label) => table.rows.some((row) => row.label === label), all: true,
      say: () => "The line joins what nothing else beats in both; dashed is the baseline. A click picks.",
    },
    curves: {
      spec: curvesSpec, choices: { measure: ["Of", () => ["metric", "loss"]] },
      has: (table, label) => ["metric", "loss"].some((measure) => (table.curves[measure][label] || []).length),
      say: () => "A line a seed: validation whole, training dashed.",
    },
    history: {
      spec: historySpec, has: (table, label) => label in table.history,
      choices: { of: ["Of", (table, possible) => ["quality", "training time"].filter((of) => of === "quality" || possible.some((label) => table.history[label].some((point) => Object.keys(point.times).length)))] },
      say: (table) => `Means over the seeds, with one standard deviation; times of different machines are not joined${Object.keys(table.history_places).length > 1 ? ": the letters are those of the table below" : ""}.`,
    },
    forecast: {
      spec: forecastSpec, has: (table, label) => label in table.forecast.rows,
      choices: { output: ["Of", (table) => table.forecast.outputs.map((each) => each.name)] },
      say: (table) => `The target, and what the first seed forecast for it. ${table.forecast.note}`,
    },
    errors: {
      spec: errorsSpec, has: (table, label) => label in table.errors,
      choices: { by: ["By", (table) => ["step", "season", "hour"].filter((by) => Object.values(table.errors).some((each) => each[by]))] },
      say: () => "Means over the seeds, test split.",
    },
    calibration: {
      spec: calibrationSpec, choices: {}, has: (table, label) => label in table.calibration,
      say: () => "On the dashed line a probability means what it says; all seeds, test split.",
    },
    confusion: {
      spec: confusionSpec, has: (table, label) => label in table.confusion, one: true,
      choices: { row: ["Of", (table, possible) => possible] },
      say: () => "Of each class the share that is taken for each; means over the seeds, test split.",
    },
    data: { spec: dataSpec, choices: {}, has: () => true, one: true, say: () => "" },
  };

  class Chart {
    constructor(figure) {
      this.figure = figure;
      const [kind, number] = figure.dataset.chart.split("-");
      this.kind = KINDS[kind];
      this.number = Number(number);
      this.table = data[figure.dataset.table];
      this.fixed = figure.dataset.labels ? JSON.parse(figure.dataset.labels) : null;
      this.state = {};
      this.turn = 0;
      this.isSeen = false;
      this.isStale = true;
      const possible = this.fixed || (this.table.rows || [{ label: "" }]).map((row) => row.label);
      this.possible = possible.filter((label) => this.kind.has(this.table, label));
      if (!this.possible.length) return;
      figure.hidden = false;
      this.legend = element("ul", { className: "legend" });
      this.plot = element("div", { className: "plot" });
      figure.append(element("div", {}, ...this.controls()), this.legend, this.plot, element("p", { className: "notes" }, this.kind.say(this.table)));
      new IntersectionObserver(([entry]) => {
        this.isSeen = entry.isIntersecting;
        this.draw();
      }, { rootMargin: "200px" }).observe(figure);
    }

    controls() {
      const made = Object.entries(this.kind.choices).map(([name, [said, options]]) => {
        const found = options(this.table, this.possible);
        // Outputs are known by their places: two may have one name.
        const values = name === "output" ? found.map((each, place) => place) : found;
        this.state[name] = values[0];
        if (found.length < 2) return "";
        const select = element("select", {}, ...found.map((option, place) => element("option", { value: values[place] }, option)));
        select.addEventListener("change", () => {
          this.state[name] = values[select.selectedIndex];
          this.stale();
        });
        return element("label", {}, said + " ", select);
      });
      if (this.kind === KINDS.forecast) made.push(this.partChoice());
      return made;
    }

    partChoice() {
      const count = parts(this.table), { window, unit_of_x: unit } = this.table.forecast;
      const first = numbers(this.table.forecast, "x", Int32Array)[0];
      const isWeek = unit === "minutes" && window === 7 * 24 * 60;
      this.state.part = Math.floor((count - 1) / 2);
      const range = element("input", { type: "range", min: 0, max: count - 1, value: this.state.part });
      const said = element("output", {});
      const tell = () => {
        const at = first + this.state.part * window;
        said.textContent = " from " + (unit === "minutes" ? moment(at).slice(0, 10) : `row ${at}`);
        range.setAttribute("aria-valuetext", said.textContent.trim());
      };
      range.addEventListener("input", () => {
        this.state.part = Number(range.value);
        tell();
        this.stale();
      });
      tell();
      return element("label", {}, isWeek ? "Week " : "Part ", range, said);
    }

    get shown() {
      const chosen = this.possible.filter((label) => picked.includes(label));
      const labels = this.fixed ? this.possible : chosen.length ? picked.filter((label) => chosen.includes(label)) : this.possible.slice(0, FIRST);
      return labels.map((label, place) => ({ label, color: shades()[place % shades().length] }));
    }

    // What shows one row alone shows the last that was picked.
    follow() {
      const last = picked.filter((label) => this.possible.includes(label)).pop();
      if (!this.kind.one || this.fixed || !last) return;
      this.state.row = last;
      const select = this.figure.querySelector("select");
      if (select) select.value = last;
    }

    stale() {
      this.isStale = true;
      this.draw();
    }

    async draw() {
      if (!this.plot || !this.isSeen || !this.isStale) return;
      this.isStale = false;
      const turn = (this.turn += 1);
      const shown = this.shown;
      const spec = this.kind.spec(this.table, shown, this.state, this.number);
      this.tellLegend(shown);
      if (!spec) {
        this.view?.finalize();
        this.plot.replaceChildren(element("p", {}, "Nothing of this is recorded."));
        return;
      }
      spec.description = this.figure.querySelector("figcaption").textContent;
      const target = element("div", {});
      target.style.width = this.plot.clientWidth + "px";
      this.plot.replaceChildren(...(this.plot.children.length ? [this.plot.firstChild] : []), target);
      const { view } = await vegaEmbed(target, spec, {
        mode: "vega-lite", actions: false, renderer: "svg", ast: true, defaultStyle: false, config: config(),
        tooltip: { disableDefaultStyle: true },
      });
      if (turn !== this.turn) return view.finalize();
      this.view?.finalize();
      this.view = view;
      target.style.width = "100%";
      this.plot.replaceChildren(target);
      this.figure.dataset.drawn = turn;
      if (this.kind.all && !this.fixed) view.addEventListener("click", (event, item) => item?.datum?.label && labels.has(item.datum.label) && toggle(item.datum.label));
      return null;
    }

    tellLegend(shown) {
      const isAll = this.kind.one || (this.kind.all && !picked.length);
      this.legend.replaceChildren(...(isAll ? [] : shown).map(({ label, color }) => {
        const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
        for (const [name, value] of Object.entries({ width: 12, height: 12, class: "swatch", "aria-hidden": "true" })) svg.setAttribute(name, value);
        const box = document.createElementNS("http://www.w3.org/2000/svg", "rect");
        for (const [name, value] of Object.entries({ width: 12, height: 12, rx: 2, fill: color })) box.setAttribute(name, value);
        svg.append(box);
        return element("li", {}, svg, label);
      }));
      if (!this.fixed && !this.kind.all && !this.kind.one && !picked.some((label) => this.possible.includes(label)) && this.possible.length > FIRST) {
        this.legend.append(element("li", {}, `the first ${FIRST} of ${this.possible.length}; pick rows of the table to see others`));
      }
    }
  }

  // The page

  let charts = [];
  const start = told();
  picked = start.names || [];
  document.querySelectorAll("main table").forEach(furnish);
  charts = [...document.querySelectorAll("figure.chart")].map((figure) => new Chart(figure));
  show();
  go(start.anchor);
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.('a[href^="#"]');
    if (!link) return;
    event.preventDefault();
    const anchor = link.getAttribute("href").slice(1);
    history.pushState(null, "", address(anchor));
    go(anchor);
  });
  addEventListener("hashchange", () => {
    const now = told();
    if (now.names) picked = now.names;
    history.replaceState(null, "", address(now.anchor));
    show();
    go(now.anchor);
  });
  addEventListener("popstate", () => {
    const now = told();
    picked = now.names || [];
    show();
  });
  dark.addEventListener("change", () => charts.forEach((chart) => chart.stale()));
  let resizing = 0;
  addEventListener("resize", () => {
    clearTimeout(resizing);
    resizing = setTimeout(() => charts.forEach((chart) => chart.stale()), 150);
  });
  document.documentElement.dataset.ready = "yes";
})();
