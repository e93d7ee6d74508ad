"""A worker's stay with a run, on a real server, in the test's own thread."""

from __future__ import annotations

import hashlib
import itertools
import logging
import random
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from fedredis.errors import BoundError, JournalError, RunReplacedError
from fedredis.exchanges import Setup, job_of
from fedredis.exchanges.here import drive
from fedredis.jobs import attachment
from fedredis.jobs.attachment import LONGEST_STAY, Attachment, serve
from fedredis.jobs.gate import Gate
from fedredis.jobs.idle import Idle
from fedredis.jobs.labour import Labour
from fedredis.keys import RoundName, RunKeys
from fedredis.rounds.master import create_run, drive_run
from fedredis.secure.owner import Owner
from fedredis.secure.policy import Policy
from fedredis.secure.record import RECORD
from fedredis.store import removal, runs
from fedredis.store.results import RoundState, SubmissionState
from fedredis.store.slave import Ask, Claim, SlaveStore, Visit
from tests.jobs.conftest import open_round, write

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis import Redis

    from fedredis.jobs.context import WorkerContext
    from fedredis.store.master import MasterStore

    Stay = Callable[..., Attachment]

FIRST = RoundName("statistics", 1)
#: Seconds to wait for work: a wait that nothing ends outlasts the time limit of a test.
FOREVER = 3600.0


@pytest.fixture
def make_stay(
    make_context: Callable[..., WorkerContext], keys: RunKeys, monkeypatch: pytest.MonkeyPatch
) -> Stay:
    """Return a maker of stays that linger for a moment only; steps are run before each wait."""

    def make(
        *steps: Callable[[], Any],
        job: str = "statistics",
        clock: Any = time.monotonic,
        linger: float = 0.02,
        most: int = 1,
        **context: Any,
    ) -> Attachment:
        there = make_context(**context)
        run = there.view(keys.run_id)
        left, wait = iter(steps), run.store.wait_for_work

        def after_a_step(*waits: Any) -> Any:
            next(left, lambda: None)()
            return wait(*waits)

        monkeypatch.setattr(run.store, "wait_for_work", after_a_step)
        stay = Attachment(there, run, job, clock, linger=linger)
        if most:
            # However long a slave takes, so many are claimed at once, if they are left.
            monkeypatch.setattr(stay._claims, "worth_a_visit", lambda kind: (most, most))
        return stay

    return make


@pytest.fixture
def visits(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], list[str]]]:
    """Return a list of visits: what is handed in and becomes of it, and what is claimed.

    Among them are waits in which something was claimed.
    """
    seen: list[tuple[list[str], list[str]]] = []
    visit, wait = SlaveStore.visit, SlaveStore.wait_for_work

    def claimed(brought: Visit) -> list[str]:
        return [f"{c.name} {','.join(c.slaves)}" for c in brought.claims if c and c.slaves]

    def noting(store: SlaveStore, handed: Any, asks: Any, wanted: Any = ()) -> Any:
        brought = visit(store, handed, asks, wanted)
        came = [
            f"{one.claim.name} {','.join(one.bundle.slaves)} {answer.state.name}"
            for one, answer in zip(handed, brought.submissions, strict=True)
        ]
        seen.append((came, claimed(brought)))
        return brought

    def waiting(store: SlaveStore, *waits: Any) -> Any:
        woken = wait(store, *waits)
        if got := claimed(woken.visit):
            seen.append(([], got))
        return woken

    monkeypatch.setattr(SlaveStore, "visit", noting)
    monkeypatch.setattr(SlaveStore, "wait_for_work", waiting)
    return seen


def state_of(master: MasterStore, text: str = "statistics:1") -> RoundState:
    return master.tend(RoundName.parse(text), "statistics").state


def attached(client: Redis, keys: RunKeys) -> list[bytes]:
    return client.zrange(keys.attached("statistics"), 0, -1)


@pytest.mark.parametrize(
    ("most", "seen"),
    [
        (
            3,
            [
                ([], ["statistics:1 0,1,2"]),
                (["statistics:1 0,1,2 COUNTED"], ["statistics:1 3"]),
                (["statistics:1 3 COUNTED"], []),
            ],
        ),
        (9, [([], ["statistics:1 0,1,2,3"]), (["statistics:1 0,1,2,3 COUNTED"], [])]),
    ],
)
def test_each_visit_hands_in_and_claims(client, keys, master, make_stay, visits, most, seen):
    open_round(master)
    stay = make_stay(most=most)
    stay.stay()
    assert stay.counted == {"statistics": 4}
    assert state_of(master) is RoundState.CLOSED
    assert visits == seen
    assert attached(client, keys) == []


