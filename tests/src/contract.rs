//! The contract of the API, `infra/openapi.yaml`: its operations, their examples, and whether a value fits a schema.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "clippy takes only functions marked as tests for tests, not what they share"
)]

use std::collections::BTreeSet;

use apropos_local::gateway::Route;
use serde_json::{Map, Value, json};

/// The methods that a page answers: a public route takes any, and the function refuses the others.
pub const METHODS_OF_A_PAGE: [&str; 4] = ["GET", "HEAD", "OPTIONS", "POST"];

/// The document, as JSON.
#[derive(Debug)]
pub struct Contract(Value);

/// A method of a path.
#[derive(Debug, Clone, Copy)]
pub struct Operation<'a> {
    contract: &'a Contract,
    /// In lower case, as the document has it.
    method: &'a str,
    /// With its named parts: `/v1/campaigns/{campaign}`.
    pub path: &'a str,
    /// What is common to the path's methods.
    shared: &'a Value,
    document: &'a Value,
}

/// What an operation answers with one status.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// The status, as text.
    pub status: &'a str,
    /// Whether other operations answer so too.
    pub is_shared: bool,
    contract: &'a Contract,
    document: &'a Value,
}

impl Contract {
    /// Reads it.
    #[must_use]
    pub fn read() -> Self {
        Self(crate::yaml::read("infra/openapi.yaml"))
    }

    /// Every operation.
    #[must_use]
    pub fn operations(&self) -> Vec<Operation<'_>> {
        let paths = self.0.get("paths").and_then(Value::as_object).expect("there are paths");
        let methods = ["get", "head", "post", "options", "put", "delete", "patch", "trace"];
        paths
            .iter()
            .flat_map(|(path, shared)| {
                methods.into_iter().filter_map(move |method| {
                    Some(Operation {
                        contract: self,
                        method,
                        path,
                        shared,
                        document: shared.get(method)?,
                    })
                })
            })
            .collect()
    }

    /// The operation with this id.
    #[must_use]
    pub fn operation(&self, id: &str) -> Operation<'_> {
        let mut operations = self.operations().into_iter();
        operations
            .find(|operation| operation.id() == id)
            .unwrap_or_else(|| panic!("the contract has no operation {id}"))
    }

    /// A schema of `components`.
    #[must_use]
    pub fn schema(&self, name: &str) -> &Value {
        self.0
            .pointer(&format!("/components/schemas/{name}"))
            .unwrap_or_else(|| panic!("the contract has no schema {name}"))
    }

    /// The words of a schema's `enum`.
    #[must_use]
    pub fn words(&self, schema: &str) -> Vec<&str> {
        let words = self.schema(schema).get("enum").and_then(Value::as_array);
        words
            .expect("the schema lists words")
            .iter()
            .filter_map(Value::as_str)
            .collect()
    }

    /// What is wrong with a value by a schema of the document.
    #[must_use]
    pub fn faults(&self, schema: &Value, value: &Value) -> Vec<String> {
        let whole = json!({ "allOf": [schema], "components": self.0.get("components") });
        let validator = jsonschema::options()
            .with_draft(jsonschema::Draft::Draft202012)
            .should_validate_formats(true)
            .build(&whole)
            .expect("the schema is one");
        validator
            .iter_errors(value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect()
    }

    /// What a `$ref` stands for, if it is one.
    fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value.get("$ref").and_then(Value::as_str) {
            Some(reference) => {
                let pointer = reference.strip_prefix('#').expect("it is within the document");
                self.0.pointer(pointer).expect("it leads somewhere")
            }
            None => value,
        }
    }
}

