"""Redis, a master and three slaves on hosts of their own, and links that are cut or slow."""

from __future__ import annotations

import re

import pytest


@pytest.fixture
def apart(remote_site, hosts, partitions):
    """Start each slave on its host, with its own file alone; return its process by number."""

    def start(slave: int, **faults):
        remote_site.prefix = hosts.on(f"slave-{slave}")
        return remote_site.worker(folder=partitions(3, (slave,)), **faults)

    return {slave: start(slave, timeout=2) for slave in range(3)}


@pytest.mark.parametrize("point", ["work train:2 1", "submit train:2 1"])
def test_row_30_a_host_is_cut_off_in_mid_round_and_comes_back(
    remote_site, hosts, apart, gates, assert_as_undisturbed, point
):
    """The round waits for it, and the run goes on to the same bits."""
    run = remote_site.create()
    gates.close(point)
    remote_site.prefix = hosts.on("master")
    master = remote_site.master(run)
    gates.wait(point)
    hosts.cut_off("slave-1")
    gates.open(point)
    master.lives_for(4)
    assert run.state.round == 1
    hosts.join_again("slave-1")
    master.ends(0)
    assert_as_undisturbed(run)


def test_row_30_the_masters_host_is_cut_off_and_comes_back(
    remote_site, hosts, apart, gates, assert_as_undisturbed
):
    """Its lease ends meanwhile; nobody else takes it, and it goes on."""
    run = remote_site.create()
    gates.close("commit train:2")
    remote_site.prefix = hosts.on("master")
    master = remote_site.master(run, timeout=2)
    gates.wait("commit train:2")
    hosts.cut_off("master")
    run.wait_for_lease_to_end()
    gates.open("commit train:2")
    master.lives_for(3)
    hosts.join_again("master")
    master.ends(0)
    assert_as_undisturbed(run)


def test_row_30_a_link_is_slow_and_breaks_now_and_then(site, assert_as_undisturbed):
    """50 ms each way, and cut four times."""
    run = site.create()
    proxy = site.proxy()
    proxy.slow_down(0.05)
    site.worker(url=proxy.url(site.server.url))
    master = site.master(run, url=proxy.url(site.server.url))
    for round_ in ("statistics:1", "train:1", "train:2", "train:3"):
        run.wait_for(type="opened", round=round_)
        proxy.refuse()
        proxy.forward()
    master.ends(0)
    assert_as_undisturbed(run)


def test_a_server_in_protected_mode_is_told(remote_site, hosts):
    """From another host, which alone is refused."""
    remote_site.client.config_set("requirepass", "")
    url = remote_site.server.url.replace(":of-the-faults@", "")
    remote_site.prefix = hosts.on("master")
    told = remote_site.fedredis("doctor", "--redis-url", url, code=1).stdout
    assert re.search(r"no +port +it is in protected mode: give it a password", told)
