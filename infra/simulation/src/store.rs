//! The embedded DynamoDB in this process: its typed operations, called as its own server would, without a socket.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use apropos_aws::Table;
use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::network::{self, PREFIX};

/// An answer as the service would send it.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// The value of `x-amzn-errortype`, where SES says it.
    pub(crate) kind: Option<&'static str>,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn ok(body: impl Into<String>) -> Self {
        Self {
            status: 200,
            kind: None,
            body: body.into(),
        }
    }

    /// An error of a service that speaks AWS JSON.
    pub(crate) fn error(status: u16, kind: &str) -> Self {
        Self {
            status,
            kind: None,
            body: format!(r#"{{"__type":"com.amazonaws.dynamodb.v20120810#{kind}","message":"as the schedule says"}}"#),
        }
    }
}

/// A database, and one that lags behind it for reads that may be stale.
pub(crate) struct Store {
    database: Database,
    replica: Database,
    template: Option<Template>,
    written: Vec<Write>,
    replayed: usize,
    /// What reads were answered since the last reset, and how many writes there were before: a read of what nobody has
    /// written to since is answered so again. Most are.
    answers: HashMap<String, (usize, Reply)>,
    /// What reads of what the template holds are answered, in every schedule.
    untouched: HashMap<String, Reply>,
}

/// A write that was carried out.
struct Write {
    at: i64,
    operation: String,
    body: String,
    /// One bit for each table that it names, in the order of `Table::ALL`.
    tables: u16,
    /// The keys that it names.
    keys: Keys,
}

impl Write {
    /// Whether a read of these tables may see it. All tables have keys of the same names, and none has an index: what is
    /// no scan names the partition that it reads, and what is no query the sort key too.
    fn is_seen_by(&self, operation: &str, body: &str, tables: u16) -> bool {
        let names = |keys: &[String]| keys.is_empty() || keys.iter().any(|key| body.contains(key));
        self.tables & tables != 0
            && match operation {
                "GetItem" | "BatchGetItem" | "TransactGetItems" => names(&self.keys.pks) && names(&self.keys.sks),
                "Query" => names(&self.keys.pks),
                _ => true,
            }
    }
}

/// The partition keys and the sort keys in a write, each as a request has it, in quotation marks.
struct Keys {
    pks: Vec<String>,
    /// None where a table has no sort key.
    sks: Vec<String>,
}

