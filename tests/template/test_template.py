"""What `template.yaml` deploys: the template that CloudFormation gets after its two transforms."""

import copy
import json
import re
import tomllib
from functools import cache

import boto3
import pytest
from expand import ROOT, expanded, written
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

SESSIONS, REGISTRY, CONNECTIONS = "SessionsTable", "RegistryTable", "ConnectionsTable"
EVENTS, QUEUE, DEAD_LETTERS = "EventsTable", "WebhooksQueue", "WebhooksDeadLetters"
BY_CREATED = "${ConnectionsTable.Arn}/index/by-created"
BY_END_USER = "${ConnectionsTable.Arn}/index/by-end-user"
BY_REFRESH_DUE = "${ConnectionsTable.Arn}/index/by-refresh-due"
KEY = "CredentialsKey"
POST_TO_SOCKETS = (
    "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:"
    "${WebSocketApi}/live/POST/@connections/*"
)
CLOSE_SOCKETS = POST_TO_SOCKETS.replace("/POST/", "/DELETE/")
TABLES = {SESSIONS, REGISTRY, CONNECTIONS, EVENTS}

# The permissions of each function besides writing its log.
ACTIONS = {
    "CreateSession": {SESSIONS: {"PutItem"}, REGISTRY: {"GetItem", "Query", "BatchGetItem"}},
    "ReconnectSession": {
        SESSIONS: {"PutItem"},
        REGISTRY: {"GetItem", "Query", "BatchGetItem"},
        CONNECTIONS: {"GetItem"},
    },
    "GetSession": {SESSIONS: {"GetItem"}, REGISTRY: {"GetItem"}},
    "DeleteSession": {SESSIONS: {"GetItem", "DeleteItem"}, REGISTRY: {"GetItem"}},
    "RecordTelemetry": {SESSIONS: {"GetItem"}, REGISTRY: {"GetItem"}},
    "ListIntegrations": {
        SESSIONS: {"GetItem"},
        REGISTRY: {"GetItem", "Query", "BatchGetItem"},
        KEY: {"Decrypt"},
    },
    "GetProvider": {SESSIONS: {"GetItem"}, REGISTRY: {"GetItem", "Query"}},
    "ConnectUi": {},
    "Authorize": {
        SESSIONS: {"GetItem", "UpdateItem"},
        REGISTRY: {"GetItem", "Query", "ConditionCheckItem"},
        CONNECTIONS: {"GetItem", "PutItem", "UpdateItem"},
        EVENTS: {"PutItem"},
        KEY: {"Decrypt"},
    },
    "StartOauth": {
        SESSIONS: {"GetItem", "PutItem", "UpdateItem"},
        REGISTRY: {"GetItem"},
        CONNECTIONS: {"GetItem"},
        POST_TO_SOCKETS: {"ManageConnections"},
        CLOSE_SOCKETS: {"ManageConnections"},
    },
    "FinishOauth": {
        SESSIONS: {"GetItem", "UpdateItem"},
        REGISTRY: {"GetItem", "ConditionCheckItem"},
        CONNECTIONS: {"GetItem", "PutItem", "UpdateItem"},
        EVENTS: {"PutItem"},
        KEY: {"Decrypt"},
        POST_TO_SOCKETS: {"ManageConnections"},
        CLOSE_SOCKETS: {"ManageConnections"},
    },
    "ListConnections": {
        REGISTRY: {"GetItem", "Query"},
        CONNECTIONS: {"Query"},
        BY_CREATED: {"Query"},
        BY_END_USER: {"Query"},
    },
    "GetConnection": {
        REGISTRY: {"GetItem", "Query"},
        CONNECTIONS: {"GetItem", "UpdateItem"},
        EVENTS: {"PutItem"},
        KEY: {"Decrypt"},
    },
    "ImportConnection": {
        REGISTRY: {"GetItem", "Query"},
        CONNECTIONS: {"GetItem", "PutItem", "UpdateItem"},
        EVENTS: {"PutItem"},
        KEY: {"Decrypt"},
    },
    "UpdateConnection": {
        REGISTRY: {"GetItem", "Query"},
        CONNECTIONS: {"GetItem", "UpdateItem"},
    },
    "DeleteConnection": {
        REGISTRY: {"GetItem", "Query"},
        CONNECTIONS: {"GetItem", "DeleteItem"},
        EVENTS: {"PutItem"},
        KEY: {"Decrypt"},
    },
    "RefreshConnections": {
        REGISTRY: {"GetItem"},
        CONNECTIONS: {"GetItem", "UpdateItem"},
        BY_REFRESH_DUE: {"Query"},
        EVENTS: {"PutItem"},
        KEY: {"Decrypt"},
    },
    "GreetWebsocket": {POST_TO_SOCKETS: {"ManageConnections"}},
    "QueueWebhooks": {
        "EventsTable stream": {"DescribeStream", "GetRecords", "GetShardIterator"},
        QUEUE: {"SendMessage"},
        DEAD_LETTERS: {"SendMessage"},
    },
    "DeliverWebhooks": {
        EVENTS: {"GetItem", "Query", "UpdateItem"},
        REGISTRY: {"GetItem", "Query", "BatchGetItem"},
        QUEUE: {"SendMessage", "ReceiveMessage", "DeleteMessage", "GetQueueAttributes"},
        KEY: {"Decrypt"},
    },
    "Provision": {
        REGISTRY: {"BatchGetItem", "GetItem", "Query", "PutItem", "DeleteItem"},
        CONNECTIONS: {
            "BatchGetItem", "BatchWriteItem", "GetItem", "Query", "PutItem", "DeleteItem",
        },
        KEY: {"GenerateDataKeyWithoutPlaintext", "Decrypt"},
    },
}
FUNCTIONS = list(ACTIONS)
# Invoked by the stream of the events table and by the queue.
WEBHOOKS = ["QueueWebhooks", "DeliverWebhooks"]
ENDPOINTS = [
    name for name in FUNCTIONS if name not in [*WEBHOOKS, "RefreshConnections", "Provision"]
]
CALLING_PROVIDERS = {
    "Authorize",
    "DeleteConnection",
    "FinishOauth",
    "GetConnection",
    "ImportConnection",
}

