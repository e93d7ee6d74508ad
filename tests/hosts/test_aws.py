"""The stacks of compose/aws: checked, made and deleted on moto, and their hosts' script run.

moto makes no alarms out of a template: that one is checked by cfn-lint alone.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
AWS = ROOT / "compose" / "aws"
TEMPLATES = sorted(AWS.glob("*.yaml"))
SCRIPTS = [*sorted(AWS.glob("*.sh")), ROOT / ".ci" / "release"]
#: Kinds of resources that take no tags, or pass on those of others.
WITHOUT_TAGS = (
    *("VPCGatewayAttachment", "Route", "SubnetRouteTableAssociation", "InstanceProfile"),
)


def program(name: str) -> Path:
    """Find a checker beside Python."""
    found = Path(sys.executable).with_name(name)
    if not found.is_file():
        pytest.skip(f"{name}, of the extra deploy-check, is not installed")
    return found


def test_the_templates_are_right():
    done = subprocess.run(
        [program("cfn-lint"), *TEMPLATES], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_the_scripts_are_right():
    done = subprocess.run(
        [program("shellcheck"), *SCRIPTS], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.stem)
def test_all_that_can_be_tagged_is(template):
    resources = read(template)["Resources"]
    assert len(resources) > 3
    for name, resource in resources.items():
        if resource["Type"].rpartition(":")[2] not in WITHOUT_TAGS:
            assert '"Key": "fedredis"' in json.dumps(resource["Properties"]), name


def test_only_redis_is_let_in_to_and_by_its_port_alone():
    groups = {
        name: resource["Properties"]
        for name, resource in read(AWS / "federation.yaml")["Resources"].items()
        if resource["Type"] == "AWS::EC2::SecurityGroup"
    }
    (entry,) = groups["RedisGroup"]["SecurityGroupIngress"]
    assert (entry["FromPort"], entry["ToPort"]) == (6379, 6379)
    assert entry["SourceSecurityGroupId"] == {"Ref": "WorkerGroup"}
    assert "SecurityGroupIngress" not in groups["WorkerGroup"]
    assert {rule["FromPort"] for g in groups.values() for rule in g["SecurityGroupEgress"]} == {
        *(443, 6379)
    }


def test_stacks_are_made_and_leave_nothing_behind(cloud):
    boto3 = pytest.importorskip("boto3")
    formation, ec2, scaling = map(boto3.client, ("cloudformation", "ec2", "autoscaling"))

    def make(name, template, **said):
        formation.create_stack(
            StackName=name,
            TemplateBody=(AWS / template).read_text(),
            Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in said.items()],
            Capabilities=["CAPABILITY_IAM"],
        )
        made = formation.describe_stack_resources(StackName=name)["StackResources"]
        return Counter(one["ResourceType"] for one in made if "LogicalResourceId" in one)

    def hosts():
        up = [{"Name": "instance-state-name", "Values": ["running", "pending"]}]
        found = ec2.describe_instances(Filters=up)["Reservations"]
        return [host for reservation in found for host in reservation["Instances"]]

    made = make("songs", "federation.yaml", Bucket="mine")
    wanted = Counter(r["Type"] for r in read(AWS / "federation.yaml")["Resources"].values())
    del wanted["AWS::CloudWatch::Alarm"]
    assert made == wanted
    assert made.total() == 17
    for slave in ("0", "1"):
        about = {"Bucket": "mine", "Federation": "songs", "Slave": slave, "Hosts": "2"}
        assert make(f"songs-{slave}", "slave.yaml", **about).total() == 4
    assert len(hosts()) == 6
    for host in hosts():
        assert {tag["Key"]: tag["Value"] for tag in host["Tags"]}["fedredis"] == "songs"
    assert [host["PrivateIpAddress"] for host in hosts()].count("10.20.0.10") == 1
    # moto leaves a stack's route tables, and then its network: AWS does not.
    mine = [{"Name": "tag:aws:cloudformation:stack-name", "Values": ["songs"]}]
    for table in ec2.describe_route_tables(Filters=mine)["RouteTables"]:
        for association in table["Associations"]:
            ec2.disassociate_route_table(AssociationId=association["RouteTableAssociationId"])
        ec2.delete_route_table(RouteTableId=table["RouteTableId"])
    for name in ("songs-0", "songs-1", "songs"):
        formation.delete_stack(StackName=name)
    assert formation.describe_stacks()["Stacks"] == []
    assert hosts() == []
    assert scaling.describe_auto_scaling_groups()["AutoScalingGroups"] == []
    assert [vpc for vpc in ec2.describe_vpcs()["Vpcs"] if not vpc["IsDefault"]] == []


@pytest.mark.timeout(900)
def test_hosts_come_up_and_train(cloud, host_image, wheel, on_path, tmp_path, free_port, listens):
    """By the very script of the templates, each host in a container with what it may fetch."""
    boto3 = pytest.importorskip("boto3")
    boto3.client("s3").create_bucket(
        Bucket="mine", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    told = {name: os.environ[name] for name in os.environ if name.startswith(("AWS_", "PIP_"))}
    told |= {"REDIS_ADDRESS": "127.0.0.1", "REDIS_PORT": str(free_port)}
    variables = [word for name, value in told.items() for word in ("--env", f"{name}={value}")]
    run = ["docker", "run", "--network", "host", *variables]
    mounted = [f"--volume={folder}:{folder}" for folder in (AWS, tmp_path, wheel.parent)]
    # aws is that of the image.
    shim = [*run, "--rm", *mounted, '--workdir="$PWD"', host_image, "aws", '"$@"']
    (on_path / "aws").write_text(f"#!/bin/sh\nexec {' '.join(shim)}\n")
    (on_path / "aws").chmod(0o755)
    environment = {**os.environ, **told, "PATH": f"{on_path}:{os.environ['PATH']}"}
    subprocess.run(
        [AWS / "prepare.sh", "mine", wheel, "--slaves", "2"],
        cwd=tmp_path,
        env=environment,
        check=True,
    )
    made = tmp_path / "federation"
    kept = {o["Key"] for o in boto3.client("s3").list_objects_v2(Bucket="mine")["Contents"]}
    assert {key for key in kept if key.startswith("slaves/1/")} == {
        *("slaves/1/data/manifest.json", "slaves/1/data/slave-1.npy", "slaves/1/environment"),
    }
    start = "aws s3 cp s3://mine/common/host.sh /root/host.sh && exec bash /root/host.sh "
    containers = []
    try:
        for role in ("redis mine", "slave mine 0", "slave mine 1"):
            detached = [*run, "--detach", host_image, "bash", "-c", start + role]
            started = subprocess.run(detached, capture_output=True, text=True, check=True)
            containers.append(started.stdout.strip())
        query = f"ssl_ca_certs={made}/certificates/ca.pem"
        login = {
            "REDIS_URL": f"rediss://fedredis-master@127.0.0.1:{free_port}/0?{query}",
            "REDIS_PASSWORD_FILE": str(made / "passwords" / "fedredis-master"),
        }
        train = ("run", "--rounds", "2", "--features", "plain", "--wait-timeout", "600", "--json")
        listens(free_port)
        there = json.loads(fedredis(*train, cwd=tmp_path, env={**environment, **login}))
        here = json.loads(
            fedredis(*train[:-3], "--json", "--data", made / "partitions", cwd=tmp_path)
        )
        assert there["slaves"] == 2
        assert there["weights_sha256"] == here["weights_sha256"]
    finally:
        for container in containers:
            subprocess.run(["docker", "logs", container], check=False)
            subprocess.run(
                ["docker", "rm", "--force", container], check=False, capture_output=True
            )


def fedredis(*arguments: object, **how: Any) -> str:
    command = [Path(sys.executable).with_name("fedredis"), *map(str, arguments)]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, **how).stdout


def read(template: Path) -> dict[str, Any]:
    """Read a template; what CloudFormation's own tags say becomes the long form."""
    yaml = pytest.importorskip("yaml")

    class Loader(yaml.SafeLoader):  # type: ignore[name-defined, misc]
        pass

    def function(loader: Any, suffix: str, node: Any) -> Any:
        kinds = {
            yaml.ScalarNode: loader.construct_scalar,
            yaml.SequenceNode: loader.construct_sequence,
            yaml.MappingNode: loader.construct_mapping,
        }
        name = suffix if suffix == "Ref" else f"Fn::{suffix}"
        return {name: kinds[type(node)](node)}

    Loader.add_multi_constructor("!", function)
    document: dict[str, Any] = yaml.load(template.read_text(), Loader)
    assert not re.search(r"[&*]\w+\n", template.read_text())  # CloudFormation knows no anchors
    return document