@pytest.mark.usefixtures("learnt")
def test_tests_share_the_visits_of_training(master, make_stay, visits):
    """And both are of the same slaves, whose rows are in memory."""
    open_round(master, "train:2")
    stay = make_stay(
        lambda: [open_round(master, name, ("0", "1", "2")) for name in ("evaluate:2", "train:3")],
        job="train",
        most=2,
    )
    stay.stay()
    assert stay.counted == {"train": 7, "evaluate": 3}
    # Those who were claimed together before, a fair part of the round at a time.
    both = [claimed for _, claimed in visits if "train:3" in str(claimed)]
    assert both == [["evaluate:2 0,1", "train:3 0,1"], ["evaluate:2 2", "train:3 2"]]
    assert visits[-1][0] == ["evaluate:2 2 COUNTED", "train:3 2 COUNTED"]


@pytest.mark.parametrize(("most", "asked"), [(9, [1, 0]), (3, [1, 1, 0])])
def test_who_has_claimed_the_last_asks_for_no_more(master, make_stay, monkeypatch, most, asked):
    seen, visit = list[int](), SlaveStore.visit

    def noting(store: SlaveStore, handed: Any, asks: Any, wanted: Any = ()) -> Any:
        seen.append(len(asks))
        return visit(store, handed, asks, wanted)

    monkeypatch.setattr(SlaveStore, "visit", noting)
    open_round(master)
    make_stay(most=most).stay()
    assert seen == asked


def test_what_comes_next_is_claimed_in_the_trip_that_waits(master, make_stay, visits):
    open_round(master)
    stay = make_stay(lambda: open_round(master, "statistics:2"), most=9)
    stay.stay()
    assert visits[2] == ([], ["statistics:2 0,1,2,3"])


def test_what_comes_next_may_be_of_another_kind(master, make_stay, visits):
    """Or of another number: then it is claimed once that is known."""
    open_round(master)
    stay = make_stay(lambda: open_round(master, "statistics:4"), most=9)
    stay.stay()
    assert visits[2] == ([], ["statistics:4 0,1,2,3"])


def test_it_stays_where_another_has_claimed_all_of_what_comes_next(
    keys, master, make_stay, make_context, visits
):
    open_round(master)
    other = make_context().view(keys.run_id).store
    all_of_it = Ask(RoundName("statistics", 2), "statistics", (), take_any=True, least=9, most=9)

    def taken_by_another() -> None:
        open_round(master, "statistics:2")
        assert len(other.visit([], [all_of_it]).claims[0].slaves) == 4
        visits.clear()

    make_stay(taken_by_another, lambda: open_round(master, "statistics:3"), most=9).stay()
    assert visits[0] == ([], ["statistics:3 0,1"])


def test_whom_it_has_worked_for_comes_first(keys, master, make_stay, make_context, visits):
    open_round(master)
    other = make_context().view(keys.run_id).store
    ask = Ask(FIRST, "statistics", ("0", "2"), take_any=False, least=2, most=2)
    other.visit([], [ask])
    other.detach("statistics")
    visits.clear()
    stay = make_stay(lambda: open_round(master, "statistics:2"), most=1)
    # The second pass is of another kind of sum, and its slaves fail: who is claimed tells enough.
    stay.stay()
    order = [claimed[0].split() for _, claimed in visits if claimed]
    assert [slave for name, slave in order if name == "statistics:1"] == ["1", "3"]
    assert [slave for name, slave in order if name == "statistics:2"][:2] == ["1", "3"]


def test_it_serves_only_slaves_whose_data_it_holds(client, keys, master, make_stay, make_context):
    open_round(master)
    stay = make_stay(card=replace(make_context().card, slaves=("3", "1")))
    stay.stay()
    assert stay.counted == {"statistics": 2}
    assert client.zrange(keys.round(FIRST).ids, 0, -1) == [b"0", b"2"]


