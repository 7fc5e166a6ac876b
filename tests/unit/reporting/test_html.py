from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from dataclasses import replace
from itertools import combinations, pairwise
from pathlib import Path

import pages
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pages import COLD, HEADER, HOSTILE, IMAGE, MAC, NATIVE, NATIVE_MAC, PLAN, SDK, SUMS, WHOLE, X86, Parsed, run, step

import ferrule.reporting
from ferrule.core.manifest import manifest_from
from ferrule.core.model import Output, Plan
from ferrule.reporting.html import PageContent, page
from ferrule.reporting.page import graph, markup, sizes, timeline

FOLDER = Path(ferrule.reporting.__file__).parent / "page"


# What it tells


def test_every_number_is_that_of_the_manifest() -> None:
    parsed = Parsed(page(WHOLE))
    output = Counter(parsed.values("value"))
    assert WHOLE.release
    for file in WHOLE.release.files:
        if not file.path.startswith("image/"):
            assert output[str(file.size)] >= 1, file
            assert file.digest.hex in parsed.values("data-digest")
    assert output["7290"] == 1  # a folder is the sum of its files, and has the digest of its index
    assert pages.digest("image/index.json") in parsed.values("data-digest")
    assert pages.digest("image/blobs/sha256/aa") not in parsed.values("data-digest")
    assert output[str(sum(file.size for file in WHOLE.release.shipped))] == 1
    for counted in (5000, 2000, 700, 4096, 4000, 100):
        assert str(counted) in output


def test_the_critical_path_stands_beside_the_wall_time() -> None:
    text = Parsed(page(WHOLE)).text
    assert "The run took 26.5 s. Its critical path" in text
    assert "sums up to 24.5 s: 92 % of that. All work together was 48.5 s, on 2 jobs." in text
    assert "total 24.5 s 92 % the run 26.5 s" in text


def test_all_parts_are_there_and_can_be_reached() -> None:
    parsed = Parsed(page(WHOLE))
    anchors = {value.removeprefix("#") for value in parsed.values("href")}
    assert anchors <= set(parsed.values("id"))
    assert {"matrix", "timeline", "why", "sections", "releases", "graph", "tools", "undone"} <= anchors


def test_what_was_not_done_has_its_reason() -> None:
    last = run(
        step(HEADER), step(NATIVE, "failed", seconds=1, reason="it does not compile"), step(SDK, "skipped", reason="n")
    )
    parsed = Parsed(page(replace(WHOLE, runs=(COLD, last), notes=("journal-7 is damaged",))))
    assert "The last run failed. The files in dist/ are from an earlier run." in parsed.text
    assert "it does not compile" in parsed.text
    assert "sdk · aarch64-apple-darwin its targets are *-linux-gnu" in parsed.text
    assert "journal-7 is damaged" in parsed.text
    assert "The last run failed." not in Parsed(page(WHOLE)).text


@pytest.mark.parametrize(
    ("subject", "says"),
    [
        (PageContent(PLAN, (X86, MAC)), "Nothing has been released yet"),
        (PageContent(Plan("p", "1", ()), ()), "Nothing has been released yet"),
        (replace(WHOLE, runs=()), "No run that built something is recorded."),
        (replace(WHOLE, runs=(run(),)), "No action ran"),
        (replace(WHOLE, runs=(run(step(NATIVE, "skipped"), step(HEADER, "cached")),)), "No action ran"),
        (replace(WHOLE, release=manifest_from(pages.manifest(toolchain=None), "")), "needed a compiler"),
        (
            replace(WHOLE, release=manifest_from(pages.manifest(source={"commit": None, "dirty": None}), "")),
            "outside of a Git",
        ),
        (replace(WHOLE, release=manifest_from(pages.manifest(facts={}), "")), "No binary of this release"),
        (replace(WHOLE, runs=(replace(COLD, started=10**14),)), "at an impossible time"),
    ],
)
def test_what_is_missing_is_said(subject: PageContent, says: str) -> None:
    assert says in Parsed(page(subject)).text


def test_state_in_the_matrix_is_that_of_what_stands_there() -> None:
    other = pages.digest("another key")

    def marks(*steps: pages.Step) -> Counter[str]:
        text = page(replace(WHOLE, runs=(run(*steps),)))
        matrix = text[text.index('id="matrix"') : text.index('id="timeline"')]
        return Counter(re.findall(r'class="state (\w+)" title', matrix))

    assert marks(*COLD.steps) == {"built": 6}
    assert marks(*(replace(s, state="cached") for s in COLD.steps)) == {"cached": 6}
    assert marks() == {"earlier": 6}
    assert marks(replace(COLD.steps[1], key=other))["earlier"] == 6
    assert marks(step(SDK, "failed"), step(SUMS, "skipped")) == {"earlier": 4, "failed": 1, "skipped": 1}
    assert "absent" in page(PageContent(PLAN, (X86, MAC)))


