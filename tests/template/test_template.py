"""What `template.yaml` deploys, as CloudFormation sees it once SAM has transformed it."""

import json
import re
import tomllib
from functools import cache
from pathlib import Path

import boto3
import pytest
from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

ROOT = Path(__file__).parents[2]
ENDPOINTS = ["CreateSession", "ReconnectSession", "GetSession", "DeleteSession"]
FUNCTIONS = [*ENDPOINTS, "Provision"]
SESSIONS = "SessionsTable"
REGISTRY = "RegistryTable"


def template(path="template.yaml"):
    """A template as it is written. SAM changes what it transforms, so it is read each time."""
    return yaml_parse((ROOT / path).read_text())


@cache
def deployed(**parameters):
    """The template as CloudFormation gets it."""
    source = template()
    for name in FUNCTIONS:
        # As `sam package` writes it.
        source["Resources"][name]["Properties"]["CodeUri"] = "s3://bucket/key"
    values = {"ConnectUiUrl": "https://ui.example.com", **parameters}
    session = boto3.session.Session(region_name="eu-west-1")
    return Translator({}, Parser(), boto_session=session).translate(source, values)


def resources(type_, **parameters):
    found = deployed(**parameters)["Resources"].items()
    return {name: resource["Properties"] for name, resource in found if resource["Type"] == type_}


def statements(role):
    return [s for policy in role["Policies"] for s in policy["PolicyDocument"]["Statement"]]


def as_list(value):
    return value if isinstance(value, list) else [value]


@pytest.mark.parametrize(
    ("function", "actions"),
    {
        "CreateSession": {
            SESSIONS: {"PutItem"},
            REGISTRY: {"GetItem", "Query", "BatchGetItem"},
        },
        "ReconnectSession": {
            SESSIONS: {"PutItem"},
            REGISTRY: {"GetItem", "Query", "BatchGetItem"},
        },
        "GetSession": {SESSIONS: {"GetItem"}},
        "DeleteSession": {SESSIONS: {"GetItem", "DeleteItem"}},
        "Provision": {REGISTRY: {"BatchGetItem", "Query", "PutItem", "DeleteItem"}},
    }.items(),
)
def test_a_function_may_do_exactly_what_it_does(function, actions):
    properties = resources("AWS::Lambda::Function")[function]
    assert properties["Role"] == {"Fn::GetAtt": [f"{function}Role", "Arn"]}
    role = resources("AWS::IAM::Role")[f"{function}Role"]
    assert "ManagedPolicyArns" not in role
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "lambda.amazonaws.com"}
    allowed = {}
    for statement in statements(role):
        assert statement["Effect"] == "Allow"
        resource, attribute = statement["Resource"]["Fn::GetAtt"]
        assert attribute == "Arn" and resource not in allowed
        allowed[resource] = set(as_list(statement["Action"]))
    logs = {"logs:CreateLogStream", "logs:PutLogEvents"}
    expected = {table: {f"dynamodb:{a}" for a in names} for table, names in actions.items()}
    assert allowed == {**expected, f"{function}Logs": logs}


@pytest.mark.parametrize("gradual", ["false", "true"])
def test_no_statement_holds_a_wildcard(gradual):
    roles = resources("AWS::IAM::Role", GradualDeployment=gradual)
    assert set(roles) == {f"{name}Role" for name in [*FUNCTIONS, "Deployment"]}
    for role in roles.values():
        assert "ManagedPolicyArns" not in role
        for statement in statements(role):
            assert "*" not in json.dumps(statement)