ROUTES = {
    "POST /connect/sessions": "CreateSession",
    "POST /connect/sessions/reconnect": "ReconnectSession",
    "GET /connect/session": "GetSession",
    "HEAD /connect/session": "GetSession",
    "DELETE /connect/session": "DeleteSession",
    "GET /connect/session/outcomes": "GetSession",
    "GET /oauth/connect/{providerConfigKey}": "StartOauth",
    "HEAD /oauth/connect/{providerConfigKey}": "StartOauth",
    "GET /oauth/callback": "FinishOauth",
    "POST /oauth/callback": "FinishOauth",
    "POST /connect/telemetry": "RecordTelemetry",
    "GET /integrations": "ListIntegrations",
    "GET /integrations/{uniqueKey}": "ListIntegrations",
    "GET /providers": "GetProvider",
    "GET /providers/{provider}": "GetProvider",
    "GET /connect-ui/": "ConnectUi",
    "GET /connect-ui/{proxy+}": "ConnectUi",
    "GET /images/template-logos/{file}": "ConnectUi",
    "POST /auth/unauthenticated/{providerConfigKey}": "Authorize",
    "POST /api-auth/api-key/{providerConfigKey}": "Authorize",
    "POST /api-auth/basic/{providerConfigKey}": "Authorize",
    "POST /oauth2/auth/{providerConfigKey}": "Authorize",
    "POST /auth/jwt/{providerConfigKey}": "Authorize",
    "POST /auth/two-step/{providerConfigKey}": "Authorize",
    "POST /auth/tba/{providerConfigKey}": "Authorize",
    "POST /auth/signature/{providerConfigKey}": "Authorize",
    "POST /auth/bill/{providerConfigKey}": "Authorize",
    "POST /auth/aws-sigv4/{providerConfigKey}": "Authorize",
    "POST /auth/oauth-outbound/{providerConfigKey}": "Authorize",
    "GET /connections": "ListConnections",
    "POST /connections": "ImportConnection",
    "GET /connections/{connectionId}": "GetConnection",
    "PATCH /connections/{connectionId}": "UpdateConnection",
    "DELETE /connections/{connectionId}": "DeleteConnection",
    "POST /connections/metadata": "UpdateConnection",
    "PATCH /connections/metadata": "UpdateConnection",
}