# What it must never do


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_becomes_markup(text: str) -> None:
    parsed, plain = Parsed(page(pages.hostile(text))), Parsed(page(pages.hostile("harmless")))
    assert parsed.tags <= {*plain.tags, "details", "summary"}
    assert {name for _, name, _ in parsed.attributes} <= {name for _, name, _ in plain.attributes}
    assert not [name for _, name, _ in parsed.attributes if name.startswith("on") or name in {"src", "style", "action"}]
    assert {value[:1] for value in parsed.values("href")} == {"#"}
    assert Counter(parsed.values("id")).most_common(1)[0][1] == 1
    assert markup.shown(text)[:20].strip() in " ".join(parsed.texts)


@pytest.mark.parametrize("text", HOSTILE)
def test_what_does_not_print_is_written_out(text: str) -> None:
    output = page(pages.hostile(text))
    output.encode()
    assert [c for c in output if not c.isprintable() and c != "\n"] == []


@given(st.text())
def test_any_text_can_be_read_back(text: str) -> None:
    parsed = Parsed(markup.tag("p", text, title=text).text)
    assert "".join(parsed.texts) == markup.shown(text)
    assert parsed.values("title") == [markup.shown(text)]


def test_the_policy_allows_nothing_but_its_own_style_and_script() -> None:
    output = page(pages.hostile(HOSTILE[0]))
    (policy,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', output)
    rules = dict(rule.strip().split(" ", 1) for rule in policy.replace("&#x27;", "'").split(";"))
    assert rules.pop("default-src") == rules.pop("base-uri") == rules.pop("form-action") == "'none'"
    for name in ("style", "script"):
        (content,) = re.findall(rf"<{name}>(.*?)</{name}>", output, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert rules.pop(f"{name}-src") == f"'sha256-{digest}'"
    assert rules == {}
    assert output.index("Content-Security-Policy") < output.index("<style>")


def test_nothing_is_loaded_from_anywhere() -> None:
    output = page(WHOLE)
    assert re.findall(r"(?:https?:)?//[\w.]+", re.sub(r"<script>.*?</script>", "", output, flags=re.DOTALL)) == []
    assert not re.search(r"url\(|@import|@font-face", output)


def test_the_same_values_give_the_same_bytes() -> None:
    assert page(WHOLE) == page(replace(WHOLE))


# Everybody can read it

PAIRS = [
    *((text, ground) for text in ("ink", "soft", "link", "broken", "amber") for ground in ("page", "card")),
    *(("ink", ground) for ground in ("alarm", "lit")),
    *(("soft", ground) for ground in ("alarm", "lit")),
    ("on-critical", "critical"),
    ("on-work", "work"),
    ("on-broken", "broken"),
    *(("on-piece", name) for name in sizes.PURPOSES if name != "memory"),
]
SHAPES = [
    *((shape, ground) for shape in ("critical", "work-edge", "broken") for ground in ("page", "card")),
    *((name, "page") for name in sizes.PURPOSES if name != "memory"),
]


def colours(dark: bool) -> dict[str, str]:
    blocks = re.findall(r":root \{(.*?)\}", (FOLDER / "page.css").read_text(), re.DOTALL)
    return dict(re.findall(r"--([\w-]+): (#\w{6});", blocks[0] + (blocks[1] if dark else "")))


def contrast(one: str, other: str) -> float:
    """The ratio of WCAG 2.2, "contrast ratio" and "relative luminance"."""

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("dark", [False, True])
def test_contrast(dark: bool) -> None:
    colour = colours(dark)
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert {pair for pair in PAIRS if contrast(colour[pair[0]], colour[pair[1]]) < 4.5} == set()
    assert {pair for pair in SHAPES if contrast(colour[pair[0]], colour[pair[1]]) < 3} == set()


def test_every_purpose_has_its_colour() -> None:
    style = (FOLDER / "page.css").read_text()
    for name in sizes.PURPOSES:
        assert (f".piece.{name} rect" in style) is (name != "memory")


def test_drawings_are_told_in_words() -> None:
    parsed = Parsed(page(WHOLE))
    drawings = [tag for tag, name, value in parsed.attributes if name == "role" and value == "img"]
    assert drawings == ["svg"] * (1 + 2 + 1)  # timeline, two binaries, graph
    assert parsed.text.count("tell the same") == 0  # it is in labels, for those who hear the page
    assert sum("the same" in label for label in parsed.values("aria-label")) == 2
    assert all(scope in {"col", "row"} for scope in parsed.values("scope"))


# The critical path


def test_critical_path_is_the_chain_with_the_greatest_sum() -> None:
    path = timeline.critical_path(COLD.steps)
    assert [s.id for s in path] == ["header", f"native@{X86}", "image", "sums"]
    assert sum(s.seconds for s in path) == 24.5


def test_what_was_not_run_is_not_on_the_path_but_leads_to_what_was() -> None:
    steps = (
        step(HEADER, seconds=5.0),
        step(NATIVE, "cached", start=5.0),
        step(NATIVE_MAC, start=5.0, seconds=1.0),
        step(SDK, start=5.0, seconds=2.0),
    )
    assert [s.id for s in timeline.critical_path(steps)] == ["header", f"sdk@{X86}"]


def test_nothing_has_no_critical_path() -> None:
    assert timeline.critical_path(()) == ()
    assert timeline.critical_path((step(HEADER, "cached"),)) == ()


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100), st.sets(st.integers(0, 9))), max_size=12))
def test_no_chain_is_longer_than_the_critical_path(rows: list[tuple[float, float, set[int]]]) -> None:
    steps = tuple(
        replace(step(HEADER, start=start, seconds=seconds), id=str(at), needs=tuple(str(n) for n in needs if n < at))
        for at, (start, seconds, needs) in enumerate(rows)
    )
    best: dict[str, float] = {}
    for one in steps:
        best[one.id] = one.seconds + max((best[n] for n in one.needs), default=0.0)
    path = timeline.critical_path(steps)
    assert sum(s.seconds for s in path) == pytest.approx(max(best.values(), default=0.0))