def test_who_acts_for_one_slave_hands_in_under_its_name(
    client, keys, master, make_stay, make_context
):
    open_round(master)
    make_stay(card=replace(make_context().card, slaves=("2",))).stay()
    assert client.lrange(keys.round(FIRST).bundles, 0, -1) == [b"update:2"]


@pytest.mark.usefixtures("learnt")
@pytest.mark.parametrize("end", ["another kind", "release", "nothing", "odd"])
def test_it_leaves_when_there_is_nothing_for_it(client, keys, master, make_stay, end):
    open_round(master)
    step = {
        "another kind": lambda: open_round(master, "train:1"),
        "release": lambda: master.release("finished"),
        "nothing": lambda: None,
        "odd": lambda: client.xadd(keys.work, {"round": "\x00 x:y train"}),
    }[end]
    stay = make_stay(step, linger=0.02 if end == "nothing" else FOREVER)
    stay.stay()
    assert stay.counted == {"statistics": 4}
    assert attached(client, keys) == []


@pytest.mark.usefixtures("learnt")
@pytest.mark.parametrize("name", ["statistics:1", "train:2", "evaluate:1"])
@pytest.mark.parametrize("failing", [("0",), ("0", "2"), ("0", "1", "2", "3")])
def test_a_slave_that_fails_takes_no_other_with_it(
    client, keys, master, make_stay, folder, caplog, name, failing
):
    kind, _, _ = name.partition(":")
    stay = make_stay(job="statistics" if kind == "statistics" else "train", most=4)
    for slave in failing:
        (folder / f"slave-{slave}.npy").unlink()
    open_round(master, name, quorum=1)
    with caplog.at_level(logging.WARNING):
        stay.stay()
    good = 4 - len(failing)
    assert stay.counted.get(kind, 0) == good
    assert state_of(master, name) is (RoundState.CLOSED if good else RoundState.BELOW_QUORUM)
    told = runs.failures(client, keys.run_id, ("0", "1", "2", "3"))
    assert sorted(told) == list(failing)
    for slave in failing:
        assert told[slave]["failures"] == "2"
        # Of data that can't be used a line, without where in the program that was found.
        file = folder / f"slave-{slave}.npy"
        assert told[slave]["error"] == f"{file}: there is no such file"
    noted = sorted((r.run, r.round, r.slave) for r in caplog.records)
    assert noted == [(keys.run_id, name, slave) for slave in failing for _ in range(2)]


@pytest.mark.usefixtures("learnt")
def test_nothing_leaves_that_can_not_be_recorded(client, keys, master, make_stay, monkeypatch):
    open_round(master, quorum=1)

    def note(gate: Gate, run: str, handed: Any) -> None:
        if list(handed):
            raise JournalError("the record is full")

    monkeypatch.setattr(Gate, "note", note)
    stay = make_stay(most=4)
    stay.stay()
    assert stay.counted == {}
    assert client.lrange(keys.round(FIRST).bundles, 0, -1) == []
    assert state_of(master) is RoundState.BELOW_QUORUM
    told = runs.failures(client, keys.run_id, ("0", "1", "2", "3"))
    assert {one["error"] for one in told.values()} == {"the record is full"}
    assert {one["failures"] for one in told.values()} == {"2"}


@pytest.mark.usefixtures("learnt")
@pytest.mark.parametrize("writable", [True, False])
def test_what_is_told_of_a_failure_is_in_the_record(
    client, keys, master, make_stay, folder, tmp_path, writable
):
    """But for what owners refuse, which says nothing of rows."""
    (tmp_path / "owner").mkdir()
    (path := tmp_path / "owner" / "policy.toml").write_text("[policy]\nleast_rows = 1")
    owner = Owner.open(path, lambda: 7.0)
    stay, file = make_stay(gate=Gate(owner), most=4), folder / "slave-1.npy"
    file.unlink()
    open_round(master, quorum=1)
    if not writable:
        (owner.folder / RECORD).mkdir()
    stay.stay()
    line = runs.failures(client, keys.run_id, ("1",))["1"]["error"]
    if not writable:
        assert line == f"the record {owner.folder / RECORD}: Is a directory"
        return
    assert line == f"{file}: there is no such file"
    told = [left for left in owner.record.read() if left.slave == "1"]
    assert {(one.run, one.round) for one in told} == {(keys.run_id, "statistics:1")}
    assert [one.sha256 for one in told] == 2 * [hashlib.sha256(line.encode()).hexdigest()]
    assert [dict(one.arrays) for one in told] == 2 * [{"error": [len(line)]}]
    before = len([*owner.record.read()])
    strict = Gate(Owner.open(path, lambda: 7.0), Policy(least_rows=10_000))
    open_round(master, "train:1", quorum=1)
    make_stay(job="train", gate=strict, most=4).stay()
    refused = runs.failures(client, keys.run_id, ("0",))["0"]["error"]
    assert refused.startswith("refused by the rule 'least_rows'")
    assert len([left for left in owner.record.read() if left.slave != "1"]) == before - 2