def test_every_route_calls_the_alias_of_its_function():
    (api,) = resources("AWS::ApiGatewayV2::Api").values()
    routes = {}
    for path, methods in api["Body"]["paths"].items():
        for method, route in methods.items():
            integration = route["x-amazon-apigateway-integration"]
            assert integration["payloadFormatVersion"] == "2.0"
            alias = re.search(r"\$\{(\w+)Aliaslive\}", integration["uri"]["Fn::Sub"])
            routes[f"{method.upper()} {path}"] = alias[1]
    assert routes == {
        "POST /connect/sessions": "CreateSession",
        "POST /connect/sessions/reconnect": "ReconnectSession",
        "GET /connect/session": "GetSession",
        "HEAD /connect/session": "GetSession",
        "DELETE /connect/session": "DeleteSession",
    }
    invokers = resources("AWS::Lambda::Permission").values()
    invoked = [permission["FunctionName"]["Ref"] for permission in invokers]
    assert sorted(set(invoked)) == sorted(f"{name}Aliaslive" for name in ENDPOINTS)


def test_sessions_expire_and_the_registry_outlives_the_stack():
    tables = {n: r for n, r in deployed()["Resources"].items() if "DynamoDB" in r["Type"]}
    assert set(tables) == {SESSIONS, REGISTRY}
    sessions, registry = tables[SESSIONS], tables[REGISTRY]
    for table in tables.values():
        assert table["Properties"]["BillingMode"] == "PAY_PER_REQUEST"
        assert table["Properties"]["SSESpecification"] == {"SSEEnabled": True}
    expiry = {"AttributeName": "ttl", "Enabled": True}
    assert sessions["Properties"]["TimeToLiveSpecification"] == expiry
    assert (sessions["DeletionPolicy"], registry["DeletionPolicy"]) == ("Delete", "Retain")
    assert registry["UpdateReplacePolicy"] == "Retain"
    assert registry["Properties"]["DeletionProtectionEnabled"] is True
    recovery = registry["Properties"]["PointInTimeRecoverySpecification"]
    assert recovery == {"PointInTimeRecoveryEnabled": True}
    for setting in ["DeletionProtectionEnabled", "PointInTimeRecoverySpecification"]:
        assert setting not in sessions["Properties"]


def test_functions_are_small_and_logged_for_a_while():
    groups = resources("AWS::Logs::LogGroup")
    assert set(groups) == {"AccessLogs", *(f"{name}Logs" for name in FUNCTIONS)}
    assert {json.dumps(g["RetentionInDays"]) for g in groups.values()} == {
        '{"Ref": "LogRetentionDays"}'
    }
    for name, function in resources("AWS::Lambda::Function").items():
        assert function["Runtime"] == "provided.al2023"
        assert function["Architectures"] == [{"Ref": "Architecture"}]
        assert function["MemorySize"] == {"Ref": "MemorySize"}
        assert function["Timeout"] == (60 if name == "Provision" else 10)
        assert function["LoggingConfig"]["LogGroup"] == {"Ref": f"{name}Logs"}
        none = {"Ref": "AWS::NoValue"}
        reserved = {"Fn::If": ["HasReservedConcurrency", {"Ref": "ReservedConcurrency"}, none]}
        assert function["ReservedConcurrentExecutions"] == (none if name == "Provision" else reserved)


def test_a_new_value_of_a_parameter_reaches_the_alias():
    """SAM resolves no parameter when it decides whether to publish a version (issue 3820 of its)."""
    versions = resources("AWS::Lambda::Version")
    assert len(versions) == len(ENDPOINTS)
    names = set(template()["Parameters"])
    function = template()["Globals"]["Function"]
    used = set(re.findall(r"\w+", json.dumps([function["Environment"], function["MemorySize"]])))
    for version in versions.values():
        described = set(re.findall(r"\$\{(\w+)\}", version["Description"]["Fn::Sub"]))
        assert described == used & names


def test_the_latency_alarm_needs_no_minimum_of_requests():
    alarm = resources("AWS::CloudWatch::Alarm")["LatencyAlarm"]
    assert alarm["EvaluateLowSampleCountPercentile"] == "evaluate"


def test_roles_are_bounded_where_the_organisation_says_so():
    for role in resources("AWS::IAM::Role", GradualDeployment="true").values():
        condition, boundary, _ = role["PermissionsBoundary"]["Fn::If"]
        assert (condition, boundary) == ("HasBoundary", {"Ref": "PermissionsBoundaryArn"})


