//! What each function may touch, in the template: exactly the calls that its code makes, and never more than its row of
//! the design.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "clippy takes only functions marked as tests for tests, not their helpers"
)]

use std::collections::BTreeSet;

use apropos_aws::Table;
use apropos_tests::yaml;
use serde_json::Value;

/// What the design lets a function do with a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum May {
    Read,
    Write,
    Both,
}

use May::{Both, Read, Write};

/// One function's row.
struct Row {
    function: &'static str,
    /// The table, what the design allows, and the calls that the code makes. A transaction is authorised as the puts,
    /// updates and deletes in it.
    tables: &'static [(Table, May, &'static [&'static str])],
    /// The queue that starts it.
    takes_from: Option<&'static str>,
    /// Queues that it sends to.
    sends_to: &'static [&'static str],
    /// Secrets that it reads.
    secrets: &'static [&'static str],
    /// Whether it may call SES.
    mails: Mails,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mails {
    Yes,
    No,
}

/// Settings of brands are read by every function that acts for one; `ARCHITECTURE.md` says why they have a table.
const ROWS: [Row; 8] = [
    Row {
        function: "ingest-consents",
        tables: &[
            (Table::Brands, Read, &["GetItem"]),
            (Table::Consents, Both, &["BatchGetItem", "PutItem"]),
            (Table::Standing, Both, &["BatchGetItem", "PutItem", "UpdateItem"]),
            (Table::Audience, Both, &["DeleteItem", "PutItem"]),
            (Table::Customers, Read, &["BatchGetItem"]),
            (Table::Contacts, Read, &["BatchGetItem"]),
            (Table::Requests, Write, &["PutItem"]),
        ],
        takes_from: None,
        sends_to: &["sends"],
        secrets: &[],
        mails: Mails::No,
    },
    Row {
        function: "ingest-context",
        tables: &[
            (Table::Brands, Read, &["GetItem"]),
            (Table::Customers, Both, &["BatchGetItem", "PutItem"]),
            (Table::Standing, Both, &["BatchGetItem", "PutItem", "UpdateItem"]),
            (Table::Audience, Both, &["DeleteItem", "PutItem"]),
            (
                Table::Contacts,
                Both,
                &["BatchGetItem", "DeleteItem", "GetItem", "PutItem"],
            ),
            (Table::Campaigns, Write, &["UpdateItem"]),
            // Beyond the design: yeses that had ended before this context came are ended in the ledger first, else a purchase
            // would revive them.
            (Table::Consents, Both, &["BatchGetItem", "PutItem"]),
            (Table::Suppressions, Read, &["BatchGetItem"]),
            (Table::Links, Write, &["PutItem"]),
            (Table::Requests, Write, &["PutItem"]),
        ],
        takes_from: None,
        sends_to: &[],
        secrets: &["PepperSecret"],
        mails: Mails::No,
    },
    Row {
        function: "run-campaigns",
        tables: &[
            (Table::Brands, Read, &["GetItem"]),
            (Table::Campaigns, Both, &["GetItem", "PutItem", "Query", "UpdateItem"]),
            (Table::Due, Both, &["DeleteItem", "Query"]),
            (Table::Customers, Read, &["BatchGetItem"]),
            (Table::Audience, Read, &["Query"]),
            (Table::Standing, Read, &["BatchGetItem"]),
            (Table::Receipts, Read, &["GetItem", "Query"]),
            (Table::Deliveries, Both, &["GetItem", "Query", "UpdateItem"]),
            (Table::Requests, Write, &["PutItem"]),
        ],
        takes_from: None,
        sends_to: &["pages", "sends"],
        secrets: &[],
        mails: Mails::No,
    },
    Row {
        function: "score-offers",
        tables: &[
            (Table::Brands, Read, &["GetItem"]),
            (Table::Audience, Read, &["Query"]),
            (Table::Customers, Read, &["BatchGetItem"]),
            (Table::Standing, Read, &["BatchGetItem"]),
            (Table::Campaigns, Read, &["GetItem", "Query"]),
            // The design says "w"; a repeated page reads its receipt, to go on from the same cursor.
            (Table::Receipts, Both, &["GetItem", "PutItem"]),
        ],
        takes_from: Some("pages"),
        sends_to: &["pages", "pages-dead", "sends"],
        secrets: &[],
        mails: Mails::No,
    },
    Row {
        function: "send-messages",
        tables: &[
            (Table::Brands, Read, &["GetItem"]),
            (Table::Standing, Both, &["BatchGetItem", "GetItem", "UpdateItem"]),
            (Table::Customers, Read, &["BatchGetItem"]),
            (Table::Contacts, Read, &["BatchGetItem", "GetItem"]),
            (Table::Suppressions, Read, &["BatchGetItem"]),
            // The pace of the account is an item there.
            (Table::Campaigns, Both, &["GetItem", "Query", "UpdateItem"]),
            (Table::Deliveries, Both, &["GetItem", "PutItem", "UpdateItem"]),
            (Table::Due, Write, &["PutItem"]),
            // The design says "w"; a one-time link is made once, and a sign-up waits there for its confirmation.
            (Table::Links, Both, &["DeleteItem", "GetItem", "PutItem", "UpdateItem"]),
        ],
        takes_from: Some("sends"),
        // What it hands back.
        sends_to: &["sends", "sends-dead"],
        secrets: &["LinkKeysSecret", "PepperSecret"],
        mails: Mails::Yes,
    },
    Row {
        function: "record-feedback",
        tables: &[
            (Table::Brands, Read, &["GetItem"]),
            (Table::Deliveries, Both, &["GetItem", "UpdateItem"]),
            (
                Table::Standing,
                Both,
                &["BatchGetItem", "GetItem", "PutItem", "UpdateItem"],
            ),
            (Table::Consents, Both, &["BatchGetItem", "PutItem"]),
            (Table::Suppressions, Both, &["PutItem"]),
            (Table::Audience, Both, &["DeleteItem", "PutItem"]),
            (Table::Customers, Both, &["BatchGetItem", "PutItem"]),
            (Table::Contacts, Read, &["BatchGetItem"]),
        ],
        takes_from: Some("feedback"),
        sends_to: &["feedback-dead"],
        secrets: &["PepperSecret"],
        mails: Mails::No,
    },
    Row {
        function: "customer-portal",
        tables: &[
            (Table::Brands, Read, &["GetItem"]),
            (Table::Links, Both, &["DeleteItem", "GetItem", "PutItem", "UpdateItem"]),
            (
                Table::Consents,
                Both,
                &[
                    "BatchGetItem",
                    "DeleteItem",
                    "GetItem",
                    "PutItem",
                    "Query",
                    "UpdateItem",
                ],
            ),
            (
                Table::Standing,
                Both,
                &["BatchGetItem", "GetItem", "PutItem", "UpdateItem"],
            ),
            (Table::Audience, Both, &["DeleteItem", "PutItem", "Query"]),
            (Table::Customers, Both, &["BatchGetItem", "DeleteItem", "PutItem"]),
            (
                Table::Contacts,
                Both,
                &["BatchGetItem", "DeleteItem", "GetItem", "PutItem"],
            ),
            (Table::Suppressions, Both, &["BatchGetItem", "DeleteItem", "PutItem"]),
            (
                Table::Deliveries,
                Both,
                &["BatchGetItem", "DeleteItem", "GetItem", "PutItem"],
            ),
            (Table::Receipts, Both, &["Query", "UpdateItem"]),
            // Beyond the design: what is due for an erased person goes, and an erasure that is not finished is listed there,
            // as is how far the audience was looked through for lapses.
            (Table::Due, Both, &["BatchGetItem", "DeleteItem", "PutItem", "Query"]),
            // Beyond the design: who corrects their place moves in the directory of cells.
            (Table::Campaigns, Both, &["GetItem", "Query", "UpdateItem"]),
        ],
        takes_from: None,
        sends_to: &["sends"],
        secrets: &["LinkKeysSecret", "PepperSecret"],
        mails: Mails::No,
    },
    Row {
        function: "authorize-brand",
        tables: &[(Table::ApiKeys, Both, &["GetItem", "UpdateItem"])],
        takes_from: None,
        sends_to: &[],
        secrets: &[],
        mails: Mails::No,
    },
];