def test_a_round_that_can_not_be_read_fails_with_the_reason(client, keys, master, make_stay):
    open_round(master)
    client.hset(keys.round(FIRST).task, "reads", "no JSON")
    stay = make_stay(most=4)
    stay.stay()
    assert stay.counted == {}
    assert state_of(master) is RoundState.BELOW_QUORUM
    told = runs.failures(client, keys.run_id, ("0", "3"))
    assert all("a round's task does not say what to read" in one["error"] for one in told.values())
    assert len(told) == 2


def test_a_round_whose_artifacts_are_gone_is_over_and_no_failure(client, keys, master, make_stay):
    open_round(master)
    client.delete(keys.artifact("preprocessing:0"))
    stay = make_stay()
    stay.stay()
    assert stay.counted == {}
    assert not client.exists(keys.round(FIRST).attempts)


def test_what_redis_does_not_answer_is_no_failure_of_the_slave(
    client, keys, master, make_stay, monkeypatch
):
    open_round(master)
    stay = make_stay()

    def unanswered(*args):
        raise RedisConnectionError("gone")

    monkeypatch.setattr(stay._store, "artifact", unanswered)
    with pytest.raises(RedisConnectionError):
        stay.stay()
    assert not client.exists(keys.round(FIRST).attempts)
    # It is not there any more, so that its slave is looked after.
    assert attached(client, keys) == []


def test_what_is_out_of_bounds_is_told_in_a_line(client, keys, master, make_stay, monkeypatch):
    def too_large(*args):
        raise BoundError("column 'x': it holds numbers beyond 1e+154")

    open_round(master)
    monkeypatch.setattr(Labour, "_desk", too_large)
    make_stay().stay()
    told = runs.failures(client, keys.run_id, ("0", "1", "2", "3"))
    assert {one["error"] for one in told.values()} == {
        "column 'x': it holds numbers beyond 1e+154"
    }


@pytest.mark.parametrize("stopping", [False, True])
def test_an_exit_that_a_model_asks_for_is_a_failure_unless_the_worker_stops(
    client, keys, master, make_stay, monkeypatch, stopping
):
    def leave(*args):
        sys.exit("no licence")

    open_round(master)
    stay = make_stay(stopping=lambda: stopping)
    monkeypatch.setattr(Labour, "_desk", leave)
    if stopping:
        # RQ ends a worker so that is asked to stop twice.
        with pytest.raises(SystemExit):
            stay._labour.contribute(Claim(RoundName("statistics", 2), 1, ("0",)), None, {}, ["0"])
        return
    stay.stay()
    told = runs.failures(client, keys.run_id, ("0", "1", "2", "3"))
    assert told
    assert {one["error"].splitlines()[-1] for one in told.values()} == {"SystemExit: no licence"}


@pytest.mark.parametrize("overlap", [("0",), ("1", "3"), ("0", "1", "2", "3")])
def test_of_slaves_that_are_in_already_the_rest_is_handed_in(
    keys, master, make_stay, make_context, visits, monkeypatch, overlap
):
    """Another worker was thought dead, and its slaves were given to this one."""
    open_round(master)
    stay, contribute = make_stay(most=4), Labour.contribute

    def overtaken(self, claim, exchange, task, slaves):
        done = contribute(self, claim, exchange, task, slaves)
        if self is stay._labour and len(visits) == 1:
            card = replace(make_context().card, name="another-0")
            other = make_context(card=card)
            theirs = Labour(other, other.view(keys.run_id), Idle(time.monotonic))
            handed = contribute(theirs, claim, exchange, task, overlap)
            other.view(keys.run_id).store.visit([h for one in handed for h in one.handed()], [])
        return done

    monkeypatch.setattr(Labour, "contribute", overtaken)
    stay.stay()
    rest = 4 - len(overlap)
    assert stay.counted["statistics"] == rest
    assert state_of(master) is RoundState.CLOSED
    states = [line.split()[2] for handed, _ in visits for line in handed]
    assert states[0] == "COUNTED"
    assert states.count("COUNTED") == 1 + bool(rest)


