"""When is a run a failure? First the judgement on plain tallies, then real runs against sites that misbehave."""

from __future__ import annotations

import gzip
import json
import socket
from pathlib import Path
from typing import Any

import pytest
from crawling import HANG, Answer, Project, Site, site_of

from scraper.cli.prepare import prepare
from scraper.engine.tally import DEAD_AFTER, Tally, Trouble
from scraper.runs.report import Report
from scraper.runs.runner import Run
from scraper.runs.verdict import failures
from scraper.ui.report import summary

INDEX = "".join(f'<article class="product_pod"><h3><a href="/{n}">x</a></h3></article>' for n in range(1, 11))
BOOK = '<article class="product_page"><h1>A book</h1><p class="instock">3</p></article>'


def good() -> Tally:
    """Return the tally of a run with nothing wrong."""
    return Tally(pages=10, items=9)


# -- the judgement -----------------------------------------------------------------------------------------------


def test_a_run_with_pages_and_no_trouble_is_a_success() -> None:
    """Nothing wrong, no reasons."""
    assert failures(good()) == ()


def test_no_page_is_a_failure() -> None:
    """A crawl that fetched nothing cannot be what was wanted."""
    assert failures(Tally()) == ("no page was fetched",)


def test_missing_pages_are_no_failure() -> None:
    """A link to a page that is not there is the site's everyday life."""
    tally = good()
    tally.failed.update({"http_404": 500, "http_410": 3, "timeout": 1})
    tally.refused.update({"robots": 1000, "off_scope": 4})
    assert failures(tally) == ()


@pytest.mark.parametrize("where", ["failed", "faults"])
def test_a_failed_callback_is_a_failure(where: str) -> None:
    """One crashed callback is one too many, whether it lost the page or a part of it."""
    tally = good()
    getattr(tally, where)["callback"] = 1
    assert failures(tally) == ("a callback failed on 1 page",)


def test_an_item_that_could_not_be_written_is_a_failure() -> None:
    """Lost data is a failure."""
    tally = good()
    tally.faults["item"] = 1200
    assert failures(tally) == ("1,200 items could not be written",)


def test_a_lost_seed_is_a_failure_and_is_named() -> None:
    """A seed is what the user asked for by name; the reason comes with it, three seeds at most."""
    tally = good()
    tally.lost_seeds.extend(Trouble(f"http://{n}.test/", "http_503", "Busy\nvery") for n in range(5))
    (reason,) = failures(tally)
    assert reason.startswith("5 seeds brought no page: http://0.test/ (http_503: very)")
    assert "http://2.test/" in reason
    assert "http://3.test/" not in reason


def test_our_own_failure_is_a_failure() -> None:
    """A fault of the program itself is never passed over."""
    tally = good()
    tally.failed["internal"] = 1
    assert len(failures(tally)) == 1


def test_a_host_that_stopped_answering_is_a_failure() -> None:
    """Five failures in a row up to the end mean that the rest of the site is missing."""
    tally = good()
    tally.streaks["http://shop.test"] = DEAD_AFTER - 1
    assert failures(tally) == ()
    tally.streaks["http://shop.test"] = DEAD_AFTER
    assert failures(tally) == ("http://shop.test stopped answering",)


# -- real runs ---------------------------------------------------------------------------------------------------


async def run_against(project: Project, pages: dict[str, Answer], **settings: Any) -> Report:
    """Crawl a site from its front page, over yesterday's output."""
    with Site(site_of(pages)) as site:
        project.write(site.origin + "/", **settings)
        return await Run(prepare(project.config, {}, memory=False)).execute()


async def assert_fails(project: Project, pages: dict[str, Answer], reason: str, **settings: Any) -> Report:
    """The run fails for `reason`, and yesterday's output stands."""
    before = project.yesterday()
    report = await run_against(project, pages, **settings)
    assert report.status == "failed"
    assert any(reason in said for said in report.reasons), report.reasons
    assert project.path("out/items.jsonl").read_bytes() == before
    return report


def spider(body: str) -> str:
    """Return a spider whose callback for books has this body."""
    lines = ["from scraper import Spider", "class Books(Spider):", "    async def parse(self, page):"]
    lines += ['        yield page.follow("h3 a", self.book)', "    async def book(self, page):"]
    return "\n".join([*lines, *(f"        {line}" for line in body.splitlines())])


SOON = {"backoff": "1ms", "max_backoff": "2ms"}
SITE: dict[str, Answer] = {"/": INDEX, **{f"/{n}": BOOK for n in range(1, 11)}}


async def test_a_site_with_missing_pages_is_crawled_with_success(project: Project) -> None:
    """404 behind a link is no failure."""
    report = await run_against(project, {"/": INDEX, "/1": BOOK})
    assert (report.ok, report.items, report.pages) == (True, 1, 2)


