"""The figures that move: their values are the package's, and everybody can move them.

The values are computed in a browser by the book's own script, for states chosen here, and again by
the package, from the random numbers that the script drew. That needs no site. The pages are looked
at afterwards.
"""

import numpy as np
import pytest

from mixfolio import covariance, metrics, mixed_model, optimization, relationship
from mixfolio.studies import laws
from tools.build.project import Project
from tools.site import live_figures

PROJECT = Project()
CLOSE = {"rtol": 1e-6, "atol": 1e-9}
MOST_MILLISECONDS = 50
PAGES = {
    "index.html": ["law"],
    "chapters/01-mean-variance.html": ["diversification", "frontier"],
    "chapters/04-estimation-error.html": ["law"],
    "chapters/06-shrinkage.html": ["spectrum"],
    "chapters/12-reml-blup.html": ["reliability"],
    "chapters/14-mixed-model-covariance.html": ["kernels"],
}
NAMES = sorted({name for names in PAGES.values() for name in names})


@pytest.fixture(scope="module")
def script(browser):
    """An empty page that has the script."""
    tab = browser.new_page()
    kept = live_figures.drawn(tab, PROJECT.book_dir / "_static/live.js")
    yield tab, kept
    tab.close()


@pytest.fixture
def compute(script):
    code = "([name, state]) => liveFigures.figures[name].compute(state)"
    return lambda name, **state: script[0].evaluate(code, [name, state])


def same(found, expected):
    np.testing.assert_allclose(np.asarray(found, dtype=float), expected, **CLOSE)


def test_a_page_without_scripts_shows_the_first_state(script):
    kept = {path.stem: path.read_text() for path in (PROJECT.book_dir / "_live").iterdir()}
    assert script[1] == kept, "run: python -m tools.site.live_figures"
    assert sorted(kept) == NAMES


@pytest.mark.parametrize("shrink", [False, True])
@pytest.mark.parametrize(("N", "T"), [(3, 10), (45, 50), (60, 62), (20, 300), (40, 30)])
def test_the_law(compute, N, T, shrink):
    found = compute("law", N=N, T=T, shrink=shrink, seed=5)
    returns, means, truth = (np.array(found[key]) for key in ("returns", "means", "truth"))
    same(found["sample"], np.linalg.eigvalsh(covariance.sample(returns)))
    a = covariance.shrinkage_intensity(returns) if shrink else 0.0
    same(found["intensity"], a)
    estimate = covariance.linear_shrinkage(returns, intensity=a)
    same(found["shrunk"], np.linalg.eigvalsh(estimate))
    if T > N + 1:
        same(found["lawBelieved"], laws.perceived_ratio(N, T))
        same(found["lawEarned"], laws.realised_ratio(N, T))
    elif not shrink:
        assert "believed" not in found
        return

    def ratio(w, matrix):
        return w @ means / metrics.volatility(w, matrix)

    best, chosen = (
        optimization.zero_cost_sharpe(means, matrix) for matrix in (np.diag(truth), estimate)
    )
    unit = ratio(best, np.diag(truth))
    same(found["believed"], ratio(chosen, estimate) / unit)
    same(found["earned"], ratio(chosen, np.diag(truth)) / unit)


def test_the_numbers_of_the_law_are_standard_normal(compute):
    found = compute("law", N=60, T=300, shrink=False, seed=1)
    z = np.array(found["returns"]) / np.sqrt(found["truth"])
    se = 1 / np.sqrt(z.size)
    assert abs(z.mean()) < 4 * se
    assert abs((z**2).mean() - 1) < 4 * np.sqrt(2) * se
    assert abs((z**4).mean() - 3) < 4 * np.sqrt(96) * se


@pytest.mark.parametrize(("n", "rho"), [(1, 0.3), (10, 0.3), (100, 0.0), (7, 1.0)])
def test_diversification(compute, n, rho):
    found = compute("diversification", n=n, rho=rho)
    matrix = 0.04 * (rho * np.ones((n, n)) + (1 - rho) * np.eye(n))
    same(found["volatility"], metrics.volatility(np.full(n, 1 / n), matrix))
    same(found["curve"][n - 1], found["volatility"])
    same(found["floor"], 0.2 * rho**0.5)


@pytest.mark.parametrize("shorts", [False, True])
@pytest.mark.parametrize(
    ("a", "b", "rho"), [(80, 20, 0.6), (0, 100, 0.95), (10, 10, -0.45), (35, 20, 0.0)]
)
def test_the_frontier(compute, a, b, rho, shorts):
    found = compute("frontier", a=a, b=b, rho=rho, shorts=shorts)
    mean, risk = np.array([0.15, 0.12, 0.18]), np.array([0.25, 0.20, 0.30])
    sigma = np.outer(risk, risk) * (rho + (1 - rho) * np.eye(3))
    same(found["sigma"], sigma)
    calm = optimization.minimum_variance(sigma, long_only=not shorts)
    same(found["calm"]["weights"], calm)
    own = np.array([a, b, 100 - a - b]) / 100
    same(found["own"]["volatility"], metrics.volatility(own, sigma))
    for point, target in [
        (found["best"], own @ mean),
        *((p, p["mean"]) for p in found["curve"] if p["mean"] > calm @ mean),
    ]:
        reachable = target if shorts else min(target, mean.max())
        w = optimization.target_return(mean, sigma, reachable, long_only=not shorts)
        same(point["volatility"], metrics.volatility(w, sigma))


