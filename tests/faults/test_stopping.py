"""A master that is asked to stop as the server goes back, and one that never began."""

from faults_server import until

from fedredis.keys import RunKeys


def test_a_stop_that_the_server_loses_is_asked_for_again(site, gates, assert_as_undisturbed):
    run = site.create(lease_ms=60_000)
    site.worker()
    gates.close("commit train:2")
    master = site.master(run)
    gates.wait("commit train:2")
    stopping = site.command("stop", run.run_id)
    until(lambda: run.client.hexists(run.keys.run, "stop"))
    site.server.kill()
    written = site.server.file.read_bytes()
    asked = written.rindex(b"\r\nstop\r\n")
    site.server.file.write_bytes(written[: written.rindex(b"*1\r\n$5\r\nMULTI", 0, asked)])
    site.server.start()
    until(lambda: run.client.hexists(run.keys.run, "stop"))
    gates.open("commit train:2")
    master.ends(1)
    assert f"run {run.run_id} was asked to stop" in master.said
    stopping.ends(0)
    assert stopping.said.startswith(f"run {run.run_id} is stopped; go on with: ")
    site.master(run).ends(0)
    assert_as_undisturbed(run)


def test_a_master_that_is_killed_while_it_waits_for_slaves(site, partitions):
    """The run is there, and nobody drives it: that is said, with the line that goes on with it."""
    site.worker(folder=partitions(3, only=(0,)))
    master = site.command("run", "--id", "mine", "--rounds", 1, "--features", "plain")
    lease = RunKeys("mine").lease
    until(lambda: site.client.exists(lease))
    at = ("--redis-url", site.server.url)
    assert "waiting" in site.fedredis("runs", *at).stdout
    assert "mine is going on" in site.fedredis("rm", "mine", "--yes", *at, code=1).stderr
    master.kill()
    until(lambda: not site.client.exists(lease))
    told = site.fedredis("runs", *at)
    assert "interrupted" in told.stdout
    assert told.stderr.startswith("run mine has lost its master; go on with: ")
    assert "fedredis resume mine" in told.stderr
    again = site.command("resume", "mine")
    until(lambda: site.client.exists(lease))
    stopped = site.fedredis("stop", "mine", *at)
    assert stopped.stderr.startswith("run mine is stopped; go on with: ")
    again.ends(1)
    assert "run mine was asked to stop; go on with: " in again.said