def transformed(source, **parameters):
    """A template after SAM's transform."""
    for resource in source["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            # The form that `sam package` writes.
            resource["Properties"]["CodeUri"] = "s3://bucket/key"
    values = {"ConnectUiUrl": "https://ui.example.com", **parameters}
    session = boto3.session.Session(region_name="eu-west-1")
    return Translator({}, Parser(), boto_session=session).translate(source, values)


@cache
def deployed(**parameters):
    """The template as CloudFormation gets it."""
    return transformed(expanded(), **parameters)


def resources(type_, **parameters):
    found = deployed(**parameters)["Resources"].items()
    return {name: resource["Properties"] for name, resource in found if resource["Type"] == type_}


def statements(*policies):
    return [s for policy in policies for s in policy["PolicyDocument"]["Statement"]]


def as_list(value):
    return value if isinstance(value, list) else [value]


def crate(function):
    return re.sub(r"(?<!^)(?=[A-Z])", "-", function).lower()


# ---- What every function has ----


def test_every_folder_of_functions_is_deployed():
    folders = {path.name for path in (ROOT / "functions").iterdir() if path.is_dir()}
    assert folders <= {crate(function) for function in FUNCTIONS}


def test_every_function_has_its_folder():
    source = written()["Resources"]
    for name in FUNCTIONS:
        properties = source[name]["Properties"]
        assert properties["CodeUri"] == f"functions/{crate(name)}"
        assert (ROOT / properties["CodeUri"] / "src" / "main.rs").is_file(), name


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_has_a_role_a_log_and_two_alarms(name):
    found = resources("AWS::Lambda::Function")
    assert set(found) == set(FUNCTIONS)
    function = found[name]
    assert function["Runtime"] == "provided.al2023"
    assert function["Architectures"] == [{"Ref": "Architecture"}]
    assert function["TracingConfig"] == {"Mode": {"Ref": "Tracing"}}
    assert function["Role"] == {"Fn::GetAtt": [f"{name}Role", "Arn"]}
    assert function["LoggingConfig"]["LogGroup"] == {"Ref": f"{name}Logs"}
    assert resources("AWS::Logs::LogGroup")[f"{name}Logs"]["RetentionInDays"] == {
        "Ref": "LogRetentionDays"
    }
    for metric in ["Errors", "Throttles"]:
        alarm = resources("AWS::CloudWatch::Alarm")[f"{name}{metric}Alarm"]
        assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/Lambda", metric)
        assert alarm["Dimensions"] == [{"Name": "FunctionName", "Value": {"Ref": name}}]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_may_do_exactly_what_it_does(name):
    # The policy exists before the function's code does.
    policies = [f"{name}Policy"] if ACTIONS[name] else []
    assert as_list(deployed()["Resources"][name].get("DependsOn", [])) == policies
    role = resources("AWS::IAM::Role")[f"{name}Role"]
    assert "ManagedPolicyArns" not in role
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "lambda.amazonaws.com"}
    attached = {
        policy_name: policy
        for policy_name, policy in resources("AWS::IAM::Policy").items()
        if {"Ref": f"{name}Role"} in policy["Roles"]
    }
    assert list(attached) == policies
    assert all(policy["Roles"] == [{"Ref": f"{name}Role"}] for policy in attached.values())
    allowed = {}
    for statement in statements(*role["Policies"], *attached.values()):
        if statement.get("Fn::If", [""])[0] == "IsTraced":
            continue
        assert statement["Effect"] == "Allow"
        resource = statement["Resource"]
        if "Fn::If" in resource:
            assert resource["Fn::If"][0] == "MakesKey"
            assert resource["Fn::If"][2] == {"Ref": "CredentialsKeyArn"}
            purpose = {"kms:EncryptionContext:purpose": "branch-key"}
            assert statement["Condition"] == {"StringEquals": purpose}
            resource = resource["Fn::If"][1]
        if "Fn::Sub" in resource:
            target = resource["Fn::Sub"]
        else:
            target, attribute = resource["Fn::GetAtt"]
            if attribute == "StreamArn":
                target = f"{target} stream"
            else:
                assert attribute == "Arn"
        assert target not in allowed
        allowed[target] = set(as_list(statement["Action"]))
    logs = {"logs:CreateLogStream", "logs:PutLogEvents"}
    service = {KEY: "kms", POST_TO_SOCKETS: "execute-api", CLOSE_SOCKETS: "execute-api"}
    service |= {QUEUE: "sqs", DEAD_LETTERS: "sqs"}
    expected = {
        target: {f"{service.get(target, 'dynamodb')}:{action}" for action in actions}
        for target, actions in ACTIONS[name].items()
    }
    assert allowed == {**expected, f"{name}Logs": logs}


def test_timeouts_and_memory():
    for name, function in resources("AWS::Lambda::Function").items():
        none = {"Ref": "AWS::NoValue"}
        if name == "Provision":
            assert (function["Timeout"], function["MemorySize"]) == (300, 512)
            assert function["ReservedConcurrentExecutions"] == none
            continue
        if name == "RefreshConnections":
            assert function["Timeout"] == 300
            assert function["ReservedConcurrentExecutions"] == none
            continue
        if name in WEBHOOKS:
            assert function["Timeout"] == 60
            assert function["ReservedConcurrentExecutions"] == none
            continue
        assert function["Timeout"] == (25 if name in CALLING_PROVIDERS else 10)
        assert function["MemorySize"] == {"Ref": "MemorySize"}
        reserved = {"Fn::If": ["HasReservedConcurrency", {"Ref": "ReservedConcurrency"}, none]}
        assert function["ReservedConcurrentExecutions"] == reserved


def test_an_asynchronous_invocation_is_never_repeated():
    configs = resources("AWS::Lambda::EventInvokeConfig").values()
    assert {c["FunctionName"]["Ref"]: c["Qualifier"] for c in configs} == {
        "Provision": "$LATEST",
        "RefreshConnections": "$LATEST",
        "GreetWebsocket": "live",
    }
    assert all(config["MaximumRetryAttempts"] == 0 for config in configs)