async def test_a_site_that_does_not_answer_fails_the_run(project: Project) -> None:
    """Nobody listens on the port of the seed."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        before = project.yesterday()
        project.write(f"http://127.0.0.1:{closed.getsockname()[1]}/")
        report = await Run(prepare(project.config, {}, memory=False)).execute()
    assert report.status == "failed"
    assert report.reasons[0] == "no page was fetched"
    assert project.path("out/items.jsonl").read_bytes() == before


async def test_a_seed_that_is_missing_fails_the_run(project: Project) -> None:
    """A seed that answers 404 is named in the reason."""
    await assert_fails(project, {}, "1 seed brought no page: http://127.0.0.1")


async def test_a_seed_that_robots_forbids_fails_the_run(project: Project) -> None:
    """A crawl whose seed may not be visited says so."""
    pages: dict[str, Answer] = {**SITE, "/robots.txt": "User-agent: *\nDisallow: /"}
    await assert_fails(project, pages, "(robots: robots.txt forbids it)")


async def test_robots_that_cannot_be_had_fail_the_run(project: Project) -> None:
    """A server error for robots.txt means no (RFC 9309), and the run says so instead of being silently empty."""
    await assert_fails(project, {**SITE, "/robots.txt": (500, "")}, "robots_unreachable")


async def test_a_crashed_callback_fails_the_run(project: Project) -> None:
    """An exception in a callback on one page of eleven fails the run; the page and the traceback are on record."""
    code = spider('if page.url.endswith("/7"): raise KeyError("seven")\nyield {"url": page.url}')
    report = await assert_fails(project, SITE, "a callback failed on 1 page", spider=code)
    said = summary(report)
    assert "/7\n" in said
    assert "KeyError: 'seven'" in said


async def test_an_item_that_cannot_be_encoded_fails_the_run(project: Project) -> None:
    """An item that JSON cannot hold is a failure that names the field; the others are written to the work file."""
    code = spider('yield {"url": page.url, "price": float("nan") if page.url.endswith("/7") else 1.0}')
    report = await assert_fails(project, SITE, "1 item could not be written", spider=code)
    assert "price" in summary(report)
    assert report.items == 9


async def test_a_wrong_yield_fails_the_run(project: Project) -> None:
    """Yielding something that is neither item nor request is the callback's failure."""
    await assert_fails(project, SITE, "a callback failed on 10 pages", spider=spider("yield 42"))


async def test_a_missing_callback_fails_the_run(project: Project) -> None:
    """A callback that the spider does not have any more is named."""
    code = "from scraper import Spider\nclass S(Spider):\n    def parse(self, page): return page.follow('h3 a', 'gone')"
    report = await assert_fails(project, SITE, "a callback failed on 10 pages", spider=code)
    assert "no method 'gone'" in summary(report)


async def test_a_site_that_dies_on_the_way_fails_the_run(project: Project) -> None:
    """When the last pages all failed with server errors, the crawl is not complete."""
    dying: dict[str, Answer] = {**SITE, **{f"/{n}": (503, "down") for n in range(3, 11)}}
    with Site(site_of(dying)) as site:
        before = project.yesterday()
        project.write(site.origin + "/", politeness={"delay": 0, "concurrency": 1}, retry=SOON)
        report = await Run(prepare(project.config, {}, memory=False)).execute()
        assert ["stopped answering" in reason for reason in report.reasons] == [True]
    assert project.path("out/items.jsonl").read_bytes() == before


async def test_a_page_that_hangs_times_out(project: Project) -> None:
    """One page that never answers costs its time limit and is recorded; the run has succeeded."""
    report = await run_against(project, {**SITE, "/7": HANG}, fetch={"timeout": "200ms", "connect_timeout": "100ms"})
    assert (report.ok, report.items, dict(report.progress.tally.failed)) == (True, 9, {"timeout": 1})


async def test_after_a_failure_the_same_command_begins_anew(project: Project) -> None:
    """A failed run is over: the next one fetches everything, and can succeed."""
    broken = spider('raise KeyError("seven")')
    with Site(site_of(SITE)) as site:
        project.write(site.origin + "/", spider=broken)
        first = await Run(prepare(project.config, {}, memory=False)).execute()
        project.write(site.origin + "/")
        second = await Run(prepare(project.config, {}, memory=False)).execute()
    assert (first.status, second.status, second.resumed, second.run) == ("failed", "done", False, 2)
    assert len(project.items()) == 10


@pytest.mark.parametrize("name", ["out/items.jsonl", "out/items.jsonl.gz"])
async def test_a_failed_run_leaves_an_appended_output_as_it_was(project: Project, name: str) -> None:
    """Append mode makes the same promise: what did not succeed is taken back, and lies beside it to be looked at."""
    code = spider('yield {"url": page.url}\nraise KeyError("seven")')
    before = project.yesterday(name)
    report = await run_against(project, SITE, spider=code, output=[{"path": name, "mode": "append"}])
    assert report.status == "failed"
    assert project.path(name).read_bytes() == before
    assert len(project.items(f"{name}.part") if name.endswith("l") else read_items_gz(project, name)) == 10


def read_items_gz(project: Project, name: str) -> list[dict[str, Any]]:
    """Return the items of a gzip work file, which has another ending."""
    data = gzip.decompress(project.path(f"{name}.part").read_bytes())
    return [json.loads(line) for line in data.splitlines()]


