"""Settings of rq-dashboard: ``rq-dashboard --json --config fedredis.jobs.dashboard``.

Its ``--json`` reaches only some of its views. The others take RQ's default, pickle: they fail on
fedredis' jobs, and would run what a stranger's job holds. Here the default becomes JSON.
"""

from rq import serializers

serializers.PickleSerializer = serializers.JSONSerializer  # type: ignore[assignment]