def test_what_the_functions_have_in_common_is_written_once():
    text = (ROOT / "template.yaml").read_text()
    lines = {}
    for block in re.split(r"(?m)^(?=  \w+:$)", text.split("\nResources:\n")[1].split("\nOutputs:")[0]):
        lines[block.split(":")[0].strip()] = len(block.rstrip().splitlines())
    sizes = [lines[name] + lines.get(f"{name}Policy", 0) for name in FUNCTIONS]
    assert max(sizes) <= 50 and sum(sizes) / len(sizes) <= 35, sizes
    for name in FUNCTIONS:
        for shared in ["Role", "Logs", "ErrorsAlarm"]:
            assert f"{name}{shared}" not in lines


def test_the_loops_know_every_function():
    source = written()
    assert source["Resources"]["Fn::ForEach::Functions"][1] == FUNCTIONS
    assert source["Outputs"]["Fn::ForEach::FunctionNames"][1] == ENDPOINTS
    assert set(source["Resources"]["Fn::ForEach::Tables"][1]) == TABLES


def test_the_stack_stays_below_the_limit_of_cloudformation():
    everything = {"GradualDeployment": "true", "DomainName": "a.example.com"}
    assert len(deployed(**everything)["Resources"]) < 500
    # The limit of a template in S3 is a megabyte.
    assert len(json.dumps(deployed(**everything))) < 500_000


# ---- Who may do what ----


@pytest.mark.parametrize("gradual", ["false", "true"])
def test_a_wildcard_stands_only_where_aws_knows_no_narrower_resource(gradual):
    roles = resources("AWS::IAM::Role", GradualDeployment=gradual)
    assert set(roles) == {f"{name}Role" for name in [*FUNCTIONS, "Deployment"]}
    inline = [policy for role in roles.values() for policy in role["Policies"]]
    assert not any("ManagedPolicyArns" in role for role in roles.values())
    wildcards = set()
    for statement in statements(*inline, *resources("AWS::IAM::Policy").values()):
        statement = statement.get("Fn::If", [None, statement])[1]
        assert "*" not in json.dumps(statement["Action"])
        if "*" in json.dumps(statement["Resource"]):
            wildcards |= set(as_list(statement["Action"]))
    xray = {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}
    # Any connection, but of this API and stage only.
    assert wildcards == {*xray, "cloudwatch:DescribeAlarms", "execute-api:ManageConnections"}


def test_only_with_tracing_may_a_function_write_traces():
    for name in FUNCTIONS:
        _, traces = statements(*resources("AWS::IAM::Role")[f"{name}Role"]["Policies"])
        condition, _, otherwise = traces["Fn::If"]
        assert (condition, otherwise) == ("IsTraced", {"Ref": "AWS::NoValue"})


def test_roles_are_bounded_where_the_organisation_says_so():
    for role in resources("AWS::IAM::Role", GradualDeployment="true").values():
        condition, boundary, _ = role["PermissionsBoundary"]["Fn::If"]
        assert (condition, boundary) == ("HasBoundary", {"Ref": "PermissionsBoundaryArn"})