@pytest.mark.usefixtures("learnt")
def test_a_round_that_is_opened_anew_is_worked_for_as_it_is_then(
    client, keys, master, make_stay, visits, monkeypatch
):
    """The server has gone back, and there is another model of the same name."""
    before = {key: client.dump(key) for key in client.scan_iter() if client.pttl(key) < 0}
    open_round(master, "train:2")
    stay, contribute, models = make_stay(job="train", most=1), Labour.contribute, []

    def gone_back(self, claim, exchange, task, slaves):
        done = contribute(self, claim, exchange, task, slaves)
        models.append((claim.slaves, exchange.sent.parameters[0].max()))
        if len(models) == 1:
            for key in client.scan_iter(f"{keys.run}:round:*"):
                client.delete(key)
            for key, value in before.items():
                client.restore(key, 0, value, replace=True)
            named = stay._run.store.artifact("model:1", "0")
            client.delete(keys.artifact("model:1"), keys.parts("model:1"))
            write(client, keys, "model:1", {name: a + 99 for name, a in named.items()})
            client.hset(keys.artifact("model:1"), "version", "1")
            master.acquire()
            open_round(master, "train:2")
        return done

    monkeypatch.setattr(Labour, "contribute", gone_back)
    stay.stay()
    assert visits[1][0] == ["train:2 0 STALE"]
    assert stay.counted == {"train": 4}
    assert [value > 90 for _, value in models] == [False, True, True, True, True]


def test_what_comes_too_late_is_dropped(client, keys, master, make_stay, visits):
    open_round(master)
    stay, work = make_stay(most=4), Attachment._work

    def late(claim):
        done = work(stay, claim)
        client.hset(keys.round(FIRST).round, "state", "closed")
        return done

    stay._work = late  # type: ignore[method-assign]
    stay.stay()
    assert visits[1][0] == ["statistics:1 0,1,2,3 LATE"]
    assert stay.counted == {"statistics": 0}
    assert SubmissionState.LATE.name == "LATE"


def test_it_is_counted_out_before_its_last_look(client, keys, master, make_stay):
    """What opens after it is served too, and again it is counted out."""
    open_round(master)
    stay = make_stay(most=4)
    detach, there, numbers = stay._store.detach, [], itertools.count(1)

    def and_a_round_opens(job):
        detach(job)
        there.append(attached(client, keys))
        if next(numbers) <= 2:
            client.delete(*client.keys(f"{keys.round(FIRST).round}*"))
            open_round(master)

    stay._store.detach = and_a_round_opens  # type: ignore[method-assign]
    stay.stay()
    assert there == [[], [], []]
    assert stay.counted == {"statistics": 12}


def test_it_stops_between_two_claims_when_asked(client, keys, master, make_stay):
    open_round(master)
    inside = keys.round(FIRST).inside
    stay = make_stay(stopping=lambda: client.hlen(inside) >= 1, linger=FOREVER)
    stay.stay()
    # The one that was claimed along with the first hand-in is worked for, and handed in.
    assert stay.counted == {"statistics": 2}
    assert client.zrange(keys.round(FIRST).ids, 0, -1) == [b"2", b"3"]
    assert client.hgetall(keys.round(FIRST).claims) == {}
    assert attached(client, keys) == []


def test_it_leaves_when_another_run_waits(keys, master, make_stay):
    asked = []
    clock = itertools.count(0, attachment.OTHERS_LOOKED)
    open_round(master)
    stay = make_stay(
        lambda: pytest.fail("it waited for more work"),
        others_wait=lambda run_id: bool(asked.append(run_id) or True),
        clock=lambda: next(clock),
    )
    stay.stay()
    assert (asked, stay.counted) == ([keys.run_id], {"statistics": 4})


