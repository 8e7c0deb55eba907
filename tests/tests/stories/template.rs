//! What the template says besides roles: that tables keep what they must, that queues lose nothing, that functions get the
//! settings they read, and that nothing on the way names a person.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "clippy takes only functions marked as tests for tests, not their helpers"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use apropos_aws::{PK, SK, TTL, Table};
use apropos_local::gateway::ROUTES;
use apropos_tests::yaml;
use serde_json::{Value, json};

#[test]
fn every_table_is_kept_encrypted_and_restorable() {
    let template = Template::read();
    let mut found = BTreeSet::new();
    for (id, resource) in template.of_type("AWS::DynamoDB::Table") {
        let property = |path: &str| resource.pointer(&format!("/Properties/{path}"));
        let suffix = own_name(property("TableName").unwrap());
        let table = Table::ALL.into_iter().find(|table| table.suffix() == suffix);
        let table = table.unwrap_or_else(|| panic!("no code knows a table {suffix}"));
        found.insert(suffix);
        // A failed first creation leaves no table behind; nothing else deletes one.
        assert_eq!(resource["DeletionPolicy"], "RetainExceptOnCreate", "{id}");
        assert_eq!(resource["UpdateReplacePolicy"], "Retain", "{id}");
        assert_eq!(property("BillingMode").unwrap(), "PAY_PER_REQUEST", "{id}");
        assert_eq!(
            property("PointInTimeRecoverySpecification/PointInTimeRecoveryEnabled").unwrap(),
            true,
            "{id}"
        );
        assert_eq!(
            property("SSESpecification").unwrap(),
            &json!({ "SSEEnabled": true, "SSEType": "KMS", "KMSMasterKeyId": { "Fn::GetAtt": "DataKey.Arn" } }),
            "{id}"
        );
        assert_eq!(
            property("DeletionProtectionEnabled").unwrap(),
            &json!({ "Ref": "DeletionProtection" }),
            "{id}"
        );
        let mut keys = vec![json!({ "AttributeName": PK, "KeyType": "HASH" })];
        if table.is_sorted() {
            keys.push(json!({ "AttributeName": SK, "KeyType": "RANGE" }));
        }
        assert_eq!(property("KeySchema").unwrap(), &Value::Array(keys), "{id}");
        let expires = matches!(
            table,
            Table::Deliveries | Table::Due | Table::Links | Table::Receipts | Table::Requests
        );
        let ttl = expires.then(|| json!({ "AttributeName": TTL, "Enabled": true }));
        assert_eq!(property("TimeToLiveSpecification").cloned(), ttl, "{id}");
    }
    let all: BTreeSet<_> = Table::ALL.iter().map(|table| table.suffix().to_owned()).collect();
    assert_eq!(found, all);
}

#[test]
fn what_holds_proof_or_secrets_outlives_the_stack() {
    let template = Template::read();
    for kind in ["AWS::KMS::Key", "AWS::SecretsManager::Secret"] {
        for (id, resource) in template.of_type(kind) {
            assert_eq!(resource["DeletionPolicy"], "RetainExceptOnCreate", "{id}");
            assert_eq!(resource["UpdateReplacePolicy"], "Retain", "{id}");
        }
    }
}

#[test]
fn a_message_stays_hidden_six_times_as_long_as_its_function_may_run() {
    let template = Template::read();
    let sources: Vec<_> = template.of_type("AWS::Lambda::EventSourceMapping").collect();
    assert_eq!(sources.len(), 3);
    for (id, source) in sources {
        let queue = attribute_of(&source["Properties"]["EventSourceArn"], "Arn");
        let function = source["Properties"]["FunctionName"]["Ref"].as_str().unwrap();
        let hidden = template.property(queue, "VisibilityTimeout").as_i64().unwrap();
        let runs = template.property(function, "Timeout").as_i64().unwrap();
        assert!(
            hidden >= 6 * runs,
            "{id}: hidden for {hidden} s, {function} may run {runs} s"
        );
    }
}

#[test]
fn one_bad_message_never_fails_its_batch() {
    let template = Template::read();
    for (id, source) in template.of_type("AWS::Lambda::EventSourceMapping") {
        assert_eq!(
            source["Properties"]["FunctionResponseTypes"],
            json!(["ReportBatchItemFailures"]),
            "{id}"
        );
    }
}

