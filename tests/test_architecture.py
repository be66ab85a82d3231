"""The rooms of the package, the order in which they may know each other, and the habits that keep them readable.

The lists below are the architecture. A test that fails here says what the rule is for; change the code, or, with a
reason written down, the rule.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "scraper"

VALUES = (
    "about", "errors", "clock", "recent", "hrefs", "urls", "request", "decoding", "charset", "mime", "response", "item",
    "outcome", "visit",
)  # fmt: skip

# Each layer may use what stands above it, never what stands below; within a layer the order is the reading order.
LAYERS: dict[str, tuple[tuple[str, ...], str]] = {
    "values": (
        VALUES,
        "values are frozen and dumb: anybody may hold one without dragging a crawl along",
    ),
    "rules": (
        ("policy",),
        "rules are pure decisions: they are tested with plain values and no clock, no disk, no network",
    ),
    "reading": (
        ("transforms", "parsing", "selection", "links", "follow", "page"),
        "parsing must work on saved files",
    ),
    "authors": (
        ("spider",),
        "a spider says what to take; who fetches, queues and writes must be replaceable behind its back",
    ),
    "memory": (
        ("frontier",),
        "the crawl's memory must be testable, and exchangeable, without a network and without an engine",
    ),
    "edges": (
        ("fetch", "sinks"),
        "edges touch the world and translate its errors; what to do with them is decided elsewhere",
    ),
    "session": (
        ("session",),
        "the requests-style session works without any crawl",
    ),
    "engine": (
        ("engine",),
        "the straight line is driven by plain parts; it must not know how they are put together or shown",
    ),
    "runs": (
        ("runs",),
        "a run is started from Python, from cron and from a terminal alike, so it knows none of them",
    ),
    "application": (
        ("config", "ui", "cli", "api", "__init__", "__main__"),
        "only the application knows YAML, argv, signals and terminals",
    ),
}

# Beside the line: rooms that stand alone, and what they may use of the package.
BESIDE: dict[str, tuple[frozenset[str], str]] = {
    "practice": (frozenset(), "the practice shop is a web site like any other: it may know nothing of the crawler"),
    "testing": (
        frozenset({*VALUES, "frontier", "fetch", "sinks"}),
        "the shipped fakes and contracts stand in for memory and edges; they need no engine and no run",
    ),
}
USES_PRACTICE = frozenset({"runs", "cli"})  # `seeds: practice-shop` and `scrape shop` serve it

# Rooms that are above or beside each other in the list and must still be strangers.
STRANGERS: dict[tuple[str, str], str] = {
    ("sinks", "fetch"): "an output takes records; where they came from is not its business",
    ("sinks", "frontier"): "a sink tells a length, and who remembers it is not its business",
    ("frontier", "policy.robots"): "the frontier knows until when robots.txt is known, never what it says",
    ("ui", "config"): "what is shown comes from the run, not from a file",
    ("api", "cli"): "the Python door must not pass through the command line",
    ("api", "ui"): "a crawl from Python writes to nobody's terminal",
}

# Foreign libraries, and the only rooms (module prefixes) that may know them.
LIBRARIES: dict[str, tuple[tuple[str, ...], str]] = {
    "aiohttp": (
        ("fetch.", "practice.server", "testing."),
        "the HTTP client is one edge; its errors are translated there",
    ),
    "yarl": (("fetch.",), "URLs of the package are `urls.Url`; yarl is aiohttp's own"),
    "selectolax": (
        ("page", "parsing.tree", "parsing.nodes", "selection"),
        "the parser may be replaced by touching the reading rooms alone",
    ),
    "yaml": (("config.load",), "nothing of a file is trusted before config.load has bounded it"),
    "pydantic": ((), "importing it and building its models took a third of a small crawl's start"),
    "aiofiles": (("sinks.",), "only sinks write the user's files"),
    "sqlite3": (("frontier.store",), "SQL stands in one room; whose turn it is does not"),
    "click": (("cli.",), "only the command line knows argv"),
    "ada_url": (("urls",), "what a URL means is decided in one room"),
    "webencodings": (("charset", "practice.encodings"), "which bytes are which text is decided in one room"),
    "time": (("clock",), "time is an argument, so that a test can make it jump"),
    "signal": (("cli.signals",), "a library must not take its user's signals"),
    "fcntl": (("runs.lock", "sinks.disk"), "locks belong to the run and to the files"),
    "pickle": ((), "nothing that came from a network or a disk may be executed"),
    "marshal": ((), "nothing that came from a network or a disk may be executed"),
    "shelve": ((), "nothing that came from a network or a disk may be executed"),
    "subprocess": ((), "a crawl starts no programs"),
    "requests": ((), "there is one HTTP client"),
}
IMPORTS_BY_NAME = (
    "__init__",
    "config.find",
    "practice",
    "sinks",
)  # lazy public names; the user's own spider; a shop that few open; sinks, which a look at a config does not make

MODULE_LINES = 300
FUNCTION_LINES = 40
BRANCHES = 8
VISIT_LINES = 35
DOCSTRING_LINES = 3

# Debts: modules that do not keep a rule yet. They may leave this list; none may come in.
LONG_FUNCTIONS = ("config.compile",)

# A word in a module's name, and the noun of this project that it would blur.
FOREIGN_NOUNS = {
    "util": "say what it is for", "utils": "say what it is for", "helper": "say what it is for",
    "helpers": "say what it is for", "common": "say what it is for", "misc": "say what it is for",
    "manager": "say what it does", "service": "say what it does", "core": "everything is",
    "middleware": "there are no chains; see Observer", "middlewares": "there are no chains; see Observer",
    "pipeline": "Sink", "pipelines": "Sink", "exporter": "Sink", "exporters": "Sink", "writer": "Sink",
    "downloader": "Fetcher", "http": "Fetcher", "scheduler": "Frontier", "queue": "Frontier", "job": "run",
    "jobs": "run", "task": "run", "tasks": "run", "result": "Outcome", "results": "Outcome", "document": "Page",
    "soup": "Page", "settings": "config", "conf": "config", "options": "config", "models": "Item", "record": "Item",
    "bot": "Spider", "spiders": "Spider", "worker": "Crawler", "extension": "Observer", "signals_handler": "Observer",
}  # fmt: skip


# -- reading the code ------------------------------------------------------------------------------------------------


def name_of(path: Path) -> str:
    """Return `frontier.store` for scraper/frontier/store.py, and `frontier` for its __init__."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