@pytest.mark.parametrize(("share", "a"), [(0.1, 0.0), (0.5, 0.2), (0.9, 1.0)])
def test_the_spectrum(compute, share, a):
    found = compute("spectrum", share=share, a=a, seed=2)
    returns, sigma = np.array(found["returns"]), np.diag(found["truth"])
    matrices = {
        "Linear": covariance.linear_shrinkage(returns, intensity=a),
        "Nonlinear": covariance.nonlinear_shrinkage(returns),
    }
    S = covariance.sample(returns)
    values, vectors = np.linalg.eigh(S)
    same(found["sample"], values)
    same(found["best"], np.diagonal(vectors.T @ sigma @ vectors))
    matrices["Best"] = vectors * found["best"] @ vectors.T
    same(found["estimated"], covariance.shrinkage_intensity(returns))
    for name, matrix in matrices.items():
        rotated = np.diagonal(vectors.T @ matrix @ vectors)
        same(found[name.lower()], rotated)
        left = np.square(matrix - sigma).sum() / np.square(S - sigma).sum()
        same(found[f"left{name}"], left)


@pytest.mark.parametrize("theta", [(0.5, 1.0, 0.5), (0.0, 0.0, 0.1), (2.0, 0.0, 0.1)])
def test_kernels(compute, theta):
    found = compute("kernels", **dict(zip(("market", "group", "specific"), theta, strict=True)))
    kernels = {
        "market": np.ones((4, 4)),
        "class": relationship.from_groups(["A", "A", "A", "B"]),
        "specific": np.eye(4),
    }
    matrix = relationship.combine(kernels, dict(zip(kernels, theta, strict=True)))
    same(found["covariance"], matrix)
    w = optimization.minimum_variance(matrix, long_only=False)
    same(found["weights"], w)
    same(found["variance"], metrics.volatility(w, matrix) ** 2)
    same(found["equal"], metrics.volatility(np.full(4, 0.25), matrix) ** 2)


@pytest.mark.parametrize("months", [12, 60])
@pytest.mark.parametrize("m", [2, 5])
def test_reliability(compute, m, months):
    """A fit of the package keeps the shares that the figure has at its heritability."""
    rng = np.random.default_rng(m)
    groups = np.repeat(range(6), m)
    effects = rng.normal(0, 0.5, 6)[groups] + rng.normal(0, 0.5, 6 * m)
    returns = effects + rng.normal(0, 1, (months, 6 * m))
    K = (relationship.from_groups(list(groups)) + np.eye(6 * m)) / 2
    fit = mixed_model.panel_reml(returns, K)
    found = compute("reliability", h2=fit.heritability, T=months, m=m)
    same(found["strangers"], fit.reliability)
    same(found["curve"][0]["strangers"], fit.heritability)

    def parts(values):
        classes = values.reshape(6, m).mean(axis=1)
        return classes - values.mean(), values - classes[groups]

    records, predictions = parts(returns.mean(axis=0)), parts(fit.expected_returns)
    same(predictions[0], found["group"] * records[0])
    same(predictions[1], found["within"] * records[1])


@pytest.fixture(params=PAGES)
def visit(request, browser, address):
    tab = browser.new_page(viewport={"width": 360, "height": 800})
    tab.goto(f"{address}/{request.param}")
    yield tab, PAGES[request.param]
    tab.close()


def test_arrow_keys_move_every_figure(visit):
    tab, names = visit
    assert tab.evaluate(
        "[...document.querySelectorAll('[data-live]')].map(e => e.dataset.live)"
    ) == (names)
    for place in tab.locator("[data-live]").all():
        for slider in place.locator("input[type=range]").all():
            said = place.locator("[aria-live=polite]")
            before = said.inner_text(), place.locator("svg").inner_html()
            slider.focus()
            for _ in range(12):
                tab.keyboard.press("ArrowLeft")
            assert (said.inner_text(), place.locator("svg").inner_html()) != before
            assert (
                slider.get_attribute("aria-valuetext")
                == place.locator(f"output[for={slider.get_attribute('id')}]").inner_text()
            )


def test_text_can_be_read_on_a_phone(visit):
    sizes = visit[0].evaluate(
        "[...document.querySelectorAll('.live > svg')].map(svg => parseFloat("
        "getComputedStyle(svg).fontSize) * svg.getBoundingClientRect().width / 440)"
    )
    assert sizes
    assert min(sizes) >= 9


def test_buttons_draw_again_and_boxes_switch(browser, site):
    tab = browser.new_page()
    tab.goto(f"{site.as_uri()}/index.html")
    said = tab.locator(".live-says")
    first = said.inner_text()
    tab.get_by_role("button", name="Draw again").click()
    second = said.inner_text()
    tab.get_by_label("Shrink").check()
    assert len({first, second, said.inner_text()}) == 3
    tab.close()


def test_the_answer_comes_at_once(script):
    """The largest states, when the browser has warmed up: the median of some."""
    tab, _ = script
    largest = {
        "law": {"N": 60, "T": 300, "shrink": True, "seed": 3},
        "spectrum": {"share": 0.1, "a": 0.3, "seed": 1},
    }
    for name, state in largest.items():
        times = tab.evaluate(
            """([name, state]) => {
              const figure = liveFigures.figures[name];
              return Array.from({ length: 15 }, () => {
                const start = performance.now();
                const values = figure.compute(state);
                figure.draw(values, state);
                return performance.now() - start;
              });
            }""",
            [name, state],
        )
        assert np.median(times) <= MOST_MILLISECONDS, (name, times)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_without_scripts_says_what_it_shows(browser, site, page):
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(f"{site.as_uri()}/{page}")
    for place in tab.locator("[data-live]").all():
        assert place.locator("svg[role=img]").get_attribute("aria-label")
        assert place.locator("svg .axis, svg .ours").count()
        assert place.locator(".live-says").inner_text()
    context.close()
