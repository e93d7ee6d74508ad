import pytest
from rq.job import validate_job_id

from fedredis.exchanges import KINDS
from fedredis.jobs.naming import (
    job_id,
    job_prefix,
    jobs_of,
    queue_name,
    queue_of,
    run_and_kind,
    worker_name,
)

HELD = [None, ("3",), ("0", "2"), tuple(str(slave) for slave in range(500))]


def test_queues():
    assert queue_name("pets-4-0123abcd", None) == "fedredis-pets-4-0123abcd"
    assert queue_name("pets-4-0123abcd", ("3",)) == "fedredis-pets-4-0123abcd-slave-3"
    two = queue_name("pets-4-0123abcd", ("0", "2"))
    assert two.startswith("fedredis-pets-4-0123abcd-2-slaves-")
    assert two == queue_name("pets-4-0123abcd", ("0", "2"))


def test_who_holds_other_slaves_has_another_queue():
    sets = [*HELD, ("0", "3"), ("02",), ("1", "2", "3"), ("12", "3")]
    assert len({queue_name("pets", held) for held in sets}) == len(sets)


@pytest.mark.parametrize("held", HELD)
def test_a_queue_starts_the_names_of_all_that_is_its_own(held):
    queue = queue_name("pets-4-0123abcd", held)
    worker = worker_name(queue)
    assert worker.startswith(f"{queue}-")
    assert queue_of(worker) == queue
    assert worker_name(queue) != worker
    for kind in KINDS:
        name = job_id(queue, "0123abcd", kind)
        validate_job_id(name)
        assert name.startswith(job_prefix(queue, "0123abcd"))
        assert name.startswith(f"{queue}__0123abcd__{kind}_")
        assert job_id(queue, "0123abcd", kind) != name


NAMES = ("a", "a_", "a_b", "a__b", "a_u", "a_ub", "a.b", "a.", "a-b", "a-0123abcd", "aa", "A")


def test_whatever_the_names_no_queues_jobs_begin_like_anothers():
    queues = [queue_name(dataset, (name,)) for dataset in ("a", "a_b", "a.b") for name in NAMES]
    queues += [queue_name(dataset, None) for dataset in NAMES]
    for queue in queues:
        job = job_id(queue, "0123abcd", "train")
        validate_job_id(job)
        assert [other for other in queues if job.startswith(jobs_of(other))] == [queue]


def test_jobs_of_one_queue_or_run_do_not_start_like_anothers():
    one = job_id(queue_name("pets", ("1",)), "r1", "train")
    for queue, run_id in [
        (queue_name("pets", ("11",)), "r1"),
        (queue_name("pets", None), "r1"),
        (queue_name("pets", ("1",)), "r"),
        (queue_name("pets", ("1",)), "r11"),
    ]:
        assert not one.startswith(job_prefix(queue, run_id))


def test_whatever_the_names_no_runs_jobs_begin_like_anothers():
    queue = queue_name("a.b", ("a_b",))
    runs = [*NAMES, "a_train", "a_dtrain", "a_d"]
    for run_id in runs:
        job = job_id(queue, run_id, "train")
        validate_job_id(job)
        assert [other for other in runs if job.startswith(job_prefix(queue, other))] == [run_id]
        # RQ tells executions by the job's id and a number.
        assert run_and_kind(queue, job) == run_and_kind(queue, f"{job}:9") == (run_id, "train")
        assert run_and_kind(queue_name("a", None), job) is None