def test_it_leaves_after_a_while_all_the_same(client, keys, master, make_stay):
    now = [0.0]

    def next_round():
        now[0] += LONGEST_STAY / 2 + 1
        client.delete(*client.keys(f"{keys.round(FIRST).round}*"))
        open_round(master)

    open_round(master)
    make_stay(*[next_round] * 50, clock=lambda: now[0], most=4).stay()
    assert now[0] == LONGEST_STAY + 2
    assert attached(client, keys) == []


def test_a_beat_prolongs_what_the_worker_holds(client, keys, master, make_stay):
    open_round(master)
    stay = make_stay(most=4)
    work, there, until = stay._work, keys.attached("statistics"), []

    def after_a_beat(claim):
        client.zadd(there, {stay._context.card.name: 1000})
        stay.beat()
        until.append(client.zscore(there, stay._context.card.name))
        assert state_of(master) is RoundState.OPEN
        return work(claim)

    stay._work = after_a_beat  # type: ignore[method-assign]
    stay.stay()
    assert until[0] > 1000
    assert stay.counted == {"statistics": 4}
    stay.beat()
    assert attached(client, keys) == []


def test_how_long_slaves_take_is_seen_from_a_claims_work(master, make_stay):
    clock = itertools.count(0.0, 1.0)
    stay = make_stay(clock=lambda: next(clock), most=0)
    open_round(master)
    stay.stay()
    # The clock was looked at before and after the work of a claim, of one slave first.
    assert 0 < stay._claims._seconds["statistics"] <= 1


def test_serve_says_what_was_done(keys, master, make_context):
    open_round(master)
    context = make_context()
    done = {"worker": context.card.name, "counted": {"statistics": 4}}
    assert serve(context, keys.run_id, "statistics") == done


def check_model(client: Redis, run_id: str, context: WorkerContext) -> None:
    """See that a run has ended with the bits that it has in one process."""
    state = runs.read(client, run_id)
    rows = {s: context.inputs.conformed(s, state.config) for s in state.config.slave_ids}
    expected = drive(Setup(state.config), rows).artifacts[state.model]
    model = runs.artifact(client, run_id, state.model)
    assert model is not None
    assert [a.tobytes() for a in model.values()] == [a.tobytes() for a in expected.values()]


@pytest.mark.parametrize("strategy", ["fedavg", "scaffold", "krum"])
def test_a_whole_run_has_the_bits_of_one_in_one_process(
    client, manifest, make_config, make_context, strategy
):
    config = make_config(strategy=strategy, rounds=3, patience=1)
    setup, context = Setup(config), make_context()
    run_id, rng = create_run(client, config), random.Random(1)

    def serve_at_once(name, job, waiting, there):
        assert job == job_of(setup, name)
        run = context.view(run_id)
        stay = Attachment(context, run, job, linger=0.001)
        stay._claims.worth_a_visit = lambda kind: (rng.randint(1, 4),) * 2  # type: ignore[assignment]
        stay.stay()

    serve_at_once.workers = 0  # type: ignore[attr-defined]
    drive_run(
        client,
        run_id,
        dispatcher=lambda store, config: serve_at_once,
        report=lambda name, entry: None,
        clock=time.monotonic,
    )
    check_model(client, run_id, context)
    bundles = runs.slaves(client, run_id)["statistics"]
    assert sum(sum(bundle["samples"]) for bundle in bundles) == 103 - 4 * 5
    assert {bundle["worker"] for bundle in bundles} == {context.card.name}


def test_a_run_that_comes_again_by_its_name_is_another_one(client, make_config, make_context):
    """One is stopped and removed while a worker is still there; nothing of it may count."""
    context = make_context()

    def halt(name, entry):
        if name == RoundName("train", 2):
            raise RuntimeError

    def go(seed, report):
        def serve_at_once(name, job, waiting, there):
            run = context.view("pets")
            try:
                # As where it has not left yet: what it has looked at is in memory.
                Attachment(context, run, job, linger=0.001).stay()
            except RunReplacedError:
                serve(context, "pets", job)

        serve_at_once.workers = 0  # type: ignore[attr-defined]
        create_run(client, make_config(seed=seed, batch_size=4), run_id="pets")
        given = {"dispatcher": lambda store, config: serve_at_once, "clock": time.monotonic}
        drive_run(client, "pets", report=report, **given)

    with pytest.raises(RuntimeError):
        go(1, halt)
    removal.remove(client, "pets", token="me")
    go(2, lambda name, entry: None)
    check_model(client, "pets", context)