def test_the_access_log_names_no_path_query_or_header():
    (stage,) = resources("AWS::ApiGatewayV2::Stage").values()
    log = json.loads(stage["AccessLogSettings"]["Format"])
    for variable in log.values():
        assert not re.search(r"path|query|header|authorizer|authorization", variable, re.I), variable


def test_gradual_deployment_is_off_by_default_and_rolls_back_on_alarms():
    def updates(**parameters):
        found = deployed(**parameters)["Resources"].items()
        return {name: r.get("UpdatePolicy") for name, r in found if r["Type"] == "AWS::Lambda::Alias"}

    aliases = {f"{name}Aliaslive" for name in ENDPOINTS}
    assert updates() == dict.fromkeys(aliases)
    assert not resources("AWS::CodeDeploy::DeploymentGroup")
    gradual = updates(GradualDeployment="true")
    assert set(gradual) == aliases and all(gradual.values())
    groups = resources("AWS::CodeDeploy::DeploymentGroup", GradualDeployment="true")
    assert set(groups) == {f"{name}DeploymentGroup" for name in ENDPOINTS}
    for group in groups.values():
        watched = [alarm["Name"]["Ref"] for alarm in group["AlarmConfiguration"]["Alarms"]]
        assert watched == ["DeploymentErrorsAlarm", "FunctionErrorsAlarm"]
        assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]


@pytest.mark.parametrize("gradual", ["false", "true"])
def test_nothing_waits_for_itself(gradual):
    """References form no cycle: CloudFormation finds one only at deployment."""
    found = deployed(GradualDeployment=gradual)["Resources"]

    def needs(value):
        if isinstance(value, list):
            return set().union(*map(needs, value))
        if not isinstance(value, dict):
            return set()
        names = set()
        for key, inner in value.items():
            if key == "Ref":
                names.add(inner)
            elif key == "Fn::GetAtt":
                names.add(inner[0] if isinstance(inner, list) else inner.split(".")[0])
            elif key == "Fn::Sub":
                text = inner[0] if isinstance(inner, list) else inner
                names |= set(re.findall(r"\$\{(\w+)", text)) | needs(inner)
            elif key == "DependsOn":
                names |= set(as_list(inner))
            else:
                names |= needs(inner)
        return names & found.keys()

    graph = {name: needs(resource) for name, resource in found.items()}
    while free := [name for name, wanted in graph.items() if not wanted & graph.keys()]:
        for name in free:
            del graph[name]
    assert not graph