#[test]
fn every_queue_has_a_dead_letter_queue_that_takes_from_it_alone_and_raises_an_alarm() {
    let template = Template::read();
    let queues: BTreeMap<_, _> = template.of_type("AWS::SQS::Queue").collect();
    let alarms: BTreeSet<_> = template
        .of_type("AWS::CloudWatch::Alarm")
        .filter(|(_, alarm)| alarm["Properties"]["MetricName"] == "ApproximateNumberOfMessagesVisible")
        .map(|(_, alarm)| attribute_of(&alarm["Properties"]["Dimensions"][0]["Value"], "QueueName").to_owned())
        .collect();
    let (live, dead): (Vec<_>, Vec<_>) = queues
        .iter()
        .partition(|(_, queue)| queue["Properties"].get("RedrivePolicy").is_some());
    assert_eq!(live.len(), 3);
    assert_eq!(live.len(), dead.len());
    for (id, queue) in live {
        let redrive = &queue["Properties"]["RedrivePolicy"];
        assert_eq!(redrive["maxReceiveCount"], 5, "{id}");
        let letters = attribute_of(&redrive["deadLetterTargetArn"], "Arn");
        let name = own_name(&queue["Properties"]["QueueName"]);
        let arn =
            format!("arn:${{AWS::Partition}}:sqs:${{AWS::Region}}:${{AWS::AccountId}}:${{AWS::StackName}}-{name}");
        assert_eq!(
            queues[letters]["Properties"]["RedriveAllowPolicy"],
            json!({ "redrivePermission": "byQueue", "sourceQueueArns": [{ "Fn::Sub": arn }] }),
            "{letters}"
        );
        assert_eq!(queues[letters]["Properties"]["MessageRetentionPeriod"], 14 * 86_400);
        assert!(alarms.contains(letters), "nobody hears of {letters}");
    }
    for (id, queue) in &queues {
        assert_eq!(queue["Properties"]["SqsManagedSseEnabled"], true, "{id}");
    }
}

#[test]
fn each_function_is_given_the_settings_that_it_reads_and_no_other() {
    let template = Template::read();
    let common = variables(template.0.pointer("/Globals/Function/Environment/Variables"));
    assert_eq!(common, ["APROPOS_TABLE_PREFIX", "RUST_LOG"].map(str::to_owned).into());
    for package in packages() {
        let id = format!("{}Function", pascal(&package));
        let given = variables(
            template
                .0
                .pointer(&format!("/Resources/{id}/Properties/Environment/Variables")),
        );
        let settings = source(&package).join("settings.rs");
        let settings = std::fs::read_to_string(settings).unwrap();
        // Every function opens the tables, whose prefix `apropos_aws::tables` reads.
        assert!(settings.contains("tables("), "{package}");
        let read: BTreeSet<_> = settings
            .split('"')
            .filter(|text| text.starts_with("APROPOS_"))
            .map(on_lambda)
            .collect();
        assert_eq!(given, read, "{package}");
    }
}

/// A secret is given by its ARN on Lambda and by its value on one machine: one setting, two names.
fn on_lambda(variable: &str) -> String {
    match variable {
        "APROPOS_LINK_KEYS" | "APROPOS_PEPPER" => format!("{variable}_SECRET"),
        other => other.to_owned(),
    }
}

#[test]
fn every_package_is_deployed_from_where_it_is_built_and_logs_into_its_own_group() {
    let template = Template::read();
    let deployed: BTreeSet<_> = template
        .of_type("AWS::Serverless::Function")
        .map(|(_, function)| own_name(&function["Properties"]["FunctionName"]))
        .collect();
    assert_eq!(deployed, packages());
    for package in packages() {
        let id = format!("{}Function", pascal(&package));
        assert_eq!(
            template.property(&id, "CodeUri"),
            format!("../target/lambda/{package}/").as_str()
        );
        assert_eq!(own_name(template.property(&id, "FunctionName")), package);
        let logs = template.property(&id, "LoggingConfig")["LogGroup"]["Ref"]
            .as_str()
            .unwrap();
        assert_eq!(
            template.property(logs, "LogGroupName")["Fn::Sub"],
            format!("/aws/lambda/${{AWS::StackName}}-{package}")
        );
        assert!(template.property(logs, "RetentionInDays").is_object(), "{logs}");
    }
}

