"""The tables of the crawl's memory, and the statements that are more than a line.

Rows are only ever added, but for `rest`, `out`, `spent` and the one row of `run`, so a commit writes each fact once; at
the end of its table, in whatever order requests end, so few pages of the file change.
Whoever changes a table raises the layout's number in `store`.

Text only: nothing is opened or executed here, and no value from outside may become part of a statement.
"""

from __future__ import annotations

__all__ = [
    "HOPS",
    "INSERTS",
    "LAST_MOMENT",
    "ENDED_RUN",
    "FAILURES",
    "FAILURES_READ",
    "PRIORITIES_RUN",
    "REQUESTS_RUN",
    "SEEDS_IN_TROUBLE",
    "STREAKS",
    "TABLES",
]

TABLES = """
create table run (id integer primary key, started real not null, ended real, status text not null);
create table host (id integer primary key, origin text not null);
create table url (id integer primary key, host integer not null, priority integer not null, fp integer not null,
    url text not null, depth integer not null, parent integer not null, callback text not null, extra blob);
create table done (id integer not null, at_host integer not null, kind integer not null, reason text not null,
    status integer not null, items integer not null, bytes integer not null, elapsed real not null, at real not null,
    detail text not null);
create table tried (id integer not null, attempt integer not null, reason text not null, status integer not null,
    until real not null, at real not null);
create table hop (id integer not null, host integer not null, fp integer not null, url text not null,
    status integer not null, at real not null);
create table refused (url text not null, reason text not null, parent integer not null, mark integer not null);
create table robots (origin text not null, kind integer not null, reason text not null, status integer not null,
    at real not null);
create table rest (host text primary key, until real not null);
create table spent (id integer primary key, upto integer not null, told blob not null);
create table fault (id integer not null, reason text not null, detail text not null);
create table out (name text primary key, place blob not null, offset integer not null);
"""

INSERTS = {
    "host": "insert into host values (?, ?)",
    "url": "insert into url values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "done": "insert into done values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "tried": "insert into tried values (?, ?, ?, ?, ?, ?)",
    "hop": "insert into hop values (?, ?, ?, ?, ?, ?)",
    "refused": "insert into refused values (?, ?, ?, ?)",
    "robots": "insert into robots values (?, ?, ?, ?, ?)",
    "rest": "insert or replace into rest values (?, ?)",
    "spent": "insert or replace into spent values (?, ?, ?)",
    "fault": "insert into fault values (?, ?, ?)",
}

# Columns as texts of numbers, of some thousand rows at a time; row by row they take twice as long. Their order is that
# of the rows' numbers, for it is how SQLite walks through a range of them.
REQUESTS_RUN = """
select group_concat(host), group_concat(fp), count(*) filter (where priority <> 0) from url where id > ? and id <= ?
"""
PRIORITIES_RUN = "select group_concat(priority) from url where id > ? and id <= ?"
ENDED_RUN = "select group_concat(id) from done where rowid > ? and rowid <= ?"
HOPS = "select id, fp from hop where id not in (select id from done where reason = ?) order by rowid"
# Requests end in random order: to look one up for each of a million endings takes a second, so few are looked up.
FAILURES = """
select url, reason, detail from (select id, reason, detail from done where kind = 3 order by id limit ?)
cross join url using (id) order by id
"""
SEEDS_IN_TROUBLE = """
select url, reason, detail from done cross join url using (id)
where depth = 0 and kind in (2, 3) and reason <> 'duplicate' order by id
"""
STREAKS = """
select origin, count(*) from done join host on host.id = at_host
left join (select at_host as place, max(at) as last from done where kind = 1 group by at_host) on place = at_host
where kind = 3 and at >= coalesce(last, 0) and (reason like 'http_5%' or reason in
    ('connection', 'connect_timeout', 'dns', 'timeout', 'tls', 'malformed', 'truncated')) group by origin
"""
LAST_MOMENT = """
select coalesce(max(at), 0) from
(select max(at) as at from done union all select max(at) from tried union all select max(at) from hop)
"""
FAILURES_READ = 100  # of those on record
