from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from rq import Callback
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.webhook import Webhook

from fedredis.exchanges import KINDS
from fedredis.jobs.allowlist import ALLOWED, AllowedJob, NotAllowedError

if TYPE_CHECKING:
    from redis import Redis

TRAIN = "fedredis.jobs.train"


def make(fake: Redis, func: str = TRAIN, **options: Any) -> AllowedJob:
    """Write a job as anybody may, and read it as a worker does."""
    kwargs = {"run": "r1", "round": "train:1"}
    job = Job.create(
        func, kwargs=kwargs, connection=fake, serializer=JSONSerializer, id="j1", **options
    )
    job.save()
    return AllowedJob.fetch("j1", connection=fake, serializer=JSONSerializer)


def test_there_is_one_for_each_kind_of_round():
    assert sorted(ALLOWED) == sorted(f"fedredis.jobs.{kind}" for kind in KINDS)


@pytest.mark.parametrize("name", sorted(ALLOWED))
def test_an_allowed_function_is_bound_to_the_workers_context(fake, name):
    job = make(fake, name)
    job.context = context = object()
    function = job.func
    assert isinstance(function, partial)
    assert (function.args, function.keywords) == ((context,), ALLOWED[name].keywords)
    assert function.func is ALLOWED[name].func


@pytest.mark.parametrize(
    "name",
    [
        "os.system",
        "builtins.eval",
        "fedredis.jobs.allowlist._serve",
        "fedredis.jobs.attachment.serve",
        "fedredis.rounds.master.drive_run",
        "train",
        f"{TRAIN}.__globals__",
        "",
    ],
)
def test_other_names_are_refused(fake, name):
    job = make(fake, "os.system")
    job.func_name = name
    with pytest.raises(NotAllowedError, match=rf"^'{name}' is not on the allow-list$"):
        _ = job.func


@pytest.mark.parametrize("instance", ["text", ["list"], {"a": 1}])
def test_a_method_of_an_instance_is_refused(fake, instance):
    job = make(fake)
    job.data = JSONSerializer.dumps((TRAIN, instance, (), {}))
    with pytest.raises(NotAllowedError):
        _ = job.func


@pytest.mark.parametrize("event", ["on_success", "on_failure", "on_stopped"])
def test_callbacks_are_refused(fake, event):
    job = make(fake, **{event: Callback("os.getcwd")})
    with pytest.raises(NotAllowedError, match="callbacks and webhooks are not on the allow-list"):
        _ = job.func
    assert (job.success_callback, job.failure_callback, job.stopped_callback) == (None,) * 3
    plain = Job.fetch("j1", connection=fake, serializer=JSONSerializer)
    assert any((plain.success_callback, plain.failure_callback, plain.stopped_callback))


def test_webhooks_are_refused(fake, monkeypatch):
    sent = []
    monkeypatch.setattr("rq.webhook.urlopen", lambda *args, **kwargs: sent.append(args))
    job = make(fake, webhooks=[Webhook("http://127.0.0.1:9/", "failed")])
    with pytest.raises(NotAllowedError, match="callbacks and webhooks are not on the allow-list"):
        _ = job.func
    job.send_webhooks("failed", exc_string="boom")
    assert sent == []


def test_the_error_says_what_it_is():
    assert str(NotAllowedError()) == "The job is not on the allow-list."