FILES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}
MODULES = list(FILES)


@cache
def tree(module: str) -> ast.Module:
    """Return the parsed module."""
    return ast.parse(FILES[module].read_text())


def room(module: str) -> str:
    """Return the room that a module belongs to: the folder, or the module itself."""
    return module.partition(".")[0]


def imports(module: str) -> Iterator[tuple[str, int]]:
    """Yield every module that is imported, with the line; `from scraper.sinks import disk` is `scraper.sinks.disk`."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno}: imports are absolute here, so that grep finds them"
            base = node.module or ""
            for alias in node.names:
                deeper = f"{base}.{alias.name}"
                yield (deeper if deeper.removeprefix("scraper.") in FILES else base), node.lineno


def own_imports(module: str) -> Iterator[tuple[str, int]]:
    """Yield the modules of the package itself that are imported, without the package's name."""
    for name, line in imports(module):
        if name == "scraper":
            yield "__init__", line
        elif name.startswith("scraper."):
            yield name.removeprefix("scraper."), line


def functions(module: str) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Yield every function and method with its qualified name."""

    def walk(node: ast.AST, prefix: str) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
                yield f"{prefix}{child.name}", child
                yield from walk(child, f"{prefix}{child.name}.")
            elif isinstance(child, ast.ClassDef):
                yield from walk(child, f"{prefix}{child.name}.")
            else:
                yield from walk(child, prefix)

    return walk(tree(module), "")


def place(module: str, line: int) -> str:
    """Return where, as editors understand it."""
    return f"{FILES[module].relative_to(PACKAGE.parent)}:{line}"


Rule = Callable[[str], Iterator[str]]


def assert_kept(rule: Rule, *, apart_from: tuple[str, ...] = ()) -> None:
    """Fail with every sentence that `rule` has to say about any module, but for those `apart_from`."""
    said = [sentence for module in MODULES if module not in apart_from for sentence in rule(module)]
    assert not said, "\n".join(said)


# -- one way -----------------------------------------------------------------------------------------------------

ORDER = [name for rooms, _ in LAYERS.values() for name in rooms]
WHY = {name: why for rooms, why in LAYERS.values() for name in rooms}


def objection(module: str, imported: str) -> str | None:
    """Return why `module` may not import `imported`; None when it may."""
    mine, theirs = room(module), room(imported)
    for (one, other), why in STRANGERS.items():
        if (module + ".").startswith(one + ".") and (imported + ".").startswith(other + "."):
            return why
    if mine == theirs:
        return None
    if mine in BESIDE:
        allowed, why = BESIDE[mine]
        return None if theirs in allowed else why
    if theirs == "practice":
        return None if mine in USES_PRACTICE else "only a run and the command line may serve the practice shop"
    if theirs == "testing":
        return "what is shipped for tests may not be needed by a crawl"
    return None if ORDER.index(theirs) < ORDER.index(mine) else WHY[mine]


def wrong_ways(module: str) -> Iterator[str]:
    """Say which imports run up the list."""
    for imported, line in own_imports(module):
        if why := objection(module, imported):
            yield f"{place(module, line)}: {module} may not import {imported}: {why}"


def test_every_module_has_a_place_in_the_list() -> None:
    """A new room is a decision: it gets its place in the list above before it is used."""
    strangers = {room(module) for module in MODULES} - set(ORDER) - BESIDE.keys()
    assert not strangers, f"{sorted(strangers)} stand in no layer; put them where they belong in LAYERS"
    empty = set(ORDER) - {room(module) for module in MODULES}
    assert not empty, f"{sorted(empty)} are in the list but not in the package"


def test_imports_run_one_way() -> None:
    """A room knows only rooms above it in the list."""
    assert_kept(wrong_ways)


def test_an_import_up_the_list_would_be_noticed() -> None:
    """The rule itself can fail, and its message teaches."""
    assert objection("page", "fetch.client") == "parsing must work on saved files"
    assert objection("practice.site", "urls") == BESIDE["practice"][1]
    assert objection("engine.crawler", "testing.clock") == "what is shipped for tests may not be needed by a crawl"
    assert objection("sinks.disk", "fetch.client") == STRANGERS["sinks", "fetch"]
    assert objection("fetch.client", "request") is None


def test_there_is_no_circle() -> None:
    """No two modules need each other, inside a room either."""
    edges = {module: {name for name, _ in own_imports(module) if name in FILES} for module in MODULES}
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, f"a circle of imports: {' -> '.join([*path[path.index(module) :], module])}"
        if module not in done:
            for other in sorted(edges[module] - {module}):
                visit(other, (*path, module))
            done.add(module)

    for module in MODULES:
        visit(module, ())


def hidden_imports(module: str) -> Iterator[str]:
    """Say where an import is kept out of sight."""
    for node in ast.walk(tree(module)):
        if (
            isinstance(node, (ast.Name, ast.alias))
            and getattr(node, "id", getattr(node, "name", "")) == "TYPE_CHECKING"
        ):
            yield f"{place(module, node.lineno)}: TYPE_CHECKING hides a circle; break it"
    for name, function in functions(module):
        for node in ast.walk(function):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                yield f"{place(module, node.lineno)}: {name} imports inside; only cli.main may, so that --help is quick"


def test_no_import_hides_from_the_order() -> None:
    """There is no TYPE_CHECKING and no import inside a function, but for the command line's cold start."""
    assert_kept(hidden_imports, apart_from=("cli.main",))
    assert any(hidden_imports("cli.main")), "the one exception is not needed any more"