def test_lanes_are_jobs_and_no_lane_does_two_things_at_once() -> None:
    result = timeline.lanes(COLD.steps)
    assert [[s.id for s in lane] for lane in result] == [
        ["header", f"native@{X86}", f"sdk@{X86}", "image", "sums"],
        [f"native@{MAC}"],
    ]
    for lane in result:
        assert all(one.end <= other.start for one, other in pairwise(lane))


# Sections


@pytest.mark.parametrize(
    ("section", "purpose"),
    [
        (".text", "code"),
        (".text.unlikely", "code"),
        (".rodata.str1.1", "constants"),
        (".data.rel.ro", "constants"),
        (".data", "variables"),
        (".noptrdata", "variables"),
        (".tdata", "variables"),
        (".bss", "memory"),
        (".noptrbss", "memory"),
        (".relro_padding", "memory"),
        (".eh_frame_hdr", "unwinding"),
        (".gopclntab", "unwinding"),
        (".go.type", "constants"),
        (".rela.dyn", "linking"),
        (".gnu.version_r", "linking"),
        (".comment", "other"),
        ("__TEXT,__text", "code"),
        ("__DATA_CONST,__got", "linking"),
        ("__DATA_CONST,__const", "constants"),
        ("__DATA,__thread_bss", "memory"),
        ("__DATA,__data", "variables"),
        ("__TEXT,__unwind_info", "unwinding"),
        ("code", "code"),
        ("data", "constants"),
        ("module", "module"),
        ("core-instance", "linking"),
        ("custom:producers", "other"),
        ("<b>", "other"),
    ],
)
def test_purpose_of_a_section(section: str, purpose: str) -> None:
    assert sizes.purpose(section) == purpose


def test_a_binary_is_its_sections_and_the_rest() -> None:
    elf, macho = sizes.binaries(WHOLE)
    assert elf.by_purpose() == {"code": 5000, "constants": 2000, "unwinding": 700, "rest": 1300}
    assert sum(elf.by_purpose().values()) == elf.size == 9000
    assert macho.by_purpose() == {"code": 4000, "variables": 100, "rest": 3900}


@pytest.mark.parametrize("recorded", [{}, {"cdylib": {"format": "elf"}}, {"unknown": 7}])
def test_facts_without_sections_are_left_out(recorded: object) -> None:
    about = replace(WHOLE, release=manifest_from(pages.manifest(facts={f"native@{X86}": recorded}), ""))
    assert sizes.binaries(about) == []


# Over releases


def grown(number: int, release: str, counts: dict[str, int]) -> pages.Run:
    steps = tuple(
        replace(s, files=tuple(replace(result, size=counts[s.artifact]) for result in s.files))
        for s in COLD.steps
        if s.artifact in counts
    )
    return run(*steps, number=number, release=release)