const IDENTITIES: &str = "arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:identity/*";
const CONFIGURATION_SET: &str =
    "arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:configuration-set/${ConfigurationSet}";
const CLICK_CONFIGURATION_SET: &str =
    "arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:configuration-set/${ClickConfigurationSet}";

/// An action on a resource.
type Right = (String, String);

impl Row {
    fn rights(&self) -> BTreeSet<Right> {
        let mut rights = BTreeSet::new();
        let mut add = |resource: String, service: &str, actions: &[&str]| {
            for action in actions {
                rights.insert((format!("{service}:{action}"), resource.clone()));
            }
        };
        let own_logs = format!("logs of {}", self.function);
        add(own_logs, "logs", &["CreateLogStream", "PutLogEvents"]);
        for (table, _, calls) in self.tables {
            add(format!("table {}", table.suffix()), "dynamodb", calls);
        }
        if let Some(queue) = self.takes_from {
            let taking = ["DeleteMessage", "GetQueueAttributes", "ReceiveMessage"];
            add(format!("queue {queue}"), "sqs", &taking);
        }
        for queue in self.sends_to {
            add(format!("queue {queue}"), "sqs", &["SendMessage"]);
        }
        for secret in self.secrets {
            add(format!("secret {secret}"), "secretsmanager", &["GetSecretValue"]);
        }
        if self.mails == Mails::Yes {
            add(IDENTITIES.to_owned(), "ses", &["SendEmail"]);
            add(CONFIGURATION_SET.to_owned(), "ses", &["SendEmail"]);
            add(CLICK_CONFIGURATION_SET.to_owned(), "ses", &["SendEmail"]);
            // What the account may send; SES knows no narrower resource for it.
            add("*".to_owned(), "ses", &["GetAccount"]);
        }
        rights
    }
}