impl<'a> Operation<'a> {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> &'a str {
        let id = self.document.get("operationId").and_then(Value::as_str);
        id.expect("the operation has an id")
    }

    /// The method in upper case.
    #[must_use]
    pub fn method(&self) -> String {
        self.method.to_ascii_uppercase()
    }

    /// Whether it needs a key.
    #[must_use]
    pub fn needs_a_key(&self) -> bool {
        self.document.get("security") != Some(&json!([]))
    }

    /// The scope that the key needs.
    #[must_use]
    pub fn scope(&self) -> Option<&'a str> {
        self.document.get("x-apropos-scope").and_then(Value::as_str)
    }

    /// The schema and the examples of its body in a media type.
    #[must_use]
    pub fn body(&self, media_type: &str) -> Option<(&'a Value, Vec<(&'a str, &'a Value)>)> {
        let body = self.contract.resolved(self.document.get("requestBody")?);
        let content = body.get("content")?.get(media_type)?;
        Some((content.get("schema")?, examples(content)))
    }

    /// What it answers.
    #[must_use]
    pub fn answers(&self) -> Vec<Answer<'a>> {
        let answers = self.document.get("responses").and_then(Value::as_object);
        answers
            .expect("the operation answers")
            .iter()
            .map(|(status, answer)| self.answer_of(status, answer))
            .collect()
    }

    /// What it answers with a status.
    #[must_use]
    pub fn answer(&self, status: u16) -> Option<Answer<'a>> {
        let wanted = status.to_string();
        self.answers().into_iter().find(|answer| answer.status == wanted)
    }

    /// What it answers to methods that it does not describe.
    #[must_use]
    pub fn answer_to_other_methods(&self) -> Option<Answer<'a>> {
        let answer = self.shared.get("x-apropos-other-methods")?;
        Some(self.answer_of("405", answer))
    }

    fn answer_of(&self, status: &'a str, answer: &'a Value) -> Answer<'a> {
        Answer {
            status,
            is_shared: answer.get("$ref").is_some(),
            contract: self.contract,
            document: self.contract.resolved(answer),
        }
    }

    /// The path and query with the parameters' examples of this name, or else their example `usual`.
    #[must_use]
    pub fn target(&self, example: &str) -> String {
        let mut path = self.path.to_owned();
        let mut query = Vec::new();
        for parameter in self.parameters() {
            let text = |key: &str| parameter.get(key).and_then(Value::as_str);
            if text("in") == Some("header") {
                continue;
            }
            let name = text("name").expect("a parameter has a name");
            let named = examples(parameter);
            let value = named
                .iter()
                .find(|(each, _)| *each == example)
                .or_else(|| named.iter().find(|(each, _)| *each == "usual"))
                .map(|(_, value)| *value)
                .or_else(|| parameter.get("example"))
                .and_then(Value::as_str)
                .expect("the parameter has examples");
            match text("in") {
                Some("path") => path = path.replace(&format!("{{{name}}}"), value),
                _ => query.push(format!("{name}={value}")),
            }
        }
        if query.is_empty() {
            path
        } else {
            format!("{path}?{}", query.join("&"))
        }
    }

    /// The examples of its parameters, each with the schema that it is of.
    #[must_use]
    pub fn parameter_examples(&self) -> Vec<(&'a Value, &'a Value)> {
        self.parameters()
            .into_iter()
            .filter_map(|parameter| Some((parameter.get("schema")?, parameter)))
            .flat_map(|(schema, parameter)| {
                examples(parameter)
                    .into_iter()
                    .map(|(_, value)| value)
                    .chain(parameter.get("example"))
                    .map(move |value| (schema, value))
            })
            .collect()
    }

    fn parameters(&self) -> Vec<&'a Value> {
        let of = |document: &'a Value| document.get("parameters").and_then(Value::as_array);
        [of(self.shared), of(self.document)]
            .into_iter()
            .flatten()
            .flatten()
            .map(|parameter| self.contract.resolved(parameter))
            .collect()
    }
}

impl<'a> Answer<'a> {
    /// The media types, each with its schema and what stands beside it.
    #[must_use]
    pub fn content(&self) -> Option<&'a Map<String, Value>> {
        self.document.get("content").and_then(Value::as_object)
    }

    /// The headers that it must have.
    #[must_use]
    pub fn headers(&self) -> Vec<(&'a str, &'a Value)> {
        let headers = self.document.get("headers").and_then(Value::as_object);
        headers
            .into_iter()
            .flatten()
            .map(|(name, header)| (name.as_str(), self.contract.resolved(header)))
            .collect()
    }

    /// The schema of a media type.
    #[must_use]
    pub fn schema(&self, media_type: &str) -> Option<&'a Value> {
        self.content()?.get(media_type)?.get("schema")
    }

    /// The checked examples, over all media types: media type, name and value.
    #[must_use]
    pub fn examples(&self) -> Vec<(&'a str, &'a str, &'a Value)> {
        let content = self.content().into_iter().flatten();
        content
            .flat_map(|(media_type, content)| {
                examples(content)
                    .into_iter()
                    .map(move |(name, value)| (media_type.as_str(), name, value))
            })
            .collect()
    }

    /// Every example, checked or not, with its schema.
    #[must_use]
    pub fn illustrations(&self) -> Vec<(&'a Value, &'a Value)> {
        let content = self.content().into_iter().flat_map(Map::values);
        content
            .filter_map(|content| Some((content.get("schema")?, content)))
            .flat_map(|(schema, content)| {
                examples(content)
                    .into_iter()
                    .map(|(_, value)| value)
                    .chain(content.get("example"))
                    .map(move |value| (schema, value))
            })
            .collect()
    }
}

/// The named examples beside a schema.
fn examples(document: &Value) -> Vec<(&str, &Value)> {
    let named = document.get("examples").and_then(Value::as_object);
    named
        .into_iter()
        .flatten()
        .filter_map(|(name, example)| Some((name.as_str(), example.get("value")?)))
        .collect()
}

/// A set of methods with their paths.
pub type Calls = BTreeSet<(String, String)>;

/// What routes answer, a public route being the methods of a page.
#[must_use]
pub fn calls<'a>(routes: impl IntoIterator<Item = (&'a str, &'a str)>) -> Calls {
    let call = |method: &str, path: &str| (method.to_owned(), path.to_owned());
    routes
        .into_iter()
        .flat_map(|(method, path)| match method {
            "ANY" => METHODS_OF_A_PAGE.into_iter().map(|method| call(method, path)).collect(),
            method => vec![call(method, path)],
        })
        .collect()
}

/// What the local gateway's routes answer.
#[must_use]
pub fn calls_of_routes(routes: &[Route]) -> Calls {
    calls(routes.iter().map(|route| (route.method, route.pattern)))
}

/// What the contract describes.
#[must_use]
pub fn calls_of_contract(contract: &Contract) -> Calls {
    contract
        .operations()
        .iter()
        .map(|operation| (operation.method(), operation.path.to_owned()))
        .collect()
}