def strayed_libraries(module: str) -> Iterator[str]:
    """Say which libraries are known outside of their rooms."""
    for imported, line in imports(module):
        rooms, why = LIBRARIES.get(imported.partition(".")[0], ((module,), ""))
        if not any(module == known or (known.endswith(".") and module.startswith(known)) for known in rooms):
            yield f"{place(module, line)}: {module} may not import {imported}: {why}"


def test_a_library_stays_in_its_room() -> None:
    """Each foreign library is known to the one room that may be rewritten when it is replaced."""
    assert_kept(strayed_libraries)


# -- what no room may do -----------------------------------------------------------------------------------------


def calls(module: str) -> Iterator[tuple[str, int]]:
    """Yield every call as dotted text, with its line."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node.lineno


def evaluations(module: str) -> Iterator[str]:
    """Say where text may become code."""
    forbidden = {"eval", "exec", "compile", "__import__", "os.system", "os.popen"}
    if module not in IMPORTS_BY_NAME:
        forbidden |= {"import_module", "importlib.import_module", "spec.loader.exec_module"}
    for call, line in calls(module):
        if call in forbidden:
            yield f"{place(module, line)}: {call} can run foreign text; data stays data"


def test_nothing_is_evaluated() -> None:
    """Nothing that came from outside can become code: no eval, no exec, no import by a name from elsewhere."""
    assert_kept(evaluations)


def own_times(module: str) -> Iterator[str]:
    """Say where the system is asked for the time, or waited for."""
    for call, line in calls(module):
        asks = call.startswith(("time.", "date.today")) or (
            call.startswith("datetime") and call.endswith((".now", ".utcnow", ".today"))
        )
        if asks:
            yield f"{place(module, line)}: {call}() asks the system for the time; take a Clock"
        if call in ("asyncio.sleep", "sleep") and room(module) != "testing":
            yield f"{place(module, line)}: only a Clock waits"


def test_only_the_clock_asks_for_the_time() -> None:
    """Wall clock, monotonic time and sleeping are asked of a Clock, which a test can make jump."""
    assert_kept(own_times, apart_from=("clock",))
    assert any(own_times("clock"))


def bare_tasks(module: str) -> Iterator[str]:
    """Say where a task is started outside of a group."""
    groups = {
        ast.unparse(item.optional_vars)
        for node in ast.walk(tree(module))
        if isinstance(node, ast.AsyncWith)
        for item in node.items
        if item.optional_vars is not None and ast.unparse(item.context_expr).endswith("TaskGroup()")
    }
    for call, line in calls(module):
        owner, _, verb = call.rpartition(".")
        if verb == "ensure_future" or (verb == "create_task" and owner not in groups):
            yield f"{place(module, line)}: {call} starts a task outside of a TaskGroup; nobody would hear it fail"


def test_tasks_live_in_groups() -> None:
    """A bare task can neither fail loudly nor end in order; `api` alone starts one, and says why beside it."""
    assert_kept(bare_tasks, apart_from=("api",))
    (only,) = bare_tasks("api")
    line = int(only.split(":")[1])
    above = FILES["api"].read_text().splitlines()[line - 2]
    assert above.lstrip().startswith("#"), "the comment that says why must stay with it"


# -- readable ----------------------------------------------------------------------------------------------------


def long_modules(module: str) -> Iterator[str]:
    """Say which modules are too long."""
    lines = len(FILES[module].read_text().splitlines())
    if lines > MODULE_LINES:
        yield f"{module} has {lines} lines; which of its two jobs goes next door?"


def test_a_module_is_read_in_one_sitting() -> None:
    """No module has more than 300 lines."""
    assert_kept(long_modules)


def long_functions(module: str) -> Iterator[str]:
    """Say which functions are too long."""
    for name, node in functions(module):
        lines = (node.end_lineno or 0) - node.lineno + 1
        if lines > FUNCTION_LINES:
            yield f"{place(module, node.lineno)}: {name} has {lines} lines"


def test_a_function_is_seen_at_once() -> None:
    """No function has more than 40 lines."""
    assert_kept(long_functions, apart_from=LONG_FUNCTIONS)


def branching_functions(module: str) -> Iterator[str]:
    """Say which functions branch too much, counted without the functions inside of them."""
    for name, node in functions(module):
        if branches(node) > BRANCHES:
            yield f"{place(module, node.lineno)}: {name} has {branches(node)} branches"


def branches(function: ast.AST) -> int:
    """Count if, for, while, except and case; a catch-all case is none."""
    count = 0
    for child in ast.iter_child_nodes(function):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        if isinstance(child, ast.match_case):
            count += not (isinstance(child.pattern, ast.MatchAs) and child.pattern.pattern is None)
        count += isinstance(child, (ast.If, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler))
        count += branches(child)
    return count


def test_a_function_branches_little() -> None:
    """No function has more than 8 branches."""
    assert_kept(branching_functions)


def test_the_heart_is_short() -> None:
    """`Crawler.visit`, the life of a URL, fits on half a screen."""
    visit = dict(functions("engine.crawler"))["Crawler.visit"]
    assert (visit.end_lineno or 0) - visit.lineno + 1 <= VISIT_LINES


def foreign_names(module: str) -> Iterator[str]:
    """Say which module names use another word for a noun of the project."""
    for word in module.split("."):
        if word in FOREIGN_NOUNS:
            yield f"{module}: {word!r} blurs a noun: {FOREIGN_NOUNS[word]}"


def test_a_module_name_keeps_the_nouns() -> None:
    """One thing has one name, in module names too."""
    assert_kept(foreign_names)


# -- explained ---------------------------------------------------------------------------------------------------


def silent_modules(module: str) -> Iterator[str]:
    """Say which modules hold something and do not say what."""
    if tree(module).body and not ast.get_docstring(tree(module)):
        yield f"{module} does not say what this room is and what must never enter it"


def test_a_module_says_what_it_is() -> None:
    """Every module that holds anything begins with a docstring."""
    assert_kept(silent_modules)


def terse_modules(module: str) -> Iterator[str]:
    """Say which rooms explain themselves in fewer than three lines."""
    if FILES[module].name in ("__init__.py", "__main__.py"):
        return
    lines = [line for line in (ast.get_docstring(tree(module)) or "").splitlines() if line.strip()]
    if len(lines) < DOCSTRING_LINES:
        yield f"{module}: {len(lines)} line(s) cannot say what it is, the invariant it keeps and what stays outside"


def test_a_room_says_what_must_never_enter() -> None:
    """A module's docstring has three lines at least."""
    assert_kept(terse_modules)