async def test_a_run_that_fails_before_its_first_item_leaves_no_output(project: Project) -> None:
    """A file that the run would have created by appending is not there, or empty, after a failure."""
    await run_against(project, {}, output=[{"path": "out/items.jsonl", "mode": "append"}])
    output = project.path("out/items.jsonl")
    assert not output.exists() or output.read_bytes() == b""


async def test_after_a_failed_run_with_a_name_of_its_own_nothing_is_left(project: Project) -> None:
    """With {run} in the name no later run has the same work file: the next one removes it."""
    with Site(site_of(SITE)) as site:
        project.write(site.origin + "/", spider=spider('raise KeyError("x")'), output=["out/{run}.jsonl"])
        await Run(prepare(project.config, {}, memory=False)).execute()
        assert [path.name for path in project.path("out").iterdir()] == ["000001.jsonl.part"]
        project.write(site.origin + "/", output=["out/{run}.jsonl"])
        await Run(prepare(project.config, {}, memory=False)).execute()
    assert [path.name for path in project.path("out").iterdir()] == ["000002.jsonl"]


async def test_a_failed_run_leaves_its_work_to_be_looked_at(project: Project) -> None:
    """The work file stays until the next run begins it anew."""
    code = spider('yield {"url": page.url}\nraise KeyError("seven")')
    report = await assert_fails(project, SITE, "a callback failed on 10 pages", spider=code)
    (work,) = report.outputs
    assert work.endswith("items.jsonl.part")
    assert len(Path(work).read_bytes().splitlines()) == 10
    assert (await run_against(project, SITE)).ok
    assert not Path(work).exists()


# -- the verdict and kills ---------------------------------------------------------------------------------------


class DiedError(Exception):
    """Stands for the end of a process: nothing after it is done."""


async def die_and_go_on(project: Project, at: str, *, commits: int = 1) -> Report:
    """Let a run die at its n-th pass of a boundary and start it again; return the second one's report."""
    left = commits

    def die(boundary: str) -> None:
        nonlocal left
        left -= boundary == at
        if not left:
            raise DiedError

    with pytest.raises(DiedError):
        await Run(prepare(project.config, {}, memory=False), at=die).execute()
    return await Run(prepare(project.config, {}, memory=False)).execute()


DYING: dict[str, Answer] = {**SITE, **{f"/{n}": (503, "down") for n in range(3, 11)}}


async def test_a_kill_before_the_verdict_does_not_change_it(project: Project) -> None:
    """A crash on the way and a lost seed are still known to the process that ends the run."""
    code = spider('if page.url.endswith("/1"): raise KeyError("one")\nyield {"url": page.url}')
    with Site(site_of(SITE)) as site:
        before = project.yesterday()
        project.write(site.origin + "/", spider=code, commit={"pages": 1}, politeness={"delay": 0, "concurrency": 1})
        report = await die_and_go_on(project, "committed", commits=9)
    assert report.resumed
    assert report.reasons == ("a callback failed on 1 page",)
    assert project.path("out/items.jsonl").read_bytes() == before


async def test_a_kill_does_not_make_a_dead_host_alive(project: Project) -> None:
    """Eight pages in a row failed, the process died, nothing was left to do: the run has failed all the same."""
    with Site(site_of(DYING)) as site:
        before = project.yesterday()
        project.write(site.origin + "/", commit={"pages": 1}, politeness={"delay": 0, "concurrency": 1}, retry=SOON)
        report = await die_and_go_on(project, "committed", commits=1 + 1 + 10)  # robots.txt, the index, ten pages
    assert report.status == "failed"
    assert project.path("out/items.jsonl").read_bytes() == before


@pytest.mark.parametrize("mode", ["replace", "append"])
@pytest.mark.parametrize("boundary", ["failing", "sealed"])
async def test_a_failure_that_was_cut_short_is_finished(project: Project, boundary: str, mode: str) -> None:
    """A run that dies while its outputs are taken back is failed for good by the next start, and fetches nothing."""
    code = spider('yield {"url": page.url}\nraise KeyError("seven")')
    with Site(site_of(SITE)) as site:
        before = project.yesterday()
        project.write(site.origin + "/", spider=code, output=[{"path": "out/items.jsonl", "mode": mode}])
        report = await die_and_go_on(project, boundary)
        assert (report.status, report.run) == ("failed", 1)
        assert report.reasons == ("a callback failed on 10 pages",)
        assert len(site.paths) == 12
        assert project.path("out/items.jsonl").read_bytes() == before
        project.write(site.origin + "/")
        assert (await Run(prepare(project.config, {}, memory=False)).execute()).run == 2


async def test_a_failure_that_was_cut_short_still_says_why(project: Project) -> None:
    """Who reads only the second process's words must learn the reason."""
    with Site(site_of(DYING)) as site:
        project.write(site.origin + "/", politeness={"delay": 0, "concurrency": 1}, retry=SOON)
        report = await die_and_go_on(project, "failing")
        assert report.status == "failed"
        assert ["stopped answering" in reason for reason in report.reasons] == [True]