def test_alarms_are_sent_to_the_topic_if_there_is_one():
    alarms = resources("AWS::CloudWatch::Alarm")
    assert "AlarmActions" not in alarms.pop("DeploymentErrorsAlarm")
    assert set(alarms) == {
        "ServerErrorsAlarm",
        "ThrottledRequestsAlarm",
        "LatencyAlarm",
        "FunctionErrorsAlarm",
        "FunctionThrottlesAlarm",
        "DynamoDbThrottlesAlarm",
        "DynamoDbSystemErrorsAlarm",
    }
    topic = {"Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]}
    for alarm in alarms.values():
        assert alarm["AlarmActions"] == alarm["OKActions"] == topic
        assert alarm["TreatMissingData"] == "notBreaching"


def test_the_alarms_on_system_errors_know_every_operation_that_a_role_allows():
    watched = set()
    for metric in resources("AWS::CloudWatch::Alarm")["DynamoDbSystemErrorsAlarm"]["Metrics"][1:]:
        dimensions = {d["Name"]: d["Value"] for d in metric["MetricStat"]["Metric"]["Dimensions"]}
        watched.add((dimensions["TableName"]["Ref"], dimensions["Operation"]))
    allowed = set()
    for name in FUNCTIONS:
        for statement in statements(resources("AWS::IAM::Role")[f"{name}Role"]):
            table = statement["Resource"]["Fn::GetAtt"][0]
            for action in as_list(statement["Action"]):
                service, operation = action.split(":")
                if service == "dynamodb":
                    # Provision writes in transactions, which are allowed by their parts.
                    writes = table == REGISTRY and operation in {"PutItem", "DeleteItem"}
                    allowed.add((table, "TransactWriteItems" if writes else operation))
    assert watched == allowed


def test_the_dashboard_is_json_and_shows_every_alarm():
    (dashboard,) = resources("AWS::CloudWatch::Dashboard").values()
    body = dashboard["DashboardBody"]["Fn::Sub"]
    widgets = json.loads(body)["widgets"]
    alarms = next(w for w in widgets if w["type"] == "alarm")["properties"]["alarms"]
    shown = resources("AWS::CloudWatch::Alarm").keys() - {"DeploymentErrorsAlarm"}
    assert set(alarms) == {f"${{{name}.Arn}}" for name in shown}


def test_a_domain_of_ones_own_maps_to_the_stage_that_the_api_has():
    found = deployed()["Resources"]
    for name in ["Domain", "DomainMapping"]:
        assert found[name]["Condition"] == "HasDomain"
    assert found["DomainRecord"]["Condition"] == "HasHostedZone"
    stage = found["DomainMapping"]["Properties"]["Stage"]["Ref"]
    assert found[stage]["Type"] == "AWS::ApiGatewayV2::Stage"


def test_everything_that_can_be_tagged_is():
    untaggable = {
        "AWS::ApiGatewayV2::ApiMapping",
        "AWS::CloudWatch::Dashboard",
        "AWS::Lambda::Alias",
        "AWS::Lambda::Permission",
        "AWS::Lambda::Version",
        "AWS::Logs::MetricFilter",
        "AWS::Route53::RecordSet",
    }
    for name, resource in deployed()["Resources"].items():
        if resource["Type"] in untaggable:
            continue
        properties = resource["Properties"]
        if resource["Type"] == "AWS::ApiGatewayV2::Api":
            # SAM writes an API's tags into its OpenAPI document.
            tags = {t["name"]: t["x-amazon-apigateway-tag-value"] for t in properties["Body"]["tags"]}
        elif isinstance(properties["Tags"], dict):
            tags = properties["Tags"]
        else:
            tags = {t["Key"]: t["Value"] for t in properties["Tags"]}
        assert tags["application"] == "connect-sessions", name


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_samconfig_sets_only_parameters_that_exist(environment):
    settings = tomllib.loads((ROOT / "samconfig.toml").read_text())[environment]
    overrides = settings["deploy"]["parameters"]["parameter_overrides"]
    names = {override.split("=")[0] for override in overrides}
    assert names <= template()["Parameters"].keys()


def test_env_json_replaces_only_variables_that_stand_in_the_template():
    variables = template()["Globals"]["Function"]["Environment"]["Variables"]
    (scope, values), = json.loads((ROOT / "env.json").read_text()).items()
    assert scope == "Parameters"
    assert values.keys() <= variables.keys()
    assert all(values.values()), "the SDK panics on an empty endpoint"


def test_every_output_is_described():
    outputs = template()["Outputs"]
    assert all(output["Description"] for output in outputs.values())
    exported = {name for name, output in outputs.items() if "Export" in output}
    assert exported == {"ApiUrl", "ProvisionFunctionName"}


def test_the_nested_example_uses_what_the_template_has():
    example = template("examples/nested/template.yaml")
    nested = example["Resources"]["ConnectSessions"]["Properties"]
    location = ROOT / "examples" / "nested" / nested["Location"]
    assert location.resolve() == ROOT / "template.yaml"
    required = {n for n, p in template()["Parameters"].items() if "Default" not in p}
    assert required <= nested["Parameters"].keys() <= template()["Parameters"].keys()
    for output in example["Outputs"].values():
        resource, attribute = output["Value"]["Fn::GetAtt"]
        outputs = {f"Outputs.{name}" for name in template()["Outputs"]}
        assert resource == "ConnectSessions" and attribute in outputs