def undocumented(module: str) -> Iterator[str]:
    """Say which public classes, functions and methods have no docstring, or one that begins with no sentence."""
    for name, node in public(tree(module), ""):
        text = ast.get_docstring(node)
        if not text:
            yield f"{place(module, node.lineno)}: {name} has no docstring"
        elif not text.splitlines()[0].endswith((".", ":")):
            yield f"{place(module, node.lineno)}: {name}: the first line of its docstring is no sentence"


def public(node: ast.AST, prefix: str) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]]:
    """Yield public classes and functions, and the public methods of public classes; overloads share a docstring."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and not child.name.startswith("_"):
            if "overload" not in [ast.unparse(decorator) for decorator in child.decorator_list]:
                yield prefix + child.name, child
            if isinstance(child, ast.ClassDef):
                yield from public(child, f"{prefix}{child.name}.")


def test_everything_public_is_documented() -> None:
    """Every public class, function and method says what it does, in a sentence."""
    assert_kept(undocumented)


def false_offers(module: str) -> Iterator[str]:
    """Say where `__all__` is missing, double or wrong."""
    body = tree(module).body
    listed = [
        ast.literal_eval(node.value)
        for node in body
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets)
    ]
    if not listed and any(isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) for node in body):
        yield f"{module} has no __all__"
    for names in listed:
        if len(names) != len(set(names)):
            yield f"{module}: a name is twice in __all__"
        if missing := set(names) - {name for node in body for name in bound(node)}:
            yield f"{module}: __all__ names {sorted(missing)}, which are not there"


def bound(node: ast.stmt) -> Iterator[str]:
    """Yield the names that a top-level statement binds."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield node.name
    elif isinstance(node, (ast.Import, ast.ImportFrom)):
        yield from (alias.asname or alias.name for alias in node.names)
    elif isinstance(node, ast.Assign):
        yield from (name.id for target in node.targets for name in ast.walk(target) if isinstance(name, ast.Name))
    elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        yield node.target.id


def test_what_a_module_offers_is_there() -> None:
    """`__all__` names only what the module has, each name once; the package's own names are loaded later."""
    assert_kept(false_offers, apart_from=("__init__", "sinks"))


def test_no_test_patches_what_it_tests() -> None:
    """Tests use fakes that are part of the product, real sockets and plain values: what they saw is what users get."""
    tests = [path for path in Path(__file__).parent.rglob("*.py") if path != Path(__file__)]
    patching = re.compile(r"monkeypatch|unittest\.mock|from unittest import mock")
    assert [path.name for path in tests if patching.search(path.read_text("utf-8"))] == []


# -- debts -------------------------------------------------------------------------------------------------------


@pytest.mark.xfail(strict=True, reason="the function is longer than 40 lines")
@pytest.mark.parametrize("module", LONG_FUNCTIONS)
def test_debt_of_length(module: str) -> None:
    """A module leaves LONG_FUNCTIONS when its functions are short."""
    assert not list(long_functions(module))