impl Keys {
    fn of(body: &str, tables: u16) -> Self {
        let is_sorted = network::of(tables).all(Table::is_sorted);
        Self {
            pks: texts(body, r#""pk":{"S":"#),
            sks: if is_sorted {
                texts(body, r#""sk":{"S":"#)
            } else {
                Vec::new()
            },
        }
    }
}

/// The texts after a name. One that has a quotation mark in it is cut short, and found in more than need be.
fn texts(body: &str, name: &str) -> Vec<String> {
    let texts = body.match_indices(name).map(|(start, _)| {
        let text = body.get(start + name.len()..).unwrap_or_default();
        let end = text.get(1..).and_then(|text| text.find('"'));
        text.get(..end.map_or(text.len(), |end| end + 2))
            .unwrap_or(text)
            .to_owned()
    });
    texts.collect()
}

/// The most answers that are kept from schedule to schedule.
const MOST_UNTOUCHED: usize = 20_000;

/// A file that databases are reset from; removed with it.
struct Template(PathBuf);

impl Drop for Template {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

static TEMPLATES: AtomicU64 = AtomicU64::new(0);

impl Store {
    pub(crate) fn new() -> Result<Self, DynoxideError> {
        let store = Self {
            database: Database::memory()?,
            replica: Database::memory()?,
            template: None,
            written: Vec::new(),
            replayed: 0,
            answers: HashMap::new(),
            untouched: HashMap::new(),
        };
        store.database.enable_bulk_loading()?;
        store.replica.enable_bulk_loading()?;
        Ok(store)
    }

    /// Makes what is stored now what every later [`reset`](Self::reset) goes back to.
    pub(crate) fn keep(&mut self) -> Result<(), DynoxideError> {
        let number = TEMPLATES.fetch_add(1, Ordering::Relaxed);
        let name = format!("apropos-simulation-{}-{number}.sqlite", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = std::fs::remove_file(&path);
        self.database.vacuum_into(&path.to_string_lossy())?;
        self.template = Some(Template(path));
        self.untouched.clear();
        self.reset()
    }

    pub(crate) fn reset(&mut self) -> Result<(), DynoxideError> {
        if let Some(Template(path)) = &self.template {
            self.database.restore_from(&path.to_string_lossy())?;
            if self.replayed > 0 || self.written.is_empty() {
                self.replica.restore_from(&path.to_string_lossy())?;
            }
        }
        self.written.clear();
        self.replayed = 0;
        self.answers.clear();
        Ok(())
    }

    /// Carries out an operation on these tables: one bit each, in the order of `Table::ALL`.
    pub(crate) fn call(&mut self, operation: &str, body: &str, tables: u16, now: i64) -> Reply {
        if !is_write(operation) {
            return self.read(operation, body, tables);
        }
        let reply = dispatch(&self.database, operation, body);
        // What is refused has no effect.
        if reply.status == 200 {
            self.written.push(Write {
                at: now,
                operation: operation.to_owned(),
                body: body.to_owned(),
                tables,
                keys: Keys::of(body, tables),
            });
        }
        reply
    }

    fn read(&mut self, operation: &str, body: &str, tables: u16) -> Reply {
        let question = question(operation, body);
        let count = self.written.len();
        let is_unseen_since = |since: usize| {
            let later = self.written.get(since..).unwrap_or_default();
            !later.iter().any(|write| write.is_seen_by(operation, body, tables))
        };
        if let Some((since, reply)) = self.answers.get_mut(&question)
            && is_unseen_since(*since)
        {
            *since = count;
            #[cfg(test)]
            same(reply, &dispatch(&self.database, operation, body));
            return reply.clone();
        }
        let is_untouched = self.template.is_some() && is_unseen_since(0);
        if is_untouched && let Some(reply) = self.untouched.get(&question) {
            #[cfg(test)]
            same(reply, &dispatch(&self.database, operation, body));
            return reply.clone();
        }
        let reply = dispatch(&self.database, operation, body);
        if reply.status == 200 {
            if is_untouched {
                if self.untouched.len() == MOST_UNTOUCHED {
                    self.untouched.clear();
                }
                self.untouched.insert(question, reply.clone());
            } else {
                self.answers.insert(question, (count, reply.clone()));
            }
        }
        reply
    }

    /// Reads as of a while ago: what was written since is not seen yet.
    pub(crate) fn stale(&mut self, operation: &str, body: &str, until: i64) -> Reply {
        while let Some(write) = self.written.get(self.replayed) {
            if write.at > until {
                break;
            }
            dispatch(&self.replica, &write.operation, &write.body);
            self.replayed += 1;
        }
        dispatch(&self.replica, operation, body)
    }

    /// An item as stored, for the eyes of the checks.
    pub(crate) fn item(&mut self, table: Table, pk: &str) -> Option<Value> {
        let name = format!("{PREFIX}{}", table.suffix());
        let body =
            serde_json::json!({ "TableName": name, "Key": { "pk": { "S": pk } }, "ConsistentRead": true }).to_string();
        let reply = self.read("GetItem", &body, network::named(&body));
        let answer: Value = serde_json::from_str(&reply.body).ok()?;
        answer.get("Item").cloned()
    }

    /// All that a table holds.
    pub(crate) fn items(&self, table: &str) -> Vec<Value> {
        let answer: Value = serde_json::from_str(&self.dump(table)).unwrap_or_default();
        match answer.get("Items").and_then(Value::as_array) {
            Some(items) => items.clone(),
            None => Vec::new(),
        }
    }

    /// Whether something written since the last reset says this.
    pub(crate) fn has_written(&self, text: &str) -> bool {
        self.written.iter().any(|write| write.body.contains(text))
    }

    /// All that a table holds, as text.
    pub(crate) fn dump(&self, table: &str) -> String {
        dispatch(
            &self.database,
            "Scan",
            &serde_json::json!({ "TableName": table }).to_string(),
        )
        .body
    }
}

/// A read in words of which the order is always the same: the SDK's maps have none.
fn question(operation: &str, body: &str) -> String {
    let sorted = serde_json::from_str::<Value>(body).map(|body| body.to_string());
    format!("{operation} {}", sorted.as_deref().unwrap_or(body))
}

fn is_write(operation: &str) -> bool {
    matches!(
        operation,
        "PutItem" | "UpdateItem" | "DeleteItem" | "TransactWriteItems" | "BatchWriteItem"
    )
}

fn dispatch(database: &Database, operation: &str, body: &str) -> Reply {
    let answer = match operation {
        "BatchGetItem" => run(body, |request| database.batch_get_item(request)),
        "BatchWriteItem" => run(body, |request| database.batch_write_item(request)),
        "CreateTable" => run(body, |request| database.create_table(request)),
        "DeleteItem" => run(body, |request| database.delete_item(request)),
        "GetItem" => run(body, |request| database.get_item(request)),
        "PutItem" => run(body, |request| database.put_item(request)),
        "Query" => run(body, |request| database.query(request)),
        "Scan" => run(body, |request| database.scan(request)),
        "TransactGetItems" => run(body, |request| database.transact_get_items(request)),
        "TransactWriteItems" => run(body, |request| database.transact_write_items(request)),
        "UpdateItem" => run(body, |request| database.update_item(request)),
        _ => return Reply::error(400, "UnknownOperationException"),
    };
    match answer {
        Ok(body) => Reply::ok(body),
        Err(error) => Reply {
            status: error.status_code(),
            kind: None,
            body: error.to_json(),
        },
    }
}

fn run<Q: DeserializeOwned, A: Serialize>(
    body: &str,
    call: impl FnOnce(Q) -> dynoxide::Result<A>,
) -> dynoxide::Result<String> {
    let broken = |error: serde_json::Error| DynoxideError::SerializationException(error.to_string());
    let answer = call(serde_json::from_str(body).map_err(broken)?)?;
    serde_json::to_string(&answer).map_err(broken)
}

/// What is remembered is what would be read now.
#[cfg(test)]
fn same(remembered: &Reply, now: &Reply) {
    let [remembered, now] = [remembered, now].map(|reply| serde_json::from_str::<Value>(&reply.body).unwrap());
    assert_eq!(remembered, now);
}

#[cfg(test)]
mod tests {
    use crate::plan::Plan;
    use crate::stage::Stage;

    #[test]
    fn whatever_is_answered_from_memory_is_what_is_stored() {
        let stage = Stage::new().unwrap();
        for seed in 0..12 {
            stage.run(&Plan::random(seed)).unwrap();
        }
    }
}