#[test]
fn each_role_holds_its_row_and_nothing_else() {
    let template = Template::read();
    assert_eq!(
        template.functions().collect::<BTreeSet<_>>(),
        ROWS.iter().map(|row| row.function.to_owned()).collect()
    );
    for row in &ROWS {
        let held = template.role(row.function).rights(&template);
        let wanted = row.rights();
        let missing: Vec<_> = wanted.difference(&held).collect();
        let beyond: Vec<_> = held.difference(&wanted).collect();
        assert!(
            missing.is_empty() && beyond.is_empty(),
            "{}: missing {missing:#?}, beyond its row {beyond:#?}",
            row.function
        );
    }
}

#[test]
fn no_row_goes_beyond_the_design() {
    for row in &ROWS {
        for (table, may, calls) in row.tables {
            assert!(!calls.is_empty(), "{} names {table:?} for nothing", row.function);
            for call in *calls {
                let fits = match *call {
                    "BatchGetItem" | "ConditionCheckItem" | "GetItem" | "Query" => *may != Write,
                    "DeleteItem" | "PutItem" | "UpdateItem" => *may != Read,
                    _ => false,
                };
                assert!(fits, "{} may {may:?} {table:?}, not {call}", row.function);
            }
        }
    }
}

#[test]
fn addresses_and_the_mail_service_are_out_of_reach_of_scoring() {
    let template = Template::read();
    for function in template.functions() {
        let rights = template.role(&function).rights(&template);
        let mails = rights.iter().any(|(action, _)| action.starts_with("ses:"));
        assert_eq!(mails, function == "send-messages", "{function}");
    }
    let scoring = template.role("score-offers").rights(&template);
    assert!(scoring.iter().all(|(_, resource)| resource != "table contacts"));
}

#[test]
fn no_role_has_a_wildcard_but_those_with_a_reason() {
    let template = Template::read();
    for function in template.functions() {
        for (action, resource) in template.role(&function).rights(&template) {
            assert!(!action.contains('*'), "{function}: {action}");
            // Each brand writes from a domain of its own, and an account has no name of its own in SES.
            let excused = function == "send-messages"
                && (resource == IDENTITIES || (action == "ses:GetAccount" && resource == "*"));
            assert!(excused || !resource.contains('*'), "{function}: {action} on {resource}");
        }
    }
}

#[test]
fn only_lambda_takes_on_a_role_and_it_carries_no_policy_from_elsewhere() {
    let template = Template::read();
    for function in template.functions() {
        let role = template.role(&function);
        assert_eq!(
            role.0.pointer("/AssumeRolePolicyDocument/Statement").unwrap(),
            &serde_json::json!([{
                "Effect": "Allow",
                "Principal": { "Service": "lambda.amazonaws.com" },
                "Action": "sts:AssumeRole",
            }])
        );
        assert!(role.0.get("ManagedPolicyArns").is_none(), "{function}");
    }
}

/// The template as values.
struct Template(Value);

impl Template {
    fn read() -> Self {
        Self(yaml::read("infra/template.yaml"))
    }