#[test]
fn no_secret_is_in_the_environment() {
    let template = Template::read();
    for (id, function) in template.of_type("AWS::Serverless::Function") {
        let Some(given) = function.pointer("/Properties/Environment/Variables") else {
            continue;
        };
        assert!(!given.to_string().contains("resolve:"), "{id}");
        for (name, value) in given.as_object().unwrap() {
            let is_arn = value["Fn::GetAtt"]
                .as_str()
                .is_some_and(|name| name.ends_with("Secret.Id"));
            assert_eq!(is_arn, name.ends_with("_SECRET"), "{id}: {name}");
        }
    }
}

#[test]
fn pages_that_need_no_key_are_throttled() {
    let template = Template::read();
    let public: BTreeSet<_> = ROUTES
        .iter()
        .filter(|route| route.scope.is_none())
        .map(|route| format!("{} {}", route.method, route.pattern))
        .collect();
    let settings = template.property("ApiStage", "RouteSettings").as_object().unwrap();
    assert_eq!(settings.keys().cloned().collect::<BTreeSet<_>>(), public);
    for (route, settings) in settings {
        assert_eq!(settings["ThrottlingRateLimit"], 50, "{route}");
        assert_eq!(settings["ThrottlingBurstLimit"], 100, "{route}");
    }
    // API Gateway refuses settings of a route that is not there yet.
    let waits: BTreeSet<_> = template.0["Resources"]["ApiStage"]["DependsOn"]
        .as_array()
        .unwrap()
        .iter()
        .map(|id| {
            template
                .property(id.as_str().unwrap(), "RouteKey")
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(waits, public);
}

#[test]
fn each_route_reaches_the_function_that_answers_it_on_one_machine() {
    let template = Template::read();
    let mut found = BTreeMap::new();
    for (id, route) in template.of_type("AWS::ApiGatewayV2::Route") {
        let target = route["Properties"]["Target"]["Fn::Sub"].as_str().unwrap();
        let integration = target
            .strip_prefix("integrations/${")
            .and_then(|target| target.strip_suffix('}'))
            .unwrap_or_else(|| panic!("{id} leads to {target}"));
        let function = attribute_of(template.property(integration, "IntegrationUri"), "Arn");
        let may_call = template.of_type("AWS::Lambda::Permission").any(|(_, permission)| {
            permission["Properties"]["FunctionName"]["Ref"] == function
                && permission["Properties"]["Principal"] == "apigateway.amazonaws.com"
        });
        assert!(may_call, "the API may not call {function}");
        let key = route["Properties"]["RouteKey"].as_str().unwrap().to_owned();
        let is_public = route["Properties"].get("AuthorizerId").is_none();
        found.insert(key, (function.to_owned(), is_public));
    }
    let local = ROUTES
        .iter()
        .map(|route| {
            let key = format!("{} {}", route.method, route.pattern);
            (key, (format!("{:?}Function", route.function), route.scope.is_none()))
        })
        .collect();
    assert_eq!(found, local);
}

#[test]
fn the_access_log_knows_routes_but_no_path_query_or_address() {
    let template = Template::read();
    let format = template.property("ApiStage", "AccessLogSettings")["Format"]
        .as_str()
        .unwrap();
    let line: BTreeMap<String, String> = serde_json::from_str(format).unwrap();
    let logged: BTreeSet<_> = line.values().map(String::as_str).collect();
    assert_eq!(
        logged,
        BTreeSet::from([
            "$context.authorizer.error",
            "$context.integrationErrorMessage",
            "$context.integrationLatency",
            "$context.requestId",
            "$context.requestTime",
            "$context.responseLatency",
            "$context.responseLength",
            "$context.routeKey",
            "$context.status",
        ])
    );
}

#[test]
fn opens_are_tracked_never_and_clicks_only_by_the_set_for_those_who_agreed() {
    let template = Template::read();
    let sets: BTreeSet<String> = template
        .of_type("AWS::SES::ConfigurationSet")
        .map(|(id, set)| {
            let set = &set["Properties"];
            assert!(set.get("TrackingOptions").is_none(), "{id}");
            assert_eq!(
                set["VdmOptions"]["DashboardOptions"]["EngagementMetrics"], "DISABLED",
                "{id}"
            );
            // A complaint to one brand must not silence another: I9.
            assert_eq!(
                set["SuppressionOptions"]["SuppressedReasons"],
                json!(["BOUNCE"]),
                "{id}"
            );
            id.to_owned()
        })
        .collect();
    let mut told = BTreeSet::new();
    for (id, destination) in template.of_type("AWS::SES::ConfigurationSetEventDestination") {
        let destination = &destination["Properties"];
        let set = destination["ConfigurationSetName"]["Ref"].as_str().unwrap();
        let events = destination["EventDestination"]["MatchingEventTypes"]
            .as_array()
            .unwrap();
        assert!(!events.contains(&json!("OPEN")), "{id}");
        assert_eq!(events.contains(&json!("CLICK")), set == "ClickConfigurationSet", "{id}");
        // Whichever set sent it, the rest of its fate is heard of.
        for event in ["SEND", "REJECT", "RENDERING_FAILURE", "BOUNCE", "COMPLAINT"] {
            assert!(events.contains(&json!(event)), "{id}: {event}");
        }
        let topic = json!({ "TopicARN": { "Ref": "FeedbackTopic" } });
        assert_eq!(destination["EventDestination"]["SnsDestination"], topic, "{id}");
        told.insert(set.to_owned());
    }
    assert_eq!(told, sets);
    let environment = template.property("SendMessagesFunction", "Environment");
    let set = |name: &str| environment["Variables"][name]["Ref"].as_str().unwrap().to_owned();
    assert_eq!(set("APROPOS_CONFIGURATION_SET"), "ConfigurationSet");
    assert_eq!(set("APROPOS_CLICK_CONFIGURATION_SET"), "ClickConfigurationSet");
}

#[test]
fn only_our_configuration_sets_and_topic_can_bring_feedback() {
    let template = Template::read();
    let statement = |id: &str| {
        template.property(id, "PolicyDocument")["Statement"]
            .as_array()
            .unwrap()
            .clone()
    };
    let topic = statement("FeedbackTopicPolicy");
    assert_eq!(topic.len(), 1);
    let account = json!({ "Ref": "AWS::AccountId" });
    let sets = ["ConfigurationSet", "ClickConfigurationSet"].map(|set| {
        let of_account = "arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:configuration-set";
        json!({ "Fn::Sub": format!("{of_account}/${{{set}}}") })
    });
    assert_eq!(
        topic[0]["Condition"],
        json!({ "StringEquals": { "aws:SourceAccount": account, "aws:SourceArn": sets } })
    );
    let queue = statement("FeedbackQueuePolicy");
    assert_eq!(queue.len(), 1);
    assert_eq!(
        queue[0]["Condition"],
        json!({ "ArnEquals": { "aws:SourceArn": { "Ref": "FeedbackTopic" } } })
    );
}

#[test]
fn what_is_counted_from_logs_is_what_the_function_logs() {
    let template = Template::read();
    let mut filters = 0;
    for (id, filter) in template.of_type("AWS::Logs::MetricFilter") {
        let logs = filter["Properties"]["LogGroupName"]["Ref"].as_str().unwrap();
        let group = template.property(logs, "LogGroupName")["Fn::Sub"].as_str().unwrap();
        let package = group.strip_prefix("/aws/lambda/${AWS::StackName}-").unwrap();
        let code: String = std::fs::read_dir(source(package))
            .unwrap()
            .map(|file| file.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
            .map(|path| std::fs::read_to_string(path).unwrap())
            .collect();
        let pattern = filter["Properties"]["FilterPattern"].as_str().unwrap();
        let message = pattern
            .strip_prefix("{ $.fields.message = ")
            .and_then(|rest| rest.strip_suffix(" }"))
            .unwrap_or_else(|| panic!("{id}: {pattern}"));
        assert!(code.contains(message), "{package} never logs {message}");
        let value = filter["Properties"]["MetricTransformations"][0]["MetricValue"]
            .as_str()
            .unwrap();
        if let Some(field) = value.strip_prefix("$.fields.") {
            assert!(code.contains(&format!("{field} = ")), "{package} never logs {field}");
        }
        filters += 1;
    }
    assert!(filters > 0);
}

#[test]
fn ses_is_watched_at_five_percent_of_bounces_and_one_in_a_thousand_complaints() {
    let template = Template::read();
    for (id, metric, threshold) in [
        ("BounceRateAlarm", "Reputation.BounceRate", json!(0.05)),
        ("ComplaintRateAlarm", "Reputation.ComplaintRate", json!(0.001)),
    ] {
        assert_eq!(template.property(id, "MetricName"), metric);
        assert_eq!(template.property(id, "Threshold"), &threshold);
    }
    for (id, alarm) in template.of_type("AWS::CloudWatch::Alarm") {
        assert_eq!(
            alarm["Properties"]["AlarmActions"],
            json!([{ "Ref": "AlarmTopic" }]),
            "{id}"
        );
    }
    let watched: BTreeSet<_> = template
        .of_type("AWS::CloudWatch::Alarm")
        .filter(|(_, alarm)| alarm["Properties"]["MetricName"] == "Errors")
        .map(|(_, alarm)| {
            alarm["Properties"]["Dimensions"][0]["Value"]["Ref"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    let functions: BTreeSet<_> = template
        .of_type("AWS::Serverless::Function")
        .map(|(id, _)| id.to_owned())
        .collect();
    assert_eq!(watched, functions);
}

#[test]
fn the_dashboard_is_json_once_its_names_are_filled_in() {
    let template = Template::read();
    let body = template.property("Dashboard", "DashboardBody")["Fn::Sub"]
        .as_str()
        .unwrap();
    let body: Value = serde_json::from_str(body).unwrap();
    let widgets = body["widgets"].as_array().unwrap();
    assert!(widgets.len() >= 8, "{}", widgets.len());
    let text = body.to_string();
    for (id, function) in template.of_type("AWS::Serverless::Function") {
        let name = own_name(&function["Properties"]["FunctionName"]);
        assert!(
            text.contains(&format!("${{AWS::StackName}}-{name}\"")),
            "{id} is not on it"
        );
    }
}

/// The template as values.
struct Template(Value);

impl Template {
    fn read() -> Self {
        Self(yaml::read("infra/template.yaml"))
    }

    fn of_type(&self, kind: &str) -> impl Iterator<Item = (&str, &Value)> {
        let resources = self.0.get("Resources").and_then(Value::as_object).unwrap();
        resources
            .iter()
            .filter(move |(_, resource)| resource["Type"] == kind)
            .map(|(id, resource)| (id.as_str(), resource))
    }

    fn property(&self, id: &str, name: &str) -> &Value {
        let property = self.0.pointer(&format!("/Resources/{id}/Properties/{name}"));
        property.unwrap_or_else(|| panic!("{id} has no {name}"))
    }
}

fn variables(of: Option<&Value>) -> BTreeSet<String> {
    of.and_then(Value::as_object)
        .map(|variables| variables.keys().cloned().collect())
        .unwrap_or_default()
}

/// The folders of `functions`.
fn packages() -> BTreeSet<String> {
    let folders: BTreeSet<_> = std::fs::read_dir(root().join("functions"))
        .unwrap()
        .map(|folder| folder.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(!folders.is_empty());
    folders
}

fn source(package: &str) -> PathBuf {
    root().join("functions").join(package).join("src")
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// `pages` in `${AWS::StackName}-pages`.
fn own_name(name: &Value) -> String {
    let name = name["Fn::Sub"].as_str().unwrap();
    let own = name.strip_prefix("${AWS::StackName}-");
    own.unwrap_or_else(|| panic!("{name} does not begin with the stack's name"))
        .to_owned()
}

fn attribute_of<'a>(value: &'a Value, attribute: &str) -> &'a str {
    let found = value["Fn::GetAtt"].as_str().unwrap();
    found
        .strip_suffix(&format!(".{attribute}"))
        .unwrap_or_else(|| panic!("{found} is not the {attribute} of a resource"))
}

fn pascal(name: &str) -> String {
    name.split('-')
        .map(|word| word.get(..1).unwrap().to_uppercase() + word.get(1..).unwrap())
        .collect()
}
