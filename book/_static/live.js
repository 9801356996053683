/* Figures that move. Each is a state (the controls), values computed from it, a drawing and a
   sentence. The page holds drawing and sentence of the first state, so it reads without scripts.
   tests/site/test_live.py computes the same values with the package. */
(() => {
  "use strict";

  /* ---- Numbers ----------------------------------------------------------- */

  const range = (n) => Array.from({ length: n }, (_, k) => k);
  const sum = (x) => x.reduce((a, b) => a + b, 0);
  const dot = (a, b) => a.reduce((total, x, k) => total + x * b[k], 0);
  const times = (A, x) => A.map((row) => dot(row, x));
  const variance = (w, A) => dot(w, times(A, w));
  const squares = (A) => sum(A.map((row) => dot(row, row)));
  const table = (n, f) => range(n).map((i) => range(n).map((j) => f(i, j)));

  // Standard normal numbers: mulberry32, and the transform of Box and Muller.
  function normals(seed, count) {
    let s = seed | 0;
    const uniform = () => {
      s = (s + 0x6d2b79f5) | 0;
      let t = Math.imul(s ^ (s >>> 15), 1 | s);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
    return range(count).map(
      () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
    );
  }

  // Returns of T periods and N assets that are independent, with the given variances.
  function drawReturns(seed, T, variances) {
    const N = variances.length;
    const z = normals(seed, N * T);
    return range(T).map((t) => variances.map((v, i) => Math.sqrt(v) * z[t * N + i]));
  }

  function centre(returns) {
    const means = returns[0].map((_, i) => sum(returns.map((row) => row[i])) / returns.length);
    return returns.map((row) => row.map((x, i) => x - means[i]));
  }

  function sampleCovariance(Y) {
    const columns = Y[0].map((_, i) => Float64Array.from(Y, (row) => row[i]));
    const S = columns.map(() => new Array(columns.length));
    columns.forEach((a, i) =>
      columns.slice(0, i + 1).forEach((b, j) => {
        let total = 0;
        for (let t = 0; t < a.length; t++) total += a[t] * b[t];
        S[i][j] = S[j][i] = total / (a.length - 1);
      }),
    );
    return S;
  }

  // x with A x = b, for a positive definite A.
  function solve(A, b) {
    const M = A.map((row, i) => [...row, b[i]]);
    const n = M.length;
    for (let k = 0; k < n; k++)
      for (let i = k + 1; i < n; i++) {
        const f = M[i][k] / M[k][k];
        for (let j = k; j <= n; j++) M[i][j] -= f * M[k][j];
      }
    const x = new Array(n);
    for (let i = n - 1; i >= 0; i--) {
      x[i] = M[i][n];
      for (let j = i + 1; j < n; j++) x[i] -= M[i][j] * x[j];
      x[i] /= M[i][i];
    }
    return x;
  }

  // Eigenvalues, rising, and eigenvectors of a symmetric matrix: rotations of Jacobi.
  function eigen(matrix) {
    const n = matrix.length;
    const A = matrix.map((row) => Float64Array.from(row));
    const V = A.map((_, i) => Float64Array.from(A, (_, j) => +(i === j)));
    const turn = (a, b, c, s) => {
      for (let k = 0; k < n; k++) {
        const x = a[k], y = b[k];
        a[k] = c * x - s * y;
        b[k] = s * x + c * y;
      }
    };
    const size = squares(A);
    for (let sweep = 0; sweep < 30; sweep++) {
      let off = 0;
      for (let p = 0; p < n; p++)
        for (let q = p + 1; q < n; q++) {
          const apq = A[p][q];
          off += apq * apq;
          if (apq === 0) continue;
          const theta = (A[q][q] - A[p][p]) / (2 * apq);
          const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1));
          const c = 1 / Math.hypot(t, 1);
          turn(A[p], A[q], c, t * c);
          for (const row of A) {
            const x = row[p], y = row[q];
            row[p] = c * (x - t * y);
            row[q] = c * (t * x + y);
          }
          turn(V[p], V[q], c, t * c);
        }
      if (off < 1e-26 * size) break;
    }
    const order = range(n).sort((i, j) => A[i][i] - A[j][j]);
    return { values: order.map((i) => A[i][i]), vectors: order.map((i) => Array.from(V[i])) };
  }

  function logGamma(x) {
    if (x < 10) return logGamma(x + 1) - Math.log(x);
    const u = 1 / (x * x);
    const series = (1 / 12 - u * (1 / 360 - u * (1 / 1260 - u / 1680))) / x;
    return (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) + series;
  }

  /* ---- Estimates --------------------------------------------------------- */

  // a v I + (1 - a) S, with the intensity that the data suggest (Ledoit and Wolf, 2004).
  function intensity(Y, S) {
    const n = Y.length - 1;
    const v = sum(S.map((row, i) => row[i])) / S.length;
    const gamma = squares(S) - S.length * v * v;
    const pi = sum(Y.map((row) => dot(row, row) ** 2)) / n - squares(S);
    return Math.min(1, Math.max(0, pi / (gamma * n)));
  }

  function shrunk(S, a) {
    const v = sum(S.map((row, i) => row[i])) / S.length;
    return S.map((row, i) => row.map((x, j) => (1 - a) * x + (i === j ? a * v : 0)));
  }

  const ROOT5 = Math.sqrt(5);
  const kernel = (x) => (3 / (4 * ROOT5)) * Math.max(0, 1 - (x * x) / 5);

  function hilbert(x) {
    if (Math.abs(x) > 12) {
      let total = 0;
      for (let k = 11; k >= 0; k--) total = (total * 5) / (x * x) + 3 / ((2 * k + 1) * (2 * k + 3));
      return -total / (Math.PI * x);
    }
    const gap = Math.max(Math.abs(ROOT5 - x), 1e-16) / Math.max(Math.abs(ROOT5 + x), 1e-16);
    const near = (3 / (4 * ROOT5 * Math.PI)) * (1 - (x * x) / 5) * Math.log(gap);
    return (-3 * x) / (10 * Math.PI) + near;
  }

  // Every eigenvalue by its own amount (Ledoit and Wolf, 2020), for fewer assets than n.
  function nonlinear(eigenvalues, n) {
    const c = eigenvalues.length / n;
    const h = eigenvalues.map((l) => l * n ** (-1 / 3));
    const smooth = (f, l) => sum(h.map((b, j) => f((l - eigenvalues[j]) / b) / b)) / h.length;
    return eigenvalues.map((l) => {
      const scale = Math.PI * c * l;
      return l / ((scale * smooth(kernel, l)) ** 2 + (1 - c - scale * smooth(hilbert, l)) ** 2);
    });
  }

  /* ---- Drawing ----------------------------------------------------------- */

  const WIDTH = 440;
  const fixed = (x, digits = 1) => x.toFixed(digits).replace(/^-(0\.?0*)$/, "$1");
  const percent = (x, digits = 0) => `${fixed(100 * x, digits)}%`;
  const named = (n, one) => `${n} ${one}${n === 1 ? "" : "s"}`;
  const mark = (name, attributes, text = "") =>
    `<${name} ${Object.entries(attributes)
      .map(([key, x]) => `${key}="${typeof x === "number" ? fixed(x) : x}"`)
      .join(" ")}>${text}</${name}>`;
  const line = (x1, y1, x2, y2, look = "axis") => mark("line", { x1, y1, x2, y2, class: look });
  const circle = (cx, cy, r, look) => mark("circle", { cx, cy, r, class: look });
  const rect = (x, y, width, height, look) => mark("rect", { x, y, width, height, class: look });
  const text = (x, y, words, anchor = "start") => mark("text", { x, y, "text-anchor": anchor }, words);
  const path = (points, look) =>
    mark("polyline", {
      points: points.map((p) => p.map((x) => fixed(x)).join(",")).join(" "),
      class: look,
    });

  // A box of axes: x and y take data to places, ticks are pairs of a value and its text.
  function axes({ xs, ys, log = "", title = "", under = "", ...box }) {
    const { left, right, top, bottom } = { left: 48, right: WIDTH - 18, top: 30, bottom: 250, ...box };
    const scale = (ticks, from, to, isLog) => {
      const [a, b] = [ticks[0][0], ticks.at(-1)[0]].map((v) => (isLog ? Math.log(v) : v));
      return (v) => from + (((isLog ? Math.log(v) : v) - a) / (b - a)) * (to - from);
    };
    const x = scale(xs, left, right, log.includes("x"));
    const y = scale(ys, bottom, top, log.includes("y"));
    const svg = [line(left, bottom, right, bottom), text(0, 14, title)];
    for (const [v, words] of xs)
      if (words)
        svg.push(line(x(v), bottom, x(v), bottom + 4), text(x(v), bottom + 18, words, "middle"));
    for (const [v, words] of ys)
      if (words)
        svg.push(line(left, y(v), right, y(v), "grid"), text(left - 6, y(v) + 5, words, "end"));
    svg.push(text((left + right) / 2, bottom + 37, under, "middle"));
    return { x, y, svg: svg.join("") };
  }

  const ticks = (values, words = String) => values.map((v) => [v, words(v)]);

  // What each mark means, in one row.
  function key(entries, y, gap) {
    return entries
      .map(([shape, look, words], k) => {
        const x = 4 + k * gap;
        const rule = () => line(x - 4, y - 5, x + 14, y - 5, look);
        const drawn = shape === "line" ? rule() : circle(x + 5, y - 5, 4, look);
        return drawn + text(x + 19, y, words);
      })
      .join("");
  }

  /* ---- The figures ------------------------------------------------------- */

  // A figure that draws begins with a draw that is near the average of two hundred.
  const figures = {};

  // Known means and a sample covariance: what the optimizer believes, and what it earns.
  figures.law = {
    height: 312,
    controls: [
      { key: "N", label: "Assets", min: 3, max: 60, value: 45 },
      { key: "T", label: "Periods", min: 10, max: 300, value: 50 },
      { key: "shrink", label: "Shrink", check: true, value: false },
      { key: "seed", label: "Draw again", button: true, value: 42 },
    ],
    compute({ N, T, shrink, seed }) {
      const truth = range(N).map((i) => 16 ** (i / (N - 1) - 0.5)); // from 1/4 to 4
      const means = truth.map((v, i) => (i % 2 ? 1 : -1) * Math.sqrt(v));
      const returns = drawReturns(seed, T, truth);
      const Y = centre(returns);
      const S = sampleCovariance(Y);
      const a = shrink ? intensity(Y, S) : 0;
      const sample = eigen(S).values;
      const v = sum(sample) / N;
      const after = sample.map((l) => a * v + (1 - a) * l);
      const values = { truth, means, returns, intensity: a, sample, shrunk: after };
      const enough = T > N + 1;
      if (enough) Object.assign(values, figures.law.expected(N, T));
      if (!enough && a === 0) return values;
      const Sigma = table(N, (i, j) => (i === j ? truth[i] : 0));
      const A = shrunk(S, a);
      const zeroCost = (C) => {
        const [m, one] = [solve(C, means), solve(C, means.map(() => 1))];
        return m.map((x, i) => x - (sum(m) / sum(one)) * one[i]);
      };
      const ratio = (w, C) => dot(w, means) / Math.sqrt(variance(w, C));
      const best = ratio(zeroCost(Sigma), Sigma);
      const w = zeroCost(A);
      return Object.assign(values, { believed: ratio(w, A) / best, earned: ratio(w, Sigma) / best });
    },
    // The exact laws, for a portfolio of zero cost.
    expected(N, T) {
      const [p, n] = [N - 1, T - 1];
      const [k, a, b] = [(n - p + 1) / 2, (n - p + 2) / 2, (p - 1) / 2];
      return {
        lawBelieved: Math.sqrt(n / 2) * Math.exp(logGamma(k - 0.5) - logGamma(k)),
        lawEarned: Math.exp(
          logGamma(a + 0.5) + logGamma(a + b) - logGamma(a) - logGamma(a + b + 0.5),
        ),
      };
    },
    draw(values, { N, shrink }) {
      const left = axes({
        xs: [[1, ""], [N, ""]],
        ys: [[0.004, ""], ...ticks([0.01, 0.1, 1, 10]), [14, ""]],
        log: "y", under: "eigenvalue, by rank", right: 262, top: 52, bottom: 268,
      });
      const y = (l) => left.y(Math.min(14, Math.max(l, 0.004)));
      const dots = (list, look) => list.map((l, i) => circle(left.x(i + 1), y(l), 2.6, look));
      const entries = [["line", "truth", "truth"], ["dot", "sample", "sample"]];
      if (shrink) entries.push(["dot", "ours", "shrunk"]);
      const most = Math.max(values.believed || 0, values.lawBelieved || 0);
      const right = axes({
        xs: [[0, ""], [2, ""]],
        ys: [[0, "0"], [1, "1"], [Math.max(3.5, 1.1 * most), ""]],
        under: "ratio / best", left: 306, right: WIDTH - 8, top: 52, bottom: 268,
      });
      const bar = (x, value, law, words) => {
        const svg = [text(x + 23, 285, words, "middle")];
        if (value !== undefined) {
          const height = right.y(0) - right.y(value);
          svg.push(rect(x, right.y(value), 46, height, shrink ? "ours" : "sample"));
          const near = law > value && right.y(value) - right.y(law) < 22;
          const above = near ? right.y(law) : right.y(value);
          svg.push(text(x + 23, above - 6, fixed(value, 2), "middle"));
        }
        if (law !== undefined) svg.push(line(x - 4, right.y(law), x + 50, right.y(law), "truth"));
        return svg;
      };
      return [
        key(entries, 14, 82),
        left.svg,
        dots(values.sample, "sample"),
        shrink ? dots(values.shrunk, "ours") : "",
        path(values.truth.map((l, i) => [left.x(i + 1), y(l)]), "truth"),
        right.svg,
        text(WIDTH - 8, 14, "lines: the law", "end"),
        bar(316, values.believed, values.lawBelieved, "believed"),
        bar(378, values.earned, values.lawEarned, "earned"),
      ];
    },
    say(values, { N, T, shrink }) {
      const { believed, earned, lawBelieved, lawEarned } = values;
      const start = `${N} assets, ${T} periods`;
      if (believed === undefined)
        return (
          `${start}: with so few periods the sample covariance has no inverse, and no portfolio. ` +
          "Shrink it, or wait."
        );
      const how = shrink ? `, shrunk by ${fixed(values.intensity, 2)}` : "";
      const found =
        `${start}${how}: the optimizer believes in ${fixed(believed, 2)} times the best ratio, ` +
        `and earns ${fixed(earned, 2)} times it.`;
      if (lawBelieved === undefined) return found;
      return (
        `${found} By the law ${shrink ? "a sample that is not shrunk" : "it"} believes ` +
        `${fixed(lawBelieved, 2)} and earns ${fixed(lawEarned, 2)} on average.`
      );
    },
  };

  // Equal weights in n assets with one volatility and one correlation.
  figures.diversification = {
    height: 292,
    controls: [
      { key: "n", label: "Assets", min: 1, max: 100, value: 10 },
      {
        key: "rho", label: "Correlation", min: 0, max: 1, step: 0.05, value: 0.3,
        words: (v) => fixed(v, 2),
      },
    ],
    compute({ n, rho }) {
      const at = (k) => 0.2 * Math.sqrt(1 / k + (1 - 1 / k) * rho);
      return { curve: range(100).map((k) => at(k + 1)), volatility: at(n), floor: 0.2 * Math.sqrt(rho) };
    },
    draw({ curve, volatility, floor }, { n }) {
      const a = axes({
        xs: [[0, ""], ...ticks([1, 20, 40, 60, 80, 100])],
        ys: ticks([0, 0.05, 0.1, 0.15, 0.2], percent),
        title: "volatility a year", under: "assets",
      });
      return [
        a.svg,
        line(a.x(0), a.y(floor), a.x(100), a.y(floor), "truth dashed"),
        path(curve.map((v, k) => [a.x(k + 1), a.y(v)]), "ours"),
        circle(a.x(n), a.y(volatility), 6, "ours"),
      ];
    },
    say({ volatility, floor }, { n, rho }) {
      const gone =
        rho < 1
          ? `${percent((0.2 - volatility) / (0.2 - floor))} of what can be removed is gone`
          : "nothing can be removed";
      return (
        `${named(n, "asset")} with a correlation of ${fixed(rho, 2)}: a volatility of ` +
        `${percent(volatility, 1)}, where a single asset has 20%. ` +
        `The floor is ${percent(floor, 1)}, and ${gone}.`
      );
    },
  };

  // Three assets by hand, against the frontier.
  const MEANS = [0.15, 0.12, 0.18];
  const RISKS = [0.25, 0.2, 0.3];
  const NAMES = ["AAPL", "MSFT", "GOOGL"];
  figures.frontier = {
    height: 292,
    controls: [
      { key: "a", label: "AAPL", min: -50, max: 100, step: 5, value: 80, words: (v) => `${v}%` },
      { key: "b", label: "MSFT", min: -50, max: 100, step: 5, value: 20, words: (v) => `${v}%` },
      {
        key: "rho", label: "Correlation", min: -0.45, max: 0.95, step: 0.05, value: 0.6,
        words: (v) => fixed(v, 2),
      },
      { key: "shorts", label: "Allow shorts", check: true, value: false },
    ],
    // The lowest variance at one mean: along w = start + t step both sums stay what they are.
    lowest(Sigma, mean, shorts) {
      const step = [MEANS[1] - MEANS[2], MEANS[2] - MEANS[0], MEANS[0] - MEANS[1]];
      const share = (mean - MEANS[1]) / (MEANS[2] - MEANS[1]);
      const start = [0, 1 - share, share];
      let t = -dot(step, times(Sigma, start)) / variance(step, Sigma);
      if (!shorts) {
        const bounds = range(3).map((i) => [-start[i] / step[i], step[i] > 0]);
        t = Math.max(t, ...bounds.filter((b) => b[1]).map((b) => b[0]));
        t = Math.min(t, ...bounds.filter((b) => !b[1]).map((b) => b[0]));
      }
      return start.map((w, i) => w + t * step[i]);
    },
    // The portfolio of lowest variance: the best of those that hold only some of the assets.
    calmest(Sigma, shorts) {
      const held = shorts ? [[0, 1, 2]] : [[0], [1], [2], [0, 1], [0, 2], [1, 2], [0, 1, 2]];
      const found = held.map((some) => {
        const x = solve(some.map((i) => some.map((j) => Sigma[i][j])), some.map(() => 1));
        return range(3).map((i) => (some.includes(i) ? x[some.indexOf(i)] / sum(x) : 0));
      });
      const fit = shorts ? found : found.filter((w) => Math.min(...w) >= 0);
      return fit.reduce((best, w) => (variance(w, Sigma) < variance(best, Sigma) ? w : best));
    },
    compute({ a, b, rho, shorts }) {
      const Sigma = table(3, (i, j) => RISKS[i] * RISKS[j] * (i === j ? 1 : rho));
      const point = (w) => ({ weights: w, mean: dot(w, MEANS), volatility: Math.sqrt(variance(w, Sigma)) });
      const calm = point(figures.frontier.calmest(Sigma, shorts));
      const own = point([a / 100, b / 100, (100 - a - b) / 100]);
      const at = (m) => point(figures.frontier.lowest(Sigma, m, shorts));
      const [low, high] = shorts ? [0.06, 0.24] : [0.12, 0.18];
      const within = shorts || own.mean <= 0.18 + 1e-12;
      return {
        sigma: Sigma, own, calm, curve: range(61).map((k) => at(low + ((high - low) * k) / 60)),
        best: !within ? null : own.mean > calm.mean ? at(Math.min(own.mean, shorts ? Infinity : 0.18)) : calm,
        allowed: shorts || Math.min(...own.weights) >= 0,
      };
    },
    draw({ own, calm, curve, best, allowed }) {
      const a = axes({
        xs: ticks([0, 0.1, 0.2, 0.3, 0.4, 0.5], percent),
        ys: [[0.06, ""], ...ticks([0.08, 0.12, 0.16, 0.2], percent), [0.24, ""]],
        title: "mean a year", under: "volatility a year",
      });
      const inside = (p) => p.volatility <= 0.5 && p.mean >= 0.06 && p.mean <= 0.24;
      const place = (p) => [a.x(p.volatility), a.y(p.mean)];
      const svg = [a.svg, path(curve.filter(inside).map(place), "ours"), circle(...place(calm), 4, "ours")];
      NAMES.forEach((name, i) => {
        const [x, y] = place({ volatility: RISKS[i], mean: MEANS[i] });
        svg.push(circle(x, y, 4, "truth"), text(x + 8, y + 14, name));
      });
      // A portfolio outside the picture stands at its edge, as one that is not allowed does: hollow.
      const edge = { volatility: Math.min(own.volatility, 0.5), mean: Math.max(0.06, Math.min(own.mean, 0.24)) };
      const filled = allowed && inside(own);
      if (filled && best) svg.push(line(...place(own), ...place(best), "sample dashed"));
      svg.push(circle(...place(edge), 6, filled ? "sample" : "sample hollow"));
      return svg;
    },
    say({ own, best, allowed }) {
      const held = NAMES.map((name, i) => `${percent(own.weights[i])} ${name}`).join(", ");
      const start = `${held}: a mean of ${percent(own.mean, 1)} and a volatility of ${percent(own.volatility, 1)}.`;
      if (!allowed) return `${start} That sells short: allow it, or change the weights.`;
      const gap = own.volatility - best.volatility;
      if (gap < 0.0005) return `${start} It is on the frontier.`;
      return (
        `${start} On the frontier the same mean or more has ${percent(best.volatility, 1)}: ` +
        `${fixed(100 * gap)} points of risk are borne for nothing.`
      );
    },
  };

  // What shrinkage does to each eigenvalue. The best value along an eigenvector is its true variance.
  figures.spectrum = {
    height: 312,
    controls: [
      {
        key: "share", label: "N / T", min: 0.1, max: 0.9, step: 0.05, value: 0.5,
        words: (v) => fixed(v, 2),
      },
      {
        key: "a", label: "Linear intensity", min: 0, max: 1, step: 0.05, value: 0.2,
        words: (v) => fixed(v, 2),
      },
      { key: "seed", label: "Draw again", button: true, value: 25 },
    ],
    compute({ share, a, seed }) {
      const N = 40;
      const T = Math.round(N / share);
      const truth = range(N).map((i) => (i < 20 ? 1 : i < 36 ? 4 : 25));
      const returns = drawReturns(seed, T, truth);
      const Y = centre(returns);
      const S = sampleCovariance(Y);
      const { values: sample, vectors } = eigen(S);
      const v = sum(sample) / N;
      const best = vectors.map((u) => dot(u, u.map((x, i) => truth[i] * x)));
      const curved = nonlinear(sample, T - 1);
      const straight = sample.map((l) => a * v + (1 - a) * l);
      // |U D U' - Sigma|^2 over that of the sample; only the part on the eigenvectors differs.
      const rest = dot(truth, truth) - dot(best, best);
      const loss = (d) => rest + sum(d.map((x, i) => (x - best[i]) ** 2));
      const left = (d) => loss(d) / loss(sample);
      return {
        truth, returns, sample, best, linear: straight, nonlinear: curved, estimated: intensity(Y, S),
        leftLinear: left(straight), leftNonlinear: left(curved), leftBest: left(best),
      };
    },
    draw(values) {
      const a = axes({
        xs: [[0.05, ""], ...ticks([0.1, 1, 10]), [80, ""]],
        ys: [[0.2, ""], ...ticks([0.3, 1, 3, 10, 30]), [60, ""]],
        log: "xy", under: "eigenvalue of the sample", top: 52, bottom: 268,
      });
      const y = (v) => a.y(Math.min(60, Math.max(v, 0.2)));
      const places = (list) => list.map((v, i) => [a.x(Math.max(0.05, values.sample[i])), y(v)]);
      const dots = (list, look) => places(list).map((p) => circle(...p, 3, look));
      const entries = [
        ["dot", "truth hollow", "best value"],
        ["line", "sample dashed", "unchanged"],
        ["line", "ours", "linear"],
        ["dot", "nonlinear", "nonlinear"],
      ];
      return [
        key(entries, 14, 110),
        text(0, 36, "put in its place"),
        a.svg,
        path([[a.x(0.2), a.y(0.2)], [a.x(60), a.y(60)]], "sample dashed"),
        path(places(values.linear), "ours"),
        dots(values.best, "truth hollow"),
        dots(values.nonlinear, "nonlinear"),
      ];
    },
    say(values, { a }) {
      const { leftLinear, leftNonlinear, leftBest } = values;
      return (
        `Of the sample's squared error, linear shrinkage by ${fixed(a, 2)} leaves ` +
        `${percent(leftLinear)}, nonlinear shrinkage ${percent(leftNonlinear)}, and the best ` +
        `value for each eigenvector ${percent(leftBest)}. ` +
        `The data suggest an intensity of ${fixed(values.estimated, 2)}.`
      );
    },
  };

  // A covariance that is a sum of kernels: a market, classes, and what is specific.
  const GROUPS = ["A", "A", "A", "B"];
  const ASSETS = ["A1", "A2", "A3", "B"];
  figures.kernels = {
    height: 268,
    controls: [
      {
        key: "market", label: "Market", min: 0, max: 2, step: 0.1, value: 0.5,
        words: (v) => fixed(v),
      },
      { key: "group", label: "Class", min: 0, max: 2, step: 0.1, value: 1, words: (v) => fixed(v) },
      {
        key: "specific", label: "Specific", min: 0.1, max: 2, step: 0.1, value: 0.5,
        words: (v) => fixed(v),
      },
    ],
    compute({ market, group, specific }) {
      const shared = (i, j) => market + (GROUPS[i] === GROUPS[j] ? group : 0);
      const covariance = table(4, (i, j) => shared(i, j) + (i === j ? specific : 0));
      const x = solve(covariance, [1, 1, 1, 1]);
      const weights = x.map((w) => w / sum(x));
      return { covariance, weights, variance: 1 / sum(x), equal: sum(covariance.map(sum)) / 16 };
    },
    draw({ covariance, weights }) {
      const svg = [text(38, 16, "covariance"), text(262, 16, "weight of lowest risk")];
      covariance.forEach((row, i) => {
        const y = 48 + 48 * i;
        svg.push(text(62 + 48 * i, 42, ASSETS[i], "middle"), text(30, y + 29, ASSETS[i], "end"));
        row.forEach((value, j) => {
          const shade = fixed((0.75 * value) / covariance[0][0], 3);
          const cell = { x: 38 + 48 * j, y, width: 46, height: 46, class: "ours cell" };
          svg.push(mark("rect", { ...cell, "fill-opacity": shade }));
          svg.push(text(61 + 48 * j, y + 28, fixed(value), "middle"));
        });
        const length = 240 * weights[i];
        svg.push(rect(262, y + 8, length, 30, "ours"));
        svg.push(text(268 + length, y + 28, percent(weights[i])));
      });
      return [...svg, line(262, 48, 262, 240)];
    },
    say({ covariance: C, weights, variance: lowest, equal }) {
      const [relatives, strangers] = [C[0][1] / C[0][0], C[0][3] / C[0][0]];
      return (
        `Relatives have a correlation of ${fixed(relatives, 2)}, strangers of ` +
        `${fixed(strangers, 2)}. The three relatives hold ${percent(weights[0])} each, the ` +
        `stranger ${percent(weights[3])}. Against equal weights the variance falls by ` +
        `${percent(1 - lowest / equal)}.`
      );
    },
  };

  // How far to believe a mean. Relatives are a class whose members share half of the variance.
  figures.reliability = {
    height: 312,
    controls: [
      {
        key: "h2", label: "Heritability of a month", min: 0.002, max: 0.1, step: 0.002, value: 0.024,
        words: (v) => fixed(v, 3),
      },
      { key: "T", label: "Months", min: 1, max: 240, value: 60 },
      { key: "m", label: "Assets in the class", min: 2, max: 20, value: 5 },
    ],
    compute({ h2, T, m }) {
      const at = (months) => {
        const noise = (1 - h2) / h2 / months; // in units of the variance of effects
        const kept = (variance) => variance / (variance + noise);
        return { strangers: kept(1), group: kept((m + 1) / 2), within: kept(1 / 2) };
      };
      return { curve: range(240).map((k) => at(k + 1)), ...at(T) };
    },
    draw(values, { T }) {
      const a = axes({
        xs: [[0, ""], ...ticks([1, 60, 120, 180, 240])],
        ys: ticks([0, 0.25, 0.5, 0.75, 1], percent),
        under: "months in the mean", top: 52, bottom: 268,
      });
      const looks = { group: "ours dashed", strangers: "ours", within: "soft" };
      const names = { group: "class", strangers: "strangers", within: "within the class" };
      const curves = Object.entries(looks).map(([name, look]) => [
        path(values.curve.map((point, k) => [a.x(k + 1), a.y(point[name])]), look),
        circle(a.x(T), a.y(values[name]), 5, look),
      ]);
      return [
        key(Object.keys(looks).map((name) => ["line", looks[name], names[name]]), 14, 120),
        text(0, 36, "share that is believed"),
        a.svg,
        line(a.x(T), a.y(0), a.x(T), a.y(1)),
        curves,
      ];
    },
    say({ strangers, group, within }, { T, m }) {
      return (
        `A stranger's mean over ${named(T, "month")} keeps ${percent(strangers)} of its lead. ` +
        `A class of ${m} keeps ${percent(group)} of its lead over the others, and an asset in it ` +
        `${percent(within)} of its lead over the class.`
      );
    },
  };

  /* ---- The page ---------------------------------------------------------- */

  const initial = (figure) => Object.fromEntries(figure.controls.map((c) => [c.key, c.value]));
  const drawing = (figure, values, state) => figure.draw(values, state).flat(2).join("");

  function control(spec, id, change) {
    const frame = document.createElement("div");
    frame.className = "live-control";
    if (spec.button) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = spec.label;
      button.addEventListener("click", () => change((old) => old + 1));
      frame.append(button);
      return frame;
    }
    const label = document.createElement("label");
    const input = document.createElement("input");
    label.htmlFor = input.id = id;
    label.textContent = spec.label;
    if (spec.check) {
      input.type = "checkbox";
      input.checked = spec.value;
      input.addEventListener("input", () => change(() => input.checked));
      frame.append(input, label);
      frame.classList.add("live-check");
      return frame;
    }
    const output = document.createElement("output");
    output.htmlFor = id;
    Object.assign(input, { type: "range", min: spec.min, max: spec.max, step: spec.step || 1 });
    input.value = spec.value;
    const show = () => {
      output.value = (spec.words || String)(+input.value);
      input.setAttribute("aria-valuetext", output.value);
    };
    input.addEventListener("input", () => {
      show();
      change(() => +input.value);
    });
    show();
    frame.append(label, output, input);
    return frame;
  }

  function start(place, number) {
    const figure = figures[place.dataset.live];
    const [picture, sentence] = [place.querySelector("svg"), place.querySelector(".live-says")];
    const state = initial(figure);
    const update = () => {
      place.values = figure.compute(state);
      place.state = { ...state };
      picture.innerHTML = drawing(figure, place.values, state);
      const words = figure.say(place.values, state);
      if (sentence.textContent !== words) sentence.textContent = words;
    };
    const controls = document.createElement("div");
    controls.className = "live-controls";
    for (const spec of figure.controls)
      controls.append(control(spec, `live-${number}-${spec.key}`, (f) => {
        state[spec.key] = f(state[spec.key]);
        update();
      }));
    sentence.setAttribute("aria-live", "polite");
    picture.after(controls);
    update();
  }

  // What the page holds before any script runs; tools/site/live_figures.py keeps it.
  const snapshot = (name) => {
    const state = initial(figures[name]);
    const values = figures[name].compute(state);
    const { height, say } = figures[name];
    return { height, svg: drawing(figures[name], values, state), says: say(values, state) };
  };

  window.liveFigures = { figures, snapshot };
  const begin = () => document.querySelectorAll("[data-live]").forEach(start);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
  else begin();
})();