    /// The properties of a resource of a type.
    fn properties(&self, kind: &str, id: &str) -> &Value {
        let resource = self.0.pointer(&format!("/Resources/{id}"));
        let resource = resource.unwrap_or_else(|| panic!("no resource {id}"));
        assert_eq!(resource.get("Type").and_then(Value::as_str), Some(kind), "{id}");
        resource.get("Properties").unwrap()
    }

    /// The names of the functions, without the stack's.
    fn functions(&self) -> impl Iterator<Item = String> {
        let resources = self.0.get("Resources").and_then(Value::as_object).unwrap();
        resources
            .values()
            .filter(|resource| resource.get("Type").and_then(Value::as_str) == Some("AWS::Serverless::Function"))
            .map(|resource| own_name(resource.pointer("/Properties/FunctionName").unwrap(), ""))
    }

    fn function(&self, name: &str) -> &Value {
        self.properties("AWS::Serverless::Function", &format!("{}Function", pascal(name)))
    }

    /// The role that a function names.
    fn role(&self, function: &str) -> Role<'_> {
        let id = attribute_of(self.function(function).get("Role").unwrap(), "Arn");
        let role = self.properties("AWS::IAM::Role", id);
        // One role a function.
        assert_eq!(id, format!("{}Role", pascal(function)));
        Role(role)
    }

    /// What a resource of a statement is, in words.
    fn resource(&self, resource: &Value) -> String {
        if let Some(text) = resource.get("Fn::Sub").and_then(Value::as_str) {
            return text.to_owned();
        }
        if let Some(text) = resource.as_str() {
            return text.to_owned();
        }
        if let Some(attribute) = resource.get("Fn::GetAtt").and_then(Value::as_str) {
            let (id, attribute) = attribute.split_once('.').unwrap();
            let kind = self.0.pointer(&format!("/Resources/{id}/Type")).unwrap();
            let properties = |kind, name| self.properties(kind, id).get(name).unwrap();
            return match (kind.as_str().unwrap(), attribute) {
                (kind @ "AWS::DynamoDB::Table", "Arn") => {
                    format!("table {}", own_name(properties(kind, "TableName"), ""))
                }
                (kind @ "AWS::SQS::Queue", "Arn") => format!("queue {}", own_name(properties(kind, "QueueName"), "")),
                (kind @ "AWS::Logs::LogGroup", "Arn") => {
                    format!("logs of {}", own_name(properties(kind, "LogGroupName"), "/aws/lambda/"))
                }
                ("AWS::SecretsManager::Secret", "Id") => format!("secret {id}"),
                other => panic!("{other:?} of {id} is not the ARN of anything a function may touch"),
            };
        }
        panic!("{resource} is neither an attribute nor a text")
    }
}

/// A role's properties.
struct Role<'a>(&'a Value);

impl Role<'_> {
    fn rights(&self, template: &Template) -> BTreeSet<Right> {
        let mut rights = BTreeSet::new();
        for policy in list(self.0.get("Policies").unwrap()) {
            for statement in list(policy.pointer("/PolicyDocument/Statement").unwrap()) {
                assert_eq!(statement.get("Effect").unwrap(), "Allow");
                for action in list(statement.get("Action").unwrap()) {
                    for resource in list(statement.get("Resource").unwrap()) {
                        rights.insert((action.as_str().unwrap().to_owned(), template.resource(resource)));
                    }
                }
            }
        }
        rights
    }
}

/// A policy may say one thing where it could say several.
fn list(value: &Value) -> &[Value] {
    value
        .as_array()
        .map_or_else(|| std::slice::from_ref(value), Vec::as_slice)
}

/// `ingest-consents` in `/aws/lambda/${AWS::StackName}-ingest-consents`.
fn own_name(name: &Value, before: &str) -> String {
    let name = name.get("Fn::Sub").and_then(Value::as_str).unwrap();
    let own = name
        .strip_prefix(before)
        .and_then(|name| name.strip_prefix("${AWS::StackName}-"));
    own.unwrap_or_else(|| panic!("{name} does not begin with the stack's name"))
        .to_owned()
}

fn attribute_of<'a>(value: &'a Value, attribute: &str) -> &'a str {
    let found = value.get("Fn::GetAtt").and_then(Value::as_str).unwrap();
    found.strip_suffix(&format!(".{attribute}")).unwrap()
}

fn pascal(name: &str) -> String {
    name.split('-')
        .map(|word| word.get(..1).unwrap().to_uppercase() + word.get(1..).unwrap())
        .collect()
}