def test_sizes_over_releases() -> None:
    runs = (
        grown(1, "1.0.0", {"sdk": 1000, "sums": 70}),
        grown(2, "1.0.0", {"sdk": 1000, "sums": 70}),  # as large as before
        replace(grown(3, "1.1.0", {"sdk": 9, "sums": 9}), command="build"),  # a part
        run(step(SDK, "failed"), number=4),
        grown(5, "1.1.0", {"sdk": 1250, "sums": 70, "image": 40}),
    )
    about = replace(WHOLE, runs=runs)
    assert [point.name for point in sizes.points(about)] == ["1.0.0 (run 1)", "1.1.0 (run 5)"]
    text = Parsed(page(about)).text
    assert "sdk · x86_64-linux-gnu 1.0.0 (run 1): 1000 B 1.1.0 (run 5): 1.2 KiB 1000 B 1.2 KiB +25.0 %" in text
    assert "sums 1.0.0 (run 1): 70 B 1.1.0 (run 5): 70 B 70 B 70 B as it was" in text
    assert "image 1.1.0 (run 5): 40 B 40 B 40 B as it was" in text
    assert "So far there is one: 1.0.0 (run 1)." in Parsed(page(replace(WHOLE, runs=runs[:2]))).text


# The graph


def nodes_of(needs: dict[str, tuple[str, ...]]) -> tuple[graph.GraphNode, ...]:
    return tuple(graph.GraphNode(name, name, "", expected, at) for at, (name, expected) in enumerate(needs.items()))


def test_layers_follow_depth_and_detours_are_left_out() -> None:
    layout = graph.lay_out(graph.nodes_of(WHOLE))
    assert set(layout.edges) == {
        ("header", f"native@{X86}"),
        ("header", f"native@{MAC}"),
        (f"native@{X86}", f"sdk@{X86}"),
        (f"native@{X86}", "image"),
        (f"sdk@{X86}", "sums"),
        ("image", "sums"),
    }
    depth = layout.depth
    assert [depth[a.id] for a in (HEADER, NATIVE, NATIVE_MAC, SDK, IMAGE, SUMS)] == [0, 1, 1, 2, 2, 3]


def test_what_needs_nothing_stands_before_its_first_reader() -> None:
    layout = graph.lay_out(nodes_of({"a": (), "b": ("a",), "c": ("b",), "late": (), "d": ("c", "late"), "alone": ()}))
    assert {name: layout.depth[name] for name in ("a", "d", "late", "alone")} == {"a": 0, "d": 3, "late": 2, "alone": 0}


def test_a_long_arrow_has_its_own_way() -> None:
    layout = graph.lay_out(nodes_of({"a": (), "b": ("a",), "c": ("b",), "other": (), "x": ("other",), "y": ("c", "x")}))
    ways = [path for layer in layout.layers for path in layer if isinstance(path, tuple)]
    assert [(path[0].split("\0")[0], path[1]) for path in ways] == [("x", "y")]


@st.composite
def acyclic(draw: st.DrawFn) -> dict[str, tuple[str, ...]]:
    count = draw(st.integers(0, 14))
    return {
        str(at): tuple(str(n) for n in sorted(draw(st.sets(st.integers(0, at - 1), max_size=4)))) if at else ()
        for at in range(count)
    }


@given(acyclic())
def test_every_layout_is_readable(needs: dict[str, tuple[str, ...]]) -> None:
    nodes = nodes_of(needs)
    layout = graph.lay_out(nodes)
    depth = layout.depth
    assert {path for layer in layout.layers for path in layer if isinstance(path, str)} == set(needs)
    assert all(depth[need] < depth[node] for need, node in layout.edges)
    for layer in layout.layers:
        assert layer
        for one, other in combinations(layer, 2):
            room = (graph._tall(one) + graph._tall(other)) / 2
            assert abs(layout.middle[one] - layout.middle[other]) >= room
    assert min((layout.middle[p] - graph._tall(p) / 2 for p in layout.middle), default=0) == pytest.approx(0)
    assert graph.lay_out(nodes) == layout


def test_a_large_plan_is_drawn_by_artifact() -> None:
    triples = [f"t{number}-unknown-linux-gnu" for number in range(200)]
    actions = [HEADER]
    for triple in triples:
        actions.append(pages.action("native", triple, Output("l", "cdylib", None), "header"))
        actions.append(pages.action("sdk", triple, Output("s", "archive", f"{triple}.tar.gz"), f"native@{triple}"))
    about = PageContent(Plan("p", "1", tuple(actions)), tuple(triples))
    result = {node.id: (node.below, node.needs) for node in graph.nodes_of(about)}
    assert result == {
        "header": ("1 action", ()),
        "native": ("200 actions", ("header",)),
        "sdk": ("200 actions", ("native",)),
    }
    assert "The plan has 401 actions; those of one artifact are drawn as one." in Parsed(page(about)).text