def test_the_key_is_for_the_functions_that_open_credentials_and_for_nobody_else():
    key = deployed()["Resources"][KEY]
    assert key["Condition"] == "MakesKey"
    assert (key["DeletionPolicy"], key["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    assert key["Properties"]["EnableKeyRotation"] is True
    users = {}
    for statement in key["Properties"]["KeyPolicy"]["Statement"]:
        assert "*" not in json.dumps(statement["Action"])
        account = {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}}
        assert (statement["Effect"], statement["Principal"]) == ("Allow", account)
        if "Condition" not in statement:
            crypto = re.compile("crypt|Generate|Sign|Grant|Mac|Import|Replicate")
            assert not crypto.search(json.dumps(statement["Action"]))
            continue
        purpose = {"kms:EncryptionContext:purpose": "branch-key"}
        assert statement["Condition"]["StringEquals"] == purpose
        roles = as_list(statement["Condition"]["ArnEquals"]["aws:PrincipalArn"])
        for role in roles:
            name = role["Fn::GetAtt"][0].removesuffix("Role")
            users.setdefault(name, set()).add(statement["Action"].removeprefix("kms:"))
    assert users == {name: actions[KEY] for name, actions in ACTIONS.items() if KEY in actions}


# ---- API ----


def test_every_route_calls_the_alias_of_its_function():
    api = resources("AWS::ApiGatewayV2::Api")["Api"]
    routes = {}
    for path, methods in api["Body"]["paths"].items():
        for method, route in methods.items():
            integration = route["x-amazon-apigateway-integration"]
            assert integration["payloadFormatVersion"] == "2.0"
            alias = re.search(r"\$\{(\w+)Aliaslive\}", integration["uri"]["Fn::Sub"])
            routes[f"{method.upper()} {path}"] = alias[1]
    assert routes == ROUTES
    invokers = resources("AWS::Lambda::Permission").values()
    invoked = [permission["FunctionName"]["Ref"] for permission in invokers]
    assert set(invoked) == {*(f"{name}Aliaslive" for name in ENDPOINTS), "RefreshConnections"}


def test_the_clock_invokes_one_function():
    (rule,) = resources("AWS::Events::Rule").values()
    assert rule["ScheduleExpression"] == "rate(10 minutes)"
    assert [target["Arn"]["Fn::GetAtt"] for target in rule["Targets"]] == [["RefreshConnections", "Arn"]]


def test_the_access_logs_name_no_path_query_header_or_connection():
    stages = resources("AWS::ApiGatewayV2::Stage")
    assert len(stages) == 2
    for stage in stages.values():
        settings = stage["AccessLogSettings"]
        settings = settings.get("Fn::If", [None, settings])[1]
        for variable in json.loads(settings["Format"]).values():
            secret = r"path|query|header|authorizer|authorization|connectionId"
            assert not re.search(secret, variable, re.I), variable


# ---- WebSocket API ----


def test_a_socket_is_greeted_by_an_asynchronous_invocation_of_the_alias():
    found = deployed()["Resources"]
    api = resources("AWS::ApiGatewayV2::Api")["WebSocketApi"]
    assert api["ProtocolType"] == "WEBSOCKET"
    (route,) = resources("AWS::ApiGatewayV2::Route").values()
    assert (route["RouteKey"], route["AuthorizationType"]) == ("$connect", "NONE")
    name = re.fullmatch(r"integrations/\$\{(\w+)\}", route["Target"]["Fn::Sub"])[1]
    integration = found[name]["Properties"]
    assert integration["IntegrationType"] == "AWS"
    uri, parts = integration["IntegrationUri"]["Fn::Sub"]
    assert uri.endswith("/functions/${Function}/invocations")
    assert parts == {"Function": {"Ref": "GreetWebsocketAliaslive"}}
    parameters = {"integration.request.header.X-Amz-Invocation-Type": "'Event'"}
    assert integration["RequestParameters"] == parameters
    event = json.loads(integration["RequestTemplates"]["$default"])
    assert event == {"connectionId": "$context.connectionId"}
    # A $connect integration that is not a proxy gives no answer without an integration response.
    (answer,) = resources("AWS::ApiGatewayV2::IntegrationResponse").values()
    assert answer["IntegrationId"] == {"Ref": name}
    (answer,) = resources("AWS::ApiGatewayV2::RouteResponse").values()
    assert answer["RouteId"] == {"Ref": "WebSocketConnect"}
    permission = found["WebSocketConnectPermission"]["Properties"]
    assert permission["SourceArn"]["Fn::Sub"].endswith(":${WebSocketApi}/*/$connect")


def test_the_websocket_stage_is_throttled_and_logs_if_the_account_can():
    stage = resources("AWS::ApiGatewayV2::Stage")["WebSocketStage"]
    settings = stage["DefaultRouteSettings"]
    assert settings["ThrottlingRateLimit"] == {"Ref": "ThrottlingRateLimit"}
    assert settings["ThrottlingBurstLimit"] == {"Ref": "ThrottlingBurstLimit"}
    assert (settings["LoggingLevel"], settings["DataTraceEnabled"]) == ("OFF", False)
    condition, log, otherwise = stage["AccessLogSettings"]["Fn::If"]
    assert (condition, otherwise) == ("LogsWebSockets", {"Ref": "AWS::NoValue"})
    assert log["DestinationArn"] == {"Fn::GetAtt": ["WebSocketAccessLogs", "Arn"]}
    assert deployed()["Resources"]["WebSocketAccessLogs"]["Condition"] == "LogsWebSockets"
    assert written()["Parameters"]["WebSocketAccessLog"]["Default"] == "false"


def test_clients_and_functions_are_told_where_the_sockets_are():
    host = "//${WebSocketApi}.execute-api.${AWS::Region}.${AWS::URLSuffix}/live"
    assert resources("AWS::ApiGatewayV2::Stage")["WebSocketStage"]["StageName"] == "live"
    for function in resources("AWS::Lambda::Function").values():
        variables = function["Environment"]["Variables"]
        assert variables["WEBSOCKET_API_URL"] == {"Fn::Sub": f"https:{host}"}
        path = ["HasWebsocketsPath", {"Ref": "WebsocketsPath"}, {"Fn::Sub": host}]
        assert variables["WEBSOCKETS_PATH"] == {"Fn::If": path}
        assert deployed()["Outputs"]["WebsocketsPath"]["Value"] == {"Fn::If": path}


def test_a_domain_of_ones_own_maps_to_the_stage_that_the_api_has():
    found = deployed()["Resources"]
    for name in ["Domain", "DomainMapping"]:
        assert found[name]["Condition"] == "HasDomain"
    assert found["DomainRecord"]["Condition"] == "HasHostedZone"
    stage = found["DomainMapping"]["Properties"]["Stage"]["Ref"]
    assert found[stage]["Type"] == "AWS::ApiGatewayV2::Stage"


# ---- Tables ----


def test_sessions_expire_and_what_is_durable_outlives_the_stack():
    tables = {n: r for n, r in deployed()["Resources"].items() if "DynamoDB" in r["Type"]}
    assert set(tables) == TABLES
    for table in tables.values():
        assert table["Properties"]["BillingMode"] == "PAY_PER_REQUEST"
        assert table["Properties"]["SSESpecification"] == {"SSEEnabled": True}
    sessions = tables.pop(SESSIONS)
    expiry = {"AttributeName": "ttl", "Enabled": True}
    events = tables.pop(EVENTS)
    assert events["Properties"]["TimeToLiveSpecification"] == expiry
    assert events["Properties"]["StreamSpecification"] == {"StreamViewType": "NEW_IMAGE"}
    assert events["DeletionPolicy"] == "Delete"
    assert sessions["Properties"]["TimeToLiveSpecification"] == expiry
    assert sessions["DeletionPolicy"] == "Delete"
    for setting in ["DeletionProtectionEnabled", "PointInTimeRecoverySpecification"]:
        assert setting not in sessions["Properties"]
    for table in tables.values():
        assert table["DeletionPolicy"] == "RetainExceptOnCreate"
        assert table["UpdateReplacePolicy"] == "Retain"
        assert table["Properties"]["DeletionProtectionEnabled"] == {"Ref": "DeletionProtection"}
        recovery = table["Properties"]["PointInTimeRecoverySpecification"]
        assert recovery == {"PointInTimeRecoveryEnabled": True}


def test_connections_are_found_by_key_and_by_age_and_by_end_user():
    connections = resources("AWS::DynamoDB::Table")[CONNECTIONS]
    keys = {a["AttributeName"]: a["AttributeType"] for a in connections["AttributeDefinitions"]}
    names = ["pk", "sk", "created_sk", "end_user_pk", "refresh_shard", "refresh_due_at"]
    assert keys == dict.fromkeys(names, "S")
    assert [k["AttributeName"] for k in connections["KeySchema"]] == ["pk", "sk"]
    assert {
        index["IndexName"]: [k["AttributeName"] for k in index["KeySchema"]]
        for index in connections["GlobalSecondaryIndexes"]
    } == {
        "by-created": ["pk", "created_sk"],
        "by-end-user": ["end_user_pk", "created_sk"],
        "by-refresh-due": ["refresh_shard", "refresh_due_at"],
    }


# ---- Webhooks ----


def test_new_events_go_from_the_stream_into_the_queue_and_nothing_is_lost_unseen():
    mappings = resources("AWS::Lambda::EventSourceMapping").values()
    stream = next(m for m in mappings if m["FunctionName"] == {"Ref": "QueueWebhooks"})
    assert stream["EventSourceArn"] == {"Fn::GetAtt": [EVENTS, "StreamArn"]}
    (only,) = stream["FilterCriteria"]["Filters"]
    assert json.loads(only["Pattern"]) == {"eventName": ["INSERT"]}
    assert stream["StartingPosition"] == "TRIM_HORIZON"
    assert stream["BisectBatchOnFunctionError"] is True
    # Less than the day for which the stream keeps a record.
    assert stream["MaximumRecordAgeInSeconds"] < 86_400
    given_up = stream["DestinationConfig"]["OnFailure"]["Destination"]
    assert given_up == {"Fn::GetAtt": [DEAD_LETTERS, "Arn"]}


def test_the_queue_is_read_by_one_function_that_reports_what_it_did_not_finish():
    mappings = resources("AWS::Lambda::EventSourceMapping").values()
    reader = next(m for m in mappings if m["FunctionName"] == {"Ref": "DeliverWebhooks"})
    assert reader["EventSourceArn"] == {"Fn::GetAtt": [QUEUE, "Arn"]}
    assert all(m["FunctionResponseTypes"] == ["ReportBatchItemFailures"] for m in mappings)
    queue = resources("AWS::SQS::Queue")[QUEUE]
    # Message groups on a standard queue: fair queues.
    assert "FifoQueue" not in queue
    assert queue["VisibilityTimeout"] > resources("AWS::Lambda::Function")["DeliverWebhooks"]["Timeout"]
    assert queue["RedrivePolicy"]["deadLetterTargetArn"] == {"Fn::GetAtt": [DEAD_LETTERS, "Arn"]}
    assert all(q["SqsManagedSseEnabled"] is True for q in resources("AWS::SQS::Queue").values())


# ---- Versions and deployments ----


def test_a_changed_property_publishes_a_version():
    def version(change):
        source = expanded()
        change(source["Resources"]["GetSession"]["Properties"])
        return next(n for n in transformed(source)["Resources"] if n.startswith("GetSessionVersion"))

    assert version(lambda p: None) != version(lambda p: p.update(Timeout=9))


def test_a_new_value_of_a_parameter_reaches_the_alias():
    """SAM resolves no parameter when it decides whether to publish a version (issue 3820 of its)."""
    parameters = written()["Parameters"]
    versions = resources("AWS::Lambda::Version")
    assert len(versions) == len(ENDPOINTS)
    function = written()["Globals"]["Function"]
    settings = [function[p] for p in ["Environment", "MemorySize", "Tracing"]]
    used = set(re.findall(r"\w+", json.dumps(settings))) & set(parameters)
    # It must not change once something is sealed, and it would be too long.
    used -= {"CredentialsKeyArn"}
    for version in versions.values():
        description = version["Description"]["Fn::Sub"]
        assert set(re.findall(r"\$\{(\w+)\}", description)) == used
    longest = len(re.sub(r"\$\{\w+\}", "", description))
    for name in used:
        known = parameters[name]
        values = [str(v) for v in known.get("AllowedValues", [known.get("MaxValue", "")])]
        longest += known.get("MaxLength", max(map(len, values)))
    assert longest <= 256


def test_gradual_deployment_is_off_by_default_and_rolls_back_on_an_alarm():
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
        # None of Provision's: an operator's bad document is no reason to roll a deployment back.
        watched = [alarm["Name"]["Ref"] for alarm in group["AlarmConfiguration"]["Alarms"]]
        assert watched == ["DeploymentErrorsAlarm"]
        assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
    shifts, reads, _ = statements(*resources("AWS::IAM::Role")["DeploymentRole"]["Policies"])
    assert [r["Fn::GetAtt"][0] for r in shifts["Resource"]] == ENDPOINTS
    assert [r["Fn::Sub"] for r in reads["Resource"]] == [f"${{{n}.Arn}}:live" for n in ENDPOINTS]


@pytest.mark.parametrize("gradual", ["false", "true"])
def test_nothing_waits_for_itself(gradual):
    """References form no cycle, which CloudFormation would report only at deployment."""
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


# ---- Monitoring ----


def test_alarms_are_sent_to_the_topic_if_there_is_one():
    alarms = copy.copy(resources("AWS::CloudWatch::Alarm"))
    assert "AlarmActions" not in alarms.pop("DeploymentErrorsAlarm")
    assert set(alarms) == {
        "ServerErrorsAlarm",
        "ThrottledRequestsAlarm",
        "LatencyAlarm",
        "WebhooksStreamAlarm",
        "WebhooksDeadLettersAlarm",
        "FailedWebhooksAlarm",
        *(f"{name}{metric}Alarm" for name in [*FUNCTIONS, *TABLES] for metric in ["Errors", "Throttles"]),
    }
    topic = {"Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]}
    for alarm in alarms.values():
        assert alarm["AlarmActions"] == alarm["OKActions"] == topic
        assert alarm["TreatMissingData"] == "notBreaching"


def test_an_alarm_has_at_most_the_ten_metrics_that_cloudwatch_takes():
    for name, alarm in resources("AWS::CloudWatch::Alarm").items():
        assert len(alarm.get("Metrics", [])) <= 10, name


@pytest.mark.parametrize(
    ("alarm", "metric"), [("ErrorsAlarm", "SystemErrors"), ("ThrottlesAlarm", "ThrottledRequests")]
)
@pytest.mark.parametrize("table", sorted(TABLES))
def test_the_alarms_of_a_table_ask_for_every_operation(table, alarm, metric):
    (query,) = resources("AWS::CloudWatch::Alarm")[f"{table}{alarm}"]["Metrics"]
    between, parts = query["Expression"]["Fn::Join"]
    select = f'SELECT SUM({metric}) FROM SCHEMA("AWS/DynamoDB", Operation, TableName) WHERE TableName = '
    assert (between, parts) == ("'", [select, {"Ref": table}, ""])
    assert query["Period"] == 60


def test_the_page_about_costs_counts_the_alarms():
    alarms = resources("AWS::CloudWatch::Alarm").values()
    of_queries = sum("Metrics" in alarm for alarm in alarms)
    page = (ROOT / "docs/cost.md").read_text()
    # An alarm on a metric costs a tenth of a dollar a month, one on a query depends on its results.
    assert f"| {len(alarms) - of_queries} alarms on a metric:" in page
    assert f"| {of_queries} alarms on a query" in page
    counted = f"{len(alarms) - of_queries} alarm metrics, {of_queries} alarms on queries"
    assert counted in page
    assert counted in (ROOT / "bench/src/cost.rs").read_text()


def test_the_latency_alarm_needs_no_minimum_of_requests():
    alarm = resources("AWS::CloudWatch::Alarm")["LatencyAlarm"]
    assert alarm["EvaluateLowSampleCountPercentile"] == "evaluate"


def test_the_dashboard_is_json_and_shows_every_alarm():
    (dashboard,) = resources("AWS::CloudWatch::Dashboard").values()
    body = dashboard["DashboardBody"]["Fn::Sub"]
    widgets = json.loads(body)["widgets"]
    alarms = next(w for w in widgets if w["type"] == "alarm")["properties"]["alarms"]
    shown = resources("AWS::CloudWatch::Alarm").keys() - {"DeploymentErrorsAlarm"}
    assert len(alarms) == len(shown)
    assert set(alarms) == {f"${{{name}.Arn}}" for name in shown}


def test_everything_that_can_be_tagged_is():
    untaggable = {
        "AWS::ApiGatewayV2::ApiMapping",
        "AWS::ApiGatewayV2::Integration",
        "AWS::ApiGatewayV2::IntegrationResponse",
        "AWS::ApiGatewayV2::Route",
        "AWS::ApiGatewayV2::RouteResponse",
        "AWS::CloudWatch::Dashboard",
        # SAM makes the rule of a schedule, and gives it no tags.
        "AWS::Events::Rule",
        "AWS::IAM::Policy",
        "AWS::Lambda::Alias",
        "AWS::Lambda::EventInvokeConfig",
        "AWS::Lambda::EventSourceMapping",
        "AWS::Lambda::Permission",
        "AWS::Lambda::Version",
        "AWS::Logs::MetricFilter",
        "AWS::Route53::RecordSet",
    }
    for name, resource in deployed()["Resources"].items():
        if resource["Type"] in untaggable:
            continue
        properties = resource["Properties"]
        if resource["Type"] == "AWS::ApiGatewayV2::Api" and "Body" in properties:
            # SAM writes an API's tags into its OpenAPI document.
            tags = {t["name"]: t["x-amazon-apigateway-tag-value"] for t in properties["Body"]["tags"]}
        elif isinstance(properties["Tags"], dict):
            tags = properties["Tags"]
        else:
            tags = {t["Key"]: t["Value"] for t in properties["Tags"]}
        assert tags["application"] == "connect-sessions", name


# ---- Files besides the template ----


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_samconfig_sets_only_parameters_that_exist(environment):
    settings = tomllib.loads((ROOT / "samconfig.toml").read_text())[environment]
    overrides = settings["deploy"]["parameters"]["parameter_overrides"]
    names = {override.split("=")[0] for override in overrides}
    assert names <= written()["Parameters"].keys()
    assert "CAPABILITY_AUTO_EXPAND" in settings["deploy"]["parameters"]["capabilities"]
    assert settings["global"]["parameters"]["language_extensions"] is True
    assert (environment == "prod") == ("AlarmTopicArn" in names)


def test_env_json_replaces_only_variables_that_stand_in_the_template():
    variables = written()["Globals"]["Function"]["Environment"]["Variables"]
    (scope, values), = json.loads((ROOT / "env.json").read_text()).items()
    assert scope == "Parameters"
    assert values.keys() <= variables.keys()
    assert all(values.values()), "the SDK panics on an empty endpoint"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_has_an_event_for_sam_local(name):
    event = json.loads((ROOT / "events" / f"{crate(name)}.json").read_text())
    if name == "Provision":
        assert "environments" in event
        return
    if name == "RefreshConnections":
        assert event["source"] == "aws.events"
        return
    if name == "GreetWebsocket":
        assert event.keys() == {"connectionId"}
        return
    if name in WEBHOOKS:
        assert all(record["eventSource"] in ["aws:dynamodb", "aws:sqs"] for record in event["Records"])
        return
    assert event["version"] == "2.0"
    assert ROUTES[event["routeKey"]] == name
    method, route = event["routeKey"].split(" ")
    assert event["requestContext"]["routeKey"] == event["routeKey"]
    assert event["requestContext"]["http"]["method"] == method
    assert event["requestContext"]["http"]["path"] == event["rawPath"]
    pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", route)
    parameters = re.fullmatch(pattern, event["rawPath"]).groupdict()
    assert event.get("pathParameters", {}) == parameters


def test_every_output_is_described():
    outputs = deployed()["Outputs"]
    # CloudFormation takes no function here.
    assert all(isinstance(output["Description"], str) for output in outputs.values())
    exported = {name for name, output in outputs.items() if "Export" in output}
    assert exported == {"ApiUrl", "ProvisionFunctionName", "DeliverWebhooksFunctionName"}


def test_the_nested_example_uses_what_the_template_has():
    example = written("examples/nested/template.yaml")
    nested = example["Resources"]["ConnectSessions"]["Properties"]
    location = ROOT / "examples" / "nested" / nested["Location"]
    assert location.resolve() == ROOT / "template.yaml"
    parameters = written()["Parameters"]
    required = {n for n, p in parameters.items() if "Default" not in p}
    assert required <= nested["Parameters"].keys() <= parameters.keys()
    assert example["Parameters"]["Architecture"]["Default"] == parameters["Architecture"]["Default"]
    for output in example["Outputs"].values():
        resource, attribute = output["Value"]["Fn::GetAtt"]
        outputs = {f"Outputs.{name}" for name in deployed()["Outputs"]}
        assert resource == "ConnectSessions" and attribute in outputs
